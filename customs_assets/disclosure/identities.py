"""New importers, sellers, declarants and couriers, each composed from several of the source's.

The paper drew identities apart from the goods, which destroyed every trading relation (``docs/decisions.md``, decision
6). Here the source's declarations of all months are *dealt* to as many new identities. First they are put in an order
in which like trade stands together (origin, chapter, product code, office). Then they are cut into runs of the sizes
that the source's identities have. Each run is a new identity. What it trades is alike, as with a real one. It takes no
more than a ``k``-th of its declarations from any one source identity, so that none is a source identity under another
name. A share of the declarations is shuffled, just so large that each relation comes out as strong as the source's.

``compose`` deals importers once over all months. Each row with its new importer is then a *slot*, and each declaration gets one
of its own goods, so that each month has as many slots of each of its goods as it has. Sellers, declarants and couriers are dealt
to the slots with the goods that these now have. ``assign`` chooses identities for a synthetic month: each of its rows takes those
of the slot that is most like it, each slot once. So over all months each new identity occurs as often as it was dealt.

New identities have the tokens of source identities, so that Table 2 can compare source and synthetic declarations. A
run gets a token of its own size, of an identity that trades from the same country (office, mode), drawn at random among
those. What the run holds says nothing of the token's first owner.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.association import normalized_mutual_information
from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.safe_groups import with_shorter_codes
from customs_assets.months import months_of
from customs_assets.seeds import Root, derive_rng

ASSET = "composed_identities"


@dataclass(frozen=True)
class Role:
    """How the identities of one role are composed.

    Attributes:
        name: the identity column.
        order: the columns that like trade is alike in, the coarsest first. Tokens are drawn within the first.
        relations: pairs of a column and a number, one after the other. The normalized mutual information with the column is to be
            the source's. To that end identities are shuffled among declarations that are alike in so many columns of ``order``.
        sources: the column whose identities must mix in a new one.
        packed: whether runs are fitted to the groups of rows that are alike in all of ``order``, and not cut wherever one ends. A
            new seller then serves one importer, or a few, and not the ends of many.
    """

    name: str
    order: tuple[str, ...]
    relations: tuple[tuple[str, int], ...]
    sources: str
    packed: bool = False


# In the order in which they are composed: who buys decides from whom, through which broker and with which carrier. A few couriers
# carry most and each serves many, so what must mix in one are the importers that it serves.
ROLES: tuple[Role, ...] = (
    Role(
        "importer_id",
        ("country_of_origin", "chapter", "hs6_code", "office_id"),
        (("hs6_code", 2), ("hs6_code", 0)),
        "importer_id",
        packed=True,
    ),
    Role(
        "seller_id",
        ("country_of_origin", "importer_id"),
        (("country_of_origin", 0), ("importer_id", 1)),
        "seller_id",
        packed=True,
    ),
    Role("declarant_id", ("office_id", "importer_id"), (("office_id", 0),), "declarant_id"),
    Role("courier_id", ("mode_of_transport", "office_id", "importer_id"), (("mode_of_transport", 0),), "importer_id"),
)

# What a synthetic row must share with a source row to take its identities, tried in this order. ``slot`` is the source row that
# gave it the importer: where the origin, office or mode is the same, it takes that row's partners as well.
_SITE = ("hs6_code", "country_of_origin", "seller_id_named", "office_id")
_MATCHES: dict[str, tuple[tuple[str, ...], ...]] = {
    "importer_id": (
        (*_SITE, "mode_of_transport", "country_of_departure", "import_type"),
        (*_SITE, "mode_of_transport"),
        _SITE,
        ("hs6_code", "country_of_origin", "seller_id_named"),
        ("hs6_code", "country_of_origin"),
    ),
    "importer_id of other goods": (
        ("heading", "country_of_origin", "seller_id_named"),
        ("heading",),
        ("chapter", "country_of_origin", "seller_id_named"),
        ("chapter",),
        (),
    ),
    "seller_id": (
        ("slot", "country_of_origin"),
        ("slot", "chapter"),
        ("importer_id", "country_of_origin", "hs6_code"),
        ("importer_id", "country_of_origin"),
        ("importer_id", "chapter"),
        ("country_of_origin", "hs6_code"),
        ("country_of_origin", "heading"),
        ("country_of_origin", "chapter"),
        ("country_of_origin",),
        (),
    ),
    "declarant_id": (
        ("slot", "office_id"),
        ("importer_id", "office_id"),
        ("office_id", "chapter"),
        ("office_id",),
        (),
    ),
    "courier_id": (
        ("slot", "mode_of_transport"),
        ("importer_id", "mode_of_transport"),
        ("mode_of_transport", "office_id", "import_type"),
        ("mode_of_transport", "office_id"),
        ("mode_of_transport",),
        (),
    ),
}

# What a slot is like, beside its identities.
LIKE = (
    "hs6_code",
    "country_of_origin",
    "country_of_departure",
    "office_id",
    "mode_of_transport",
    "import_type",
)

# What a slot takes over from the declaration that gets it.
_OF_GOODS = ("hs6_code", "heading", "chapter", "country_of_origin")

# What a declaration must share with its slot, tried in this order.
_GOODS = ("hs6_code", "country_of_origin")
_OF_A_DECLARATION: tuple[tuple[str, ...], ...] = (
    (*_GOODS, "month", "office_id"),
    (*_GOODS, "month"),
    (*_GOODS, "office_id"),
    _GOODS,
    ("hs6_code", "month"),
    ("hs6_code",),
)

# Declarations change slots to give an importer the goods of enough donors, at first those that are alike in these columns.
_CHANGING: tuple[tuple[str, ...], ...] = (
    _GOODS,
    ("hs6_code",),
    ("heading", "country_of_origin"),
    ("heading",),
    ("chapter", "country_of_origin"),
    ("chapter",),
    (),
)

# Importers exchange codes within these, and last of all over all origins: there only until the relation of importers and goods
# is this part of the source's, since it costs the relation of importers and origins, and with it that of importers and sellers.
_WITHIN_ORIGINS: tuple[tuple[str, ...], ...] = (("country_of_origin", "chapter"), ("country_of_origin",))
_OVER_ORIGINS: tuple[tuple[str, ...], ...] = (*_WITHIN_ORIGINS, ())
_SHARE_OVER_ORIGINS = 0.95

# The share of declarations to shuffle is searched for in this many halvings.
_HALVINGS = 7

# How often the relation of importers and goods is aimed at.
_AIMS = 3

# A declaration that its new identity may not take is swapped with another, up to so often, each time from further away.
_ROUNDS = 30
_FIRST_REACH = 20

# So many rounds without a gain, and no more is tried.
_IN_VAIN = 5


def compose(
    declarations: pd.DataFrame,
    source: pd.DataFrame,
    *,
    min_group: int,
    root: Root,
    importers: pd.Series | None = None,
) -> pd.DataFrame:
    """Slots for the declarations of all months: new identities, and what they trade.

    Args:
        declarations: n generalized rows of all months, with the source's identity tokens and, in ``goods_of``, the declaration
            whose goods each has.
        source: the n rows before they were generalized. Their relations are the measure.
        min_group: ``k``. A new identity takes no more than a ``k``-th of its rows, rounded up, from one of the source's.
        root: what draws derive from.
        importers: who declared what, by ``declaration_id``, where some of the goods are those of declarations beyond these n.

    Returns:
        n rows: ``declaration_id`` and the declaration's disclosed ``hs6_code`` and ``country_of_origin``; ``slot_id``, the
        declaration that its slot was dealt from; the four identity columns, empty where the slot names nobody; and what else the
        slot is like (:data:`LIKE`). A month has slots of its own goods.
    """
    goods = with_shorter_codes(declarations).assign(month=months_of(declarations["date"]).to_numpy())
    measured = with_shorter_codes(source)
    dealt = goods.assign(importer_id=_compose_role(goods, declarations, measured, ROLES[0], min_group, root))
    slot = _slots(goods, dealt, measured, min_group, root, importers)
    slots = dealt.iloc[slot].reset_index(drop=True).assign(**{name: goods[name] for name in _OF_GOODS})
    owners = declarations.iloc[slot].reset_index(drop=True)
    for role in ROLES[1:]:
        slots[role.name] = _compose_role(slots, owners, measured, role, min_group, root)
    columns = [*LIKE[:2], "declaration_id", *IDENTITIES, *LIKE[2:]]
    composed = slots[columns].rename(columns={"declaration_id": "slot_id"})
    return pd.concat([goods["declaration_id"], composed], axis=1)


def _slots(
    goods: pd.DataFrame,
    dealt: pd.DataFrame,
    measured: pd.DataFrame,
    min_group: int,
    root: Root,
    importers: pd.Series | None,
) -> np.ndarray:
    """For each declaration the place of its slot: one of the same goods and origin, of the same month where there is one.

    The goods of the slots are exchanged, so that there are as many of each code as declarations. Through its slots a new importer
    has the goods of some declarations. They must be of enough donors (:func:`too_few_donors`). So declarations change slots:
    first with others of the same goods and origin, then of the same code, heading and chapter. This loosens the relation of
    importers and goods. So it is aimed higher until it is as strong as the source's.

    Args:
        goods: n declarations with the goods that are shown for them, and their ``month``.
        dealt: the n rows with their new importers.
        measured: the n rows of the source.
        min_group: ``k``.
        root: what draws derive from.
        importers: as for :func:`compose`.
    """
    target = _association_above_chance(measured["hs6_code"])(measured["importer_id"].to_numpy())
    association = _association_above_chance(goods["hs6_code"])
    new, donor = pd.factorize(dealt["importer_id"])[0], _owners_of_goods(goods, measured, importers)
    values = {name: pd.factorize(goods[name], sort=True)[0] for name in _OF_GOODS}
    products = _joined([values[name] for name in _GOODS])

    def over(slot: np.ndarray) -> np.ndarray:
        return too_few_donors(new[slot], donor, products, min_group)

    def slots_of(aim: float, within: tuple[tuple[str, ...], ...]) -> np.ndarray:
        rng = derive_rng(root, ASSET, purpose="slots")
        codes = _concentrated(dealt, aim, within, int(rng.integers(2**62)))
        slot = _matched(goods, dealt.assign(hs6_code=codes), _OF_A_DECLARATION, rng)
        for alike in _CHANGING:
            cells = [values[name] for name in alike]
            # Within a cell, those that share most stand together.
            others = [of_all for name, of_all in values.items() if name not in alike]
            order = np.lexsort([rng.random(len(goods)), *others, *reversed(cells)])
            slot = _mixed(slot, over, order, rng, _joined(cells) if cells else None)
        return slot

    aim, before = target, 0.0
    for _ in range(_AIMS):
        slot = slots_of(aim, _WITHIN_ORIGINS)
        reached = association(new[slot])
        if reached >= target or reached <= before:
            break
        aim, before = aim * target / reached, reached
    if reached < _SHARE_OVER_ORIGINS * target:
        slot = slots_of(_SHARE_OVER_ORIGINS * target, _OVER_ORIGINS)
    return slot


def _owners_of_goods(goods: pd.DataFrame, measured: pd.DataFrame, importers: pd.Series | None = None) -> np.ndarray:
    """Who declared the goods of each row, as integers: of goods that changed months, the importer of another declaration."""
    declared = measured.set_index("declaration_id")["importer_id"] if importers is None else importers
    owners = declared.reindex(goods["goods_of"])
    if owners.isna().any():
        raise ValueError(
            f"{int(owners.isna().sum())} of {len(goods)} declarations show the goods of declarations that are not there: "
            "disclosed_tuples was made with other months; make it again"
        )
    return pd.factorize(owners)[0]


def _compose_role(
    rows: pd.DataFrame,
    declarations: pd.DataFrame,
    measured: pd.DataFrame,
    role: Role,
    min_group: int,
    root: Root,
) -> np.ndarray:
    """The new identity of every row, as text. ``rows`` has the new identities of the roles before."""
    rng = derive_rng(root, ASSET, purpose=role.name)
    named = np.flatnonzero((declarations[role.name] != "").to_numpy())
    if not len(named):
        return declarations[role.name].to_numpy(dtype=object)
    part = rows.iloc[named]
    owners, tokens = pd.factorize(declarations[role.name].iloc[named])
    sources, importers = (pd.factorize(declarations[name].iloc[named])[0] for name in (role.sources, "importer_id"))
    cells = [_shuffled_codes(part[column], rng) for column in role.order]
    order = np.lexsort([rng.random(len(part)), *reversed(cells)])
    sizes = _releasable_sizes(owners, importers, min_group)
    main = _main_cells(owners, cells[0])
    if role.packed:
        runs = packed(sizes, main, cells[0], _joined(cells), order, rng)
    else:
        runs = np.empty(len(part), dtype=int)
        tokens_in_order = np.lexsort([rng.random(len(sizes)), main])
        runs[order] = np.repeat(tokens_in_order, sizes[tokens_in_order])

    def over(runs: np.ndarray) -> np.ndarray:
        return over_share(runs, sources, min_group)

    # Once before the relations are set to the source's strength, since mixing loosens them, and once after.
    runs = _mixed(runs, over, order, rng)
    for other, depth in role.relations:
        target = _association_above_chance(measured[other])(measured[role.name].to_numpy())
        association = _association_above_chance(rows[other])

        def strength(runs: np.ndarray, association: Callable[[np.ndarray], float] = association) -> float:
            identities = np.full(len(rows), -1)
            identities[named] = runs
            return association(identities)

        within = _joined(cells[:depth]) if depth else np.zeros(len(part), dtype=int)
        # First all that one importer has of an identity changes hands together, so that its relation to importers outlasts this.
        # Where that does not loosen enough, or the relation is one to importers, declarations change hands one by one.
        together = [] if "importer_id" in (other, role.name) else [_joined([runs, cells[-1]])]
        for blocks in (*together, np.arange(len(part))):
            runs = _loosened(runs, strength, target, within, blocks, int(rng.integers(2**62)))
    runs = _mixed(runs, over, order, rng)
    composed = np.full(len(rows), "", dtype=object)
    composed[named] = np.asarray(tokens, dtype=object)[runs]
    return composed


def _concentrated(rows: pd.DataFrame, target: float, within: Sequence[Sequence[str]], seed: int) -> np.ndarray:
    """The product codes of the rows, exchanged so that importers keep to their goods as much as in the source.

    An importer may take few of its rows from one source identity. So it finds rows of one product less often than a real
    importer has them. Therefore importers exchange codes, so that each code goes to as few of them as possible
    (:func:`packed`). A share of them does so, just so large that the relation of importers and goods is as strong as the target.

    Args:
        rows: n rows with their new importers.
        target: normalized mutual information above chance.
        within: the columns that rows must share to exchange codes; where one does not reach the target, the next is used.
        seed: of the draws.
    """
    codes = rows["hs6_code"].to_numpy(dtype=object)
    # Codes are packed in their own order, importers in the order in which they come: nothing depends on how tokens are spelt.
    importer = pd.factorize(rows["importer_id"])[0]
    association = _association_above_chance(rows["importer_id"])
    if association(codes) >= target:
        return codes
    for like in within:
        cell = _joined([np.zeros(len(rows), dtype=int), *(pd.factorize(rows[name])[0] for name in like)])

        def with_share(share: float, cell: np.ndarray = cell, codes: np.ndarray = codes) -> np.ndarray:
            return _packed_codes(codes, cell, importer, share, seed)

        exchanged = with_share(1.0)
        if association(exchanged) >= target:
            low, high = 0.0, 1.0
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                low, high = (middle, high) if association(with_share(middle)) < target else (low, middle)
            return with_share(high)
        codes = exchanged
    return codes


def _packed_codes(codes: np.ndarray, cell: np.ndarray, importer: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The codes after those of a share of what importers have of a cell were dealt to these anew, each to as few as possible.

    Args:
        codes: n product codes.
        cell: the cell of each row, integers; codes stay in their cell.
        importer: of each row, integers.
        share: in [0, 1].
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    held = _joined([cell, importer])
    picked = np.flatnonzero(rng.random(int(held.max()) + 1)[held] < share)
    if not len(picked):
        return codes
    token = np.unique(held[picked], return_inverse=True)[1]
    cells = np.unique(cell[picked], return_inverse=True)[1]
    main = np.zeros(int(token.max()) + 1, dtype=int)
    main[token] = cells
    blocks = _joined([cells, pd.factorize(codes[picked], sort=True)[0]])
    together = np.lexsort([rng.random(len(picked)), blocks])
    runs = packed(np.bincount(token), main, cells, blocks, together, rng)
    taken = codes.copy()
    gives, takes = (picked[np.lexsort([rng.random(len(picked)), by])] for by in (runs, token))
    taken[takes] = codes[gives]
    return taken


def _shuffled_codes(values: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """Integers for values, in a random order of the values. So nothing depends on how tokens are spelt."""
    codes, levels = pd.factorize(values)
    return rng.permutation(len(levels))[codes]


def _joined(codes: list[np.ndarray]) -> np.ndarray:
    """One integer for each row, the same for rows that are alike in all columns."""
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def _main_cells(owners: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The cell that each token has most of its rows in."""
    counts = pd.DataFrame({"token": owners, "cell": cells}).value_counts().reset_index()
    main = counts.sort_values(["token", "count", "cell"], ascending=[True, False, True]).drop_duplicates("token")
    return main["cell"].to_numpy()


