"""The simulated world: who trades what with whom, where and how. Made once for each seed; a month is drawn from it.

What belongs here are the parties (importers, sellers, declarants, couriers), their standing trade and how it changes over
the months. The unit of standing trade is a *lane*: one importer's trade in one code from one origin by one route under one
claim, with its usual seller, brokers, offices and terms. Relations between the columns of a declaration are the relations
of its lane. Fraud's mechanisms stand in ``fraud.py``, the law in ``tariff.py``, the drawing of declarations in ``month.py``.

The weights of the lanes are raked (iterative proportional fitting) so that the *labelled* declarations have the published
shares of every code at once, given which lanes are inspected more than others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from customs_assets.seeds import derive_rng
from customs_assets.simulation import fraud, names, published_shares, tariff
from customs_assets.simulation.lanes import Lanes

IMPORTERS = 18_000
SELLERS = 23_000
DECLARANTS = 1_243
COURIERS = 81
VESSELS = 1_500

# The months of the paper; shares are fitted over these.
FITTED_MONTHS = 18

# Strength of an origin in each of the industry groups of ``tariff.GROUP_STARTS``, against its share over all goods.
_ORIGIN_GOODS = {
    "CN": (0.8, 0.85, 1.0, 0.9, 1.0, 1.2, 1.15, 1.05, 0.35, 0.7, 1.6),
    "JP": (0.4, 1.8, 0.4, 1.0, 0.3, 0.3, 1.1, 1.3, 0.8, 1.3, 0.9),
    "US": (1.2, 1.3, 0.4, 1.0, 0.3, 0.4, 0.9, 1.2, 2.6, 2.1, 0.7),
    "KR": (0.2, 1.0, 0.2, 1.0, 1.0, 0.5, 0.8, 1.4, 1.0, 2.0, 0.3),
    "DE": (0.3, 1.4, 0.1, 0.8, 0.3, 0.3, 1.1, 1.3, 5.0, 2.5, 0.6),
    "VN": (2.0, 0.5, 0.9, 2.0, 2.2, 3.0, 0.6, 0.8, 0.3, 0.3, 0.9),
    "IT": (0.6, 0.5, 6.0, 0.5, 2.2, 4.0, 0.8, 0.4, 0.9, 0.5, 0.5),
    "FR": (1.5, 2.0, 4.0, 0.5, 0.8, 0.6, 0.5, 0.6, 1.5, 1.0, 0.8),
    "TW": (0.4, 1.0, 0.3, 0.3, 0.8, 0.3, 1.5, 1.4, 1.5, 1.0, 1.0),
    "TH": (2.5, 1.0, 0.5, 0.6, 0.6, 0.5, 1.4, 0.8, 0.6, 0.6, 0.4),
    "AU": (4.0, 0.6, 0.2, 0.8, 0.2, 0.2, 0.7, 0.3, 0.4, 0.8, 0.4),
    "IN": (1.5, 1.6, 1.5, 0.5, 2.5, 0.5, 1.0, 0.4, 0.4, 0.3, 0.5),
    "BD": (0.1, 0.1, 0.5, 0.1, 8.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1),
    "CL": (8.0, 0.3, 0.1, 1.0, 0.1, 0.1, 1.0, 0.1, 0.1, 0.1, 0.1),
}

# How far the headings differ in which origins are good at them (log scale).
_ADVANTAGE = 1.2

# An unusual claim's weight where the schedule allows it; agreements take the importer's readiness to claim instead.
_CLAIM_WEIGHTS = {
    "C": 1.0,
    "CIT": 0.5,
    "F": 0.4,
    "L": 0.4,
    "P3": 0.4,
    "R": 0.1,
    "W1": 0.3,
    "W2": 0.5,
    "FCN2": 0.3,
    "E1": 0.4,
}

# Goods whose trade follows the season: chapter to the month (1 to 12) of its peak.
_SEASONAL_CHAPTERS = {61: 9, 62: 9, 95: 11, 8: 4, 84: 3, 94: 10, 64: 3, 7: 7, 22: 12, 33: 5}


@dataclass(frozen=True, slots=True, eq=False)
class Importers:
    """The importers; every array has one entry for each.

    Attributes:
        size: expected share of the labelled declarations; sums to 1.
        is_person: whether it is a person, who imports a few parcels.
        claims: readiness to claim an agreement's rate, in [0, 1].
        office: main office, as an index into the values of ``office_id``.
        declarants: its three brokers, the usual one first.
        propensity: how far it leans to fraud, a standard normal score.
        cycle, phase, active: it trades in month t where ``(t + phase) % cycle < active``.
    """

    size: np.ndarray
    is_person: np.ndarray
    claims: np.ndarray
    office: np.ndarray
    declarants: np.ndarray
    propensity: np.ndarray
    cycle: np.ndarray
    phase: np.ndarray
    active: np.ndarray

    def trading(self, months_since_start: int) -> np.ndarray:
        """Who trades in the month, as booleans."""
        return (months_since_start + self.phase) % self.cycle < self.active


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A world: its standing trade, its parties and the lists that the lanes' codes point into."""

    seed: int
    inspected_share: float
    lanes: Lanes
    importers: Importers
    values: dict[str, list[str]]
    importer_names: names.Parties
    declarant_names: list[str]
    declarant_licences: list[str]
    seller_names: list[str]
    seller_brands: list[str]
    seller_countries: np.ndarray
    courier_names: list[str]
    vessel_names: list[str]

    def month_weights(self, months_since_start: int) -> np.ndarray:
        """Relative number of declarations of each lane in a month, the months being counted from 2020-01."""
        return self.lanes.weight * lane_factors(self.importers, self.lanes, self.values, months_since_start)


