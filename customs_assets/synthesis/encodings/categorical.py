"""Open lists of codes: the common ones by name, the rare ones as one group.

A code that fewer than ``k`` importers of the month use is not shown to the model by name (decision 7 of the architecture), nor is
one of less than half a percent of the rows, of which a batch has two and no GAN learns anything. When a row is decoded, it is put
back from the month's rare codes in their own proportions. Which of these may be shown at all is decided before, over all months
(``safe_groups``): a codec that decodes is fitted to rows that hold no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# No code of the form contains an asterisk.
RARE = "*"

# The least share of the rows that a code shown by name has; so a column has at most two hundred of them.
_LEAST_SHARE = 0.005


@dataclass(frozen=True)
class CategoricalEncoding:
    """Codes by name where at least ``k`` importers use them, in a month that is large also half a percent of the rows.

    Attributes:
        common: the codes kept by name, sorted.
        rare: the codes that are grouped, sorted.
        rare_weights: how often each rare code occurs, summing to 1.
    """

    common: tuple[str, ...]
    rare: tuple[str, ...]
    rare_weights: tuple[float, ...]

    @classmethod
    def fit(cls, values: pd.Series, importers: pd.Series, min_group: int) -> CategoricalEncoding:
        """Learn the lists from a column of n codes and the n importers who wrote them."""
        distinct = importers.groupby(values).nunique()
        rows = values.groupby(values).size()
        shown = (distinct.to_numpy() >= min_group) & (rows.to_numpy() >= _LEAST_SHARE * len(values))
        common = sorted(distinct.index[shown])
        counts = values[~values.isin(common)].value_counts().sort_index()
        weights = counts / counts.sum() if len(counts) else counts
        return cls(tuple(common), tuple(counts.index), tuple(weights.astype(float)))

    def encode(self, values: pd.Series) -> pd.Series:
        """The codes, every one that is not common as :data:`RARE`."""
        return values.where(values.isin(self.common), RARE)

    def decode(self, encoded: pd.Series, rng: np.random.Generator) -> pd.Series:
        """The codes again; a :data:`RARE` is drawn among the rare codes (among the common ones where there are none)."""
        decoded = encoded.to_numpy(dtype=object, copy=True)
        grouped = np.flatnonzero(decoded == RARE)
        if len(grouped):
            pool, weights = (self.rare, self.rare_weights) if self.rare else (self.common, None)
            decoded[grouped] = rng.choice(np.array(pool, dtype=object), size=len(grouped), p=weights)
        return pd.Series(decoded, index=encoded.index, name=encoded.name)


def by_frequency(values: pd.Series) -> list[str]:
    """The distinct codes of a column, the most frequent first, equally frequent ones in their own order."""
    counts = values.value_counts()
    return sorted(counts.index, key=lambda code: (-counts[code], code))
