"""Amounts that rest on ``k`` importers each: heaps stay as they are, all other amounts are drawn at random within a band.

A *heap* is an amount that ``k`` importers wrote (1, 10, 0.5: people round). It tells nothing of one of them and is kept. All
other amounts, in ascending order, are cut into *bands*. A band holds amounts of at least ``k`` importers, and no importer has
more than half of its rows. A run of amounts without these properties joins its neighbour. What is shown of a band is a random
draw between its edges, never one of its amounts.

The edges are nobody's amount either:

- An edge between two bands is the mean of the amounts of the ``k`` importers nearest to it, one amount each.
- The lowest and the highest band are the *tails*. The mean excess of a tail's importers over its inner edge, in which none
  counts for more than four times the median, and their number give how far it reaches: the expected largest of so many
  exponential draws. The reach is also limited by what the ``k`` farthest importers wrote, the very farthest left out. One
  importer's amounts, however large, hardly move it.
- Every edge and every mean excess carries noise from a secret. Between bands it is as wide as the ``k`` amounts lie apart.
  In a tail it is as wide as one importer could move it. The noise depends on the amounts: the same amounts have the same
  noise, others another. So whoever knows all amounts behind an edge but one learns no exact amount.

Draws depend on the amounts, too (:meth:`Bands.at_quantiles`): if one amount changes, all draws change. Whoever compares two
releases has two sets of draws and two sets of edges, and nothing cancels.

Amounts are compared on a log scale. Residuals are logarithms already and are compared on a plain scale.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.seeds import Root, derive_rng

# Importers in a tail, as a multiple of k, where the column has enough of them.
_TAIL_GROUPS = 4

# An importer's excess counts for at most so many times the median.
_CAP = 4.0

# No importer has more than this share of a band's rows.
MOST_OF_A_BAND = 0.5

# No band is narrower on its scale, so that its draws differ.
_NARROWEST = 1e-6

# A tail reaches no further than so many times the mean excess of its k farthest importers, the very farthest left out.
_BEYOND = 1.5

# Ranks to either side from which an amount is drawn. How often an amount of few rows comes out is then nearly a Poisson number.
_NEAR = 50

# Euler's constant: the expected largest of n exponential draws is near ln n + 0.577 times their mean.
_EULER = 0.5772156649


@dataclass(frozen=True)
class Bands:
    """Heaps and bands of a column of numbers.

    Attributes:
        heaps: values that may be shown as they are, sorted.
        lows: lower edge of each band, ascending, as it may be shown.
        highs: upper edge of each band, where the next band begins.
        largest: largest amount of the column in each band. It sorts source rows into bands and is never shown.
        scales: mean excess over the inner edge in the lowest and in the highest band, on the scale; 0 for a single band.
        logarithmic: whether amounts are compared on a log scale.
    """

    heaps: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    largest: np.ndarray
    scales: tuple[float, float]
    logarithmic: bool

    @classmethod
    def fit(
        cls,
        values: pd.Series,
        importers: pd.Series,
        min_group: int,
        heaps: np.ndarray | None = None,
        *,
        root: Root | None = None,
        logarithmic: bool = True,
    ) -> Bands:
        """Learn heaps and bands from n numbers and the n importers who wrote them.

        Where fewer than ``min_group`` importers wrote all numbers that are no heap, there is no band.

        Args:
            values: n numbers. On a log scale those of 0 and less belong to the lowest band.
            importers: who wrote them.
            min_group: ``k``, importers behind every heap, band and edge.
            heaps: values that may be shown as they are because ``k`` importers wrote them elsewhere, as in other months. In the
                tails, where one of them may be the least or largest of these rows, it is no heap.
            root: what the noise of the edges derives from; None is fresh noise that nobody can draw again.
            logarithmic: compare on a log scale.
        """
        numbers = values.to_numpy(dtype=float)
        # By position: the two may have other indexes, where rows were left out.
        distinct = importers.reset_index(drop=True).groupby(numbers).nunique()
        all_heaps = np.sort(distinct.index[distinct >= min_group].to_numpy(dtype=float))
        on_scale = (numbers > 0) | (not logarithmic)
        if heaps is not None:
            amounts, owners = _sorted(numbers, importers, on_scale & ~np.isin(numbers, all_heaps))
            if len(np.unique(owners)) >= min_group:
                lowest, highest = _tails(amounts, owners, min_group)
                between = (heaps > amounts[lowest - 1]) & (heaps < amounts[highest])
                all_heaps = np.union1d(all_heaps, heaps[between])
        amounts, owners = _sorted(numbers, importers, on_scale & ~np.isin(numbers, all_heaps))
        starts = _starts(amounts, owners, min_group)
        if not starts:
            none = np.empty(0)
            return cls(all_heaps, none, none, none, (0.0, 0.0), logarithmic)
        root = secrets.token_bytes(32) if root is None else root
        edges, scales = _edges(np.log(amounts) if logarithmic else amounts, owners, starts, min_group, root)
        edges = np.exp(edges) if logarithmic else edges
        last = np.array([*starts[1:], len(amounts)]) - 1
        return cls(all_heaps, edges[:-1], edges[1:], amounts[last], scales, logarithmic)

    def in_tails(self, values: np.ndarray) -> np.ndarray:
        """Which of n values are in the lowest or the highest band and no heap, as booleans."""
        no_heap = ~np.isin(values, self.heaps)
        if len(self.largest) < 2:
            return no_heap
        return no_heap & ((values <= self.largest[0]) | (values > self.largest[-2]))

    def blur(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Values of the source as they may be shown: heaps as they are, others drawn from their band.

        Args:
            values: array of shape (n,), values of the column that was fitted. Any other value is taken into the nearest band
                above it, or the last.
            rng: what draws come from.

        Raises:
            TooFewImporters: a value is no heap, and there is neither a band nor a heap to draw from.
        """
        no_heap = ~np.isin(values, self.heaps)
        drawn = values.astype(float)
        drawn[no_heap] = self._drawn(values[no_heap], rng)
        return drawn

    def at_quantiles(self, values: np.ndarray, source: np.ndarray, root: Root) -> np.ndarray:
        """Numbers moved onto the distribution of the source, as far as it may be shown.

        The number of rank r gets an amount near the same quantile of the source, drawn at random out of :data:`_NEAR` ranks to
        either side: a heap as it is, any other amount as a random draw from its band. The larger numbers get the larger draws.

        Were it the very amount at that quantile, a heap would come out as often as it was written. Whoever knows what all others
        wrote could count whether somebody else wrote it, too.

        Args:
            values: array of shape (m,).
            source: numbers of the column that was fitted, shape (n,), at least one.
            root: what draws derive from, together with all of ``source``: other numbers give other draws.

        Raises:
            TooFewImporters: as :meth:`blur`.
        """
        rng = derive_rng(root, "quantiles", _digest(source))
        order = np.lexsort([rng.random(len(values)), values])
        ranks = ((np.arange(len(values)) + 0.5) / len(values) * len(source)).astype(int)
        # Beyond an end they turn back, in a short column more than once.
        back_and_forth = max(2 * len(source) - 2, 1)
        near = (ranks + rng.integers(-_NEAR, _NEAR + 1, len(ranks))) % back_and_forth
        near = np.where(near < len(source), near, back_and_forth - near)
        targets = np.sort(np.sort(source)[near]).astype(float)
        no_heap = ~np.isin(targets, self.heaps)
        # Targets ascend, so their bands do, and sorted draws stay in their bands.
        targets[no_heap] = np.sort(self._drawn(targets[no_heap], rng))
        moved = np.empty(len(values))
        moved[order] = targets
        return moved

    def _drawn(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A draw for each of some values that are no heaps."""
        uniform = rng.random(len(values))
        if not len(values):
            return uniform
        if not len(self.lows):
            if not len(self.heaps):
                raise TooFewImporters(
                    "fewer importers than may be shown wrote all the amounts of a column; more months are needed"
                )
            return self.heaps[(uniform * len(self.heaps)).astype(int)]
        last = len(self.lows) - 1
        band = np.minimum(np.searchsorted(self.largest, values), last)
        low, high = (np.log(edge[band]) if self.logarithmic else edge[band] for edge in (self.lows, self.highs))
        drawn = low + (high - low) * uniform
        if last > 0:
            bottom, top = band == 0, band == last
            drawn[top] = low[top] + _excess(uniform[top], high[top] - low[top], self.scales[1])
            drawn[bottom] = high[bottom] - _excess(uniform[bottom], high[bottom] - low[bottom], self.scales[0])
        return np.exp(drawn) if self.logarithmic else drawn


def _excess(uniform: np.ndarray, reach: np.ndarray, scale: float) -> np.ndarray:
    """Exponential draws of mean ``scale``, cut at ``reach``, from uniform ones."""
    return -scale * np.log1p(-uniform * -np.expm1(-reach / scale))


def _sorted(numbers: np.ndarray, importers: pd.Series, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The chosen numbers, ascending, and who wrote them, as integers."""
    order = np.argsort(numbers[chosen], kind="stable")
    return numbers[chosen][order], pd.factorize(importers.to_numpy()[chosen])[0][order]


def _tails(amounts: np.ndarray, owners: np.ndarray, min_group: int) -> tuple[int, int]:
    """Where the lowest tail ends among sorted amounts and where the highest begins. They may overlap. Equal amounts stay
    together."""

    def rows_of(owners: np.ndarray, wanted: int) -> int:
        """How many of the first rows have so many importers."""
        first = np.sort(np.unique(owners, return_index=True)[1])
        return int(first[min(wanted, len(first)) - 1]) + 1

    importers = min(_TAIL_GROUPS * min_group, max(min_group, len(np.unique(owners)) // 3))
    lowest = np.searchsorted(amounts, amounts[rows_of(owners, importers) - 1], side="right")
    highest = np.searchsorted(amounts, amounts[len(amounts) - rows_of(owners[::-1], importers)], side="left")
    return int(lowest), int(highest)


def _starts(amounts: np.ndarray, owners: np.ndarray, min_group: int) -> list[int]:
    """Where bands begin among sorted amounts; empty where fewer than ``min_group`` importers wrote them.

    Equal amounts stay in one band.
    """
    if len(np.unique(owners)) < min_group:
        return []
    count = len(amounts)
    lowest, highest = _tails(amounts, owners, min_group)
    # Of equal amounts only the first may begin a band.
    first_of = np.searchsorted(amounts, amounts, side="left")
    if lowest >= highest:
        cut = int(first_of[count // 2])
        return _joined([0, cut] if 0 < cut < count else [0], owners, min_group)
    starts, begin, rows, most = [0], lowest, Counter[int](), 0
    for index in range(lowest, highest + 1):
        may_end = index == highest or first_of[index] == index
        if may_end and _may_be_band(len(rows), most, index - begin, min_group):
            starts.append(begin)
            begin, rows, most = index, Counter[int](), 0
        if index < highest:
            rows[owners[index]] += 1
            most = max(most, rows[owners[index]])
    return _joined([*starts, begin], owners, min_group)


def _may_be_band(importers: int, most: int, rows: int, min_group: int) -> bool:
    """Whether so many rows of so many importers may be a band, where one importer has ``most`` of them."""
    return importers >= min_group and most <= MOST_OF_A_BAND * rows


def _joined(starts: list[int], owners: np.ndarray, min_group: int) -> list[int]:
    """The bands, with each that may be none joined to a neighbour."""
    place = 0
    while place < len(starts) and len(starts) > 1:
        end = starts[place + 1] if place + 1 < len(starts) else len(owners)
        rows = np.unique(owners[starts[place] : end], return_counts=True)[1]
        if _may_be_band(len(rows), int(rows.max()), int(rows.sum()), min_group):
            place += 1
        elif place + 1 < len(starts):
            del starts[place + 1]
        else:
            del starts[place]
            place -= 1
    return starts


def _digest(numbers: np.ndarray) -> str:
    """A sha256 of numbers, whatever their order."""
    return hashlib.sha256(np.sort(numbers.astype(float)).tobytes()).hexdigest()


def _noise(root: Root, amounts: np.ndarray, purpose: str) -> float:
    """A number between 1/2 and 1 to either side of 0: the same for the same amounts and purpose, else another.

    It is never near 0, where it would hide nothing.
    """
    drawn = derive_rng(root, "bands", _digest(amounts), purpose).uniform(-0.5, 0.5)
    return float(drawn + np.copysign(0.5, drawn))


def _edges(
    scaled: np.ndarray, owners: np.ndarray, starts: list[int], min_group: int, root: Root
) -> tuple[np.ndarray, tuple[float, float]]:
    """The edges of b bands on the scale, shape (b + 1,), ascending, and the mean excess in the two tails."""
    if len(starts) == 1:
        return _edges_of_one_band(scaled, owners, root), (0.0, 0.0)
    windows = [_nearest_importers(scaled, owners, start, min_group) for start in starts[1:]]
    half_widths = [float(np.ptp(window) / 2) for window in windows]
    # Noise may carry one edge past the next. In order they are the edges of as many bands.
    inner = np.sort([w.mean() + _noise(root, w, "edge") * half for w, half in zip(windows, half_widths, strict=True)])
    bottom, top = slice(0, starts[1]), slice(starts[-1], None)
    low, low_scale = _tail(inner[0] - scaled[bottom], owners[bottom], min_group, half_widths[0], root, "lowest")
    high, high_scale = _tail(scaled[top] - inner[-1], owners[top], min_group, half_widths[-1], root, "highest")
    return np.array([inner[0] - low, *inner, inner[-1] + high]), (low_scale, high_scale)


def _nearest_importers(scaled: np.ndarray, owners: np.ndarray, start: int, min_group: int) -> np.ndarray:
    """The amounts, one each, of the ``min_group`` importers who wrote nearest, by rank, to where a band starts."""
    amounts: dict[int, float] = {}
    below, above = start - 1, start
    while len(amounts) < min_group:
        if above < len(scaled):
            amounts.setdefault(int(owners[above]), float(scaled[above]))
        if below >= 0 and len(amounts) < min_group:
            amounts.setdefault(int(owners[below]), float(scaled[below]))
        below, above = below - 1, above + 1
    return np.array(list(amounts.values()))


def _tail(
    excess: np.ndarray, owners: np.ndarray, min_group: int, least: float, root: Root, purpose: str
) -> tuple[float, float]:
    """How far a tail reaches beyond its inner edge, and the mean excess of its importers, both positive and on the scale.

    ``excess`` is how far each amount of the tail lies beyond the edge, and ``owners`` is who wrote it. The mean excess is taken
    for no less than ``least``. ``purpose`` names the tail.
    """
    means = np.maximum(_mean_by_importer(excess, owners), 0.0)
    limited, cap = _limited(means)
    mean = max(float(limited.mean()), least, _NARROWEST)
    # What one importer can add to the mean, or take from it, by writing something else, or nothing.
    share = max(cap, mean) / len(means)
    # One draw for each importer: many rows in the tail reach no further.
    draws = np.log(max(len(means), 2)) + _EULER
    limit, moved = _limit_of_reach(excess, owners, min_group, draws * mean)
    width = max(draws * share, moved)
    reach = min(draws * mean, limit) + _noise(root, means, purpose) * width
    scale = mean + _noise(root, means, f"{purpose} scale") * share
    return float(max(reach, mean / 2)), float(max(scale, mean / 4))


def _limit_of_reach(excess: np.ndarray, owners: np.ndarray, min_group: int, most: float) -> tuple[float, float]:
    """How far a tail may reach by what its farthest importers wrote, and how far one importer can move that.

    The limit is the mean over the ``min_group`` importers who come after the very farthest, times a constant. It is infinite
    where there are not as many. One importer moves it by leaving them, so that the farthest, taken for no further than
    ``most``, joins.
    """
    largest = np.full(owners.max() + 1, -np.inf)
    np.maximum.at(largest, owners, excess)
    descending = np.sort(largest[np.isfinite(largest)])[::-1]
    after = descending[1 : min_group + 1]
    if len(after) < min_group:
        return np.inf, 0.0
    moved = max(min(float(descending[0]), most) - float(after[-1]), 0.0) / min_group
    return _BEYOND * float(after.mean()), _BEYOND * moved


def _edges_of_one_band(scaled: np.ndarray, owners: np.ndarray, root: Root) -> np.ndarray:
    """The two edges of a column's only band: as far from its middle, on both sides, as evenly drawn amounts would lie."""
    means = _mean_by_importer(scaled, owners)
    middle = float(np.median(means))
    limited, cap = _limited(np.abs(means - middle))
    spread = max(float(limited.mean()), _NARROWEST)
    width = max(cap, spread) / len(means)
    centre = middle + float((np.sign(means - middle) * limited).mean())
    centre += _noise(root, means, "centre") * max(width, spread / 2)
    half = 2 * spread + _noise(root, means, "spread") * min(width, spread)
    return np.array([centre - half, centre + half])


def _mean_by_importer(values: np.ndarray, owners: np.ndarray) -> np.ndarray:
    _, place = np.unique(owners, return_inverse=True)
    return np.bincount(place, values) / np.bincount(place)


def _limited(amounts: np.ndarray) -> tuple[np.ndarray, float]:
    """Amounts of 0 and more, none above so many times their median, and that cap."""
    cap = _CAP * float(np.median(amounts))
    return np.minimum(amounts, cap), cap
