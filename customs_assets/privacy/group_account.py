"""The account of the ``k`` rule: on how many importers each value, tariff tuple and relation of the synthetic rows rests.

What belongs here counts (``sql/group_account.sql``); keeping the rule is the synthesizer's work, and judging the account that of
``expectations``. Relations that name an importer rest on that importer alone, if on anybody: a synthetic importer must not trade
what the source importer of the same token trades, unless by chance. They are counted under ``under_k`` like everything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from customs_assets.declaration import COMPARED
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.lake import read_sql

_NAMES = [a.name for a in COMPARED]

TARIFF_TUPLE_KIND = "tariff tuple"


@dataclass(frozen=True, slots=True)
class GroupAccount:
    """What the synthetic rows show of one kind, and who stands behind it.

    Attributes:
        kind: ``tariff tuple``, an attribute, or a relation as ``importer|hs6``.
        shown: distinct values in the synthetic rows.
        composed: those of them that no source row has; they rest on nobody.
        smallest_group: importers behind the source value that fewest stand behind; 0 where none is the source's.
        under_k: values behind which at least 1 and fewer than ``k`` importers stand.
        rows_under_k: synthetic rows that show one of these.
    """

    kind: str
    shown: int
    composed: int
    smallest_group: int
    under_k: int
    rows_under_k: int


def group_account(synthetic: pd.DataFrame, source: pd.DataFrame, min_group: int) -> dict[str, GroupAccount]:
    """Count, over all months at hand, the source importers behind everything that the synthetic rows show.

    Args:
        synthetic: synthetic declarations.
        source: anonymized declarations of all months at hand; ``hs10_code`` is cut to six digits.
        min_group: k, at least 1.

    Returns:
        An account by kind, kinds in alphabetical order.
    """
    with duckdb.connect(":memory:") as connection:
        connection.register("source", compared_columns(source, "source", _NAMES))
        connection.register("synthetic", compared_columns(synthetic, "synthetic", _NAMES))
        rows = connection.execute(read_sql("group_account.sql"), {"min_group": min_group}).fetchall()
    return {row[0]: GroupAccount(*row) for row in rows}
