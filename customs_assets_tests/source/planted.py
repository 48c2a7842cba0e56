"""Files with one known fault, and the count of refusals that name it.

Each fault makes a whole file or a whole month useless, in a way in which extracts come. The file is otherwise drawn at random,
and half of the files have hostile cells elsewhere. A refusal names a fault where its sentence has all the words that stand beside
it.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from customs_assets.declaration import NAMES
from customs_assets.forms import open_form
from customs_assets.source.causes import why_nothing_kept
from customs_assets.source.files import FileSource
from customs_assets.source.reading import SourceError
from customs_assets_tests.source.declarations_in_xml import declaration_xml, document
from customs_assets_tests.source.fuzzing import HOSTILE, MONTH, TODAY, as_declared, drawn_often, legal_in_xml, sound_row
from customs_assets_tests.source.workbooks import Raw, sheet_xml, simple, workbook

Rows = list[dict[str, Any]]
FORMATS = ("csv", "parquet", "xlsx", "xml")
XML_NAMES = tuple(attribute.name for attribute in open_form("eu-h1").attributes)


@dataclass(frozen=True)
class Fault:
    """A fault: its name, the formats that can have it, the words that name it, and how it is planted.

    Attributes:
        cells: what it makes of cells in each row.
        file: what it makes of the file's bytes.
        columns: what it makes of the columns.
        named: how the file's name goes on behind ``declarations``.
        table: how a workbook is made of headers and rows.
    """

    name: str
    formats: tuple[str, ...]
    words: tuple[str, ...]
    cells: dict[str, Any] = field(default_factory=dict)
    file: Callable[[bytes], bytes] | None = None
    columns: Callable[[list[str]], list[str]] | None = None
    named: str = f"-{MONTH}"
    table: Callable[[list[list[Any]]], bytes] | None = None


def _cells(
    reason: str, column: str, values: Sequence[Any], *words: str, formats: Sequence[str] = FORMATS
) -> list[Fault]:
    return [
        Fault(f"{column} {value!r:.20}", tuple(formats), (f"{reason} in {column}", *words), {column: value})
        for value in values
    ]


def _without(name: str) -> Callable[[list[str]], list[str]]:
    return lambda names: [each for each in names if each != name]


def _text(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    return lambda content: change(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _rest(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """A change of every line but the first."""
    return _text(
        lambda text: "\n".join([text.split("\n")[0], *(change(line) for line in text.split("\n")[1:] if line)])
    )


def _separated(mark: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        rows = [*csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=""))]
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=mark, lineterminator="\n").writerows(rows)
        return stream.getvalue().encode("utf-8", "surrogateescape")

    return change


def _zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("declarations.csv", content)
    return stream.getvalue()


def _half(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


_TABLES = ("csv", "parquet", "xlsx")

FAULTS: tuple[Fault, ...] = (
    *(
        Fault(f"separator {mark!r}", ("csv",), (word,), file=_separated(mark))
        for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"))
    ),
    Fault("title above", ("csv",), ("stand in line 2",), file=_text(lambda text: f"Extract of the office\n{text}")),
    Fault("sep line", ("csv",), ("semicolons",), file=lambda content: b"sep=;\n" + _separated(";")(content)),
    *(
        Fault(f"lacks {name}", formats, (words.format(name=name),), columns=_without(name))
        for name in ("importer_id", "hs10_code", "net_mass", "date", "item_price", "country_of_origin")
        for formats, words in (
            (_TABLES, "lacks the columns {name};"),
            (("xml",), "in none of them {name} (looked for at"),
        )
    ),
    *(
        Fault(
            f"{name} twice", ("csv", "xlsx"), (name, "more than once"), columns=lambda names, name=name: [*names, name]
        )
        for name in ("importer_id", "net_mass")
    ),
    Fault("empty", FORMATS, ("is empty",), file=lambda content: b""),
    Fault("header alone", ("csv",), ("has no rows of 2020-01",), file=lambda content: content.split(b"\n")[0]),
    Fault("bytes", ("csv",), ("undecodable_bytes",), file=_rest(lambda line: f"{line}\udcff")),
    Fault("comma too many", ("csv",), ("wrong_field_count",), file=_rest(lambda line: f"{line},")),
    Fault("quote", ("csv",), ("malformed_quoting",), file=_rest(lambda line: f'"{line}"x')),
    Fault("UTF-16", ("csv",), ("UTF-16",), file=lambda content: content.decode("utf-8", "replace").encode("utf-16")),
    Fault("zip", ("csv", "xlsx"), ("zip archive",), file=_zipped),
    Fault("gzip", ("csv",), ("gzip",), file=lambda content: b"\x1f\x8b" + content),
    Fault("another month", FORMATS, ("says 2020-01", "another month"), {"date": "2020-03-05"}),
    Fault("dates of another form", FORMATS, ("no date of the form", "05.01.20"), {"date": "05.01.20"}, named=""),
    Fault("no dates", ("csv", "parquet"), ("date is empty in every row",), {"date": ""}, named=""),
    Fault("future", FORMATS, ("today is 2021-12-31",), {"date": "2031-01-05"}, named=""),
    Fault("past", _TABLES, ("first_month",), {"date": "2017-12-05"}, named=""),
    *_cells("text_in_number", "net_mass", ["108,0", "1262,25"], "decimal = ','"),
    *_cells("text_in_number", "item_price", ["1,437,418"], "thousands"),
    *_cells("text_in_number", "net_mass", ["heavy", "12 kg", "1.2.3"]),
    *_cells("negative_number", "item_price", ["-1", "-0.5"]),
    *_cells("number_out_of_range", "tax_rate", ["1e999", "5000"]),
    *_cells("missing_value", "importer_id", ["NULL", "", r"\N"], formats=_TABLES),
    *_cells("missing_value", "net_mass", ["nan", "N/A"]),
    *_cells("unknown_code", "country_of_origin", ["KOR", "Brazil", "XX"]),
    *_cells("malformed_code", "office_id", ["Seoul office"]),
    *_cells("malformed_hs_code", "hs10_code", ["9.0121E+08"], "digits are lost"),
    *_cells("malformed_hs_code", "hs10_code", ["12", "coffee", "12345678901234"]),
    *_cells("reserved_chapter", "hs10_code", ["9801000000", "7701000000"], "of chapter"),
    *_cells("unknown_label", "fraud", ["perhaps", "7"]),
    *_cells("control_characters", "declarant_id", ["Han\x07bit"], formats=("csv", "parquet")),
    *_cells("text_too_long", "declarant_id", ["x" * 5000]),
    *_cells("malformed_date", "date", ["2020-02-30", "soon"]),
    Fault("one label", _TABLES, ("incomplete_labels",), {"critical_fraud": ""}),
    Fault("labels at odds", _TABLES, ("inconsistent_labels",), {"fraud": "0", "critical_fraud": "2"}),
    Fault("cut short", ("parquet", "xlsx", "xml"), ("cut short",), file=_half),
    Fault("no Parquet", ("parquet",), ("no readable Parquet",), file=lambda content: b"Declaration ID,Date\n1,2\n"),
    Fault("CSV named .xlsx", ("xlsx",), ("if it is CSV",), file=lambda content: b"Declaration ID,Date\n1,2\n"),
    Fault("HTML named .xlsx", ("xlsx",), ("text with markup",), file=lambda content: b"<html><table></table></html>"),
    Fault("xls", ("xlsx",), (".xls",), file=lambda content: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 900),
    Fault("title row", ("xlsx",), ("stand in line 3",), table=lambda table: simple([["Extract 2020"], [], *table])),
    Fault(
        "two sheets",
        ("xlsx",),
        ("in 2 sheets", "'Jan'"),
        table=lambda table: workbook({"Jan": sheet_xml(table), "Feb": sheet_xml(table)}),
    ),
    Fault("no sheet", ("xlsx",), ("no sheet of cells",), table=lambda table: workbook({})),
    Fault("formulas", ("xlsx",), ("no_value_of_formula in net_mass",), {"net_mass": Raw('<c r="{r}"><f>A1</f></c>')}),
    Fault(
        "errors",
        ("xlsx",),
        ("no_value_of_formula in item_price",),
        {"item_price": Raw('<c r="{r}" t="e"><v>#REF!</v></c>')},
    ),
    Fault(
        "DOCTYPE in a sheet",
        ("xlsx",),
        ("DOCTYPE",),
        table=lambda table: workbook({"A": f'<!DOCTYPE a [<!ENTITY b "c">]>{sheet_xml(table)}'}),
    ),
    Fault(
        "DOCTYPE",
        ("xml",),
        ("DOCTYPE",),
        file=_text(lambda t: re.sub("(<md:)", '<!DOCTYPE a [<!ENTITY b "c">]>\\1', t, count=1)),
    ),
    Fault(
        "another root",
        ("xml",),
        ("no element Declaration",),
        file=_text(lambda text: text.replace("Declaration", "Invoice")),
    ),
    Fault("not closed", ("xml",), ("no well-formed XML",), file=_text(lambda text: text.replace("</Origin>", "", 1))),
    Fault("no XML", ("xml",), ("no well-formed XML",), file=lambda content: b"Declaration ID,Date\n1,2\n"),
    Fault("currency", ("xml",), ("other_unit in item_price",), {"currency": ' currencyID="GBP"'}),
    Fault("tonnes", ("xml",), ("other_unit in net_mass",), {"unit": ' unitCode="TNE"'}),
)


@dataclass(frozen=True)
class Planted:
    """A file with a fault: the fault, the file's name and its bytes, and the form that it is read by."""

    fault: Fault
    name: str
    content: bytes
    form: str


