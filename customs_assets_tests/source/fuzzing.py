"""Files of every kind, drawn at random, and the check that nothing of them is lost when they are read.

Half of the files (CSV, Parquet, workbooks, XML) hold sound declarations with hostile cells put into some (text of every script,
formulas, huge and negative numbers, dates of every kind, duplicates). The others are damaged as files (encodings, quoting, cuts,
flipped bits, columns left out, doubled, renamed and in any order, Parquet of any types, parts of a workbook, elements).
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from customs_assets.declaration import ATTRIBUTES, NAMES
from customs_assets.forms import open_form
from customs_assets.source.files import FileSource
from customs_assets.source.quarantine import FORMULA_STARTS, REASONS
from customs_assets.source.reading import SourceError, SourceMonth
from customs_assets_tests.source.declarations_in_xml import declaration_xml, document
from customs_assets_tests.source.workbooks import Raw, sheet_xml, workbook

TODAY = date(2021, 12, 31)
MONTH = "2020-01"

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("", " ", "NULL", "NA", "nan", "None", "\ufeff", "\x00", "\u202e", "\ud800", "\U0001f4a9"),
            *("=1+1", '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"),
            *("1e999", "-1e999", "1e-999", "-0", "NaN", "inf", "1,234", "1_000", "٣", "0x10", "9" * 400, "1e308"),
            *('"', '""', "'", ",", ";", "\n", "\r", "\r\n", "a,b", 'a"b', "\\", "\\N", "x" * 5000),
            *(
                "2020-02-30",
                "2020-1-1",
                "01/02/2020",
                "2020-01-05T10:00:00Z",
                "9999-12-31",
                "0000-00-00",
                "2020-01-05 ",
            ),
        ]
    ),
    st.floats().map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.dates().map(str),
)
HEADERS = st.sampled_from(
    [a.header for a in ATTRIBUTES] + list(NAMES) + ["", "Remark", "=1+1", "office id", "ＤＡＴＥ"]
)


def sound_row(number: int) -> dict[str, str]:
    """A well-formed declaration of the month."""
    row = {a.name: a.example for a in ATTRIBUTES}
    day = date(2020, 1, 1) + timedelta(days=number % 28)
    return row | {"declaration_id": f"{number:08d}", "date": day.isoformat(), "fraud": "0", "critical_fraud": "0"}


def as_declared(row: dict[str, str]) -> dict[str, str]:
    """A row of the published form as the EU customs data model writes it."""
    own = {
        "office_id": "DE004851",
        "process_type": "A",
        "import_type": "4000",
        "import_use": "000",
        "payment_type": "E",
    }
    own |= {"mode_of_transport": "1", "tax_type": "100"}
    example = sound_row(0)
    return {
        name: own[name] if name in own and value == example[name] else str(value) for name, value in row.items()
    } | {"critical_fraud": ""}


@st.composite
def rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Declarations, some of them with hostile cells, some with the ID of another."""
    made = [sound_row(number) for number in range(draw(st.integers(1, 12)))]
    for row in made:
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
            row[name] = draw(HOSTILE)
    if draw(st.booleans()):
        made.append(dict(draw(st.sampled_from(made))))
    return made


@dataclass(frozen=True)
class Case:
    """A file: its name, its bytes, how many rows it holds where that is certain, and the form that it is read by."""

    name: str
    content: bytes
    rows: int | None
    form: str = "korea"


def legal_in_xml(text: str) -> str:
    """A text without the characters that no XML can hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )


def drawn_often(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A strategy whose texts are short enough to be drawn by the thousand."""
    return strategy.filter(lambda text: len(text) < 1000)


@st.composite
def whole_csv(draw: st.DrawFn) -> Case:
    """A CSV file whose rows can be told apart: quoting is sound, whatever the cells hold."""
    made, names = draw(rows()), draw(st.permutations(NAMES))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows([names, *([row[name] for name in names] for row in made)])
    return Case(f"{MONTH}.csv", stream.getvalue().encode("utf-8", "surrogatepass"), len(made))


