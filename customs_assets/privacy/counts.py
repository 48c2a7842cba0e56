"""What can be counted without an attack: rows that repeat a source row, and the importers behind each value that is shown.

What belongs here are the two exact counts (``sql/copied_rows.sql``, ``sql/group_account.sql``). Rows that are merely close
are the subject of ``closest_record``; SDMetrics' new-row score, which takes rows within 1% for repeated, is in
``fidelity/metrics.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import duckdb
import pandas as pd

from customs_assets.fidelity.comparison import COMPARED_NAMES, compared_columns
from customs_assets.lake import read_sql

TARIFF_TUPLE_KIND = "tariff tuple"


class Copies(NamedTuple):
    """Synthetic rows that equal a source row in everything but key and date: in all of it, and identities left out."""

    with_identities: int
    without_identities: int


class GroupAccount(NamedTuple):
    """What the synthetic rows show of one kind, and who stands behind it.

    A relation that names an importer rests on that importer alone, if on anybody.

    Attributes:
        kind: ``tariff tuple``, an attribute, or a relation as ``importer|hs6``.
        shown: distinct values in the synthetic rows.
        composed: those of them that no source row has; they rest on nobody.
        smallest_group: least importers behind a value that the source has; 0 where the source has none of the values.
        under_k: values behind which at least 1 and fewer than ``k`` importers stand.
        rows_under_k: synthetic rows that show one of these.
    """

    kind: str
    shown: int
    composed: int
    smallest_group: int
    under_k: int
    rows_under_k: int


def copies(synthetic: pd.DataFrame, source: pd.DataFrame) -> Copies:
    """Count the synthetic rows that repeat a source row of any month; ``hs10_code`` is cut to six digits."""
    [counted] = _counted("copied_rows.sql", synthetic, source)
    return Copies(*map(int, counted))


def group_account(synthetic: pd.DataFrame, source: pd.DataFrame, min_group: int) -> dict[str, GroupAccount]:
    """Count the source importers behind everything that the synthetic rows show.

    Args:
        synthetic: synthetic declarations.
        source: anonymized declarations of all months at hand; ``hs10_code`` is cut to six digits.
        min_group: k, at least 1.

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
