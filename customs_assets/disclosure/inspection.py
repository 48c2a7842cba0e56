"""Who was inspected must not show: in which month a tariff tuple comes out, where few declared it in that month.

A release is made of inspected declarations, and most declarations are not inspected. Where few importers declared a lane (product
code, origin and departure) in a month, a row of that lane in that month would say that one of them was inspected. So it may stay
there only where at least ``k`` importers declared the lane in the month, inspected or not. All other tuples change months: they
are exchanged among declarations of one chapter and origin over all months. So chapters and origins keep their months, and over
all months every tuple is there as often as before.

Where every declaration was inspected there is nothing to hide, and nothing is exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from customs_assets.disclosure.levels import with_levels
from customs_assets.disclosure.population import Population

LANE = ("hs6_code", "country_of_origin", "country_of_departure")

# Tuples change months among rows alike in these columns, the finest first.
_ALIKE: tuple[tuple[str, ...], ...] = (
    ("chapter", "country_of_origin"),
    ("section", "country_of_origin"),
    ("country_of_origin",),
    (),
)

# Rows that exchange, as a multiple of k. Fewer would often have their own again.
_ROWS_PER_GROUP = 4


def busy_lanes(by_month: Mapping[str, Population], inspected: int, min_group: int) -> pd.DataFrame | None:
    """The lanes that at least ``min_group`` importers declared in a month.

    Args:
        by_month: the population of each month (``YYYY-MM``).
        inspected: how many declarations of these months were inspected.
        min_group: ``k``.

    Returns:
        ``month`` and the columns of :data:`LANE`; None where every declaration was inspected.
    """
    tables, declared = [], 0
    for month, population in by_month.items():
        cells, has = population.contributions(LANE)
        importers = np.bincount(has["cell"].to_numpy(), minlength=len(cells))
        declared += int(has["declarations"].sum())
        tables.append(cells.loc[importers >= min_group, list(LANE)].assign(month=month))
    if declared <= inspected:
        return None
    return pd.concat(tables, ignore_index=True)[["month", *LANE]]


def changed_months(
    tuples: pd.DataFrame, months: pd.Series, busy: pd.DataFrame, min_group: int, rng: np.random.Generator
) -> np.ndarray:
    """For each of n declarations the declaration whose tuple it shows: its own where the lane is busy in its month.

    Args:
        tuples: n rows with the columns of :data:`LANE`, as they may be shown.
        months: the month (``YYYY-MM``) of each.
        busy: the rows of :func:`busy_lanes`.
        min_group: ``k``.
        rng: what draws come from.

    Returns:
        Places of shape (n,), each once.
    """
    columns = ["month", *LANE]
    lanes = tuples[list(LANE)].reset_index(drop=True).assign(month=months.to_numpy())
    stays = lanes.merge(busy[columns], how="left", on=columns, indicator=True)["_merge"].eq("both").to_numpy()
    alike = with_levels(lanes)
    taken_from = np.arange(len(lanes))
    open_rows = np.flatnonzero(~stays)
    for shared in _ALIKE:
        keys = [pd.factorize(alike[name].iloc[open_rows])[0] for name in shared]
        pool = np.unique(np.column_stack([np.zeros(len(open_rows), dtype=int), *keys]), axis=0, return_inverse=True)[1]
        pool = pool.ravel()
        enough = (np.bincount(pool)[pool] >= _ROWS_PER_GROUP * min_group) | (not shared)
        rows, pool = open_rows[enough], pool[enough]
        gives, takes = (np.lexsort([rng.random(len(rows)), pool]) for _ in range(2))
        taken_from[rows[takes]] = rows[gives]
        open_rows = open_rows[~enough]
    return taken_from
