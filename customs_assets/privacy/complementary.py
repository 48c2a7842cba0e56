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

The control half has its own official totals. The release has not seen its importers, so a right guess there is chance.
"""

from __future__ import annotations

from collections.abc import Callable
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
    training, control = (_guesses(shown, half, amount, scaled) for half in (declared.training, declared.control))
    return risk_of_guesses(training, control, 0, way, len(_WAYS))


def _guesses(shown: pd.DataFrame, half: Half, amount: str, scaled: bool) -> Guesses:
    """The guesses on the largest importer of each cell of a half."""
    population = half.together
    cells, has = population.contributions(CELL)
    (of_shown, of_cells), count = numbered([shown, cells], CELL)
    released = np.bincount(of_shown, shown[amount].to_numpy(dtype=float), count)
    rows = np.bincount(of_shown, minlength=count)
    of = largest(has["cell"].to_numpy(), has["importer"].to_numpy(), has[amount].to_numpy(dtype=float))
    place = of_cells[of.cell]
    scale = float(has["declarations"].sum()) / len(shown) if scaled else 1.0
    guess = of.total - scale * released[place]
    attacked = (rows[place] > 0) & (of.importers > 1) & (of.total - of.first > TOLERANCE * of.first) & (of.first > 0)
    right = np.abs(guess - of.first) <= TOLERANCE * of.first
    importers = population.importers
    return Guesses.on_importers(importers, importers[of.importer[attacked]], right[attacked])
