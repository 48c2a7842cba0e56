"""What can be counted without an attack: rows that repeat a source row, and the importers behind each value of the release.

What belongs here are the two exact counts (``sql/copied_rows.sql``, ``sql/group_account.sql``). ``closest_record`` measures rows
that are merely close. SDMetrics' new-row score, for which rows within 1% are repeated, is in ``fidelity/metrics.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb
import pandas as pd

from customs_assets.fidelity.comparison import COMPARED_NAMES, compared_columns
from customs_assets.lake import read_sql

TARIFF_TUPLE_KIND = "tariff tuple"


class GroupAccount(NamedTuple):
    """The values of one kind in the synthetic rows, and the source importers behind them.

    A relation that names an importer rests on that importer alone, if on anybody.

    Attributes:
        kind: ``tariff tuple``, an attribute, or a relation as ``importer|hs6``.
        shown: distinct values in the synthetic rows.
        composed: those of them that no source row has; nobody is behind them.
        smallest_group: least importers behind a value that the source has; 0 where the source has none of the values.
        under_k: values with at least 1 and fewer than ``k`` importers behind them.
        rows_under_k: synthetic rows with one of these values.
    """

    kind: str
    shown: int
    composed: int
    smallest_group: int
    under_k: int
    rows_under_k: int


def copies(synthetic: pd.DataFrame, source: pd.DataFrame) -> tuple[int, int]:
    """How many synthetic rows equal a source row of any month in everything but key and date; and with identities left out.

    ``hs10_code`` is cut to six digits.
    """
    [(with_identities, without_identities)] = _counted("copied_rows.sql", synthetic, source)
    return int(with_identities), int(without_identities)


def group_account(synthetic: pd.DataFrame, source: pd.DataFrame, min_group: int) -> dict[str, GroupAccount]:
    """Count the source importers behind every value of the synthetic rows; ``hs10_code`` is cut to six digits.

    Returns:
        An account by kind, kinds in alphabetical order.
    """
    rows = _counted("group_account.sql", synthetic, source, {"min_group": min_group})
    return {row[0]: GroupAccount(*row) for row in rows}


def _counted(
    statement: str, synthetic: pd.DataFrame, source: pd.DataFrame, parameters: dict[str, int] | None = None
) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        connection.register("source", compared_columns(source, "source", COMPARED_NAMES))
        connection.register("synthetic", compared_columns(synthetic, "synthetic", COMPARED_NAMES))
        return connection.execute(read_sql(statement), parameters).fetchall()
