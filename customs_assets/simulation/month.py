"""A month of declarations, drawn from the world: the whole import declaration form, column by column.

What belongs here is how single declarations scatter about the standing trade: days, masses, prices, papers, taxes, and who
is inspected. What is traded, and with whom, is the world's (``world.py``); what fraud does is in ``fraud.py``.

A month is drawn in blocks of :data:`BLOCK_ROWS` declarations, each with a generator of its own, so that any month (and any
block) can be drawn alone, on any number of threads, with the same result. Amounts are rounded as on the form, which also
takes away the last binary digits in which the mathematical libraries of two machines may differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets import declaration
from customs_assets.months import first_day, next_month
from customs_assets.seeds import derive_rng
from customs_assets.simulation import fraud, published_shares, tariff
from customs_assets.simulation.world import World, month_volume

# The simulated administration begins with the paper's data, whatever form is in force.
FIRST_MONTH = "2020-01"
BLOCK_ROWS = 1 << 17
THREADS = 2

# How much of a declaration's net mass (as a normal score) its lane decides.
_LANE_MASS = 0.85

# Mantissas on which declared masses heap, by the first two digits (10 to 99) of the true one.
_ROUND_VALUES = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])

_CURRENCIES = ("USD", "EUR", "JPY", "CNY", "GBP", "KRW")
_KRW_PER_UNIT = np.array([1165.0, 1340.0, 10.9, 173.0, 1530.0, 1.0])
_INCOTERMS = ("FOB", "CIF", "EXW", "CFR", "FCA", "DAP")
_PACKAGE_UNITS = ("CT", "PK", "PL", "GT", "BG", "RL")
_PORTS = {"10": ("KRPUS", "KRINC", "KRPTK", "KRKAN"), "40": ("KRICN", "KRGMP"), "50": ("KRICN",)}
_REQUIREMENTS = {
    **dict.fromkeys(range(1, 25), "Food import report"), 30: "Medicine import report", 33: "Cosmetics import report",
    85: "Electrical safety approval", 90: "Medical device report", 95: "Children's product safety", 87: "Vehicle approval",
}  # fmt: skip


def month_number(month: str) -> int:
    """Months since 2020-01.

    Raises:
        ValueError: ``month`` is no month, or lies before the first.
    """
    day, start = first_day(month), first_day(FIRST_MONTH)
    number = (day.year - start.year) * 12 + day.month - start.month
    if number < 0:
        raise ValueError(f"the simulated administration has no declarations before {FIRST_MONTH}, so none for {month}")
    return number


def month_rows(declarations: int, number: int) -> int:
    """How many declarations a month has where the first 18 have ``declarations`` in all; the 18 add up to it exactly."""
    average = declarations / 18
    if number >= 18:
        return round(average * month_volume(number))
    done = sum(month_volume(t) for t in range(number))
    return round(average * (done + month_volume(number))) - round(average * done)


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """The texts of a world as Arrow arrays, into which the codes of lanes and declarations point."""

    importer: pa.Array
    business_number: pa.Array
    address: pa.Array
    phone: pa.Array
    email: pa.Array
    declarant: pa.Array
    licence: np.ndarray
    seller: pa.Array
    brand: pa.Array
    seller_country: pa.Array
    courier: pa.Array
    vessel: pa.Array
    hs10: pa.Array
    goods: pa.Array
    unit: pa.Array
    composition: pa.Array
    requirement: pa.Array
    country: pa.Array
    values: dict[str, pa.Array]


def _text(values: list[str] | tuple[str, ...] | np.ndarray) -> pa.Array:
    return pa.array(values, pa.string())


@lru_cache(maxsize=2)
def _texts(world: World) -> _Texts:
    law = tariff.schedule()
    requirement = [_REQUIREMENTS.get(int(chapter), "") for chapter in law.chapters]
    composition = [f"{tariff.chapters()[int(chapter)].description}, 100%" for chapter in law.chapters]
    parties = world.importer_names
    return _Texts(
        importer=_text(parties.names),
        business_number=_text(parties.numbers),
        address=_text(parties.addresses),
        phone=_text(parties.phones),
        email=_text(parties.emails),
        declarant=_text(world.declarant_names),
        licence=np.array(world.declarant_licences, dtype="S5").view(np.uint8).reshape(-1, 5),
        seller=_text([*world.seller_names, ""]),
        brand=_text([*world.seller_brands, ""]),
        seller_country=_text([*world.seller_countries, ""]),
        courier=_text([*world.courier_names, ""]),
        vessel=_text(world.vessel_names),
        hs10=_text(law.codes),
        goods=_text(law.descriptions),
        unit=_text(law.units),
        composition=_text(composition),
        requirement=_text(requirement),
        country=_text(world.values["country"]),
        values={name: _text(values) for name, values in world.values.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """What one block of declarations shares: which lanes, which days, which serial numbers, and the generator."""

    world: World
    texts: _Texts
    rng: np.random.Generator
    month: str
    lane: np.ndarray
    day: np.ndarray
    serial: np.ndarray

    @property
    def size(self) -> int:
        return len(self.lane)

    def of(self, name: str) -> np.ndarray:
        """An attribute of the lanes, one entry for each declaration."""
        return getattr(self.world.lanes, name)[self.lane]

    def chance(self) -> np.ndarray:
        return self.rng.random(self.size, dtype=np.float32)

    def pick(self, count: int) -> np.ndarray:
        """Numbers below ``count``."""
        return self.rng.integers(0, count, self.size, dtype=np.int32)

    def normal(self) -> np.ndarray:
        return self.rng.standard_normal(self.size, dtype=np.float32)


def _take(values: pa.Array, places: np.ndarray) -> pa.Array:
    """The texts at some places; a negative place is the last text, the empty one."""
    return pc.take(values, pa.array(np.where(places < 0, len(values) - 1, places).astype(np.int32)))


_FOUR_DIGITS = np.array([f"{number:04d}" for number in range(10_000)], dtype="S4").view(np.uint8).reshape(-1, 4)


def _strings(characters: np.ndarray) -> pa.Array:
    """Texts of equal length from a matrix of ASCII characters."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    return pa.Array.from_buffers(pa.string(), rows, buffers)


