"""CSV files, cut into rows: encodings, quoting and the rows that cannot be cut.

A file is read in blocks, so that memory stays bounded whatever its size. Where a block's quoting is sound, its records
are found by whole-array operations and its cells by Arrow. Where it is not, the block is read record by record, and a
quote that is never closed, or closed in the middle of a cell, costs its own line alone. What cells say is judged in
``rules.py``.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from customs_assets.source.headers import column_names
from customs_assets.source.limits import refuse_large_file
from customs_assets.source.quarantine import Reason, record_text, shown
from customs_assets.source.reading import SourceError

BLOCK_BYTES = 1 << 20
# A line longer than this is not a declaration; a file that has one is not a file of declarations.
LINE_BYTES = 1 << 20
# A quoted cell may hold line breaks, but a record of more lines has lost a quote.
RECORD_LINES = 50

_COMMA, _LF, _CR, _QUOTE = b',\n\r"'
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
    b"PAR1": "Parquet",
}
_END_OF_DATA = "unexpected end of data"
_CELL_TOO_LONG = "field larger than field limit"


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A record that could not be cut into cells.

    Attributes:
        number: its number in the file, from 1.
        reason: why.
        detail: why, as a sentence.
        record: the raw record as JSON.
        declaration_id: the declaration ID, where it can be told.
        column: the column at fault, where it can be told.
    """

    number: int
    reason: Reason
    detail: str
    record: str
    declaration_id: str = ""
    column: str = ""


@dataclass(frozen=True)
class RawRows:
    """Some rows of a file as it has them.

    Attributes:
        cells: one text column per column of the file, named by :func:`customs_assets.source.headers.column_names`.
        numbers: the records' numbers in the file, from 1, ascending (int64, one per row of ``cells``).
        broken: the records among them that could not be cut into cells.
    """

    cells: pa.Table
    numbers: np.ndarray
    broken: list[BrokenRow] = field(default_factory=list)


class CsvFile:
    """A CSV file of declarations: UTF-8 with or without a byte order mark, or CP949.

    The encoding is the first of UTF-8 and CP949 that decodes the whole file; where neither does, the file is UTF-8 with
    damaged rows. Blank lines are no rows, but are counted in the rows' numbers.

    Args:
        path: the file.
        name: what messages and the quarantine call it.

    Raises:
        SourceError: the file is empty, no CSV, or lacks columns.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        refuse_large_file(path, name)
        self.encoding = _encoding(path, name)
        header, self._header_number, self._header_bytes = self._read_header()
        self.names = column_names(header, name)

    def _blocks(self) -> Iterator[bytes]:
        """The file's bytes in blocks, in UTF-8 (or what claims to be UTF-8), without the byte order mark."""
        recode = codecs.getincrementaldecoder("cp949")() if self.encoding == "cp949" else None
        with self.path.open("rb") as stream:
            if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                stream.seek(0)
            while block := stream.read(BLOCK_BYTES):
                yield recode.decode(block).encode() if recode else block

    def _read_header(self) -> tuple[list[str], int, int]:
        """The headers, the number of their record, and the bytes up to the end of it."""
        buffer = b""
        for block in self._blocks():
            buffer += block
            if len(buffer) > LINE_BYTES:
                break
        lines = [match[0] for match in islice(_LINES.finditer(buffer.decode("latin-1")), RECORD_LINES)]
        reader = csv.reader(lines, strict=True)
        try:
            for number, fields in enumerate(reader, start=1):
                if any(field.strip() for field in fields):
                    used = sum(len(line) for line in lines[: reader.line_num])
                    return [f.encode("latin-1").decode(errors="replace") for f in fields], number, used
        except csv.Error as error:
            raise SourceError(f"{self.name} has no readable header row ({error})") from error
        raise SourceError(f"{self.name} is empty: it has no header row")

    def rows(self) -> Iterator[RawRows]:
        """The file's rows below the header, in order, some thousands at a time.

        Raises:
            SourceError: a line is longer than LINE_BYTES.
        """
        number = self._header_number
        skip = self._header_bytes
        buffer = b""
        blocks = self._blocks()
        at_end = False
        while not at_end:
            block = next(blocks, b"")
            at_end = not block
            buffer += block
            if skip:
                skipped = min(skip, len(buffer))
                buffer, skip = buffer[skipped:], skip - skipped
            if not buffer or skip:
                continue
            cut = self._cut(buffer, at_end)
            yield cut.raw_rows(self.names, number)
            number += cut.records
            buffer = buffer[cut.consumed :]
            if len(buffer) > LINE_BYTES:
                self._refuse_long_line(buffer, number)

    def _cut(self, buffer: bytes, at_end: bool) -> _Cut:
        shape = _Shape(len(self.names), self.names.index("declaration_id"), self.encoding is None)
        return _cut_block(buffer, at_end, shape) or _cut_records(buffer, at_end, shape)

    def _refuse_long_line(self, rest: bytes, number: int) -> None:
        if not re.search(rb"[\r\n]", rest[:LINE_BYTES]):
            raise SourceError(
                f"row {number + 1} of {self.name} is longer than {LINE_BYTES} bytes; this is no file of declarations"
            )


