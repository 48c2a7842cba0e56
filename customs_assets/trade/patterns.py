"""The statistics of trade patterns, each of one set of declarations, and those that compare two sets.

A partner is another party on the same declaration. An absent party is none. Roles that a form has not are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customs_assets.declaration import STAND_INS
from customs_assets.fidelity.comparison import with_hs6

# Whose partners are counted among whom.
_PARTNERS = (
    ("importer_id", "declarant_id"),
    ("declarant_id", "importer_id"),
    ("importer_id", "seller_id"),
    ("seller_id", "importer_id"),
    ("importer_id", "courier_id"),
    ("importer_id", "office_id"),
    ("declarant_id", "office_id"),
)
_TRADERS = ("importer_id", "declarant_id", "seller_id", "courier_id")

# Whose months are looked at: who comes, who goes, who stays for one month.
_COMING = ("importer_id", "declarant_id", "seller_id")

# Months at either end that say nothing of who is new or has gone, at most.
_EDGE = 3

# Whose communities are looked for.
_COMMUNITIES = (("importer_id", "declarant_id"), ("declarant_id", "office_id"))


def _there(*names: str) -> bool:
    return STAND_INS.keys().isdisjoint(names)


PARTNERS: tuple[tuple[str, str], ...] = tuple(pair for pair in _PARTNERS if _there(*pair))
CONCENTRATED: tuple[str, ...] = tuple(name for name in (*_TRADERS, "office_id") if _there(name))
COMING: tuple[str, ...] = tuple(name for name in _COMING if _there(name))
COMMUNITIES: tuple[tuple[str, str], ...] = tuple(pair for pair in _COMMUNITIES if _there(*pair))

# Pairs whose repetition is counted: each once.
REPEATED: tuple[tuple[str, str], ...] = tuple(
    pair for pair in PARTNERS if pair[::-1] not in PARTNERS[: PARTNERS.index(pair)]
)


@dataclass(frozen=True)
class Trade:
    """A set of declarations as numbers.

    Attributes:
        codes: by role or attribute, which value each declaration has, as a number from 0; -1 where it has none.
        values: the values that the numbers stand for, in order.
        month: number of the month of each declaration; months follow each other without gaps.
    """

    codes: Mapping[str, np.ndarray]
    values: Mapping[str, Sequence[str]]
    month: np.ndarray

    @classmethod
    def of(cls, declarations: pd.DataFrame) -> Trade:
        """The declarations of some months; one row or more."""
        rows = with_hs6(declarations)
        columns = {name: rows[name] for name in (*CONCENTRATED, "country_of_origin")}
        codes, values = {}, {}
        for name, column in columns.items():
            numbers, distinct = pd.factorize(column, sort=True)
            absent = np.flatnonzero(np.asarray(distinct, dtype=object) == "")
            codes[name] = np.where(np.isin(numbers, absent), -1, numbers)
            values[name] = [str(value) for value in distinct]
        dates = pd.to_datetime(rows["date"])
        month = (dates.dt.year * 12 + dates.dt.month).to_numpy()
        return cls(codes, values, month - month.min())

    def part(self, rows: np.ndarray) -> Trade:
        """Some of the declarations, by a mask; numbers stand for the same values."""
        return Trade({name: codes[rows] for name, codes in self.codes.items()}, self.values, self.month[rows])

    def known(self, *names: str) -> list[np.ndarray]:
        """The numbers of some roles, on the declarations that have all of them."""
        present = np.all([self.codes[name] >= 0 for name in names], axis=0)
        return [self.codes[name][present] for name in names]

    def pairs(self, first: str, second: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The distinct pairs of two roles: numbers of the first, of the second, and how many declarations have both."""
        one, other = self.known(first, second)
        width = len(self.values[second]) + 1
        keys, counts = np.unique(one.astype(np.int64) * width + other, return_counts=True)
        return keys // width, keys % width, counts

    def partners(self, first: str, second: str) -> np.ndarray:
        """How many partners among ``second`` each of ``first`` has who has one."""
        return np.unique(self.pairs(first, second)[0], return_counts=True)[1]

    @cached_property
    def months(self) -> int:
        """How many months, gaps included."""
        return int(self.month.max()) + 1


def statistics(trade: Trade, seed: int) -> dict[str, float]:
    """All statistics of a set of declarations, by name.

    Returns:
        ``partners|a|b``: mean number of partners among b of those of a that have one. ``concentration|a``: Herfindahl-Hirschman
        index of the declarations, the sum of the squared shares of a. ``repeated|a|b``: share of the declarations whose pair of a
        and b occurred on an earlier one. ``entry|a``, ``exit|a``: mean share of a month's a that were in no earlier, or are in no
        later month; up to three months at the beginning, or at the end, are left out. ``one_month|a``: share of a with
        declarations in one month alone. ``communities|a|b``: modularity of the communities of a and b (:func:`modularity`).
        NaN where there is nothing to measure.
    """
    found: dict[str, float] = {}
    for first, second in PARTNERS:
        partners = trade.partners(first, second)
        found[f"partners|{first}|{second}"] = float(partners.mean()) if len(partners) else math.nan
    for name in CONCENTRATED:
        found[f"concentration|{name}"] = concentration(*trade.known(name))
    for first, second in REPEATED:
        pairs, _, counts = trade.pairs(first, second)
        found[f"repeated|{first}|{second}"] = float(1 - len(pairs) / counts.sum()) if len(pairs) else math.nan
    for name in COMING:
        entry, leaving, once = coming_and_going(trade, name)
        found |= {f"entry|{name}": entry, f"exit|{name}": leaving, f"one_month|{name}": once}
    for first, second in COMMUNITIES:
        found[f"communities|{first}|{second}"] = modularity(trade, first, second, seed)
    return found


