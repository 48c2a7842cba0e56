"""Months, as the pipeline names them: ``2020-01``. What belongs here is the arithmetic of month names, nothing else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from customs_assets.forms import form_in_force

if TYPE_CHECKING:
    import pandas as pd

# The first month of the pipeline is that of the form in force.
FIRST_MONTH = form_in_force().first_month
MONTH_FORMAT = "%Y-%m"


def first_day(month: str) -> date:
    """The first day of a month.

    Raises:
        ValueError: ``month`` is not of the form ``YYYY-MM``.
    """
    year, separator, number = month.partition("-")
    if not (separator and len(year) == 4 and len(number) == 2 and (year + number).isdigit()):
        raise ValueError(f"{month!r} is not a month; write it as YYYY-MM, for example {FIRST_MONTH}")
    try:
        return date(int(year), int(number), 1)
    except ValueError:
        raise ValueError(f"{month!r} is not a month; write it as YYYY-MM, for example {FIRST_MONTH}") from None


def next_month(month: str) -> str:
    """The month after ``month``."""
    day = first_day(month)
    year, number = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return f"{year:04d}-{number:02d}"


def month_range(text: str) -> list[str]:
    """The months of ``2020-01:2021-03`` (both ends included), ``2020-01``, or a comma-separated list of these.

    Raises:
        ValueError: a part is no month, lies before the first partition, or a range runs backwards.
    """
    found: set[str] = set()
    for part in text.split(","):
        start, separator, end = part.strip().partition(":")
        last = end if separator else start
        if first_day(last) < first_day(start):
            raise ValueError(f"the range {part.strip()!r} runs backwards; write the earlier month first")
        if first_day(start) < first_day(FIRST_MONTH):
            raise ValueError(f"{start!r} lies before {FIRST_MONTH}, the first month of the pipeline")
        month = start
        while month <= last:
            found.add(month)
            month = next_month(month)
    return sorted(found)


def previous_month(month: str) -> str:
    """The month before ``month``."""
    day = first_day(month)
    year, number = (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)
    return f"{year:04d}-{number:02d}"


def months_earlier(month: str, count: int) -> str:
    """The month that lies ``count`` months before ``month``."""
    day = first_day(month)
    year, number = divmod(12 * day.year + day.month - 1 - count, 12)
    return f"{year:04d}-{number + 1:02d}"


def why_left_out(month: str, today: date) -> str:
    """Why a month that a source has is not one of the pipeline's; empty where it is.

    Args:
        month: the month.
        today: the day; a month is one of the pipeline's once it has closed.
    """
    if month < FIRST_MONTH:
        return f"{month} lies before {FIRST_MONTH}, the first month of the form (first_month)"
    if month >= f"{today:%Y-%m}":
        return f"{month} has not closed yet"
    return ""


def due_month(today: date, due_day: int) -> str:
    """The latest month whose declarations should be at hand on a day.

    Args:
        today: the day.
        due_day: the day of the following month (1 to 28) on which a month is due.
    """
    closed = previous_month(f"{today:%Y-%m}")
    return closed if today.day >= due_day else previous_month(closed)


def months_of(dates: pd.Series) -> pd.Series:
    """The month of each date, as ``YYYY-MM``."""
    return dates.dt.strftime(MONTH_FORMAT)
