"""Does a name of the source, or a token of the pipeline, stand anywhere in a release?

What belongs here searches every file of a release: cells of tables, column metadata, prose. No finding repeats a name.
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

# Shorter names cannot be told from codes or words. In prose shorter numbers cannot be told from counts and sizes.
SHORTEST, SHORTEST_IN_PROSE, SHORTEST_NUMBER_IN_PROSE = 4, 6, 8

_BY_HEADER = {a.header: a for a in RELEASED}
_DOCUMENTATION = " ".join(f"{a.description} {a.example}" for a in ATTRIBUTES)


class NameFound(NamedTuple):
    """A file, a place in it (a column, ``text``, or ``metadata``), and how many different names stand there."""

    file: str
    place: str
    names: int


class _Wanted(NamedTuple):
    names: set[str]
    numbers: set[str]


def names_in(files: Mapping[str, bytes], names: Collection[str], numbers: Collection[str] = ()) -> list[NameFound]:
    """Where names stand in the files of a release.

    Args:
        files: contents by file name: CSV and Parquet tables, everything else UTF-8 text.
        names: names and tokens of four characters or more; in prose, of six or more. Names in the form's documentation are left
            out in prose (its examples are somebody's tokens).
        numbers: business numbers of four characters or more; in prose, of eight or more. Keys, dates, amounts and well-formed
            codes are not searched for them, because the same digits occur there by chance.
    """
    wanted = _Wanted(_long_enough(names, SHORTEST), _long_enough(numbers, SHORTEST))
    places = []
    for file, content in sorted(files.items()):
        search = _in_csv if file.endswith(".csv") else _in_parquet if file.endswith(".parquet") else _in_prose
        places += [NameFound(file, place, count) for place, count in search(content, wanted) if count]
    return places


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
    # The text is short and the names are many: first find the names that occur, then those that occur as whole words.
    in_prose = _long_enough(wanted.names, SHORTEST_IN_PROSE) | _long_enough(wanted.numbers, SHORTEST_NUMBER_IN_PROSE)
    occurring = [name for name in in_prose if name in text and name not in _DOCUMENTATION]
    return sum(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None for name in occurring)