def draw(rng: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    """``size`` indices drawn by weight, by inversion."""
    edges = np.cumsum(weights)
    return np.minimum(np.searchsorted(edges, rng.random(size) * edges[-1], side="right"), len(weights) - 1)


def _draw_rows(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """One index for each row of a matrix of weights."""
    edges = np.cumsum(weights, axis=1)
    return np.minimum((edges <= (rng.random(len(weights)) * edges[:, -1])[:, None]).sum(axis=1), weights.shape[1] - 1)


def value_lists() -> dict[str, list[str]]:
    """The values of each coded attribute, in ascending order, and the tax types in the schedule's order."""
    found = {name: sorted(published_shares.distribution(name)) for name in published_shares.SHARES}
    countries = sorted({*found["country_of_origin"], *found["country_of_departure"]})
    return found | {"country": countries, "tax_type": list(tariff.TAX_TYPES)}


def _shares(attribute: str, values: list[str]) -> np.ndarray:
    """The published shares of an attribute in the order of ``values``; 0 where a value is not published."""
    published = published_shares.distribution(attribute)
    return np.array([published.get(value, 0.0) for value in values])


def _importer_sizes(rng: np.random.Generator) -> np.ndarray:
    """Heavy-tailed sizes: log-normal, with some sixty giants."""
    sizes = np.exp(0.9 * rng.standard_normal(IMPORTERS))
    giants = np.arange(60)
    sizes[giants] = sizes.mean() * 55 / (1 + 0.12 * giants)
    return sizes / sizes.sum()


def _declarant_offices(rng: np.random.Generator, office_shares: np.ndarray) -> np.ndarray:
    """The office at which each declarant works: one at every office, the others by its trade."""
    offices = len(office_shares)
    return np.concatenate([np.arange(offices), draw(rng, office_shares, DECLARANTS - offices)])


def _brokers_of(rng: np.random.Generator, office: np.ndarray, declarant_office: np.ndarray) -> np.ndarray:
    """Three brokers for each importer, from the office's, the large ones more often."""
    size = (np.arange(DECLARANTS) + 4.0) ** -0.72
    size = size[np.argsort(np.argsort(rng.random(DECLARANTS)))]
    found = np.empty((len(office), 3), dtype=np.int64)
    for place in range(int(declarant_office.max()) + 1):
        here = np.flatnonzero(declarant_office == place)
        who = np.flatnonzero(office == place)
        found[who] = here[draw(rng, size[here], 3 * len(who))].reshape(-1, 3)
    return found


def _make_importers(rng: np.random.Generator, values: dict[str, list[str]]) -> Importers:
    sizes = _importer_sizes(rng)
    office_shares = _shares("office_id", values["office_id"])
    office = draw(rng, office_shares, IMPORTERS)
    cycle = rng.integers(30, 60, IMPORTERS)
    stays = rng.random(IMPORTERS) < 0.85
    return Importers(
        size=sizes,
        is_person=(rng.random(IMPORTERS) < 0.18) & (sizes < np.median(sizes)),
        claims=rng.beta(2.0, 1.6, IMPORTERS),
        office=office,
        declarants=_brokers_of(rng, office, _declarant_offices(rng, office_shares)),
        propensity=rng.standard_normal(IMPORTERS),
        cycle=cycle,
        phase=rng.integers(0, 60, IMPORTERS),
        active=np.where(stays, cycle, np.round(cycle * rng.uniform(0.35, 0.9, IMPORTERS))).astype(np.int64),
    )


def _lane_owners(rng: np.random.Generator, importers: Importers) -> np.ndarray:
    """The importer of each lane: from one lane for the smallest to some sixty for a giant."""
    expected = importers.size * published_shares.LABELLED_ROWS
    count = 1.1 + 1.0 * expected**0.7 * np.exp(0.3 * rng.standard_normal(IMPORTERS))
    return np.repeat(np.arange(IMPORTERS), np.clip(np.round(count), 1, 90).astype(np.int64))


def _lane_codes(rng: np.random.Generator, owner: np.ndarray) -> np.ndarray:
    """The HS10 code of each lane: importers keep to few headings, near their first."""
    law = tariff.schedule()
    anchors = draw(rng, law.weights, IMPORTERS * 3).reshape(-1, 3)
    stray = law.groups[anchors] != law.groups[anchors[:, :1]]
    anchors = np.where(stray & (rng.random(anchors.shape) < 0.7), anchors[:, :1], anchors)
    code = anchors[owner, _draw_rows(rng, np.tile([0.5, 0.3, 0.2], (len(owner), 1)))]
    return np.where(rng.random(len(owner)) < 0.3, tariff.neighbouring_codes(rng, law.headings, code), code)


def _goods_by_origin(values: dict[str, list[str]]) -> np.ndarray:
    """Weights of the origins by industry group: groups × countries."""
    strength = np.ones((len(tariff.GROUP_STARTS), len(values["country"])))
    for country, by_group in _ORIGIN_GOODS.items():
        strength[:, values["country"].index(country)] = by_group
    return strength * _shares("country_of_origin", values["country"])


def _lane_origins(
    rng: np.random.Generator, owner: np.ndarray, code: np.ndarray, values: dict[str, list[str]]
) -> np.ndarray:
    """Origins by goods, each heading having origins of its own; an importer mostly keeps to the origin that it knows."""
    law = tariff.schedule()
    by_group = _goods_by_origin(values)
    first = np.unique(law.headings, return_index=True)[1]
    advantage = np.exp(_ADVANTAGE * rng.standard_normal((len(first), by_group.shape[1])))
    by_heading = by_group[law.groups[first]] * advantage
    heading = law.headings[code]
    usual = _draw_rows(rng, by_heading[heading[np.searchsorted(owner, np.arange(IMPORTERS))]])[owner]
    fresh = _draw_rows(rng, by_heading[heading])
    return np.where((rng.random(len(owner)) < 0.5) & (by_heading[heading, usual] > 0), usual, fresh)


def _lane_departures(rng: np.random.Generator, origin: np.ndarray, values: dict[str, list[str]]) -> np.ndarray:
    """Departures: mostly the origin itself; goods of Korean origin return from where they had been sold."""
    countries = values["country"]
    share = _shares("country_of_departure", countries)
    direct = np.where(share[origin] > 0, 0.87, 0.0)
    direct[origin == countries.index("KR")] = 0.24
    elsewhere = share**1.25
    elsewhere[countries.index("HK")] *= 6
    elsewhere[countries.index("CN")] *= 0.5
    return np.where(rng.random(len(origin)) < direct, origin, draw(rng, elsewhere, len(origin)))


def _claim_weights(
    code: np.ndarray, origin: np.ndarray, departure: np.ndarray, claims: np.ndarray, values: dict[str, list[str]]
) -> np.ndarray:
    """How readily each tax type is declared: rows × tax types, 0 where the law does not allow it."""
    rates = tariff.schedule().rates[code]
    lawful = ~np.isnan(rates) & tariff.route_matrix(values["country"])[:, origin, departure].T
    general = len(tariff.GENERAL_TAX_TYPES)
    kinds = tariff.TAX_TYPES
    weight = np.tile([_CLAIM_WEIGHTS.get(kind, 0.0) for kind in kinds], (len(code), 1))
    for column, kind in enumerate(kinds[general:], start=general):
        if kind not in _CLAIM_WEIGHTS:
            weight[:, column] = 2.2 * claims
    weight[:, 0] = np.where(np.isnan(rates[:, kinds.index("C")]), 1.0, 0.02) * (1.15 - claims)
    return weight * lawful


def _lane_modes(
    rng: np.random.Generator, owner: np.ndarray, group: np.ndarray, importers: Importers, values: dict
) -> np.ndarray:
    """Modes of transport: by office, goods and kind of importer; the index into the values of ``mode_of_transport``."""
    share = _shares("mode_of_transport", values["mode_of_transport"])
    air = np.array([0.6, 0.8, 1.6, 0.6, 1.3, 1.3, 0.7, 1.6, 0.9, 1.8, 1.0])[group]
    airport = importers.office[owner] == values["office_id"].index("40")
    air = air * np.where(airport, 3.0, 0.6) * np.where(importers.is_person[owner], 4.0, 1.0)
    weights = np.tile(share, (len(owner), 1))
    weights[:, values["mode_of_transport"].index("40")] *= air
    weights[:, values["mode_of_transport"].index("50")] *= np.where(importers.is_person[owner], 12.0, 0.8)
    usual = _draw_rows(rng, weights[np.searchsorted(owner, np.arange(IMPORTERS))])
    return np.where(rng.random(len(owner)) < 0.6, usual[owner], _draw_rows(rng, weights))


def _make_sellers(rng: np.random.Generator, lanes: dict[str, np.ndarray]) -> np.ndarray:
    """The sellers' lanes of origin: a seller's country and chapter are those of a lane drawn at random."""
    return rng.integers(0, len(lanes["importer"]), SELLERS)


def _lane_sellers(rng: np.random.Generator, lanes: dict[str, np.ndarray], model: np.ndarray) -> np.ndarray:
    """The seller of each lane, -1 for none: one of the lane's country and chapter, the importer's usual one first."""
    chapter = tariff.schedule().chapters[lanes["code"]]
    country = np.where(rng.random(len(chapter)) < 0.9, lanes["origin"], lanes["departure"])
    key = country * 100 + chapter
    seller_key = lanes["origin"][model] * 100 + chapter[model]
    order = np.argsort(seller_key, kind="stable")
    ordered = seller_key[order]
    start, end = np.searchsorted(ordered, key, side="left"), np.searchsorted(ordered, key, side="right")
    _, pair = np.unique(lanes["importer"] * 100_000 + key, return_inverse=True)
    usual = rng.random(int(pair.max()) + 1)[pair]
    place = np.where(rng.random(len(key)) < 0.985, usual, rng.random(len(key)))
    chosen = order[np.minimum(start + ((end - start) * place).astype(np.int64), len(order) - 1)]
    nameless = rng.random(len(key)) < np.where(lanes["parcel"], 0.35, 0.07)
    return np.where((end > start) & ~nameless, chosen, -1)


def _lane_couriers(
    rng: np.random.Generator, mode: np.ndarray, parcel: np.ndarray, values: dict[str, list[str]]
) -> np.ndarray:
    """The courier of each lane, -1 for none: air and post, small parcels."""
    modes = values["mode_of_transport"]
    by_mode = np.array([{"40": 0.3, "10": 0.06, "50": 0.4, "30": 0.4, "90": 0.4}.get(m, 0.3) for m in modes])
    sent = rng.random(len(mode)) < np.minimum(by_mode[mode] * np.where(parcel, 2.2, 0.8), 0.95)
    by_sea = modes.index("10")
    size = (np.arange(COURIERS) + 0.6) ** -1.25
    shifted = np.roll(size, 7)
    found = np.where(mode == by_sea, draw(rng, shifted, len(mode)), draw(rng, size, len(mode)))
    return np.where(sent, found, -1)


def _sticky(rng: np.random.Generator, owner: np.ndarray, attribute: str, values: dict[str, list[str]]) -> np.ndarray:
    """A code drawn by its published share, which an importer mostly keeps."""
    share = _shares(attribute, values[attribute])
    usual = draw(rng, share, IMPORTERS)
    return np.where(rng.random(len(owner)) < 0.75, usual[owner], draw(rng, share, len(owner)))


def _lane_terms(
    rng: np.random.Generator, owner: np.ndarray, importers: Importers, values: dict
) -> dict[str, np.ndarray]:
    """Import type, use, payment, offices and brokers of each lane, and whether it is parcels for a person."""
    person = importers.is_person[owner]
    types = values["import_type"]
    parcel_types = np.array([types.index(t) for t in ("15", "87", "94")])
    import_type = _sticky(rng, owner, "import_type", values)
    import_type = np.where(
        person & (rng.random(len(owner)) < 0.5), parcel_types[rng.integers(0, 3, len(owner))], import_type
    )
    payment = _sticky(rng, owner, "payment_type", values)
    second = draw(rng, _shares("office_id", values["office_id"]), len(owner))
    office = np.where(rng.random(len(owner)) < 0.88, importers.office[owner], second)
    slot = draw(rng, np.array([0.72, 0.19, 0.09]), len(owner))
    return {
        "import_type": import_type,
        "import_use": _sticky(rng, owner, "import_use", values),
        "payment": np.where(person, values["payment_type"].index("43"), payment),
        "office": office,
        "second_office": second,
        "declarant": importers.declarants[owner, slot],
        "second_declarant": importers.declarants[owner, (slot + 1) % 3],
        "parcel": person | (np.isin(import_type, parcel_types) & (rng.random(len(owner)) < 0.5)),
    }


def _lane_prices(rng: np.random.Generator, lanes: dict[str, np.ndarray], values: dict[str, list[str]]) -> np.ndarray:
    """log10 of KRW per kg: the code's, with effects of seller, origin and lane."""
    dear = {
        "CN": -0.15,
        "VN": -0.12,
        "IN": -0.12,
        "BD": -0.2,
        "JP": 0.12,
        "US": 0.1,
        "DE": 0.15,
        "IT": 0.2,
        "FR": 0.2,
        "CH": 0.3,
    }
    by_origin = np.array([dear.get(country, 0.0) for country in values["country"]])
    by_seller = 0.15 * rng.standard_normal(SELLERS + 1)
    own = 0.08 * rng.standard_normal(len(lanes["code"]))
    return tariff.schedule().log_prices[lanes["code"]] + by_origin[lanes["origin"]] + by_seller[lanes["seller"]] + own


def _mass_tendency(
    rng: np.random.Generator, lanes: dict[str, np.ndarray], importers: Importers, values: dict
) -> np.ndarray:
    """Where the lane's usual net mass stands, on no particular scale: by mode, kind, goods and importer."""
    sea = lanes["mode"] == values["mode_of_transport"].index("10")
    size = np.log(importers.size[lanes["importer"]])
    price = tariff.schedule().log_prices[lanes["code"]]
    return (
        np.where(sea, 0.8, -0.5)
        - np.where(lanes["parcel"], 1.2, 0.0)
        - 0.7 * (price - price.mean())
        + 0.15 * (size - size.mean())
        + 0.9 * rng.standard_normal(len(price))
    )


def _honest_lanes(
    rng: np.random.Generator, importers: Importers, values: dict[str, list[str]]
) -> tuple[Lanes, np.ndarray]:
    """The honest lanes, not yet weighted, and the country of each seller."""
    law = tariff.schedule()
    owner = _lane_owners(rng, importers)
    code = _lane_codes(rng, owner)
    lanes: dict[str, np.ndarray] = {"importer": owner, "code": code} | _lane_terms(rng, owner, importers, values)
    lanes["mode"] = _lane_modes(rng, owner, law.groups[code], importers, values)
    lanes["origin"] = _lane_origins(rng, owner, code, values)
    lanes["departure"] = _lane_departures(rng, lanes["origin"], values)
    lanes["claim"] = _draw_rows(
        rng, _claim_weights(code, lanes["origin"], lanes["departure"], importers.claims[owner], values)
    )
    lanes["rate"] = law.rates[code, lanes["claim"]]
    model = _make_sellers(rng, lanes)
    lanes["seller"] = _lane_sellers(rng, lanes, model)
    lanes["courier"] = _lane_couriers(rng, lanes["mode"], lanes["parcel"], values)
    lanes["indicator"] = _sticky(rng, owner, "country_of_origin_indicator", values)
    lanes["log_price"] = _lane_prices(rng, lanes, values)
    lanes["mass_score"] = _mass_tendency(rng, lanes, importers, values)
    lanes["growth"] = 0.015 * rng.standard_normal(len(owner)) + 0.01 * lanes.pop("parcel")
    share = np.exp(1.0 * rng.standard_normal(len(owner)))
    share = share / np.bincount(owner, share)[owner] * importers.size[owner]
    zeros = np.zeros(len(owner))
    lanes |= {"mechanism": np.zeros(len(owner), dtype=np.int64), "risk": np.zeros((len(owner), 3)), "inspection": zeros}
    return Lanes(**lanes, labelled=share, weight=zeros), lanes["origin"][model]


def lane_factors(importers: Importers, lanes: Lanes, values: dict[str, list[str]], month: int) -> np.ndarray:
    """How much each lane trades in a month against its standing weight: entry and exit, trend, season and the shock.

    The shock is the pandemic's: departures from China fall in February and March 2020, textile articles (masks) rise from
    March to August, air freight rises in spring.
    """
    trading = importers.trading(month)[lanes.importer]
    factor = np.where(trading, np.exp(lanes.growth * min(month, 36)), 0.0)
    chapter = tariff.schedule().chapters[lanes.code]
    for number, peak in _SEASONAL_CHAPTERS.items():
        factor[chapter == number] *= 1 + 0.3 * np.cos(2 * np.pi * (month % 12 + 1 - peak) / 12)
    from_china = lanes.departure == values["country"].index("CN")
    factor *= np.where(from_china, {1: 0.6, 2: 0.8}.get(month, 1.0), 1.0)
    if 2 <= month <= 7:
        factor *= np.where(chapter == 63, 2.2, 1.0)
    if 2 <= month <= 4:
        factor *= np.where(lanes.mode == values["mode_of_transport"].index("40"), 1.12, 1.0)
    return factor


# Volume of the calendar months, January to December.
_SEASON = (1.10, 0.90, 1.05, 1.02, 0.97, 1.00, 1.04, 0.97, 1.00, 0.98, 1.01, 1.00)
_SHOCK = {0: 1.18, 1: 0.95, 3: 0.97}


def month_volume(month: int) -> float:
    """Declarations of a month against the average of the first 18, the months being counted from 2020-01."""

    def relative(t: int) -> float:
        return _SEASON[t % 12] * _SHOCK.get(t, 1.0)

    return relative(month) * FITTED_MONTHS / sum(relative(t) for t in range(FITTED_MONTHS))


def _average_factors(
    importers: Importers, lanes: Lanes, values: dict[str, list[str]], weight: np.ndarray
) -> np.ndarray:
    """The factor of each lane over the fitted months, by their volumes."""
    total = np.zeros(len(weight))
    for month in range(FITTED_MONTHS):
        factor = lane_factors(importers, lanes, values, month)
        total += month_volume(month) / FITTED_MONTHS * factor / (weight * factor).sum()
    return total


def _rate_classes(lanes: Lanes) -> tuple[np.ndarray, np.ndarray]:
    """The class of each lane's rate among the published ones (the last class is every other), and the targets."""
    published = published_shares.SHARES["tax_rate"]
    classes = np.full(len(lanes.rate), len(published))
    for number, rate in enumerate(published):
        classes[lanes.rate == float(rate)] = number
    shares = [share / 100 for share in published.values()]
    return classes, np.array([*shares, 1 - sum(shares)])


def _margins(lanes: Lanes, importers: Importers, values: dict[str, list[str]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the labelled rows are raked to: the class of each lane, and the share of each class."""
    by_name = {
        "office_id": lanes.office, "import_type": lanes.import_type, "import_use": lanes.import_use,
        "payment_type": lanes.payment, "mode_of_transport": lanes.mode, "tax_type": lanes.claim,
        "country_of_origin_indicator": lanes.indicator,
    }  # fmt: skip
    found = [(classes, _shares(name, values[name])) for name, classes in by_name.items()]
    found.append((lanes.origin, _shares("country_of_origin", values["country"])))
    found.append((lanes.departure, _shares("country_of_departure", values["country"])))
    chapters = np.zeros(98)
    for number, chapter in tariff.chapters().items():
        chapters[number] = chapter.weight
    for text, share in published_shares.SHARES["chapter"].items():
        chapters[int(text)] = share / 100
    found.append((tariff.schedule().chapters[lanes.code], chapters))
    for absent, share in (
        (lanes.seller < 0, published_shares.SELLER_EMPTY),
        (lanes.courier < 0, published_shares.COURIER_EMPTY),
    ):
        found.append((absent.astype(np.int64), np.array([1 - share / 100, share / 100])))
    mechanisms = np.zeros(len(fraud.Mechanism))
    for mechanism, share in fraud.STANDING.items():
        mechanisms[mechanism] = share
    mechanisms[fraud.Mechanism.NONE] = 1 - mechanisms.sum()
    found.append((lanes.mechanism, mechanisms))
    found.append((lanes.importer, importers.size))
    found.append(_rate_classes(lanes))
    return found


def rake(weight: np.ndarray, margins: list[tuple[np.ndarray, np.ndarray]], rounds: int) -> np.ndarray:
    """Weights whose sums over the classes of every margin come to the targets (iterative proportional fitting).

    A class without a target keeps its weight of the moment; a step changes a weight by a factor of 4 at most, so that a
    scarce class does not blow up one lane.
    """
    weight = weight / weight.sum()
    for _ in range(rounds):
        for classes, target in margins:
            now = np.bincount(classes, weight, minlength=len(target))
            goal = np.where(target > 0, target, now)
            goal = goal / goal[now > 0].sum()
            factor = np.clip(np.divide(goal, now, out=np.ones_like(now), where=now > 0), 0.25, 4.0)
            weight = weight * factor[classes]
        weight = weight / weight.sum()
    return weight


def _normal_scores(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Standard normal scores of the weighted ranks."""
    from statistics import NormalDist

    order = np.argsort(value, kind="stable")
    rank = np.empty(len(value))
    rank[order] = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    grid = np.linspace(-6, 6, 2401)
    cdf = np.array([NormalDist().cdf(z) for z in grid])
    return np.interp(np.clip(rank, 1e-7, 1 - 1e-7), cdf, grid)


def _leaning(lanes: Lanes, importers: Importers, seed: int) -> np.ndarray:
    """How far each lane leans to fraud (log odds), by its importer, its broker and its own circumstances."""
    rng = derive_rng(seed, "simulated_world", purpose="leaning")
    broker = rng.standard_normal(DECLARANTS)[lanes.declarant]
    return 0.15 * importers.propensity[lanes.importer] + 0.1 * broker + 0.1 * rng.standard_normal(len(broker))


def _weighted(
    lanes: Lanes, importers: Importers, values: dict[str, list[str]], inspected_share: float, seed: int
) -> Lanes:
    """The lanes with their weights, risks and chances of inspection.

    What is inspected more than the rest needs fewer declarations for its share of the labelled ones, so the weight is the
    labelled share over the chance of inspection and over what the months make of it.
    """
    ever = _average_factors(importers, lanes, values, lanes.labelled) > 0
    raked = rake(np.where(ever, lanes.labelled, 0.0), _margins(lanes, importers, values), rounds=100)
    labelled = np.where(ever, raked, lanes.labelled)
    lanes = replace(lanes, mass_score=_normal_scores(lanes.mass_score, raked))
    inspection = fraud.rule_scores(lanes, values)
    risk = fraud.risks(lanes, _leaning(lanes, importers, seed), raked, values)
    needed = labelled / (inspection * fraud.selection_lift(lanes.mechanism, risk))
    weight = needed
    for _ in range(3):
        factor = _average_factors(importers, lanes, values, weight)
        weight = needed / np.where(ever, factor, 1 / weight.sum())
        weight = weight / weight[ever].sum()
    needed = needed[ever].sum()
    return replace(
        lanes,
        labelled=raked,
        risk=risk,
        inspection=inspection * inspected_share * needed,
        weight=weight,
    )


@lru_cache(maxsize=2)
def make_world(seed: int, inspected_share: float = 0.05) -> World:
    """The world of a seed, with the share of its declarations that is inspected.

    It costs about two seconds and is kept for the process.
    """
    values = value_lists()
    importers = _make_importers(derive_rng(seed, "simulated_world", purpose="importers"), values)
    honest, seller_country = _honest_lanes(derive_rng(seed, "simulated_world", purpose="lanes"), importers, values)
    rng = derive_rng(seed, "simulated_world", purpose="misdeclared")
    lanes = Lanes.join(honest, fraud.misdeclared(honest, importers.propensity, rng, values))
    rng = derive_rng(seed, "simulated_world", purpose="names")
    countries = np.array(values["country"], dtype=object)[seller_country]
    declarant_names, licences = names.declarants(rng, DECLARANTS)
    seller_names, brands = names.sellers(rng, countries)
    return World(
        seed=seed,
        inspected_share=inspected_share,
        lanes=_weighted(lanes, importers, values, inspected_share, seed),
        importers=importers,
        values=values,
        importer_names=names.importers(rng, importers.is_person),
        declarant_names=declarant_names,
        declarant_licences=licences,
        seller_names=seller_names,
        seller_brands=brands,
        seller_countries=countries,
        courier_names=names.couriers(rng, COURIERS),
        vessel_names=names.vessels(rng, VESSELS),
    )
