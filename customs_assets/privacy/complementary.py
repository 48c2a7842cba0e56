"""Complementary disclosure: official totals less what the release shows.

What is withheld of a table can be computed where the total is published elsewhere (Hundepool et al. 2012, *Statistical Disclosure
Control*, chapter 4). Trade statistics publish the total of all declarations by product code and partner country, inspected or
not. The release shows some of them. An importer whose declarations were taken out of a cell is what is left.

- A *cell* is a product code and a country of origin that the release shows and that two importers of the half declared at least.
- The guess is T - s · R: T is the official total of the cell, R the release's, s is 1 or the number of all declarations over
  those of the release, because only a share was inspected.
- Counted are declarations, and their mass.
- It is right within a tenth of the total of the cell's largest importer.
- A cell where the official total alone is right is left out: the statistics say it, and not the release.

The control half has its own official totals, and the release has not seen its importers. A release shows about as much of a cell
as was declared there. That alone makes a difference near to the largest importer's total likelier, whoever it is: rows drawn from
the population at random seemed to tell 0.11 on the published declarations. So each guess stands beside one on a cell of control
with as many declarations, of which the release is taken to show the same part. What is left is what it knows of the importer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from customs_assets.privacy.cells import numbered
from customs_assets.privacy.declared import Declared, Half
from customs_assets.privacy.dominant_totals import TOLERANCE, largest
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

CELL: tuple[str, ...] = ("hs6_code", "country_of_origin")

_WAYS = [(amount, scaled) for amount in ("declarations", "mass") for scaled in (False, True)]


def complementary(synthetic: pd.DataFrame, declared: Declared) -> Risk:
    """The risk that official totals less the release's are an importer's own; the strongest of four ways.

    Args:
        synthetic: rows made from the training half alone.
        declared: what the importers of both halves declared, inspected or not.

    Returns:
        The risk; ``baseline_successes`` is 0, because cells where the official total says enough are left out.

    Raises:
        NothingToAttack: the release shows no cell where the official total does not say it all.
        CannotBeMeasured: the same of the control half.
    """
    shown = synthetic.assign(declarations=1.0, mass=synthetic["net_mass"])
    measures: list[Callable[[], Risk]] = []
    for amount, scaled in _WAYS:
        way = f"{amount}, official total less the release's{', scaled to all declarations' if scaled else ''}"
        measures.append(partial(_risk, shown, declared, amount, scaled, way))
    return strongest(measures)


def _risk(shown: pd.DataFrame, declared: Declared, amount: str, scaled: bool, way: str) -> Risk:
    training, control = (_largest(half, amount) for half in (declared.training, declared.control))
    scale = training.declarations / len(shown) if scaled else 1.0
    (of_shown, of_cells), count = numbered([shown, training.cells], CELL)
    released = np.bincount(of_shown, shown[amount].to_numpy(dtype=float), count)[of_cells]
    training = training.some(np.bincount(of_shown, minlength=count)[of_cells] > 0)
    part = scale * released[training.place] / training.total
    if not len(control.total) and len(training.total):
        # Nothing to compare with.
        return risk_of_guesses(training.guesses(part), control.guesses(part[:0]), 0, way, len(_WAYS))
    beside = control.some(_as_large(training.size, control.size))
    return risk_of_guesses(training.guesses(part), beside.guesses(part), 0, way, len(_WAYS))


@dataclass(frozen=True)
class _Largest:
    """The largest importer of each of m cells.

    Attributes:
        cells: all cells of the half.
        place: which of them these are, shape (m,).
        importers: the half's importers.
        declarations: how many declarations they have in all.
        importer: the largest of each cell.
        first: its total there, above 0.
        total: that of all.
        size: declarations in the cell.
    """

    cells: pd.DataFrame
    place: np.ndarray
    importers: np.ndarray
    declarations: int
    importer: np.ndarray
    first: np.ndarray
    total: np.ndarray
    size: np.ndarray

    def some(self, wanted: np.ndarray) -> _Largest:
        """Those of some cells: booleans by cell of the half, or places among the m."""
        chosen = np.flatnonzero(wanted[self.place]) if wanted.dtype == bool else wanted
        arrays = {name: getattr(self, name)[chosen] for name in ("place", "importer", "first", "total", "size")}
        return replace(self, **arrays)

    def guesses(self, part: np.ndarray) -> Guesses:
        """One guess of each cell, where the release shows a part of its total."""
        right = np.abs(self.total * (1 - part) - self.first) <= TOLERANCE * self.first
        return Guesses.on_importers(self.importers, self.importers[self.importer], right)


def _largest(half: Half, amount: str) -> _Largest:
    """The cells of a half that two importers declared at least, and of which the official total does not say it all."""
    population = half.together
    cells, has = population.contributions(CELL)
    of = largest(has["cell"].to_numpy(), has["importer"].to_numpy(), has[amount].to_numpy(dtype=float))
    size = np.bincount(has["cell"].to_numpy(), has["declarations"].to_numpy(dtype=float), len(cells))[of.cell]
    everything = int(has["declarations"].sum())
    found = _Largest(cells, of.cell, population.importers, everything, of.importer, of.first, of.total, size)
    return found.some(
        np.flatnonzero((of.importers > 1) & (of.total - of.first > TOLERANCE * of.first) & (of.first > 0))
    )


def _as_large(sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each size the place of another of the same size, drawn at random, or of the nearest; some may be taken often."""
    rng = np.random.default_rng(len(others))
    order = np.lexsort([rng.random(len(others)), others])
    ascending = others[order]
    begin, end = (np.searchsorted(ascending, sizes, side=side) for side in ("left", "right"))
    same = begin + (rng.random(len(sizes)) * (end - begin)).astype(int)
    below, above = np.maximum(begin - 1, 0), np.minimum(begin, len(others) - 1)
    nearest = np.where(sizes - ascending[below] < ascending[above] - sizes, below, above)
    return order[np.where(end > begin, same, nearest)]
