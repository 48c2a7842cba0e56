"""Declarations from files: which files an address names, which rows of them belong to a month, and what became of each.

Which month a row belongs to is told by its date. A file whose name carries one month (``declarations-2020-01.csv``) is
that month's alone. In any other file a row that has no readable date, or one before the first month or after today,
belongs to the month of the nearest row above it that has one (to the first such row's where there is none above); so
every row of every file belongs to exactly one month.

What belongs here is the walk over files and rows. How a file is cut into rows stands in ``csv_rows.py`` and
``parquet_rows.py``, what becomes of the rows in ``judging.py``, what the cells must say in ``rules.py``.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from customs_assets.months import FIRST_MONTH, first_day
from customs_assets.source.csv_rows import CsvFile, RawRows
from customs_assets.source.judging import judged_month
from customs_assets.source.parquet_rows import ParquetFile
from customs_assets.source.reading import MonthStream, SourceError, SourceMonth, unreadable
from customs_assets.source.rules import parse_dates

SUFFIXES = (".csv", ".parquet")

_MONTH_TOKEN = re.compile(r"(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])(?!\d)(?![-_](0[1-9]|[12]\d|3[01])(?!\d))")
_UNDATED = -1


def month_of_name(name: str) -> str | None:
    """The month that a file's name carries (``2020-01``, ``2020_01`` or ``202001``), None where it is not one month."""
    found = {f"{year}-{number}" for year, number, _ in _MONTH_TOKEN.findall(name)}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class FileSource:
    """CSV and Parquet files as a source.

    Attributes:
        address: a file, a folder (every ``*.csv`` and ``*.parquet`` in it, by name) or a glob pattern.
        today: the last day a declaration may bear; the day of reading where it is None.
    """

    address: str
    today: date | None = None

    @property
    def origin(self) -> str:
        """Where the declarations come from, the same for all months; holds no secret."""
        return str(Path(self.address).expanduser().absolute())

    @property
    def description(self) -> str:
        """What the source is, for a person."""
        return f"files at {self.address}"

    def files(self) -> list[Path]:
        """The files of the source, in the order they are read.

        Raises:
            SourceError: no file matches, or a file is named that is neither CSV nor Parquet.
        """
        path = Path(self.address).expanduser()
        if path.is_dir():
            candidates = sorted(path.iterdir())
        elif path.exists():
            if path.suffix.lower() not in SUFFIXES:
                raise SourceError(f"{self.address} is neither a .csv nor a .parquet file")
            candidates = [path]
        else:
            candidates = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        files = [p for p in candidates if p.suffix.lower() in SUFFIXES and p.is_file() and not p.name.startswith(".")]
        if not files:
            raise SourceError(
                f"no .csv or .parquet file matches the source {self.address!r}; name a file, folder or glob"
            )
        return files

    def months(self) -> list[str]:
        """The months that file names carry or rows are dated in, in order.

        Raises:
            SourceError: a file cannot be read, lacks columns, or holds no row with a date.
        """
        today = self.today or date.today()
        found: set[str] = set()
        for path in self.files():
            with _named_errors(path.name):
                carried = month_of_name(path.name)
                found |= {carried} if carried else _dated_months(path, path.name, today)
        return sorted(found)

    def fingerprint(self, month: str) -> str:
        """A hash of the names, sizes and modification times of the files that the month is read from."""
        digest = hashlib.sha256()
        with _named_errors(self.address):
            for path, name in self._files_of(month):
                status = path.stat()
                digest.update(
                    f"{name}\x1f{status.st_size}\x1f{status.st_mtime_ns}\x1e".encode(errors="surrogateescape")
                )
        return digest.hexdigest()

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month and its quarantined rows, in memory.

        Raises:
            SourceError: a file cannot be read, lacks columns, or holds no row with a date.
        """
        return self.stream_month(month).collect()

    def stream_month(self, month: str) -> MonthStream:
        """The same as they are read.

        Raises:
            SourceError: a file cannot be read or lacks columns; while rows are taken, a file holds no row with a date.
        """
        first_day(month)
        files = [_open(path, name) for path, name in self._files_of(month)]
        return judged_month(month, [name for file in files for name in file.names], self._lots(files, month))

    def _lots(self, files: list[CsvFile | ParquetFile], month: str) -> Iterator[tuple[RawRows, str]]:
        for file in files:
            with _named_errors(file.name):
                for rows in rows_of_month(file, month, self.today or date.today()):
                    yield rows, file.name

    def _files_of(self, month: str) -> list[tuple[Path, str]]:
        """The files that may hold rows of a month, each with its name relative to the folder they share."""
        files = self.files()
        root = os.path.commonpath([str(path.parent) for path in files])
        named = [(path, Path(os.path.relpath(path, root)).as_posix()) for path in files]
        return [(path, name) for path, name in named if month_of_name(path.name) in (None, month)]


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Turn the operating system's errors into a sentence that names the file."""
    try:
        yield
    except OSError as error:
        raise unreadable(error, f"{name} cannot be read: {error.strerror or error}") from error


