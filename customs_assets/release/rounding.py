"""How numbers are told that leave the house: the card, the data package, signed records and the page that may be published.

The rule:

1. A count is told to the next multiple of a base. The base is 10, or the next of 20, 50, 100 … that is at least twice ``k``. So a
   count that is told stands for at least ``k``; any smaller one is "under" the base. Nothing is told between the multiples, so
   that no two figures can be subtracted to a single trader.
2. A share or score is told in steps of 0.01. The step is wider, up to 0.1, where ``k`` of the importers (or of the rows that the
   share is of) would move it by more than a step. Where even 0.1 is too fine, the share is not told.
3. A score that hangs on single amounts is told more coarsely still (``fidelity.table_two.as_published``).
4. A goal that was set beforehand is told as it is. A goal that was measured is told as a measure.

Figures that are told with every digit can be solved for the rows that they are computed from (Ganev and De Cristofaro, *On the
Inadequacy of Similarity-based Privacy Metrics: Reconstruction Attacks against "Truly Anonymous Synthetic Data"*, 2023). What
belongs here is arithmetic; which figures may leave at all stands in ``report/outside.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from customs_assets.claims import Claim
from customs_assets.fidelity.table_two import COARSE_DECIMALS, as_published

# In hundredths, so that no step is told with a digit too many.
_STEPS = (1, 2, 5, 10)
_BASES = tuple(mantissa * 10**exponent for exponent in range(1, 10) for mantissa in (1, 2, 5))

_NOT_TOLD = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Rounding:
    """How the numbers of one release are told.

    Attributes:
        min_group: ``k``.
        units: the importers of the source that shares rest on.
    """

    min_group: int
    units: int

    @property
    def base(self) -> int:
        """What counts are multiples of."""
        return next(base for base in _BASES if base >= 2 * self.min_group)

    def step(self, rows: int | None = None) -> float | None:
        """The step of a share, or None where it may not be told.

        Args:
            rows: how many rows the share is of, where that is fewer than there are importers.
        """
        behind = self.units if rows is None else min(self.units, rows)
        return next((step / 100 for step in _STEPS if self.min_group * 100 <= step * behind), None)

    def count(self, count: int) -> int | None:
        """A count to the next multiple of the base; None where it is above 0 and too small to be told."""
        told = (2 * count + self.base) // (2 * self.base) * self.base
        return told if told or not count else None

    def share(self, value: float | None, rows: int | None = None, up: bool = False) -> float | None:
        """A share, score or ratio to the next multiple of the step; None where there is none, or it may not be told.

        Args:
            value: the share.
            rows: as :meth:`step`.
            up: whether it is a bound, which is rounded up.
        """
        step = self.step(rows)
        if value is None or step is None or not math.isfinite(value):
            return None
        steps = math.ceil(value / step - 1e-9) if up else math.floor(value / step + 0.5)
        return round(steps * step, 2)

    def score(self, metric: str, value: float) -> float | None:
        """A score of Table 2; one that hangs on single amounts is rounded down, so that it reaches no goal by rounding."""
        step = self.step()
        if metric not in COARSE_DECIMALS or step is None or math.isnan(value):
            return self.share(value)
        return round(math.floor(as_published(metric, value) / step + 1e-9) * step, 2)

    def number(self, value: float | None) -> float | None:
        """A measure of a claim: integers are counts, all others shares."""
        return self.count(value) if isinstance(value, int) and not isinstance(value, bool) else self.share(value)

    def goal(self, goal: float | None, claim: Claim) -> float | None:
        """An end of a claim's goal: as it is, where it was set beforehand; as a measure, where it was measured.

        It was measured where the claim says so, and where it is what half the source, or independent columns, score. Nobody sets
        a goal to four decimals.
        """
        is_measured = claim.goal_is_measured or goal in (claim.ceiling, claim.floor)
        if goal is None or (not claim.goal_is_measured and goal in (0, 1)):
            return goal
        if not is_measured and round(goal, 3) == goal:
            return goal
        return self.number(goal)

    def claim(self, claim: Claim) -> Claim:
        """A claim as it is told: its numbers rounded, without bounds and without its note, which has counts of as few as one."""

        def told(value: float | None) -> float:
            return math.nan if value is None else value

        return replace(
            claim,
            measured=told(self.number(claim.measured)),
            ceiling=told(self.number(claim.ceiling)),
            floor=told(self.number(claim.floor)),
            at_least=self.goal(claim.at_least, claim),
            at_most=self.goal(claim.at_most, claim),
            limit=claim.limit,
            lower_bound=math.nan,
            note="",
        )

    def text(self, value: float | None) -> str:
        """A measure as text: two decimals, a whole number, ``< 10`` where a count is too small, a dash where there is none."""
        told = self.number(value)
        if told is None:
            is_small = isinstance(value, int)
            return f"< {self.base}" if is_small else _NOT_TOLD
        return str(told) if isinstance(told, int) else f"{told:.2f}"

    def score_text(self, metric: str, value: float) -> str:
        """A score of Table 2 as text."""
        told = self.score(metric, value)
        return _NOT_TOLD if told is None else f"{told:.2f}"

    def count_text(self, count: int) -> str:
        """A count in words' company: ``54,100``, or ``fewer than 10``."""
        told = self.count(count)
        return f"fewer than {self.base}" if told is None else f"{told:,}"

    def percent(self, share: float, rows: int | None = None) -> str:
        """A share in percent; one that is rounded to nothing or to all is told by the step: ``less than 1%``."""
        told, step = self.share(share, rows), self.step(rows)
        if told is None or step is None:
            return "a share that is not told"
        if told <= 0:
            return f"less than {step:.0%}"
        return f"more than {1 - step:.0%}" if told >= 1 else f"{told:.0%}"
