"""Dominance: of what is shown of a cell, no importer has too large a share.

A cell is some importers' declarations of one part of the trade. Where one importer has 75% of its value or mass, or two have 85%
(Finnish customs; the ESSnet handbook on disclosure control), a figure of the cell is nearly that importer's own. To withhold the
whole cell would withhold the others, too: in a world where amounts spread widely most cells are dominated. So the dominating
importers are *thinned*: only a share of their declarations stays in the cell, just so large that they no longer dominate it.
The rest is shown elsewhere. A cell that keeps fewer than ``k`` importers so is not safe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_AMOUNTS = ("value", "mass")

# Each pass caps value, then mass. A cell that is still dominated after so many is not safe.
_PASSES = 60

# A cap is this far below the limit, so that rounding cannot reach it.
_BELOW = 0.999


@dataclass(frozen=True)
class Dominance:
    """The rule.

    Attributes:
        one: share of value, and of mass, that one importer stays below; 1 allows any.
        two: the same of any two together.
    """

    one: float = 0.75
    two: float = 0.85

    def dominated(self, cell: np.ndarray, amounts: tuple[np.ndarray, ...], cells: int) -> np.ndarray:
        """Which cells are dominated, booleans of shape (cells,).

        Args:
            cell: the cell of each of n contributions, integers; one contribution for each cell and importer.
            amounts: of each contribution, such as value and mass; each of shape (n,), none negative.
            cells: how many cells there are.
        """
        found = np.zeros(cells, dtype=bool)
        for amount in amounts:
            first, second, total = _two_largest(cell, amount, cells)
            some = total > 0
            found |= some & (self.one < 1) & (first >= self.one * total)
            found |= some & (self.two < 1) & (first + second >= self.two * total)
        return found

    def shown_shares(
        self, cell: np.ndarray, declarations: np.ndarray, value: np.ndarray, mass: np.ndarray, min_group: int
    ) -> np.ndarray:
        """Which share of each importer's declarations may stay in its cell, so that nobody dominates what stays.

        Args:
            cell: the cell of each of n contributions, integers from 0 on; one contribution for each cell and importer.
            declarations: how many each has.
            value: their value, KRW.
            mass: their mass, kg.
            min_group: ``k``. An importer counts where one declaration at least is expected to stay.

        Returns:
            Shares of shape (n,), in [0, 1]; 0 for all of a cell that is not safe.
        """
        cells = int(cell.max()) + 1 if len(cell) else 0
        shares = np.ones(len(cell))
        open_cells = np.bincount(cell, minlength=cells) >= min_group
        shares[~open_cells[cell]] = 0.0
        rows = np.flatnonzero(open_cells[cell])
        for _ in range(_PASSES):
            if not len(rows):
                return shares
            distinct, local = np.unique(cell[rows], return_inverse=True)
            here = shares[rows]
            still = self.dominated(local, (here * value[rows], here * mass[rows]), len(distinct))[local]
            rows, local = rows[still], local[still]
            if not len(rows):
                return shares
            distinct, local = np.unique(local, return_inverse=True)
            here = self._capped(local, value[rows], shares[rows], len(distinct))
            here = self._capped(local, mass[rows], here, len(distinct))
            left = np.bincount(local, here * declarations[rows] >= 1, len(distinct)) >= min_group
            shares[rows] = np.where(left[local], here, 0.0)
            rows = rows[left[local]]
        shares[rows] = 0.0
        return shares

    def trimmed(self, cell: np.ndarray, value: np.ndarray, mass: np.ndarray, min_group: int) -> np.ndarray:
        """Which contributions stay where dominating importers leave a cell altogether, booleans of shape (n,).

        The arguments are those of :meth:`shown_shares`. No contribution of a cell stays that keeps fewer than ``min_group``.
        """
        cells = int(cell.max()) + 1 if len(cell) else 0
        stay = (np.bincount(cell, minlength=cells) >= min_group)[cell]
        rows = np.flatnonzero(stay)
        while len(rows):
            distinct, local = np.unique(cell[rows], return_inverse=True)
            is_dominated = self.dominated(local, (value[rows], mass[rows]), len(distinct))
            rows, local = rows[is_dominated[local]], local[is_dominated[local]]
            if not len(rows):
                break
            by_value = self.dominated(local, (value[rows],), len(distinct))[local]
            amount = np.where(by_value, value[rows], mass[rows])
            order = np.lexsort([-amount, local])
            largest = order[np.diff(local[order], prepend=-1) > 0]
            stay[rows[largest]] = False
            rows = rows[stay[rows]]
            enough = np.bincount(cell[rows], minlength=cells) >= min_group
            stay[rows[~enough[cell[rows]]]] = False
            rows = rows[stay[rows]]
        return stay

    def _capped(self, cell: np.ndarray, amount: np.ndarray, shares: np.ndarray, cells: int) -> np.ndarray:
        """The shares, lowered where an importer's part of one amount is more than the rule allows."""
        shown = shares * amount
        first, second, total = _two_largest(cell, shown, cells)
        # Rounding must not make less than nothing of what others have.
        others, but_two = np.maximum(total - first, 0.0), np.maximum(total - first - second, 0.0)
        cap = first.copy()
        if self.one < 1:
            cap = np.minimum(cap, self.one / (1 - self.one) * others)
        if self.two < 1:
            both = self.two / (1 - self.two) * but_two
            cap = np.where(cap + second > both, np.minimum(cap, np.maximum(both - second, both / 2)), cap)
        # One that has exactly what the rule forbids is lowered, too.
        cap = np.where(self.dominated(cell, (shown,), cells), _BELOW * cap, np.inf)[cell]
        return shares * np.divide(np.minimum(shown, cap), shown, out=np.ones_like(shown), where=shown > 0)


def _two_largest(cell: np.ndarray, amount: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest and the second largest amount of each cell, 0 where there is none, and their total."""
    order = np.lexsort([-amount, cell])
    sorted_cell, sorted_amount = cell[order], amount[order]
    begin = np.searchsorted(sorted_cell, np.arange(cells))
    size = np.bincount(sorted_cell, minlength=cells)
    padded = np.append(sorted_amount, [0.0, 0.0])
    first = np.where(size > 0, padded[begin], 0.0)
    second = np.where(size > 1, padded[np.minimum(begin + 1, len(padded) - 1)], 0.0)
    return first, second, np.bincount(sorted_cell, sorted_amount, cells)
