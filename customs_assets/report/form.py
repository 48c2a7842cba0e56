"""A form of the evidence page: its language, and whether it stays inside or leaves the house.

What belongs here turns numbers into text as the form tells them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from customs_assets.claims import Claim, number
from customs_assets.fidelity.table_two import score_text
from customs_assets.release.rounding import Rounding
from customs_assets.report.outside import PARTS
from customs_assets.report.wording import Words


@dataclass(frozen=True)
class Form:
    """How a page tells what it has.

    Attributes:
        words: those of its language.
        min_group: ``k``.
        rounding: how the outside form rounds; None for the inside form, which tells every number.
    """

    words: Words
    min_group: int
    rounding: Rounding | None = None

    def has(self, part: str) -> bool:
        """Whether the form has a part of ``outside.PARTS``."""
        return self.rounding is None or PARTS[part].leaves

    def number(self, value: float | None) -> str:
        """A measure: a share or a count."""
        if value is None:
            return number(math.nan)
        told = number(value) if self.rounding is None else self.rounding.text(value)
        return self.words.digits(told)

    def share(self, value: float | None, rows: int) -> str:
        """A share of some rows."""
        if self.rounding is None or value is None:
            return self.number(value)
        told = self.rounding.share(value, rows)
        return number(math.nan) if told is None else self.words.digits(f"{told:.2f}")

    def count(self, count: int) -> str:
        """A count in a sentence."""
        told = count if self.rounding is None else self.rounding.count(count)
        return f"< {self.rounding.base}" if told is None and self.rounding else self.words.count(told or 0)

    def of_a_hundred(self, share: float, up: bool = False) -> str:
        """How many of a hundred a share is; a bound is rounded up."""
        if self.rounding is None:
            return self.words.digits(f"{math.ceil(1000 * share - 1e-6) / 10 if up else 100 * share:.1f}")
        told = self.rounding.share(share, up=up)
        return number(math.nan) if told is None else f"{100 * told:.0f}"

    def percent(self, share: float) -> str:
        """A share in percent, ``12.3%``."""
        told = self.of_a_hundred(share)
        return told if told == number(math.nan) else self.words("form.percent", n=told)

    def score(self, metric: str, value: float) -> str:
        """A score of Table 2."""
        return self.words.digits(
            score_text(metric, value) if self.rounding is None else self.rounding.score_text(metric, value)
        )

    def goal(self, claim: Claim) -> str:
        """A claim's goal in signs."""
        claim = claim if self.rounding is None else self.rounding.claim(claim)
        if claim.at_least is not None and claim.at_most is not None and claim.at_least != claim.at_most:
            ends = (self.words.digits(f"{end:g}") for end in (claim.at_least, claim.at_most))
            return self.words("form.to", **dict(zip(("low", "high"), ends, strict=True)))
        return self.words.digits(claim.goal)