@st.composite
def planted(draw: st.DrawFn) -> Planted:
    """A file with one of the faults, in one of the formats that can have it."""
    fault = draw(st.sampled_from(FAULTS))
    kind = draw(st.sampled_from(fault.formats))
    rows: Rows = [sound_row(number) for number in range(draw(st.integers(1, 12)))]
    names = XML_NAMES if kind == "xml" else NAMES
    if len(rows) > 2 and draw(st.booleans()):
        # Not where the fault is, nor in what tells it: the date, and the first row, from which some sentences take an example.
        free = [name for name in names if name not in (*fault.cells, "date", "fraud", "critical_fraud")]
        for row in rows[1 : len(rows) // 2]:
            row[draw(st.sampled_from(free))] = draw(drawn_often(HOSTILE))
    for row in rows:
        row.update(fault.cells)
    written = fault.columns([*names]) if fault.columns else [*names]
    content = _WRITERS[kind](rows, written, fault)
    return Planted(
        fault, f"declarations{fault.named}.{kind}", fault.file(content) if fault.file else content, _FORMS[kind]
    )


def _csv(rows: Rows, names: list[str], fault: Fault) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    # A line break in a cell would be another line to a fault of lines.
    cells = [[re.sub(r"[\r\n\x00]", " ", str(row[name])) for name in names] for row in rows]
    writer.writerows([names, *cells])
    return stream.getvalue().encode("utf-8", "replace")


def _parquet(rows: Rows, names: list[str], fault: Fault) -> bytes:
    stream = io.BytesIO()
    text = [pa.array([str(row[name]).encode("utf-8", "replace").decode() for row in rows]) for name in names]
    pq.write_table(pa.table(text, names=names), stream)
    return stream.getvalue()


def _xlsx(rows: Rows, names: list[str], fault: Fault) -> bytes:
    cells = [[v if isinstance(v := row[name], Raw) else legal_in_xml(str(v)) for name in names] for row in rows]
    return (fault.table or simple)([names, *cells])


def _xml(rows: Rows, names: list[str], fault: Fault) -> bytes:
    made = []
    for row in rows:
        said = {**as_declared(row), **fault.cells}
        said = {name: legal_in_xml(value) for name, value in said.items()}
        gone = set(XML_NAMES) - set(names)
        text = declaration_xml(said, [said]) if not gone else _without_elements(said, gone)
        made.append(text)
    return document(made).encode()


def _without_elements(said: dict[str, str], gone: set[str]) -> str:
    text = declaration_xml(said | {name: "" for name in gone}, [said | {name: "" for name in gone}])
    if "net_mass" in gone:
        text = text.replace("<GrossMassMeasure>1</GrossMassMeasure>", "")
    return text


_WRITERS = {"csv": _csv, "parquet": _parquet, "xlsx": _xlsx, "xml": _xml}
_FORMS = {"csv": "korea", "parquet": "korea", "xlsx": "korea", "xml": "eu-h1"}


@dataclass
class Naming:
    """How often a refusal names the fault that was planted."""

    files: int = 0
    refused: int = 0
    named: int = 0
    unnamed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the refusals that name the fault."""
        return self.named / self.refused if self.refused else 1.0


def sentence_of(case: Planted) -> str | None:
    """What is said where the file or its month is refused; None where rows were kept."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        Path(folder, case.name).write_bytes(case.content)
        source = FileSource(folder, TODAY, open_form(case.form))
        try:
            month = source.read_month(MONTH)
        except SourceError as error:
            return str(error)
        if month.declarations.num_rows:
            return None
        return why_nothing_kept(source.description, MONTH, month.rows_in, month.quarantine)


def examine_planted(case: Planted, naming: Naming) -> None:
    """Read a file and count whether its refusal names the fault."""
    naming.files += 1
    sentence = sentence_of(case)
    kind = f"{case.fault.name} ({case.name.rpartition('.')[2]})"
    if sentence is None:
        naming.unnamed[f"kept: {kind}"] += 1
        return
    naming.refused += 1
    if all(word in sentence for word in case.fault.words):
        naming.named += 1
    else:
        naming.unnamed[kind] += 1
        naming.examples.setdefault(kind, sentence[:300])
