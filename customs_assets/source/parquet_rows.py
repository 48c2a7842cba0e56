"""Parquet files, as rows of text.

Every column (dates, timestamps, numbers, dictionaries, decimals) becomes the text that a CSV file would hold, so that
one set of rules judges both. The dates are read first; then only the row groups that hold rows of the month are read.

A code in a column of numbers has lost its leading zeros; ``mending`` puts them back, as in a CSV file. A column that no
attribute is read from and that cannot be text is left aside.
"""

# pyarrow.compute makes its functions when it is imported, where a type checker cannot see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import Form
from customs_assets.forms.form import AMOUNT_RECOVERED
from customs_assets.source.dates import parse_dates
from customs_assets.source.headers import column_names, read_as
from customs_assets.source.limits import PIECE_BYTES, refuse_bomb, refuse_large_file
from customs_assets.source.quarantine import QuarantinedRow, Reason, excerpt, record_text
from customs_assets.source.reading import FileSeen, RawRows, SourceError, unreadable
from customs_assets.source.rules import MAXIMUM_CHARACTERS

_BATCH_ROWS = 65536
# What a damaged file makes Arrow raise: a damaged column name is a decoding error.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
_KINDS = {attribute.name: attribute.kind for attribute in CATALOGUE}


class ParquetFile:
    """A Parquet file of declarations.

    Args:
        path: the file.
        name: what messages and the quarantine call it.
        form: the form of its declarations.

    Raises:
        SourceError: the file is no readable Parquet file (cut short, damaged), or lacks columns.
    """

    def __init__(self, path: Path, name: str, form: Form) -> None:
        self.path = path
        self.name = name
        self._form = form
        if path.stat().st_size == 0:
            raise SourceError(f"{name} is empty (0 bytes)")
        refuse_large_file(path, name)
        with self._open() as file:
            try:
                schema = file.schema_arrow
                aside = [f.name for f in schema if pa.types.is_nested(f.type) and not form.known(f.name)]
                self._headers = [name for name in schema.names if name not in aside]
                self._columns = self._headers if aside else None
            except _DAMAGE as error:
                raise unreadable(error, self._unreadable(error)) from error
            refuse_bomb(file.metadata, path.stat().st_size, name)
            self.row_count: int = file.metadata.num_rows
            self._dictionaries = _text_columns(file.schema)
        self.names = column_names(self._headers, name, form)

    @property
    def seen(self) -> FileSeen:
        """What the columns of the file are read as."""
        columns, unused = read_as(self._headers, self._form)
        return FileSeen("Parquet", columns=columns, unused=unused)

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(
                self.path, page_checksum_verification=True, read_dictionary=getattr(self, "_dictionaries", None)
            )
        except _DAMAGE as error:
            raise unreadable(error, self._unreadable(error)) from error

    def _unreadable(self, error: Exception) -> str:
        first_line = str(error).strip().partition("\n")[0][:200]
        return f"{self.name} is no readable Parquet file ({first_line}); it may be cut short: fetch it again"

    def dates(self) -> np.ndarray:
        """The day of every row, as ``datetime64[D]``, NaT where it is no date."""
        header = self._headers[self.names.index("date")]
        days = [np.empty(0, dtype="datetime64[D]")]
        for batch in self._batches([header], None):
            text, _ = _text(batch.column(0), "date", self.name, self._form)
            days.append(parse_dates(pa.chunked_array([text]), self._form))
        return np.concatenate(days)

    def rows(self, wanted: np.ndarray) -> Iterator[RawRows]:
        """The wanted rows (a mask, one per row of the file), in order, numbered from 1."""
        with self._open() as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        before = 0
        for group, size in enumerate(sizes):
            if not wanted[before : before + size].any():
                before += size
                continue
            for batch in self._batches(self._columns, [group]):
                mask = wanted[before : before + batch.num_rows]
                numbers = np.flatnonzero(mask) + before + 1
                before += batch.num_rows
                if len(numbers):
                    yield text_rows(batch.filter(pa.array(mask)), self.names, numbers, self.name, self._form)

    def native_rows(self) -> Iterator[RawRows]:
        """All rows, in order: the dates as text, other text as bytes, and the rest in the file's own types."""
        before = 0
        for batch in self._batches(self._columns, None):
            columns = [
                _text(column, name, self.name, self._form)[0]
                if name == "date"
                else _native(column, name, self.name, self._form)
                for name, column in zip(self.names, batch.columns, strict=True)
            ]
            numbers = np.arange(before + 1, before + batch.num_rows + 1)
            before += batch.num_rows
            yield RawRows(pa.table(columns, names=self.names), numbers, [])

    def _batches(self, columns: list[str] | None, groups: list[int] | None) -> Iterator[pa.RecordBatch]:
        with self._open() as file:
            try:
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns, use_threads=False):
                    yield from _pieces(batch)
            except _DAMAGE as error:
                raise unreadable(error, self._unreadable(error)) from error


