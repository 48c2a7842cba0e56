"""Which months a file holds: the month of every row, and a hash of each month's rows.

A row belongs to the month of its date. A row that has no readable date, or one before the first month or after today,
belongs to the month of the nearest row above it that has one (to the first such row's month where there is none above).
So every row of a file belongs to exactly one month.

The hash of a month covers the header and the content of the month's rows in their order, not their numbers: rows of
other months may come and go. A file is read once for all its months, and again only when it was touched.
"""

# pyarrow.compute makes its functions when it is imported, where a type checker cannot see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.forms import Form
from customs_assets.source.causes import why_no_month
from customs_assets.source.csv_rows import CsvFile
from customs_assets.source.dates import parse_dates
from customs_assets.source.parquet_rows import ParquetFile
from customs_assets.source.reading import RawRows, SourceError
from customs_assets.source.workbook_rows import WorkbookFile
from customs_assets.source.xml_rows import XmlFile

UNDATED = -1

DeclarationFile = CsvFile | ParquetFile | WorkbookFile | XmlFile

_KINDS: dict[str, type[CsvFile] | type[ParquetFile] | type[WorkbookFile] | type[XmlFile]] = {
    ".csv": CsvFile,
    ".parquet": ParquetFile,
    ".xlsx": WorkbookFile,
    ".xlsm": WorkbookFile,
    ".xml": XmlFile,
}
SUFFIXES = tuple(_KINDS)

# A clock of a file system ticks coarsely: a file that was touched so short a time ago may be touched again within the
# same tick.
SETTLED_NS = 2_000_000_000

T = TypeVar("T")
_results: dict[tuple[str, Path], tuple[tuple[Any, ...], Any]] = {}


def _once(path: Path, depends_on: tuple[Any, ...], compute: Callable[[], T]) -> T:
    """The result for a file, computed again only after the file was touched.

    What tells is the time of the last change of the file's content or attributes (``ctime``), which nobody can set by
    hand.
    """
    now, status = time.time_ns(), path.stat()
    state = (depends_on, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    key = (compute.__qualname__, path.absolute())
    if key in _results and _results[key][0] == state:
        return _results[key][1]
    result = compute()
    if now - status.st_ctime_ns >= SETTLED_NS:
        _results[key] = state, result
    return result


def file_hash(path: Path) -> str:
    """A hash of a file's bytes."""

    def compute() -> str:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    return _once(path, (), compute)


def row_hashes(path: Path, name: str, today: date, form: Form) -> dict[str, str]:
    """A hash of each month's rows, by month; the month of the first row comes first.

    Args:
        path: a file whose name does not tell its month.
        name: its name in messages.
        today: the last day a declaration may bear.
        form: the form of its declarations.

    Raises:
        SourceError: the file cannot be read, or has rows but no row with a date.
    """

    def compute() -> dict[str, str]:
        return _row_hashes(open_file(path, name, form), today, form)

    return _once(path, (today, form.digest), compute)


def open_file(path: Path, name: str, form: Form) -> DeclarationFile:
    """A file of declarations, by its suffix, which is one of SUFFIXES."""
    return _KINDS[path.suffix.lower()](path, name, form)


def _row_hashes(file: DeclarationFile, today: date, form: Form) -> dict[str, str]:
    hashes: dict[int, _RowsHash] = {}
    last = UNDATED
    for rows in file.native_rows() if isinstance(file, ParquetFile) else file.rows():
        if not len(rows.numbers) and not rows.broken:
            continue
        sound, broken, first, last = row_months(rows, today, last, form)
        if first != UNDATED and UNDATED in hashes:
            hashes[first] = hashes.pop(UNDATED)
        order = np.argsort(sound, kind="stable")
        cells = rows.cells if (sound == first).all() else rows.cells.take(order)
        for month in dict.fromkeys([first, *np.unique(np.concatenate([sound, broken])).tolist()]):
            rows_hash = hashes.setdefault(month, _RowsHash(cells.schema))
            start, end = np.searchsorted(sound[order], [month, month + 1])
            rows_hash.add(cells.slice(start, end - start))
            for row in (row for row, of_row in zip(rows.broken, broken, strict=True) if of_row == month):
                rows_hash.broken.update(f"{row.reason}\x1f{row.record}\x1e".encode("utf-8", "surrogatepass"))
    if UNDATED in hashes:
        everything = (rows for rows in (file.native_rows() if isinstance(file, ParquetFile) else file.rows()))
        raise SourceError(why_no_month(file.name, everything, form, today))
    return {str(np.datetime64(month, "M")): rows_hash.hexdigest() for month, rows_hash in hashes.items()}


class _RowsHash:
    """A hash of some rows of a file that does not depend on how many are added at once."""

    def __init__(self, schema: pa.Schema) -> None:
        self._columns = [(hashlib.sha256(), hashlib.sha256()) for _ in schema]
        self._schema = repr([(field.name, str(field.type)) for field in schema])
        self.broken = hashlib.sha256()

    def add(self, cells: pa.Table) -> None:
        for (lengths, content), cell in zip(self._columns, cells.columns, strict=True):
            for column in cell.chunks:
                _add_column(lengths, content, column)

    def hexdigest(self) -> str:
        parts = [self._schema, self.broken.hexdigest(), *(half.hexdigest() for pair in self._columns for half in pair)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _add_column(lengths: Any, content: Any, column: pa.Array) -> None:
    """Add a column's cells: their lengths (or which are missing) to one hash, their bytes to the other."""
    if pa.types.is_string(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_binary())
        lengths.update(pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False))
    else:
        lengths.update(column.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False))
    values = column.drop_null()
    if not len(values):
        return
    if pa.types.is_large_binary(values.type):
        _, offsets, data = values.buffers()
        ends = np.frombuffer(offsets, dtype=np.int64)[values.offset : values.offset + len(values) + 1]
        content.update(memoryview(data)[ends[0] : ends[-1]] if data else b"")
    else:
        width = values.type.bit_width // 8
        start = values.offset * width
        content.update(memoryview(values.buffers()[1])[start : start + len(values) * width])