def _open(path: Path, name: str) -> CsvFile | ParquetFile:
    with _named_errors(name):
        return ParquetFile(path, name) if path.suffix.lower() == ".parquet" else CsvFile(path, name)


def rows_of_month(file: CsvFile | ParquetFile, month: str, today: date) -> Iterator[RawRows]:
    """The rows of one file that belong to a month, in order.

    Args:
        file: the file.
        month: the month (``YYYY-MM``).
        today: the last day a declaration may bear.

    Raises:
        SourceError: the file cannot be read, or has rows but no month in its name or in any row.
    """
    is_months_own = month_of_name(file.path.name) == month
    if isinstance(file, ParquetFile):
        yield from _parquet_rows(file, month, today, is_months_own)
        return
    if is_months_own:
        yield from file.rows()
        return
    carried = _first_month(file, today)
    for rows in file.rows():
        numbers = np.concatenate([rows.numbers, np.array([row.number for row in rows.broken], dtype=np.int64)])
        if not len(numbers):
            continue
        months = np.full(len(numbers), _UNDATED)
        months[: len(rows.numbers)] = _months(parse_dates(rows.cells.column("date")), today)
        order = np.argsort(numbers)
        filled = _fill_down(months[order], carried)
        carried = int(filled[-1])
        months[order] = filled
        yield _picked(rows, months == _month_number(month))


def _parquet_rows(file: ParquetFile, month: str, today: date, is_months_own: bool) -> Iterator[RawRows]:
    if is_months_own:
        wanted = np.ones(file.row_count, dtype=bool)
    else:
        months = _months(file.dates(), today)
        dated = months[months != _UNDATED]
        if len(months) and not len(dated):
            raise _undatable(file.name)
        wanted = _fill_down(months, int(dated[0]) if len(dated) else _UNDATED) == _month_number(month)
    yield from file.rows(wanted)


def _dated_months(path: Path, name: str, today: date) -> set[str]:
    """The months that the rows of a file are dated in."""
    if path.suffix.lower() == ".parquet":
        chunks = [ParquetFile(path, name).dates()]
    else:
        chunks = [parse_dates(rows.cells.column("date")) for rows in CsvFile(path, name).rows()]
    numbers = {int(number) for days in chunks for number in np.unique(_months(days, today)) if number != _UNDATED}
    if not numbers:
        raise _undatable(name)
    return {str(np.datetime64(number, "M")) for number in numbers}


def _undatable(name: str) -> SourceError:
    return SourceError(
        f"{name} has no row with a date between {FIRST_MONTH} and today, so its month is unknown; name the month in "
        f"the file's name (declarations-{FIRST_MONTH}.csv) or correct the dates (YYYY-MM-DD)"
    )


def _month_number(month: str) -> int:
    return int(np.datetime64(month, "M").astype(np.int64))


def _months(days: np.ndarray, today: date) -> np.ndarray:
    """The month of each day as a number (months since 1970-01), _UNDATED where the day is none a row can have."""
    months = days.astype("datetime64[M]").astype(np.int64)
    readable = ~np.isnat(days) & (months >= _month_number(FIRST_MONTH)) & (days <= np.datetime64(today))
    return np.where(readable, months, _UNDATED)


def _fill_down(months: np.ndarray, carried: int) -> np.ndarray:
    """Each undated row's month from the nearest dated row above, or the month carried in from above them all."""
    above = np.maximum.accumulate(np.where(months != _UNDATED, np.arange(len(months)), -1))
    return np.where(above >= 0, months[above], carried)


def _first_month(file: CsvFile, today: date) -> int:
    """The month of the first dated row; _UNDATED where the file has no rows."""
    has_rows = False
    for rows in file.rows():
        months = _months(parse_dates(rows.cells.column("date")), today)
        dated = months[months != _UNDATED]
        if len(dated):
            return int(dated[0])
        has_rows = has_rows or bool(len(months) or rows.broken)
    if has_rows:
        raise _undatable(file.name)
    return _UNDATED


def _picked(rows: RawRows, wanted: np.ndarray) -> RawRows:
    """Some of the rows: a mask over the sound ones, then the broken ones."""
    count = len(rows.numbers)
    sound, broken = wanted[:count], wanted[count:]
    kept = [row for row, is_wanted in zip(rows.broken, broken, strict=True) if is_wanted]
    return RawRows(rows.cells.filter(pa.array(sound)), rows.numbers[sound], kept)
