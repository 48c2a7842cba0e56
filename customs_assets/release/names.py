"""Does a name of the source, or a token of the pipeline, stand anywhere in a release?

What belongs here looks through the bytes of every file of a release: cells of tables, column metadata, prose. The caller says
which names there are; no finding repeats one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.declaration import ATTRIBUTES, RELEASED, Kind

# Shorter names cannot be told from codes, or from words; shorter numbers not from counts and sizes, which prose has.
SHORTEST, SHORTEST_IN_PROSE, SHORTEST_NUMBER_IN_PROSE = 4, 6, 8

_BY_HEADER = {a.header: a for a in RELEASED}
_DOCUMENTATION = " ".join(f"{a.description} {a.example}" for a in ATTRIBUTES)


class NameFound(NamedTuple):
    """A place where something that identifies somebody stands.

    Attributes:
        file: name of the file.
        place: the column, ``text``, or ``metadata``.
        names: how many different names were found there.
    """

    file: str
    place: str
    names: int


class _Wanted(NamedTuple):
    names: set[str]
    numbers: set[str]


def names_in(files: Mapping[str, bytes], names: Collection[str], numbers: Collection[str] = ()) -> list[NameFound]:
    """Where any of some names stands, in files of a release.

    Args:
        files: contents by file name: CSV and Parquet tables, everything else UTF-8 text.
        names: names and tokens. Those of fewer than four characters are left out, in prose those of fewer than six, and those
            that the form's own documentation mentions (its examples are somebody's tokens).
        numbers: business numbers. Those of fewer than four characters are left out, in prose those of fewer than eight. They are
            not looked for among keys, dates, amounts and well-formed codes, where the same digits are met by chance.
    """
    wanted = _Wanted(_long_enough(names, SHORTEST), _long_enough(numbers, SHORTEST))
    found = []
    for file, content in sorted(files.items()):
        read = _in_csv if file.endswith(".csv") else _in_parquet if file.endswith(".parquet") else _in_prose
        found += [NameFound(file, place, count) for place, count in read(content, wanted) if count]
    return found


def _long_enough(names: Collection[str], shortest: int) -> set[str]:
    return {name for name in map(str.strip, names) if len(name) >= shortest}


def _in_csv(content: bytes, wanted: _Wanted) -> Iterator[tuple[str, int]]:
    rows = csv.reader(io.StringIO(content.decode("utf-8", errors="replace")))
    header = next(rows, [])
    if not set(header) & set(_BY_HEADER):
        yield from _in_prose(content, wanted)
        return
    yield "header", _in_text(",".join(header), wanted)
    for name, values in zip(header, zip(*rows, strict=False), strict=False):
        yield name, _in_column(name, values, wanted)


def _in_parquet(content: bytes, wanted: _Wanted) -> Iterator[tuple[str, int]]:
    table = pq.read_table(pa.BufferReader(content))
    metadata = str(pq.read_metadata(pa.BufferReader(content)).metadata or "") + str(table.schema)
    yield "metadata", _in_text(metadata, wanted)
    for name in table.column_names:
        if str(table.schema.field(name).type) == "string":
            yield name, _in_column(name, table.column(name).unique().to_pylist(), wanted)


def _in_prose(content: bytes, wanted: _Wanted) -> Iterator[tuple[str, int]]:
    yield "text", _in_text(content.decode("utf-8", errors="replace"), wanted)


def _in_column(column: str, values: Collection[str | None], wanted: _Wanted) -> int:
    cells = {stripped for value in set(values) if value and (stripped := value.strip())}
    attribute, may_be_numbers = _BY_HEADER.get(column), cells
    if attribute is not None and attribute.kind is not Kind.IDENTITY:
        may_be_numbers = {cell for cell in cells if attribute.kind is Kind.CODE and not attribute.accepts(cell)}
    return len(cells & wanted.names | may_be_numbers & wanted.numbers)


def _in_text(text: str, wanted: _Wanted) -> int:
    # A short text against many names: every name is looked for by itself, and then as a word of its own.
    long = _long_enough(wanted.names, SHORTEST_IN_PROSE) | _long_enough(wanted.numbers, SHORTEST_NUMBER_IN_PROSE)
    near = [name for name in long if name in text and name not in _DOCUMENTATION]
    return sum(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None for name in near)
