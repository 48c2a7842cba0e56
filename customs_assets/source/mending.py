"""Cells that say the right thing in another way: what they are read as, so that a good row is not lost.

Words for nothing (``NULL``, ``nan``, ``\\N``) are empty. A code that a spreadsheet or a database made a number of gets its
zeros back; a product code with points, or with more digits than the form has, is cut to the form's. Own country codes become
ISO 3166 in two letters. Nothing is mended in silence: every change is counted, with an example.

What belongs here changes cells. Whether a cell is good is for ``rules`` to judge, after it was mended.
"""

# A type checker does not see the functions of pyarrow.compute, which are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets import forms
from customs_assets.attributes import Attribute, Kind
from customs_assets.forms import Form
from customs_assets.forms.form import UNNAMED, fixed_digits

NOTHING = "a word for nothing, read as empty"
FORMULA = "a spreadsheet's formula or mark of a text, read as its text"
BLANKS = "blanks around a code, cut"
AS_NUMBER = "a code written as a number, read as its digits"
POINTS = "a product code with points or blanks, read without them"
ZEROS = "leading zeros that were lost, put back"
CUT = "a product code of more digits than the form has, cut"
REMARK = "control characters or more text than a cell can have, cut in a column that nobody uses"
TRANSLATED = "a code of the office, read as the one that it stands for"
CAPITALS = "small letters of a code, read as capitals"

