"""The rules of the form: which rows of a month break them, and which types the cells of the other rows get.

Every rule follows from the form's attributes. One pattern accepts most good cells of a column at once. Of the other cells each
distinct one is judged once. ``mending`` goes before. ``judging`` finds duplicates, because it sees all rows of a month.

Beside the published form the rules accept: a number with spaces around it, a sign or an exponent (``" 12 "``, ``1.5e3``); a date
with a time after it (which is cut); a label written as a number (``1.0``) or by a word of the form (``true``, ``Y``); a blank
seller or courier (the empty string). A raw identity is any text that is not blank. ``NA`` is Namibia.
"""

# A type checker does not see the functions of pyarrow.compute, which are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.attributes import Attribute, Kind
from customs_assets.declaration import arrow_schema, consistent_labels
from customs_assets.forms import Form
from customs_assets.forms.form import AMOUNT_RECOVERED, ITEM_NUMBER
from customs_assets.source.dates import parse_date, parse_dates
from customs_assets.source.mending import REMARK, Mends, labels_of_amounts, mended_text, plain_numbers, without_words
from customs_assets.source.quarantine import REASONS, Reason

# The longest cell that can be a name, a code or a remark. A longer one is damage (a lost quote, a binary file).
MAXIMUM_CHARACTERS = 4096

# Cells up to this length are matched with a pattern. Longer cells are judged one by one.
_PLAIN_BYTES = 64
_PLAIN_NUMBER = r"\A\d{1,15}(\.\d{1,12})?\z"
_PLAIN_TEXT = r"\A[ -~]*\z"
_PLAIN_NAME = r"\A *[!-\"$-~][ -~]*\z"

# Tabs and line breaks are legal in quoted text; other C0 and C1 controls and DEL are not text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
# What a spreadsheet's formula ends in where it has no value, in any format that it is exported to. (#N/A is a word for nothing.)
_ERRORS = frozenset(["#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"])
_LABEL = re.compile(r"(\d)(\.0*)?", re.ASCII)

# Chapters that the Harmonized System keeps free (77) or leaves to each country (98, 99); there is no chapter 0.
_RESERVED = ("00", "77", "98", "99")

_LABELS = ("fraud", "critical_fraud")
_YES, _NO = 101, 100

_FINE = -1
_RANK = {reason: rank for rank, reason in enumerate(REASONS)}