def _encoding(path: Path, name: str) -> str | None:
    """The first of UTF-8 and CP949 that decodes the whole file; None where neither does."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise SourceError(f"{name} is empty (0 bytes)")
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise SourceError(f"{name} is no CSV file: it is {what}; save it as CSV in UTF-8")
    return next((encoding for encoding in ("utf-8", "cp949") if _decodes(path, encoding)), None)


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


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the rows of a file should be: so many fields, the ID among them, and whether their bytes are in doubt."""

    fields: int
    id_position: int
    doubtful_bytes: bool


@dataclass(frozen=True, slots=True)
class _Cut:
    """The records at the start of a buffer.

    Attributes:
        columns: the cells of the sound records, a text array per column.
        positions: the sound records' positions among the records, from 1.
        broken: the other records, numbered in the same way.
        records: how many records there are, blank lines included.
        consumed: the bytes they take; the rest is the beginning of a record that goes on in the next block.
    """

    columns: list[pa.Array | pa.ChunkedArray]
    positions: np.ndarray
    broken: list[BrokenRow]
    records: int
    consumed: int

    def raw_rows(self, names: list[str], before: int) -> RawRows:
        """The records as rows of a file that has ``before`` records before them."""
        cells = pa.table(self.columns, names=names)
        return RawRows(
            cells, self.positions + before, [replace(row, number=row.number + before) for row in self.broken]
        )


def _cut_block(buffer: bytes, at_end: bool, shape: _Shape) -> _Cut | None:
    """Cut a block whose quoting is sound, by whole-array operations; None where it is not."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    ends, line_ends = _record_ends(data, quotes, at_end)
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    if at_end:
        if len(quotes) % 2:
            return None
        if consumed < len(data):
            ends, consumed = np.append(ends, len(data)), len(data)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    commas = np.flatnonzero(data[:consumed] == _COMMA)
    commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    counts = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + 1
    if len(quotes):
        lines = np.searchsorted(line_ends, ends) - np.searchsorted(line_ends, starts) + 1
        suspicious = (lines > RECORD_LINES) | ((lines > 1) & (counts != shape.fields))
        unfinished = not len(ends) or len(buffer) - consumed > LINE_BYTES
        if unfinished or suspicious.any() or not _sound_quotes(data, quotes[quotes < consumed]):
            return None
    # A line that ends in CR LF has its CR as the last byte of its content.
    contents = ends - ((ends > starts) & (data[np.maximum(ends - 1, 0)] == _CR))
    spans = _Spans(buffer, starts, contents)
    blank = contents == starts
    broken = _broken_records(spans, counts, blank, shape)
    sound = ~blank
    sound[[row.number - 1 for row in broken]] = False
    payload = buffer[:consumed] if sound.all() else spans.joined(np.flatnonzero(sound))
    columns = _parse(payload, shape.fields, quoted=bool(len(quotes)))
    if columns is None or len(columns[0]) != int(sound.sum()):
        return None
    return _Cut(columns, np.flatnonzero(sound) + 1, broken, len(ends), consumed)


def _record_ends(data: np.ndarray, quotes: np.ndarray, at_end: bool) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the line breaks that end a record (not within quotes), and of all line breaks.

    A line break is LF, CR LF (its LF counts) or CR. A CR that ends the data may be half of a CR LF, unless the file
    ends there.
    """
    is_break = data == _LF
    carriage_returns = np.flatnonzero(data == _CR)
    if len(carriage_returns):
        following = np.minimum(carriage_returns + 1, len(data) - 1)
        alone = data[following] != _LF
        if carriage_returns[-1] == len(data) - 1:
            alone[-1] = at_end
        is_break[carriage_returns[alone]] = True
    breaks = np.flatnonzero(is_break)
    if not len(quotes):
        return breaks, breaks
    return breaks[np.searchsorted(quotes, breaks) % 2 == 0], breaks


