"""Who was inspected must not show: in which month a tariff tuple comes out, where few declared it in that month.

A release is made of inspected declarations, and most declarations are not inspected. Where few importers declared a lane (product
code, origin and departure) in a month, a row of that lane in that month would say that one of them was inspected. So it must stay
there only where at least ``k`` importers declared the lane in the month, inspected or not. All other tuples are exchanged among
declarations of one chapter and origin over all months. The same holds there: where fewer than ``k`` importers declared that
chapter and origin in the month, a row of them would say as much, so it is exchanged among more. Over all months every tuple is
there as often as before. By chance a tuple comes out in its own month, about once in as many times as there are months.

Where every declaration was inspected there is nothing to hide, and with one month alone there is no other to go to. Nothing is
exchanged then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.disclosure.levels import with_levels
from customs_assets.disclosure.population import Population

LANE = ("hs6_code", "country_of_origin", "country_of_departure")

# What a month must have of at least k importers. Lanes of them stay; other tuples change months among rows alike in the rest.
_LEVELS: tuple[tuple[str, ...], ...] = (
    LANE,
    ("chapter", "country_of_origin"),
    ("section", "country_of_origin"),
    ("country_of_origin",),
)
# The finest level that counts after published months: section and origin.
_AFTER_PUBLISHED = 2
_CELL = ("chapter", "section", *LANE)

# Rows that exchange, as a multiple of k. Fewer would often have their own again.
_ROWS_PER_GROUP = 4

# The largest part of the rows that exchange that may be of one month.
_OF_ONE_MONTH = 0.5


def busy_lanes(
    by_month: Mapping[str, Population], inspected: int, min_group: int, *, after_published: bool = False
) -> pd.DataFrame | None:
    """What at least ``min_group`` importers declared in a month.

    After published months no lane counts as busy, and no chapter does. Whoever takes a release from the next one sees the new
    month alone, and there a row of a lane that five importers declared says a good deal of each. So every tuple of the new month
    is exchanged with those of all months within section and origin. Most of what comes out in it was declared in another month.

    Args:
        by_month: the population of each month (``YYYY-MM``).
        inspected: how many declarations of importers were inspected in these months.
        min_group: ``k``.
        after_published: whether some of the months are published, and a later one is made now.

    Returns:
        ``month``, ``level`` (0: lanes, 1: chapter and origin, 2: section and origin, 3: origin) and the columns of that level;
        those of other levels are empty. None where every declaration was inspected, unless months are published.
    """
    tables, declared = [], 0
    for month, population in by_month.items():
        for level, columns in enumerate(_LEVELS):
            cells, has = population.contributions(columns)
            importers = np.bincount(has["cell"].to_numpy(), minlength=len(cells))
            declared += 0 if level else int(has["declarations"].sum())
            tables.append(cells.loc[importers >= min_group, list(columns)].assign(month=month, level=level))
    if declared <= inspected and not after_published:
        return None
    busy = pd.concat(tables, ignore_index=True).reindex(columns=["month", "level", *_CELL]).fillna("")
    return busy[busy["level"] >= _AFTER_PUBLISHED].reset_index(drop=True) if after_published else busy


def changed_months(
    tuples: pd.DataFrame,
    months: pd.Series,
    importers: pd.Series,
    busy: pd.DataFrame,
    min_group: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """For each of n declarations the declaration whose tuple it shows: its own where the lane is busy in its month.

    Args:
        tuples: n rows with the columns of :data:`LANE`, as they may be shown.
        months: the month (``YYYY-MM``) of each.
        importers: who declared each.
        busy: the rows of :func:`busy_lanes`.
        min_group: ``k``.
        rng: what draws come from.

    Returns:
        Places of shape (n,), each once.
    """
    rows = with_levels(tuples[list(LANE)].reset_index(drop=True)).assign(month=months.to_numpy())
    month, owner = (pd.factorize(column.to_numpy())[0] for column in (rows["month"], importers))
    taken_from = np.arange(len(rows))
    if not len(rows) or month.max() == 0:
        return taken_from
    moving = np.flatnonzero(~_busy(rows, LANE, busy[busy["level"] == 0]))
    open_rows = moving
    for level, shared in enumerate(_LEVELS[1:], 1):
        if not len(open_rows):
            break
        here = _busy(rows.iloc[open_rows], shared, busy[busy["level"] == level])
        # Rows that are no part of a pool must not make it look larger.
        pool = np.where(here, rows.iloc[open_rows].groupby(list(shared), sort=False).ngroup().to_numpy(), -1)
        here &= ~shared_by_few(pool, month[open_rows], owner[open_rows], min_group)
        _exchange(taken_from, open_rows[here], pool[here], rng)
        open_rows = open_rows[~here]
    if len(open_rows):
        # What is left is of many kinds and may be little. It exchanges with as many others as make a pool.
        others = np.setdiff1d(moving, open_rows)
        others = others if len(others) else np.setdiff1d(np.arange(len(rows)), open_rows)
        some = rng.choice(others, min(len(others), _ROWS_PER_GROUP * min_group), replace=False)
        together = np.concatenate([open_rows, some])
        _exchange(taken_from, together, np.zeros(len(together), dtype=int), rng)
    return taken_from


def _exchange(taken_from: np.ndarray, rows: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> None:
    """Let rows of one pool exchange at random what they take."""
    gives, takes = (rows[np.lexsort([rng.random(len(rows)), pool])] for _ in range(2))
    taken_from[takes] = taken_from[gives]


def _busy(rows: pd.DataFrame, shared: Sequence[str], busy: pd.DataFrame) -> np.ndarray:
    """Which rows have what their month has of enough importers, as booleans."""
    columns = ["month", *shared]
    return rows[columns].merge(busy[columns], how="left", on=columns, indicator=True)["_merge"].eq("both").to_numpy()


def shared_by_few(pool: np.ndarray, month: np.ndarray, owner: np.ndarray, min_group: int) -> np.ndarray:
    """Which of n rows are in a pool of too few rows or importers, or one that is mostly of one month, as booleans.

    Args:
        pool: the pool of each row, integers.
        month: its month, integers.
        owner: its importer, integers.
        min_group: ``k``.
    """
    rows = pd.DataFrame({"pool": pool, "month": month, "owner": owner})
    by_pool = rows.groupby("pool")
    size, importers = by_pool["owner"].transform("size"), by_pool["owner"].transform("nunique")
    largest = rows.groupby(["pool", "month"])["owner"].size().groupby("pool").max()
    few = (size < _ROWS_PER_GROUP * min_group) | (importers < min_group)
    return (few | (rows["pool"].map(largest) > _OF_ONE_MONTH * size)).to_numpy()
