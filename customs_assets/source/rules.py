"""The rules of the form: which rows of a month break them, and which types the cells of the other rows get.

Every rule follows from :data:`customs_assets.declaration.ATTRIBUTES`. One pattern accepts most good cells of a column at once. Of
the other cells each distinct one is judged once. ``judging`` finds duplicates, because it sees all rows of a month.

Beside the published form the rules accept: a number with spaces around it, a sign or an exponent (``" 12 "``, ``1.5e3``); a date
with a time after it (which is cut); a label written as a number (``1.0``); a blank seller or courier (the empty string). A raw
identity is any text that is not blank. Codes are neither trimmed nor padded, and ``NA`` is Namibia.
"""

# A type checker does not see the functions of pyarrow.compute, which are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.declaration import ATTRIBUTES, BY_NAME, LABELS, Attribute, Kind, arrow_schema, consistent_labels
from customs_assets.source.quarantine import REASONS, Reason, excerpt

# The longest cell that can be a name, a code or a remark. A longer one is damage (a lost quote, a binary file).
MAXIMUM_CHARACTERS = 4096

# Cells up to this length are matched with a pattern. Longer cells are judged one by one.
_PLAIN_BYTES = 64
_PLAIN_NUMBER = r"\A\d{1,15}(\.\d{1,12})?\z"
_PLAIN_TEXT = r"\A[ -~]*\z"
_PLAIN_NAME = r"\A[ -~]*[!-~][ -~]*\z"

# Tabs and line breaks are legal in quoted text; other C0 and C1 controls and DEL are not text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?", re.ASCII)
_LABEL = re.compile(r"(\d)(\.0*)?", re.ASCII)

_FINE = -1
_RANK = {reason: rank for rank, reason in enumerate(REASONS)}

Verdict = Callable[[str], Reason | None]


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break: the reason, the column, and which rows (a boolean for each)."""

    reason: Reason
    column: str
    rows: np.ndarray


def parse_date(text: str) -> date | None:
    """The day of a cell such as ``2020-01-05`` or ``2020-01-05 13:20:00``; None where the cell is no date."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def parse_dates(text: pa.ChunkedArray) -> np.ndarray:
    """The days of a column of text, as ``datetime64[D]``; NaT where a cell is no date."""
    distinct = text.combine_chunks().dictionary_encode()
    days = np.array([parse_date(value) for value in distinct.dictionary.to_pylist()], dtype="datetime64[D]")
    return days[distinct.indices.to_numpy()]


def judge(cells: pa.Table, month: str) -> tuple[pa.Table, np.ndarray, list[Finding]]:
    """Judge the rows of a month (``YYYY-MM``): text columns without nulls, the 22 attributes in any order and further ones.

    Returns:
        The good rows, typed: the 22 attributes, then the further columns as text; a boolean for each row: whether it is good;
        and the broken rules, in the order of :class:`Reason` and then of the columns.
    """
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    findings: list[Finding] = []
    for attribute in ATTRIBUTES:
        text = cells.column(attribute.name)
        columns[attribute.name], verdicts = _JUDGES[attribute.kind](attribute, text)
        findings += _findings(attribute.name, verdicts)
    findings += _outside_month(columns["date"], month)
    findings += _label_findings(columns)
    further = [name for name in cells.column_names if name not in BY_NAME]
    for name in further:
        columns[name] = cells.column(name)
        findings += _findings(name, _verdicts(cells.column(name), _text_verdict, _PLAIN_TEXT))
    order = {name: position for position, name in enumerate(columns)}
    findings.sort(key=lambda finding: (_RANK[finding.reason], order[finding.column]))
    good = np.ones(cells.num_rows, dtype=bool)
    for finding in findings:
        good &= ~finding.rows
    schema = pa.schema([*arrow_schema(), *(pa.field(name, pa.string()) for name in further)])
    table = pa.table([columns[name] for name in schema.names], schema=schema)
    return table.filter(pa.array(good)), good, findings