def text_rows(batch: pa.RecordBatch, names: list[str], numbers: np.ndarray, file: str, form: Form) -> RawRows:
    """Rows of any types as rows of text.

    Args:
        batch: the rows.
        names: the columns' names, by :func:`customs_assets.source.headers.column_names`.
        numbers: the rows' numbers (int64, ascending).
        file: what messages call the file.
        form: the form of the rows.

    Raises:
        SourceError: the column of an attribute has a type that has no text.
    """
    columns: list[pa.Array] = []
    damaged: dict[int, str] = {}
    for name, column in zip(names, batch.columns, strict=True):
        text, undecodable = _text(column, name, file, form)
        columns.append(text)
        # A column that nobody uses sets no row aside.
        for row in undecodable if form.known(name) or name in _KINDS else ():
            damaged.setdefault(row, name)
    cells = pa.table(columns, names=names)
    broken = [_undecodable(cells, row, int(numbers[row]), name) for row, name in sorted(damaged.items())]
    sound = np.ones(len(numbers), dtype=bool)
    sound[list(damaged)] = False
    return RawRows(cells.filter(pa.array(sound)), numbers[sound], broken)


def _text_columns(schema: pq.ParquetSchema) -> list[str]:
    """The columns of text, which are read as dictionaries: in a file that keeps them so, a few bytes may stand for
    gigabytes.

    What the chunks of a column say of themselves is not asked for: in a damaged file, asking ends the process.
    """
    columns = [schema.column(position) for position in range(len(schema))]
    return [c.path for c in columns if c.physical_type == "BYTE_ARRAY" and "." not in c.path]


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch, cut so that none of its pieces becomes more than PIECE_BYTES of text."""
    longest = 64
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type) and len(column.dictionary):
            longest += min(pc.max(pc.binary_length(column.dictionary)).as_py() or 0, 4 * MAXIMUM_CHARACTERS)
    rows = max(PIECE_BYTES // longest, 1)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _undecodable(cells: pa.Table, row: int, number: int, column: str) -> QuarantinedRow:
    record = cells.slice(row, 1).to_pylist()[0]
    sentence = f"{column} holds bytes that are not UTF-8: {excerpt(record[column])}"
    identity = record.get("declaration_id", "")
    return QuarantinedRow(Reason.UNDECODABLE_BYTES, sentence, "", number, column, identity, record_text(record))


def _text(column: pa.Array, name: str, file: str, form: Form) -> tuple[pa.Array, list[int]]:
    """A column as text without nulls, and the rows whose bytes are no text (shown with escapes)."""
    if pa.types.is_dictionary(column.type):
        return _text_of_dictionary(column, name, file, form)
    try:
        column = _plain_values(column, name, file, form)
        # By way of binary, because a reader of Parquet takes the file's word that text is UTF-8.
        if _is_text(column.type):
            return _decoded(column.cast(pa.large_binary()))
        text = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if name not in _KINDS:
            return pa.array([""] * len(column), pa.string()), []
        raise SourceError(
            f"the column {name} of {file} has the type {column.type}, which cannot be read as text ({error})"
        ) from error
    if form.decimal == "," and (_KINDS.get(name) is Kind.NUMBER or name == AMOUNT_RECOVERED):
        # What is a number already gets the form's mark, because the rules expect it.
        text = pc.replace_substring(text, ".", ",")
    return pc.fill_null(text, ""), []


def _native(column: pa.Array, name: str, file: str, form: Form) -> pa.Array:
    """A column to compare: text as bytes, numbers and times as they are, anything else as :func:`_text` reads it."""
    if pa.types.is_dictionary(column.type) and _is_text(column.type.value_type):
        values = pc.binary_slice(column.dictionary.cast(pa.large_binary()), 0, 4 * (MAXIMUM_CHARACTERS + 1))
        column = _taken(values, column, name, file)
    if _is_text(column.type):
        return column.cast(pa.large_binary())
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    is_fixed = pa.types.is_primitive(column.type) or pa.types.is_decimal(column.type)
    return column if is_fixed else _text(column, name, file, form)[0]


def _text_of_dictionary(column: pa.DictionaryArray, name: str, file: str, form: Form) -> tuple[pa.Array, list[int]]:
    """The same of a dictionary; too long a value is shortened once, before it is copied into every row."""
    values, undecodable = _text(column.dictionary, name, file, form)
    values = pc.utf8_slice_codeunits(values, 0, MAXIMUM_CHARACTERS + 1)
    text = pc.fill_null(_taken(values, column, name, file), "")
    rows = np.flatnonzero(pc.is_in(column.indices, pa.array(undecodable, column.indices.type)).to_numpy(False))
    return text, rows.tolist() if undecodable else []


def _taken(values: pa.Array, column: pa.DictionaryArray, name: str, file: str) -> pa.Array:
    """The values that a column's indices point at."""
    try:
        return values.take(column.indices)
    except pa.ArrowIndexError as error:
        sentence = f"the column {name} of {file} points at values that it does not hold ({error}); fetch the file again"
        raise SourceError(sentence) from error


