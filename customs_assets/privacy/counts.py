"""What can be counted without an attack: rows that repeat a source row, and the importers behind each value of the release.

What belongs here are the exact counts (``sql/copied_rows.sql``, ``sql/copied_goods.sql``, ``sql/group_account.sql``).
``closest_record`` measures rows that are merely close. SDMetrics' new-row score, for which rows within 1% are repeated, is in
``fidelity/own_metrics.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from customs_assets.fidelity.comparison import HELD_NAMES, compared_columns
from customs_assets.fidelity.references import in_control
from customs_assets.lake import read_sql
from customs_assets.privacy.chance import CLAIMS, FALSE_ALARMS

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


class CopiedGoods(NamedTuple):
    """Synthetic rows with the goods of source rows that fewer than ``k`` importers declared.

    Attributes:
        rows: how many.
        of: synthetic rows.
        by_chance: how many there would be if rows were as like the source as importers of its two halves are alike; NaN where
            it has no two halves.
        lower_bound: lower bound of the share of rows beyond chance, for one of ``chance.CLAIMS`` claims; 0 where chance explains
            the rows.
    """

    rows: int
    of: int
    by_chance: float
    lower_bound: float


def copied_goods(synthetic: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020) -> CopiedGoods:
    """Count the rows that are somebody's in everything but key, date and identities; ``hs10_code`` is cut to six digits.

    Goods are alike by chance where amounts are few, as in trade by the piece. So beside the count stands how often importers of
    one half of the source repeat the goods of importers of the other half.

    Args:
        synthetic: synthetic rows.
        source: the rows that they were made from.
        min_group: ``k``.
        seed: of the halves.
    """
    held_out = in_control(source["importer_id"], seed)
    with duckdb.connect(":memory:") as connection:
        columns = compared_columns(source, "source", HELD_NAMES).assign(held_out=held_out)
        connection.register("source", columns)
        connection.register("synthetic", compared_columns(synthetic, "synthetic", HELD_NAMES))
        [found] = connection.execute(read_sql("copied_goods.sql"), {"min_group": min_group}).fetchall()
    shown, copied, first_rows, first_repeats, second_rows, second_repeats = map(int, found)
    # Where one half has fewer rows, its number makes chance look larger, and nobody is blamed for that.
    repeated, of = first_repeats + second_repeats, min(first_rows, second_rows)
    by_chance = shown * repeated / of if of else math.nan
    return CopiedGoods(copied, shown, by_chance, _beyond_chance(copied, shown, repeated, of))


def _beyond_chance(hits: int, tries: int, by_chance: int, tries_by_chance: int) -> float:
    """The lower bound of a share beyond another share, for one of ``chance.CLAIMS`` claims; 0 where chance explains it.

    Of all hits together, those of the first kind are a binomial share that says by what factor the first share is the larger one
    (Przyborowski and Wilenski 1940). Its lower bound is exact (Clopper and Pearson 1934), however few hits there are by chance.
    """
    from scipy.special import betaincinv

    if not (hits and tries_by_chance):
        return 0.0
    lowest = float(betaincinv(hits, by_chance + 1, FALSE_ALARMS / CLAIMS))
    factor = lowest / (1 - lowest) * tries_by_chance / tries
    return max(hits / tries * (1 - 1 / factor), 0.0)


def group_account(synthetic: pd.DataFrame, source: pd.DataFrame, min_group: int) -> dict[str, GroupAccount]:
    """Count the source importers behind every value of the synthetic rows; ``hs10_code`` is cut to six digits.

    Returns:
        An account by kind, kinds in alphabetical order.
    """
    rows = _counted("group_account.sql", synthetic, source, {"min_group": min_group})
    return {row[0]: GroupAccount(*row) for row in rows}


def others_account(source: pd.DataFrame, min_group: int, seed: int) -> dict[str, GroupAccount]:
    """The account of what importers of one half of the source show of the other half; empty where all fall into one half."""
    held_out = in_control(source["importer_id"], seed)
    if held_out.all() or not held_out.any():
        return {}
    return group_account(source[held_out], source[~held_out], min_group)


def beside_original(
    original: Mapping[str, GroupAccount], others: Mapping[str, GroupAccount], kinds: Sequence[str], min_group: int
) -> str:
    """A phrase with the original's own values under ``k``, and with those of :func:`others_account`.

    Args:
        original: the account of the source by itself.
        others: that of its halves; may be empty.
        kinds: of values, which are added.
        min_group: ``k``.
    """
    figures = [
        (sum(account[kind].under_k for kind in kinds), sum(account[kind].shown for kind in kinds))
        for account in (original, others)
        if account
    ]
    told = [f"{as_told(under_k, min_group)} of {shown}" for under_k, shown in figures]
    said = f"; in the original itself {told[0]}"
    return f"{said}; half of its importers show {told[1]} of the other half" if others else said


def as_told(count: int, min_group: int) -> str:
    """A count of the source, as it may stand on a page."""
    return f"fewer than {min_group}" if 0 < count < min_group else str(count)


def _counted(
    statement: str, synthetic: pd.DataFrame, source: pd.DataFrame, parameters: dict[str, int] | None = None
) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        connection.register("source", compared_columns(source, "source", HELD_NAMES))
        connection.register("synthetic", compared_columns(synthetic, "synthetic", HELD_NAMES))
        return connection.execute(read_sql(statement), parameters).fetchall()
