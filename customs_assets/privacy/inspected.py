"""Inspected or not: does the release show whom customs inspected?

Most declarations are not inspected, and only inspected ones are in a release. So whoever finds a competitor's goods in it may
conclude that it was inspected. The attacker knows what a competitor declared, and that few others declared the like. He guesses
that the competitor was inspected where the release has a row with the same product code and origin, with the same product code,
origin, departure and month, or with the same chapter, origin and month.

Guessed is of each importer in each cell that the release shows and that fewer than ``k`` importers of its half declared. The
truth is the population (``disclosure/population.py``: who declared what, inspected or not) beside the inspected declarations. The
same is guessed of the control half, whose inspections the release has not seen. The formula is that of ``risk.py``.

Whoever declared fifty times was almost surely inspected once, and a release shows what was declared often. That is no news: the
attacker knows the rough volume of a competitor's trade. So the guesses on control count with weights that make them as often of
each volume as those on training are. A release drawn from the population alone, which knows nothing of inspections, gains
nothing by this measure; without the weights it seemed to gain .14 to .20.
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

# Volumes of trade are alike where they differ by less than this factor.
_VOLUME_STEP = 1.5

_NO_CELLS = pd.DataFrame(
    {
        "importer": np.zeros(0, dtype=object),
        "declarations": np.zeros(0, dtype=np.int64),
        "shown": np.zeros(0, dtype=bool),
        "inspected": np.zeros(0, dtype=bool),
    }
)


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
        The risk. ``baseline_successes``: the right guesses if importers of all such cells, shown or not, were held for inspected
        and as many guesses were made, of the same volumes.

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
    found = []
    for number, half in enumerate((declared.training, declared.control), 1):
        places: Mapping[str, Population] = half.by_month if with_month else {"": half.together}
        cells = [
            _cells_of_few(frames[name][0], frames[name][number], population, columns, min_group)
            for name, population in places.items()
            if name in frames
        ]
        found.append(pd.concat(cells or [_NO_CELLS], ignore_index=True))
    everybody = found[0]
    training, control = (cells[cells["shown"]] for cells in found)
    weights = weights_by_volume(training["declarations"].to_numpy(), control["declarations"].to_numpy())
    # Without the release he guesses as many times, of cells of the same volumes.
    blindly = weights_by_volume(training["declarations"].to_numpy(), everybody["declarations"].to_numpy())
    blind = float((blindly * everybody["inspected"]).sum()) * len(training) / max(float(blindly.sum()), 1.0)
    sides = [
        Guesses.on_importers(
            half.together.importers, cells["importer"].to_numpy(), cells["inspected"].to_numpy(), weight
        )
        for half, cells, weight in (
            (declared.training, training, np.ones(len(training))),
            (declared.control, control, weights),
        )
    ]
    return risk_of_guesses(sides[0], sides[1], round(blind), f"{way} shown", len(WAYS))


def weights_by_volume(like: np.ndarray, declarations: np.ndarray) -> np.ndarray:
    """Weights of n guesses, so that each volume has the share among them that it has among other guesses.

    Volumes are classed by factors of :data:`_VOLUME_STEP`: 1, 2, 3, 4 to 5, 6 to 7 ... declarations. A class that is missing here
    counts for the nearest one.

    Args:
        like: how many declarations stand behind each of m other guesses, from 1.
        declarations: the same of the n guesses.

    Returns:
        Weights from 0, shape (n,), with the sum n; all 1 where either side has no guess.
    """
    if not len(like) or not len(declarations):
        return np.ones(len(declarations))
    wanted, own = (np.floor(np.log(counts) / np.log(_VOLUME_STEP) + 1e-9) for counts in (like, declarations))
    classes, place, sizes = np.unique(own, return_inverse=True, return_counts=True)
    nearest = np.abs(wanted[:, None] - classes[None, :]).argmin(axis=1)
    share = np.bincount(nearest, minlength=len(classes)) / len(wanted)
    return (share * len(own) / sizes)[place]


def _cells_of_few(
    synthetic: pd.DataFrame,
    rows: pd.DataFrame,
    population: Population,
    columns: tuple[str, ...],
    min_group: int,
) -> pd.DataFrame:
    """Each importer of each cell that fewer than ``min_group`` declared.

    Returns:
        ``importer``; ``declarations`` of its own there; ``shown``: the release has the cell; ``inspected``: it was, in the cell.
    """
    cells, has = population.contributions(columns)
    importers = population.importers
    (of_cells, of_shown, of_rows), count = numbered([cells, synthetic, rows], columns)
    cell, whose = has["cell"].to_numpy(), has["importer"].to_numpy()
    few = np.bincount(cell, minlength=len(cells)) < min_group
    shown = np.bincount(of_shown, minlength=count) > 0
    own = pd.Index(importers).get_indexer(pd.Index(rows["importer_id"]))
    seen = np.unique(of_rows[own >= 0].astype(np.int64) * len(importers) + own[own >= 0])
    was = np.isin(of_cells[cell].astype(np.int64) * len(importers) + whose, seen)
    return pd.DataFrame(
        {
            "importer": importers[whose],
            "declarations": has["declarations"].to_numpy(dtype=np.int64),
            "shown": shown[of_cells[cell]],
            "inspected": was,
        }
    )[few[cell]]
