"""A claim: one thing that is promised of the synthetic declarations, its measure, ceiling, floor, goal and verdict.

A number never stands without what it is compared with: the ceiling is what a fresh honest sample of the truth scores (two halves
of the source against each other), the floor what a table of independent columns does. What belongs here is the form of a claim.
The claims themselves stand in ``fidelity/claims.py``, ``benchmark/claims.py`` and ``privacy/claims.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Subject(StrEnum):
    """What a claim is about."""

    FIDELITY = "similar"
    LAW = "lawful"
    UTILITY = "useful"
    PRIVACY = "private"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim and what was measured.

    Attributes:
        key: a name for machines, the metric's own where it has one.
        subject: what it is about.
        title: what is measured, for people.
        measured: on the synthetic rows; NaN where it was not or could not be measured.
        ceiling: the same of two halves of the source (or, of an attack, what guessing reaches); NaN where there is none.
        floor: the same of independent columns; NaN where there is none.
        at_least: the smallest value that holds; None where there is no lower bound.
        at_most: the largest value that holds; None where there is no upper bound.
        note: one sentence more, where the number needs it.
        surely: of a claim with an upper bound, what the truth is not below but by chance (the lower end of an interval); NaN
            where nothing is said.
        limit: past which nothing may be published, where that is further than the goal; None where it is the goal itself.
    """

    key: str
    subject: Subject
    title: str
    measured: float
    ceiling: float = math.nan
    floor: float = math.nan
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""
    surely: float = math.nan
    limit: float | None = None

    @property
    def blocks_above(self) -> float | None:
        """What the lower end of the interval must not exceed if anything is to be published; None without an upper bound."""
        return self.at_most if self.limit is None else self.limit

    @property
    def convicts(self) -> bool:
        """Whether more than chance speaks against publishing: even the lower end of the interval exceeds the limit."""
        return self.blocks_above is not None and self.surely > self.blocks_above

    @property
    def holds(self) -> bool | None:
        """Whether the claim holds; None where it has no goal, or was not measured.

        Privacy is another matter: what was promised of it and not measured does not hold, and ``note`` says why.
        """
        if self.at_least is None and self.blocks_above is None:
            return None
        if math.isnan(self.measured):
            return False if self.subject is Subject.PRIVACY else None
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.measured >= self.at_least
        below = self.at_most is None or self.measured <= self.at_most
        return above and below

    @property
    def goal(self) -> str:
        """The goal in signs: ``≥ 0.99``, ``≤ 0.05``, ``0.85 to 1.15``."""
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g}" if self.at_least == self.at_most else f"{self.at_least:g} to {self.at_most:g}"
        if self.at_least is not None:
            return f"≥ {self.at_least:.4g}"
        return "" if self.at_most is None else f"≤ {self.at_most:.4g}"


def as_json(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """One object per claim; a number that is not there is null. Goal and verdict stand beside the bounds, for readers."""
    rows = []
    for claim in claims:
        row = {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in asdict(claim).items()}
        rows.append({**row, "goal": claim.goal, "holds": claim.holds, "convicts": claim.convicts})
    return rows


def from_json(content: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """The claims that :func:`as_json` wrote."""
    numbers = ("measured", "ceiling", "floor", "surely")
    claims = []
    for row in content:
        fields = {name: value for name, value in row.items() if name not in ("goal", "holds", "convicts")}
        fields |= {name: math.nan if row[name] is None else row[name] for name in numbers}
        claims.append(Claim(**{**fields, "subject": Subject(row["subject"])}))
    return claims


def as_table(claims: Sequence[Claim]) -> str:
    """Claims as a Markdown table: measured, ceiling, floor, goal, verdict, and the note."""
    lines = [
        "| claim | measured | ceiling | floor | goal | verdict | note |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for claim in claims:
        numbers = [number(value) for value in (claim.measured, claim.ceiling, claim.floor)]
        verdict = {True: "holds", False: "FAILS", None: "–"}[claim.holds]
        lines.append(f"| {claim.title} | {' | '.join(numbers)} | {claim.goal} | {verdict} | {claim.note} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Four decimals for a share, none for a count, a dash for nothing."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if isinstance(value, int) else f"{value:.4f}"
