"""Workbooks of Excel (``.xlsx``, ``.xlsm``), as sheets of cells, read by openpyxl a row at a time.

What belongs here is which file is a workbook, and what its cells are: days, percentages, plain numbers. No formula is computed,
no macro runs, and no link is followed. What the cells mean stands in ``workbook_rows``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree.ElementTree import ParseError

import numpy as np

from customs_assets.source.limits import refuse_large_file, refuse_large_workbook
from customs_assets.source.reading import SourceError, unreadable
from customs_assets.source.rules import MAXIMUM_CHARACTERS
from customs_assets.source.xml_stream import document_type_refused, not_well_formed

if TYPE_CHECKING:
    from customs_assets.source.workbook_parts import Reader

ROWS_OF_A_SHEET = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_EXACT_DIGITS = 15
# The days that a date can be: from 1899-12-30 (or 1904-01-01) to 9999-12-31.
_LAST_DAY = 2_958_466


class CellKind(Enum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    DATE = "date"
    TRUTH = "truth"
    ERROR = "error"
    UNCALCULATED = "uncalculated"


class Cell(NamedTuple):
    """A cell that is not empty.

    Attributes:
        column: its column, from 0.
        kind: what it holds.
        text: its value: a date as ISO 8601, a number with a decimal point (a percentage as the share that is saved).
    """

    column: int
    kind: CellKind
    text: str


Row = tuple[int, list[Cell]]


class Sheet(NamedTuple):
    """A sheet of cells: its name, whether it is hidden, its part of the archive, and its first rows that are not empty."""

    name: str
    hidden: bool
    part: str
    first_rows: list[Row]


class Workbook:
    """A workbook of a file.

    Args:
        path: the file.
        name: what messages call it.
        first_rows: how many rows of each sheet to look at.

    Attributes:
        sheets: its sheets of cells, in their order; charts are none.

    Raises:
        SourceError: it is no workbook, is damaged or protected by a password, or would unpack to too many bytes.
    """

    def __init__(self, path: Path, name: str, first_rows: int) -> None:
        self.path = path
        self.name = name
        self._checked: set[str] = set()
        refuse_large_file(path, name)
        _refuse_other_files(path, name)
        with self._opened() as reader:
            self._epoch = reader.wb.epoch
            self.sheets = [
                Sheet(title, hidden, part, [*islice(self._rows_of(reader, part), first_rows)])
                for title, hidden, part in reader.listed
            ]
        if not self.sheets:
            raise SourceError(f"{name} has no sheet of cells")

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows of a sheet that are not empty, in order, each with its number (from 1) and its cells."""
        with self._opened() as reader:
            yield from self._rows_of(reader, sheet.part)

    def _rows_of(self, reader: Reader, part: str) -> Iterator[Row]:
        shown_as = cache(lambda style: shown_by(reader.number_format(style)))
        last = 0
        for number, raws in reader.rows(part):
            last = max(number, last + 1)
            if last > ROWS_OF_A_SHEET:
                raise SourceError(f"{self.name} has a row {last:,}; a sheet has at most {ROWS_OF_A_SHEET:,}")
            if cells := [cell for raw in raws if (cell := self._cell(raw, shown_as)) is not None]:
                yield last, cells

    def _cell(self, raw: dict[str, Any], shown_as: Callable[[int], CellKind]) -> Cell | None:
        column, value, kind = raw["column"] - 1, raw["value"], raw["data_type"]
        if kind == "f":
            return Cell(column, CellKind.UNCALCULATED, "")
        if value is None or value == "":
            return None
        if kind == "n":
            return self._number(column, value, shown_as(raw["style_id"]))
        if kind == "b":
            return Cell(column, CellKind.TRUTH, "1" if value else "0")
        if kind == "d":
            return Cell(column, CellKind.DATE, iso_text(value))
        return Cell(column, CellKind.ERROR if kind == "e" else CellKind.TEXT, value[: MAXIMUM_CHARACTERS + 1])

    def _number(self, column: int, value: float, shown: CellKind) -> Cell:
        """A number, as its style shows it."""
        if shown is CellKind.DATE:
            day = date_of_serial(value, self._epoch)
            return Cell(column, CellKind.DATE, day) if day else Cell(column, CellKind.NUMBER, plain_number(value))
        return Cell(column, shown, plain_number(value))

    def serial_date(self, text: str) -> str | None:
        """The day (ISO 8601) of a number of days as this workbook counts them; None where it is none."""
        return date_of_serial(float(text), self._epoch)

    @contextmanager
    def _opened(self) -> Iterator[Reader]:
        from customs_assets.source.workbook_parts import CheckedArchive, Reader

        part = ""
        try:
            with CheckedArchive(self.path, self.name, self._checked) as archive:
                try:
                    self._refuse_other_archives(archive)
                    yield Reader(archive, self.path, self.name)
                finally:
                    part = archive.part
        except SourceError:
            raise
        except Exception as error:  # What a damaged workbook raises is many things.
            raise unreadable(error, self._cause(error, part)) from error

    def _refuse_other_archives(self, archive: zipfile.ZipFile) -> None:
        """Raise SourceError where a zip archive is no workbook of this kind, or a harmful one."""
        parts = {info.filename: info.file_size for info in archive.infolist()}
        refuse_large_workbook(parts, self.path.stat().st_size, self.name)
        if any(info.flag_bits & 1 for info in archive.infolist()):
            raise SourceError(f"{self.name} is protected by a password; save it without one")
        if "xl/workbook.bin" in parts:
            raise SourceError(f"{self.name} is a binary workbook (.xlsb); save it as .xlsx")
        if "mimetype" in parts:
            raise SourceError(f"{self.name} is an OpenDocument file; save it as .xlsx")
        if b"purl.oclc.org/ooxml/" in (archive.read("_rels/.rels") if "_rels/.rels" in parts else b""):
            raise SourceError(
                f"{self.name} is a workbook of the kind 'Strict Open XML'; save it as 'Excel Workbook (.xlsx)'"
            )
        if "[Content_Types].xml" not in parts or not any(part.startswith("xl/") for part in parts):
            raise SourceError(f"{self.name} is a zip archive, and no workbook; unpack it")

    def _cause(self, error: BaseException, part: str) -> str:
        """The sentence about what openpyxl, its XML or the archive raised."""
        from defusedxml.common import DefusedXmlException

        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__
        if isinstance(first, DefusedXmlException):
            return document_type_refused(f"{self.name} ({part[:80]})")
        if isinstance(first, ParseError):
            return not_well_formed(first.code, *first.position, f"{self.name} ({part[:80]})")
        what = str(first).strip().partition("\n")[0][:200] or type(first).__name__
        if isinstance(first, (zipfile.error, EOFError, OSError)):
            return f"{self.name} is no readable workbook ({what}); it may be cut short: fetch it again"
        return (
            f"{self.name} is no readable workbook ({part[:80]}: {what}); open it in a spreadsheet and save it again, or fetch "
            "it again"
        )