def _is_text(kind: pa.DataType) -> bool:
    kinds = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "fixed_size_binary")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in kinds)


def _plain_values(column: pa.Array, name: str, file: str, form: Form) -> pa.Array:
    """Times in the zone of the office, truth values as words or 0 and 1, codes without a decimal point, no NaN."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz:
        if name == "date" and form.zone is None:
            raise SourceError(
                f"the column {name} of {file} holds times in the zone {kind.tz}; name the zone of the office in the form (zone)"
            )
        return pc.local_timestamp(column.cast(pa.timestamp(kind.unit, form.zone)) if form.zone else column)
    if pa.types.is_boolean(kind):
        words = _KINDS.get(name) is Kind.LABEL
        return pc.if_else(column, "true", "false") if words else column.cast(pa.int8())
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
        if _KINDS.get(name) in (Kind.CODE, Kind.KEY, Kind.IDENTITY) and _are_whole(column):
            return column.cast(pa.int64())
    return column


def _are_whole(column: pa.Array) -> bool:
    """Whether the numbers of a column are whole, and exact as such."""
    values = column.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    return bool((np.abs(values) < 2.0**53).all() and (values == np.floor(values)).all())


def _decoded(content: pa.Array) -> tuple[pa.Array, list[int]]:
    content = pc.fill_null(content, b"")
    try:
        return content.cast(pa.string()), []
    except pa.ArrowInvalid:
        values = content.to_pylist()
    text = [value.decode(errors="backslashreplace") for value in values]
    undecodable = [row for row, value in enumerate(values) if text[row].encode() != value]
    return pa.array(text, pa.string()), undecodable