def packed(
    sizes: np.ndarray,
    main: np.ndarray,
    cells: np.ndarray,
    blocks: np.ndarray,
    order: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Deal rows out to tokens of their cell, so that each block of rows goes to as few tokens as possible.

    The largest block is first. A block goes to the token with the least room that holds it (best fit, Johnson 1973), or, where
    none does, to those with the most room. What a cell's own tokens cannot hold goes to those of other cells.

    Args:
        sizes: rows that each token takes.
        main: the cell of each token.
        cells, blocks: of each row; a block lies in one cell.
        order: the rows, those of a block together.
        rng: draws in which order tokens of one size are taken.

    Returns:
        The token of each row, integers.
    """
    runs = np.full(len(order), -1)
    room: dict[int, list[tuple[int, int, int]]] = {int(cell): [] for cell in np.unique(main)}
    for place, token in enumerate(rng.permutation(len(sizes))):
        insort(room[int(main[token])], (int(sizes[token]), place, int(token)))
    starts = np.flatnonzero(np.diff(blocks[order], prepend=-1))
    left = [
        _fitted(rows, room.get(int(cells[rows[0]]), []), runs)
        for rows in sorted(np.split(order, starts[1:]), key=len, reverse=True)
    ]
    open_room = sorted(entry for entries in room.values() for entry in entries)
    for rows in sorted(left, key=len, reverse=True):
        _fitted(rows, open_room, runs)
    return runs


def _fitted(rows: np.ndarray, room: list[tuple[int, int, int]], runs: np.ndarray) -> np.ndarray:
    """Give rows to the tokens that have room. ``room`` is sorted, and is updated. Returns the rows that found no room."""
    while len(rows) and room:
        size, place, token = room.pop(min(bisect_left(room, (len(rows),)), len(room) - 1))
        taken = min(size, len(rows))
        runs[rows[:taken]] = token
        rows = rows[taken:]
        if size > taken:
            insort(room, (size - taken, place, token))
    return rows


def _releasable_sizes(owners: np.ndarray, importers: np.ndarray, min_group: int) -> np.ndarray:
    """How many declarations each token has, as it may be shown.

    A size is kept that ``min_group`` tokens share or that counts declarations of as many importers. The others are averaged over
    groups of ``min_group`` neighbours in size. The sum is kept.
    """
    sizes = np.bincount(owners)
    distinct = pd.Series(importers).groupby(owners).nunique().to_numpy()
    shared = pd.Series(sizes).map(pd.Series(sizes).value_counts()).to_numpy()
    open_tokens = np.flatnonzero((shared < min_group) & (distinct < min_group))
    releasable = sizes.astype(int)
    ranked = open_tokens[np.argsort(-sizes[open_tokens], kind="stable")]
    for group in np.array_split(ranked, max(len(ranked) // min_group, 1)) if len(ranked) else []:
        total = int(sizes[group].sum())
        releasable[group] = total // len(group) + (np.arange(len(group)) < total % len(group))
    return releasable


def _loosened(
    runs: np.ndarray,
    strength: Callable[[np.ndarray], float],
    target: float,
    within: np.ndarray,
    blocks: np.ndarray,
    seed: int,
) -> np.ndarray:
    """The runs after a share of blocks was shuffled, just so large that a relation is as strong as the target.

    The relation falls with the share. Nothing is shuffled where it is not stronger than the target to begin with.
    """

    def shuffled(share: float) -> np.ndarray:
        return _shuffled(runs, share, within, blocks, np.random.default_rng(seed))

    low, high = 0.0, 1.0
    if strength(shuffled(low)) <= target:
        return shuffled(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if strength(shuffled(middle)) > target else (low, middle)
    return shuffled(high)


def _shuffled(
    runs: np.ndarray, share: float, within: np.ndarray, blocks: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The runs with those of a share of the blocks exchanged within their cells, among blocks of the same size."""
    first_row, block, size = np.unique(blocks, return_index=True, return_inverse=True, return_counts=True)[1:]
    picked = np.flatnonzero(rng.random(len(size)) < share)
    cells = within[first_row[picked]]
    first, second = (picked[np.lexsort([rng.random(len(picked)), cells, size[picked]])] for _ in range(2))
    held = runs[first_row]
    held[first] = runs[first_row[second]]
    return held[block.ravel()]


def _association_above_chance(column: pd.Series) -> Callable[[np.ndarray], float]:
    """A measure of other columns: their normalized mutual information with this one, less that with this one shuffled."""
    codes = pd.factorize(column.to_numpy())[0].astype(np.int64)
    shuffled = np.random.default_rng(0).permutation(codes)

    def association(other: np.ndarray) -> float:
        others = pd.factorize(other)[0].astype(np.int64)
        return normalized_mutual_information(others, codes) - normalized_mutual_information(others, shuffled)

    return association


def _mixed(
    runs: np.ndarray,
    over: Callable[[np.ndarray], np.ndarray],
    order: np.ndarray,
    rng: np.random.Generator,
    within: np.ndarray | None = None,
) -> np.ndarray:
    """Swap declarations until no new identity holds more of one source identity than it may.

    Args:
        runs: what each of n declarations has: its new identity, or its slot.
        over: says of runs which declarations must be swapped, as booleans.
        order: the declarations, like ones together; partners for a swap are looked for nearby.
        rng: what draws come from.
        within: declarations swap with those alone that have the same number here. Such stand together in the order.
    """
    runs = runs.copy()
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    cell = np.zeros(len(order), dtype=int) if within is None else np.unique(within, return_inverse=True)[1]
    begin, size = np.unique(cell[order], return_index=True, return_counts=True)[1:]
    fewest, in_vain = len(order) + 1, 0
    for number in range(_ROUNDS):
        rows = np.flatnonzero(over(runs))
        fewest, in_vain = min(fewest, len(rows)), in_vain + 1 if len(rows) >= fewest else 0
        if not len(rows) or in_vain == _IN_VAIN:
            break
        reach = min(_FIRST_REACH * 2**number, len(order))
        steps = rng.integers(-reach, reach + 1, len(rows))
        first = begin[cell[rows]]
        other = order[first + (place[rows] - first + steps) % size[cell[rows]]]
        first_use = np.zeros(len(rows), dtype=bool)
        first_use[np.unique(other, return_index=True)[1]] = True
        swapped = first_use & ~np.isin(other, rows)
        here, there = rows[swapped], other[swapped]
        runs[here], runs[there] = runs[there], runs[here]
    return runs


def too_few_donors(runs: np.ndarray, donors: np.ndarray, goods: np.ndarray, min_group: int) -> np.ndarray:
    """Which rows must come from another donor, so that each new identity has the goods of enough.

    The goods of an identity with ``min_group`` rows or more are of as many donors, and at most half of them, rounded up, are of
    one. Of an identity with fewer rows no two goods (product and origin) are of one donor: together they might say what that
    one trades. Rows of the same goods may be, since they are shown of many importers.

    Args:
        runs: n integers, the new identity of each row.
        donors: n integers, who declared the goods of each row.
        goods: n integers, the product and origin of each row.
        min_group: ``k``.
    """
    rows = pd.DataFrame({"run": runs, "donor": donors, "goods": goods})
    by_run, by_donor = rows.groupby("run")["donor"], rows.groupby(["run", "donor"])
    size, distinct = by_run.transform("size").to_numpy(), by_run.transform("nunique").to_numpy()
    times = by_donor.cumcount().to_numpy()
    again = times > 0
    place = rows.assign(again=again).groupby("run")["again"].cumsum().to_numpy()
    missing = min_group - distinct
    of_many = (again & (place <= missing)) | (times >= -(-size // 2))
    other_goods = rows["goods"].to_numpy() != by_donor["goods"].transform("first").to_numpy()
    return np.where(size < min_group, other_goods, of_many)


def over_share(runs: np.ndarray, sources: np.ndarray, min_group: int) -> np.ndarray:
    """Which rows give a new identity more of one source identity than it may hold.

    It may hold a ``min_group``-th of its rows of each, rounded up: of at most ``min_group`` rows, one.

    Args:
        runs: n integers, the new identity of each row.
        sources: n integers, the source identity of each row.
        min_group: ``k``.
    """
    rows = pd.DataFrame({"run": runs, "source": sources})
    size = rows.groupby("run")["source"].transform("size").to_numpy()
    return rows.groupby(["run", "source"]).cumcount().to_numpy() >= -(-size // min_group)


def assign(rows: pd.DataFrame, slots: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Identities for a synthetic month.

    Args:
        rows: m synthetic rows as ``Codec.decode`` gives them, with ``courier_id_named``, and ``seller_id_named`` as a wish.
        slots: the month's n rows of :func:`compose`.
        rng: what draws come from.

    Returns:
        m rows of the four identity columns, empty where nobody is named. No slot of the month serves twice where m = n.
    """
    wanted = with_shorter_codes(rows)
    own = with_shorter_codes(slots).assign(seller_id_named=np.where(slots["seller_id"] != "", "yes", "no"))
    own["slot"] = np.arange(len(own))
    slot = _importers(wanted, own, rng)
    giving = own.iloc[slot].reset_index(drop=True)
    # Whether an importer names its seller is the importer's habit: it comes with the importer.
    wanted = wanted.assign(slot=slot, importer_id=giving["importer_id"], seller_id_named=giving["seller_id_named"])
    for role in ROLES[1:]:
        asking = np.arange(len(wanted))
        if f"{role.name}_named" in wanted:
            asking = np.flatnonzero((wanted[f"{role.name}_named"] == "yes").to_numpy())
        chosen = np.full(len(wanted), "", dtype=object)
        open_slots = np.flatnonzero((own[role.name] != "").to_numpy())
        if len(asking) and len(open_slots):
            found = _matched(wanted.iloc[asking], own.iloc[open_slots], _MATCHES[role.name], rng)
            chosen[asking] = own[role.name].to_numpy(dtype=object)[open_slots[found]]
        wanted[role.name] = chosen
    return wanted[list(IDENTITIES)].set_axis(rows.index)


def _importers(wanted: pd.DataFrame, own: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """For each row the place of the slot that gives it its importer."""
    slot = _matched(wanted, own, _MATCHES["importer_id"], rng)
    left = np.flatnonzero(slot < 0)
    if len(left):
        unused = np.setdiff1d(np.arange(len(own)), slot)
        unused = unused if len(unused) else np.arange(len(own))
        found = _matched(wanted.iloc[left], own.iloc[unused], _MATCHES["importer_id of other goods"], rng)
        slot[left] = unused[found]
    return slot


def _matched(
    rows: pd.DataFrame, slots: pd.DataFrame, matches: tuple[tuple[str, ...], ...], rng: np.random.Generator
) -> np.ndarray:
    """For each row the place of a slot that shares as much with it as possible; -1 where none shares enough.

    All slots are used equally often.
    """
    turns = -(-len(rows) // len(slots))
    open_slots = np.concatenate([rng.permutation(len(slots)) for _ in range(turns)])[: len(rows)]
    if turns == 1:
        # Where there are slots enough, all of them are offered.
        open_slots = rng.permutation(len(slots))
    open_rows = rng.permutation(len(rows))
    matched = np.full(len(rows), -1)
    columns = list(dict.fromkeys(column for shared in matches for column in shared))
    both = pd.concat([rows[columns], slots[columns]], ignore_index=True)
    codes = both.apply(lambda column: pd.factorize(column)[0])
    for shared in matches:
        if not (len(open_rows) and len(open_slots)):
            break
        key = codes.groupby(list(shared), sort=False).ngroup().to_numpy() if shared else np.zeros(len(codes), dtype=int)
        # Rows and slots of one key are paired in turn.
        row_keys, slot_keys = pd.DataFrame({"key": key[open_rows]}), pd.DataFrame({"key": key[len(rows) + open_slots]})
        left = row_keys.assign(turn=row_keys.groupby("key").cumcount(), row=open_rows)
        right = slot_keys.assign(turn=slot_keys.groupby("key").cumcount(), place=np.arange(len(slot_keys)))
        pairs = left.merge(right, on=["key", "turn"])
        matched[pairs["row"]] = open_slots[pairs["place"]]
        open_rows = open_rows[matched[open_rows] < 0]
        open_slots = np.delete(open_slots, pairs["place"].to_numpy())
    return matched
