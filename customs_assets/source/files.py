"""Declarations from files: which files an address names, and which rows of them belong to a month.

A file whose name tells one month (``declarations-2020-01.csv``) is that month's alone; in any other file the rows tell
(``months_of_files.py``). How a file is cut into rows stands in ``csv_rows.py``, ``parquet_rows.py``, ``workbook_rows.py`` and
``xml_rows.py``.
"""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from customs_assets.forms import Form, form_in_force
from customs_assets.months import first_day
from customs_assets.source.judging import judged_month
from customs_assets.source.months_of_files import (
    SUFFIXES,
    DeclarationFile,
    dated_months,
    file_hash,
    filled_down,
    month_number,
    open_file,
    row_hashes,
    row_months,
)
from customs_assets.source.parquet_rows import ParquetFile
from customs_assets.source.reading import MonthStream, RawRows, SourceError, SourceMonth, unreadable

_WILDCARD = re.compile(r"[*?[]")
_MONTH_TOKEN = re.compile(r"(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])(?!\d)(?![-_](0[1-9]|[12]\d|3[01])(?!\d))")

# Hidden files, and those by which Excel says that somebody has a workbook open.
_NO_DATA = (".", "~$")
# Other kinds of files that extracts come in, and what to do with them.
_OTHER_KINDS = {
    ".xls": "save it as .xlsx",
    ".xlsb": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".txt": "if it is text with separators, name it .csv",
    ".tsv": "name it .csv, and say the separator in the form",
    ".zip": "unpack it",
    ".gz": "unpack it",
}


def _other_kind(paths: Sequence[Path]) -> str:
    """What to do with the first of some files that is of a kind that is not read."""
    for path in paths:
        if advice := _OTHER_KINDS.get(path.suffix.lower()):
            return f" ({path.name}: {advice})"
    return ""


def month_of_name(name: str) -> str | None:
    """The one month that a file's name tells (``2020-01``, ``2020_01`` or ``202001``), if it tells one."""
    months = {f"{year}-{number}" for year, number, _ in _MONTH_TOKEN.findall(name)}
    return months.pop() if len(months) == 1 else None


