"""How a file is written, seen from its bytes: encoding, separator, the line of the headers, and a sample of its cells.

Nothing is made from what is seen here; it is what ``customs inspect`` tells, and proposes a form from.
"""

# A type checker does not see the functions of pyarrow.compute, which are made when it is imported.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from customs_assets.forms import Form
from customs_assets.source.causes import SEPARATORS, seen_separator, split_line
from customs_assets.source.reading import SourceError
from customs_assets.source.workbook import Workbook
from customs_assets.source.workbook_rows import headers_of
from customs_assets.source.xml_rows import first_items

SAMPLE_BYTES = 1 << 21
SAMPLE_ROWS = 20_000
SAMPLE_SHEET_ROWS = 2_000

# Encodings that every sequence of bytes is valid in are the last to be thought of.
_ENCODINGS = ("cp949", "cp1252", "cp1250", "cp1251", "cp1256", "gb18030", "shift_jis", "latin_1")
_LINES = 40


@dataclass(frozen=True)
class Look:
    """A file as it is seen.

    Attributes:
        name: the file's name in messages.
        kind: ``CSV``, ``Parquet``, ``Excel`` or ``XML``.
        encoding: of a CSV file.
        separator: of a CSV file.
        skip_lines: lines above its headers.
        headers: the headers; of XML, the paths at which text stands.
        cells: the first rows, as text, a column for each header by its place.
        sheet: of a workbook.
    """

    name: str
    kind: str
    encoding: str
    separator: str
    skip_lines: int
    headers: tuple[str, ...]
    cells: pd.DataFrame
    sheet: str = ""

    def sentence(self) -> str:
        """What was seen, for a person."""
        if self.kind == "Parquet":
            return f"{self.name}: Parquet, {len(self.headers)} columns"
        if self.kind == "XML":
            return f"{self.name}: XML, {len(self.headers)} elements and attributes with text"
        above = f", {self.skip_lines} lines above the headers" if self.skip_lines else ""
        if self.kind == "Excel":
            return f"{self.name}: Excel, sheet {self.sheet!r}{above}, {len(self.headers)} columns"
        return (
            f"{self.name}: CSV in {self.encoding}, separated by {SEPARATORS[self.separator]}{above}, "
            f"{len(self.headers)} columns"
        )


