"""The standing trade of a world of ``worlds.py``: who brings in what, from where, by whom and how, and the rows drawn from it.

What belongs here is honest trade. What fraud makes of it stands in ``worlds_fraud.py``; how a row is written in ``worlds.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from benchmarks.worlds_law import OPEN_TYPES, Law
from customs_assets.months import next_month
from customs_assets.seeds import Root, derive_rng

# Origins by their share of trade, and by where they lie, which says by which hubs their goods come.
_ORIGINS = """
    CN:30:E US:11:A JP:9:E DE:7:U VN:6:E IT:4:U TW:3.5:E TH:3:E FR:3:U IN:2.5:S ID:2.2:E MY:2:E GB:2:U ES:1.5:U AU:1.5:P
    NL:1.3:U CA:1.2:A TR:1.1:S CH:1.1:U PH:1:E BR:0.9:A MX:0.9:A BE:0.8:U SE:0.8:U PL:0.8:U AT:0.7:U BD:0.7:S CZ:0.6:U CL:0.6:A
    NZ:0.6:P DK:0.5:U IL:0.4:S KH:0.4:E ZA:0.3:S PK:0.3:S FI:0.4:U PT:0.4:U HU:0.4:U RO:0.3:U IE:0.5:U SG:0.6:E MM:0.3:E
    LA:0.1:E PE:0.3:A CO:0.3:A AR:0.3:A EG:0.2:S MA:0.2:S KE:0.15:S ET:0.15:S NP:0.1:S LK:0.3:S UA:0.2:U NO:0.3:U SK:0.3:U
    GR:0.2:U BG:0.2:U SA:0.2:S AE:0.2:S UY:0.1:A
"""
_HUBS_BY_REGION = {"E": ("HK", "SG"), "A": ("US", "PA"), "U": ("NL", "BE"), "S": ("AE", "SG"), "P": ("SG", "HK")}
HUBS = ("HK", "SG", "NL", "BE", "DE", "AE", "US", "PA", "MY")

OFFICES = ("10", "11", "13", "16", "20", "22", "30", "40", "50", "62", "70", "120")
_OFFICE_SHARES = np.array([20, 6, 4, 3, 18, 5, 12, 10, 9, 6, 4, 3]) / 100
_AIRPORTS = np.array([4, 7])
MODES = ("10", "40", "50")
_SEA, AIR, _POST = range(3)
IMPORT_TYPES = ("11", "15", "80", "83", "87", "94", "96")
# The first of the types that parcels come by.
PARCELS = 4
USES = ("21", "11", "15", "23", "26")
_INDICATOR_SHARES = np.array([3.0, 1.5, 1.2, 0.4, 0.8, 1.6])
_WEEKDAYS = np.array([1.0, 1.05, 1.1, 1.05, 1.15, 0.3, 0.06])

_FEWEST_IMPORTERS, _FEWEST_BROKERS, _IMPORTERS_PER_BROKER = 40, 12, 70
_MOST_LANES = 30


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes a world the one or the other.

    Attributes:
        origins: how many countries goods come from, 60 at most.
        agreements: tax types for the parties of an agreement.
        importer_rows: inspected declarations for each importer of the world.
        activity: standard deviation of the importers' log activity.
        lanes: further lanes of an importer of usual activity, beside its first.
        zipf: exponent and offset of the popularity of six-digit codes by their rank.
        traded: share of the law's six-digit codes that anybody trades.
        concentration: shape of the gamma factors between the origins of a chapter and those of all trade; small for few origins.
        leaning: how strongly fraud follows who trades what; 0 for not at all.
        dominated: share of the codes, and of the lanes, of six importers or more that become mostly one importer's.
    """

    origins: int
    agreements: tuple[str, ...]
    importer_rows: float
    activity: float
    lanes: float
    zipf: tuple[float, float]
    traded: float
    concentration: float
    leaning: float
    dominated: float


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """What is traded. Places of codes in the law stand for the codes, and so with countries.

    Attributes:
        chapter, heading, popularity, log_price, log_mass: one entry for each code: chapter, number of the heading, share of
            trade, usual log price in KRW per kg, usual log mass in kg.
        origins: chances of the origins by chapter, cumulated, shape (100, origins).
        origin_price: what an origin adds to the log price.
        air: log odds of transport by air, by chapter and origin.
        indicators: chances of the ways to indicate an origin by chapter, cumulated.
    """

    chapter: np.ndarray
    heading: np.ndarray
    popularity: np.ndarray
    log_price: np.ndarray
    log_mass: np.ndarray
    origins: np.ndarray
    origin_price: np.ndarray
    air: np.ndarray
    indicators: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Importers:
    """Who imports: every array has one entry for each importer, months and places of others as numbers."""

    activity: np.ndarray
    first_month: np.ndarray
    last_month: np.ndarray
    broker: np.ndarray
    second_broker: np.ndarray
    office: np.ndarray
    second_office: np.ndarray
    payment: np.ndarray
    raw_materials: np.ndarray
    rounding: np.ndarray
    log_mass: np.ndarray
    taste: np.ndarray
    claims: np.ndarray
    brokers: int

    @property
    def count(self) -> int:
        """How many importers there are."""
        return len(self.activity)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a world is before anything is declared."""

    shape: Shape
    law: Law
    goods: Goods
    importers: Importers
    root: Root

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator for a purpose."""
        return derive_rng(self.root, "worlds", purpose=purpose)

    @property
    def hs6(self) -> np.ndarray:
        """The number of the six-digit code of each code."""
        return np.unique(self.law.codes.astype("U6"), return_inverse=True)[1]


