"""The quarantine: why a row was set aside, and the table that says so, with the place.

What belongs here is the vocabulary of reasons and the shape of the quarantine table. Which rows break which rule stands
in ``rules.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa


class Reason(StrEnum):
    """Why a row was quarantined, in order of precedence: of several broken rules the first one here is the reason.

    Damage to the row as a whole comes first, then damage to the text of a cell, then what a cell says, then what cells
    say of one another, and last what rows say of one another (only a row that is good in itself can be a duplicate).
    """

    MALFORMED_QUOTING = "malformed_quoting"
    UNDECODABLE_BYTES = "undecodable_bytes"
    WRONG_FIELD_COUNT = "wrong_field_count"
    CONTROL_CHARACTERS = "control_characters"
    TEXT_TOO_LONG = "text_too_long"
    MISSING_VALUE = "missing_value"
    MALFORMED_DATE = "malformed_date"
    DATE_OUTSIDE_MONTH = "date_outside_month"
    MALFORMED_CODE = "malformed_code"
    MALFORMED_HS_CODE = "malformed_hs_code"
    UNKNOWN_CODE = "unknown_code"
    TEXT_IN_NUMBER = "text_in_number"
    NEGATIVE_NUMBER = "negative_number"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    UNKNOWN_LABEL = "unknown_label"
    INCOMPLETE_LABELS = "incomplete_labels"
    INCONSISTENT_LABELS = "inconsistent_labels"
    DUPLICATE_DECLARATION_ID = "duplicate_declaration_id"


REASONS: tuple[Reason, ...] = tuple(Reason)

SCHEMA = pa.schema(
    [
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("declaration_id", pa.string()),
        pa.field("record", pa.string()),
    ]
)

# What a spreadsheet takes for the beginning of a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

# How much of a cell a sentence shows, and how much of it the kept record holds: a damaged cell can be megabytes long.
SHOWN_CHARACTERS = 40
RECORDED_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One row that broke the form.

    Attributes:
        reason: why, as a stable code.
        detail: why, as a sentence with the offending value shortened.
        file: the file's name, relative to the source's folder.
        row: number of the record in the file, from 1; the header of a CSV file is row 1, Parquet has no header row.
        column: the attribute (or further column) at fault, empty where the row as a whole is.
        declaration_id: the declaration ID as found (in the table, an apostrophe stands before a formula), empty where it
            cannot be told.
        record: the raw row as JSON: an object of its cells, or a string where it could not be cut into cells.
    """

    reason: Reason
    detail: str
    file: str
    row: int
    column: str
    declaration_id: str
    record: str


def quarantine_table(rows: Iterable[QuarantinedRow]) -> pa.Table:
    """The quarantine table of some rows, in the order given; text that a spreadsheet would run has an apostrophe before it."""
    cells = [{name: harmless(getattr(row, name)) for name in SCHEMA.names} for row in rows]
    return pa.Table.from_pylist(cells, schema=SCHEMA)


def harmless(value: Any) -> Any:
    """A value as it may be opened in a spreadsheet: an apostrophe makes a formula text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def shown(value: str) -> str:
    """A value as a sentence shows it: quoted, control characters escaped, shortened."""
    return repr(value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…")


def record_text(record: str | Mapping[str, str | None]) -> str:
    """A raw row as one JSON text, very long cells shortened."""
    if isinstance(record, str):
        return json.dumps(_recorded(record), ensure_ascii=False)
    return json.dumps({name: value and _recorded(value) for name, value in record.items()}, ensure_ascii=False)


def _recorded(value: str) -> str:
    return value if len(value) <= RECORDED_CHARACTERS else value[: RECORDED_CHARACTERS - 1] + "…"
