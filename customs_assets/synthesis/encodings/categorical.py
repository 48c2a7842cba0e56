"""Open lists of codes: the common ones by name, the rare ones as one group.

The model does not see the name of a code that fewer than ``k`` importers of the month use (``docs/decisions.md``,
decision 7), nor of one in less than half a percent of the rows: a batch has two such rows, too few for a GAN to learn
from. Decoding draws among the month's rare codes in their own proportions. Which codes may be shown at all is decided
before, over all months (``disclosure.safe_groups``): the codec that decodes is fitted to rows that hold no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# No code of the form contains an asterisk.
RARE = "*"

# The least share of the rows that a common code has. So a column has at most two hundred of them.
_LEAST_SHARE = 0.005


@dataclass(frozen=True)
class CategoricalEncoding:
    """Codes by name where at least ``k`` importers and half a percent of the rows use them.

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
        is_common = (distinct.to_numpy() >= min_group) & (rows.to_numpy() >= _LEAST_SHARE * len(values))
        common = sorted(distinct.index[is_common])
        counts = values[~values.isin(common)].value_counts().sort_index()
        weights = counts / counts.sum() if len(counts) else counts
        return cls(tuple(common), tuple(counts.index), tuple(weights.astype(float)))

    def encode(self, values: pd.Series) -> pd.Series:
        """The codes, with :data:`RARE` in place of every one that is not common."""
        return values.where(values.isin(self.common), RARE)

    def decode(self, encoded: pd.Series, rng: np.random.Generator) -> pd.Series:
        """The codes. A :data:`RARE` is drawn among the rare codes, or among the common ones where there are none."""
        decoded = encoded.to_numpy(dtype=object, copy=True)
        grouped = np.flatnonzero(decoded == RARE)
        if len(grouped):
            pool, weights = (self.rare, self.rare_weights) if self.rare else (self.common, None)
            decoded[grouped] = rng.choice(np.array(pool, dtype=object), size=len(grouped), p=weights)
        return pd.Series(decoded, index=encoded.index, name=encoded.name)
