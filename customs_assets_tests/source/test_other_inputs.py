"""Inputs as they come, three and more of each kind beside those that were known to fail: read, or told by their cause."""

from __future__ import annotations

import csv
import io
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.declaration import NAMES
from customs_assets.forms import open_form
from customs_assets.forms.reading import parse_form
from customs_assets.source.causes import why_nothing_kept
from customs_assets.source.files import FileSource, month_of_name
from customs_assets.source.inspecting import recognise
from customs_assets.source.reading import SourceError
from customs_assets_tests.source.test_mending import FORM
from customs_assets_tests.source.workbooks import sheet_xml, workbook, write

TODAY = date(2021, 12, 31)


@pytest.fixture
def one_cell(tmp_path, good_rows, csv_text, read):
    """A function that reads three good rows, a cell of the first replaced: the row as it was kept, or why it was set aside."""

    def look(column: str, value: str, **others: str) -> dict:
        rows = good_rows(3)
        rows[0] |= {column: value} | others
        (tmp_path / "declarations-2020-01.csv").write_text(csv_text(rows, quoting=csv.QUOTE_ALL))
        result = read(tmp_path)
        assert result.rows_in == 3
        return (result.quarantine.to_pylist() or result.declarations.to_pylist())[0]

    return look


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1 262,5", "decimal = ','"),
        ("1'262,5", "decimal = ','"),
        ("12.345,6", "decimal = ','"),
        ("1.437.418", "stands between thousands"),
        ("1 437 418", "stands between thousands"),
        ("1'437'418", "stands between thousands"),
        ("$ 12", "is no number"),
        ("12-", "is no number"),
        ("(12)", "is no number"),
    ],
)
def test_numbers_of_other_marks_are_told_with_the_setting(one_cell, value, words):
    aside = one_cell("item_price", value)
    assert (aside["reason"], aside["column"]) == ("text_in_number", "item_price")
    assert words in aside["detail"]


@pytest.mark.parametrize(
    ("marks", "value", "number"),
    [((",", " "), "1 262,5", 1262.5), ((",", "."), "12.345,6", 12345.6), ((".", "'"), "1'437'418.25", 1437418.25)],
)
def test_numbers_of_other_marks_are_read_by_a_form_that_has_them(tmp_path, marks, value, number):
    decimal, thousands = marks
    form = FORM.replace('decimal = ","', f'decimal = "{decimal}"').replace(
        'thousands = "."', f'thousands = "{thousands}"'
    )
    line = f"1;13/01/2015;A;0901210000;FRA;1;{value};0"
    text = f"declaration_id;date;importer_id;ndp;org;poids;valeur;redressement\n{line}"
    (tmp_path / "d.csv").write_text(text)
    (row,) = (
        FileSource(str(tmp_path), form=parse_form(form, "elsewhere")).read_month("2015-01").declarations.to_pylist()
    )
    assert row["item_price"] == number


PORTUGUESE = "Nº Declaração;Data registro;CNPJ;NCM;País de origem;Peso líquido;Valor;Infração fraude"
SHORT = "Entry Number\tRegistration Date\tTIN\tHS Code\tOrigin\tNet Weight\tCustoms Value\tOffence"
SPANISH = "No. Declaración|Fecha|RUC|Subpartida|Origen|Peso neto|Valor CIF|Fraude"


@pytest.mark.parametrize(
    ("headers", "separator", "day", "number", "encoding"),
    [
        (PORTUGUESE, ";", "%d/%m/%Y", "{:.2f}", "cp1252"),
        (SHORT, "\t", "%d-%b-%Y", "{:,.2f}", "utf-8"),
        (SPANISH, "|", "%Y%m%d", "{:.3f}", "latin-1"),
    ],
)
def test_extracts_of_other_languages_are_recognised_and_read(tmp_path, headers, separator, day, number, encoding):
    lines = [headers]
    for n in range(60):
        mass = number.format(1000.5 + 37 * n)
        if separator == ";":
            mass = mass.replace(".", ",")
        cells = [f"D{n:04d}", date(2018, 5, 1 + n % 28).strftime(day), f"TIN{n % 9}", ("09012100", "61091000")[n % 2]]
        lines.append(separator.join([*cells, ("BR", "CN")[n % 2], mass, mass, ("", "0", "1")[n % 3]]))
    (tmp_path / "extract.csv").write_text("\n".join(lines), encoding=encoding)
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.form is not None, found.chosen
    kept = FileSource(str(tmp_path), TODAY, found.form).read_month("2018-05")
    assert (kept.rows_in, kept.declarations.num_rows) == (60, 60)
    assert kept.declarations.column("net_mass").to_pylist()[:2] == [1000.5, 1037.5]
    assert kept.declarations.column("fraud").to_pylist()[:3] == [None, 0, 1]