def _numbered(prefix: str, numbers: np.ndarray, suffix: str = "") -> pa.Array:
    """Texts of a prefix, eight digits (from ``numbers`` below 10**8) and a suffix."""
    start, end = prefix.encode(), suffix.encode()
    characters = np.empty((len(numbers), len(start) + 8 + len(end)), dtype=np.uint8)
    characters[:, : len(start)] = np.frombuffer(start, dtype=np.uint8)
    characters[:, len(start) : len(start) + 4] = _FOUR_DIGITS[numbers // 10_000]
    characters[:, len(start) + 4 : len(start) + 8] = _FOUR_DIGITS[numbers % 10_000]
    characters[:, len(start) + 8 :] = np.frombuffer(end, dtype=np.uint8)
    return _strings(characters)


def _scrambled(serial: np.ndarray, multiplier: int) -> np.ndarray:
    """Eight-digit numbers without order, as unique as the serial numbers (the multiplier is prime to 10)."""
    return serial * multiplier % 100_000_000


def _declaration_ids(block: _Block, declarant: np.ndarray) -> pa.Array:
    """Declarant's licence, year and month, serial number, kind: ``10472-2003-00012345M``."""
    middle = f"-{block.month[2:4]}{block.month[5:7]}-".encode()
    characters = np.empty((block.size, 20), dtype=np.uint8)
    characters[:, :5] = block.texts.licence[declarant]
    characters[:, 5:11] = np.frombuffer(middle, dtype=np.uint8)
    characters[:, 11:15] = _FOUR_DIGITS[block.serial // 10_000]
    characters[:, 15:19] = _FOUR_DIGITS[block.serial % 10_000]
    characters[:, 19] = ord("M")
    return _strings(characters)


def _mechanisms(block: _Block) -> np.ndarray:
    """The fraud of each declaration (``fraud.Mechanism``): the lane's standing one, or by chance one of its row-level ones."""
    luck, risk, found = block.chance(), block.of("risk"), block.of("mechanism").astype(np.int8)
    edge = np.zeros(block.size)
    drawn = np.zeros(block.size, dtype=np.int8)
    for number, mechanism in enumerate(fraud.ROW_MECHANISMS):
        lower, edge = edge, edge + risk[:, number]
        drawn[(luck >= lower) & (luck < edge)] = mechanism
    return np.where(found > 0, found, drawn)


@lru_cache(maxsize=1)
def _mass_scale() -> tuple[np.ndarray, np.ndarray]:
    """The published quantiles of net mass: normal scores and log10 of kg."""
    shares, masses = zip(*published_shares.NET_MASS_QUANTILES, strict=True)
    return np.array([NormalDist().inv_cdf(share) for share in shares]), np.log10(masses)


@lru_cache(maxsize=1)
def _heaps() -> np.ndarray:
    """The round mantissa nearest to each of 1.0, 1.1, ... 10.0."""
    mantissas = np.arange(10, 101) / 10
    return _ROUND_VALUES[np.abs(mantissas[:, None] - _ROUND_VALUES).argmin(axis=1)]


def _heaped(mass: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """Masses as people write them: half on round values, a quarter with two digits, full containers at 24 tonnes."""
    decade = np.power(10.0, np.floor(np.log10(mass)))
    mantissa = mass / decade
    tenths = np.clip(np.round(mantissa * 10), 10, 100).astype(np.int16) - 10
    written = np.where(luck < 0.5, _heaps()[tenths], np.where(luck < 0.75, tenths / 10 + 1.0, mantissa)) * decade
    written[(luck > 0.92) & (mass > 19_000) & (mass < 28_000)] = 24_000.0
    return np.maximum(np.where(written >= 1, np.round(written, 1), np.round(written, 2)), 0.01)


def _masses(block: _Block, mechanism: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True net mass, declared net mass (kg) and its normal score."""
    score = _LANE_MASS * block.of("mass_score") + np.sqrt(1 - _LANE_MASS**2) * block.normal()
    true = np.power(10.0, np.interp(score, *_mass_scale()))
    low, high = fraud.SHORT_TO
    part = np.where(mechanism == fraud.Mechanism.SHORT_QUANTITY, low + (high - low) * block.chance(), 1.0)
    return true, _heaped(true * part, block.chance()), score


def _prices(block: _Block, mechanism: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Item price (KRW) and how the unit price stands to the lane's usual one."""
    low, high = fraud.UNDERVALUED_TO
    ratio = np.power(10.0, fraud.PRICE_SCATTER * block.normal().astype(np.float64))
    part = np.where(mechanism == fraud.Mechanism.UNDERVALUATION, low + (high - low) * block.chance(), 1.0)
    ratio = ratio * part
    return np.maximum(np.round(np.power(10.0, block.of("log_price")) * ratio * mass), 1.0), ratio


def _inspected(block: _Block, price_ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which declarations are inspected, and which of them at random rather than by a rule."""
    luck = block.chance()
    chance = block.of("inspection") * np.where(price_ratio < fraud.LOW_PRICE, fraud.LOW_PRICE_LIFT, 1.0)
    return luck < chance, luck < block.world.lanes.inspection.min()


def _label(values: np.ndarray, inspected: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int8), pa.int8(), mask=~inspected)


@dataclass(frozen=True, slots=True, eq=False)
class _Goods:
    """The amounts of a block that several columns rest on."""

    mechanism: np.ndarray
    true_mass: np.ndarray
    net_mass: np.ndarray
    price: np.ndarray
    inspected: np.ndarray
    at_random: np.ndarray


def _goods(block: _Block) -> _Goods:
    mechanism = _mechanisms(block)
    true_mass, net_mass, _ = _masses(block, mechanism)
    price, ratio = _prices(block, mechanism, net_mass)
    inspected, at_random = _inspected(block, ratio)
    return _Goods(mechanism, true_mass, net_mass, price, inspected, at_random)


def _attributes(block: _Block, goods: _Goods) -> dict[str, pa.Array]:
    """The 22 attributes of Table 1."""
    texts, values = block.texts, block.texts.values
    declarant = np.where(block.chance() < 0.92, block.of("declarant"), block.of("second_declarant"))
    office = np.where(block.chance() < 0.93, block.of("office"), block.of("second_office"))
    process = np.where(block.chance() < 0.9998, 0, 1)
    critical = np.where(goods.mechanism == fraud.Mechanism.CRITICAL, 2, goods.mechanism > 0)
    return {
        "declaration_id": _declaration_ids(block, declarant),
        "date": pa.array(block.day, pa.date32()),
        "office_id": _take(values["office_id"], office),
        "process_type": _take(_text(["B", "D"]), process),
        "import_type": _take(values["import_type"], block.of("import_type")),
        "import_use": _take(values["import_use"], block.of("import_use")),
        "payment_type": _take(values["payment_type"], block.of("payment")),
        "mode_of_transport": _take(values["mode_of_transport"], block.of("mode")),
        "declarant_id": _take(texts.declarant, declarant),
        "importer_id": _take(texts.importer, block.of("importer")),
        "seller_id": _take(texts.seller, block.of("seller")),
        "courier_id": _take(texts.courier, block.of("courier")),
        "hs10_code": _take(texts.hs10, block.of("code")),
        "country_of_departure": _take(texts.country, block.of("departure")),
        "country_of_origin": _take(texts.country, block.of("origin")),
        "tax_rate": pa.array(block.of("rate")),
        "tax_type": _take(values["tax_type"], block.of("claim")),
        "country_of_origin_indicator": _take(values["country_of_origin_indicator"], block.of("indicator")),
        "net_mass": pa.array(goods.net_mass),
        "item_price": pa.array(goods.price),
        "fraud": _label(goods.mechanism > 0, goods.inspected),
        "critical_fraud": _label(critical, goods.inspected),
    }


def _party_columns(block: _Block) -> dict[str, pa.Array]:
    """The taxpayer's particulars, the trade agent, the seller's country."""
    texts, importer = block.texts, block.of("importer")
    agent = np.where(block.chance() < 0.06, (importer * 7 + 3) % len(texts.importer), importer)
    return {
        "taxpayer_business_number": _take(texts.business_number, importer),
        "taxpayer_address": _take(texts.address, importer),
        "taxpayer_phone": _take(texts.phone, importer),
        "taxpayer_email": _take(texts.email, importer),
        "trade_agent": _take(texts.importer, agent),
        "seller_country": _take(texts.seller_country, block.of("seller")),
    }


def _paper_columns(block: _Block, goods: _Goods) -> dict[str, pa.Array]:
    """Numbers of papers, certificates and what customs noted."""
    yes_no = _text(["N", "Y"])
    claimed = block.of("claim") >= len(tariff.GENERAL_TAX_TYPES)
    channel = np.where(goods.inspected, np.where(goods.at_random, 1, 2), 0)
    month = block.month[2:4] + block.month[5:7]
    section = block.of("office") % 6
    return {
        "customs_section": _take(_text(["10", "11", "12", "20", "21", "30"]), section),
        "bill_of_lading_number": _numbered(f"KRBL{month}", _scrambled(block.serial, 48_271)),
        "master_bill_of_lading_number": _numbered(f"M{month}", _scrambled(block.serial // 3, 69_621)),
        "cargo_control_number": _numbered(f"{month}CCN", block.serial, "I"),
        "invoice_number": _numbered("INV", _scrambled(block.serial, 16_807)),
        "payment_notice_number": _numbered(f"0127-{month}-", block.serial),
        "origin_certificate": _take(yes_no, claimed & (block.chance() < 0.97)),
        "price_statement": _take(yes_no, block.chance() < 0.35),
        "import_requirement": _take(block.texts.requirement, block.of("code")),
        "inspection_channel": _take(_text(["N", "S", "R"]), channel),
    }


def _journey_columns(block: _Block) -> dict[str, pa.Array]:
    """Arrival before declaration, warehousing, acceptance, and what carried the goods."""
    mode = block.of("mode")
    by_sea = mode == block.world.values["mode_of_transport"].index("10")
    waited = (np.where(by_sea, 9.0, 3.5) * block.chance() ** 2 + block.chance() * 1.4).astype(np.int32)
    stored = np.minimum(waited, block.pick(3))
    vessel = (block.lane * 31 + block.pick(4)) % len(block.texts.vessel)
    ports = sorted({port for found in _PORTS.values() for port in found})
    by_mode = np.array(
        [[ports.index(p) for p in (_PORTS.get(m, ("KRPUS",)) * 4)[:4]] for m in block.world.values["mode_of_transport"]]
    )
    port = by_mode[mode, block.of("office") % 4]
    return {
        "arrival_date": pa.array(block.day - waited, pa.date32()),
        "warehousing_date": pa.array(block.day - waited + stored, pa.date32()),
        "acceptance_date": pa.array(block.day + (block.chance() < 0.3), pa.date32()),
        "port_of_arrival": _take(_text(ports), port),
        "examination_site": _take(
            _text([f"{port} bonded warehouse {n}" for port in ports for n in range(8)]), port * 8 + vessel % 8
        ),
        "vessel_name": _take(block.texts.vessel, vessel),
        "carrier_code": _take(_text([f"KR{n:04d}" for n in range(200)]), vessel % 200),
    }


def _goods_columns(block: _Block, goods: _Goods) -> dict[str, pa.Array]:
    """What the goods are, how they are packed, how many there are."""
    code = block.of("code")
    tare = 1.03 + 0.2 * block.chance() ** 2
    packed = np.power(10.0, 0.6 + 1.2 * ((block.lane * 40_503) % 1024) / 1024)
    quantity = np.where(
        tariff.schedule().chapters[code] <= 40, goods.net_mass, np.ceil(goods.net_mass / (0.05 + code % 37 / 12))
    )
    return {
        "goods_description": _take(block.texts.goods, code),
        "transaction_description": _take(block.texts.goods, code),
        "trademark": _take(block.texts.brand, block.of("seller")),
        "model_specification": _numbered("MODEL-", block.lane),
        "composition": _take(block.texts.composition, code),
        "gross_mass": pa.array(np.round(np.maximum(goods.true_mass, goods.net_mass) * tare, 1)),
        "package_count": pa.array(np.maximum(np.ceil(goods.true_mass / packed), 1).astype(np.int64)),
        "package_unit": _take(_text(_PACKAGE_UNITS), block.lane % len(_PACKAGE_UNITS)),
        "quantity": pa.array(quantity),
        "quantity_unit": _take(block.texts.unit, code),
        "line_number": pa.array(np.ones(block.size, dtype=np.int32)),
        "line_count": pa.array(np.ones(block.size, dtype=np.int32) + (block.chance() * 3).astype(np.int32)),
    }


def _value_columns(block: _Block, goods: _Goods, quantity: np.ndarray) -> dict[str, pa.Array]:
    """Invoice, currency, freight, insurance; the item price is the invoice in KRW with freight and insurance (CIF)."""
    by_air = block.of("mode") == block.world.values["mode_of_transport"].index("40")
    freight = np.round(goods.price * np.where(by_air, 0.07, 0.03) * (0.5 + block.chance()))
    insurance = np.round(goods.price * 0.003 * block.chance())
    currency = _lane_currencies(block.world)[block.lane]
    moved = 1 + 0.03 * np.sin(2 * np.pi * (month_number(block.month) / 14 + np.arange(len(_CURRENCIES)) / 6))
    rate = np.round(_KRW_PER_UNIT * np.where(np.arange(len(_CURRENCIES)) == 5, 1.0, moved), 2)[currency]
    invoice = np.round((goods.price - freight - insurance) / rate, 2)
    none = np.zeros(block.size)
    return {
        "currency": _take(_text(_CURRENCIES), currency),
        "exchange_rate": pa.array(rate),
        "invoice_amount": pa.array(invoice),
        "unit_price": pa.array(np.round(invoice / quantity, 4)),
        "incoterm": _take(_text(_INCOTERMS), (block.lane * 13) % len(_INCOTERMS)),
        "item_price_usd": pa.array(np.round(goods.price / 1165.0, 2)),
        "freight": pa.array(freight),
        "insurance": pa.array(insurance),
        "additions": pa.array(np.where(block.chance() < 0.03, np.round(goods.price * 0.05), none)),
        "deductions": pa.array(np.where(block.chance() < 0.02, np.round(goods.price * 0.02), none)),
    }


@lru_cache(maxsize=2)
def _lane_currencies(world: World) -> np.ndarray:
    """The currency of each lane's invoices: the seller's own or dollars."""
    countries = np.array(world.values["country"])[world.lanes.departure]
    own = np.select(
        [
            np.isin(countries, tariff.EUROPEAN_UNION),
            countries == "JP",
            countries == "CN",
            countries == "GB",
            countries == "KR",
        ],
        [1, 2, 3, 4, 5],
        0,
    )
    lanes = np.arange(len(own))
    return np.where((lanes * 2_654_435_761 >> 7) % 10 < np.where(own == 3, 2, 6), own, 0)


def _tax_columns(block: _Block, goods: _Goods) -> dict[str, pa.Array]:
    """Duty, internal taxes and value added tax, in whole units of ten KRW."""
    chapter = tariff.schedule().chapters[block.of("code")]
    reduced = block.chance() < 0.02
    full = np.floor(goods.price * block.of("rate") / 1000) * 10
    reduction = np.where(reduced, np.floor(full / 20) * 10, 0.0)
    duty = full - reduction
    consumption = np.where(chapter == 87, np.floor((goods.price + duty) * 0.0035) * 10, 0.0)
    liquor = np.where(chapter == 22, np.floor((goods.price + duty) * 0.03) * 10, 0.0)
    education = np.floor((consumption + liquor) * 0.03) * 10
    base = goods.price + duty + consumption + liquor + education
    added = np.floor(base / 100) * 10
    penalty = np.where(block.chance() < 0.004, np.floor(duty / 100) * 10, 0.0)
    return {
        "duty_reduction_code": _take(_text(["A03000", ""]), np.where(reduced, 0, 1)),
        "duty_reduction": pa.array(reduction),
        "duty": pa.array(duty),
        "individual_consumption_tax": pa.array(consumption),
        "liquor_tax": pa.array(liquor),
        "education_tax": pa.array(education),
        "value_added_tax_base": pa.array(base),
        "value_added_tax": pa.array(added),
        "late_declaration_penalty": pa.array(penalty),
        "total_tax": pa.array(duty + consumption + liquor + education + added + penalty),
    }


def _draw_block(block: _Block, only_attributes: bool) -> tuple[pa.Table, np.ndarray]:
    """The declarations of a block and the mechanism of each."""
    goods = _goods(block)
    columns = _attributes(block, goods)
    if not only_attributes:
        columns |= _party_columns(block) | _paper_columns(block, goods) | _journey_columns(block)
        columns |= _goods_columns(block, goods)
        columns |= _value_columns(block, goods, columns["quantity"].to_numpy())
        columns |= _tax_columns(block, goods)
    table = pa.table(columns)
    schema = pa.schema([*declaration.arrow_schema(), *list(table.schema)[len(declaration.NAMES) :]])
    return table.cast(schema), goods.mechanism


def _days(month: str) -> tuple[np.ndarray, np.ndarray]:
    """The days of a month as days since 1970-01-01, and the weight of each by its weekday."""
    first, after = first_day(month), first_day(next_month(month))
    days = np.arange((after - first).days) + (first - date(1970, 1, 1)).days
    return days, np.array(published_shares.WEEKDAYS)[(days + 3) % 7]


def _blocks(world: World, month: str, rows: int) -> Iterator[_Block]:
    """The blocks of a month: the days in order, the lanes by their weights of the month."""
    rng = derive_rng(world.seed, "simulated_declarations", month, "days")
    days, weights = _days(month)
    per_day = rng.multinomial(rows, weights / weights.sum())
    day = np.repeat(days, per_day).astype(np.int32)
    edges = np.cumsum(world.month_weights(month_number(month)))
    texts = _texts(world)
    for number, start in enumerate(range(0, rows, BLOCK_ROWS)):
        serial = np.arange(start, min(start + BLOCK_ROWS, rows), dtype=np.int64)
        block_rng = derive_rng(world.seed, "simulated_declarations", month, f"block {number}")
        lane = np.searchsorted(edges, block_rng.random(len(serial)) * edges[-1], side="right")
        lane = np.minimum(lane, len(edges) - 1)
        yield _Block(world, texts, block_rng, month, lane, day[serial], serial)


def draw_blocks(
    world: World, month: str, rows: int, only_attributes: bool = False, threads: int = THREADS
) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """The declarations of a month as :func:`draw_month` has them, a block at a time.

    Besides the blocks that the caller keeps, as many are in memory as there are threads and one more.
    """
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[tuple[pa.Table, np.ndarray]]] = deque()
        for block in _blocks(world, month, rows):
            ahead.append(pool.submit(_draw_block, block, only_attributes))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def month_schema(world: World) -> pa.Schema:
    """The columns of a month: the whole form, the 22 attributes first."""
    ((table, _),) = draw_blocks(world, FIRST_MONTH, 1)
    return table.schema


def draw_month(
    world: World, month: str, rows: int, only_attributes: bool = False, threads: int = THREADS
) -> tuple[pa.Table, np.ndarray]:
    """The declarations of a month in the order of their dates, and what is untrue in each.

    Args:
        world: as ``world.make_world`` makes it.
        month: ``YYYY-MM``, 2020-01 or later.
        rows: how many declarations; below 10**8.
        only_attributes: leave out what the form has beyond the 22 attributes.
        threads: how many blocks are drawn at once; they are the same with any number.

    Returns:
        The table, the attributes first and typed by ``declaration.arrow_schema``, and the ``fraud.Mechanism`` of each
        declaration as int8, inspected or not.

    Raises:
        ValueError: the month is none, or lies before the first.
    """
    tables, mechanisms = zip(*draw_blocks(world, month, rows, only_attributes, threads), strict=True)
    return pa.concat_tables(tables), np.concatenate(mechanisms)
