"""CSV files, cut into rows: encodings, quoting, and the rows that cannot be cut.

A file is read in blocks, so that memory stays bounded whatever its size. Arrow cuts a block in which every row is
sound. Any other block is cut row by row, so that a quote that is never closed, or that is closed in the middle of a
cell, costs its own line alone. What the cells must say stands in ``rules.py``; why no library does all of this stands
in ``docs/data.md``.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from customs_assets.forms import Form
from customs_assets.source.causes import other_header
from customs_assets.source.headers import column_names, missing_attributes, read_as
from customs_assets.source.limits import refuse_large_file
from customs_assets.source.quarantine import QuarantinedRow, Reason, excerpt, record_text
from customs_assets.source.reading import FileSeen, RawRows, SourceError

BLOCK_BYTES = 1 << 20
# A line longer than this is not a declaration; a file that has one is not a file of declarations.
LINE_BYTES = 1 << 20
# A quoted cell may hold line breaks, but a row of more lines has lost a quote.
ROW_LINES = 50

_LF, _CR, _QUOTE = b'\n\r"'
# The line by which a spreadsheet is told what separates cells.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook (name a workbook .xlsx)",
    b"\x1f\x8b": "compressed with gzip",
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
    b"PAR1": "Parquet",
}
# How the csv module says that a quote is open at the end of its lines, and that a cell has more than 131,072
# characters.
_QUOTE_IS_OPEN = "unexpected end of data"
_CELL_TOO_LONG = "field larger than field limit"


class CsvFile:
    """A CSV file of declarations, with the separator and in an encoding of its form.

    The encoding is the first of the form's that decodes the whole file; where none does, the file is UTF-8 with damaged
    rows. Blank lines are no rows, but they count in the rows' numbers.

    Args:
        path: the file.
        name: its name in messages and in the quarantine.
        form: the form of its declarations.

    Raises:
        SourceError: the file is empty, no CSV, or lacks columns.
    """

    def __init__(self, path: Path, name: str, form: Form) -> None:
        self.path = path
        self.name = name
        self._form = form
        refuse_large_file(path, name)
        self.encoding = _encoding(path, name, form.encodings)
        self._headers, self._header_number, self._header_bytes = self._read_header()
        self.names = column_names(self._headers, name, form)

    @property
    def seen(self) -> FileSeen:
        """How the file is written, and what its columns are read as."""
        return FileSeen(
            "CSV",
            self.encoding or "",
            self._form.separator,
            self._header_number - 1,
            *read_as(self._headers, self._form),
        )

    def _blocks(self, skipped: int = 0) -> Iterator[bytes]:
        """The file in blocks, in UTF-8, without the byte order mark and the bytes to skip."""
        is_utf8 = self.encoding is None or codecs.lookup(self.encoding).name == "utf-8"
        recode = None if is_utf8 else codecs.getincrementaldecoder(str(self.encoding))()
        with self.path.open("rb") as stream:
            if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                stream.seek(0)
            while block := stream.read(BLOCK_BYTES):
                text = recode.decode(block).encode() if recode else block
                yield text[skipped:]
                skipped = max(skipped - len(text), 0)

    def _read_header(self) -> tuple[list[str], int, int]:
        """The headers, the number of their row, and how many bytes the file has up to its end."""
        buffer = b""
        for block in self._blocks():
            buffer += block
            if len(buffer) > LINE_BYTES:
                break
        lines = _lines(buffer)[: ROW_LINES + self._form.skip_lines]
        try:
            number, headers, taken = self._first_row(lines)
        except csv.Error as error:
            raise SourceError(f"{self.name} has no readable header row ({error})") from error
        headers = [name.encode(errors="surrogateescape").decode(errors="replace") for name in headers]
        names = [self._form.spelled(header) for header in headers]
        if missing_attributes(names, self._form) and (cause := other_header(lines, self._form)):
            raise SourceError(f"{self.name}: {cause}")
        return headers, number, _size(lines[:taken])

    def _first_row(self, lines: list[str]) -> tuple[int, list[str], int]:
        """The number of the first row that is not blank and names no separator, its cells, and how many lines go up to it."""
        above = self._form.skip_lines
        reader = csv.reader(lines[above:], strict=True, delimiter=self._form.separator)
        for number, headers in enumerate(reader, start=1 + above):
            line = lines[above + reader.line_num - 1]
            told = _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n")) or _SEPARATOR_LINE.fullmatch(line)
            if told and told[1] == self._form.separator:
                continue
            if any(header.strip() for header in headers):
                return number, headers, above + reader.line_num
        raise SourceError(f"{self.name} is empty: it has no header row")

    def rows(self) -> Iterator[RawRows]:
        """The rows below the header, in order, some thousands at a time.

        Raises:
            SourceError: a line is longer than LINE_BYTES.
        """
        shape = Shape(
            len(self.names),
            self.names.index("declaration_id") if "declaration_id" in self.names else len(self.names),
            self.encoding is None,
            self._form.separator,
            " nor ".join(encoding.upper() for encoding in self._form.encodings),
        )
        before = self._header_number
        buffer = b""
        for block in chain(self._blocks(self._header_bytes), [None]):
            buffer += block or b""
            if not buffer:
                continue
            cut = cut_sound_block(buffer, block is None, shape) or cut_row_by_row(buffer, block is None, shape)
            broken = [row._replace(row=row.row + before) for row in cut.broken]
            yield RawRows(pa.table(cut.columns, names=self.names), cut.positions + before, broken)
            before += cut.rows
            buffer = buffer[cut.consumed :]
            if len(buffer) > LINE_BYTES and not re.search(rb"[\r\n]", buffer[:LINE_BYTES]):
                raise SourceError(
                    f"row {before + 1} of {self.name} is longer than {LINE_BYTES} bytes; this is no file of declarations"
                )


def _encoding(path: Path, name: str, encodings: Sequence[str]) -> str | None:
    """The first of some encodings that decodes the whole file; None where none does."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise SourceError(f"{name} is empty (0 bytes)")
    for magic, what in _FOREIGN.items():
        if start.startswith(magic) and not (what == "in UTF-16" and "utf-16" in map(str.lower, encodings)):
            raise SourceError(f"{name} is no CSV file: it is {what}; save it as CSV in UTF-8")
    return next((encoding for encoding in encodings if _decodes(path, encoding)), None)


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        try:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


