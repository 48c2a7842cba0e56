"""The arithmetic of Table 2: metrics of one column, of two columns, and of whole rows.

Each has SDMetrics' name and SDMetrics' result (section 3.2 of the paper, equations 1 to 5) in a few lines of NumPy or SQL,
because the library takes half an hour for a release. A score that is not defined is NaN, as in the library's report: there is
nothing to compare, or a column is constant.
"""

from __future__ import annotations

import math
from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from customs_assets.declaration import STAND_INS
from customs_assets.fidelity.comparison import Codes, Comparison, Numbers
from customs_assets.lake import read_sql

# SDMetrics rounds to this many decimals before it compares distributions, so that representation makes no step.
_DECIMALS = 14

# SDMetrics gives a category that the source does not have this count instead of 0.
_REGULARIZATION = 1e-6

# A contingency table of at most this many cells is counted in place; a larger one is nearly empty, and is sorted.
_DENSE_CELLS = 1 << 18

# Two numbers within this share of each other count as the same in NewRowSynthesis.
_TOLERANCE = 0.01


def ks_complement(numbers: Numbers) -> float:
    """KSComplement: 1 less the largest distance between the two empirical distribution functions; missing left out."""
    source, synthetic = (np.sort(np.round(_not_missing(v), _DECIMALS)) for v in (numbers.source, numbers.synthetic))
    if not (len(source) and len(synthetic)):
        return math.nan
    steps = np.concatenate([source, synthetic])
    distances = np.searchsorted(source, steps, "right") / len(source)
    distances -= np.searchsorted(synthetic, steps, "right") / len(synthetic)
    return float(1 - np.abs(distances).max())


def tv_complement(codes: Codes) -> float:
    """TVComplement: 1 less the total variation distance between the two frequencies (equation 1); missing left out."""
    source, synthetic = _counts(codes)
    source = np.where((source == 0) & (synthetic > 0), _REGULARIZATION, source)
    if not (source.any() and synthetic.any()):
        return math.nan
    return float(1 - np.abs(synthetic / synthetic.sum() - source / source.sum()).sum() / 2)


def range_coverage(numbers: Numbers) -> float:
    """RangeCoverage: how much of the source's range the synthetic range covers (equation 4)."""
    source, synthetic = _not_missing(numbers.source), _not_missing(numbers.synthetic)
    if not (len(source) and len(synthetic)) or source.min() == source.max():
        return math.nan
    span = source.max() - source.min()
    below = max((synthetic.min() - source.min()) / span, 0.0)
    above = max((source.max() - synthetic.max()) / span, 0.0)
    return float(max(1 - (below + above), 0.0))


def category_coverage(codes: Codes) -> float:
    """CategoryCoverage: share of the source's categories that the synthetic column has too."""
    source, synthetic = (counts > 0 for counts in _counts(codes))
    return float((source & synthetic).sum() / source.sum()) if source.any() else math.nan


def boundary_adherence(numbers: Numbers) -> float:
    """BoundaryAdherence: share of synthetic values between the source's least and largest.

    A missing value is out of bounds, unless the source has missing values too: then they are left out.
    """
    source = _not_missing(numbers.source)
    synthetic = numbers.synthetic if len(source) == len(numbers.source) else _not_missing(numbers.synthetic)
    if not (len(source) and len(synthetic)):
        return math.nan
    return float(((synthetic >= source.min()) & (synthetic <= source.max())).mean())


def correlation_similarity(first: Numbers, second: Numbers) -> float:
    """CorrelationSimilarity: 1 less half the difference between the two frames' Pearson correlations (equation 2)."""
    source = _pearson(first.source, second.source)
    synthetic = _pearson(first.synthetic, second.synthetic)
    return 1 - abs(source - synthetic) / 2


def contingency_similarity(first: Codes, second: Codes) -> float:
    """ContingencySimilarity: 1 less the total variation distance between the two contingency tables (equation 3).

    The missing value is a category like any other.
    """
    source = first.source * second.size + second.source
    synthetic = first.synthetic * second.size + second.synthetic
    source_counts, synthetic_counts = _cell_counts(source, synthetic, first.size * second.size)
    difference = source_counts / len(source) - synthetic_counts / len(synthetic)
    return float(1 - np.abs(difference).sum() / 2)


def new_row_synthesis(comparison: Comparison, tolerance: Literal["of_value", "of_range"] = "of_value") -> float:
    """NewRowSynthesis: share of synthetic rows that repeat no source row (equation 5), in [0, 1].

    Args:
        comparison: both frames, all the compared columns of the declaration.
        tolerance: what 1% is a percentage of. ``of_value``: of the synthetic value, as in SDMetrics, which the paper ran;
            ``of_range``: of the source's range, as in the paper's text. For a heavy-tailed mass or price the range is the laxer,
            for a date the value is.
    """
    shares = {reading: _TOLERANCE if reading == tolerance else 0.0 for reading in ("of_value", "of_range")}
    columns = comparison.codes | comparison.numbers
    # The statement names every column of the catalogue; one that the form has not is the same in all rows.
    absent = dict.fromkeys(STAND_INS, 0)
    source, synthetic = (
        pd.DataFrame({name: getattr(values, side) for name, values in columns.items()}).assign(**absent)
        for side in ("source", "synthetic")
    )
    with duckdb.connect(":memory:") as connection:
        connection.register("source", source.assign(row_number=np.arange(len(source))))
        connection.register("synthetic", synthetic.assign(row_number=np.arange(len(synthetic))))
        row = connection.execute(read_sql("new_row_synthesis.sql"), shares).fetchone()
    return 1 - (row[0] if row else 0) / len(synthetic)


def _not_missing(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _counts(codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Rows per category, the missing value left out."""
    source = np.bincount(codes.source, minlength=codes.size)[1:]
    synthetic = np.bincount(codes.synthetic, minlength=codes.size)[1:]
    return source, synthetic


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
    """Pearson's correlation over the rows that have both values; NaN for fewer than two, or a constant column."""
    complete = ~(np.isnan(first) | np.isnan(second))
    first, second = first[complete], second[complete]
    if len(first) < 2 or first.min() == first.max() or second.min() == second.max():
        return math.nan
    first, second = first - first.mean(), second - second.mean()
    correlation = np.dot(first / np.linalg.norm(first), second / np.linalg.norm(second))
    return float(np.clip(correlation, -1.0, 1.0))