def _sound_quotes(data: np.ndarray, quotes: np.ndarray) -> bool:
    """Whether every quote opens a cell, closes one, or is doubled within one."""
    if not len(quotes):
        return True
    opening, closing = quotes[0::2], quotes[1::2]
    between = (_COMMA, _LF, _CR)
    opens = (opening == 0) | np.isin(data[np.maximum(opening - 1, 0)], between)
    # Within a cell a doubled quote closes and opens again.
    opens[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    closes = (closing == len(data) - 1) | np.isin(data[np.minimum(closing + 1, len(data) - 1)], between)
    closes[: len(opening) - 1] |= closing[: len(opening) - 1] + 1 == opening[1:]
    return bool(opens.all() and closes.all())


@dataclass(frozen=True, slots=True)
class _Spans:
    """The records of a buffer by the positions of their content."""

    buffer: bytes
    starts: np.ndarray
    ends: np.ndarray

    def bytes_of(self, record: int) -> bytes:
        return self.buffer[self.starts[record] : self.ends[record]]

    def joined(self, records: np.ndarray) -> bytes:
        """Some of the records, a line each."""
        return b"".join(self.bytes_of(record) + b"\n" for record in records)

    def undecodable(self) -> list[int]:
        """The records that are not UTF-8."""
        if not len(self.ends):
            return []
        high = np.flatnonzero(np.frombuffer(self.buffer, dtype=np.uint8)[: self.ends[-1]] >= 0x80)
        candidates = np.unique(np.searchsorted(self.starts, high, side="right") - 1)
        return [int(record) for record in candidates if not _is_utf8(self.bytes_of(record))]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Raw:
    """A record that may be broken: its number, its bytes, and its fields in Latin-1 as far as they can be told."""

    number: int
    content: bytes
    fields: list[str]

    def broken(self, reason: Reason, sentence: str, shape: _Shape) -> BrokenRow:
        identity = self.fields[shape.id_position] if shape.id_position < len(self.fields) else ""
        record = record_text(_readable(self.content))
        return BrokenRow(self.number, reason, sentence, record, _readable(identity.encode("latin-1")))

    def undecodable(self, shape: _Shape) -> BrokenRow:
        damaged = next((f.encode("latin-1") for f in self.fields if not _is_utf8(f.encode("latin-1"))), self.content)
        sentence = f"the row holds bytes that are neither UTF-8 nor CP949: {shown(_readable(damaged))}"
        return self.broken(Reason.UNDECODABLE_BYTES, sentence, shape)

    def wrong_count(self, count: int, shape: _Shape) -> BrokenRow:
        sentence = f"the row has {count} fields where the header has {shape.fields}"
        return self.broken(Reason.WRONG_FIELD_COUNT, sentence, shape)


def _broken_records(spans: _Spans, counts: np.ndarray, blank: np.ndarray, shape: _Shape) -> list[BrokenRow]:
    undecodable = set(spans.undecodable()) if shape.doubtful_bytes else set()
    wrong = set(np.flatnonzero((counts != shape.fields) & ~blank).tolist())
    broken = []
    for record in sorted(undecodable | wrong):
        raw = _Raw(record + 1, spans.bytes_of(record), _loose_fields(spans.bytes_of(record)))
        broken.append(raw.undecodable(shape) if record in undecodable else raw.wrong_count(int(counts[record]), shape))
    return broken


def _loose_fields(content: bytes) -> list[str]:
    """The fields of a record as far as they can be told, in Latin-1."""
    try:
        return next(csv.reader(io.StringIO(content.decode("latin-1"), newline="")), [])
    except csv.Error:
        return []


def _readable(content: bytes) -> str:
    return content.decode(errors="backslashreplace")


def _parse(payload: bytes, fields: int, quoted: bool) -> list[pa.Array | pa.ChunkedArray] | None:
    """The cells of sound records, by Arrow; None where Arrow sees the records otherwise."""
    names = [str(position) for position in range(fields)]
    if not payload:
        return [pa.chunked_array([], pa.string()) for _ in names]
    if payload.startswith(codecs.BOM_UTF8):
        # Arrow would take it for a byte order mark; within a file it is part of a cell.
        payload = b"\n" + payload
    text = dict.fromkeys(names, pa.string())
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(payload),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(payload) + 1, column_names=names),
            pyarrow.csv.ParseOptions(quote_char='"' if quoted else False, newlines_in_values=quoted),
            pyarrow.csv.ConvertOptions(check_utf8=False, column_types=text, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    return table.columns


@dataclass(frozen=True, slots=True)
class _Record:
    """A record read by itself: its fields in Latin-1, the lines it takes, and what is wrong with its quotes, if so."""

    fields: list[str]
    lines: int
    problem: str = ""


def _next_record(lines: list[str], first: int, shape: _Shape) -> _Record:
    """The record that begins on a line; where its quotes are broken it is that line alone."""
    reader = csv.reader(lines[first : first + RECORD_LINES], strict=True)
    try:
        fields = next(reader)
    except csv.Error as error:
        return _Record([], 1, str(error))
    if reader.line_num > 1 and len(fields) != shape.fields:
        return _Record([], 1, f"a quote joins {reader.line_num} lines to a row of {len(fields)} fields")
    return _Record(fields, reader.line_num)


def _cut_records(buffer: bytes, at_end: bool, shape: _Shape) -> _Cut:
    """Cut a block record by record, for where its quoting is not sound.

    A record whose quotes break the rules, or are not closed within RECORD_LINES lines, or that takes several lines and
    then has the wrong number of fields, is its first line alone: the next record begins on the next line.
    """
    lines = _LINES.findall(buffer.decode("latin-1"))
    if lines and not at_end and not lines[-1].endswith("\n"):
        lines.pop()
    rows: list[list[str]] = []
    positions: list[int] = []
    broken: list[BrokenRow] = []
    records = line = 0
    while line < len(lines):
        record = _next_record(lines, line, shape)
        may_go_on = not at_end and line + RECORD_LINES > len(lines) and len(buffer) <= LINE_BYTES
        if record.problem == _END_OF_DATA and may_go_on:
            break
        records += 1
        content = "".join(lines[line : line + record.lines]).rstrip("\r\n").encode("latin-1")
        line += record.lines
        damage = _damage(record, records, content, shape)
        if damage:
            broken.append(damage)
        elif record.fields:
            rows.append([value.encode("latin-1").decode() for value in record.fields])
            positions.append(records)
    columns = [pa.array(values, pa.string()) for values in (zip(*rows, strict=True) if rows else [()] * shape.fields)]
    consumed = sum(len(text) for text in lines[:line])
    return _Cut(list(columns), np.array(positions, dtype=np.int64), broken, records, consumed)


def _damage(record: _Record, number: int, content: bytes, shape: _Shape) -> BrokenRow | None:
    """What breaks a record as a whole, if anything does."""
    raw = _Raw(number, content, record.fields or _loose_fields(content))
    if record.problem:
        too_long = record.problem.startswith(_CELL_TOO_LONG)
        reason = Reason.TEXT_TOO_LONG if too_long else Reason.MALFORMED_QUOTING
        return raw.broken(reason, f"the row's quotes cannot be read ({record.problem})", shape)
    if not _is_utf8(content):
        return raw.undecodable(shape)
    if record.fields and len(record.fields) != shape.fields:
        return raw.wrong_count(len(record.fields), shape)
    return None
