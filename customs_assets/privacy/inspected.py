"""Inspected or not: does the release show whom customs inspected?

Most declarations are not inspected, and only inspected ones are in a release. So whoever finds a competitor's goods in it may
conclude that it was inspected. The attacker knows what a competitor declared, and that few others declared the like. He guesses
that the competitor was inspected where the release has a row with the same product code and origin, with the same product code,
origin, departure and month, or with the same chapter, origin and month.

Guessed is of each importer in each cell that the release shows and that fewer than ``k`` importers of its half declared. The
truth is the population (``disclosure/population.py``: who declared what, inspected or not) beside the inspected declarations. The
same is guessed of the control half, whose inspections the release has not seen. The formula is that of ``risk.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from customs_assets.disclosure.population import Population
from customs_assets.privacy import NothingToAttack
from customs_assets.privacy.cells import MONTH, column, numbered
from customs_assets.privacy.declared import Declared, Half
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

_ORIGIN = ("hs6_code", "country_of_origin")
_LANE = (*_ORIGIN, "country_of_departure")

# Which columns the attacker compares, and whether he knows the month.
WAYS: dict[str, tuple[tuple[str, ...], bool]] = {
    "product code and origin": (_ORIGIN, False),
    "product code, origin, departure and month": (_LANE, True),
    "chapter, origin and month": (("chapter", "country_of_origin"), True),
}


def inspected(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    declared: Declared,
    min_group: int = 5,
) -> Risk:
    """The risk that the release shows who was inspected; the strongest of three ways.

    Args:
        synthetic: rows made from ``training`` alone.
        training: the inspected declarations that they were made from.
        control: inspected declarations of other importers.
        declared: what the importers of both halves declared, inspected or not.
        min_group: ``k``.

    Returns:
        The risk. ``baseline_successes``: the right guesses if all importers of all such cells, shown or not, were held for
        inspected and as many guesses were made.

    Raises:
        NothingToAttack: everything that was declared was inspected, or the release shows no cell of few importers.
        CannotBeMeasured: it shows such a cell of training and none of control.
    """
    if _all_inspected(declared.training, training):
        raise NothingToAttack("every declaration was inspected, so that one was inspected is no news")
    frames = {"": (synthetic, training, control), **_by_month(synthetic, training, control)}
    measures: list[Callable[[], Risk]] = [partial(_risk, frames, declared, way, min_group) for way in WAYS]
    return strongest(measures)


def _all_inspected(half: Half, rows: pd.DataFrame) -> bool:
    _, has = half.together.contributions([])
    return int(has["declarations"].sum()) <= len(rows)


def _by_month(*frames: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, ...]]:
    """The rows of each frame by month; a month that a frame has not is empty there."""
    groups = [{str(name): rows for name, rows in frame.groupby(column(frame, MONTH))} for frame in frames]
    months = sorted(set().union(*groups))
    return {
        name: tuple(group.get(name, frame.iloc[:0]) for group, frame in zip(groups, frames, strict=True))
        for name in months
    }


def _risk(frames: Mapping[str, tuple[pd.DataFrame, ...]], declared: Declared, way: str, min_group: int) -> Risk:
    columns, with_month = WAYS[way]
    sides, rates = [], []
    for number, half in enumerate((declared.training, declared.control), 1):
        places: Mapping[str, Population] = half.by_month if with_month else {"": half.together}
        whom, right, all_inspected, everybody = [], [], 0, 0
        for name, population in places.items():
            if name in frames:
                rows = frames[name]
                one = _guesses(rows[0], rows[number], population, columns, min_group)
                whom.append(one[0])
                right.append(one[1])
                all_inspected, everybody = all_inspected + one[2], everybody + one[3]
        guessed = np.concatenate([np.zeros(0, dtype=object), *whom])
        hit = np.concatenate([np.zeros(0, dtype=bool), *right])
        sides.append(Guesses.on_importers(half.together.importers, guessed, hit))
        rates.append(all_inspected / everybody if everybody else 0.0)
    training, control = sides
    blind = round(rates[0] * float(training.attacks.sum()))
    return risk_of_guesses(training, control, blind, f"{way} shown", len(WAYS))


def _guesses(
    synthetic: pd.DataFrame,
    rows: pd.DataFrame,
    population: Population,
    columns: tuple[str, ...],
    min_group: int,
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Who is guessed to be inspected, whether it is right; and of all cells of few importers the inspected ones, and all."""
    cells, has = population.contributions(columns)
    importers = population.importers
    (of_cells, of_shown, of_rows), count = numbered([cells, synthetic, rows], columns)
    cell, whose = has["cell"].to_numpy(), has["importer"].to_numpy()
    few = np.bincount(cell, minlength=len(cells)) < min_group
    shown = np.bincount(of_shown, minlength=count) > 0
    own = pd.Index(importers).get_indexer(pd.Index(rows["importer_id"]))
    seen = np.unique(of_rows[own >= 0].astype(np.int64) * len(importers) + own[own >= 0])
    was = np.isin(of_cells[cell].astype(np.int64) * len(importers) + whose, seen)
    of_few = few[cell]
    guess = of_few & shown[of_cells[cell]]
    return importers[whose[guess]], was[guess], int(was[of_few].sum()), int(of_few.sum())