Verdict = Callable[[str], Reason | None]


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break: the reason, the column, and which rows (a boolean for each)."""

    reason: Reason
    column: str
    rows: np.ndarray


class Judged(NamedTuple):
    """Some rows after they were judged.

    Attributes:
        declarations: the good rows, typed: the form's attributes, then the further columns as text.
        is_good: a boolean for each row: whether it is good.
        findings: the broken rules, in the order of :class:`Reason` and then of the columns.
    """

    declarations: pa.Table
    is_good: np.ndarray
    findings: list[Finding]


def judge(cells: pa.Table, month: str, form: Form, mends: Mends) -> Judged:
    """Judge the rows of a month (``YYYY-MM``): text columns without nulls, the attributes in any order and further ones.

    Args:
        cells: the rows.
        month: the month that they are read for.
        form: what their cells have to say.
        mends: the account of what is mended, which grows.
    """
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    findings: list[Finding] = []
    for attribute in form.attributes:
        text = without_words(_cells_of(attribute, cells, form), attribute, form, mends)
        columns[attribute.name], verdicts = _JUDGES[attribute.kind](attribute, text, form, mends)
        findings += _findings(attribute.name, verdicts)
    findings += _outside_month(columns["date"], month)
    if "critical_fraud" in columns:
        columns["critical_fraud"] = _spelled_out(columns["fraud"], columns["critical_fraud"])
        findings += _label_findings(columns)
    further = [name for name in cells.column_names if name not in columns]
    for name in further:
        columns[name] = _unused(cells.column(name), name, mends)
    order = {name: position for position, name in enumerate(columns)}
    findings.sort(key=lambda finding: (_RANK[finding.reason], order[finding.column]))
    good = np.ones(cells.num_rows, dtype=bool)
    for finding in findings:
        good &= ~finding.rows
    for name in reversed(form.key_with):
        columns["declaration_id"] = pc.binary_join_element_wise(columns[name], columns["declaration_id"], "-")
    if ITEM_NUMBER in columns:
        columns["declaration_id"] = _with_item(columns["declaration_id"], columns[ITEM_NUMBER])
    schema = pa.schema([*arrow_schema(form.attributes), *(pa.field(name, pa.string()) for name in further)])
    table = pa.table([columns[name] for name in schema.names], schema=schema)
    return Judged(table.filter(pa.array(good)), good, findings)


def _unused(text: pa.ChunkedArray, name: str, mends: Mends) -> pa.ChunkedArray:
    """A column that no attribute is read from: it sets no row aside. Control characters become blanks, and a long text is cut."""
    verdicts = _verdicts(text, _text_verdict, _PLAIN_TEXT)
    if (verdicts == _FINE).all():
        return text
    mends.add(name, REMARK, int((verdicts != _FINE).sum()), "…", "…")
    return pc.utf8_slice_codeunits(
        pc.replace_substring_regex(text, r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}]", " "), 0, MAXIMUM_CHARACTERS
    )


def _cells_of(attribute: Attribute, cells: pa.Table, form: Form) -> pa.ChunkedArray:
    """The cells of an attribute; of a label that is told by an amount, what the amounts say."""
    if attribute.name == "fraud" and attribute.name not in cells.column_names:
        return labels_of_amounts(cells.column(AMOUNT_RECOVERED), form)
    return cells.column(attribute.name)


def _with_item(identity: pa.ChunkedArray, item: pa.ChunkedArray) -> pa.ChunkedArray:
    """The key of an item: its declaration's ID and its number, where it has one."""
    number = pc.replace_substring_regex(item, r"\.0*\s*$|[^0-9A-Za-z]+", "")
    return pc.if_else(pc.equal(number, ""), identity, pc.binary_join_element_wise(identity, number, "-"))


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
        if value.startswith("#") and value.strip() in _ERRORS:
            return Reason.NO_VALUE_OF_FORMULA
        if not value.strip():
            return None if attribute.optional or attribute.kind is Kind.LABEL else Reason.MISSING_VALUE
        return content(value)

    return verdict


def _judge_text(
    attribute: Attribute, text: pa.ChunkedArray, form: Form, mends: Mends
) -> tuple[pa.ChunkedArray, np.ndarray]:
    """Keys, codes and identities keep their text, after mending. A blank optional cell becomes the empty string."""
    text = mended_text(text, attribute, form, mends)

    def content(value: str) -> Reason | None:
        if attribute.kind is Kind.IDENTITY or attribute.accepts(value):
            return None
        if attribute.values is not None:
            return Reason.UNKNOWN_CODE
        if attribute.name != "hs10_code":
            return Reason.MALFORMED_CODE
        return Reason.RESERVED_CHAPTER if _is_reserved(value, form) else Reason.MALFORMED_HS_CODE

    plain = None
    if attribute.kind is Kind.KEY:
        plain = rf"\A({attribute.pattern})\z"
    elif attribute.kind is Kind.IDENTITY:
        plain = _PLAIN_NAME
    if attribute.optional:
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0)
        text = pc.if_else(blank, "", text)
    return text, _verdicts(text, _cell_verdict(attribute, content), plain)


def _is_reserved(value: str, form: Form) -> bool:
    """Whether a code has the digits of a product code, but a chapter that the Harmonized System keeps free."""
    return value.isascii() and value.isdigit() and len(value) in form.hs_digits and value[:2] in _RESERVED


