"""Workbooks as Excel and other programs write them, part by part, so that a test can have any of it as it likes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from customs_assets.source.workbook import column_letters

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# The cell styles of the workbooks made here.
PLAIN, DATE, OWN_DATE, PERCENT, ZEROS, TIME = range(6)
STYLES = f"""<styleSheet xmlns="{MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="[$-409]dd\\-mmm\\-yy;@"/>
<numFmt numFmtId="165" formatCode="0000000000"/><numFmt numFmtId="166" formatCode="&quot;day &quot;0.00"/></numFmts>
<cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs>
<cellXfs count="6"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="9"/><xf numFmtId="165"/>
<xf numFmtId="22"/></cellXfs></styleSheet>"""


class Raw(str):
    """The XML of a cell within ``<c …>``, with ``{r}`` where its reference stands: written as it is."""


def serial(day: date) -> int:
    """A day as Excel counts it."""
    return (day - date(1899, 12, 30)).days


def cell(value: Any, reference: str, shared: list[str] | None) -> str:
    """The XML of a cell: text (shared where there is a list), a number, a truth value, a day, or nothing."""
    if isinstance(value, Raw):
        return value.replace("{r}", reference)
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        kind = ' t="b"' if isinstance(value, bool) else f' s="{DATE}"' if isinstance(value, date) else ""
        number = serial(value) if isinstance(value, date) else repr(value + 0)
        return f'<c r="{reference}"{kind}><v>{number}</v></c>'
    if shared is None:
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    shared.append(value)
    return f'<c r="{reference}" t="s"><v>{len(shared) - 1}</v></c>'


def sheet_xml(rows: Sequence[Sequence[Any]], shared: list[str] | None = None, first: int = 1, extra: str = "") -> str:
    """A sheet of rows, the first of which has a number; a row that is empty is left out."""
    lines = []
    for number, row in enumerate(rows, start=first):
        cells = "".join(cell(value, f"{column_letters(place)}{number}", shared) for place, value in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>' if cells else "")
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>{extra}</worksheet>'


def workbook(
    sheets: Mapping[str, str],
    shared: Sequence[str] = (),
    properties: str = "",
    hidden: Sequence[str] = (),
    parts: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A workbook of some sheets (name to XML), with its shared texts and further or other parts."""
    names = [*sheets]
    states = {name: ' state="hidden"' for name in hidden}
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"{states.get(name, "")}/>'
        for n, name in enumerate(names, start=1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    related += f'<Relationship Id="rS" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    related += f'<Relationship Id="rT" Type="{_OFFICE}/styles" Target="/xl/styles.xml"/>'
    texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in shared)
    kinds = {f"worksheets/sheet{n}": "worksheet" for n in range(1, len(names) + 1)}
    kinds |= {"workbook": "sheet.main", "sharedStrings": "sharedStrings", "styles": "styles"}
    typed = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in kinds.items()
    )
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_CONTENT}"><Default Extension="xml" ContentType="text/xml"/>{typed}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">{properties}<sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": sheets[name] for n, name in enumerate(names, start=1)},
        **(parts or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return stream.getvalue()


def simple(rows: Sequence[Sequence[Any]], inline: bool = False) -> bytes:
    """A workbook of one sheet."""
    shared: list[str] | None = None if inline else []
    sheet = sheet_xml(rows, shared)
    return workbook({"Sheet1": sheet}, shared or ())


def write(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """Write a workbook of one sheet."""
    path.write_bytes(simple(rows))
    return path
