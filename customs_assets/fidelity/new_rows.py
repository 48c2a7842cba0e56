"""New row synthesis: how many synthetic rows are no copy of a source row.

SDMetrics asks the source once per synthetic row, which takes half an hour for a release; here it is one join in DuckDB
(``sql/new_row_synthesis.sql``) with the same answer. What belongs here is the count alone: closeness short of a copy is
the privacy report's subject.
"""

from __future__ import annotations

from enum import StrEnum

import duckdb
import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import Comparison
from customs_assets.lake import read_sql

_SHARE = 0.01


class Tolerance(StrEnum):
    """When two numbers count as the same: what 1% is a percentage of.

    The paper's text scales the columns first, so that 1% is of the source's range; SDMetrics, which the paper ran,
    takes it of the synthetic value. For a heavy-tailed mass or price the range is the laxer, for a date the value is.
    """

    OF_VALUE = "of_value"
    OF_RANGE = "of_range"


def new_row_synthesis(comparison: Comparison, tolerance: Tolerance = Tolerance.OF_VALUE) -> float:
    """NewRowSynthesis: share of synthetic rows that repeat no source row (equation 5), in [0, 1].

    Args:
        comparison: both frames, all the compared columns of the declaration.
        tolerance: ``OF_VALUE`` for SDMetrics' result, ``OF_RANGE`` for the paper's words.
    """
    shares = {reading.value: _SHARE if reading is tolerance else 0.0 for reading in Tolerance}
    with duckdb.connect(":memory:") as connection:
        connection.register("source", _frame(comparison, "source"))
        connection.register("synthetic", _frame(comparison, "synthetic"))
        row = connection.execute(read_sql("new_row_synthesis.sql"), shares).fetchone()
    rows = len(next(iter(comparison.codes.values())).synthetic)
    repeated = row[0] if row else 0
    return 1 - repeated / rows


def _frame(comparison: Comparison, side: str) -> pd.DataFrame:
    columns = {name: getattr(values, side) for name, values in (comparison.codes | comparison.numbers).items()}
    frame = pd.DataFrame(columns)
    return frame.assign(row_number=np.arange(len(frame)))
