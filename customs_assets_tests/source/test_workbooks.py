"""Workbooks are read as CSV files are: the same cells, rules and places, and a sentence where a workbook is off."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.declaration import ATTRIBUTES, NAMES
from customs_assets.forms import open_form
from customs_assets.forms.reading import parse_form
from customs_assets.source import limits, xml_stream
from customs_assets.source.files import FileSource
from customs_assets.source.reading import SourceError
from customs_assets.source.workbook import CellKind, column_letters, date_of_serial, plain_number, shown_by
from customs_assets_tests.source.test_mending import FORM
from customs_assets_tests.source.workbooks import (
    MAIN,
    OWN_DATE,
    PERCENT,
    STYLES,
    TIME,
    ZEROS,
    Raw,
    serial,
    sheet_xml,
    simple,
    workbook,
    write,
)

HEADERS = [attribute.header for attribute in ATTRIBUTES]
EPOCH_1900, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
ELSEWHERE = Path(__file__).parent / "written_elsewhere"


def _table(rows: list[dict], names=NAMES) -> list[list]:
    return [
        [dict(zip(NAMES, HEADERS, strict=True)).get(n, n) for n in names],
        *([row[n] for n in names] for row in rows),
    ]


def _styled(value: float, style: int) -> Raw:
    return Raw(f'<c r="{{r}}" s="{style}"><v>{value!r}</v></c>')


@pytest.mark.parametrize("inline", [True, False])
def test_a_workbook_gives_the_rows_of_a_csv_file(tmp_path, good_rows, csv_text, read, assert_kept, inline):
    rows = good_rows(40)
    (tmp_path / "d.xlsx").write_bytes(simple(_table(rows), inline))
    result = read(tmp_path / "d.xlsx")
    assert_kept(result, rows)
    (tmp_path / "d.csv").write_text(csv_text(rows))
    assert result.declarations.equals(read(tmp_path / "d.csv").declarations)


@pytest.mark.parametrize("name", ["openpyxl.xlsx", "xlsxwriter.xlsx", "xlsxwriter_inline.xlsx"])
def test_workbooks_of_other_programs_are_read(read, name):
    """Written by openpyxl 3.1.5 and XlsxWriter 3.3.1: notes, calculated prices, percentages, truth values, days since 1904."""
    result = read(ELSEWHERE / name)
    assert result.quarantine.to_pylist() == []
    rows = result.declarations.to_pylist()
    assert [row["declaration_id"] for row in rows] == ["00000001", "00000002", "00000003"]
    assert [str(row["date"]) for row in rows] == ["2020-01-04", "2020-01-05", "2020-01-06"]
    assert {row["hs10_code"] for row in rows} == {"0901210000"}
    assert [row["net_mass"] for row in rows] == [11.5, 12.5, 13.5]
    assert [row["item_price"] for row in rows] == [1000.1, 2000.1, 3000.1]
    assert [row["tax_rate"] for row in rows] == [8.0, 8.0, 8.0]
    assert [row["fraud"] for row in rows] == [1, 0, 1]
    assert [row["seller_id"] for row in rows] == ["뮐러 & <Co>", "", "뮐러 & <Co>"]


@pytest.mark.parametrize(
    ("column", "cell", "read_as"),
    [
        ("date", date(2020, 1, 7), date(2020, 1, 7)),
        ("date", _styled(serial(date(2020, 1, 7)), OWN_DATE), date(2020, 1, 7)),
        ("date", _styled(serial(date(2020, 1, 7)) + 0.75, TIME), date(2020, 1, 7)),
        ("date", serial(date(2020, 1, 7)), date(2020, 1, 7)),
        ("date", "2020-01-07 10:00:00", date(2020, 1, 7)),
        ("date", Raw('<c r="{r}" t="d"><v>2020-01-07T00:00:00</v></c>'), date(2020, 1, 7)),
        ("hs10_code", 901210000, "0901210000"),
        ("hs10_code", _styled(901210000.0, ZEROS), "0901210000"),
        ("hs10_code", "0901.21.0000", "0901210000"),
        ("hs10_code", 90121, "090121"),
        ("import_use", 8, "08"),
        ("office_id", 13.0, "13"),
        ("importer_id", 2148610472, "2148610472"),
        ("declaration_id", 4711.0, "4711"),
        ("tax_rate", _styled(0.135, PERCENT), 13.5),
        ("net_mass", Raw('<c r="{r}"><v>0.10000000000000001</v></c>'), 0.1),
        ("net_mass", Raw('<c r="{r}"><v>1.5E3</v></c>'), 1500.0),
        ("net_mass", Raw('<c r="{r}"><f>A1+1</f><v>12.5</v></c>'), 12.5),
        ("seller_id", Raw('<c r="{r}" t="str"><f>A1&amp;"x"</f><v>Acme</v></c>'), "Acme"),
        (
            "seller_id",
            Raw(
                '<c r="{r}" t="inlineStr"><is><r><t>Ac</t></r><r><t>me</t></r><rPh sb="0" eb="1"><t>x</t></rPh></is></c>'
            ),
            "Acme",
        ),
        ("seller_id", "NULL", ""),
        ("seller_id", Raw('<c r="{r}" t="e"><f>X</f><v>#N/A</v></c>'), ""),
        ("seller_id", Raw('<c r="{r}" s="1"/>'), ""),
    ],
)
def test_cells_of_every_kind_are_read(tmp_path, good_rows, read, column, cell, read_as):
    rows = good_rows(3)
    write(tmp_path / "d.xlsx", _table([rows[0] | {column: cell}, *rows[1:]]))
    result = read(tmp_path / "d.xlsx")
    assert result.quarantine.to_pylist() == []
    assert result.declarations.to_pylist()[0][column] == read_as


def test_dates_of_a_korean_excel_are_dates(tmp_path, good_rows, read):
    """Format 31 is ``yyyy년 mm월 dd일`` in Korean, without being spelled out in the file."""
    table = _table([row | {"seller_id": _styled(43837, TIME)} for row in good_rows(1)])
    styles = STYLES.replace('numFmtId="22"', 'numFmtId="31"')
    (tmp_path / "d.xlsx").write_bytes(workbook({"S": sheet_xml(table)}, parts={"xl/styles.xml": styles}))
    assert read(tmp_path / "d.xlsx").declarations.column("seller_id").to_pylist() == ["2020-01-07"]


def test_truth_values_are_labels(tmp_path, good_rows, read):
    rows = good_rows(3)
    labels = [(True, False), (True, True), (None, None)]
    table = _table([r | {"fraud": f, "critical_fraud": c} for r, (f, c) in zip(rows, labels, strict=True)])
    write(tmp_path / "d.xlsx", table)
    kept = read(tmp_path / "d.xlsx").declarations.to_pylist()
    assert [(row["fraud"], row["critical_fraud"]) for row in kept] == [(1, 1), (1, 2), (None, None)]


@pytest.mark.parametrize(
    ("column", "cell", "reason", "sentence"),
    [
        (
            "net_mass",
            Raw('<c r="{r}"><f>B2*2</f></c>'),
            "no_value_of_formula",
            "net_mass is a formula whose value was not saved",
        ),
        ("item_price", Raw('<c r="{r}" t="str"><f>B2</f><v></v></c>'), "missing_value", "item_price is missing"),
        (
            "seller_id",
            Raw('<c r="{r}" t="e"><f>X</f><v>#REF!</v></c>'),
            "no_value_of_formula",
            "seller_id is '#REF!', the error of a spreadsheet's formula",
        ),
        ("declaration_id", 12345678901234567, "malformed_code", "more than 15 digits"),
        ("importer_id", 1e17, "malformed_code", "make the column text"),
        ("hs10_code", date(2020, 3, 1), "malformed_hs_code", "'2020-03-01'"),
        ("date", 200, "malformed_date", "'200'"),
        ("net_mass", date(2020, 3, 1), "text_in_number", "'2020-03-01'"),
        ("net_mass", "1.262,5", "text_in_number", "decimal = ','"),
        ("net_mass", -1, "negative_number", "'-1'"),
    ],
)
def test_what_a_spreadsheet_did_to_a_cell_costs_its_row_alone(
    tmp_path, good_rows, read, column, cell, reason, sentence
):
    rows = good_rows(4)
    table = _table([*rows[:2], rows[2] | {column: cell}, rows[3]])
    write(tmp_path / "declarations-2020-01.xlsx", table)
    result = read(tmp_path)
    (aside,) = result.quarantine.to_pylist()
    assert (aside["reason"], aside["column"], aside["row"]) == (reason, column, 4)
    assert aside["file"] == "declarations-2020-01.xlsx"
    assert sentence in aside["detail"]
    assert (result.rows_in, result.declarations.num_rows) == (4, 3)


def test_errors_in_columns_that_nobody_uses_never_veto_a_row(tmp_path, good_rows, read):
    faults = [Raw('<c r="{r}" t="e"><v>#REF!</v></c>'), Raw('<c r="{r}"><f>B2</f></c>')]
    table = _table(good_rows(2))
    write(tmp_path / "d.xlsx", [[*table[0], "Remark"], *([*row, f] for row, f in zip(table[1:], faults, strict=True))])
    assert read(tmp_path / "d.xlsx").declarations.column("remark").to_pylist() == ["#REF!", ""]


def test_a_cell_beyond_the_headers_is_told(tmp_path, good_rows, read):
    table = _table(good_rows(3))
    table[2] = [*table[2], None, "shifted"]
    write(tmp_path / "d.xlsx", table)
    (aside,) = read(tmp_path / "d.xlsx").quarantine.to_pylist()
    assert aside["reason"] == "wrong_field_count"
    assert "a cell in column X, and the headers end in V" in aside["detail"]


def test_blank_rows_are_no_rows_but_count(tmp_path, good_rows, read):
    header, *body = _table([row | {"net_mass": -1} for row in good_rows(2)])
    write(tmp_path / "d.xlsx", [[], header, [], body[0], ["", " "], body[1], []])
    result = read(tmp_path / "d.xlsx")
    assert result.quarantine.column("row").to_pylist() == [4, 6]


def test_rows_and_cells_without_references_are_counted(tmp_path, good_rows, read):
    rows = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in row) + "</row>"
        for row in _table([row | {"seller_id": "x", "courier_id": "y", "declarant_id": "z"} for row in good_rows(3)])
    )
    sheet = f'<x:worksheet xmlns:x="{MAIN}" xmlns="{MAIN}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    (tmp_path / "d.xlsx").write_bytes(workbook({"S": sheet}))
    assert read(tmp_path / "d.xlsx").declarations.num_rows == 3


def test_a_workbook_has_decimal_marks_and_serial_days_of_its_form(tmp_path):
    form = parse_form(FORM, "elsewhere")
    head = ["declaration_id", "date", "importer_id", "ndp", "org", "poids", "valeur", "redressement"]
    write(
        tmp_path / "d.xlsx",
        [
            head,
            [1, date(2015, 1, 13), "A", 9012100, "FRA", 1.5, 1372254.4, 0],
            [2, "14/01/2015", "A", "0901210000", "ZZZ", "0,002", "1.234,5", 15000.5],
        ],
    )
    kept = FileSource(str(tmp_path / "d.xlsx"), form=form).read_month("2015-01").declarations.to_pylist()
    assert [row["net_mass"] for row in kept] == [1500.0, 2.0]
    assert [row["item_price"] for row in kept] == [1372254.4, 1234.5]
    assert [row["fraud"] for row in kept] == [0, 1]
    assert [row["hs10_code"] for row in kept] == ["09012100", "0901210000"]


def test_the_one_sheet_with_the_columns_is_taken(tmp_path, good_rows, read):
    notes = sheet_xml([["Extract of declarations"], [], ["made on", date(2020, 2, 1)]])
    table = sheet_xml(_table(good_rows(3)))
    (tmp_path / "d.xlsx").write_bytes(workbook({"Notes": notes, "Données": table, "Empty": sheet_xml([])}))
    assert read(tmp_path / "d.xlsx").declarations.num_rows == 3


@pytest.mark.parametrize(
    ("sheets", "hidden", "sentences"),
    [
        (lambda t: {"Jan": t, "Feb": t}, [], ["declarations in 2 sheets: 'Jan', 'Feb'", "Keep one"]),
        (lambda t: {"Jan": t, "Old": t}, ["Old"], ["'Jan', 'Old' (hidden)"]),
        (lambda t: {"A": [["colour", "shape"], ["red", "round"]]}, [], ["lacks the columns", "colour, shape"]),
        (
            lambda t: {"A": [["x"]], "B": [[*t[0][1:]], *t[1:]]},
            [],
            ["the sheet 'B' of d.xlsx lacks the columns declaration_id"],
        ),
        (lambda t: {"A": [["Extract 2020"], [], *t]}, [], ["stand in line 3, below 'Extract 2020'", "skip_lines = 2"]),
        (lambda t: {"A": []}, [], ["is empty: it has no header row"]),
    ],
)
def test_a_workbook_without_the_columns_is_told_by_what_it_has(tmp_path, good_rows, read, sheets, hidden, sentences):
    made = {name: sheet_xml(rows) for name, rows in sheets(_table(good_rows(3))).items()}
    (tmp_path / "d.xlsx").write_bytes(workbook(made, hidden=hidden))
    with pytest.raises(SourceError, match=r"d\.xlsx") as caught:
        read(tmp_path / "d.xlsx")
    for sentence in sentences:
        assert sentence in str(caught.value)


def test_lines_above_the_headers_are_skipped_where_the_form_says_so(tmp_path, good_rows):
    form = open_form("korea").model_copy(update={"skip_lines": 2})
    merged = '<mergeCells count="1"><mergeCell ref="A1:V1"/></mergeCells>'
    sheet = sheet_xml([["Declarations of 2020"], ["office 13", "", 7], *_table(good_rows(3))], extra=merged)
    (tmp_path / "d.xlsx").write_bytes(workbook({"S": sheet}))
    assert FileSource(str(tmp_path / "d.xlsx"), form=form).read_month("2020-01").declarations.num_rows == 3


DOCTYPE = '<!DOCTYPE sst [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, r"\.xls\) or one with a password"),
        (b"<html><table><tr><td>Declaration ID</td></tr></table></html>", "text with markup"),
        (b"Declaration ID,Date\n1,2020-01-01\n", r"if it is CSV, name it \.csv"),
        (b"\x89PNG\x00\x01", "no workbook; it may be damaged"),
        (simple([["a"]])[:-40], "may be cut short"),
        (workbook({"S": "<worksheet><sheetData><row><c><v>1</v>"}), "cut short"),
        (workbook({"S": "<worksheet><sheetData></row>"}), "no well-formed XML"),
        (workbook({"S": f"{DOCTYPE}<worksheet/>"}), "declares a document type"),
        (
            workbook(
                {"S": sheet_xml([["a"]], [])},
                parts={"xl/sharedStrings.xml": f"{DOCTYPE}<sst><si><t>&b;</t></si></sst>"},
            ),
            "DOCTYPE",
        ),
        (workbook({"S": sheet_xml([[Raw('<c r="A1" t="s"><v>7</v></c>')]])}), "points at a text that it does not hold"),
        (workbook({}), "has no sheet of cells"),
        (workbook({}, parts={"xl/workbook.bin": b"x"}), "binary workbook"),
        (workbook({}, parts={"mimetype": b"application/vnd.oasis"}), "OpenDocument"),
    ],
)
def test_a_file_that_is_no_sound_workbook_is_told_by_what_it_is(tmp_path, read, content, sentence):
    (tmp_path / "2020-01.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match=sentence) as caught:
        read(tmp_path)
    assert "2020-01.xlsx" in str(caught.value)


def test_a_zip_archive_of_anything_else_is_told(tmp_path, read):
    with zipfile.ZipFile(tmp_path / "2020-01.xlsx", "w") as archive:
        archive.writestr("declarations.csv", "Declaration ID\n1\n")
    with pytest.raises(SourceError, match="a zip archive, and no workbook; unpack it"):
        read(tmp_path)


def test_a_workbook_that_would_unpack_without_end_is_refused_unread(tmp_path, good_rows, read, monkeypatch):
    sheet = sheet_xml(_table(good_rows(3)), extra=" " * (40 << 20))
    (tmp_path / "2020-01.xlsx").write_bytes(workbook({"S": sheet}))
    assert (tmp_path / "2020-01.xlsx").stat().st_size < 100_000
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 1 << 20)
    with pytest.raises(SourceError, match=r"has [\d,]+ bytes and would unpack to 4\d,\d{3},\d{3}"):
        read(tmp_path)
    monkeypatch.setattr(limits, "STRINGS_BYTES", 10)
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 1 << 30)
    with pytest.raises(SourceError, match=r"bytes of texts, and at most 10 are held in memory"):
        read(tmp_path)
    monkeypatch.setattr(limits, "PARTS", 3)
    with pytest.raises(SourceError, match="parts; a workbook has at most 3"):
        read(tmp_path)


STRICT = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Target='
    '"xl/workbook.xml" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"/></Relationships>'
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (workbook({"S": sheet_xml([["a"], [Raw('<c r="{r}"><v>soon</v></c>')]])}), "a cell A2 that holds 'soon'"),
        (
            workbook({"S": sheet_xml([["a"], [Raw('<c r="{r}" t="d"><v>1.1.20</v></c>')]])}),
            "a cell A2 that holds '1.1.20'",
        ),
        (workbook({"S": sheet_xml([["a"]], first=1_048_577)}), "a row 1,048,577; a sheet has at most 1,048,576"),
        (workbook({"S": "<worksheet/>"}, parts={"_rels/.rels": STRICT}), "Strict Open XML"),
        (workbook({"S": sheet_xml([["a"]])}, parts={"xl/styles.xml": "<styleSheet><fonts/></sheet>"}), "styles.xml"),
        (workbook({"S": sheet_xml([["a"]], extra="<mergeCells><mergeCell ref='?'/></mergeCells>")}), "save it again"),
    ],
)
def test_a_cell_or_part_that_cannot_be_read_is_told_with_its_place(tmp_path, read, content, sentence):
    (tmp_path / "2020-01.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        read(tmp_path)


@pytest.mark.parametrize(
    ("sheet", "sentence"),
    [
        (sheet_xml([["a"], [Raw(f'<c r="{{r}}" t="str"><v>{"x" * 300_000}</v></c>')]]), "bytes without a new element"),
        (sheet_xml([["a"]], extra="<cols>" + "<col/>" * 500 + "</cols>"), "over 400 elements without a new row"),
        (sheet_xml([["a"]], extra="<a>" * 300 + "</a>" * 300), "more than 200 deep"),
        (f'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>{sheet_xml([["&b;"]])}', "DOCTYPE"),
    ],
)
def test_a_large_part_is_looked_through_before_openpyxl_holds_it(tmp_path, read, monkeypatch, sheet, sentence):
    monkeypatch.setattr(limits, "UNSEEN_BYTES", 1 << 10)
    monkeypatch.setattr(limits, "ELEMENTS_OF_A_ROW", 400)
    monkeypatch.setattr(xml_stream, "LONGEST_BYTES", 1 << 17)
    (tmp_path / "2020-01.xlsx").write_bytes(workbook({"S": sheet}))
    with pytest.raises(SourceError, match=rf"2020-01.xlsx \(xl/worksheets/sheet1.xml\) .*{sentence}"):
        read(tmp_path)


def test_parts_of_which_trees_are_made_are_limited(tmp_path, read, monkeypatch):
    monkeypatch.setattr(limits, "TREE_BYTES", 1 << 14)
    (tmp_path / "2020-01.xlsx").write_bytes(workbook({"S": sheet_xml([["a"]])}, properties=" " * (1 << 15)))
    with pytest.raises(SourceError, match=r"2020-01.xlsx \(xl/workbook.xml\) has 3\d,\d{3} bytes, and at most 16,384"):
        read(tmp_path)


def test_a_sheet_elsewhere_is_never_fetched(tmp_path, good_rows, read):
    """A relationship can name an address; only parts of the file are opened."""
    related = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="x/worksheet" Target="http://127.0.0.1:9/sheet.xml" TargetMode="External"/></Relationships>'
    )
    content = workbook({"S": sheet_xml(_table(good_rows(3)))}, parts={"xl/_rels/workbook.xml.rels": related})
    (tmp_path / "2020-01.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match=r"no item named 'http://127\.0\.0\.1:9/sheet\.xml' in the archive"):
        read(tmp_path)


def test_a_link_to_another_workbook_is_not_followed(tmp_path, good_rows, read):
    """The value that was saved with the formula counts, whatever became of the other workbook."""
    linked = Raw('<c r="{r}"><f>[1]Prices!A1</f><v>12.5</v></c>')
    content = workbook(
        {"S": sheet_xml(_table([row | {"net_mass": linked} for row in good_rows(2)]))},
        properties='<externalReferences><externalReference r:id="rNowhere"/></externalReferences>',
        parts={"docProps/core.xml": "<coreProperties><created>yesterday</created></coreProperties>"},
    )
    (tmp_path / "d.xlsx").write_bytes(content)
    assert read(tmp_path / "d.xlsx").declarations.column("net_mass").to_pylist() == [12.5, 12.5]


def test_text_without_end_is_cut_and_its_row_set_aside(tmp_path, good_rows, read):
    rows = good_rows(3)
    write(tmp_path / "d.xlsx", _table([*rows[:2], rows[2] | {"seller_id": "x" * 100_000}]))
    (aside,) = read(tmp_path / "d.xlsx").quarantine.to_pylist()
    assert aside["reason"] == "text_too_long"


def test_a_month_tells_itself_by_name_or_by_its_rows_and_files_that_excel_has_open_are_no_source(tmp_path, good_rows):
    write(tmp_path / "all.xlsx", _table([*good_rows(4), *good_rows(4, "2020-03", 50)]))
    write(tmp_path / "declarations-2020-02.XLSX", _table(good_rows(4, "2020-02", 90)))
    (tmp_path / "~$all.xlsx").write_bytes(b"lock")
    source = FileSource(str(tmp_path), today=date(2021, 12, 31))
    assert source.months() == ["2020-01", "2020-02", "2020-03"]
    assert [source.read_month(month).declarations.num_rows for month in source.months()] == [4, 4, 4]
    prints = [source.fingerprint(month) for month in source.months()]
    write(tmp_path / "all.xlsx", _table([*good_rows(4), *good_rows(5, "2020-03", 50)]))
    assert [source.fingerprint(month) == old for month, old in zip(source.months(), prints, strict=True)] == [
        *(True, True, False)
    ]


@pytest.mark.parametrize(
    ("days", "epoch", "day"),
    [
        (1, EPOCH_1900, "1900-01-01"),
        (59, EPOCH_1900, "1900-02-28"),
        (61, EPOCH_1900, "1900-03-01"),
        (43831, EPOCH_1900, "2020-01-01"),
        (43831.5, EPOCH_1900, "2020-01-01T12:00:00"),
        (42369, EPOCH_1904, "2020-01-01"),
        (2958465, EPOCH_1900, "9999-12-31"),
        (0.5, EPOCH_1900, "12:00:00"),
        (-1, EPOCH_1900, None),
        (2958466, EPOCH_1900, None),
        (float("nan"), EPOCH_1900, None),
        (1e300, EPOCH_1900, None),
    ],
)
def test_days_are_counted_as_excel_counts_them(days, epoch, day):
    assert date_of_serial(days, epoch) == day


@pytest.mark.parametrize(
    ("number_format", "kind"),
    [
        ("General", CellKind.NUMBER),
        ("yyyy-mm-dd", CellKind.DATE),
        ('yyyy"년" m"월" d"일"', CellKind.DATE),
        ("[$-409]dd\\-mmm\\-yy;@", CellKind.DATE),
        ('#,##0.00 "kg per day"', CellKind.NUMBER),
        ("#,##0 [$USD];[Red]-#,##0 [$USD]", CellKind.NUMBER),
        ("0.00E+00", CellKind.NUMBER),
        ("0.0%", CellKind.PERCENT),
        ("0000000000", CellKind.NUMBER),
    ],
)
def test_number_formats_tell_days_and_percentages(number_format, kind):
    assert shown_by(number_format) is kind


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        (0.10000000000000001, "0.1"),
        (901210000.0, "901210000"),
        (7, "7"),
        (1e3, "1000"),
        (-0.5, "-0.5"),
        (1234567890123456, "1.234567890123456e+15"),
        (float("inf"), "inf"),
        (10**400, "inf"),
    ],
)
def test_numbers_are_without_what_binary_fractions_add(number, plain):
    assert plain_number(number) == plain


@pytest.mark.parametrize(
    ("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_columns_are_named_as_in_a_spreadsheet(number, letters):
    assert column_letters(number) == letters


def test_inspect_recognises_a_workbook_with_a_title_and_proposes_a_form(tmp_path):
    headers = ["numéro", "date_validation", "code opérateur", "ndp", "org", "poids net", "valeur", "résultat"]
    words, origins = ("", "conforme", "infraction"), ("BR", "CN")
    rows = [
        [
            f"D{n}",
            date(2015, 1, 1 + n % 28),
            f"Société {n % 9}",
            9012100,
            origins[n % 2],
            10.5 + n,
            1000.25 * n,
            words[n % 3],
        ]
        for n in range(60)
    ]
    sheet = sheet_xml([["Extrait du bureau"], [], headers, *rows])
    (tmp_path / "extrait.xlsx").write_bytes(workbook({"Notes": sheet_xml([["a"]]), "Janvier": sheet}))
    done = CliRunner().invoke(app, ["inspect", str(tmp_path), "--write-form", str(tmp_path / "mine.toml")])
    for line in (
        "extrait.xlsx: Excel, sheet 'Janvier', 2 lines above the headers, 8 columns",
        "code opérateur -> importer_id",
        "2015-01: 60 rows, 60 kept, 0 set aside, 40 inspected; can be made",
        "mended: hs10_code: leading zeros that were lost, put back",
    ):
        assert line in done.output, done.output
    form = open_form(str(tmp_path / "mine.toml"))
    kept = FileSource(str(tmp_path / "extrait.xlsx"), form=form).read_month("2015-01").declarations
    assert kept.column("item_price").to_pylist()[:3] == [0.0, 1000.25, 2000.5]