@st.composite
def whole_parquet(draw: st.DrawFn) -> Case:
    """A Parquet file of text columns, some of them dictionaries, with hostile cells."""
    made = draw(rows())
    columns: list[Any] = []
    for name in NAMES:
        text = pa.array([row[name].encode("utf-8", "surrogatepass") for row in made], pa.binary())
        columns.append(text.dictionary_encode() if draw(st.booleans()) else text)
    return Case(f"{MONTH}.parquet", _parquet(pa.table(columns, names=list(NAMES))), len(made))


@st.composite
def typed_parquet(draw: st.DrawFn) -> Case:
    """A Parquet file whose columns have any types."""
    made = [sound_row(number) for number in range(draw(st.integers(1, 6)))]
    columns: list[Any] = [[row[name] for row in made] for name in NAMES]
    kinds = st.sampled_from(
        [
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.booleans(),
            st.dates(),
            st.datetimes(),
            st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
            st.lists(st.integers(0, 9), max_size=2),
            st.binary(max_size=8),
            st.none(),
        ]
    )
    for position in draw(st.lists(st.integers(0, len(NAMES) - 1), max_size=4)):
        kind = draw(kinds)
        columns[position] = [draw(kind) for _ in made]
    return Case(f"{MONTH}.parquet", _parquet(pa.table([pa.array(c) for c in columns], names=list(NAMES))), len(made))


@st.composite
def whole_workbook(draw: st.DrawFn) -> Case:
    """A workbook with hostile cells of any kind: text, numbers, truth values, days, errors, formulas without a value."""
    made, names = draw(rows()), draw(st.permutations(NAMES))
    table: list[list[Any]] = [[*names]]
    for row in made:
        cells: list[Any] = [legal_in_xml(row[name]) for name in names]
        for place in draw(st.lists(st.integers(0, len(names) - 1), max_size=2)):
            cells[place] = draw(_WORKBOOK_CELLS)
        table.append(cells)
    sheets = {"Data": sheet_xml(table, shared := [] if draw(st.booleans()) else None)}
    if draw(st.booleans()):
        sheets = {"Notes": sheet_xml([["made on", date(2020, 2, 1)]])} | sheets
    return Case(f"{MONTH}.xlsx", workbook(sheets, shared or ()), len(made))


_WORKBOOK_CELLS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    st.none(),
    st.sampled_from(
        [
            Raw('<c r="{r}" t="e"><v>#N/A</v></c>'),
            Raw('<c r="{r}"><f>A1</f></c>'),
            Raw('<c r="{r}" t="str"><f>A1</f><v>x</v></c>'),
            Raw('<c r="{r}" s="99"><v>1</v></c>'),
            Raw('<c r="{r}" t="d"><v>2020-01-05</v></c>'),
            Raw('<c r="{r}" s="3"><v>0.08</v></c>'),
            Raw('<c r="{r}" s="1"><v>1e300</v></c>'),
            Raw('<c r="{r}" t="strange"><v>1</v></c>'),
        ]
    ),
)


@st.composite
def whole_xml(draw: st.DrawFn) -> Case:
    """XML of declarations with one or more items, with hostile texts."""
    made = [{name: legal_in_xml(value) for name, value in as_declared(row).items()} for row in draw(rows())]
    declared, left = [], [*made]
    while left:
        count = draw(st.integers(1, 3))
        declared.append(declaration_xml(left[0], left[:count]))
        left = left[count:]
    return Case(f"{MONTH}.xml", document(declared).encode(), len(made), "eu-h1")