def concentration(codes: np.ndarray) -> float:
    """The Herfindahl-Hirschman index: the sum of the squared shares, in (0, 1]; NaN of nothing."""
    counts = np.bincount(codes) if len(codes) else np.zeros(0)
    return float(np.square(counts / counts.sum()).sum()) if len(counts) else math.nan


def coming_and_going(trade: Trade, name: str) -> tuple[float, float, float]:
    """Entry, exit, and the share that is there in one month alone; NaN where there are too few months."""
    present = trade.codes[name] >= 0
    codes, month = trade.codes[name][present], trade.month[present]
    edge = min(_EDGE, trade.months // 3)
    if not len(codes) or not edge:
        return math.nan, math.nan, math.nan
    pairs = np.unique(codes.astype(np.int64) * trade.months + month)
    who, when = pairs // trade.months, pairs % trade.months
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    ends = np.append(starts[1:], len(who)) - 1
    active = np.bincount(when, minlength=trade.months)
    new, gone = (np.bincount(when[places], minlength=trade.months) for places in (starts, ends))
    later, earlier = slice(edge, None), slice(None, trade.months - edge)
    return (
        _mean_share(new[later], active[later]),
        _mean_share(gone[earlier], active[earlier]),
        float((starts == ends).mean()),
    )


def _mean_share(parts: np.ndarray, wholes: np.ndarray) -> float:
    there = wholes > 0
    return float((parts[there] / wholes[there]).mean()) if there.any() else math.nan


def modularity(trade: Trade, first: str, second: str, seed: int) -> float:
    """How well two roles fall into communities that trade among themselves, in [-0.5, 1].

    The graph has those of both roles as nodes; an edge weighs as many declarations as have both. Communities are found by the
    Louvain method (Blondel et al. 2008), and the modularity of what it found (Newman and Girvan 2004) is told.
    """
    import networkx as nx

    ones, others, counts = trade.pairs(first, second)
    if not len(ones):
        return math.nan
    graph = nx.Graph()
    edges = zip(ones.tolist(), (-1 - others).tolist(), counts.tolist(), strict=True)
    graph.add_weighted_edges_from(edges)
    communities = nx.community.louvain_communities(graph, seed=seed % 2**32)
    return float(nx.community.modularity(graph, communities))


def likenesses(one: Trade, other: Trade) -> dict[str, float]:
    """How alike two sets of declarations are, each in [0, 1]; 1 is the same.

    Numbers of both have to stand for the same values (:func:`together`).

    Returns:
        ``degrees|a|b``: KSComplement of the numbers of partners. ``chord``: total variation complement of the shares of offices
        and countries of origin. ``season``: the same of countries of origin and calendar months.
    """
    found = {}
    for first, second in PARTNERS:
        degrees = [of.partners(first, second) for of in (one, other)]
        found[f"degrees|{first}|{second}"] = _ks_complement(*degrees)
    if "office_id" in one.codes:
        found["chord"] = _alike(*(of.pairs("office_id", "country_of_origin") for of in (one, other)))
    found["season"] = _alike(*(_by_calendar_month(of) for of in (one, other)))
    return found


def together(*frames: pd.DataFrame) -> list[Trade]:
    """Sets of declarations whose numbers stand for the same values."""
    rows = pd.concat([with_hs6(frame) for frame in frames], ignore_index=True)
    all_of = Trade.of(rows)
    ends = np.cumsum([0, *(len(frame) for frame in frames)])
    places = np.arange(len(rows))
    return [all_of.part((places >= ends[at]) & (places < ends[at + 1])) for at in range(len(frames))]


Counts = tuple[np.ndarray, np.ndarray, np.ndarray]


def _by_calendar_month(trade: Trade) -> Counts:
    origin = trade.codes["country_of_origin"]
    keys, counts = np.unique(origin.astype(np.int64) * 12 + trade.month % 12, return_counts=True)
    return keys // 12, keys % 12, counts


def _alike(one: Counts, other: Counts) -> float:
    """Total variation complement of two tables of counts; NaN where one has none."""
    if not len(one[2]) or not len(other[2]):
        return math.nan
    tables = [
        pd.Series(counts / counts.sum(), index=pd.MultiIndex.from_arrays([firsts, seconds]))
        for firsts, seconds, counts in (one, other)
    ]
    both = pd.concat(tables, axis=1).fillna(0.0)
    return float(1 - (both[0] - both[1]).abs().sum() / 2)


def _ks_complement(one: np.ndarray, other: np.ndarray) -> float:
    if not len(one) or not len(other):
        return math.nan
    at = np.union1d(one, other)
    shares = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (one, other)]
    return float(1 - np.abs(shares[0] - shares[1]).max())
