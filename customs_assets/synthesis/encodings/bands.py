"""Numbers that rest on ``k`` importers each: heaps as they are, everything else blurred within a band of its neighbours.

A value that ``k`` importers wrote (1, 10, 0.5: people round) tells nothing of one of them and is kept. All other values
are cut, in order, into bands of at least ``k`` importers; one of them is only ever shown as a draw from its whole band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Bands:
    """Heaps and bands of a column of numbers.

    Attributes:
        heaps: sorted values that at least ``k`` importers wrote.
        lows: lowest value of each band, sorted.
        highs: highest value of each band.
    """

    heaps: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    @classmethod
    def fit(cls, values: pd.Series, importers: pd.Series, min_group: int, heaps: np.ndarray | None = None) -> Bands:
        """Learn heaps and bands from n numbers and the n importers who wrote them.

        Heaps are given where they are counted elsewhere (over more months than these rows are of).

        The last band takes in what is left over; where fewer than ``k`` importers wrote all of what is no heap, there is
        one band.
        """
        if heaps is None:
            distinct = importers.groupby(values).nunique()
            heaps = np.sort(distinct.index[distinct >= min_group].to_numpy(dtype=float))
        loose = ~np.isin(values.to_numpy(dtype=float), heaps)
        order = np.argsort(values.to_numpy(dtype=float)[loose], kind="stable")
        lows, highs = _cut(
            values.to_numpy(dtype=float)[loose][order], pd.factorize(importers[loose])[0][order], min_group
        )
        return cls(heaps, lows, highs)

    def blur(self, values: np.ndarray, rng: np.random.Generator, logarithmic: bool = False) -> np.ndarray:
        """Values of the source as they may be shown: heaps as they are, others drawn from their band.

        Args:
            values: array of shape (n,), each a value of the column that was fitted (another is taken into the nearest
                band above it, or the last).
            rng: where draws come from.
            logarithmic: draw evenly on a log scale (needs positive bands), else evenly.
        """
        uniform = rng.random(len(values))
        if not len(self.lows):
            return values.copy()
        band = np.minimum(np.searchsorted(self.highs, values), len(self.highs) - 1)
        low, high = self.lows[band], self.highs[band]
        if logarithmic:
            # A band that begins at 0 has no logarithm there; its draws begin three decades under its end.
            floor = np.where(low > 0, low, np.maximum(high / 1000.0, np.finfo(float).tiny))
            drawn = floor * (np.maximum(high, floor) / floor) ** uniform
        else:
            drawn = low + (high - low) * uniform
        return np.where(np.isin(values, self.heaps), values, np.clip(drawn, low, high))

    def at_quantiles(self, values: np.ndarray, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Positive numbers moved onto the distribution of the source, as far as it may be shown.

        The number of rank r of m takes the place of the source's at the same quantile: a heap as it is, any other spread evenly
        (on a log scale) over its band by its rank among those that fall there.

        Args:
            values: array of shape (m,).
            source: the positive numbers of the column that was fitted, shape (n,), at least one.
            rng: breaks ties.
        """
        order = np.lexsort([rng.random(len(values)), values])
        quantiles = (np.arange(len(values)) + 0.5) / len(values)
        targets = np.sort(source)[(quantiles * len(source)).astype(int)]
        moved = np.empty(len(values))
        moved[order] = np.where(np.isin(targets, self.heaps), targets, self._spread(targets))
        return moved

    def _spread(self, targets: np.ndarray) -> np.ndarray:
        """Ascending numbers of the source, each evenly spaced within its band: on a log scale, in the last band on a plain one.

        The last band may begin decades under its end; on a log scale nothing would fall near to what is dearest.
        """
        if not len(self.lows):
            return targets
        band = np.minimum(np.searchsorted(self.highs, targets), len(self.highs) - 1)
        loose = ~np.isin(targets, self.heaps)
        place = pd.Series(loose.astype(float)).groupby(band).cumsum().to_numpy() - 0.5
        count = np.maximum(np.bincount(band, weights=loose, minlength=len(self.lows))[band], 1.0)
        low, high = np.maximum(self.lows[band], np.finfo(float).tiny), self.highs[band]
        place = np.clip(place / count, 0, 1)
        plain = (self.lows[band] <= 0) | (band == len(self.lows) - 1)
        return np.where(plain, self.lows[band] + (high - self.lows[band]) * place, low * (high / low) ** place)


def _cut(values: np.ndarray, importers: np.ndarray, min_group: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut sorted values into runs of at least ``min_group`` importers; equal values stay in one run."""
    if not len(values):
        return np.empty(0), np.empty(0)
    starts = [0]
    seen: set[int] = set()
    for index in range(len(values)):
        if len(seen) >= min_group and values[index] != values[index - 1]:
            starts.append(index)
            seen = set()
        seen.add(int(importers[index]))
    if len(starts) > 1 and len(seen) < min_group:
        starts.pop()
    ends = [*starts[1:], len(values)]
    return values[starts].astype(float), values[[end - 1 for end in ends]].astype(float)
