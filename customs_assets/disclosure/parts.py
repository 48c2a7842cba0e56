"""Tariff tuples by parts: what may be shown by itself is kept, all else is drawn anew where it may be shown.

A tariff tuple is built from parts: the product code; the country of origin, given the goods; the country of departure, given
goods and origin; the claim, given goods and origin. The claim is the tax type, where the law says what rate belongs to it; else
type and rate. A part is *safe* at a level of the goods (``levels.py``) where, of all declarations, at least ``k`` importers
have it there and nobody dominates it (``dominance.py``). Each part of a declaration falls to the finest level at which it is
safe:

- To the code itself: the part is kept. So is a departure from the country of origin: goods that come straight from there show
  no more than their origin does.
- To a coarser level: it joins a *pool*, the declarations of one place whose part falls there. The declarations of a pool exchange
  what they have. So the place keeps its frequencies, and nothing says whose part it was. A pool must rest on ``k`` inspected
  importers, be dominated by nobody, and hold several labels, partners, prices and values. What cannot be in such a pool falls
  on.
- To none: it is drawn from what has been placed nearby. So is an origin that is confidential at a trader's request
  (``confidential.py``).

A product code that is safe nowhere but in its heading or above is replaced by another code of the law. All codes of the place
that are not safe are equally likely, whether anybody declared them or not. There are at least ``k`` of them.

Last, tuples that few importers declared in their month change months (``inspection.py``), or they would show who was inspected.

Every tuple that comes out is lawful. A combination that nobody declared may come out, and one that a single importer declared
comes out by chance, as likely as its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from customs_assets.declaration import COUNTRIES, RELEASED_TUPLE
from customs_assets.disclosure.confidential import no_pairs, shown_masses, withheld_of
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.inspection import changed_months
from customs_assets.disclosure.levels import ALL, CODE, LEVELS, with_levels
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.law.law import Law
from customs_assets.months import months_of
from customs_assets.seeds import Root, derive_rng

ASSET = "disclosed_tuples"

IMPORTER, ORIGIN, DEPARTURE, TYPE, RATE = (
    "importer_id",
    "country_of_origin",
    "country_of_departure",
    "tax_type",
    "tax_rate",
)

# All declarations of an importer are in one of so many folds. What is learned of one fold's goods can so be told by who has not
# seen its importers.
FOLD, FOLDS = "fold", 4

# What a part falls to that is safe at no level or finds no pool.
NOWHERE = "nowhere"
_KEPT, _NOWHERE = 0, len(LEVELS)

# Of the codes that a code may be replaced by, none is likelier.
_LIKELIEST = 0.5

# Passes of iterative proportional fitting. The claims of a pool then have its frequencies, as far as the law allows.
_FITTING_PASSES = 30


@dataclass(frozen=True)
class Part:
    """One part of a tariff tuple.

    Attributes:
        name: what it is called in tables.
        columns: the columns that it is made of.
        given: the columns, besides the goods, that it depends on.
        carried: the columns that change hands together with it: itself and what depends on it.
    """

    name: str
    columns: tuple[str, ...]
    given: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


CODE_PART = Part("code", ())

# A rate beneath a product code of six digits may tell its domestic subdivision. It is kept where it is safe with code and type.
RATE_PART = Part("rate", (TYPE, RATE))


def parts_of(law: Law) -> tuple[Part, ...]:
    """The parts of a tuple after the product code, in the order in which they are drawn."""
    claim = (TYPE,) if law.has_rates else (TYPE, RATE)
    return (
        Part("origin", (ORIGIN,), (), (ORIGIN, DEPARTURE, TYPE, RATE)),
        Part("departure", (DEPARTURE,), (ORIGIN,), (DEPARTURE, TYPE, RATE)),
        Part("claim", claim, (ORIGIN,), (TYPE, RATE)),
    )


def count_safe_parts(population: Population, law: Law, min_group: int, dominance: Dominance) -> pd.DataFrame:
    """What is safe of each part at each level.

    Returns:
        One row for each safe cell: ``part``, ``level``, ``place`` (where the goods stand at the level), the columns of the part
        and of what it depends on (others are null), an empty ``importer_id``, ``share`` 1, ``importers`` and ``declarations``.
        After it, for each importer that is thinned there, a row with its token and the ``share`` of its declarations that may
        stay. Ordered.
    """
    importers = population.importers
    tables = []
    for part in (CODE_PART, RATE_PART, *parts_of(law)):
        for level in LEVELS[:1] if part in (CODE_PART, RATE_PART) else LEVELS:
            columns = [level, *part.given, *part.columns]
            cells, has = population.contributions(columns)
            cell = has["cell"].to_numpy()
            declarations, value, mass = (has[name].to_numpy(dtype=float) for name in ("declarations", "value", "mass"))
            share = dominance.shown_shares(cell, declarations, value, mass, min_group)
            # An importer counts where one declaration at least is expected to stay.
            behind = np.bincount(cell, share * declarations >= 1, len(cells))
            together = np.bincount(cell, declarations, len(cells))
            safe = np.flatnonzero(behind)
            table = cells.iloc[safe].assign(
                **{IMPORTER: "", "share": 1.0, "importers": behind[safe], "declarations": together[safe]}
            )
            fewer = np.flatnonzero((behind[cell] > 0) & (share < 1))
            thinned = cells.iloc[cell[fewer]].assign(
                **{
                    IMPORTER: importers[has["importer"].to_numpy()[fewer]],
                    "share": share[fewer],
                    "importers": 0,
                    "declarations": declarations[fewer],
                }
            )
            one = pd.concat([table, thinned], ignore_index=True).rename(columns={level: "place"})
            tables.append(one.assign(part=part.name, level=level))
    found = pd.concat(tables, ignore_index=True)
    order = ["part", "level", "place", ORIGIN, DEPARTURE, TYPE, RATE, IMPORTER]
    counts = {name: found[name].astype("int64") for name in ("importers", "declarations")}
    found = found.assign(**counts).reindex(columns=[*order, "share", *counts]).astype({RATE: float})
    return found[[*order, "share", "importers", "declarations"]].sort_values(order, ignore_index=True)


class SafeParts:
    """What is safe of each part at each level; the table is that of :func:`count_safe_parts`."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._tables = dict(iter(table.groupby(["part", "level"], sort=False)))

    @property
    def codes(self) -> np.ndarray:
        """The safe product codes, sorted."""
        cells = self._of(CODE_PART.name, CODE)
        return np.sort(cells.loc[cells[IMPORTER] == "", "place"].to_numpy(dtype=object))

    def _of(self, part: str, level: str) -> pd.DataFrame:
        empty = pd.DataFrame(columns=["place", ORIGIN, DEPARTURE, TYPE, RATE, IMPORTER, "share"])
        return self._tables.get((part, level), empty)

    def cells(self, part: str, level: str) -> pd.DataFrame:
        """The safe cells of a part at a level."""
        table = self._of(part, level)
        return table[table[IMPORTER] == ""]

    def shares(self, part: Part, level: str, rows: pd.DataFrame) -> np.ndarray:
        """Which share of the declarations like each of n rows may keep a part at a level, in [0, 1].

        Args:
            part: the part.
            level: the level.
            rows: with all levels, the columns of the part and of what it depends on, and ``importer_id``.
        """
        columns = [*part.given, *part.columns]
        keys = rows[[level, *columns, IMPORTER]].rename(columns={level: "place"})
        table = self._of(part.name, level)
        place = ["place", *columns]
        both = pd.concat([table[[*place, IMPORTER]], keys], ignore_index=True)
        cell = both.groupby(place, sort=False, dropna=False).ngroup().to_numpy()
        is_cell = (table[IMPORTER] == "").to_numpy()
        safe = np.zeros(cell.max() + 1 if len(cell) else 0, dtype=bool)
        safe[cell[: len(table)][is_cell]] = True
        importer = pd.factorize(both[IMPORTER])[0].astype(np.int64)
        key = cell * (importer.max() + 1 if len(importer) else 1) + importer
        thinned = pd.Series(table["share"].to_numpy(dtype=float)[~is_cell], index=key[: len(table)][~is_cell])
        less = thinned.reindex(key[len(table) :]).fillna(1.0).to_numpy()
        return np.where(safe[cell[len(table) :]], less, 0.0)


