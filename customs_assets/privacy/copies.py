"""Copies: synthetic rows that equal a source row in everything but its date.

What belongs here is the exact count (``sql/copied_rows.sql``). Rows that are merely close are the subject of
``closest_record``; SDMetrics' new-row score, which counts rows within 1% as repeated, is in ``fidelity/new_rows.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from customs_assets.declaration import COMPARED
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.lake import read_sql

_NAMES = [a.name for a in COMPARED]


@dataclass(frozen=True, slots=True)
class Copies:
    """How many synthetic rows repeat a source row, its key and date aside.

    Attributes:
        with_identities: equal in every other attribute.
        without_identities: equal in every other attribute but the four identities, whose tokens are drawn anew at release.
        rows: synthetic rows.
    """

    with_identities: int
    without_identities: int
    rows: int


def copies(synthetic: pd.DataFrame, source: pd.DataFrame) -> Copies:
    """Count synthetic rows that equal a source row in everything but key and date, over all the months given.

    Args:
        synthetic: synthetic declarations.
        source: every row that they were made from, whatever its month; ``hs10_code`` is cut to six digits.
    """
    with duckdb.connect(":memory:") as connection:
        connection.register("source", compared_columns(source, "source", _NAMES))
        connection.register("synthetic", compared_columns(synthetic, "synthetic", _NAMES))
        counted = connection.execute(read_sql("copied_rows.sql")).fetchone() or (0, 0)
    return Copies(int(counted[0]), int(counted[1]), len(synthetic))
