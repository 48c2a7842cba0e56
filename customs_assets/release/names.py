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

from customs_assets.declaration import ATTRIBUTES, RELEASED

# Shorter names cannot be told from codes, or from words.
SHORTEST, SHORTEST_IN_PROSE = 4, 6


_HEADERS = {a.header for a in RELEASED}
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


def names_in(files: Mapping[str, bytes], names: Collection[str]) -> list[NameFound]:
    """Where any of some names stands, in files of a release.

    Args:
        files: contents by file name: CSV and Parquet tables, everything else UTF-8 text.
        names: names and tokens. Those of fewer than four characters are left out, in prose those of fewer than six, and those
            that the form's own documentation mentions (its examples are somebody's tokens).
    """
    wanted = {name for name in (said.strip() for said in names) if len(name) >= SHORTEST}
    found: list[NameFound] = []
    for file, content in sorted(files.items()):
        if file.endswith(".csv"):
            found += _in_csv(file, content, wanted)
        elif file.endswith(".parquet"):
            found += _in_parquet(file, content, wanted)
        else:
            found += _in_text(file, "text", content.decode("utf-8", errors="replace"), wanted)
    return found


def _in_csv(file: str, content: bytes, wanted: set[str]) -> list[NameFound]:
    rows = csv.reader(io.StringIO(content.decode("utf-8", errors="replace")))
    header = next(rows, [])
    columns = list(zip(*rows, strict=False))
    if not set(header) & _HEADERS:
        return _in_text(file, "text", content.decode("utf-8", errors="replace"), wanted)
    hits = [
        NameFound(file, name, len(known))
        for name, values in zip(header, columns, strict=False)
        if (known := _known(values, wanted))
    ]
    return [*_in_text(file, "header", ",".join(header), wanted), *hits]


def _in_parquet(file: str, content: bytes, wanted: set[str]) -> list[NameFound]:
    table = pq.read_table(pa.BufferReader(content))
    hits = []
    for name in table.column_names:
        if str(table.schema.field(name).type) == "string":
            known = _known(table.column(name).unique().to_pylist(), wanted)
            hits += [NameFound(file, name, len(known))] if known else []
    said = str(pq.read_metadata(pa.BufferReader(content)).metadata or "") + str(table.schema)
    return [*_in_text(file, "metadata", said, wanted), *hits]


def _known(values: Collection[str | None], wanted: set[str]) -> set[str]:
    return {stripped for value in set(values) if value and (stripped := value.strip()) in wanted}


def _in_text(file: str, place: str, text: str, wanted: set[str]) -> list[NameFound]:
    # A short text against many names: every name is looked for by itself, and then as a word of its own.
    near = [name for name in wanted if len(name) >= SHORTEST_IN_PROSE and name in text and name not in _DOCUMENTATION]
    known = sum(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None for name in near)
    return [NameFound(file, place, known)] if known else []