@dataclass
class _Rows:
    """The declarations while their parts are drawn.

    Attributes:
        goods: the product code as it is now, with all levels.
        first: the tuple's other columns as they were declared.
        lane: the same as they are now, and ``importer_id``: whose they were.
        facts: what a pool is judged by: importer, label, partner, price (integers), value and mass.
        fallen: by part, the place in ``LEVELS`` to which each part fell.
        pools: by part, a text that names the pool in which each row gave its part; empty where it gave it in none.
        replaced: whose product code is replaced by another of the law. Until then the levels that are finer than the one it fell
            to are not looked at.
        withheld: whose origin is confidential with the goods as they are now.
    """

    goods: pd.DataFrame
    first: pd.DataFrame
    lane: pd.DataFrame
    facts: pd.DataFrame
    fallen: dict[str, np.ndarray] = field(default_factory=dict)
    pools: dict[str, np.ndarray] = field(default_factory=dict)
    replaced: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    withheld: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def now(self) -> pd.DataFrame:
        """The rows as they are now."""
        return pd.concat([self.goods, self.lane], axis=1)


def disclosed_tuples(
    declarations: pd.DataFrame,
    safe: SafeParts,
    law: Law,
    *,
    min_group: int,
    dominance: Dominance,
    root: Root,
    confidential: pd.DataFrame | None = None,
    busy: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The tariff tuple of each declaration as it may be shown.

    Args:
        declarations: n anonymized rows of all months.
        safe: what is safe of each part.
        law: the law that tuples are under. Without rates, those that are safe take their place (:func:`law_of_safe_claims`).
        min_group: ``k``.
        dominance: the rule of dominance.
        root: what draws derive from.
        confidential: the pairs of trade that are confidential (:func:`confidential.confidential_pairs`), if there are any.
        busy: the lanes that enough importers declared in a month (:func:`inspection.busy_lanes`); others may change months. None
            where every declaration was inspected: then none does.

    Returns:
        n rows: ``declaration_id``; ``of_declaration``, the declaration that the tuple was drawn for; the columns of
        :data:`declaration.RELEASED_TUPLE`, and for each part the level that it fell to (``code_level``, ``origin_level``,
        ``departure_level``, ``claim_level``: one of ``LEVELS``, or ``nowhere``) and the pool in which it was given
        (``code_pool`` …; empty where it was kept or drawn otherwise); :data:`FOLD`, that of the importer of
        ``of_declaration``; ``net_mass``, the mass (kg) that is shown where the declared one is confidential, else NaN.

    Raises:
        TooFewImporters: no product code may be shown, or no claim.
    """
    parts = parts_of(law)
    effective = effective_law(law, safe)
    pairs = no_pairs() if confidential is None else confidential
    rows = _Rows(
        with_levels(pd.DataFrame({CODE: declarations["hs10_code"].str[:6].to_numpy(dtype=object)})),
        declarations[[ORIGIN, DEPARTURE, TYPE, RATE]].reset_index(drop=True),
        declarations[[ORIGIN, DEPARTURE, TYPE, RATE, IMPORTER]].reset_index(drop=True),
        _facts(declarations),
    )
    choices = _draw_codes(rows, safe, effective, min_group, dominance, derive_rng(root, ASSET, purpose="code"))
    rows.withheld = withheld_of(rows.goods[CODE], rows.lane[ORIGIN], pairs)["partner"].to_numpy()
    for part in parts[:2]:
        _draw_part(rows, part, safe, min_group, dominance, derive_rng(root, ASSET, purpose=part.name))
    _replace_codes(rows, choices, derive_rng(root, ASSET, purpose="replaced codes"))
    _draw_claims(rows, parts[2], safe, effective, min_group, dominance, derive_rng(root, ASSET, purpose="claim"))
    names = np.array([*LEVELS, NOWHERE], dtype=object)
    tuples = pd.DataFrame(
        {
            "of_declaration": declarations["declaration_id"].to_numpy(dtype=object),
            **{name: rows.now()[name].to_numpy() for name in RELEASED_TUPLE},
            **{f"{part}_level": names[fallen] for part, fallen in rows.fallen.items()},
            **{f"{part}_pool": pools for part, pools in rows.pools.items()},
            FOLD: _folds(declarations[IMPORTER], derive_rng(root, ASSET, purpose="folds")),
        }
    ).astype({RATE: float})
    if busy is not None:
        rng = derive_rng(root, ASSET, purpose="months")
        months = months_of(declarations["date"])
        tuples = tuples.iloc[changed_months(tuples, months, declarations[IMPORTER], busy, min_group, rng)]
    masses = shown_masses(declarations, pairs, min_group=min_group, dominance_one=dominance.one, root=root)
    own = declarations[["declaration_id"]].reset_index(drop=True)
    return pd.concat([own, tuples.reset_index(drop=True)], axis=1).assign(net_mass=masses)


def _folds(importers: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """The fold of each declaration: one for each importer, whatever its token."""
    places, distinct = pd.factorize(importers)
    return rng.integers(0, FOLDS, len(distinct))[places]


def effective_law(law: Law, safe: SafeParts) -> Law:
    """The law itself where it has rates, else as far as safe claims tell it."""
    return law if law.has_rates else law_of_safe_claims(law, safe)


def law_of_safe_claims(law: Law, safe: SafeParts) -> Law:
    """The law as far as declarations tell it safely, where no tariff is given.

    A rate of a type is lawful for a heading, and a type for an origin, where that is safe. Product codes are those of the
    nomenclature and the safe ones.
    """
    claims = safe.cells("claim", "heading")
    lines = claims[["place", TYPE, RATE]].drop_duplicates().set_axis(["hs_code", TYPE, RATE], axis=1)
    pairs = safe.cells("claim", ALL)[[TYPE, ORIGIN]].drop_duplicates()
    lines = lines[lines[TYPE].isin(pairs[TYPE])]
    codes = pd.DataFrame({"hs_code": np.union1d(law.codes, safe.codes), TYPE: None, RATE: np.nan})
    routes = pairs.merge(pd.DataFrame({DEPARTURE: sorted(COUNTRIES)}), how="cross")
    return Law(law.origin, pd.concat([lines.astype(codes.dtypes.to_dict()), codes], ignore_index=True), routes)


def _facts(declarations: pd.DataFrame) -> pd.DataFrame:
    """What a pool is judged by."""
    value, mass = (declarations[name].to_numpy(dtype=float) for name in ("item_price", "net_mass"))
    price = np.divide(value, mass, out=value.copy(), where=mass > 0)
    return pd.DataFrame(
        {
            "importer": pd.factorize(declarations[IMPORTER])[0],
            "label": declarations["critical_fraud"].to_numpy(dtype=int),
            # Rows without a partner are no evidence that a pool has several.
            "partner": pd.factorize(declarations["seller_id"].replace("", None))[0],
            "price": pd.factorize(price)[0],
            "value": value,
            "mass": mass,
        }
    )


def _in_a_pool(
    pool: np.ndarray, shown: np.ndarray, facts: pd.DataFrame, min_group: int, dominance: Dominance
) -> np.ndarray:
    """Which of n rows may exchange what they have within their pools, as booleans.

    Args:
        pool: the pool of each row, integers from 0 on.
        shown: what each row has of the part, as integers.
        facts: the rows' facts.
        min_group: ``k``.
        dominance: the rule; dominating importers leave the pool.
    """
    own = facts.assign(pool=pool).groupby(["pool", "importer"], sort=True)[["value", "mass"]].sum().reset_index()
    stay = dominance.trimmed(own["pool"].to_numpy(), own["value"].to_numpy(), own["mass"].to_numpy(), min_group)
    importers = int(facts["importer"].max()) + 1
    keys = own["pool"].to_numpy()[stay].astype(np.int64) * importers + own["importer"].to_numpy()[stay]
    member = np.isin(pool.astype(np.int64) * importers + facts["importer"].to_numpy(), keys)
    left = facts[["label", "partner", "price"]].assign(pool=pool, shown=shown)[member]
    # The code -1 stands for no partner; alone, it is not one partner.
    several = (left[["label", "price", "shown"]].groupby(left["pool"]).nunique() > 1).all(axis=1)
    named = left[left["partner"] >= 0].groupby("pool")["partner"].nunique()
    several &= ~several.index.isin(named.index[named == 1])
    return member & np.isin(pool, several.index[several])


def _exchanged(pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each of n rows the row of the same pool from which it takes: a random exchange."""
    takes, gives = (np.lexsort([rng.random(len(pool)), pool]) for _ in range(2))
    source = np.empty(len(pool), dtype=int)
    source[takes] = gives
    return source


def _pool_names(level: str, *places: pd.Series) -> np.ndarray:
    """Texts that name the pools of rows: the level, and where they stand."""
    names = pd.Series(level, index=places[0].index)
    for place in places:
        names = names + "|" + place
    return names.to_numpy(dtype=object)


def _joined(*columns: np.ndarray | pd.Series) -> np.ndarray:
    """One integer from 0 on for each row, the same for rows that are alike in all columns."""
    return (
        pd.DataFrame({number: np.asarray(column) for number, column in enumerate(columns)})
        .groupby(list(range(len(columns))), sort=False)
        .ngroup()
        .to_numpy()
    )


def _usable(codes: np.ndarray, law: Law, from_everywhere: bool = False) -> np.ndarray:
    """Which of some product codes have a lawful rate, as booleans.

    Args:
        codes: the codes.
        law: the law.
        from_everywhere: ask for a rate of a tax type that is open to all routes, if the law has such types.
    """
    lines = law.rates_of(pd.unique(codes))
    is_open = ~lines[TYPE].isin(law.routes[TYPE])
    if from_everywhere and is_open.any():
        lines = lines[is_open]
    return pd.Series(codes).isin(lines[CODE]).to_numpy()


def _draw_codes(
    rows: _Rows, safe: SafeParts, law: Law, min_group: int, dominance: Dominance, rng: np.random.Generator
) -> dict[tuple[int, str], np.ndarray]:
    """Keep or exchange the product codes that are safe somewhere.

    Returns:
        For each level and place that other codes fell to: the codes of the law that may replace them.
    """
    safe_codes = safe.codes[_usable(safe.codes, law)] if len(safe.codes) else safe.codes
    if not len(safe_codes):
        raise TooFewImporters(
            f"none of the {len(rows.goods)} declarations has a product code that enough importers declared; "
            "more months, or a smaller k (CUSTOMS_MIN_GROUP), are needed"
        )
    codes = rows.goods[CODE].to_numpy(dtype=object, copy=True)
    is_safe = pd.Series(codes).isin(safe_codes).to_numpy()
    kept = is_safe & (rng.random(len(codes)) < safe.shares(CODE_PART, CODE, rows.now()))
    fallen = np.where(kept, _KEPT, _NOWHERE)
    pools = rows.pools[CODE_PART.name] = np.full(len(codes), "", dtype=object)
    # Safe codes of importers that dominate them change hands.
    for number, level in enumerate(LEVELS[1:], 1):
        open_rows = np.flatnonzero(is_safe & (fallen == _NOWHERE))
        if not len(open_rows):
            break
        pool = _joined(rows.goods[level].iloc[open_rows])
        shown = pd.factorize(codes[open_rows])[0]
        member = _in_a_pool(pool, shown, rows.facts.iloc[open_rows], min_group, dominance)
        most = pd.DataFrame({"pool": pool, "shown": shown})[member].value_counts(["pool", "shown"])
        share = most.groupby("pool").max() / most.groupby("pool").sum()
        member &= np.isin(pool, share.index[share <= _LIKELIEST])
        taken = open_rows[member]
        codes[taken] = codes[taken[_exchanged(pool[member], rng)]]
        fallen[taken] = number
        pools[taken] = _pool_names(f"exchange, {level}", rows.goods[level].iloc[taken])
    rows.replaced = fallen == _NOWHERE
    rows.goods = with_levels(pd.DataFrame({CODE: codes}))
    rows.fallen[CODE_PART.name] = fallen
    # All others will be replaced by codes of the law that are not safe either.
    law_codes = law.codes[_usable(law.codes, law, from_everywhere=True)]
    candidates = with_levels(pd.DataFrame({CODE: law_codes[~np.isin(law_codes.astype(str), safe_codes.astype(str))]}))
    choices: dict[tuple[int, str], np.ndarray] = {}
    for number, level in enumerate(LEVELS[1:], 1):
        open_rows = np.flatnonzero(fallen == _NOWHERE)
        if not len(open_rows):
            break
        pool, places = pd.factorize(rows.goods[level].iloc[open_rows].to_numpy(dtype=object))
        here = candidates.groupby(level, sort=False)[CODE].size().reindex(places).fillna(0).to_numpy()
        member = (here >= max(min_group, 1 / _LIKELIEST))[pool]
        if level != ALL:
            member &= _in_a_pool(
                pool, pd.factorize(codes[open_rows])[0], rows.facts.iloc[open_rows], min_group, dominance
            )
        for one in np.unique(pool[member]):
            here_too = candidates[candidates[level] == places[one]]
            choices[number, str(places[one])] = here_too[CODE].to_numpy(dtype=object)
        taken = open_rows[member]
        fallen[taken] = number
        if level != ALL:
            pools[taken] = _pool_names(f"replacement, {level}", rows.goods[level].iloc[taken])
        candidates = candidates[~candidates[level].isin(places[np.unique(pool[member])])]
    if (fallen == _NOWHERE).any():
        # The law has too few other codes: any safe one of those that are kept.
        if not kept.any():
            raise TooFewImporters("no product code may be kept, and the law has too few others")
        choices[_NOWHERE, ""] = codes[kept]
    return choices


def _replace_codes(rows: _Rows, choices: dict[tuple[int, str], np.ndarray], rng: np.random.Generator) -> None:
    """Give codes of the law to the rows whose own is safe nowhere.

    The rows of one place and origin get a code in groups of random size, on average as many as had one code of one origin in
    common. A group is of the rows of any importers. So importers can be composed that keep to their goods.
    """
    codes = rows.goods[CODE].to_numpy(dtype=object, copy=True)
    fallen = rows.fallen[CODE_PART.name]
    origin = pd.factorize(rows.lane[ORIGIN])[0]
    first = pd.factorize(rows.first[ORIGIN])[0]
    replaced = rows.replaced
    for (number, place), choice in choices.items():
        at = replaced & (fallen == number)
        if number != _NOWHERE:
            at &= (rows.goods[LEVELS[number]] == place).to_numpy()
        taken = np.flatnonzero(at)
        own = len(np.unique(_joined(codes[taken], first[taken])))
        taken = taken[np.lexsort([rng.random(len(taken)), origin[taken]])]
        begins = (np.diff(origin[taken], prepend=-1) != 0) | (rng.random(len(taken)) < own / len(taken))
        group = np.cumsum(begins) - 1
        codes[taken] = choice[rng.integers(len(choice), size=int(group[-1]) + 1)][group]
    rows.goods = with_levels(pd.DataFrame({CODE: codes}))


def _fall(rows: _Rows, part: Part, safe: SafeParts, rng: np.random.Generator) -> np.ndarray:
    """The finest level at which each row's part is safe, not finer than the one its product code fell to."""
    uniform = rng.random(len(rows.goods))
    finest = np.full(len(uniform), _NOWHERE)
    now = rows.now()
    for number in range(len(LEVELS) - 1, -1, -1):
        finest[uniform < safe.shares(part, LEVELS[number], now)] = number
    return np.maximum(finest, np.minimum(rows.fallen[CODE_PART.name], len(LEVELS) - 1))


def _draw_part(
    rows: _Rows, part: Part, safe: SafeParts, min_group: int, dominance: Dominance, rng: np.random.Generator
) -> None:
    """Keep a part, or exchange it together with what depends on it."""
    finest = _fall(rows, part, safe, rng)
    if part.columns == (ORIGIN,):
        finest = np.where(rows.withheld, _NOWHERE, finest)
    if part.columns == (DEPARTURE,):
        finest = np.where((rows.lane[DEPARTURE] == rows.lane[ORIGIN]).to_numpy(), _KEPT, finest)
    fallen = np.where(finest == _KEPT, _KEPT, _NOWHERE)
    carried = [*part.carried, IMPORTER]
    pools = rows.pools[part.name] = np.full(len(fallen), "", dtype=object)
    for number, level in enumerate(LEVELS[1:], 1):
        open_rows = np.flatnonzero((fallen == _NOWHERE) & (finest <= number))
        if not len(open_rows):
            continue
        lane = rows.lane.iloc[open_rows]
        pool = _joined(rows.goods[level].iloc[open_rows], *(lane[name] for name in part.given))
        member = _in_a_pool(
            pool, _joined(*(lane[name] for name in part.columns)), rows.facts.iloc[open_rows], min_group, dominance
        )
        taken = open_rows[member]
        source = taken[_exchanged(pool[member], rng)]
        pools[taken] = _pool_names(
            level, rows.goods[level].iloc[taken], *(rows.lane[name].iloc[taken] for name in part.given)
        )
        rows.lane.loc[taken, carried] = rows.lane.loc[source, carried].to_numpy()
        fallen[taken] = number
    _from_nearby(rows, part, fallen, rng)
    rows.fallen[part.name] = fallen


def _from_nearby(rows: _Rows, part: Part, fallen: np.ndarray, rng: np.random.Generator) -> None:
    """Draw the parts that fell nowhere from the rows that were placed, the nearest first."""
    carried = [*part.carried, IMPORTER]
    placed = np.flatnonzero(fallen != _NOWHERE)
    left = np.flatnonzero(fallen == _NOWHERE)
    for level in ("chapter", "section", ALL):
        if not (len(left) and len(placed)):
            break
        pool = _joined(rows.goods[level], *(rows.lane[name] for name in part.given))
        found, source = _drawn_from(pool[left], pool[placed], rng)
        taken = left[found]
        rows.lane.loc[taken, carried] = rows.lane.loc[placed[source], carried].to_numpy()
        left = left[~found]
    if len(left) and part.columns == (DEPARTURE,):
        # No other departure is shown with this origin: they come straight from there.
        rows.lane.loc[left, DEPARTURE] = rows.lane.loc[left, ORIGIN]
    elif len(left):
        raise TooFewImporters(f"no {part.name} of the declarations rests on enough importers")


def _drawn_from(wanted: np.ndarray, offered: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For rows of some pools an offer of the same pool at random: which find one, and the places of their offers."""
    order = np.argsort(offered, kind="stable")
    begin = np.searchsorted(offered[order], wanted, side="left")
    end = np.searchsorted(offered[order], wanted, side="right")
    found = end > begin
    place = begin[found] + (rng.random(int(found.sum())) * (end - begin)[found]).astype(int)
    return found, order[place]


def _draw_claims(
    rows: _Rows, part: Part, safe: SafeParts, law: Law, min_group: int, dominance: Dominance, rng: np.random.Generator
) -> None:
    """Keep the claims that are safe and lawful, and draw the others so that each pool keeps its frequencies."""
    finest = _fall(rows, part, safe, rng)
    claims, lawful = _lawful_claims(rows, part, law)
    # A claim that no declaration of this law can have is number -1.
    own = _places(rows.lane[list(part.columns)], claims)
    n = len(own)
    own_lawful = (own >= 0) & lawful[np.arange(n), np.maximum(own, 0)]
    finest = np.where((finest == _KEPT) & ~own_lawful, 1, finest)
    fallen = np.where(finest == _KEPT, _KEPT, _NOWHERE)
    drawn = own.copy()
    pools = rows.pools[part.name] = np.full(n, "", dtype=object)
    for number, level in enumerate(LEVELS[1:], 1):
        open_rows = np.flatnonzero((fallen == _NOWHERE) & (finest <= number) & (own >= 0))
        if not len(open_rows):
            continue
        pool = _joined(rows.goods[level].iloc[open_rows], rows.lane[ORIGIN].iloc[open_rows])
        member = _in_a_pool(pool, own[open_rows], rows.facts.iloc[open_rows], min_group, dominance)
        taken = open_rows[member]
        if not len(taken):
            continue
        pool = np.unique(pool[member], return_inverse=True)[1]
        chosen = _fitted(pool, own[taken], lawful[taken], rng)
        drawn[taken] = chosen
        # Where the law allows none of the pool's claims, the row has given its own all the same.
        fallen[taken] = number
        pools[taken] = _pool_names(level, rows.goods[level].iloc[taken], rows.lane[ORIGIN].iloc[taken])
    missing = (fallen == _NOWHERE) | (drawn < 0)
    if missing.any():
        left, placed = np.flatnonzero(missing), np.flatnonzero(~missing)
        drawn[left] = _likeliest(rows, left, placed, drawn, lawful[left], rng)
    rows.fallen[part.name] = fallen
    without = np.flatnonzero(drawn < 0)
    rows.lane[list(part.columns)] = claims.iloc[drawn][list(part.columns)].to_numpy()
    if len(without):
        _whole_tuples(rows, without, rng)
    if RATE not in part.columns:
        # Else the rate is a part of the claim, and was drawn with it.
        _lawful_rates(rows, safe, law, rng)


def _whole_tuples(rows: _Rows, without: np.ndarray, rng: np.random.Generator) -> None:
    """Give the whole tuple of a nearby row, one that kept all its parts if there is any, to rows for which no claim is lawful."""
    whole = np.logical_and.reduce([fallen == _KEPT for fallen in rows.fallen.values()])
    whole[without] = False
    if not whole.any():
        whole[:] = True
        whole[without] = False
    giving, columns = np.flatnonzero(whole), list(rows.lane.columns)
    codes = rows.goods[CODE].to_numpy(dtype=object, copy=True)
    for level in ("heading", "chapter", "section", ALL):
        pool = _joined(rows.goods[level])
        found, source = _drawn_from(pool[without], pool[giving], rng)
        taken, given = without[found], giving[source]
        codes[taken] = codes[given]
        rows.lane.loc[taken, columns] = rows.lane.loc[given, columns].to_numpy()
        for fallen in rows.fallen.values():
            fallen[taken] = _NOWHERE
        without = without[~found]
    if len(without):
        raise TooFewImporters(
            "no lawful claim may be shown for some goods and routes, and no whole tariff tuple; more months, a tariff "
            "(CUSTOMS_TARIFF), or a smaller k (CUSTOMS_MIN_GROUP) are needed"
        )
    rows.goods = with_levels(pd.DataFrame({CODE: codes}))


def _lawful_claims(rows: _Rows, part: Part, law: Law) -> tuple[pd.DataFrame, np.ndarray]:
    """All claims of the law, and which of them each row may make, booleans of shape (n, claims)."""
    code, codes = pd.factorize(rows.goods[CODE].to_numpy(dtype=object))
    lines = law.rates_of(codes)
    claims = lines[list(part.columns)].drop_duplicates().sort_values(list(part.columns), ignore_index=True)
    of_code = np.zeros((len(codes), len(claims)), dtype=bool)
    of_code[pd.Index(codes).get_indexer(pd.Index(lines[CODE])), _places(lines[list(part.columns)], claims)] = True
    route = _joined(rows.lane[ORIGIN], rows.lane[DEPARTURE])
    first = np.unique(route, return_index=True)[1]
    types = claims[TYPE].to_numpy(dtype=object)
    repeated = [np.repeat(rows.lane[name].to_numpy(dtype=object)[first], len(types)) for name in (ORIGIN, DEPARTURE)]
    open_to = law.open_routes(np.tile(types, len(first)), *repeated).reshape(len(first), len(types))
    return claims, of_code[code] & open_to[route]


def _places(rows: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """For each row its place in a table with the same columns, -1 where it is not there."""
    numbered = table.assign(place=np.arange(len(table)))
    return rows.merge(numbered, how="left", on=list(table.columns))["place"].fillna(-1).to_numpy(dtype=int)


def _fitted(pool: np.ndarray, own: np.ndarray, lawful: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A lawful claim for each row of some pools, so that a pool's claims are as frequent as they were; -1 where there is none.

    Claims have weights within a pool. These are fitted until the expected frequencies are those of the pool (iterative
    proportional fitting, Deming and Stephan 1940).
    """
    pools, claims = int(pool.max()) + 1, lawful.shape[1]
    target = np.zeros((pools, claims))
    np.add.at(target, (pool, own), 1.0)
    weight = target.copy()
    chance = np.zeros(lawful.shape)
    for _ in range(_FITTING_PASSES):
        chance = lawful * weight[pool]
        total = chance.sum(axis=1, keepdims=True)
        chance = np.divide(chance, total, out=np.zeros_like(chance), where=total > 0)
        expected = np.zeros_like(target)
        np.add.at(expected, pool, chance)
        weight = weight * np.divide(target, expected, out=np.ones_like(target), where=expected > 0)
    cumulative = chance.cumsum(axis=1)
    chosen = (cumulative < rng.random(len(pool))[:, None] * cumulative[:, -1:]).sum(axis=1)
    return np.where(cumulative[:, -1] > 0, np.minimum(chosen, claims - 1), -1)


def _likeliest(
    rows: _Rows, left: np.ndarray, placed: np.ndarray, drawn: np.ndarray, lawful: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A lawful claim for each row that is left, by how often it was placed nearby; -1 where the law has none."""
    weight = np.full(lawful.shape, 1e-9)
    for level, scale in ((ALL, 1e-6), ("chapter", 1e-3), (ALL, 1e-2), ("chapter", 1.0)):
        given = [rows.lane[ORIGIN]] if scale > 1e-3 else []
        pool = _joined(rows.goods[level], *given)
        counts = np.zeros((int(pool.max()) + 1, lawful.shape[1]))
        np.add.at(counts, (pool[placed], drawn[placed]), 1.0)
        weight += scale * counts[pool[left]]
    cumulative = (lawful * weight).cumsum(axis=1)
    chosen = (cumulative < rng.random(len(left))[:, None] * cumulative[:, -1:]).sum(axis=1)
    return np.where(cumulative[:, -1] > 0, np.minimum(chosen, lawful.shape[1] - 1), -1)


def _lawful_rates(rows: _Rows, safe: SafeParts, law: Law, rng: np.random.Generator) -> None:
    """Give every row a lawful rate of its claim: its own where that is one and safe, else any, all equally likely."""
    tuples = rows.now()[[CODE, TYPE, RATE]]
    lines = law.rates_of(tuples[CODE].unique().astype(object))
    is_own = tuples.merge(lines.assign(own=True), how="left", on=[CODE, TYPE, RATE])["own"].notna().to_numpy()
    is_safe = rng.random(len(tuples)) < safe.shares(RATE_PART, CODE, rows.now())
    open_rows = np.flatnonzero(~(is_own & is_safe))
    if not len(open_rows):
        return
    both = pd.concat([lines[[CODE, TYPE]], tuples.iloc[open_rows][[CODE, TYPE]]], ignore_index=True)
    claim = _joined(both[CODE], both[TYPE])
    found, line = _drawn_from(claim[len(lines) :], claim[: len(lines)], rng)
    rows.lane.loc[open_rows[found], RATE] = lines[RATE].to_numpy()[line]