def detail(findings: list[Finding], row: pa.Table, month: str) -> str:
    """The sentence about a row that breaks rules: the first finding in full, the others by name."""
    first = findings[0]
    value = excerpt(row.column(first.column)[0].as_py())
    sentence = f"{first.column} {_SENTENCES[first.reason].format(value=value, month=month)}"
    others = [f"{finding.column}: {finding.reason}" for finding in findings[1:]]
    return f"{sentence}; also {', '.join(others)}" if others else sentence


_SENTENCES = {
    Reason.CONTROL_CHARACTERS: "holds control characters: {value}",
    Reason.TEXT_TOO_LONG: f"is longer than {MAXIMUM_CHARACTERS} characters: {{value}}",
    Reason.MISSING_VALUE: "is missing",
    Reason.MALFORMED_DATE: "is {value}, which is no date of the form YYYY-MM-DD",
    Reason.DATE_OUTSIDE_MONTH: "is {value}, which is not in {month}, the month that the row is read for",
    Reason.MALFORMED_CODE: "is {value}, which has not the form of its codes",
    Reason.MALFORMED_HS_CODE: "is {value}, which is no HS code of 6 or 10 digits",
    Reason.UNKNOWN_CODE: "is {value}, which is not in the list of its codes",
    Reason.TEXT_IN_NUMBER: "is {value}, which is no number",
    Reason.NEGATIVE_NUMBER: "is {value}, which is negative",
    Reason.NUMBER_OUT_OF_RANGE: "is {value}, which is not finite or beyond its largest lawful value",
    Reason.UNKNOWN_LABEL: "is {value}, which is no label",
    Reason.INCOMPLETE_LABELS: "is missing although the other label is given",
    Reason.INCONSISTENT_LABELS: "is {value}, which contradicts the other label",
}


def _findings(column: str, verdicts: np.ndarray) -> Iterator[Finding]:
    for code in np.unique(verdicts[verdicts != _FINE]):
        yield Finding(REASONS[code], column, verdicts == code)


def _matches(text: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Which cells are short and match a pattern (booleans)."""
    short = pc.less_equal(pc.binary_length(text), _PLAIN_BYTES)
    return pc.and_(short, pc.match_substring_regex(text, pattern)).to_numpy()


def _verdicts(text: pa.ChunkedArray, verdict: Verdict, plain: str | None = None) -> np.ndarray:
    """The verdict on every cell: a position in REASONS, or _FINE. Short cells that match ``plain`` are fine."""
    result = np.full(len(text), _FINE, dtype=np.int8)
    unmatched = ~_matches(text, plain) if plain else np.ones(len(text), dtype=bool)
    if unmatched.any():
        distinct = text.filter(pa.array(unmatched)).combine_chunks().dictionary_encode()
        ranks = [_FINE if (r := verdict(value)) is None else _RANK[r] for value in distinct.dictionary.to_pylist()]
        result[unmatched] = np.array(ranks, dtype=np.int8)[distinct.indices.to_numpy()]
    return result


def _text_verdict(value: str) -> Reason | None:
    """What is wrong with the text of a cell, whatever its column."""
    if _CONTROL.search(value):
        return Reason.CONTROL_CHARACTERS
    return Reason.TEXT_TOO_LONG if len(value) > MAXIMUM_CHARACTERS else None


def _cell_verdict(attribute: Attribute, content: Verdict) -> Verdict:
    """The verdict on a cell of an attribute: first its text, then whether it may be blank, then its content."""

    def verdict(value: str) -> Reason | None:
        damage = _text_verdict(value)
        if damage is not None:
            return damage
        if not value.strip():
            return None if attribute.optional or attribute.kind is Kind.LABEL else Reason.MISSING_VALUE
        return content(value)

    return verdict


def _judge_text(attribute: Attribute, text: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Keys, codes and identities keep their text. A blank optional cell becomes the empty string."""

    def content(value: str) -> Reason | None:
        # In a pattern \d matches the digits of every script, so only ASCII text is matched.
        if attribute.kind is Kind.IDENTITY or (value.isascii() and attribute.accepts(value)):
            return None
        if attribute.values is not None:
            return Reason.UNKNOWN_CODE
        return Reason.MALFORMED_HS_CODE if attribute.name == "hs10_code" else Reason.MALFORMED_CODE

    plain = None
    if attribute.kind is Kind.KEY:
        plain = rf"\A({attribute.pattern})\z"
    elif attribute.kind is Kind.IDENTITY:
        plain = _PLAIN_NAME
    if attribute.optional:
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0)
        text = pc.if_else(blank, "", text)
    return text, _verdicts(text, _cell_verdict(attribute, content), plain)