class Shape(NamedTuple):
    """The form of a file's rows.

    Attributes:
        fields: how many fields a row has.
        id_position: the position of the declaration ID; behind the last where a row's place is its key.
        may_be_damaged: whether some bytes may be no text.
        separator: what separates the fields.
        encodings: the encodings that the form knows, for messages.
    """

    fields: int
    id_position: int
    may_be_damaged: bool
    separator: str = ","
    encodings: str = "UTF-8 nor CP949"


class Cut(NamedTuple):
    """The rows at the start of a buffer.

    Attributes:
        columns: the cells of the sound rows, a text array for each column.
        positions: the sound rows' positions in the buffer, from 1.
        broken: the other rows, numbered in the same way.
        rows: how many rows there are, blank lines included.
        consumed: how many bytes they take; the next block continues the rest.
    """

    columns: list[pa.Array | pa.ChunkedArray]
    positions: np.ndarray
    broken: list[QuarantinedRow]
    rows: int
    consumed: int


def cut_sound_block(buffer: bytes, at_end: bool, shape: Shape) -> Cut | None:
    """Cut a block with Arrow; None where a quote or a byte may be broken."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    breaks = _line_breaks(data, at_end)
    if at_end and (not len(breaks) or breaks[-1] < len(data) - 1):
        # The last line has no line break.
        breaks = np.append(breaks, len(data))
    # A line break within quotes has an odd number of quotes before it.
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    consumed = min(int(ends[-1]) + 1, len(data)) if len(ends) else 0
    quotes = quotes[: np.searchsorted(quotes, consumed)]
    lines = np.diff(np.searchsorted(breaks, ends, side="right"), prepend=0)
    if not consumed or len(data) - consumed > (0 if at_end else LINE_BYTES):
        return None
    if lines.max() > ROW_LINES or not _sound_quotes(data, quotes, ord(shape.separator)):
        return None
    starts = np.append(0, ends[:-1] + 1)
    is_blank = (ends == starts) | ((ends == starts + 1) & (data[starts.clip(max=len(data) - 1)] == _CR))
    rows = np.flatnonzero(~is_blank)
    if shape.may_be_damaged and not all(map(_is_utf8, _lines(buffer[:consumed]))):
        return None
    columns, skipped = _parse(buffer[:consumed], shape, bool(len(quotes)))
    wrong = rows[[number - 1 for number in skipped]]
    if len(columns[0]) + len(wrong) != len(rows) or (lines[wrong] > 1).any():
        return None
    broken: list[QuarantinedRow] = []
    for row in wrong.tolist():
        content = _lines(buffer[starts[row] : ends[row]])[0].rstrip("\r")
        broken += _broken(content, _loose_fields(content, shape.separator), "", row + 1, shape)
    return Cut(columns, np.setdiff1d(rows, wrong) + 1, broken, len(ends), consumed)


def _line_breaks(data: np.ndarray, at_end: bool) -> np.ndarray:
    """The positions of the line breaks: LF, CR LF (its LF counts) or CR.

    A CR that ends the data may be half of a CR LF, unless the file ends there.
    """
    is_break = data == _LF
    returns = np.flatnonzero(data == _CR)
    if len(returns):
        following = np.append(data, 0 if at_end else _LF)[returns + 1]
        is_break[returns[following != _LF]] = True
    return np.flatnonzero(is_break)


def _sound_quotes(data: np.ndarray, quotes: np.ndarray, separator: int) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one."""
    if len(quotes) % 2:
        return False
    between = (separator, _LF, _CR)
    padded = np.concatenate(([_LF], data, [_LF]))
    opening, closing = quotes[0::2], quotes[1::2]
    opens, closes = np.isin(padded[opening], between), np.isin(padded[closing + 2], between)
    is_doubled = opening[1:] == closing[:-1] + 1
    opens[1:] |= is_doubled
    closes[:-1] |= is_doubled
    return bool(opens.all() and closes.all())


