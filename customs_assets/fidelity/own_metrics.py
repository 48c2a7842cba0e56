"""The two metrics of Table 2 that SDMetrics is too slow for: the contingency of all pairs, and new rows.

Both have SDMetrics' name and SDMetrics' result (section 3.2 of the paper, equations 3 and 5) in a few lines of NumPy or SQL. They
are 19 and 8,560 times as fast (``benchmarks/metrics.py``), where the library would take half an hour for a release. All other
metrics are the library's own (``column_scores``).
"""

from __future__ import annotations

from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from customs_assets.declaration import STAND_INS
from customs_assets.fidelity.comparison import Codes, Comparison
from customs_assets.lake import read_sql

# A contingency table of at most this many cells is counted in place; a larger one is nearly empty, and is sorted.
_DENSE_CELLS = 1 << 18

# Two numbers within this share of each other count as the same in NewRowSynthesis.
_TOLERANCE = 0.01


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
