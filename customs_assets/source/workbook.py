"""Workbooks of Excel (``.xlsx``, ``.xlsm``), as sheets of cells: what their parts say, read as a stream.

A workbook is a zip archive of XML. Only what tells the values of cells is read: the list of sheets, shared strings, number
formats and the cells with the values that were saved. So no formula is computed, no macro runs, and no link is followed. What
the cells mean stands in ``workbook_rows``.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from customs_assets.source.limits import refuse_large_file, refuse_large_workbook
from customs_assets.source.reading import SourceError, unreadable
from customs_assets.source.rules import MAXIMUM_CHARACTERS
from customs_assets.source.workbook_values import (
    DATE_FORMATS,
    PERCENT_FORMATS,
    Cell,
    CellKind,
    column_number,
    date_of_serial,
    plain_number,
    shown_by,
)
from customs_assets.source.xml_stream import stream_xml, without_namespaces

_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, KeyError, ValueError)

_LETTERS = re.compile("[A-Z]{1,3}")
_TYPES = {"e": CellKind.ERROR, "d": CellKind.DATE}

Row = tuple[int, list[Cell]]


class Sheet(NamedTuple):
    """A sheet of cells: its name, its part of the archive, and whether it is hidden."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """A workbook of a file.

    Args:
        path: the file.
        name: what messages call it.

    Attributes:
        sheets: its sheets of cells, in their order; charts are none.

    Raises:
        SourceError: it is no workbook, is damaged or protected by a password, or would unpack to too many bytes.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        refuse_large_file(path, name)
        _refuse_other_files(path, name)
        with self._open() as archive:
            refuse_large_workbook(
                {info.filename: info.file_size for info in archive.infolist()}, path.stat().st_size, name
            )
            if any(info.flag_bits & 1 for info in archive.infolist()):
                raise SourceError(f"{name} is protected by a password; save it without one")
            self._parts = set(archive.namelist())
            main = self._main_part(archive)
            targets = self._targets(archive, main)
            self.sheets, self._from_1904 = self._sheets(archive, main, targets)
            self._strings_part = next((part for kind, part in targets.values() if kind == "sharedStrings"), None)
            styles = next((part for kind, part in targets.values() if kind == "styles"), None)
            self._shown_as = self._styles(archive, styles) if styles else []

    @contextmanager
    def _open(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except SourceError:
            raise
        except _DAMAGE as error:
            what = str(error).strip().partition("\n")[0][:200] or type(error).__name__
            sentence = f"{self.name} is no readable workbook ({what}); it may be cut short: fetch it again"
            raise unreadable(error, sentence) from error

    def _read(
        self,
        archive: zipfile.ZipFile,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] = lambda name: None,
        text: Callable[[str], None] = lambda text: None,
    ) -> Iterator[None]:
        if part not in self._parts:
            raise SourceError(f"{self.name} is no readable workbook (it lacks {part[:80]}); fetch it again")
        with archive.open(part) as stream:
            yield from stream_xml(stream, f"{self.name} ({part[:80]})", start, end, text)

    def _main_part(self, archive: zipfile.ZipFile) -> str:
        if "xl/workbook.bin" in self._parts:
            raise SourceError(f"{self.name} is a binary workbook (.xlsb); save it as .xlsx")
        if "mimetype" in self._parts:
            raise SourceError(f"{self.name} is an OpenDocument file; save it as .xlsx")
        if "_rels/.rels" not in self._parts:
            raise SourceError(f"{self.name} is a zip archive, and no workbook; unpack it")
        found = [part for kind, part in self._targets(archive, "").values() if kind == "officeDocument"]
        if not found or found[0] not in self._parts:
            raise SourceError(f"{self.name} is a zip archive, and no workbook; unpack it")
        return found[0]

    def _targets(self, archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to, by the ID that it uses: the kind, and the part."""
        folder, file = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(name: str, said: dict[str, str]) -> None:
            if name == "Relationship" and said.get("TargetMode") != "External":
                kind, target = said.get("Type", "").rpartition("/")[2], said.get("Target", "")
                place = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[said.get("Id", "")] = kind, posixpath.normpath(place)

        for _ in self._read(archive, posixpath.join(folder, "_rels", f"{file}.rels"), start):
            pass
        return found

    def _sheets(
        self, archive: zipfile.ZipFile, main: str, targets: dict[str, tuple[str, str]]
    ) -> tuple[list[Sheet], bool]:
        """The sheets of cells, and whether dates count from 1904."""
        sheets: list[Sheet] = []
        from_1904 = False

        def start(name: str, said: dict[str, str]) -> None:
            nonlocal from_1904
            if name == "workbookPr":
                from_1904 = said.get("date1904", "0") in ("1", "true")
            elif name == "sheet":
                kind, part = targets.get(without_namespaces(said).get("id", ""), ("", ""))
                if kind == "worksheet":
                    hidden = said.get("state", "visible") != "visible"
                    sheets.append(Sheet(said.get("name", ""), part, hidden))

        for _ in self._read(archive, main, start):
            pass
        if not sheets:
            raise SourceError(f"{self.name} has no sheet of cells")
        return sheets, from_1904

    def _styles(self, archive: zipfile.ZipFile, part: str) -> list[CellKind]:
        """What the numbers of each cell style are shown as: numbers, dates or percentages."""
        custom: dict[int, CellKind] = {}
        shown: list[CellKind] = []
        in_cells = False

        def start(name: str, said: dict[str, str]) -> None:
            nonlocal in_cells
            if name == "numFmt":
                custom[_whole(said.get("numFmtId", ""))] = shown_by(said.get("formatCode", ""))
            elif name == "cellXfs":
                in_cells = True
            elif name == "xf" and in_cells:
                number = _whole(said.get("numFmtId", "0"))
                common = CellKind.DATE if number in DATE_FORMATS else CellKind.NUMBER
                shown.append(custom.get(number, CellKind.PERCENT if number in PERCENT_FORMATS else common))

        def end(name: str) -> None:
            nonlocal in_cells
            in_cells = in_cells and name != "cellXfs"

        for _ in self._read(archive, part, start, end):
            pass
        return shown

    def _strings(self, archive: zipfile.ZipFile, most: int | None) -> list[str]:
        """The shared strings, or the first so many of them; a long one is cut."""
        found: list[str] = []
        pieces: list[str] = []
        length, is_text, aside = 0, False, 0

        def start(name: str, said: dict[str, str]) -> None:
            nonlocal is_text, aside, length
            if name == "si":
                pieces.clear()
                length = 0
            elif name in ("rPh", "phoneticPr"):
                # How a text is pronounced is no part of it.
                aside += 1
            is_text = name == "t" and not aside

        def end(name: str) -> None:
            nonlocal is_text, aside
            if name == "si":
                found.append("".join(pieces))
            elif name in ("rPh", "phoneticPr"):
                aside -= 1
            is_text = False

        def text(piece: str) -> None:
            nonlocal length
            if is_text and length <= MAXIMUM_CHARACTERS:
                pieces.append(piece[: MAXIMUM_CHARACTERS + 1])
                length += len(piece)

        if self._strings_part:
            for _ in self._read(archive, self._strings_part, start, end, text):
                if most is not None and len(found) >= most:
                    break
        return found

    def first_rows(self, sheet: Sheet, most: int) -> list[Row]:
        """The first rows of a sheet that are not empty, so many at most."""
        with self._open() as archive:
            found: list[tuple[int, list[_Raw]]] = []
            for rows in self._raw_rows(archive, sheet):
                found += rows
                if len(found) >= most:
                    break
            needed = [_whole(raw.text) for _, raws in found[:most] for raw in raws if raw.type == "s"]
            strings = self._strings(archive, max(needed, default=-1) + 1)
        return [(number, self._cells(raws, strings)) for number, raws in found[:most]]

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows of a sheet that are not empty, in order, each with its number (from 1) and its cells."""
        with self._open() as archive:
            strings = self._strings(archive, None)
            for rows in self._raw_rows(archive, sheet):
                for number, raws in rows:
                    yield number, self._cells(raws, strings)

    def _raw_rows(self, archive: zipfile.ZipFile, sheet: Sheet) -> Iterator[list[tuple[int, list[_Raw]]]]:
        reader = _SheetReader()
        for _ in self._read(archive, sheet.part, reader.start, reader.end, reader.text):
            rows, reader.rows = reader.rows, []
            yield rows

    def _cells(self, raws: list[_Raw], strings: list[str]) -> list[Cell]:
        return [cell for raw in raws if (cell := self._cell(raw, strings)) is not None]

    def _cell(self, raw: _Raw, strings: list[str]) -> Cell | None:
        column, style, kind, text, is_formula = raw
        if kind == "s":
            place = _whole(text)
            if not 0 <= place < len(strings):
                raise SourceError(f"{self.name} points at a text that it does not hold ({text[:20]!r}); fetch it again")
            text, kind = strings[place], "str"
        if kind in ("str", "inlineStr"):
            return Cell(column, CellKind.TEXT, text) if text else None
        if text == "":
            return Cell(column, CellKind.UNCALCULATED, "") if is_formula else None
        if kind == "b":
            return Cell(column, CellKind.TRUTH, "0" if text in ("0", "false") else "1")
        if kind in _TYPES:
            return Cell(column, _TYPES[kind], text)
        return self._number(column, style, text)

    def _number(self, column: int, style: int, text: str) -> Cell:
        """A number, as its style shows it."""
        shown = self._shown_as[style] if 0 <= style < len(self._shown_as) else CellKind.NUMBER
        number = plain_number(text)
        if shown is CellKind.DATE:
            written = date_of_serial(number, self._from_1904)
            return Cell(column, CellKind.DATE, written) if written else Cell(column, CellKind.NUMBER, number)
        return Cell(column, shown, number)

    def serial_date(self, text: str) -> str | None:
        """The day (ISO 8601) of a number of days as this workbook counts them; None where it is none."""
        return date_of_serial(text, self._from_1904)


class _Raw(NamedTuple):
    """A cell as a sheet has it: its column, its style, its type, its text, and whether it is a formula."""

    column: int
    style: int
    type: str
    text: str
    is_formula: bool


class _SheetReader:
    """The rows of a sheet, from its events."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, list[_Raw]]] = []
        self._number = self._column = 0
        self._cells: list[_Raw] = []
        self._style, self._type, self._is_formula = 0, "n", False
        self._takes, self._aside, self._inline, self._length = False, 0, False, 0
        self._pieces: list[str] = []

    def start(self, name: str, said: dict[str, str]) -> None:
        if name == "v":
            self._takes = True
        elif name == "c":
            letters = said.get("r", "").rstrip("0123456789")
            self._column = column_number(letters) if _LETTERS.fullmatch(letters) else self._column + 1
            self._style, self._type = _whole(said.get("s", "0")), said.get("t", "n")
            self._is_formula, self._inline, self._length = False, False, 0
            self._pieces = []
        elif name == "row":
            number = said.get("r", "")
            self._number = max(_whole(number), self._number + 1)
            self._column, self._cells = -1, []
        elif name == "f":
            self._is_formula = True
        elif name == "is":
            self._inline = True
        elif name == "rPh":
            self._aside += 1
        elif name == "t":
            self._takes = self._inline and not self._aside

    def end(self, name: str) -> None:
        if name == "c":
            text = "".join(self._pieces)
            if text or self._is_formula:
                self._cells.append(_Raw(self._column, self._style, self._type, text, self._is_formula))
        elif name in ("v", "t"):
            self._takes = False
        elif name == "row":
            if self._cells:
                self.rows.append((self._number, self._cells))
        elif name == "rPh":
            self._aside -= 1

    def text(self, piece: str) -> None:
        if self._takes and self._length <= MAXIMUM_CHARACTERS:
            self._pieces.append(piece[: MAXIMUM_CHARACTERS + 1])
            self._length += len(piece)


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


def _whole(text: str) -> int:
    """A number of an attribute; -1 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