def month_number(month: str) -> int:
    """A month as a number: months since 1970-01."""
    return int(np.datetime64(month, "M").astype(np.int64))


def dated_months(days: np.ndarray, today: date, form: Form) -> np.ndarray:
    """The month of each day as a number, UNDATED where a declaration cannot bear the day."""
    months = days.astype("datetime64[M]").astype(np.int64)
    is_dated = ~np.isnat(days) & (months >= month_number(form.first_month)) & (days <= np.datetime64(today))
    return np.where(is_dated, months, UNDATED)


def filled_down(months: np.ndarray, above: int) -> np.ndarray:
    """The months of rows in their order: an undated row gets the month of the nearest dated row above it.

    Args:
        months: the months, UNDATED for undated rows.
        above: the month of the row above them all; where it is UNDATED, the first dated row's month takes its place.
    """
    dated = np.flatnonzero(months != UNDATED)
    if above == UNDATED and len(dated):
        above = int(months[dated[0]])
    nearest = np.maximum.accumulate(np.where(months != UNDATED, np.arange(len(months)), -1))
    return np.where(nearest >= 0, months[nearest], above)


def row_months(rows: RawRows, today: date, above: int, form: Form) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The months of some rows, one at least.

    Args:
        rows: the rows.
        today: the last day a declaration may bear.
        above: the month of the row above them.
        form: the form of the rows.

    Returns:
        The months of the sound rows and of the broken ones, and those of the first and of the last row of all.
    """
    count = len(rows.numbers)
    months = np.full(count + len(rows.broken), UNDATED)
    months[:count] = dated_months(parse_dates(rows.cells.column("date"), form), today, form)
    order = np.argsort([*rows.numbers, *(row.row for row in rows.broken)]) if rows.broken else np.arange(count)
    months[order] = filled_down(months[order], above)
    return months[:count], months[count:], int(months[order[0]]), int(months[order[-1]])
