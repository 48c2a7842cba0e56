"""Does a name of the source, or a token of the pipeline, stand anywhere in a release?

What belongs here looks through the bytes of every file of a release: cells of tables, column metadata, prose. Which names there
are is for the caller to say; names are never written into a finding.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.declaration import ATTRIBUTES, RELEASED, Kind

# Shorter names cannot be told from codes, or from words.
SHORTEST, SHORTEST_IN_PROSE = 4, 6

# Shorter numbers cannot be told from counts and sizes, which prose has.
SHORTEST_NUMBER_IN_PROSE = 8

_BY_HEADER = {a.header: a for a in RELEASED}
_DOCUMENTATION = " ".join(f"{a.description} {a.example}" for a in ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class NameFound:
    """A place where something that identifies somebody stands.

    Attributes:
        file: name of the file.
        place: the column, ``text``, or ``metadata``.
        names: how many different names were found there.
    """

    file: str
    place: str
    names: int


def names_in(files: Mapping[str, bytes], names: Collection[str], numbers: Collection[str] = ()) -> list[NameFound]:
    """Where any of some names stands, in files of a release.

    Args:
        files: contents by file name: CSV and Parquet tables, everything else UTF-8 text.
        names: names and tokens. Those of fewer than four characters are left out, in prose those of fewer than six, and those
            that the form's own documentation mentions (its examples are somebody's tokens).
        numbers: business numbers. Those of fewer than four characters are left out, in prose those of fewer than eight. They
            are not looked for among keys, dates, amounts and well-formed codes, where the same digits are met by chance.
    """
    wanted = _Wanted(_long_enough(names, SHORTEST), _long_enough(numbers, SHORTEST))
    found: list[NameFound] = []
    for file, content in sorted(files.items()):
        if file.endswith(".csv"):
            found += _in_csv(file, content, wanted)
        elif file.endswith(".parquet"):
            found += _in_parquet(file, content, wanted)
        else:
            found += _in_text(file, "text", content.decode("utf-8", errors="replace"), wanted)
    return found


@dataclass(frozen=True, slots=True)
class _Wanted:
    names: set[str]
    numbers: set[str]


def _long_enough(said: Collection[str], shortest: int) -> set[str]:
    return {text for text in (one.strip() for one in said) if len(text) >= shortest}


def _in_csv(file: str, content: bytes, wanted: _Wanted) -> list[NameFound]:
    rows = csv.reader(io.StringIO(content.decode("utf-8", errors="replace")))
    header = next(rows, [])
    columns = list(zip(*rows, strict=False))
    if not set(header) & set(_BY_HEADER):
        return _in_text(file, "text", content.decode("utf-8", errors="replace"), wanted)
    hits = [
        NameFound(file, name, len(known))
        for name, values in zip(header, columns, strict=False)
        if (known := _known(name, values, wanted))
    ]
    return [*_in_text(file, "header", ",".join(header), wanted), *hits]


def _in_parquet(file: str, content: bytes, wanted: _Wanted) -> list[NameFound]:
    table = pq.read_table(pa.BufferReader(content))
    hits = []
    for name in table.column_names:
        if str(table.schema.field(name).type) == "string":
            known = _known(name, table.column(name).unique().to_pylist(), wanted)
            hits += [NameFound(file, name, len(known))] if known else []
    said = str(pq.read_metadata(pa.BufferReader(content)).metadata or "") + str(table.schema)
    return [*_in_text(file, "metadata", said, wanted), *hits]


def _known(column: str, values: Collection[str | None], wanted: _Wanted) -> set[str]:
    said = {stripped for value in set(values) if value and (stripped := value.strip())}
    attribute = _BY_HEADER.get(column)
    if attribute is None or attribute.kind is Kind.IDENTITY:
        may_be_numbers = said
    else:
        may_be_numbers = {value for value in said if attribute.kind is Kind.CODE and not attribute.accepts(value)}
    return said & wanted.names | may_be_numbers & wanted.numbers


def _in_text(file: str, place: str, text: str, wanted: _Wanted) -> list[NameFound]:
    # A short text against many names: every name is looked for by itself, and then as a word of its own.
    long = _long_enough(wanted.names, SHORTEST_IN_PROSE) | _long_enough(wanted.numbers, SHORTEST_NUMBER_IN_PROSE)
    near = [name for name in long if name in text and name not in _DOCUMENTATION]
    known = sum(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None for name in near)
    return [NameFound(file, place, known)] if known else []
