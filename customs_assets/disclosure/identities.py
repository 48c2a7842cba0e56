"""New importers, sellers, declarants and couriers, each composed from several of the source's.

The paper drew identities apart from the goods, which destroyed every trading relation (``docs/decisions.md``, decision
6). Here the source's declarations of all months are *dealt* to as many new identities. First they are put in an order
in which like trade stands together (origin, chapter, product code, office). Then they are cut into runs of the sizes
that the source's identities have. Each run is a new identity. What it trades is alike, as with a real one. It takes no
more than a ``k``-th of its declarations from any one source identity, so that none is a source identity under another
name. A share of the declarations is shuffled, just so large that each relation comes out as strong as the source's.

``compose`` deals once over all months. ``assign`` chooses identities for a synthetic month: each of its rows takes the
identities of the source row that is most like it, each source row once.

New identities have the tokens of source identities, so that Table 2 can compare source and synthetic declarations. A
run gets a token of its own size, of an identity that trades from the same country (office, mode), drawn at random among
those. What the run holds says nothing of the token's first owner.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.association import normalized_mutual_information
from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.safe_groups import with_shorter_codes
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
_SITE = ("fraud", "hs6_code", "country_of_origin", "seller_id_named", "office_id")
_MATCHES: dict[str, tuple[tuple[str, ...], ...]] = {
    "importer_id": (
        (*_SITE, "mode_of_transport", "country_of_departure", "import_type"),
        (*_SITE, "mode_of_transport"),
        _SITE,
        ("fraud", "hs6_code", "country_of_origin", "seller_id_named"),
        ("hs6_code", "country_of_origin", "seller_id_named"),
        ("hs6_code", "country_of_origin"),
    ),
    "importer_id of any month": (
        ("fraud", "hs6_code", "country_of_origin", "office_id"),
        ("fraud", "hs6_code", "country_of_origin"),
        ("hs6_code", "country_of_origin"),
        ("hs6_code",),
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
        ("country_of_origin", "hs6_code", "fraud"),
        ("country_of_origin", "heading"),
        ("country_of_origin", "chapter"),
        ("country_of_origin",),
        (),
    ),
    "declarant_id": (
        ("slot", "office_id"),
        ("importer_id", "office_id", "fraud"),
        ("importer_id", "office_id"),
        ("office_id", "chapter", "fraud"),
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

# What a row gives to another month's row, and what they may be alike in.
_LIKE = ("hs6_code", "country_of_origin", "office_id", "mode_of_transport", "fraud")
_GIVEN = [*IDENTITIES, *_LIKE, "seller_id_named"]

# The share of declarations to shuffle is searched for in this many halvings.
_HALVINGS = 7

# A declaration that its new identity may not take is swapped with another, up to so often, each time from further away.
_ROUNDS = 30
_FIRST_REACH = 20


def compose(declarations: pd.DataFrame, source: pd.DataFrame, *, min_group: int, root: Root) -> pd.DataFrame:
    """New identities for the declarations of all months.

    Args:
        declarations: n generalized rows of all months, with the source's identity tokens.
        source: the n rows before they were generalized. Their relations are the measure.
        min_group: ``k``. A new identity takes no more than a ``k``-th of its rows, rounded up, from one of the source's.
        root: what draws derive from.

    Returns:
        n rows of ``declaration_id``, the four identity columns, empty where the declaration names nobody, and what the row is
        like: ``hs6_code``, ``country_of_origin``, ``office_id``, ``mode_of_transport`` and ``fraud``.
    """
    rows = with_shorter_codes(declarations)
    measured = with_shorter_codes(source)
    for role in ROLES:
        rng = derive_rng(root, ASSET, purpose=role.name)
        rows[role.name] = _compose_role(rows, declarations, measured, role, min_group, rng)
        if role is ROLES[0]:
            target = _association_above_chance(measured["hs6_code"])(measured[role.name].to_numpy())
            rows["hs6_code"] = _concentrated(rows, target, int(rng.integers(2**62)))
    return rows[["declaration_id", *_GIVEN[:-1]]]


def _compose_role(
    rows: pd.DataFrame,
    declarations: pd.DataFrame,
    measured: pd.DataFrame,
    role: Role,
    min_group: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """The new identity of every row, as text. ``rows`` has the new identities of the roles before."""
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
    # Once before the relations are set to the source's strength, since mixing loosens them, and once after.
    runs = _mixed(runs, sources, order, min_group, rng)
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
    runs = _mixed(runs, sources, order, min_group, rng)
    composed = np.full(len(rows), "", dtype=object)
    composed[named] = np.asarray(tokens, dtype=object)[runs]
    return composed


def _concentrated(rows: pd.DataFrame, target: float, seed: int) -> np.ndarray:
    """The product codes of the rows, exchanged so that importers keep to their goods as much as in the source.

    An importer may take few of its rows from one source identity. So it finds rows of one product less often than a real importer
    has them. Therefore rows of one origin exchange codes: a share of them gives its codes in the order of the code, and takes
    them in the order of the new importers, whose trade lies in the order of chapters, too. The share is just so large that the
    relation of importers and goods is as strong as the target.
    """
    codes = rows["hs6_code"].to_numpy(dtype=object)
    origin = pd.factorize(rows["country_of_origin"])[0]
    order = pd.factorize(codes, sort=True)[0]
    importer = pd.factorize(rows["importer_id"])[0]
    together = _joined([origin, importer])
    # Where an importer's trade of one origin lies among the codes.
    place = pd.Series(order).groupby(together).median().to_numpy()
    association = _association_above_chance(rows["importer_id"])

    def exchanged(share: float) -> np.ndarray:
        rng = np.random.default_rng(seed)
        picked = np.flatnonzero(rng.random(len(place))[together] < share)
        tie = rng.permutation(len(place))
        gives = picked[np.lexsort([order[picked], origin[picked]])]
        takes = picked[np.lexsort([tie[together[picked]], place[together[picked]], origin[picked]])]
        taken = codes.copy()
        taken[takes] = codes[gives]
        return taken

    low, high = 0.0, 1.0
    if association(codes) >= target:
        return codes
    if association(exchanged(high)) <= target:
        return exchanged(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if association(exchanged(middle)) < target else (low, middle)
    return exchanged(high)


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
    runs: np.ndarray, sources: np.ndarray, order: np.ndarray, min_group: int, rng: np.random.Generator
) -> np.ndarray:
    """Swap declarations until no new identity holds more of one source identity than it may."""
    runs = runs.copy()
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    for number in range(_ROUNDS):
        over = np.flatnonzero(over_share(runs, sources, min_group))
        if not len(over):
            break
        reach = min(_FIRST_REACH * 2**number, len(order))
        steps = rng.integers(-reach, reach + 1, len(over))
        other = order[np.clip(place[over] + steps, 0, len(order) - 1)]
        first_use = np.zeros(len(over), dtype=bool)
        first_use[np.unique(other, return_index=True)[1]] = True
        swapped = first_use & ~np.isin(other, over)
        here, there = over[swapped], other[swapped]
        runs[here], runs[there] = runs[there], runs[here]
    return runs


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


def assign(rows: pd.DataFrame, slots: pd.DataFrame, others: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Identities for a synthetic month.

    Args:
        rows: m synthetic rows as ``Codec.decode`` gives them, with ``courier_id_named``, and ``seller_id_named`` as a wish.
        slots: the month's n generalized rows with their new identities.
        others: the rows of :func:`compose` of other months. A row whose product no open slot of the month has takes the
            identities of a row there that has it.
        rng: what draws come from.

    Returns:
        m rows of the four identity columns, empty where nobody is named. No slot of the month serves twice where m = n.
    """
    wanted = with_shorter_codes(rows)
    own, foreign = (
        with_shorter_codes(table).assign(seller_id_named=np.where(table["seller_id"] != "", "yes", "no"))
        for table in (slots, others)
    )
    n = len(own)
    own["slot"] = np.arange(n)
    slot = _importers(wanted, own, foreign, rng)
    from_own = slot < n
    giving = pd.concat([own[_GIVEN], foreign[_GIVEN]], ignore_index=True).iloc[slot].reset_index(drop=True)
    # Whether an importer names its seller is the importer's habit: it comes with the importer.
    wanted = wanted.assign(
        slot=np.where(from_own, slot, -1), importer_id=giving["importer_id"], seller_id_named=giving["seller_id_named"]
    )
    for role in ROLES[1:]:
        named = np.ones(len(wanted), dtype=bool)
        if f"{role.name}_named" in wanted:
            named = (wanted[f"{role.name}_named"] == "yes").to_numpy()
        # Of another month's row the partner comes along where it is at home there.
        alike = (giving[role.order[0]] == wanted[role.order[0]]).to_numpy() & (giving[role.name] != "").to_numpy()
        comes_along = named & ~from_own & alike
        chosen = np.where(comes_along, giving[role.name].to_numpy(dtype=object), "").astype(object)
        asking = np.flatnonzero(named & ~comes_along)
        open_slots = np.flatnonzero((own[role.name] != "").to_numpy())
        if len(asking) and len(open_slots):
            found = _matched(wanted.iloc[asking], own.iloc[open_slots], _MATCHES[role.name], rng)
            chosen[asking] = own[role.name].to_numpy(dtype=object)[open_slots[found]]
        wanted[role.name] = chosen
    return wanted[list(IDENTITIES)].set_axis(rows.index)


def _importers(wanted: pd.DataFrame, own: pd.DataFrame, foreign: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """For each row the place of the slot, among the month's own and then the others, that gives it its importer."""
    slot = _matched(wanted, own, _MATCHES["importer_id"], rng)
    for shared in _MATCHES["importer_id of any month"]:
        left = np.flatnonzero(slot < 0)
        if not (len(left) and len(foreign)):
            break
        both = pd.concat([wanted[list(shared)].iloc[left], foreign[list(shared)]], ignore_index=True)
        key = both.groupby(list(shared), sort=False).ngroup().to_numpy()
        order = np.argsort(key[len(left) :], kind="stable")
        begin, end = (
            np.searchsorted(key[len(left) :][order], key[: len(left)], side=side) for side in ("left", "right")
        )
        found = end > begin
        place = begin[found] + (rng.random(int(found.sum())) * (end - begin)[found]).astype(int)
        slot[left[found]] = len(own) + order[place]
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
