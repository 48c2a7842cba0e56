"""Limits on the size of files, so that no file can fill memory or disk.

1.4 million declarations of a month are about 500 MB of CSV; the limits are a hundred times that. A file that would grow a
thousandfold when it is unpacked is refused whatever its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq

from customs_assets.source.reading import SourceError
from customs_assets.source.xml_stream import stream_xml

FILE_BYTES = 64 << 30
UNPACKED_BYTES = 128 << 30
ROWS = 1 << 30
COLUMNS = 2048

# A file may grow this many times when it is unpacked. Up to this many bytes any growth is harmless.
GROWTH = 1000
HARMLESS_BYTES = 256 << 20

# How much text may be unpacked from a Parquet file at once.
PIECE_BYTES = 64 << 20

# A workbook's sheet has at most 1,048,576 rows, some 2 GB of XML with 77 columns. Cells are compressed to a tenth, seldom to less
# than a hundredth. Shared texts are held in memory while a sheet is read.
WORKBOOK_BYTES = 16 << 30
WORKBOOK_GROWTH = 200
STRINGS_BYTES = 512 << 20
PARTS = 10_000
# A part of which a tree is made (the list of sheets, the styles), and how large a streamed part is read without a look before.
TREE_BYTES = 16 << 20
UNSEEN_BYTES = 4 << 20
# A row has at most 16,384 cells of some elements each; a sheet has further elements below its rows, such as merged cells.
ELEMENTS_OF_A_ROW = 1_000_000


def refuse_large_file(path: Path, name: str) -> None:
    """Raise SourceError where a file is too large."""
    size = path.stat().st_size
    if size > FILE_BYTES:
        raise SourceError(
            f"{name} has {size:,} bytes; a file of declarations has at most {FILE_BYTES:,}: split it by month"
        )


def refuse_bomb(metadata: pq.FileMetaData, size: int, name: str) -> None:
    """Raise SourceError where a Parquet file has too many rows or columns, or would unpack to too many bytes for its size."""
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if metadata.num_rows > ROWS or metadata.num_columns > COLUMNS:
        size_claimed = f"{metadata.num_rows:,} rows and {metadata.num_columns:,} columns"
        raise SourceError(f"{name} claims {size_claimed}; a file of declarations has at most {ROWS:,} and {COLUMNS:,}")
    if unpacked > UNPACKED_BYTES or unpacked > max(GROWTH * size, HARMLESS_BYTES):
        raise SourceError(
            f"{name} has {size:,} bytes and would unpack to {unpacked:,}; no file of declarations does, so it is refused"
        )


def refuse_large_workbook(unpacked: Mapping[str, int], size: int, name: str) -> None:
    """Raise SourceError where a workbook has too many parts, or would unpack to too many bytes for its size.

    Args:
        unpacked: how many bytes each part would take. No more are ever unpacked.
        size: the file's own bytes.
        name: what messages call it.
    """
    total = sum(unpacked.values())
    if len(unpacked) > PARTS:
        raise SourceError(f"{name} has {len(unpacked):,} parts; a workbook has at most {PARTS:,}")
    if total > WORKBOOK_BYTES or total > max(WORKBOOK_GROWTH * size, HARMLESS_BYTES):
        raise SourceError(
            f"{name} has {size:,} bytes and would unpack to {total:,}; no file of declarations does, so it is refused"
        )
    strings = max((size for part, size in unpacked.items() if part.lower().endswith("sharedstrings.xml")), default=0)
    if strings > STRINGS_BYTES:
        raise SourceError(
            f"{name} holds {strings:,} bytes of texts, and at most {STRINGS_BYTES:,} are held in memory: split it by month, or "
            "save it as CSV"
        )


def refuse_large_part(size: int, name: str) -> None:
    """Raise SourceError where a part of a workbook, of which a tree is made, is too large."""
    if size > TREE_BYTES:
        raise SourceError(
            f"{name} has {size:,} bytes, and at most {TREE_BYTES:,} are held in memory: copy the rows into a new workbook"
        )


def refuse_swollen_part(stream: IO[bytes], size: int, name: str) -> None:
    """Raise SourceError where a part of a workbook that is read row by row has texts, rows or nesting without end.

    Args:
        stream: the part.
        size: its bytes; a small one is not looked at.
        name: what messages call it.
    """
    since = 0

    def start(element: str, said: dict[str, str]) -> None:
        nonlocal since
        since = 0 if element in ("row", "si") else since + 1
        if since > ELEMENTS_OF_A_ROW:
            raise SourceError(
                f"{name} has over {ELEMENTS_OF_A_ROW:,} elements without a new row; no sheet of declarations does"
            )

    if size > UNSEEN_BYTES:
        for _ in stream_xml(stream, name, start, lambda name: None, lambda text: None):
            pass