def _judge_date(attribute: Attribute, text: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    def content(value: str) -> Reason | None:
        return Reason.MALFORMED_DATE if parse_date(value) is None else None

    return pa.array(parse_dates(text), pa.date32()), _verdicts(text, _cell_verdict(attribute, content))


def _judge_number(attribute: Attribute, text: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    maximum = math.inf if attribute.maximum is None else attribute.maximum

    def content(value: str) -> Reason | None:
        stripped = value.strip()
        if _NOT_FINITE.fullmatch(stripped):
            return Reason.NUMBER_OUT_OF_RANGE
        if not _NUMBER.fullmatch(stripped):
            return Reason.TEXT_IN_NUMBER
        number = float(stripped)
        if number < 0:
            return Reason.NEGATIVE_NUMBER
        return Reason.NUMBER_OUT_OF_RANGE if number > maximum or math.isinf(number) else None

    verdicts = _verdicts(text, _cell_verdict(attribute, content), _PLAIN_NUMBER)
    readable = verdicts == _FINE
    numbers = np.full(len(text), np.nan)
    plain = _matches(text, _PLAIN_NUMBER)
    numbers[plain] = pc.cast(text.filter(pa.array(plain)), pa.float64()).to_numpy()
    rest = readable & ~plain
    # Adding zero turns the "-0" that was read into zero.
    numbers[rest] = [float(value) + 0.0 for value in text.filter(pa.array(rest)).to_pylist()]
    verdicts[plain & (numbers > maximum)] = _RANK[Reason.NUMBER_OUT_OF_RANGE]
    return pa.array(numbers), verdicts


def _judge_label(attribute: Attribute, text: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    def label(value: str) -> str | None:
        match = _LABEL.fullmatch(value.strip())
        return match[1] if match and match[1] in (attribute.values or ()) else None

    def content(value: str) -> Reason | None:
        return Reason.UNKNOWN_LABEL if label(value) is None else None

    distinct = text.combine_chunks().dictionary_encode()
    labels = pa.array([label(value) for value in distinct.dictionary.to_pylist()], pa.string()).cast(pa.int8())
    return labels.take(distinct.indices), _verdicts(text, _cell_verdict(attribute, content))


_JUDGES: dict[Kind, Callable[[Attribute, pa.ChunkedArray], tuple[pa.Array | pa.ChunkedArray, np.ndarray]]] = {
    Kind.KEY: _judge_text,
    Kind.CODE: _judge_text,
    Kind.IDENTITY: _judge_text,
    Kind.DATE: _judge_date,
    Kind.NUMBER: _judge_number,
    Kind.LABEL: _judge_label,
}


def _outside_month(days: pa.Array | pa.ChunkedArray, month: str) -> Iterator[Finding]:
    months = days.to_numpy(zero_copy_only=False).astype("datetime64[M]")
    outside = ~np.isnat(months) & (months != np.datetime64(month))
    if outside.any():
        yield Finding(Reason.DATE_OUTSIDE_MONTH, "date", outside)


def _label_findings(columns: dict[str, pa.Array | pa.ChunkedArray]) -> Iterator[Finding]:
    """One label without the other, and labels that contradict each other. :func:`_judge_label` finds unknown labels."""
    fraud, critical = (pc.fill_null(columns[name], _FINE).to_numpy(zero_copy_only=False) for name in LABELS)
    for name, labels, other in ((LABELS[0], fraud, critical), (LABELS[1], critical, fraud)):
        missing = (labels == _FINE) & (other != _FINE)
        if missing.any():
            yield Finding(Reason.INCOMPLETE_LABELS, name, missing)
    pairs = {(int(f), int(c)) for f, c in np.unique(np.stack([fraud, critical], axis=1), axis=0)}
    for f, c in sorted(pairs):
        if _FINE not in (f, c) and not consistent_labels(f, c):
            yield Finding(Reason.INCONSISTENT_LABELS, LABELS[1], (fraud == f) & (critical == c))
