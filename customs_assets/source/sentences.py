"""What is said of a row that breaks rules: the first rule in a sentence with the value, the others by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from customs_assets.forms import Form
from customs_assets.forms.form import AMOUNT_RECOVERED
from customs_assets.source.dates import ISO, has_zone
from customs_assets.source.quarantine import Reason, excerpt

if TYPE_CHECKING:
    from customs_assets.source.rules import Finding

_COMMA_NUMBER = re.compile(r"[+-]?\d{1,3}([. ']?\d{3})*,\d+", re.ASCII)
_POINT_NUMBER = re.compile(r"[+-]?\d{1,3}([, ']?\d{3})*\.\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?P<mark>[,. '])\d{3}((?P=mark)\d{3})*", re.ASCII)
_EXPONENT = re.compile(r"\d(\.\d+)?[eE]\+?\d+", re.ASCII)

_SENTENCES = {
    Reason.CONTROL_CHARACTERS: "holds control characters: {value}",
    Reason.TEXT_TOO_LONG: "is longer than {longest} characters: {value}",
    Reason.MISSING_VALUE: "is missing",
    Reason.NO_VALUE_OF_FORMULA: "is {value}, the error of a spreadsheet's formula",
    Reason.DATE_OUTSIDE_MONTH: "is {value}, which is not in {month}, the month that the row is read for",
    Reason.MALFORMED_CODE: "is {value}, which has not the form of its codes",
    Reason.UNKNOWN_CODE: "is {value}, which is not in the list of its codes",
    Reason.NEGATIVE_NUMBER: "is {value}, which is negative",
    Reason.NUMBER_OUT_OF_RANGE: "is {value}, which is not finite or beyond its largest lawful value",
    Reason.UNKNOWN_LABEL: "is {value}, which is no label",
    Reason.INCOMPLETE_LABELS: "is missing although the other label is given",
    Reason.INCONSISTENT_LABELS: "is {value}, which contradicts the other label",
}


def detail(findings: list[Finding], row: pa.Table, month: str, form: Form, longest: int) -> str:
    """The sentence about a row that breaks rules: the first finding in full, the others by name.

    Args:
        findings: the rules that the row breaks, one at least.
        row: its cells as they were read.
        month: the month that it is read for.
        form: the form.
        longest: the most characters of a cell.
    """
    first = findings[0]
    is_amount = first.column == "fraud" and "fraud" not in row.column_names
    cell = row.column(AMOUNT_RECOVERED if is_amount else first.column)[0].as_py()
    said = _special(first.reason, cell, form) or _SENTENCES[first.reason]
    sentence = f"{first.column} {said.format(value=excerpt(cell), month=month, longest=longest)}"
    others = [f"{finding.column}: {finding.reason}" for finding in findings[1:]]
    return f"{sentence}; also {', '.join(others)}" if others else sentence


def _special(reason: Reason, cell: str, form: Form) -> str:
    """A sentence that depends on the form."""
    if reason is Reason.MALFORMED_DATE:
        return date_problem(cell, form)
    if reason is Reason.MALFORMED_HS_CODE:
        if _EXPONENT.fullmatch(cell):
            return "is {value}, a code that a spreadsheet made a number with an exponent: its digits are lost"
        *less, most = form.hs_digits
        return f"is {{value}}, which is no HS code of {', '.join(map(str, less))}{' or ' if less else ''}{most} digits"
    if reason is Reason.RESERVED_CHAPTER:
        digits = re.sub(r"\D", "", cell)
        return (
            f"is {{value}}, of chapter {digits[:2]}, which the Harmonized System keeps free or leaves to each country"
        )
    if reason is Reason.TEXT_IN_NUMBER:
        return f"is {{value}}, which is no number{_advice(cell.strip(), form)}"
    return ""


def date_problem(cell: str, form: Form) -> str:
    """Why a cell is no date, with a place for its value."""
    if has_zone(cell):
        return "is {value}, a time with a zone; name the zone of the office in the form (zone)"
    ways = "YYYY-MM-DD" if form.dates == (ISO,) else " or ".join(form.dates)
    return f"is {{value}}, which is no date of the form {ways}"


def _advice(cell: str, form: Form) -> str:
    """Which marks of the form would make a cell a number."""
    if form.decimal == "." and _COMMA_NUMBER.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        return "; where commas are decimal marks, say so in the form (decimal = ',')"
    if form.decimal == "," and _POINT_NUMBER.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        return " by the form, which has decimal commas (decimal = ',')"
    if match := _GROUPED.fullmatch(cell):
        return f"; where {match['mark']!r} stands between thousands, say so in the form (thousands)"
    return ""
