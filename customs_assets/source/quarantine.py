"""The quarantine: the table of rows that are set aside, each with its reason and its place.

What belongs here is the list of reasons and the form of the table. ``rules`` finds the rows that break a rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa


class Reason(StrEnum):
    """Why a row is quarantined. Of several broken rules, the first in this list is the reason.

    Damage to the row comes first, then damage to the text of a cell, then the content of a cell, then contradictions between
    cells, and last the duplicate of another row. (Only a row that breaks no other rule can be a duplicate.)
    """

    MALFORMED_QUOTING = "malformed_quoting"
    UNDECODABLE_BYTES = "undecodable_bytes"
    WRONG_FIELD_COUNT = "wrong_field_count"
    NO_VALUE_OF_FORMULA = "no_value_of_formula"
    OTHER_UNIT = "other_unit"
    CONTROL_CHARACTERS = "control_characters"
    TEXT_TOO_LONG = "text_too_long"
    MISSING_VALUE = "missing_value"
    MALFORMED_DATE = "malformed_date"
    DATE_OUTSIDE_MONTH = "date_outside_month"
    MALFORMED_CODE = "malformed_code"
    MALFORMED_HS_CODE = "malformed_hs_code"
    RESERVED_CHAPTER = "reserved_chapter"
    UNKNOWN_CODE = "unknown_code"
    TEXT_IN_NUMBER = "text_in_number"
    NEGATIVE_NUMBER = "negative_number"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    UNKNOWN_LABEL = "unknown_label"
    INCOMPLETE_LABELS = "incomplete_labels"
    INCONSISTENT_LABELS = "inconsistent_labels"
    DUPLICATE_DECLARATION_ID = "duplicate_declaration_id"


REASONS: tuple[Reason, ...] = tuple(Reason)

# The first characters of a formula in a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

# How much of a cell a sentence and a record repeat. A damaged cell can be megabytes long.
SHOWN_CHARACTERS = 40
RECORDED_CHARACTERS = 4096


class QuarantinedRow(NamedTuple):
    """One row that breaks a rule, with the columns of the quarantine table.

    Attributes:
        reason: the reason as a stable code.
        detail: the reason as a sentence; a long value is shortened.
        file: the file's name, relative to the source's folder, or the table's name.
        row: the number of the row in the file, from 1. The header of a CSV file is row 1. Parquet has no header row. In a
            workbook it is the row's number in the sheet, in XML the goods item's place in the file.
        column: the column at fault; empty where the whole row is at fault.
        declaration_id: the declaration ID as it was read; empty where it could not be read.
        record: the raw row as JSON: an object of its cells, or a string where it could not be split into cells.
    """

    reason: Reason
    detail: str
    file: str
    row: int
    column: str
    declaration_id: str
    record: str


SCHEMA = pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in QuarantinedRow._fields])


def quarantine_table(rows: Iterable[QuarantinedRow]) -> pa.Table:
    """The quarantine table of some rows, in their order. An apostrophe is put before a formula."""
    return pa.Table.from_pylist(
        [dict(zip(SCHEMA.names, map(harmless, row), strict=True)) for row in rows], schema=SCHEMA
    )


def harmless(value: Any) -> Any:
    """A value that is safe in a spreadsheet: an apostrophe turns a formula into text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def excerpt(value: str) -> str:
    """A value for a sentence: quoted, control characters escaped, shortened."""
    return repr(_shortened(value, SHOWN_CHARACTERS))


def record_text(record: str | Mapping[str, str]) -> str:
    """A raw row as one JSON text. Very long cells are shortened."""
    if isinstance(record, str):
        shortened: Any = _shortened(record, RECORDED_CHARACTERS)
    else:
        shortened = {name: _shortened(value, RECORDED_CHARACTERS) for name, value in record.items()}
    return json.dumps(shortened, ensure_ascii=False)


def _shortened(value: str, length: int) -> str:
    return value if len(value) <= length else value[: length - 1] + "…"
