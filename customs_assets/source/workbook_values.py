"""What a workbook's cells are: days, percentages, plain numbers, and the letters of their columns.

What belongs here is arithmetic of Excel's own. Where the numbers stand in a file is for ``workbook`` to know.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import NamedTuple

# Number formats that are dates without being spelled out in a workbook (ECMA-376, part 1, 18.8.30, and those of East Asia).
DATE_FORMATS = frozenset([14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)])
PERCENT_FORMATS = frozenset([9, 10])
# What a format shows as it stands: quoted and escaped text, and what is in brackets.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
# Day 60 of the calendar of 1900 is a 29 February that there was not.
_NEVER = 60
_LAST_DAY = 2_958_465
_EXACT_DIGITS = 15


class CellKind(Enum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    DATE = "date"
    TRUTH = "truth"
    ERROR = "error"
    UNCALCULATED = "uncalculated"


class Cell(NamedTuple):
    """A cell that is not empty.

    Attributes:
        column: its column, from 0.
        kind: what it holds.
        text: its value: a date as ISO 8601, a number with a decimal point (a percentage as the share that is saved).
    """

    column: int
    kind: CellKind
    text: str


def shown_by(code: str) -> CellKind:
    """What a number format shows: a date where it has a day or a year (or a month without hours)."""
    plain = _LITERAL.sub("", code.partition(";")[0]).casefold()
    if plain in ("general", "@") or "e+" in plain or "e-" in plain:
        return CellKind.NUMBER
    if re.search("[dyge]|年|월|년", plain) or ("m" in plain and not re.search("[hs]", plain)):
        return CellKind.DATE
    return CellKind.PERCENT if "%" in plain else CellKind.NUMBER


@cache
def column_number(letters: str) -> int:
    """A column's number, from 0, by its letters."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def column_letters(number: int) -> str:
    """The letters of a column by its number, from 0."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def plain_number(text: str) -> str:
    """A number without what binary fractions add to it: ``0.10000000000000001`` is ``0.1``, ``901210000.0`` is ``901210000``."""
    if text.isascii() and text.isdigit() and len(text) <= _EXACT_DIGITS:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 10**_EXACT_DIGITS else repr(number)


def date_of_serial(text: str, from_1904: bool) -> str | None:
    """The day (and the time, where there is one) of a number of days, as ISO 8601; None where it is none.

    Args:
        text: the number: days since 1899-12-31, with the 29 February 1900 that there was not, or since 1904-01-01.
        from_1904: which of the two.
    """
    try:
        days = float(text)
    except ValueError:
        return None
    if not 0 <= days < _LAST_DAY:
        return None
    first = date(1904, 1, 1) if from_1904 else date(1899, 12, 30) if days >= _NEVER else date(1899, 12, 31)
    moment = datetime(first.year, first.month, first.day) + timedelta(seconds=round(days * 86400))
    return (
        moment.date().isoformat() if moment == datetime(moment.year, moment.month, moment.day) else moment.isoformat()
    )