@pytest.mark.parametrize(
    "headers",
    [
        "sgd_id,sgd_date,importer_id,declarant_id,country,office_id,tariff_code,gross_weight,cif_value,illicit",
        "SGD.ID,SGD.DATE,IMPORTER.ID,DECLARANT.ID,ORIGIN,OFFICE.ID,TARIFF.CODE,GROSS.WEIGHT.KG,CIF_USD_EQUIVALENT,ILLICIT",
        "sgd id,Sgd Date,TIN,Declarant Code,Origin Code,Office,Tariff Code,Gross Weight,CIF Value,revenue",
    ],
)
def test_columns_of_the_studies_in_other_spellings_are_read(tmp_path, headers):
    rows = [f"{n},2003-07-{n:02d},T{n},D1,CN,OFF1,8471300000,5.5,100,{n % 2}" for n in range(1, 11)]
    (tmp_path / "d.csv").write_text("\n".join([headers, *rows]))
    result = FileSource(str(tmp_path), TODAY, open_form("bacuda")).read_month("2003-07")
    assert result.declarations.column("fraud").to_pylist() == [n % 2 for n in range(1, 11)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: f"{t.replace(',', ';')}\n", ["semicolons"]),
        (lambda t: f"Ministry\nExtract;2020\n\n{t}", ["stand in line 4, below 'Ministry'", "skip_lines = 3"]),
        (lambda t: f"\ufeffsep=|\n{t.replace(',', '|')}", ["bars (|)", "stand in line 2"]),
        (lambda t: t.split("\n")[1] + "\n" + t, ["stand in line 2"]),
    ],
)
def test_other_separators_and_lines_above_are_told(tmp_path, good_rows, csv_text, read, change, words):
    (tmp_path / "d.csv").write_text(change(csv_text([row | {"seller_id": ""} for row in good_rows(5)]).strip()))
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "d.csv")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda t: t.encode("utf-16"), "UTF-16"),
        (lambda t: t.replace("Acme", "Łódź").encode("cp1250"), "undecodable_bytes"),
        (
            lambda t: "\n".join(f"{line},,," if n else line for n, line in enumerate(t.split("\n"))).encode(),
            "has 25 fields",
        ),
        (
            lambda t: "\n".join(
                line.rpartition(",")[0] if n else line for n, line in enumerate(t.split("\n"))
            ).encode(),
            "21 fields",
        ),
        (lambda t: b"\n\n" + t.split("\n")[0].encode() + b"\n\n\n", "no rows of 2020-01"),
    ],
)
def test_other_encodings_and_counts_of_fields_are_told(tmp_path, good_rows, csv_text, read, content, words):
    rows = [row | {"seller_id": "Acme", "declarant_id": "A", "importer_id": "B"} for row in good_rows(5)]
    (tmp_path / "declarations-2020-01.csv").write_bytes(content(csv_text(rows).strip()))
    try:
        result = read(tmp_path)
        said = why_nothing_kept("files", "2020-01", result.rows_in, result.quarantine)
    except SourceError as error:
        said = str(error)
    assert words in said


@pytest.mark.parametrize("word", ["(null)", "<NA>", "NaT", "#N/A", "NULL      ", " nan", "\\N "])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_other_words_for_nothing_are_nothing_in_every_format(tmp_path, good_rows, csv_text, read, word, suffix):
    rows = good_rows(3)
    rows[0] |= {"seller_id": word, "courier_id": word, "fraud": word, "critical_fraud": word}
    path = tmp_path / f"d.{suffix}"
    if suffix == "csv":
        path.write_text(csv_text(rows))
    elif suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write(path, [[*NAMES], *([row[name] for name in NAMES] for row in rows)])
    first = read(path).declarations.to_pylist()[0]
    assert (first["seller_id"], first["courier_id"], first["fraud"]) == ("", "", None)


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#DIV/0!"])
@pytest.mark.parametrize("column", ["seller_id", "item_price", "country_of_origin"])
def test_errors_of_a_spreadsheet_are_no_party_and_no_code_in_a_csv_file(one_cell, error, column):
    aside = one_cell(column, error)
    assert (aside["reason"], aside["column"]) == ("no_value_of_formula", column)
    assert "the error of a spreadsheet's formula" in aside["detail"]


@pytest.mark.parametrize("name", ["# 7 Trading", "'t Hooft BV", "#1 Imports"])
def test_names_that_begin_strangely_are_names(one_cell, name):
    assert one_cell("seller_id", name)["seller_id"] == name


@pytest.mark.parametrize(
    ("column", "written", "code"),
    [
        ("hs10_code", "'0901210000", "0901210000"),
        ("hs10_code", " 0901210000  ", "0901210000"),
        ("hs10_code", "0901.21.00.00", "0901210000"),
        ("hs10_code", "0901 21 0000", "0901210000"),
        ("office_id", "13  ", "13"),
        ("country_of_origin", "KR ", "KR"),
        ("import_use", "'08", "08"),
        ("declaration_id", "  4711", "4711"),
    ],
)
def test_codes_of_other_exports_are_mended(one_cell, column, written, code):
    assert one_cell(column, written)[column] == code


