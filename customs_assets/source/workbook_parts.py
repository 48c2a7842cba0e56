"""What of a workbook is given to openpyxl, and how its parts are kept from filling memory.

openpyxl reads sheets row by row through defusedxml, which refuses entities. Parts that say nothing of cells (properties, themes,
charts, macros) are not opened. This module imports openpyxl where it begins, so it is imported where a workbook is read.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from customs_assets.source.limits import refuse_large_part, refuse_swollen_part
from customs_assets.source.reading import SourceError

# Number formats of East Asian Excels that are dates (ECMA-376, part 1, 18.8.30), which openpyxl leaves out.
_EAST_ASIAN_DATES = frozenset([*range(27, 37), *range(50, 59)])

# What openpyxl would have to say of parts that are not written back.
warnings.filterwarnings("ignore", module="openpyxl")


class CheckedArchive(zipfile.ZipFile):
    """The parts of a workbook, each checked before it is read.

    Args:
        path: the file.
        name: what messages call it.
        checked: the parts that were checked before; grows.

    Attributes:
        part: the part that was opened last.
    """

    def __init__(self, path: Path, name: str, checked: set[str]) -> None:
        super().__init__(path)
        self.part = ""
        self._name = name
        self._checked = checked

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """A part as a whole; openpyxl makes a tree of it."""
        refuse_large_part(self.getinfo(name).file_size, self._named(name))
        return super().read(name, pwd)

    def open(self, name: Any, mode: Any = "r", *args: Any, **more: Any) -> IO[bytes]:
        """A part as a stream."""
        self.part = str(name)
        if self.part not in self._checked:
            self._checked.add(self.part)
            size = self.getinfo(self.part).file_size
            with super().open(name, mode) as stream:
                refuse_swollen_part(stream, size, self._named(self.part))
        return super().open(name, mode, *args, **more)

    def _named(self, part: str) -> str:
        return f"{self._name} ({part[:80]})"


class Reader(ExcelReader):
    """openpyxl's reader of workbooks, of which it reads what tells the cells.

    Attributes:
        listed: the sheets of cells: name, whether it is hidden, and its part.
    """

    def __init__(self, archive: CheckedArchive, path: Path, name: str) -> None:
        self._name = name
        with path.open("rb") as stream:
            super().__init__(stream, read_only=True, data_only=True, keep_links=False)
        self.archive = archive
        self.listed: list[tuple[str, bool, str]] = []
        self.read()

    def read_properties(self) -> None:
        """Nothing: who wrote a workbook says nothing of its cells."""

    read_custom = read_theme = read_properties

    def read_worksheets(self) -> None:
        """List the sheets; their rows are read one by one."""
        for sheet, related in self.parser.find_sheets():
            if related.Type.endswith("/worksheet"):
                self.listed.append((sheet.name, sheet.state != "visible", related.target))

    def rows(self, part: str) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """The rows of a sheet: the number that each has, and its cells as openpyxl tells them (see :class:`CellParser`)."""
        with self.archive.open(part) as stream:
            yield from CellParser(stream, self.shared_strings, self._name).parse()

    def number_format(self, style: int) -> str:
        """The number format of a cell style, by its place."""
        book: Any = self.wb
        styles = book._cell_styles
        number = styles[style].numFmtId if 0 <= style < len(styles) else 0
        if number in _EAST_ASIAN_DATES:
            return "yyyy-mm-dd"
        if number < BUILTIN_FORMATS_MAX_SIZE:
            return BUILTIN_FORMATS.get(number, "General")
        return book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE]


class CellParser(WorkSheetParser):
    """openpyxl's parser of sheets, which also tells a formula whose value was not saved (``data_type`` is ``f``)."""

    def __init__(self, stream: IO[bytes], strings: list[str], name: str) -> None:
        # Without formats of dates, openpyxl leaves numbers as they are saved.
        super().__init__(stream, strings, data_only=True)
        self._name = name

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """A cell: ``column`` (from 1), ``value`` (None where it is empty), ``data_type`` and ``style_id``."""
        try:
            cell = super().parse_cell(element)
        except IndexError:
            text = "".join(element.itertext())[:20]
            raise SourceError(
                f"{self._name} points at a text that it does not hold ({text!r}); fetch it again"
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            text, place = "".join(element.itertext())[:20], element.get("r", f"in row {self.row_counter}")
            raise SourceError(
                f"{self._name} has a cell {place[:20]} that holds {text!r} and says that it is something else; open the "
                "workbook in a spreadsheet and save it again"
            ) from error
        if cell["value"] is None and cell["data_type"] not in ("str", "s") and element.find(FORMULA_TAG) is not None:
            cell["data_type"] = "f"
        return cell