@dataclass(frozen=True)
class FileSource:
    """CSV, Parquet, Excel and XML files as a source. Every method raises SourceError where a file cannot be read.

    Attributes:
        address: a file, a folder (every file in it whose suffix is one of SUFFIXES, by name) or a glob pattern.
        today: the last day a declaration may bear; the day of reading where it is None.
        form: the form of the declarations; the one in force where none is given.
    """

    address: str
    today: date | None = None
    form: Form = field(default_factory=form_in_force, repr=False)

    @property
    def description(self) -> str:
        """What the source is, for a person."""
        return f"files at {self.address}"

    @property
    def origin(self) -> str:
        """The absolute address of the file, the folder or the glob."""
        return str(self._path.resolve())

    @property
    def _path(self) -> Path:
        return Path(self.address).expanduser()

    def files(self) -> list[Path]:
        """The files of the source, in the order in which they are read.

        Raises:
            SourceError: no file matches, or a file is named of another kind.
        """
        path = self._path
        if path.is_dir():
            candidates = sorted(path.iterdir())
        elif path.exists():
            if path.suffix.lower() not in SUFFIXES:
                raise SourceError(f"{self.address} is none of {', '.join(SUFFIXES)}{_other_kind([path])}")
            candidates = [path]
        else:
            candidates = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        files = [
            p for p in candidates if p.suffix.lower() in SUFFIXES and p.is_file() and not p.name.startswith(_NO_DATA)
        ]
        if not files:
            *others, last = SUFFIXES
            raise SourceError(
                f"no {', '.join(others)} or {last} file matches the source {self.address!r}{_other_kind(candidates)}; "
                "name a file, folder or glob"
            )
        return files

    def _named_files(self) -> list[tuple[Path, str]]:
        """The files, each with its name below the folder that the address names before its first wildcard."""
        path = self._path
        folder = path if path.is_dir() else path.parent
        while not path.exists() and _WILDCARD.search(str(folder)):
            folder = folder.parent
        return [(file, file.relative_to(folder).as_posix()) for file in self.files()]

    def _files_of(self, month: str) -> Iterator[tuple[Path, str, dict[str, str]]]:
        """The files that hold rows of a month: path, name, and where the name tells no month the row hashes."""
        for path, name in self._named_files():
            told = month_of_name(path.name)
            hashes = self._hashes(path, name) if told is None else {}
            if told == month or month in hashes:
                yield path, name, hashes

    def _hashes(self, path: Path, name: str) -> dict[str, str]:
        with _named_errors(name):
            return row_hashes(path, name, self._today, self.form)

    @property
    def _today(self) -> date:
        return self.today or date.today()

    def months(self) -> list[str]:
        """The months that file names tell or rows are dated in, in order."""
        months: set[str] = set()
        for path, name in self._named_files():
            told = month_of_name(path.name)
            months |= {told} if told else self._hashes(path, name).keys()
        if not months:
            raise SourceError(f"{self.description} hold no rows, so there is no month to read")
        return sorted(months)

    def fingerprint(self, month: str) -> str:
        """A hash of the month's rows, and of the names of the files that hold them."""
        digest = hashlib.sha256(self.form.fingerprint)
        for path, name, hashes in self._files_of(month):
            with _named_errors(name):
                content = hashes[month] if hashes else file_hash(path)
            digest.update(f"{name}\x1f{content}\x1e".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month and its quarantined rows, in memory."""
        return self.stream_month(month).collect()

    def stream_month(self, month: str) -> MonthStream:
        """The same as they are read."""
        first_day(month)
        files: list[tuple[DeclarationFile, str | None]] = []
        for path, name, hashes in self._files_of(month):
            with _named_errors(name):
                files.append((open_file(path, name, self.form), next(iter(hashes), None)))
        stream = judged_month(
            month, [name for file, _ in files for name in file.names], self._lots(files, month), self.form
        )
        seen = ((getattr(file, "seen", None), file.name) for file, _ in files)
        stream.seen = [replace(of, name=name) for of, name in seen if of is not None]
        return stream

    def _lots(self, files: list[tuple[DeclarationFile, str | None]], month: str) -> Iterator[tuple[RawRows, str]]:
        for file, first_month in files:
            with _named_errors(file.name):
                for rows in rows_of_month(file, month, self._today, first_month, self.form):
                    yield rows, file.name


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Turn the operating system's errors into a sentence that names the file."""
    try:
        yield
    except OSError as error:
        raise unreadable(error, f"{name} cannot be read: {error.strerror or error}") from error


def rows_of_month(
    file: DeclarationFile, month: str, today: date, first_month: str | None, form: Form
) -> Iterator[RawRows]:
    """The rows of one file that belong to a month, in order.

    Args:
        file: the file.
        month: the month (``YYYY-MM``).
        today: the last day a declaration may bear.
        first_month: the month of the file's first row; None where the whole file is of the month.
        form: the form of the declarations.
    """
    if isinstance(file, ParquetFile):
        wanted = np.ones(file.row_count, dtype=bool)
        if first_month:
            wanted = filled_down(dated_months(file.dates(), today, form), month_number(first_month))
            wanted = wanted == month_number(month)
        yield from file.rows(wanted)
        return
    above = month_number(first_month) if first_month else None
    for rows in file.rows():
        if above is None:
            yield rows
        elif len(rows.numbers) or rows.broken:
            sound, broken, _, above = row_months(rows, today, above, form)
            wanted = sound == month_number(month)
            kept = [row for row, of_row in zip(rows.broken, broken, strict=True) if of_row == month_number(month)]
            yield RawRows(rows.cells.filter(pa.array(wanted)), rows.numbers[wanted], kept)
