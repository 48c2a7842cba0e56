"""Dates: the day that a cell says, by the form.

A day may have a time after it, which is cut. A time with a zone counts for the day in the zone of the office; where the form
names none, it is no date, because the day is not known.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from customs_assets.forms import Form

ISO = "%Y-%m-%d"

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII | re.IGNORECASE
)
_TIME = re.compile(r"[T ]\d\d?:\d\d(:\d\d(\.\d{1,9})?)?( ?[AP]M)?$", re.ASCII | re.IGNORECASE)


def parse_date(text: str, form: Form) -> date | None:
    """The day of a cell such as ``2020-01-05`` or ``2020-01-05 13:20:00``, or in a form's own way; None where it is no date."""
    text = text.strip()
    if match := _ISO.fullmatch(text):
        day, time, offset = match.groups()
        try:
            return _local_day(day, time, offset, form.zone) if offset else date.fromisoformat(day)
        except ValueError:
            return None
    for way in form.dates if form.dates != (ISO,) else ():
        for written in dict.fromkeys((text, _TIME.sub("", text))):
            try:
                return datetime.strptime(written, way).date()
            except ValueError:
                continue
    return None


def has_zone(text: str) -> bool:
    """Whether a cell is a time with a zone."""
    match = _ISO.fullmatch(text.strip())
    return bool(match and match[3])


def _local_day(day: str, time: str, offset: str, zone: str | None) -> date | None:
    """The day in the zone of the office; None where that is not known."""
    if zone is None:
        return None
    hours = offset.upper().replace("Z", "+00:00")
    whole = re.sub(r"(\.\d{6})\d+$", r"\1", time)
    moment = datetime.fromisoformat(f"{day}T{whole}{hours}")
    return moment.astimezone(_zone(zone)).date()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def parse_dates(text: pa.ChunkedArray, form: Form) -> np.ndarray:
    """The days of a column of text, as ``datetime64[D]``; NaT where a cell is no date."""
    distinct = text.combine_chunks().dictionary_encode()
    days = np.array([parse_date(value, form) for value in distinct.dictionary.to_pylist()], dtype="datetime64[D]")
    return days[distinct.indices.to_numpy()]
