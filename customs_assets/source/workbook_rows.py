"""Declarations in workbooks: which sheet has them, where its headers stand, and its cells as the text that a CSV file would hold.

So one set of rules judges both. A date is ISO 8601, a number has the form's marks, a truth value is a word in a label. What a
spreadsheet alone does to a cell costs its row: a formula that was never calculated, digits that a number of over 15 has lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import Form
from customs_assets.forms.form import AMOUNT_RECOVERED
from customs_assets.source.causes import lines_above
from customs_assets.source.dates import parse_date
from customs_assets.source.headers import column_names, missing_attributes
from customs_assets.source.limits import COLUMNS
from customs_assets.source.quarantine import QuarantinedRow, Reason, record_text
from customs_assets.source.reading import RawRows, SourceError, raw_rows
from customs_assets.source.workbook import Cell, CellKind, Row, Sheet, Workbook, column_letters, plain_number

BATCH_ROWS = 8192
# Headers stand within so many rows that are not empty.
FIRST_ROWS = 50
# Numbers of days that are dates of 1990 to 2099, for cells of dates that lost their format.
_FIRST_SERIAL, _LAST_SERIAL = 32_874, 73_050

_KINDS = {attribute.name: attribute.kind for attribute in CATALOGUE}
_DIGITS_LOST = 15


class WorkbookFile:
    """A workbook of declarations: the one sheet of it that has the columns of a form.

    Args:
        path: the file.
        name: what messages and the quarantine call it.
        form: the form of its declarations.

    Raises:
        SourceError: it is no workbook, or is damaged, or no sheet or more than one has the columns.
    """

    def __init__(self, path: Path, name: str, form: Form) -> None:
        self.path = path
        self.name = name
        self._form = form
        self._workbook = Workbook(path, name, FIRST_ROWS)
        self.sheet, self._header_number, self._headers = self._find_sheet()
        self.names = column_names(self._headers, self._place, form)

    @property
    def _place(self) -> str:
        return self.name if len(self._workbook.sheets) == 1 else f"the sheet {self.sheet.name!r} of {self.name}"

    def _find_sheet(self) -> tuple[Sheet, int, list[str]]:
        """The sheet that has the columns, the number of the row of its headers, and the headers."""
        sheets = self._workbook.sheets
        found = [(sheet, *header) for sheet in sheets if (header := self._header(sheet.first_rows)) is not None]
        whole = [each for each in found if not missing_attributes(self._spelled(each[2]), self._form)]
        if len(whole) == 1:
            return whole[0]
        if whole:
            named = ", ".join(f"{sheet.name!r}{' (hidden)' if sheet.hidden else ''}" for sheet, _, _ in whole[:12])
            raise SourceError(
                f"{self.name} has declarations in {len(whole)} sheets: {named}; which of them counts? Keep one in the file, and "
                "save the others as files of their own"
            )
        if not found:
            raise SourceError(f"{self.name} is empty: it has no header row")
        sheet = max(sheets, key=lambda each: self._known(each.first_rows))
        if cause := self._other_row(sheet.first_rows):
            raise SourceError(f"{self.name}, sheet {sheet.name!r}: {cause}")
        return next((each for each in found if each[0] is sheet), found[0])

    def _spelled(self, headers: Sequence[str]) -> list[str]:
        return [self._form.spelled(header) for header in headers]

    def _header(self, rows: Sequence[Row]) -> tuple[int, list[str]] | None:
        """The first row that is not empty below the lines to skip: its number and its headers."""
        for number, cells in rows:
            if number > self._form.skip_lines and any(cell.text.strip() for cell in cells):
                return number, headers_of(cells, self.name)
        return None

    def _known(self, rows: Sequence[Row]) -> int:
        return max((sum(self._form.known(cell.text) for cell in cells) for _, cells in rows), default=0)

    def _other_row(self, rows: Sequence[Row]) -> str:
        """Why the first row has not the headers, where another one has."""
        known, number = max((self._known([row]), -row[0]) for row in rows)
        above = next(cells for _, cells in rows if any(cell.text.strip() for cell in cells))
        if known < 3 or -number <= self._form.skip_lines + 1:
            return ""
        return lines_above(-number - 1, " ".join(cell.text for cell in above))

    def rows(self) -> Iterator[RawRows]:
        """The rows below the headers that are not empty, in order, some thousands at a time.

        Raises:
            SourceError: the workbook is damaged.
        """
        lot: list[tuple[int, list[str]]] = []
        broken: list[QuarantinedRow] = []
        for number, cells in self._workbook.rows(self.sheet):
            if number <= self._header_number or not any(cell.text.strip() or _is_fault(cell) for cell in cells):
                continue
            texts, fault = self._texts(cells)
            if fault is None:
                lot.append((number, texts))
            else:
                broken.append(self._broken(number, texts, *fault))
            if len(lot) + len(broken) >= BATCH_ROWS:
                yield raw_rows(self.names, lot, broken)
                lot, broken = [], []
        if lot or broken:
            yield raw_rows(self.names, lot, broken)

    def _texts(self, cells: Sequence[Cell]) -> tuple[list[str], tuple[Reason, str, str] | None]:
        """The text of each column of a row, and what makes it unreadable: the reason, the column, a sentence."""
        texts = [""] * len(self.names)
        fault: tuple[Reason, str, str] | None = None
        for cell in cells:
            if cell.column >= len(texts):
                if cell.text.strip() and fault is None:
                    where, last = column_letters(cell.column), column_letters(len(texts) - 1)
                    fault = (
                        Reason.WRONG_FIELD_COUNT,
                        "",
                        f"the row has a cell in column {where}, and the headers end in {last}",
                    )
                continue
            name = self.names[cell.column]
            texts[cell.column] = _text(cell, name, self._form, self._workbook)
            if fault is None and (name in _KINDS or name == AMOUNT_RECOVERED):
                fault = _fault(cell, name)
        return texts, fault

    def _broken(self, number: int, texts: list[str], reason: Reason, column: str, sentence: str) -> QuarantinedRow:
        record = dict(zip(self.names, texts, strict=True))
        return QuarantinedRow(
            reason, sentence, "", number, column, record.get("declaration_id", ""), record_text(record)
        )


def headers_of(cells: Sequence[Cell], name: str) -> list[str]:
    """The headers of a row, one for each column up to the last that has one.

    Raises:
        SourceError: there are more than a file of declarations has.
    """
    last = max((cell.column for cell in cells if cell.text.strip()), default=-1)
    if last >= COLUMNS:
        raise SourceError(
            f"{name} has headers up to column {column_letters(last)}; a file of declarations has at most {COLUMNS:,}"
        )
    headers = [""] * (last + 1)
    for cell in cells:
        if cell.column <= last:
            headers[cell.column] = cell.text
    return headers


def _is_fault(cell: Cell) -> bool:
    return cell.kind is CellKind.UNCALCULATED


def _fault(cell: Cell, name: str) -> tuple[Reason, str, str] | None:
    """What a spreadsheet did to the cell of an attribute."""
    if cell.kind is CellKind.UNCALCULATED:
        sentence = f"{name} is a formula whose value was not saved; open the file in a spreadsheet and save it again"
        return Reason.NO_VALUE_OF_FORMULA, name, sentence
    is_name = _KINDS.get(name) in (Kind.KEY, Kind.IDENTITY, Kind.CODE)
    if is_name and cell.kind is CellKind.NUMBER and "e" in cell.text:
        sentence = (
            f"{name} is a number of more than {_DIGITS_LOST} digits, of which a spreadsheet keeps {_DIGITS_LOST}: make the "
            "column text and export it again"
        )
        return Reason.MALFORMED_CODE, name, sentence
    return None


def _text(cell: Cell, name: str, form: Form, workbook: Workbook) -> str:
    """A cell as the text that a CSV file of the form would hold."""
    kind, text = _KINDS.get(name), cell.text
    if cell.kind is CellKind.TRUTH and kind is Kind.LABEL:
        return "true" if text == "1" else "false"
    if cell.kind is CellKind.PERCENT:
        # What is shown as 8% is saved as 0.08.
        text = plain_number(round(float(text) * 100, 10)) if kind is Kind.NUMBER else text
    if kind is Kind.DATE and cell.kind is CellKind.NUMBER:
        return _date(text, form, workbook)
    if cell.kind in (CellKind.NUMBER, CellKind.PERCENT) and (kind is Kind.NUMBER or name == AMOUNT_RECOVERED):
        # What is a number already gets the form's mark, because the rules expect it.
        return text.replace(".", form.decimal)
    return text


def _date(text: str, form: Form, workbook: Workbook) -> str:
    """A number in a column of dates: a day that lost its format, unless the form reads it otherwise."""
    if parse_date(text, form) is not None:
        return text
    is_serial = text.replace(".", "", 1).isdigit() and _FIRST_SERIAL <= float(text) < _LAST_SERIAL
    return (workbook.serial_date(text) if is_serial else None) or text