@pytest.mark.parametrize(("written", "label"), [("TRUE ", 1), ("Yes", 1), ("no ", 0), ("1.00", 1), (" 0", 0)])
def test_labels_of_other_exports_are_labels(one_cell, written, label):
    assert one_cell("fraud", written, critical_fraud=str(label))["fraud"] == label


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        (["1.0", "2.0", "3.00"], ["S-1", "S-2", "S-3"]),
        (["001", "002", "003"], ["S-001", "S-002", "S-003"]),
        (["A/1", "A/2", " 3 "], ["S-A1", "S-A2", "S-3"]),
    ],
)
def test_item_numbers_of_other_exports_tell_items_apart(tmp_path, good_rows, csv_text, read, items, keys):
    rows = [row | {"declaration_id": "S", "Item Number": n} for row, n in zip(good_rows(3), items, strict=True)]
    (tmp_path / "d.csv").write_text(csv_text(rows, names=[*rows[0]]))
    assert read(tmp_path / "d.csv").declarations.column("declaration_id").to_pylist() == keys


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("202002_office.csv", "2020-02"),
        ("export 2020-02 final.xlsx", "2020-02"),
        ("dec_2020_02.XML", "2020-02"),
        ("2020-02-29.csv", None),
        ("2020-13.csv", None),
        ("from 2020-01 to 2020-03.csv", None),
    ],
)
def test_months_in_other_names_are_told(name, month):
    assert month_of_name(name) == month


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\xff\xfe\x00", b"\xe9", b"ok"], pa.binary()),
        pa.array(["a\x0bb", "c\x00", "x" * 9000]),
        pa.array([1, 2, None], pa.duration("s")),
        pa.array([1, 2, None], pa.time64("us")),
    ],
)
def test_no_column_that_nobody_uses_sets_a_row_aside(tmp_path, good_rows, read, column):
    pq.write_table(pa.Table.from_pylist(good_rows(3)).append_column("remark", column), tmp_path / "d.parquet")
    result = read(tmp_path / "d.parquet")
    assert (result.rows_in, result.declarations.num_rows) == (3, 3)
    assert max(len(text) for text in result.declarations.column("remark").to_pylist()) <= 4096


def test_a_remark_with_control_characters_is_cleaned_and_told(tmp_path, good_rows, csv_text):
    rows = [row | {"Remark": "a\x0bb"} for row in good_rows(2)]
    (tmp_path / "d.csv").write_text(csv_text(rows, names=[*rows[0]]))
    month = FileSource(str(tmp_path / "d.csv"), TODAY).stream_month("2020-01")
    assert month.collect().declarations.column("remark").to_pylist() == ["a b", "a b"]
    assert any(line.startswith("remark: control characters") for line in month.mends.sentences())


@pytest.mark.parametrize(("form", "mark"), [("korea", "."), ("comma", ",")])
def test_amounts_recovered_are_numbers_of_parquet_and_excel_whatever_the_marks(tmp_path, form, mark):
    text = (
        FORM
        if form == "comma"
        else FORM.replace('decimal = ","', 'decimal = "."').replace('thousands = "."', 'thousands = ""')
    )
    head = ["declaration_id", "date", "importer_id", "ndp", "org", "poids", "valeur", "redressement"]
    rows = [
        ["1", "13/01/2015", "A", "0901210000", "FRA", 1.5, 10.5, 12.75],
        ["2", "13/01/2015", "A", "0901210000", "FRA", 1.5, 10.5, 0.0],
    ]
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table({name: [*values] for name, values in columns.items()}), tmp_path / "d.parquet")
    (tmp_path / "d.xlsx").write_bytes(workbook({"S": sheet_xml([head, *rows])}))
    for name in ("d.parquet", "d.xlsx"):
        source = FileSource(str(tmp_path / name), form=parse_form(text, "elsewhere"))
        assert source.read_month("2015-01").declarations.column("fraud").to_pylist() == [1, 0], (name, mark)


def test_a_file_of_a_kind_that_is_not_read_is_told_what_to_do(tmp_path):
    for name, advice in (("d.xls", "save it as .xlsx"), ("d.tsv", "name it .csv"), ("d.zip", "unpack it")):
        (tmp_path / name).write_bytes(io.BytesIO(b"x").getvalue())
        with pytest.raises(SourceError, match=advice):
            FileSource(str(tmp_path / name)).files()
    with pytest.raises(SourceError, match=r"matches the source .* \(d\.\w+: "):
        FileSource(str(tmp_path)).files()
