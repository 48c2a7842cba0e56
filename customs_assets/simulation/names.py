"""Names for the people and companies of the simulated world, so that anonymization has something to remove.

What belongs here is how a name, a business number, an address or a vessel is written. Who they are and what they trade is
the world's (``world.py``). The words come from Faker's Korean and English lists; the draws are vectorised, since one call
of Faker for each of 30,000 parties would take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TRADES = (
    "Trading", "International", "Industries", "Technologies", "Electronics", "Plastics", "Textile", "Garment", "Machinery",
    "Foods", "Chemical", "Import & Export", "Hardware", "Optical", "Precision", "Furniture", "Materials", "Components",
    "Fashion", "Lighting", "Toys", "Instruments", "Metals", "Logistics", "Global", "Supply",
)  # fmt: skip

# How a company of a country is called at the end of its name; every other country's is "Ltd".
_SUFFIXES = {
    "CN": "Co., Ltd", "HK": "(HK) Limited", "JP": "K.K.", "US": "Inc", "DE": "GmbH", "IT": "S.p.A.", "FR": "S.A.",
    "VN": "JSC", "TW": "Corp", "KR": "Co., Ltd", "NL": "B.V.", "ES": "S.L.", "SG": "Pte Ltd", "TH": "Co., Ltd",
    "MY": "Sdn Bhd", "ID": "PT", "IN": "Pvt Ltd", "CH": "AG", "AT": "GmbH", "BE": "N.V.", "SE": "AB", "DK": "A/S",
}  # fmt: skip

_CARRIERS = (
    "Hanbit", "Mirae", "Saebyeok", "Dongbang", "Northwind", "Swift", "Blue Crane", "Orient", "Pacific", "Meridian",
    "Falcon", "Sunrise", "Jade", "Aurora", "Compass", "Harbor", "Evergold", "Skyway", "Tiger", "Polar", "Lotus",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Parties:
    """Names and contact details of parties of one kind; every list has one entry for each party, and names are unique."""

    names: list[str]
    numbers: list[str]
    addresses: list[str]
    phones: list[str]
    emails: list[str]


def _pick(rng: np.random.Generator, words: list[str], size: int) -> np.ndarray:
    return np.array(words, dtype=object)[rng.integers(0, len(words), size)]


def _korean_words() -> tuple[list[str], list[str], list[str], list[str], list[str]]:
    """Family names, given names, company words, company brands and legal forms."""
    from faker.providers.company.ko_KR import Provider as Company
    from faker.providers.person.ko_KR import Provider as Person

    return (
        list(Person.last_names),
        list(Person.first_names),
        list(Company.company_name_words),
        list(Company.brand_suffixes),
        list(Company.company_suffixes),
    )


def people(rng: np.random.Generator, count: int) -> np.ndarray:
    """Korean names of ``count`` people, not unique."""
    family, given, *_ = _korean_words()
    return _pick(rng, family, count) + _pick(rng, given, count)


def business_numbers(rng: np.random.Generator, count: int) -> list[str]:
    """``count`` different business registration numbers, such as ``214-86-10472``."""
    serials = rng.permutation(90_000)[:count] + 10_000
    offices, kinds = rng.integers(101, 900, count), rng.integers(11, 99, count)
    return [f"{a}-{b}-{c}" for a, b, c in zip(offices, kinds, serials, strict=True)]


def _addresses(rng: np.random.Generator, count: int) -> list[str]:
    from faker.providers.address.ko_KR import Provider as Address

    city = _pick(rng, list(Address.metropolitan_cities), count)
    borough = _pick(rng, list(Address.boroughs), count)
    road = _pick(rng, list(Address.road_names), count)
    numbers = rng.integers(1, 400, count)
    return [f"{a} {b} {c}로 {n}" for a, b, c, n in zip(city, borough, road, numbers, strict=True)]


def _contacts(rng: np.random.Generator, numbers: list[str]) -> tuple[list[str], list[str]]:
    """Telephone numbers and e-mail addresses (of the domain that is reserved for examples)."""
    count = len(numbers)
    area, first, second = rng.integers(31, 65, count), rng.integers(200, 999, count), rng.integers(1000, 9999, count)
    phones = [f"0{a}-{b}-{c}" for a, b, c in zip(area, first, second, strict=True)]
    return phones, [f"import.{number.replace('-', '')}@example.com" for number in numbers]


def importers(rng: np.random.Generator, is_person: np.ndarray) -> Parties:
    """Importers: companies, and people where ``is_person``; a name holds the business or clearance number."""
    count = len(is_person)
    _, _, words, brands, forms = _korean_words()
    companies = _pick(rng, forms, count) + " " + _pick(rng, words, count) + _pick(rng, words, count)
    companies = companies + _pick(rng, brands, count)
    numbers = business_numbers(rng, count)
    called = np.where(is_person, people(rng, count), companies)
    names = [f"{name} {number}" for name, number in zip(called, numbers, strict=True)]
    phones, emails = _contacts(rng, numbers)
    return Parties(names, numbers, _addresses(rng, count), phones, emails)


def declarants(rng: np.random.Generator, count: int) -> tuple[list[str], list[str]]:
    """Brokers: their names (a broker's, with the licence number) and five-digit licence numbers, all different."""
    licences = [f"{number:05d}" for number in rng.permutation(90_000)[:count] + 10_000]
    called = people(rng, count)
    forms = _pick(rng, ["관세사무소", "관세법인", "합동관세사"], count)
    return [f"{form} {name} {n}" for form, name, n in zip(forms, called, licences, strict=True)], licences


def sellers(rng: np.random.Generator, countries: np.ndarray) -> tuple[list[str], list[str]]:
    """Overseas sellers: their names, each with a code that begins with the country, and their brands."""
    from faker.providers.person.en_US import Provider as Person

    count = len(countries)
    family = list(Person.last_names)
    brand = _pick(rng, family, count)
    trade = _pick(rng, list(_TRADES), count)
    names = [
        f"{b} {t} {_SUFFIXES.get(country, 'Ltd')} {country}{number:05d}"
        for b, t, country, number in zip(brand, trade, countries, rng.permutation(90_000)[:count] + 10_000, strict=True)
    ]
    return names, [f"{b.upper()}" for b in brand]


def couriers(rng: np.random.Generator, count: int) -> list[str]:
    """Delivery services, all different."""
    words = [f"{a} {b}" for a in _CARRIERS for b in ("Express", "Parcel", "Logistics", "Air Cargo", "Post")]
    return [words[i] for i in rng.permutation(len(words))[:count]]


def vessels(rng: np.random.Generator, count: int) -> list[str]:
    """Names of vessels, ``count`` of them."""
    from faker.providers.person.en_US import Provider as Person

    first = _pick(rng, list(_CARRIERS), count)
    second = _pick(rng, list(Person.last_names), count)
    return [f"{a} {b}".upper() for a, b in zip(first, second, strict=True)]
