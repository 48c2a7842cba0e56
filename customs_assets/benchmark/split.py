"""Which months train, which validate, which test: section 5.2 of the paper, and what becomes of it with fewer months.

What belongs here is the arithmetic of the chronological split and the choice of rows by it. There are two readings of the same
12 / 3 / 3 months; from 18 months on they are equal:

- :func:`release_split`, for the files of the release, fills the parts in order: 15 months give 12 / 3 / 0.
- :func:`split_months`, for the benchmark, always tests, and on the latest months: 15 months give 12 / 0 / 3.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from customs_assets.months import first_day

Part = Literal["train", "validation", "test"]

TRAIN_MONTHS = 12
HELD_OUT_MONTHS = 3
_ALL_MONTHS = TRAIN_MONTHS + 2 * HELD_OUT_MONTHS

# The share of the 18 months that is held out for validation, and again for test, is one in six.
_ONE_IN = _ALL_MONTHS // HELD_OUT_MONTHS


@dataclass(frozen=True, slots=True)
class ChronologicalSplit:
    """Three parts of a data set, one after the other in time; no period is in two of them.

    Attributes:
        train: months (``2020-01``), or days (``2020-01-05``) where a single month was split; in order.
        validation: the same; may be empty. No detector here looks at it: all run at fixed settings.
        test: the same; only a release of at most 15 months has none.
        note: one sentence that says what was done, and why where it is not the paper's split.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    note: str

    def rows(self, declarations: pd.DataFrame, part: Part) -> pd.DataFrame:
        """The declarations whose ``date`` falls in a part, in the order they came; the frame's index is kept."""
        periods: tuple[str, ...] = getattr(self, part)
        if not periods:
            return declarations.iloc[:0]
        frequency = "M" if _are_months(periods) else "D"
        dated = pd.to_datetime(declarations["date"]).dt.to_period(frequency)
        return declarations.loc[dated.isin(pd.PeriodIndex(periods, freq=frequency)).to_numpy()]


def split_months(months: Sequence[str]) -> ChronologicalSplit:
    """The benchmark's split: earliest months train, latest test, and there is always something to test on.

    - 18 months: 12 / 3 / 3, as the paper's.
    - more: the last 3 test, the 3 before them validate, all before those train.
    - 15 to 17: the first 12 train, the last 3 test, what lies between (0 to 2) validates.
    - 2 to 14: a sixth tests and a sixth validates, rounded down (but one month at least tests); the rest trains.
    - 1: the same shares of its days; the parts then hold days.

    Args:
        months: month names ``YYYY-MM`` in any order; repeated names count once.

    Raises:
        ValueError: there is no month, or a name is no month.
    """
    ordered = _ordered(months)
    count = len(ordered)
    if count >= _ALL_MONTHS:
        return _full_split(ordered)
    if count >= TRAIN_MONTHS + HELD_OUT_MONTHS:
        validation = count - TRAIN_MONTHS - HELD_OUT_MONTHS
        reason = f"{count} months instead of {_ALL_MONTHS} leave less to validate"
        return _cut(ordered, validation, HELD_OUT_MONTHS, reason)
    periods, reason = ordered, f"{count} months instead of {_ALL_MONTHS} are split in the same shares"
    if count == 1:
        first = first_day(ordered[0])
        days = calendar.monthrange(first.year, first.month)[1]
        periods = [f"{ordered[0]}-{day:02d}" for day in range(1, days + 1)]
        reason = f"1 month instead of {_ALL_MONTHS} is split by day in the same shares"
    held_out = len(periods) // _ONE_IN
    return _cut(periods, held_out, max(held_out, 1), reason)


def release_split(months: Sequence[str]) -> ChronologicalSplit:
    """The release's split: the first 12 months train, the next 3 validate, the next 3 test, or what there is of them.

    With more than 18 months it is the benchmark's.

    Args:
        months: month names ``YYYY-MM`` in any order; repeated names count once.

    Raises:
        ValueError: there is no month, or a name is no month.
    """
    ordered = _ordered(months)
    count = len(ordered)
    if count >= _ALL_MONTHS:
        return _full_split(ordered)
    validation = min(max(count - TRAIN_MONTHS, 0), HELD_OUT_MONTHS)
    test = max(count - TRAIN_MONTHS - HELD_OUT_MONTHS, 0)
    reason = f"{_counted(count, 'month')} instead of {_ALL_MONTHS} fill the files in order"
    return _cut(ordered, validation, test, reason)


def _ordered(months: Sequence[str]) -> list[str]:
    if not months:
        raise ValueError("there is no month to split; name at least one, for example 2020-01")
    for month in months:
        first_day(month)
    return sorted(set(months))


def _full_split(ordered: list[str]) -> ChronologicalSplit:
    reason = "as in section 5.2 of the paper"
    if len(ordered) > _ALL_MONTHS:
        reason = f"{len(ordered)} months instead of {_ALL_MONTHS} leave more to train on"
    return _cut(ordered, HELD_OUT_MONTHS, HELD_OUT_MONTHS, reason)


def _cut(periods: list[str], validation: int, test: int, reason: str) -> ChronologicalSplit:
    train_end, test_start = len(periods) - validation - test, len(periods) - test
    parts = tuple(periods[:train_end]), tuple(periods[train_end:test_start]), tuple(periods[test_start:])
    described = ", ".join(
        f"{name} {span(part)}" for name, part in zip(("train", "validation", "test"), parts, strict=True)
    )
    return ChronologicalSplit(*parts, note=f"Chronological split: {described} ({reason}).")


def span(periods: Sequence[str]) -> str:
    """A part in words: ``none``, ``2020-01`` or ``2020-01 to 2020-12 (12 months)``."""
    if not periods:
        return "none"
    if len(periods) == 1:
        return periods[0]
    unit = "month" if _are_months(periods) else "day"
    return f"{periods[0]} to {periods[-1]} ({_counted(len(periods), unit)})"


def _are_months(periods: Sequence[str]) -> bool:
    return len(periods[0]) == len("2020-01")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
