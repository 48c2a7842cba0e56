"""The verdict on a month: which measures are as before, which are told, which go on at a level that was told before.

A month that is told does not become history, so that a fault does not hide the next one. Where the month after it is like it,
that is a new level: it was told when it began, and history begins there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from customs_assets.drift.history import LEAST_HISTORY, Bounds
from customs_assets.drift.measures import MEASURES, Measure
from customs_assets.drift.month_counts import MonthCounts, Months

# How many months before a month it is compared with: enough for the same month of the year before, and its neighbours.
MONTHS_BEFORE = 24


class Standing(StrEnum):
    """How a measure of a month stands with its history."""

    AS_BEFORE = "as before"
    TOLD = "told"
    NEW_LEVEL = "new level"
    NO_HISTORY = "no history"


@dataclass(frozen=True)
class Finding:
    """One measure of a month.

    Attributes:
        measure: its key.
        title: its name in a sentence.
        standing: how it stands with its history.
        value: the month's value.
        expected: what the months before let expect; None where there are too few.
        low: the lowest usual value, if there is one.
        high: the highest usual value, if there is one.
        hint: what may lie behind it, a sentence; often empty.
    """

    measure: str
    title: str
    standing: Standing
    value: float
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    hint: str = ""


@dataclass
class _History:
    """What one measure has seen so far."""

    accepted: list[int] = field(default_factory=list)
    told_at: int | None = None
    least: int = LEAST_HISTORY


def verdict(counts: Sequence[MonthCounts]) -> dict[str, Any]:
    """The document of the last of some months.

    Args:
        counts: the months in order; the last one is judged. Those before are judged on the way: what was told of them is no
        history.

    Returns:
        ``month``, ``months_before`` (their number), and ``measures``: the fields of each :class:`Finding`.
    """
    findings = findings_of(counts)[-1]
    return {
        "month": counts[-1].month,
        "months_before": len(counts) - 1,
        "measures": [asdict(finding) for finding in findings],
    }


def findings_of(counts: Sequence[MonthCounts]) -> list[list[Finding]]:
    """The findings of each of some months, judged by those before it."""
    months = Months(counts)
    found: list[list[Finding]] = [[] for _ in counts]
    for measure in MEASURES:
        history = _History()
        for at in range(len(months)):
            if finding := _judged(measure, months, at, history):
                found[at].append(finding)
    return found


def _judged(measure: Measure, months: Months, at: int, history: _History) -> Finding | None:
    before = history.accepted[-MONTHS_BEFORE:]
    compared = measure.compared(months, at, before) if before else measure.compared(months, at, [at])
    if compared is None:
        return None
    if len(before) < history.least:
        history.accepted.append(at)
        return Finding(measure.key, measure.title, Standing.NO_HISTORY, _plain(compared.value))
    standing = Standing.AS_BEFORE
    if compared.is_outside:
        standing = Standing.NEW_LEVEL if _goes_on(measure, months, at, history) else Standing.TOLD
    if standing is Standing.TOLD:
        history.told_at = at
    elif standing is Standing.NEW_LEVEL and history.told_at is not None:
        # The level before is over: what comes is compared with this one.
        history.accepted, history.told_at, history.least = [history.told_at, at], None, 1
    else:
        history.accepted.append(at)
    return _finding(measure, standing, compared)


def _goes_on(measure: Measure, months: Months, at: int, history: _History) -> bool:
    """Whether a month is like the one before it, which was told."""
    earlier = history.told_at
    if earlier is None or not months.follows(at, earlier):
        return False
    compared = measure.compared(months, at, [earlier])
    return compared is not None and not compared.is_outside


def _finding(measure: Measure, standing: Standing, compared: Bounds) -> Finding:
    low, high = (None if end is None else _plain(end) for end in (compared.low, compared.high))
    hint = hint_of(measure.key, compared) if standing is Standing.TOLD else ""
    value, expected = _plain(compared.value), _plain(compared.expected)
    return Finding(measure.key, measure.title, standing, value, expected, low, high, hint)


def _plain(value: float) -> float:
    """A number as a document has it: ten digits tell every value apart and are the same on every machine."""
    return float(f"{value:.10g}")


def hint_of(measure: str, compared: Bounds) -> str:
    """What may lie behind a value outside its bounds. No value is repeated: alerts leave the administration."""
    if measure.startswith(("median of ", "price_per_kilogram")) and compared.value > 0 and compared.expected > 0:
        power = np.log10(compared.value / compared.expected)
        if abs(power) >= 1.5 and abs(power - round(power)) <= 0.25:
            return (
                f"about {10 ** abs(round(power)):,} times too {'high' if power > 0 else 'low'}: is it in another unit?"
            )
    for start, hint in _HINTS.items():
        if measure.startswith(start):
            return hint
    return ""


_HINTS = {
    "volume": "is the file whole, and was it delivered once?",
    "set aside": "the quarantine names the reasons",
    "inspected": "have the results of inspections been delivered?",
    "rate of ": "are labels coded as before?",
    "days without rows": "is a part of the month missing?",
    "first half": "is a part of the month missing?",
    "largest day": "do the dates say when a declaration was made?",
    "fallen away of office_id": "has an office delivered nothing?",
    "fallen away of ": "has a code another name now, or was something left out?",
    "new ": "is there a new code list, or stands another column there?",
    "rows of an earlier month": "was a month delivered twice?",
    "rows a ": "stands another column there?",
    "largest ": "is one name written where none is known?",
    "without ": "is a column empty?",
}
