"""Amounts that rest on ``k`` importers each: heaps as they are, everything else drawn at random within a band.

A value that ``k`` importers wrote (1, 10, 0.5: people round) tells nothing of one of them and is kept. All other values are cut,
in order, into bands. A band holds amounts of at least ``k`` importers, and no importer has more than half of its rows; a run of
amounts that cannot be so joins its neighbour. What is shown of a band is a random draw between its edges, never one of its
amounts.

The edges are nobody's amount either:

- An edge between two bands is the mean of the amounts of the ``k`` importers nearest to it, one amount each.
- Below the lowest and above the highest edge lie the two *tails*. How far a tail reaches follows from the mean excess of its
  importers over the tail's edge, in which none counts for more than four times the median, and from their number: the expected
  largest of so many exponential draws. But it ends near what the ``k`` farthest importers but one wrote. One importer's amounts,
  however large, hardly move it.
- Every edge, and every mean excess, carries noise from a secret. Between bands it is as wide as the ``k`` amounts lie apart; in a
  tail as wide as one importer could move it. The noise hangs on the amounts themselves: the same amounts have the same noise,
  others another one. So who knows all amounts behind an edge but one learns no exact amount.

Draws hang on the amounts, too (:meth:`Bands.at_quantiles`): where one amount is another, all draws are. Who compares two releases
has two sets of draws and two sets of edges, and nothing that cancels.

Amounts are compared on a log scale, residuals (which are logarithms already) on a plain one.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.seeds import Root, derive_rng

# Importers in a tail, for each that the k rule asks for, where the column has enough of them.
_TAIL_GROUPS = 4

# An importer's excess counts for at most so many times the median.
_CAP = 4.0

# No importer has more than this share of a band's rows.
MOST_OF_A_BAND = 0.5

# No band is narrower on its scale, so that its draws differ.
_NARROWEST = 1e-6

# A tail reaches no further than so many times the mean of the ``k`` farthest importers but one.
_BEYOND = 1.5

# Euler's constant: the expected largest of n exponential draws is near ln n + 0.577 times their mean.
_EULER = 0.5772156649


@dataclass(frozen=True)
class Bands:
    """Heaps and bands of a column of numbers.

    Attributes:
        heaps: sorted values that at least ``k`` importers wrote.
        lows: lower edge of each band, ascending, as it may be shown.
        highs: upper edge of each band; the next band begins there.
        within: largest amount of the column that belongs to each band: it sorts source rows into bands and is never shown.
        scales: mean excess over the inner edge in the lowest and in the highest band, on the scale; 0 for a single band.
        logarithmic: whether amounts are compared on a log scale.
    """

    heaps: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    within: np.ndarray
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

        Args:
            values: n numbers. On a log scale those of 0 and less belong to the lowest band.
            importers: who wrote them.
            min_group: ``k``, importers behind every heap, band and edge.
            heaps: values that may be shown as they are, where they are counted elsewhere (over more months, say). In the tails,
                where one may be the least or largest of these rows, only what ``k`` importers of these rows wrote is kept.
            root: what the noise of the edges derives from; fresh noise that cannot be drawn again where None.
            logarithmic: compare on a log scale.

        Where fewer than ``k`` importers wrote all of what is no heap, there is no band.
        """
        numbers = values.to_numpy(dtype=float)
        distinct = importers.groupby(values).nunique()
        own = np.sort(distinct.index[distinct >= min_group].to_numpy(dtype=float))
        on_scale = (numbers > 0) | (not logarithmic)
        if heaps is not None:
            lowest, highest = _inner_edges(*_sorted(numbers, importers, on_scale & ~np.isin(numbers, own)), min_group)
            heaps = np.union1d(own, heaps[(heaps > lowest) & (heaps < highest)])
        else:
            heaps = own
        amounts, owners = _sorted(numbers, importers, on_scale & ~np.isin(numbers, heaps))
        starts = _starts(amounts, owners, min_group)
        if not starts:
            nothing = np.empty(0)
            return cls(heaps, nothing, nothing, nothing, (0.0, 0.0), logarithmic)
        scaled = np.log(amounts) if logarithmic else amounts
        noise = _Noise(secrets.token_bytes(32) if root is None else root)
        edges, scales = _edges(scaled, owners, starts, min_group, noise)
        shown = np.exp(edges) if logarithmic else edges
        ends = np.array([*starts[1:], len(amounts)]) - 1
        return cls(heaps, shown[:-1], shown[1:], amounts[ends], scales, logarithmic)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest amount that a draw may give; infinite where there is no band."""
        return (float(self.lows[0]), float(self.highs[-1])) if len(self.lows) else (-np.inf, np.inf)

    def in_tails(self, values: np.ndarray) -> np.ndarray:
        """Which of n values lie in the lowest or the highest band and are no heaps, as booleans."""
        if len(self.within) < 2:
            return ~np.isin(values, self.heaps)
        return ((values <= self.within[0]) | (values > self.within[-2])) & ~np.isin(values, self.heaps)

    def blur(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Values of the source as they may be shown: heaps as they are, others drawn from their band.

        Args:
            values: array of shape (n,), each a value of the column that was fitted (another is taken into the nearest
                band above it, or the last).
            rng: where draws come from.

        Raises:
            TooFewImporters: a value is no heap, and there is neither a band nor a heap to draw from.
        """
        loose = ~np.isin(values, self.heaps)
        shown = values.astype(float)
        shown[loose] = self._drawn(values[loose], rng)
        return shown

    def at_quantiles(self, values: np.ndarray, source: np.ndarray, root: Root) -> np.ndarray:
        """Numbers moved onto the distribution of the source, as far as it may be shown.

        The number of rank r of m takes the place of the source's at the same quantile: a heap as it is, any other a random draw
        from its band. Of the numbers that fall into one band the larger get the larger draws.

        Args:
            values: array of shape (m,).
            source: the numbers of the column that was fitted, shape (n,), at least one.
            root: what draws derive from, with all of ``source``: other numbers have other draws.

        Raises:
            TooFewImporters: as :meth:`blur`.
        """
        rng = derive_rng(root, "quantiles", _digest(source))
        order = np.lexsort([rng.random(len(values)), values])
        quantiles = (np.arange(len(values)) + 0.5) / len(values)
        targets = np.sort(source)[(quantiles * len(source)).astype(int)].astype(float)
        loose = ~np.isin(targets, self.heaps)
        # Targets ascend, so their bands do: sorted draws keep to their bands.
        drawn = self._drawn(targets[loose], rng)
        targets[loose] = np.sort(drawn)
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
        band = np.minimum(np.searchsorted(self.within, values), last)
        low, high = (np.log(edge[band]) if self.logarithmic else edge[band] for edge in (self.lows, self.highs))
        drawn = low + (high - low) * uniform
        if last > 0:
            bottom, top = band == 0, band == last
            drawn[top] = low[top] + _excess(uniform[top], high[top] - low[top], self.scales[1])
            drawn[bottom] = high[bottom] - _excess(uniform[bottom], high[bottom] - low[bottom], self.scales[0])
        return np.exp(drawn) if self.logarithmic else drawn