def _parse(content: bytes, shape: Shape, quoted: bool) -> tuple[list[pa.Array | pa.ChunkedArray], list[int]]:
    """The cells of some rows, and which rows were skipped for their number of fields; blank rows do not count."""
    names = [str(position) for position in range(shape.fields)]
    skipped: list[int] = []

    def skip(row: Any) -> str:
        skipped.append(row.number)
        return "skip"

    if content.startswith(codecs.BOM_UTF8):
        # Arrow would take it for a byte order mark; here it is part of a cell.
        content = b"\n" + content
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            pyarrow.csv.ParseOptions(
                delimiter=shape.separator,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                invalid_row_handler=skip,
            ),
            pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return [pa.array([])], []
    return table.columns, skipped


def cut_row_by_row(buffer: bytes, at_end: bool, shape: Shape) -> Cut:
    """Cut a block row by row.

    A row whose quotes break the rules or are not closed within ROW_LINES lines, or that takes several lines and then
    has the wrong number of fields, is its first line alone: the next row begins on the next line.
    """
    lines = _lines(buffer)
    if lines and not at_end and not lines[-1].endswith("\n"):
        lines.pop()
    sound: list[list[str]] = []
    positions: list[int] = []
    broken: list[QuarantinedRow] = []
    number = line = 0
    while line < len(lines):
        fields, taken, problem = _next_row(lines, line, shape)
        may_go_on = not at_end and line + ROW_LINES > len(lines) and len(buffer) <= LINE_BYTES
        if problem == _QUOTE_IS_OPEN and may_go_on:
            break
        number += 1
        content = "".join(lines[line : line + taken]).rstrip("\r\n")
        line += taken
        if found := _broken(content, fields, problem, number, shape):
            broken += found
        elif fields:
            sound.append(fields)
            positions.append(number)
    cells = zip(*sound, strict=True) if sound else [()] * shape.fields
    columns: list[pa.Array | pa.ChunkedArray] = [pa.array(values, pa.string()) for values in cells]
    return Cut(columns, np.array(positions, dtype=np.int64), broken, number, _size(lines[:line]))


def _next_row(lines: list[str], first: int, shape: Shape) -> tuple[list[str], int, str]:
    """The fields of the row that begins on a line, how many lines it takes, and what is wrong with its quotes."""
    text = lines[first]
    if '"' not in text and len(text) < csv.field_size_limit():
        # What the csv module does with such a line, but ten times faster.
        return text.rstrip("\r\n").split(shape.separator) if text.strip("\r\n") else [], 1, ""
    reader = csv.reader(lines[first : first + ROW_LINES], strict=True, delimiter=shape.separator)
    try:
        row = next(reader)
    except csv.Error as error:
        return [], 1, str(error)
    if reader.line_num > 1 and len(row) != shape.fields:
        return [], 1, f"a quote joins {reader.line_num} lines to a row of {len(row)} fields"
    return row, reader.line_num, ""


def _broken(content: str, fields: list[str], problem: str, number: int, shape: Shape) -> list[QuarantinedRow]:
    """A row with the reason why it cannot be cut; nothing where it can."""
    if problem:
        reason = Reason.TEXT_TOO_LONG if problem.startswith(_CELL_TOO_LONG) else Reason.MALFORMED_QUOTING
        sentence = f"the row's quotes cannot be read ({problem})"
    elif not _is_utf8(content):
        reason = Reason.UNDECODABLE_BYTES
        damaged = next((field for field in fields if not _is_utf8(field)), content)
        sentence = f"the row holds bytes that are neither {shape.encodings}: {excerpt(_readable(damaged))}"
    elif fields and len(fields) != shape.fields:
        reason = Reason.WRONG_FIELD_COUNT
        sentence = f"the row has {len(fields)} fields where the header has {shape.fields}"
    else:
        return []
    cells = fields or _loose_fields(content, shape.separator)
    identity = _readable(cells[shape.id_position]) if shape.id_position < len(cells) else ""
    return [QuarantinedRow(reason, sentence, "", number, "", identity, record_text(_readable(content)))]


def _loose_fields(content: str, separator: str) -> list[str]:
    """The fields of a row with broken quotes, as far as they can be told."""
    try:
        return next(csv.reader([content], delimiter=separator), [])
    except csv.Error:
        return []


def _lines(buffer: bytes) -> list[str]:
    """The lines of a buffer; bytes that are no UTF-8 become single surrogates."""
    return _LINES.findall(buffer.decode(errors="surrogateescape"))


def _size(lines: list[str]) -> int:
    """How many bytes some lines take."""
    return len("".join(lines).encode(errors="surrogateescape"))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable(text: str) -> str:
    """A text in which the bytes that are no UTF-8 are escapes (``\\xe9``)."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