@dataclass(slots=True, eq=False)
class Rows:
    """Lanes of the standing trade, or single declarations. Every array has one entry for each; all but amounts are places.

    Attributes:
        claim: the tax type; ``general`` is the cheapest type that is open to all.
        seller: -1 where there is none.
        weight: a lane's share of trade.
    """

    importer: np.ndarray
    code: np.ndarray
    origin: np.ndarray
    departure: np.ndarray
    claim: np.ndarray
    general: np.ndarray
    broker: np.ndarray
    seller: np.ndarray
    office: np.ndarray
    mode: np.ndarray
    import_type: np.ndarray
    use: np.ndarray
    indicator: np.ndarray
    log_mass: np.ndarray
    log_price: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def take(self, places: np.ndarray) -> Rows:
        """The rows at some places."""
        return Rows(*(getattr(self, field.name)[places] for field in fields(self)))


def drawn(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Places drawn by their weights."""
    ends = np.cumsum(weights)
    return np.minimum(np.searchsorted(ends, rng.random(size) * ends[-1], side="right"), len(weights) - 1)


def drawn_by_row(ends: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A place for each row of cumulated chances, shape (rows, places)."""
    return (rng.random(len(ends))[:, None] > ends[:, :-1]).sum(axis=1)


def _drawn_within(weights: np.ndarray, start: np.ndarray, end: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A place for each range from ``start`` to before ``end``, drawn by weight; each range has some weight."""
    ends = np.concatenate([[0.0], np.cumsum(weights)])
    aim = ends[start] + rng.random(len(start)) * (ends[end] - ends[start])
    return np.clip(np.searchsorted(ends, aim, side="right") - 1, start, end - 1)


def origins_of(shape: Shape) -> tuple[list[str], np.ndarray, list[str]]:
    """The origins of a world, their weights and their regions."""
    parts = [entry.split(":") for entry in _ORIGINS.split()][: shape.origins]
    return [p[0] for p in parts], np.array([float(p[1]) for p in parts]), [p[2] for p in parts]


def make_goods(shape: Shape, law: Law, root: Root) -> Goods:
    """Popularity, prices, masses and origins of the law's codes."""
    rng = derive_rng(root, "worlds", purpose="goods")
    _, weights, regions = origins_of(shape)
    chapter = law.codes.astype("U2").astype(int)
    heading, hs6 = (np.unique(law.codes.astype(f"U{digits}"), return_inverse=True)[1] for digits in (4, 6))
    headings, products = int(heading.max()) + 1, int(hs6.max()) + 1
    exponent, offset = shape.zipf
    popularity = np.exp(
        -exponent * np.log(rng.permutation(products) + offset)[hs6]
        + 0.35 * rng.standard_normal(100)[chapter]
        + 0.3 * rng.standard_normal(headings)[heading]
    )
    popularity *= rng.gamma(4.0, 0.25, len(law.codes)) * (rng.random(products) < shape.traded)[hs6]
    ends = np.cumsum(rng.gamma(shape.concentration, 1.0, (100, shape.origins)) * weights, axis=1)
    near = np.isin(regions, ["E"])
    return Goods(
        chapter=chapter,
        heading=heading,
        popularity=popularity / popularity.sum(),
        log_price=9.0
        + 0.9 * rng.standard_normal(100)[chapter]
        + 0.6 * rng.standard_normal(headings)[heading]
        + 0.3 * rng.standard_normal(products)[hs6],
        log_mass=5.3 + 1.1 * rng.standard_normal(100)[chapter] + 0.8 * rng.standard_normal(products)[hs6],
        origins=ends / ends[:, -1:],
        origin_price=0.25 * rng.standard_normal(len(law.countries)),
        air=-0.4 + 1.3 * rng.standard_normal((100, 1)) + np.where(near, -0.5, 0.4),
        indicators=np.cumsum(rng.dirichlet(_INDICATOR_SHARES, 100), axis=1),
    )


def make_importers(shape: Shape, declarations: int, months: int, root: Root) -> Importers:
    """Importers for a number of inspected declarations, with their habits; a tenth comes later, a tenth leaves earlier."""
    rng = derive_rng(root, "worlds", purpose="importers")
    count = max(round(declarations / shape.importer_rows), _FEWEST_IMPORTERS)
    brokers = max(count // _IMPORTERS_PER_BROKER, _FEWEST_BROKERS)
    broker_weights = np.arange(1, brokers + 1) ** -0.7
    broker_office = drawn(_OFFICE_SHARES, brokers, rng)
    broker = drawn(broker_weights, count, rng)
    first = np.where(rng.random(count) < 0.1, rng.integers(0, months, count), 0)
    last = np.where(rng.random(count) < 0.1, rng.integers(first, months), months - 1)
    return Importers(
        activity=np.exp(shape.activity * rng.standard_normal(count)),
        first_month=first,
        last_month=last,
        broker=broker,
        second_broker=drawn(broker_weights, count, rng),
        office=np.where(rng.random(count) < 0.8, broker_office[broker], drawn(_OFFICE_SHARES, count, rng)),
        second_office=drawn(_OFFICE_SHARES, count, rng),
        payment=drawn(np.array([0.68, 0.2, 0.05, 0.04, 0.03]), count, rng),
        raw_materials=rng.random(count) < 0.4,
        rounding=drawn(np.array([0.35, 0.3, 0.2, 0.15]), count, rng),
        log_mass=0.7 * rng.standard_normal(count),
        taste=rng.random(count),
        claims=rng.random(count) < 0.75,
        brokers=brokers,
    )


def make_lanes(model: Model) -> Rows:
    """The standing trade: some lanes for each importer, the first of them its main one."""
    rng, goods, importers = model.rng("lanes"), model.goods, model.importers
    lanes = np.clip(1 + rng.poisson(model.shape.lanes * importers.activity**0.5), 1, _MOST_LANES)
    owner = np.repeat(np.arange(importers.count), lanes)
    first = np.repeat(np.cumsum(lanes) - lanes, lanes)
    rank, size = np.arange(len(owner)) - first, len(owner)
    code = _lane_codes(goods, owner, rank, importers.count, rng)
    chapter = goods.chapter[code]
    own_origin = drawn_by_row(goods.origins[chapter], rng)
    origin = np.where(rng.random(size) < 0.65, own_origin[first], own_origin)
    departure = _departures(model, origin, rng)
    claim, general = _claims(model.law, code, origin, departure, importers.claims[owner], rng)
    by_air = rng.random(size) < 1 / (1 + np.exp(-goods.air[chapter, origin]))
    small = by_air & (rng.random(size) < 0.35)
    parcel = small & (rng.random(size) < 0.6)
    special = np.where(rng.random(size) < 0.06, 1 + drawn(np.array([0.5, 0.2, 0.3]), size, rng), 0)
    material = np.isin(chapter // 10, (2, 3, 7)) & importers.raw_materials[owner]
    other_use = np.where(rng.random(size) < 0.08, rng.integers(2, 4, size), 0)
    airport = _AIRPORTS[(rng.random(size) < 0.25).astype(int)]
    share = np.exp(-0.35 * rank) * rng.gamma(2.0, 0.5, size)
    return Rows(
        importer=owner,
        code=code,
        origin=origin,
        departure=departure,
        claim=claim,
        general=general,
        broker=importers.broker[owner],
        seller=_sellers(origin, chapter, importers.taste[owner], 0.3, rng),
        office=np.where(by_air & (rng.random(size) < 0.5), airport, importers.office[owner]),
        mode=np.where(by_air, np.where(rng.random(size) < 0.04, _POST, AIR), _SEA),
        import_type=np.where(parcel, PARCELS + drawn(np.array([0.4, 0.35, 0.25]), size, rng), special),
        use=np.where(parcel, 4, np.where(material, 1, other_use)),
        indicator=drawn_by_row(goods.indicators[chapter], rng),
        log_mass=goods.log_mass[code]
        + importers.log_mass[owner]
        + 0.6 * rng.standard_normal(size)
        - 1.2 * by_air
        - 1.5 * small,
        log_price=goods.log_price[code] + goods.origin_price[origin] + 0.3 * rng.standard_normal(size) + 0.25 * by_air,
        weight=importers.activity[owner] * share / np.bincount(owner, share)[owner],
    )


def _lane_codes(
    goods: Goods, owner: np.ndarray, rank: np.ndarray, importers: int, rng: np.random.Generator
) -> np.ndarray:
    """The code of each lane: the importer's main one, or one of its heading, its chapter or any."""
    home = drawn(goods.popularity, importers, rng)[owner]
    found, luck = home, rng.random(len(owner))
    # What is brought in beside the main goods is less often what everybody brings in.
    flatter = goods.popularity**0.5
    for groups, low, high in ((goods.heading, 0.35, 0.65), (goods.chapter, 0.65, 0.87)):
        start, end = (np.searchsorted(groups, groups[home], side=side) for side in ("left", "right"))
        related = _drawn_within(flatter, start, end, rng)
        found = np.where((rank > 0) & (luck >= low) & (luck < high), related, found)
    return np.where((rank > 0) & (luck >= 0.87), drawn(flatter, len(owner), rng), found)


def _departures(model: Model, origin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where goods of each origin depart from: mostly there, else from a hub of its region."""
    place = {country: number for number, country in enumerate(model.law.countries)}
    regions = origins_of(model.shape)[2]
    hubs = np.array([[place[hub] for hub in _HUBS_BY_REGION[region]] for region in regions])
    hub = hubs[origin, (rng.random(len(origin)) < 0.35).astype(int)]
    return np.where(rng.random(len(origin)) < 0.85, origin, hub)


def _claims(
    law: Law,
    code: np.ndarray,
    origin: np.ndarray,
    departure: np.ndarray,
    claims: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The type that each lane claims, and the cheapest one that is open to all.

    Whose importer ``claims`` agreements claims one where it is cheaper. Among equal rates chance decides. Some pay the basic rate
    though a lower one is open to them.
    """
    costs = np.where(law.allowed[:, origin, departure], law.rates[:, code], np.nan)
    costs = np.where(np.isnan(costs), np.inf, costs) + 1e-6 * rng.random(costs.shape)
    is_open = np.isin(law.types, OPEN_TYPES)[:, None]
    general = np.where(is_open, costs, np.inf).argmin(axis=0)
    cheapest = np.where(is_open, costs, costs + 1e-3).argmin(axis=0)
    claim = np.where(claims & (rng.random(len(code)) < 0.93), cheapest, general)
    return np.where((claim == general) & (rng.random(len(code)) < 0.12), 0, claim), general


def _sellers(
    origin: np.ndarray, chapter: np.ndarray, taste: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """The seller of each lane, -1 for none: of those of its origin and kind of goods mostly the importer's usual one.

    Args:
        origin: place of the origin of each lane.
        chapter: its chapter.
        taste: a number in [0, 1) for its importer.
        share: how many sellers there are for each lane.
        rng: what draws come from.
    """
    key = origin * 10 + chapter // 10
    of_seller = np.sort(rng.choice(key, max(int(share * len(key)), 1)))
    start, end = (np.searchsorted(of_seller, key, side=side) for side in ("left", "right"))
    second = rng.random(len(key)) < 0.25
    place = (taste + 0.381 * second + 0.27 * origin) % 1.0
    seller = start + (place**1.5 * (end - start)).astype(int)
    return np.where((end > start) & (rng.random(len(key)) > 0.07), seller, -1)


def rows_by_month(total: int, months: int, rng: np.random.Generator) -> np.ndarray:
    """A total in parts by month, some months busier than others."""
    shares = np.cumsum(1 + 0.08 * np.sin(np.arange(months) * np.pi / 6) + 0.05 * rng.random(months))
    return np.diff(np.round(total * shares / shares[-1]).astype(int), prepend=0)


def working_days(months: Sequence[str], counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The day of each declaration, ``datetime64[D]``, ascending: more on working days and at a month's end."""
    days = []
    for month, count in zip(months, counts, strict=True):
        calendar = np.arange(np.datetime64(month, "D"), np.datetime64(next_month(month), "D"))
        # 1970-01-01 was a Thursday.
        weekday = (calendar.astype(int) + 3) % 7
        busy = _WEEKDAYS[weekday] * np.where(np.arange(len(calendar)) >= len(calendar) - 4, 1.3, 1.0)
        days.append(np.sort(calendar[drawn(busy, int(count), rng)]))
    return np.concatenate(days)


def draw_rows(model: Model, lanes: Rows, counts: np.ndarray) -> Rows:
    """Honest declarations, month by month, each of one lane of an importer that trades then."""
    rng, importers = model.rng("rows"), model.importers
    first, last = importers.first_month[lanes.importer], importers.last_month[lanes.importer]
    places = [
        drawn(lanes.weight * ((first <= month) & (month <= last)), int(count), rng)
        for month, count in enumerate(counts)
    ]
    rows = lanes.take(np.concatenate(places))
    _vary(model, rows, rng)
    return rows


def _vary(model: Model, rows: Rows, rng: np.random.Generator) -> None:
    """Let single declarations be other than their lanes: amounts always, all else now and then."""
    size, importers, law = len(rows), model.importers, model.law

    def now_and_then(share: float, other: np.ndarray, usual: np.ndarray) -> np.ndarray:
        return np.where(rng.random(size) < share, other, usual)

    rows.broker = now_and_then(0.04, importers.second_broker[rows.importer], rows.broker)
    rows.office = now_and_then(0.12, importers.second_office[rows.importer], rows.office)
    rows.seller = now_and_then(0.015, np.full(size, -1), rows.seller)
    rows.departure = now_and_then(0.12, _departures(model, rows.origin, rng), rows.departure)
    # A paper that an agreement asks for may be missing, or the route be none of the agreement's.
    rows.claim = now_and_then(0.05, rows.general, rows.claim)
    rows.claim = np.where(law.allowed[rows.claim, rows.origin, rows.departure], rows.claim, rows.general)
    of_chapter = drawn_by_row(model.goods.indicators[model.goods.chapter[rows.code]], rng)
    rows.indicator = now_and_then(0.2, of_chapter, rows.indicator)
    rows.use = now_and_then(0.06, rng.integers(0, len(USES), size), rows.use)
    rows.log_mass = rows.log_mass + 0.7 * rng.standard_normal(size)
    rows.log_price = rows.log_price + 0.3 * rng.standard_normal(size)


def masses(model: Model, rows: Rows) -> np.ndarray:
    """The net mass of each row in kg, as its importer writes it."""
    rng = model.rng("masses")
    mass = np.clip(np.exp(rows.log_mass), 0.1, 3e7)
    if model.shape.dominated:
        mass = _dominated(model, rows, mass, rng)
    return _written(mass, model.importers.rounding[rows.importer], rng)


def _dominated(model: Model, rows: Rows, mass: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The masses, larger where one importer is to have 80 to 95% of the value of a code, or of a code and an origin.

    It is the importer that has most of the value already; all of its masses there grow alike, so that prices per kg stay.
    """
    hs6 = model.hs6[rows.code]
    taken = np.zeros(len(mass), dtype=bool)
    for key in (hs6, hs6 * len(model.law.countries) + rows.origin):
        columns = {"key": key, "importer": rows.importer, "value": mass * np.exp(rows.log_price)}
        value = pd.DataFrame(columns)[~taken].groupby(["key", "importer"])["value"].sum()
        groups = value.groupby("key").agg(["size", "sum", "max"])
        groups = groups[groups["size"] >= 6]
        chosen = groups[rng.random(len(groups)) < model.shape.dominated]
        aim = rng.uniform(0.8, 0.95, len(chosen))
        factor = np.maximum(aim / (1 - aim) * (chosen["sum"] / chosen["max"] - 1), 1.0)
        largest = [importer for _, importer in value.groupby("key").idxmax()[chosen.index]]
        who = pd.Series(largest, index=chosen.index, dtype=int).reindex(key, fill_value=-1).to_numpy()
        grows = ~taken & (rows.importer == who)
        mass = np.where(grows, mass * factor.reindex(key, fill_value=1.0).to_numpy(), mass)
        taken |= np.isin(key, chosen.index)
    return mass


def _written(mass: np.ndarray, rounding: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Masses as written: in tenths of a kg, whole, to two digits, or in steps of five of the second digit; 0.1 kg at least."""
    digit = 10.0 ** (np.floor(np.log10(mass)) - 1)
    ways = [np.round(mass, 1), np.round(mass), np.round(mass / digit) * digit, np.round(mass / digit / 5) * digit * 5]
    habit = np.where(rng.random(len(mass)) < 0.15, 0, rounding)
    written = np.choose(habit, ways)
    return np.clip(np.round(np.where(written < 1, mass, written), 1), 0.1, 9e8)