_FORMULA = re.compile(r"""="([^"]*)"|'([^']*)""")
_AS_NUMBER = re.compile(r"(\d+)\.0*", re.ASCII)
_POINTS = re.compile(r"\d{2,4}(?:[. ]\d{1,4})+", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_TO_MEND = r"""\A(\d+\.0*|="[^"]*"|'[^']*|\s.*|.*\s)\z"""


class Mend(NamedTuple):
    """What was mended in a column: in how many rows, and the first cell before and after (of names and keys, dots)."""

    column: str
    what: str
    rows: int
    before: str
    after: str


@dataclass
class Mends:
    """All that was mended so far, by column and kind."""

    counted: dict[tuple[str, str], Mend] = field(default_factory=dict)

    def add(self, column: str, what: str, rows: int, before: str, after: str) -> None:
        """Count some rows."""
        earlier = self.counted.get((column, what), Mend(column, what, 0, before, after))
        self.counted[column, what] = earlier._replace(rows=earlier.rows + rows)

    def sentences(self) -> list[str]:
        """One line for each column and kind, the most frequent first."""
        found = sorted(self.counted.values(), key=lambda mend: (-mend.rows, mend.column, mend.what))
        return [
            f"{mend.column}: {mend.what} ({mend.rows:,} rows; {mend.before!r} is {mend.after!r})"
            if mend.what != NOTHING
            else f"{mend.column}: {mend.what} ({mend.rows:,} rows; {mend.before!r})"
            for mend in found
        ]


@cache
def _words(form: Form, attribute: Attribute) -> tuple[str, ...]:
    """The words for nothing in a column, in the spellings that programs write."""
    words = [*form.empty, *(form.not_inspected if attribute.kind not in (Kind.CODE, Kind.KEY) else ())]
    spelled = {way(word) for word in words for way in (str, str.lower, str.upper, str.capitalize)}
    return tuple(sorted(spelled - (attribute.values or frozenset())))


def without_words(text: pa.ChunkedArray, attribute: Attribute, form: Form, mends: Mends) -> pa.ChunkedArray:
    """A column in which the words for nothing are empty."""
    # A column of fixed width has blanks behind its words.
    is_word = pc.is_in(pc.ascii_trim_whitespace(text), value_set=pa.array(_words(form, attribute), pa.string()))
    rows = pc.sum(is_word).as_py() or 0
    if not rows:
        return text
    mends.add(attribute.name, NOTHING, rows, text.filter(is_word)[0].as_py(), "")
    return pc.if_else(is_word, "", text)


def mended_text(text: pa.ChunkedArray, attribute: Attribute, form: Form, mends: Mends) -> pa.ChunkedArray:
    """A column of codes, keys or names after mending."""
    if attribute.kind is not Kind.CODE and not pc.any(pc.match_substring_regex(text, _TO_MEND)).as_py():
        return text
    mend = _mending(form, attribute)
    distinct = text.combine_chunks().dictionary_encode()
    before = distinct.dictionary.to_pylist()
    after = [mend(value) for value in before]
    changed = [place for place, (_, whats) in enumerate(after) if whats]
    if not changed:
        return text
    rows = np.bincount(distinct.indices.to_numpy(), minlength=len(before))
    for place in changed:
        value, whats = after[place]
        for what in whats:
            # Names and keys are repeated in no log.
            shown = (before[place], value) if attribute.kind is Kind.CODE else ("…", "…")
            mends.add(attribute.name, what, int(rows[place]), *shown)
    return pa.chunked_array([pa.array([value for value, _ in after], pa.string()).take(distinct.indices)])


Mending = Callable[[str], tuple[str, tuple[str, ...]]]


@cache
def _mending(form: Form, attribute: Attribute) -> Mending:
    """What a distinct cell of a column is read as, and which kinds of mending that took."""
    column = form.column(attribute.name)
    is_country = attribute.values is not None and attribute.values >= {"KR", "ZZ"}
    countries = country_codes(form.countries) if is_country else {}
    codes = countries | {own: meant for own, meant in column.codes.items() if meant != UNNAMED}
    digits = fixed_digits(attribute)
    listed = frozenset(codes) | (attribute.values or frozenset())
    is_digits = attribute.kind is not Kind.CODE or digits is not None or r"\d" in (attribute.pattern or "")

    def mend(value: str) -> tuple[str, tuple[str, ...]]:
        whats: list[str] = []
        if attribute.kind is not Kind.IDENTITY and value != value.strip() and value.strip():
            value = value.strip()
            whats.append(BLANKS)
        match = _FORMULA.fullmatch(value)
        # A name may begin with an apostrophe.
        if match and (match[1] is not None or attribute.kind is not Kind.IDENTITY):
            value = match[1] if match[1] is not None else match[2]
            whats.append(FORMULA)
        if is_digits and (match := _AS_NUMBER.fullmatch(value)):
            value = match[1]
            whats.append(AS_NUMBER)
        if value not in listed and value.upper() in listed:
            value = value.upper()
            whats.append(CAPITALS)
        if codes and (meant := codes.get(value.strip(), codes.get(value.strip().zfill(3)))) not in (None, value):
            return str(meant), (*whats, TRANSLATED)
        if attribute.name == "hs10_code":
            return _product_code(value, form.hs_digits, whats)
        if digits and len(value) < digits and _DIGITS.fullmatch(value):
            value = value.zfill(digits)
            whats.append(ZEROS)
        return value, tuple(whats)

    return mend


def _product_code(value: str, lengths: tuple[int, ...], whats: list[str]) -> tuple[str, tuple[str, ...]]:
    """A product code of one of some lengths, where its digits tell which.

    A code has an even number of digits in the chapters, headings and most national tariffs. So one with a digit too few
    for a length of the form, or with an odd number, has lost its zero (no chapter begins with two).
    """
    if _POINTS.fullmatch(value):
        value = re.sub(r"[. ]", "", value)
        whats.append(POINTS)
    if not _DIGITS.fullmatch(value) or len(value) in lengths or not 5 <= len(value) <= 12:
        return value, tuple(whats)
    if not value.startswith("0") and (len(value) + 1 in lengths or len(value) % 2):
        value = f"0{value}"
        whats.append(ZEROS)
    shorter = [length for length in lengths if length < len(value)]
    if len(value) not in lengths and shorter:
        value = value[: max(shorter)]
        whats.append(CUT)
    return value, tuple(whats)


@cache
def country_codes(way: str) -> dict[str, str]:
    """The country codes of one way (``iso3``, ``numeric``) with those in two letters; nothing of ``iso2``, which are these."""
    if way == "iso2":
        return {}
    path = Path(forms.__file__).with_name("countries.csv")
    with path.open(encoding="ascii", newline="") as stream:
        return {row[way]: row["iso2"] for row in csv.DictReader(stream)}


def plain_numbers(text: pa.ChunkedArray, form: Form) -> pa.ChunkedArray:
    """Numbers with the form's marks as numbers with a decimal point and nothing else.

    A cell that has not the form's marks becomes one that is no number: ``1.234`` must not be read as 1.234 where the point
    stands between thousands.
    """
    if form.decimal == "." and not form.thousands:
        return text
    trimmed = pc.utf8_trim_whitespace(text)
    is_number = pc.match_substring_regex(trimmed, rf"\A{_number(form.decimal, form.thousands)}\z")
    plain = pc.replace_substring(trimmed, form.thousands, "") if form.thousands else trimmed
    plain = pc.replace_substring(plain, form.decimal, ".")
    strange = pc.binary_join_element_wise(trimmed, "", "?")
    is_blank = pc.equal(trimmed, "")
    return pc.if_else(is_blank, "", pc.if_else(is_number, plain, strange))


def _number(decimal: str, thousands: str) -> str:
    """The pattern of a number with some marks."""
    mark, groups = re.escape(decimal), re.escape(thousands)
    grouped = rf"\d{{1,3}}({groups}\d{{3}})+|" if thousands else ""
    return rf"[+-]?({grouped}\d+)?({mark}\d*)?([eE][+-]?\d+)?"


def marked_numbers(decimal: str, thousands: str) -> Callable[[str], bool]:
    """Whether a cell is a number with some marks."""
    pattern = re.compile(_number(decimal, thousands), re.ASCII)
    return lambda cell: bool(pattern.fullmatch(cell.strip())) and any(c.isdigit() for c in cell)


def labels_of_amounts(text: pa.ChunkedArray, form: Form) -> pa.ChunkedArray:
    """Labels that amounts recovered stand for: 1 above 0, 0 at 0, empty where there is none; any other cell as it is."""
    plain = plain_numbers(text, form).combine_chunks().dictionary_encode()

    def label(value: str) -> str:
        try:
            amount = float(value) if value.strip() else None
        except ValueError:
            return value
        return "" if amount is None or math.isnan(amount) else value if amount < 0 else str(int(amount > 0))

    return pa.chunked_array([pa.array(map(label, plain.dictionary.to_pylist()), pa.string()).take(plain.indices)])


def merged(mends: Iterable[Mend]) -> Mends:
    """Some mends in one account."""
    account = Mends()
    for mend in mends:
        account.add(*mend)
    return account
