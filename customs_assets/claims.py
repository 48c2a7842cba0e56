"""A claim: one promise about the synthetic declarations, with what was measured, a goal and a verdict.

A number is read beside two others. The ceiling is what an honest sample of the truth scores: two halves of the source, compared.
The floor is what a table of independent columns scores. What belongs here is the form of a claim; the claims themselves are in
``claims.py`` of ``fidelity``, ``privacy`` and ``benchmark``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

# What JSON tells as null.
_MAYBE_NAN = ("measured", "ceiling", "floor", "lower_bound", "upper_bound")


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
        key: name for machines; the metric's own name where it has one.
        subject: what the claim is about.
        title: what is measured, for people.
        measured: on the synthetic rows; NaN where it could not be measured.
        ceiling: the same of two halves of the source (for an attack: what guessing reaches); NaN where there is none.
        floor: the same of independent columns; NaN where there is none.
        at_least: smallest value that reaches the goal; None without a lower bound.
        at_most: largest value that reaches the goal; None without an upper bound.
        note: one more sentence where the number needs it.
        lower_bound: lower end of the interval of ``measured``, for a claim with an upper bound; NaN where there is none.
        upper_bound: upper end of its interval at 95% confidence, for a claim of privacy with a limit; NaN where there is none.
        goal_is_measured: whether the goal was set by what was measured on this source. Then it tells of it, and is rounded as it.
        limit: value beyond which nothing may be published, where it is further out than the goal; None where it is ``at_most``.
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
    lower_bound: float = math.nan
    limit: float | None = None
    upper_bound: float = math.nan
    goal_is_measured: bool = False

    @property
    def blocks_above(self) -> float | None:
        """The lower bound must not exceed this if anything is to be published; None without an upper bound."""
        return self.at_most if self.limit is None else self.limit

    @property
    def blocks_release(self) -> bool:
        """Whether the limit is exceeded by more than chance: even the lower end of the interval lies above it."""
        return self.blocks_above is not None and self.lower_bound > self.blocks_above

    @property
    def excludes_limit(self) -> bool:
        """Whether the whole interval lies at or below the limit."""
        return self.blocks_above is not None and self.upper_bound <= self.blocks_above

    @property
    def is_too_wide(self) -> bool:
        """Whether the interval does not exclude the limit: nobody can tell on which side of it the release lies."""
        return self.blocks_above is not None and not self.excludes_limit

    @property
    def holds(self) -> bool | None:
        """Whether the goal is reached; None where there is no goal, or where nothing was measured.

        A privacy claim that was not measured does not hold; ``note`` says why it was not. Nor does one whose interval reaches
        over the limit: then nobody can tell.
        """
        if self.at_least is None and self.blocks_above is None:
            return None
        if math.isnan(self.measured):
            return False if self.subject is Subject.PRIVACY else None
        if self.subject is Subject.PRIVACY and self.blocks_above is not None and self.upper_bound > self.blocks_above:
            return False
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
    """One object for each claim: its attributes (NaN as null), ``goal``, ``holds`` and ``blocks_release``."""
    rows = []
    for claim in claims:
        row = {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in asdict(claim).items()}
        rows.append({**row, "goal": claim.goal, "holds": claim.holds, "blocks_release": claim.blocks_release})
    return rows


def from_json(content: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """The claims that :func:`as_json` wrote."""
    claims = []
    for row in content:
        values = {field.name: row.get(field.name, field.default) for field in fields(Claim)}
        numbers = {name: math.nan for name in _MAYBE_NAN if values[name] is None}
        claims.append(Claim(**{**values, **numbers, "subject": Subject(row["subject"])}))
    return claims


def as_table(claims: Sequence[Claim]) -> str:
    """Claims as a Markdown table: measured, ceiling, floor, goal, verdict, note."""
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
    """Four decimals for a share, none for a count, a dash for NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if isinstance(value, int) else f"{value:.4f}"