def _refuse_other_files(path: Path, name: str) -> None:
    """Raise SourceError where a file is no zip archive, with what it is."""
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        raise SourceError(f"{name} is empty (0 bytes)")
    if start.startswith(_ZIP):
        return
    if start.startswith(_OLE):
        what = "is a workbook of before 2007 (.xls) or one with a password; save it as .xlsx, without a password"
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        what = "is text with markup (HTML or XML) under the name of a workbook; open it in a spreadsheet and save it as .xlsx"
    elif b"\0" not in start and b"\n" in start:
        what = "is text under the name of a workbook; if it is CSV, name it .csv"
    else:
        what = "is no workbook; it may be damaged: fetch it again"
    raise SourceError(f"{name} {what}")


def column_letters(number: int) -> str:
    """The letters of a column by its number, from 0."""
    from openpyxl.utils import get_column_letter

    return get_column_letter(number + 1)


def shown_by(number_format: str) -> CellKind:
    """What a number format shows: dates (or times), percentages or numbers."""
    from openpyxl.styles.numbers import is_date_format

    if is_date_format(number_format):
        return CellKind.DATE
    return CellKind.PERCENT if "%" in number_format.partition(";")[0] else CellKind.NUMBER


def plain_number(value: float) -> str:
    """A number without what binary fractions add to it: ``901210000.0`` is ``901210000``; one of over 15 digits has an ``e``."""
    if abs(value) >= 10**_EXACT_DIGITS:
        # A whole number may be too long for a float, and then its text is one of an infinite float.
        return np.format_float_scientific(float(str(value)), trim="-")
    return str(int(value)) if float(value).is_integer() else repr(value)


def date_of_serial(value: float, epoch: datetime) -> str | None:
    """The day (and the time, where there is one) of a number of days since an epoch, as ISO 8601; None where it is none."""
    from openpyxl.utils.datetime import from_excel

    return iso_text(from_excel(value, epoch)) if 0 <= value < _LAST_DAY else None


def iso_text(moment: date | datetime | time | Any) -> str:
    """A day, a moment or a time as ISO 8601; midnight is the day alone."""
    if isinstance(moment, datetime) and moment.time() == time():
        return moment.date().isoformat()
    return moment.isoformat() if isinstance(moment, (date, time)) else str(moment)
