"""The metrics of Table 2 that look at two columns at a time, and the counting beneath them.

Results are SDMetrics' own; what belongs here is only their arithmetic, fast enough for two hundred pairs of columns
with tens of thousands of identities each.
"""

from __future__ import annotations

import math

import numpy as np

from customs_assets.fidelity.comparison import Codes, Numbers

# A contingency table of at most this many cells is counted in place; a larger one is nearly empty, and is sorted.
_DENSE_CELLS = 1 << 18


def correlation_similarity(first: Numbers, second: Numbers) -> float:
    """CorrelationSimilarity: 1 less half the difference between the two frames' Pearson correlations (equation 2).

    NaN where a column is constant in either frame, whose correlation is not defined.
    """
    source = _pearson(first.source, second.source)
    synthetic = _pearson(first.synthetic, second.synthetic)
    return 1 - abs(source - synthetic) / 2


def contingency_similarity(first: Codes, second: Codes) -> float:
    """ContingencySimilarity: 1 less the total variation distance between the two contingency tables (equation 3).

    The missing value is a category like any other.
    """
    cells = first.size * second.size
    source = first.source * second.size + second.source
    synthetic = first.synthetic * second.size + second.synthetic
    source_counts, synthetic_counts = _cell_counts(source, synthetic, cells)
    difference = source_counts / len(source) - synthetic_counts / len(synthetic)
    return float(1 - np.abs(difference).sum() / 2)


def _cell_counts(source: np.ndarray, synthetic: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of either frame in every cell that has any (and, of a small table, in every cell)."""
    if cells <= _DENSE_CELLS:
        return np.bincount(source, minlength=cells), np.bincount(synthetic, minlength=cells)
    # The last bit says which frame a row is of, so that one sort brings the rows of a cell together.
    narrow = np.int32 if 2 * cells < np.iinfo(np.int32).max else np.int64
    keys = np.sort(np.concatenate([source * 2, synthetic * 2 + 1]).astype(narrow))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(keys >> 1)) + 1])
    totals = np.diff(starts, append=len(keys))
    synthetic_counts = np.add.reduceat(keys & 1, starts, dtype=np.int64)
    return totals - synthetic_counts, synthetic_counts


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation over the rows that know both values; NaN for fewer than two, or a constant column."""
    known = ~(np.isnan(first) | np.isnan(second))
    first, second = first[known], second[known]
    if len(first) < 2 or first.min() == first.max() or second.min() == second.max():
        return math.nan
    first, second = first - first.mean(), second - second.mean()
    correlation = np.dot(first / np.linalg.norm(first), second / np.linalg.norm(second))
    return float(np.clip(correlation, -1.0, 1.0))
