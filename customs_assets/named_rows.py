"""Files that a setting names, as rows of text: CSV (UTF-8 with or without a byte order mark, or CP949) and Parquet.

Such a file, a law or a register, is small and is taken whole or not at all: the first row that cannot be cut into cells refuses
it. The header of a CSV file is row 1 and blank rows count, as in ``source``; Parquet has no header row. What the cells must say
stands in the room that reads them.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.declaration import IDENTITIES, spelled

# The national tariffs of today have some hundred thousand lines.
LARGEST_ROWS = 2_000_000
LARGEST_UNPACKED_BYTES = 256 << 20
LONGEST_CELL = 4096

_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
    b"PAR1": "Parquet",
}
_SHOWN_COLUMNS = 30

# What a damaged file makes Arrow raise.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)


class RowsError(Exception):
    """A file cannot be read; the message is one sentence that names the file, where it can the row, and the cause."""


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes:
        name: what messages call the file.
        cells: the cells as text, a column for each that was asked for; an empty cell is the empty text.
        numbers: the rows' numbers in the file, from 1, ascending.
    """

    name: str
    cells: pd.DataFrame
    numbers: np.ndarray


@dataclass(frozen=True)
class _Form:
    """Which columns a file has, and what messages may say of it.

    Attributes:
        name: what messages call the file.
        columns: the columns to read.
        optional: those of them that may be missing.
        numbers: those of them that Parquet may hold as numbers.
        is_secret: whether messages must not repeat what stands in the file.
    """

    name: str
    columns: Sequence[str]
    optional: Sequence[str]
    numbers: Sequence[str]
    is_secret: bool


def read_rows(
    content: bytes,
    name: str,
    columns: Sequence[str],
    numbers: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    is_secret: bool = False,
    may_be_empty: bool = False,
) -> Rows:
    """Cut a file into rows.

    Args:
        content: its bytes.
        name: its address, whose suffix says what it is.
        columns: the columns to read, in snake_case; headers may be spelled in any case and spacing.
        numbers: those of them that Parquet may hold as numbers; the others must be text there, because in a number leading zeros
            are lost.
        optional: those of them that may be missing; their cells are empty then.
        is_secret: whether messages must not repeat what stands in the file.
        may_be_empty: whether a file with a header and no row is one.

    Raises:
        RowsError: the file is empty, neither CSV nor Parquet, too large or damaged, or lacks a column or has it twice.
    """
    form = _Form(name, columns, optional, numbers, is_secret)
    suffix = name.lower().rpartition(".")[2]
    if suffix not in ("csv", "parquet"):
        raise RowsError(f"{name} is neither a .csv nor a .parquet file")
    if not content:
        raise RowsError(f"{name} is empty (0 bytes)")
    rows = _csv_rows(content, form) if suffix == "csv" else _parquet_rows(content, form)
    if not (len(rows.numbers) or may_be_empty):
        raise RowsError(f"{name} is empty: it has a header and no row")
    return Rows(name, rows.cells.reindex(columns=list(columns), fill_value=""), rows.numbers)


def _csv_rows(content: bytes, form: _Form) -> Rows:
    name = form.name
    text, damage = _decoded(content, name)
    rows = _numbered_rows(csv.reader(io.StringIO(text, newline=""), strict=True), name, damage)
    first = next(rows, None)
    if first is None:
        raise RowsError(f"{name} is empty: it has no header row")
    _, headers = first
    positions = _positions(headers, form, "The first row must hold the headers, separated by commas")
    numbers: list[int] = []
    cells: list[list[str]] = []
    for number, fields in rows:
        if len(fields) != len(headers):
            raise RowsError(
                f"{name}, row {number}: it has {len(fields)} fields where the header has {len(headers)}; a field that holds a "
                "comma must stand in quotes"
            )
        numbers.append(number)
        cells.append([fields[position] for position in positions.values()])
    return Rows(name, pd.DataFrame(cells, columns=list(positions), dtype=object), np.array(numbers, dtype=np.int64))


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    """The text of a CSV file; where no encoding fits, with single surrogates, and a sentence about the rows that hold them."""
    for magic, what in _FOREIGN.items():
        if content.startswith(magic):
            raise RowsError(f"{name} is no CSV file: it is {what}; save it as CSV in UTF-8")
    if b"\0" in content:
        raise RowsError(f"{name} is no CSV file: it holds zero bytes; save it as CSV in UTF-8")
    has_mark = content.startswith(codecs.BOM_UTF8)
    for encoding in ("utf-8-sig",) if has_mark else ("utf-8", "cp949"):
        try:
            return content.decode(encoding), ""
        except UnicodeDecodeError:
            continue
    conflict = (
        "holds bytes that are not UTF-8, but the file begins with UTF-8's byte order mark"
        if has_mark
        else "holds bytes that are not UTF-8, and the file as a whole is not CP949 either"
    )
    return content.decode("utf-8-sig", errors="surrogateescape"), f"{conflict}; save it in UTF-8"