def _judge_date(attribute: Attribute, text: pa.ChunkedArray, form: Form, mends: Mends) -> tuple[pa.Array, np.ndarray]:
    def content(value: str) -> Reason | None:
        return Reason.MALFORMED_DATE if parse_date(value, form) is None else None

    return pa.array(parse_dates(text, form), pa.date32()), _verdicts(text, _cell_verdict(attribute, content))


def _judge_number(attribute: Attribute, text: pa.ChunkedArray, form: Form, mends: Mends) -> tuple[pa.Array, np.ndarray]:
    text, factor = plain_numbers(text, form), form.column(attribute.name).factor
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
        return Reason.NUMBER_OUT_OF_RANGE if number * factor > maximum or math.isinf(number) else None

    verdicts = _verdicts(text, _cell_verdict(attribute, content), _PLAIN_NUMBER)
    readable = verdicts == _FINE
    numbers = np.full(len(text), np.nan)
    plain = _matches(text, _PLAIN_NUMBER)
    numbers[plain] = pc.cast(text.filter(pa.array(plain)), pa.float64()).to_numpy()
    rest = readable & ~plain
    # Adding zero turns the "-0" that was read into zero.
    numbers[rest] = [float(value) + 0.0 for value in text.filter(pa.array(rest)).to_pylist()]
    numbers *= factor
    verdicts[plain & (numbers > maximum)] = _RANK[Reason.NUMBER_OUT_OF_RANGE]
    return pa.array(numbers), verdicts


def _judge_label(attribute: Attribute, text: pa.ChunkedArray, form: Form, mends: Mends) -> tuple[pa.Array, np.ndarray]:
    """Labels as numbers. A critical fraud by a word is _YES or _NO, until :func:`_spelled_out` knows the other label."""
    words = {word.casefold(): 0 for word in form.labels.clean} | {word.casefold(): 1 for word in form.labels.fraud}
    if attribute.name == "critical_fraud":
        words = {word: _YES if is_fraud else _NO for word, is_fraud in words.items()}

    def label(value: str) -> int | None:
        match = _LABEL.fullmatch(value.strip())
        if match and match[1] in (attribute.values or ()):
            return int(match[1])
        return words.get(value.strip().casefold())

    def content(value: str) -> Reason | None:
        return Reason.UNKNOWN_LABEL if label(value) is None else None

    distinct = text.combine_chunks().dictionary_encode()
    labels = pa.array([label(value) for value in distinct.dictionary.to_pylist()], pa.int8())
    return labels.take(distinct.indices), _verdicts(text, _cell_verdict(attribute, content))


def _spelled_out(fraud: pa.Array | pa.ChunkedArray, critical: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Critical frauds as numbers: a word for yes is 2, a word for no is what the other label says."""
    critical = pc.if_else(pc.equal(critical, pa.scalar(_YES, pa.int8())), pa.scalar(2, pa.int8()), critical)
    return pc.if_else(pc.equal(critical, pa.scalar(_NO, pa.int8())), pc.fill_null(fraud, 0), critical)


_Judge = Callable[[Attribute, pa.ChunkedArray, Form, Mends], tuple[pa.Array | pa.ChunkedArray, np.ndarray]]

_JUDGES: dict[Kind, _Judge] = {
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
    fraud, critical = (pc.fill_null(columns[name], _FINE).to_numpy(zero_copy_only=False) for name in _LABELS)
    for name, labels, other in ((_LABELS[0], fraud, critical), (_LABELS[1], critical, fraud)):
        missing = (labels == _FINE) & (other != _FINE)
        if missing.any():
            yield Finding(Reason.INCOMPLETE_LABELS, name, missing)
    pairs = {(int(f), int(c)) for f, c in np.unique(np.stack([fraud, critical], axis=1), axis=0)}
    for f, c in sorted(pairs):
        if _FINE not in (f, c) and not consistent_labels(f, c):
            yield Finding(Reason.INCONSISTENT_LABELS, _LABELS[1], (fraud == f) & (critical == c))