def _damaged_part(draw: st.DrawFn, content: bytes) -> bytes:
    """A workbook of which one part is damaged, and packed anew."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(stream, "w") as other:
        names = archive.namelist()
        chosen = draw(st.sampled_from(names))
        for name in names:
            part = bytearray(archive.read(name))
            if name == chosen:
                place, removed = draw(st.integers(0, len(part))), draw(st.integers(0, 80))
                part[place : place + removed] = draw(st.one_of(st.binary(max_size=4), st.just(b"<v/>"), st.just(b"9")))
            if name != chosen or draw(st.integers(0, 3)):
                other.writestr(name, bytes(part))
    return stream.getvalue()


def _parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


@st.composite
def damaged(draw: st.DrawFn) -> Case:
    """A file that is cut, flipped, spliced, in another encoding, or has other columns than it should."""
    whole = draw(st.one_of(whole_csv(), whole_parquet(), whole_workbook(), whole_xml()))
    content = bytearray(whole.content)
    if whole.name.endswith(".xlsx") and draw(st.booleans()):
        return Case(whole.name, _damaged_part(draw, whole.content), None)
    if whole.name.endswith(".csv") and draw(st.booleans()):
        content = bytearray(_other_columns(draw))
    if draw(st.booleans()):
        encoding = draw(st.sampled_from(["cp949", "utf-16", "utf-8-sig", "latin-1", "utf-7", "cp1252"]))
        if whole.name.endswith(".csv"):
            content = bytearray(content.decode("utf-8", "replace").encode(encoding, "replace"))
    for _ in range(draw(st.integers(0, 4))):
        place, removed = draw(st.integers(0, len(content))), draw(st.integers(0, 60))
        content[place : place + removed] = draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b'"', b"\r", b",", b"\n", b"\x00", b"\xff\xfe"]))
        )
    if draw(st.integers(0, 4)) == 0:
        del content[draw(st.integers(0, len(content))) :]
    name = draw(st.sampled_from([whole.name, whole.name.replace(MONTH, "declarations"), "=1+1.csv"]))
    return Case(name, bytes(content), None, whole.form)


def _other_columns(draw: st.DrawFn) -> bytes:
    headers = draw(st.lists(HEADERS, min_size=0, max_size=30))
    lines = [headers, *draw(st.lists(st.lists(st.text(max_size=5), max_size=30), max_size=4))]
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))).writerows(lines)
    return stream.getvalue().encode("utf-8", "surrogatepass")


CASES = st.one_of(
    *(whole_csv(), whole_parquet(), typed_parquet(), whole_workbook(), whole_xml()),
    *(damaged(), damaged(), damaged()),
)


@dataclass
class Tally:
    """What became of the cases."""

    cases: int = 0
    rows: int = 0
    kept: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)


def examine(case: Case, tally: Tally) -> None:
    """Read one file and check that nothing of it is lost.

    Raises:
        AssertionError: a row is not accounted for, or a reason is missing.
    """
    tally.cases += 1
    tally.formats[case.name.rpartition(".")[2]] += 1
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        Path(folder, case.name).write_bytes(case.content)
        try:
            month = FileSource(folder, TODAY, open_form(case.form)).read_month(MONTH)
        except SourceError as error:
            sentence = str(error)
            assert case.name in sentence or folder in sentence, f"the sentence does not name the file: {sentence}"
            assert len(sentence) < 3000, "a sentence, not a dump"
            tally.refused += 1
            return
    _account(month, case, tally)


def _account(month: SourceMonth, case: Case, tally: Tally) -> None:
    kept, aside = month.declarations.num_rows, month.quarantine.num_rows
    assert kept + aside == month.rows_in
    assert case.rows is None or month.rows_in == case.rows, f"{case.rows} rows went in, {month.rows_in} were seen"
    identities = month.declarations.column("declaration_id").to_pylist()
    assert len(set(identities)) == kept, "an ID was kept twice"
    places = list(
        zip(month.quarantine.column("file").to_pylist(), month.quarantine.column("row").to_pylist(), strict=True)
    )
    assert len(set(places)) == aside, "a row was set aside twice"
    for row in month.quarantine.to_pylist():
        assert row["reason"] in REASONS
        assert row["detail"]
        for cell in row.values():
            assert not str(cell).startswith(FORMULA_STARTS), f"{cell!r} would run in a spreadsheet"
        tally.reasons[row["reason"]] += 1
    tally.rows += month.rows_in
    tally.kept += kept


def fuzz(cases: int, seed: int | None = None) -> Tally:
    """Draw and examine so many files; raises what the first bad one raised, shrunk to the smallest that still does."""
    tally = Tally()
    drawn(CASES, lambda case: examine(case, tally), cases, seed)
    return tally


def drawn(strategy: st.SearchStrategy[Any], look: Callable[[Any], None], cases: int, seed: int | None) -> None:
    """Draw so many cases and look at each; the same ones where no seed is given."""

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        phases=[Phase.generate, Phase.shrink],
    )
    @given(strategy)
    def check(case: Any) -> None:
        look(case)

    if seed is not None:
        from hypothesis import seed as seeded

        check = seeded(seed)(check)
    check()