def _excess(uniform: np.ndarray, reach: np.ndarray, scale: float) -> np.ndarray:
    """Exponential draws of a mean, cut at a reach, from uniform ones."""
    return -scale * np.log1p(-uniform * -np.expm1(-reach / scale))


def _sorted(numbers: np.ndarray, importers: pd.Series, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The chosen numbers, ascending, and who wrote them as integers."""
    order = np.argsort(numbers[chosen], kind="stable")
    return numbers[chosen][order], pd.factorize(importers.to_numpy()[chosen])[0][order]


def _tails(amounts: np.ndarray, owners: np.ndarray, min_group: int) -> tuple[int, int]:
    """Where the lowest tail ends among sorted amounts and where the highest begins; they may overlap.

    Equal amounts stay together.
    """
    tail = min(_TAIL_GROUPS * min_group, max(min_group, len(np.unique(owners)) // 3))
    lowest = np.searchsorted(amounts, amounts[_reach(owners, tail) - 1], side="right")
    highest = np.searchsorted(amounts, amounts[len(amounts) - _reach(owners[::-1], tail)], side="left")
    return int(lowest), int(highest)


def _inner_edges(amounts: np.ndarray, owners: np.ndarray, min_group: int) -> tuple[float, float]:
    """The largest amount of the lowest tail and the least of the highest one.

    Nothing lies between them where there are no bands.
    """
    if len(np.unique(owners)) < min_group:
        return np.inf, -np.inf
    lowest, highest = _tails(amounts, owners, min_group)
    return float(amounts[lowest - 1]), float(amounts[highest])


def _starts(amounts: np.ndarray, owners: np.ndarray, min_group: int) -> list[int]:
    """Where bands begin among sorted amounts; empty where fewer than ``min_group`` importers wrote them.

    Equal amounts stay in one band. The lowest and the highest band are tails of more importers than others.
    """
    if len(np.unique(owners)) < min_group:
        return []
    count = len(amounts)
    lowest, highest = _tails(amounts, owners, min_group)
    # A row in the middle of equal amounts belongs to the band of the first of them.
    first_of = np.searchsorted(amounts, amounts, side="left")
    if lowest >= highest:
        cut = int(first_of[count // 2])
        return _joined([0, cut] if 0 < cut < count else [0], owners, min_group)
    starts, begin, seen = [0], lowest, _Counted()
    for index in range(lowest, highest):
        if seen.is_safe(min_group) and first_of[index] == index:
            starts.append(begin)
            begin, seen = index, _Counted()
        seen.add(int(owners[index]))
    if seen.is_safe(min_group):
        starts.append(begin)
        begin = highest
    return _joined([*starts, begin], owners, min_group)


def _reach(owners: np.ndarray, wanted: int) -> int:
    """How many of the first rows it takes to have so many importers."""
    first = np.sort(np.unique(owners, return_index=True)[1])
    return int(first[min(wanted, len(first)) - 1]) + 1


def _may_be_shown(importers: int, most: int, rows: int, min_group: int) -> bool:
    """Whether rows of so many importers, the one who has most of them having so many, may be a band."""
    return importers >= min_group and most <= MOST_OF_A_BAND * rows


class _Counted:
    """The importers of a run of rows, counted as it grows."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._all = 0
        self._most = 0

    def add(self, owner: int) -> None:
        self._rows[owner] = self._rows.get(owner, 0) + 1
        self._all += 1
        self._most = max(self._most, self._rows[owner])

    def is_safe(self, min_group: int) -> bool:
        return _may_be_shown(len(self._rows), self._most, self._all, min_group)


def _joined(starts: list[int], owners: np.ndarray, min_group: int) -> list[int]:
    """The bands, those that fewer than ``min_group`` importers or mostly one stand behind joined to a neighbour."""
    starts = list(starts)
    place = 0
    while place < len(starts) and len(starts) > 1:
        end = starts[place + 1] if place + 1 < len(starts) else len(owners)
        _, rows = np.unique(owners[starts[place] : end], return_counts=True)
        if _may_be_shown(len(rows), int(rows.max()), int(rows.sum()), min_group):
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


class _Noise:
    """Noise that hangs on a secret and on what it blurs."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def of(self, amounts: np.ndarray, purpose: str) -> float:
        """A number between 1/2 and 1 to either side of 0: the same for the same amounts and purpose, else another.

        It is never near 0, where it would hide nothing.
        """
        drawn = derive_rng(self._root, "bands", _digest(amounts), purpose).uniform(-0.5, 0.5)
        return float(drawn + np.copysign(0.5, drawn))


def _edges(
    scaled: np.ndarray, owners: np.ndarray, starts: list[int], min_group: int, noise: _Noise
) -> tuple[np.ndarray, tuple[float, float]]:
    """The edges of b bands on the scale, shape (b + 1,), ascending, and the mean excess in the two tails."""
    if len(starts) == 1:
        return _sole(scaled, owners, noise), (0.0, 0.0)
    windows = [_nearest_importers(scaled, owners, start, min_group) for start in starts[1:]]
    apart = np.array([np.ptp(window) / 2 for window in windows])
    blurred = [window.mean() + noise.of(window, "edge") * half for window, half in zip(windows, apart, strict=True)]
    # Noise may carry one edge past the next; in order they are the edges of as many bands.
    inner = np.sort(blurred)
    bottom, top = slice(0, starts[1]), slice(starts[-1], None)
    low, low_scale = _tail(inner[0] - scaled[bottom], owners[bottom], min_group, apart[0], noise, "lowest")
    high, high_scale = _tail(scaled[top] - inner[-1], owners[top], min_group, apart[-1], noise, "highest")
    return np.array([inner[0] - low, *inner, inner[-1] + high]), (low_scale, high_scale)


def _nearest_importers(scaled: np.ndarray, owners: np.ndarray, start: int, min_group: int) -> np.ndarray:
    """The amounts, one each, of the ``min_group`` importers who wrote nearest to the place where a band starts, by rank."""
    found: dict[int, float] = {}
    below, above = start - 1, start
    while len(found) < min_group:
        if above < len(scaled):
            found.setdefault(int(owners[above]), float(scaled[above]))
        if below >= 0 and len(found) < min_group:
            found.setdefault(int(owners[below]), float(scaled[below]))
        below, above = below - 1, above + 1
    return np.array(list(found.values()))


def _tail(
    excess: np.ndarray, owners: np.ndarray, min_group: int, least: float, noise: _Noise, purpose: str
) -> tuple[float, float]:
    """How far a tail reaches beyond its edge, and the mean excess of its importers, both positive and on the scale.

    Args:
        excess: how far each amount of the tail lies beyond the edge.
        owners: who wrote it.
        min_group: ``k``.
        least: the mean excess is taken for no less than this.
        noise: blurs the end.
        purpose: which tail it is.
    """
    means = np.maximum(_by_importer(excess, owners), 0.0)
    limited, cap = _limited(means)
    mean = max(float(limited.mean()), least, _NARROWEST)
    # What one importer can add to the mean, or take from it, by writing something else, or nothing.
    share = max(cap, mean) / len(means)
    # One draw an importer: who has many rows in the tail reaches no further by them.
    draws = np.log(max(len(means), 2)) + _EULER
    farthest, moved = _farthest(excess, owners, min_group, draws * mean)
    width = max(draws * share, moved) if np.isfinite(farthest) else draws * share
    reach = min(draws * mean, farthest) + noise.of(means, purpose) * width
    return float(max(reach, mean / 2)), float(max(mean + noise.of(means, f"{purpose} scale") * share, mean / 4))


def _farthest(excess: np.ndarray, owners: np.ndarray, min_group: int, most: float) -> tuple[float, float]:
    """How far a tail may reach by its farthest importers, and how far one importer can move that.

    It is the mean of the ``min_group`` importers who come after the very farthest, times a constant; infinite where there are not
    as many. One importer moves it where another takes its place among them: the farthest one, taken for no further than ``most``.
    """
    largest = np.full(owners.max() + 1, -np.inf)
    np.maximum.at(largest, owners, excess)
    descending = np.sort(largest[np.isfinite(largest)])[::-1]
    after = descending[1 : min_group + 1]
    if len(after) < min_group:
        return np.inf, 0.0
    moved = max(min(float(descending[0]), most) - float(after[-1]), 0.0) / min_group
    return _BEYOND * float(after.mean()), _BEYOND * moved


def _sole(scaled: np.ndarray, owners: np.ndarray, noise: _Noise) -> np.ndarray:
    """The two edges of a column's only band: as far from its middle, on both sides, as evenly drawn amounts would lie."""
    means = _by_importer(scaled, owners)
    middle = float(np.median(means))
    limited, cap = _limited(np.abs(means - middle))
    spread = max(float(limited.mean()), _NARROWEST)
    centre = middle + float((np.sign(means - middle) * limited).mean())
    width = max(cap, spread) / len(means)
    moved = centre + noise.of(means, "centre") * max(width, spread / 2)
    half = 2 * spread + noise.of(means, "spread") * min(width, spread)
    return np.array([moved - half, moved + half])


def _by_importer(values: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The mean value of each importer."""
    _, place = np.unique(owners, return_inverse=True)
    return np.bincount(place, values) / np.bincount(place)


def _limited(amounts: np.ndarray) -> tuple[np.ndarray, float]:
    """Amounts of 0 and more, none above so many times their median, and that cap."""
    cap = _CAP * float(np.median(amounts))
    return np.minimum(amounts, cap), cap
