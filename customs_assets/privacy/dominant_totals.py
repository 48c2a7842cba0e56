"""Dominance: do the sums of a release give away what a dominating importer trades?

Where one importer has nearly all of a trade, its sum is that importer's total. The attacker is the strongest one that
statistical offices reckon with, the second largest importer of the cell: it takes its own total from the sum that the release
shows, and holds the rest for the largest importer's (Hundepool et al. 2012, *Statistical Disclosure Control*, chapter 4). Where
the cell has one importer, the sum itself is the guess.

- A *cell* is a product code, or a product code and a country of origin, which the release shows.
- The guess is R · n / m - b: R is the release's sum of mass or of value in the cell, n and m are the declarations of the source
  and of the release, b is the total of the second largest importer.
- It is right within a tenth of the largest importer's total.
- A cell is *dominated* where one importer has 75% of it, or two have 85%.

Dominated cells of the training half are attacked. The same guess is made on cells of the training half that nobody dominates, and
on dominated cells of the control half, whose importers the release has not seen. The risk is the excess over the one that leaves
the larger excess.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from customs_assets.disclosure.dominance import Dominance
from customs_assets.privacy.cells import numbered
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

CELLS: dict[str, tuple[str, ...]] = {
    "product code": ("hs6_code",),
    "product code and origin": ("hs6_code", "country_of_origin"),
}
AMOUNTS: dict[str, str] = {"mass": "net_mass", "value": "item_price"}

# A guess is right when it is no further off than this share of the importer's total.
TOLERANCE = 0.10


class Largest(NamedTuple):
    """The largest importer of each of n cells: arrays of shape (n,).

    Attributes:
        cell: the cell's number, ascending.
        importer: the place of its largest importer among the importers that were given.
        first: the total of the largest importer.
        second: the total of the second largest; 0 where there is none.
        total: that of all importers.
        importers: how many there are.
    """

    cell: np.ndarray
    importer: np.ndarray
    first: np.ndarray
    second: np.ndarray
    total: np.ndarray
    importers: np.ndarray


def largest(cell: np.ndarray, importer: np.ndarray, amount: np.ndarray) -> Largest:
    """The largest importers of cells.

    Args:
        cell: the cell of each of n contributions, integers from 0; an importer may have several in a cell.
        importer: whose it is, integers from 0.
        amount: how much, none negative.
    """
    importers = int(importer.max(initial=-1)) + 1
    pair, place = np.unique(cell.astype(np.int64) * max(importers, 1) + importer, return_inverse=True)
    own = np.bincount(place, amount, len(pair)) if len(pair) else np.zeros(0)
    of_cell, whose = pair // max(importers, 1), pair % max(importers, 1)
    order = np.lexsort([whose, -own, of_cell])
    distinct, begin, size = np.unique(of_cell[order], return_index=True, return_counts=True)
    ranked = np.append(own[order], 0.0)
    second = np.where(size > 1, ranked[np.minimum(begin + 1, len(ranked) - 1)], 0.0)
    total = np.add.reduceat(own[order], begin) if len(begin) else np.zeros(0)
    return Largest(distinct, whose[order][begin], own[order][begin], second, total, size)


def dominant_totals(synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame) -> Risk:
    """The risk that the release's sums are a dominating importer's; the strongest of eight ways.

    Args:
        synthetic: m rows made from ``training`` alone.
        training: the source's rows that they were made from.
        control: rows of other importers of the same source.

    Returns:
        The risk. ``baseline_successes`` are the right guesses on the same cells if the source's own sums were known.

    Raises:
        NothingToAttack: nobody dominates a cell of training that the release shows.
        CannotBeMeasured: there is such a cell, and no other to compare it with.
    """
    ways = [(level, amount, other) for level in CELLS for amount in AMOUNTS for other in ("undominated", "control")]
    measures: list[Callable[[], Risk]] = []
    for level, amount, other in ways:
        way = f"{amount} by {level}, beside {'cells that nobody dominates' if other == 'undominated' else 'control'}"
        measures.append(partial(_risk, synthetic, (training, control), level, amount, other, way, len(ways)))
    return strongest(measures)


def _risk(
    synthetic: pd.DataFrame,
    halves: tuple[pd.DataFrame, pd.DataFrame],
    level: str,
    amount: str,
    other: str,
    way: str,
    ways: int,
) -> Risk:
    (shown, *cells), count = numbered([synthetic, *halves], CELLS[level])
    name = AMOUNTS[amount]
    sums = np.bincount(shown, synthetic[name].to_numpy(dtype=float), count)
    is_shown = np.bincount(shown, minlength=count) > 0
    sides = []
    for half, cell in zip(halves, cells, strict=True):
        who, everyone = pd.factorize(half["importer_id"])
        of = largest(cell, who, half[name].to_numpy(dtype=float))
        guess = sums[of.cell] * (len(half) / len(synthetic)) - of.second
        right = np.abs(guess - of.first) <= TOLERANCE * of.first
        known = of.total - of.second - of.first <= TOLERANCE * of.first
        dominates = _dominated(of)
        attacked = is_shown[of.cell] & (of.first > 0)
        sides.append((np.asarray(everyone), np.asarray(everyone)[of.importer], right, known, dominates, attacked))
    everyone, whom, right, known, dominates, attacked = sides[0]
    strike = attacked & dominates
    training = Guesses.on_importers(everyone, whom[strike], right[strike])
    if other == "control":
        everyone, whom, right, _, dominates, attacked = sides[1]
        beside = attacked & dominates
    else:
        beside = attacked & ~dominates
    compared = Guesses.on_importers(everyone, whom[beside], right[beside])
    return risk_of_guesses(training, compared, int(known[strike].sum()), way, ways)


def _dominated(of: Largest) -> np.ndarray:
    """Which cells are dominated."""
    rule = Dominance()
    return (of.first >= rule.one * of.total) | (of.first + of.second >= rule.two * of.total)


def unsafe_cells(rows: pd.DataFrame, min_group: int) -> tuple[int, int]:
    """How many products and origins of some rows have fewer than ``k`` importers or one or two that dominate; and all of them."""
    [cell], count = numbered([rows], CELLS["product code and origin"])
    who = pd.factorize(rows["importer_id"])[0]
    unsafe = np.zeros(count, dtype=bool)
    for name in AMOUNTS.values():
        of = largest(cell, who, rows[name].to_numpy(dtype=float))
        unsafe |= (of.importers < min_group) | _dominated(of)
    return int(unsafe.sum()), count