def _numbered_rows(reader: Iterator[list[str]], name: str, damage: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, with their numbers.

    Args:
        reader: all rows.
        name: the file's name in messages.
        damage: what to say of a row with bytes that are no text; empty where there is none.
    """
    number = 0
    while True:
        number += 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RowsError(f"{name}, row {number}: its quotes cannot be read ({error})") from error
        if damage and _has_surrogates("".join(fields)):
            raise RowsError(f"{name}, row {number}: it {damage}")
        if number > LARGEST_ROWS:
            raise RowsError(f"{name} has more than {LARGEST_ROWS:,} rows; no such file does")
        if any(field.strip() for field in fields):
            yield number, fields


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _positions(headers: Sequence[str], form: _Form, advice: str) -> dict[str, int]:
    """The position of each column that is there.

    Raises:
        RowsError: a column is missing or there twice, or the file is one of declarations.
    """
    names, name = [spelled(header) for header in headers], form.name
    if people := [column for column in names if column in IDENTITIES and column not in form.columns]:
        raise RowsError(f"{name} has the column {people[0]}: it is a file of declarations")
    if missing := [column for column in form.columns if column not in names and column not in form.optional]:
        found = ", ".join(header.strip()[:60] or "(no name)" for header in headers[:_SHOWN_COLUMNS])
        more = f" and {len(headers) - _SHOWN_COLUMNS} more" if len(headers) > _SHOWN_COLUMNS else ""
        # Where the header was forgotten, the first row is one of what the file holds.
        has = f"{len(headers)} columns of other names" if form.is_secret else f"{found}{more}"
        raise RowsError(f"{name} lacks the columns {', '.join(missing)}; it has {has}. {advice}")
    counts = Counter(names)
    if twice := [column for column in form.columns if counts[column] > 1]:
        raise RowsError(f"{name} has the column {', '.join(twice)} more than once; keep one of each")
    return {column: names.index(column) for column in form.columns if column in names}


def _parquet_rows(content: bytes, form: _Form) -> Rows:
    name = form.name
    try:
        schema = pq.ParquetFile(pa.BufferReader(content)).schema_arrow
        headers = list(schema.names)
        positions = _positions(headers, form, "Each column must have its name")
        # Read as dictionaries, because in a file that keeps them so a few bytes may stand for gigabytes.
        texts = [headers[position] for position in positions.values() if _is_text(schema.types[position])]
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts, page_checksum_verification=True)
        groups = (file.metadata.row_group(group) for group in range(file.metadata.num_row_groups))
        unpacked = sum(group.total_byte_size for group in groups)
        if file.metadata.num_rows > LARGEST_ROWS or unpacked > LARGEST_UNPACKED_BYTES:
            raise RowsError(
                f"{name} claims {file.metadata.num_rows:,} rows and {unpacked:,} bytes; no such file has as many"
            )
        table = file.read(columns=[headers[position] for position in positions.values()], use_threads=False)
        cells = {
            column: _cells(table.column(headers[position]), name, column, column in form.numbers)
            for column, position in positions.items()
        }
    except _DAMAGE as error:
        first_line = "" if form.is_secret else f" ({str(error).strip().partition(chr(10))[0][:200]})"
        raise RowsError(f"{name} is no readable Parquet file{first_line}; fetch it again") from error
    return Rows(name, pd.DataFrame(cells, dtype=object), np.arange(1, table.num_rows + 1))


def _is_text(kind: pa.DataType) -> bool:
    kinds = ("string", "large_string", "binary", "large_binary")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in kinds)


def _cells(column: pa.ChunkedArray, name: str, header: str, may_be_number: bool) -> list[str]:
    """The cells of a Parquet column as text.

    Raises:
        RowsError: the column has a type that it may not have, or holds bytes that are no UTF-8.
    """
    is_dictionary = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if is_dictionary else column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if is_number and may_be_number:
        numbers = column.cast(kind).cast(pa.string()) if is_dictionary else column.cast(pa.string())
        return [number or "" for number in numbers.to_pylist()]
    if pa.types.is_null(kind):
        return [""] * len(column)
    if not is_dictionary or not _is_text(kind):
        why = ", in which leading zeros are lost" if is_number else ""
        raise RowsError(f"{name} has the column {header} as {kind}{why}; store it as text")
    cells: list[str] = []
    for chunk in column.chunks:
        # By way of bytes, because a reader of Parquet takes the file's word that text is UTF-8.
        texts = [_text(value) for value in chunk.dictionary.cast(pa.large_binary()).to_pylist()]
        for index in chunk.indices.to_pylist():
            text = "" if index is None else texts[index]
            if text is None:
                raise RowsError(f"{name}, row {len(cells) + 1}: {header} holds bytes that are not UTF-8")
            if len(text) > LONGEST_CELL:
                raise RowsError(
                    f"{name}, row {len(cells) + 1}: {header} has {len(text):,} characters; no code has as many"
                )
            cells.append(text)
    return cells


def _text(value: bytes | None) -> str | None:
    """Bytes as text; None where they are no UTF-8."""
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        return None