def look_at(path: Path, name: str, form: Form | None = None) -> Look:
    """Look at a file.

    Args:
        path: the file.
        name: what messages call it.
        form: a form that may say how XML is laid out.

    Raises:
        SourceError: it is empty, or cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _look_at_xml(path, name, form)
    looks = {".parquet": _look_at_parquet, ".xlsx": _look_at_workbook, ".xlsm": _look_at_workbook}
    return looks.get(suffix, _look_at_csv)(path, name)


def _look_at_parquet(path: Path, name: str) -> Look:
    try:
        with pq.ParquetFile(path) as file:
            headers = tuple(file.schema_arrow.names)
            batch = next(file.iter_batches(SAMPLE_ROWS), None)
    except Exception as error:  # What a damaged file raises is many things.
        first_line = str(error).strip().partition("\n")[0][:200]
        raise SourceError(f"{name} is no readable Parquet file ({first_line})") from error
    cells = pd.DataFrame(columns=range(len(headers))) if batch is None else batch.to_pandas()
    cells.columns = range(len(cells.columns))
    return Look(name, "Parquet", "", ",", 0, headers, cells.map(_as_text))


def _as_text(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _look_at_workbook(path: Path, name: str) -> Look:
    """The sheet with the most cells among its first rows."""
    sheets = Workbook(path, name, SAMPLE_SHEET_ROWS).sheets
    sheet = max(sheets, key=lambda each: sum(len(cells) for _, cells in each.first_rows))
    rows = sheet.first_rows
    if not rows:
        raise SourceError(f"{name} is empty: it has no header row")
    usual = Counter(len(cells) for _, cells in rows[:_LINES]).most_common(1)[0][0]
    place = next((place for place, (_, cells) in enumerate(rows) if 2 * len(cells) > usual), 0)
    headers = tuple(headers_of(rows[place][1], name))
    table = []
    for _, cells in rows[place + 1 :]:
        row = [""] * len(headers)
        for cell in cells:
            if cell.column < len(row):
                row[cell.column] = cell.text
        table.append(row)
    # Blank rows above the headers are left out anyway; a title is not.
    above = rows[place][0] - 1 if place else 0
    body = pd.DataFrame(table, columns=range(len(headers)), dtype=object)
    return Look(name, "Excel", "", ",", above, headers, body, sheet.name)


def _look_at_xml(path: Path, name: str, form: Form | None) -> Look:
    """The elements of the first declarations, by the WCO Data Model or whatever stands in their place."""
    items = first_items(path, name, SAMPLE_ROWS // 10, form)
    headers = tuple(dict.fromkeys(place for item in items for place in item))
    cells = pd.DataFrame(
        [[item.get(place, "") for place in headers] for item in items], columns=range(len(headers)), dtype=object
    )
    return Look(name, "XML", "", ",", 0, headers, cells)


def _look_at_csv(path: Path, name: str) -> Look:
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample:
        raise SourceError(f"{name} is empty (0 bytes)")
    if b"\0" in sample[:4096]:
        raise SourceError(f"{name} is no CSV file: it holds zero bytes; save it as CSV in UTF-8")
    encoding = seen_encoding(sample)
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample.removeprefix(codecs.BOM_UTF8))
    if len(sample) == SAMPLE_BYTES:
        text = text.rpartition("\n")[0]
    lines = text.splitlines()
    separator = seen_separator(lines[:_LINES]) or ","
    above = _lines_above(lines[:_LINES], separator)
    rows = list(csv.reader(io.StringIO("\n".join(lines[above : above + SAMPLE_ROWS + 1])), delimiter=separator))
    headers = tuple(rows[0]) if rows else ()
    body = [row for row in rows[1:] if len(row) == len(headers)]
    cells = pd.DataFrame(body, columns=range(len(headers)), dtype=object)
    return Look(name, "CSV", encoding, separator, above, headers, cells)


def seen_encoding(sample: bytes) -> str:
    """The encoding of some bytes: UTF-8 where they are, else the one in which they look most like a language."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample.removeprefix(codecs.BOM_UTF8))
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(sample[: SAMPLE_BYTES // 8], cp_isolation=list(_ENCODINGS)).best()
        found = "cp1252" if best is None else best.encoding
        # Of Latin alphabets, the one that the others contain: what they differ in is rare.
        return "cp1252" if found in ("latin_1", "cp1250") and _decodes(sample, "cp1252") else found
    return "utf-8"


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _lines_above(lines: list[str], separator: str) -> int:
    """How many lines stand above the headers: the headers are the first record that fills as many cells as most records have."""
    records = _records(lines, separator)
    usual = Counter(len(cells) for _, cells in records if any(cell.strip() for cell in cells)).most_common(1)
    full = [
        place
        for place, cells in records
        if usual and len(cells) == usual[0][0] and 2 * sum(bool(cell.strip()) for cell in cells) > len(cells)
    ]
    return full[0] if full else 0


def _records(lines: list[str], separator: str) -> list[tuple[int, list[str]]]:
    """The records of some lines, each with the place of its first line. A header may have a line break within its quotes."""
    reader, records, place = csv.reader((f"{line}\n" for line in lines), delimiter=separator), [], 0
    for cells in reader:
        records.append((place, cells))
        place = reader.line_num
    # A quote that nobody closes takes all lines behind it for one record.
    return (
        records if 2 * len(records) > len(lines) else [(n, split_line(line, separator)) for n, line in enumerate(lines)]
    )
