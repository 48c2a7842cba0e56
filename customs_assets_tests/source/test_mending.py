"""Cells that say the right thing in another way are read, and counted with an example."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.forms import open_form
from customs_assets.forms.reading import parse_form
from customs_assets.source.files import FileSource

NOTHINGS = ["NULL", "null", "nan", "NaN", "None", r"\N", "N/A", "n/a", "-", "", "  "]


@pytest.mark.parametrize("word", NOTHINGS)
def test_words_for_nothing_are_no_party_and_no_label(tmp_path, good_rows, csv_text, read, word):
    rows = good_rows(4)
    for row in rows[:2]:
        row |= {"seller_id": word, "courier_id": word, "fraud": word, "critical_fraud": word}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    month = FileSource(str(tmp_path / "d.csv")).stream_month("2020-01")
    kept = month.collect().declarations.to_pylist()
    assert [(row["seller_id"], row["courier_id"], row["fraud"], row["critical_fraud"]) for row in kept[:2]] == [
        ("", "", None, None)
    ] * 2
    assert month.inspected == 2
    if word.strip():
        assert any(line.startswith("courier_id: a word for nothing") for line in month.mends.sentences())


@pytest.mark.parametrize("word", ["NULL", "nan", "-"])
def test_words_for_nothing_where_something_must_stand_set_the_row_aside_as_missing(
    tmp_path, good_rows, csv_text, read, word
):
    rows = good_rows(6)
    for row, name in zip(rows, ["importer_id", "office_id", "net_mass", "date", "declaration_id"], strict=False):
        row[name] = word
    (tmp_path / "declarations-2020-01.csv").write_text(csv_text(rows))
    quarantine = read(tmp_path).quarantine
    assert quarantine.column("reason").to_pylist() == ["missing_value"] * 5


def test_namibia_and_labels_that_are_not_available_are_told_apart(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    rows[0] |= {"country_of_departure": "NA", "fraud": "NA", "critical_fraud": "na", "seller_id": "NA"}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    first = read(tmp_path / "d.csv").declarations.to_pylist()[0]
    assert (first["country_of_departure"], first["fraud"], first["seller_id"]) == ("NA", None, "")


@pytest.mark.parametrize(
    ("written", "code", "what"),
    [
        ("90121", "090121", "leading zeros"),
        ("901210000", "0901210000", "leading zeros"),
        ("901210000.0", "0901210000", "written as a number"),
        ("0901.21.0000", "0901210000", "points"),
        ("0901 21", "090121", "points"),
        ('="392690"', "392690", "formula"),
        ("09012100", "090121", "cut"),
        ("9012100", "090121", "cut"),
        ("090121000011", "0901210000", "cut"),
        ("90121000011", "0901210000", "cut"),
    ],
)
def test_product_codes_are_mended_and_counted(tmp_path, good_rows, csv_text, written, code, what):
    rows = good_rows(5)
    for row in rows[:3]:
        row["hs10_code"] = written
    (tmp_path / "d.csv").write_text(csv_text(rows))
    month = FileSource(str(tmp_path / "d.csv")).stream_month("2020-01")
    assert month.collect().declarations.column("hs10_code").to_pylist()[:3] == [code] * 3
    told = [line for line in month.mends.sentences() if line.startswith("hs10_code") and what in line]
    assert len(told) == 1
    assert "(3 rows; " in told[0]
    assert repr(written) in told[0]


@pytest.mark.parametrize("written", ["1234", "9.0121E+08", "12345678901234", "0901-21", "090a21", "9 0121"])
def test_product_codes_whose_digits_are_lost_are_set_aside(tmp_path, good_rows, csv_text, read, written):
    rows = good_rows(3)
    rows[1]["hs10_code"] = written
    (tmp_path / "d.csv").write_text(csv_text(rows))
    assert read(tmp_path / "d.csv").quarantine.column("reason").to_pylist() == ["malformed_hs_code"]


@pytest.mark.parametrize("code", ["9801000000", "9903110000", "770100"])
def test_chapters_of_no_goods_are_refused_as_such(tmp_path, good_rows, csv_text, read, code):
    rows = good_rows(3)
    rows[1]["hs10_code"] = code
    (tmp_path / "d.csv").write_text(csv_text(rows))
    (row,) = read(tmp_path / "d.csv").quarantine.to_pylist()
    assert row["reason"] == "reserved_chapter"
    assert f"of chapter {code[:2]}" in row["detail"]


def test_codes_of_one_length_get_their_zeros_back_and_others_do_not(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    rows[0] |= {"import_use": "8", "mode_of_transport": "10.0", "payment_type": "3.0", "office_id": "13.0"}
    rows[1] |= {"office_id": "1"}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    result = read(tmp_path / "d.csv")
    first = result.declarations.to_pylist()[0]
    assert [first[name] for name in ("import_use", "mode_of_transport", "payment_type", "office_id")] == [
        *("08", "10", "3", "13")
    ]
    assert result.quarantine.column("column").to_pylist() == ["office_id"]


@pytest.mark.parametrize(
    ("clean", "found", "critical"),
    [
        (("False", "False"), ("True", "False"), ("True", "True")),
        (("N", "N"), ("Y", "N"), ("Y", "Y")),
        (("f", "f"), ("t", "f"), ("t", "t")),
        (("no", "0"), ("YES", "1"), ("yes", "2")),
        (("0.0", "0.0"), ("1.0", "1.0"), ("1.0", "2.0")),
    ],
)
def test_labels_may_be_words(tmp_path, good_rows, csv_text, read, clean, found, critical):
    rows = good_rows(4)
    for row, pair in zip(rows, [clean, found, critical], strict=False):
        row |= dict(zip(("fraud", "critical_fraud"), pair, strict=True))
    (tmp_path / "d.csv").write_text(csv_text(rows))
    kept = read(tmp_path / "d.csv").declarations.to_pylist()
    assert [(row["fraud"], row["critical_fraud"]) for row in kept[:3]] == [(0, 0), (1, 1), (1, 2)]


def test_names_and_keys_that_are_mended_are_repeated_nowhere(tmp_path, good_rows, csv_text):
    rows = good_rows(3)
    rows[0] |= {"importer_id": '="1234567"', "declaration_id": "4711.0"}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    month = FileSource(str(tmp_path / "d.csv")).stream_month("2020-01")
    first = month.collect().declarations.to_pylist()[0]
    assert (first["importer_id"], first["declaration_id"]) == ("1234567", "4711")
    told = " ".join(month.mends.sentences())
    assert "importer_id" in told
    assert "1234567" not in told
    assert "4711" not in told


def test_truth_values_of_parquet_are_labels(tmp_path, good_rows, read):
    table = pa.Table.from_pylist(good_rows(4))
    for name, values in (("fraud", [False, True, True, None]), ("critical_fraud", [False, False, True, None])):
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    pq.write_table(table, tmp_path / "d.parquet")
    kept = read(tmp_path / "d.parquet").declarations.to_pylist()
    assert [(row["fraud"], row["critical_fraud"]) for row in kept] == [(0, 0), (1, 1), (1, 2), (None, None)]


@pytest.mark.parametrize("kind", [pa.float64(), pa.int64(), pa.decimal128(19, 0)])
def test_codes_in_columns_of_numbers_are_mended(tmp_path, good_rows, kind):
    table = pa.Table.from_pylist(good_rows(3))
    for name, values in (("hs10_code", [901210000, 90121, 8703239020]), ("import_use", [8, 11, 21])):
        table = table.set_column(table.column_names.index(name), name, pa.array(values).cast(kind))
    pq.write_table(table, tmp_path / "d.parquet")
    month = FileSource(str(tmp_path / "d.parquet")).stream_month("2020-01")
    kept = month.collect().declarations
    assert kept.column("hs10_code").to_pylist() == ["0901210000", "090121", "8703239020"]
    assert kept.column("import_use").to_pylist() == ["08", "11", "21"]
    assert sum("leading zeros" in line for line in month.mends.sentences()) == 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1], [2], []]),
        pa.array([{"a": 1}, {"a": 2}, None]),
        pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    ],
)
def test_a_column_that_nobody_uses_never_vetoes_a_file(tmp_path, good_rows, read, column):
    table = pa.Table.from_pylist(good_rows(3)).append_column("remarks.of office", column)
    pq.write_table(table, tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet").declarations.num_rows == 3


def test_columns_of_one_name_that_nobody_uses_are_both_kept(tmp_path, good_rows, csv_text, read):
    header, body = csv_text(good_rows(2)).split("\n", 1)
    lines = [f"{header},Remark,Remark", *(f"{line},a,b" for line in body.splitlines())]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    kept = read(tmp_path / "d.csv").declarations
    assert kept.column("remark").to_pylist() == ["a", "a"]
    assert kept.column("remark_2").to_pylist() == ["b", "b"]


@pytest.mark.parametrize("header", ["Item Number", "item_no", "ITEM  NUMBER"])
def test_items_of_one_declaration_are_rows_of_their_own(tmp_path, good_rows, csv_text, read, header):
    rows = [row | {"declaration_id": "SAD7", header: str(n)} for n, row in enumerate(good_rows(3), start=1)]
    rows.append(dict(rows[2]))
    (tmp_path / "d.csv").write_text(csv_text(rows, names=[*rows[0]]))
    result = read(tmp_path / "d.csv")
    assert result.declarations.column("declaration_id").to_pylist() == ["SAD7-1", "SAD7-2", "SAD7-3"]
    assert result.quarantine.column("reason").to_pylist() == ["duplicate_declaration_id"]


FORM = """
name = "elsewhere"
title = "Elsewhere"
separator = ";"
encodings = ["utf-8", "cp1252"]
decimal = ","
thousands = "."
dates = ["%d/%m/%Y"]
zone = "Africa/Abidjan"
first_month = "2010-01"
countries = "iso3"
hs_digits = [8, 10]
currency = "XOF"
[labels]
amount_recovered = ["redressement"]
[columns]
declaration_id = {}
date = {}
importer_id = {}
hs10_code = {spellings = ["ndp"]}
country_of_origin = {spellings = ["org"], codes = {ZZZ = "ZZ"}}
net_mass = {spellings = ["poids"], factor = 1000}
item_price = {spellings = ["valeur"]}
fraud = {}
"""


def _elsewhere(tmp_path, lines, form=FORM):
    text = "\n".join(["declaration_id;date;importer_id;ndp;org;poids;valeur;redressement", *lines])
    (tmp_path / "d.csv").write_bytes(text.encode("cp1252"))
    return FileSource(str(tmp_path / "d.csv"), form=parse_form(form, "elsewhere"))


def test_a_form_says_separator_encoding_marks_dates_units_countries_and_amounts(tmp_path):
    source = _elsewhere(
        tmp_path,
        [
            "1;13/01/2015;Société Été;9012100;FRA;1,5;1.372.254,4;0",
            "2;14/01/2015;Société Été;0901210000;ZZZ;0,002;12;15.000,5",
            "3;15/01/2015;Léa;09012100;CIV;2;1234,5;",
        ],
    )
    assert source.months() == ["2015-01"]
    kept = source.read_month("2015-01").declarations.to_pylist()
    assert [row["hs10_code"] for row in kept] == ["09012100", "0901210000", "09012100"]
    assert [row["country_of_origin"] for row in kept] == ["FR", "ZZ", "CI"]
    assert [row["net_mass"] for row in kept] == [1500.0, 2.0, 2000.0]
    assert [row["item_price"] for row in kept] == [1372254.4, 12.0, 1234.5]
    assert [row["fraud"] for row in kept] == [0, 1, None]
    assert kept[0]["importer_id"] == "Société Été"


@pytest.mark.parametrize("value", ["12.34", "1.2345", "1,234.5", "1.23.456"])
def test_a_number_with_marks_of_another_form_is_never_read_as_one_of_another_size(tmp_path, value):
    source = _elsewhere(tmp_path, [f"1;13/01/2015;A;0901210000;FRA;1;{value};0", "2;13/01/2015;A;0901210000;FRA;1;1;0"])
    result = source.read_month("2015-01")
    assert result.quarantine.column("reason").to_pylist() == ["text_in_number"]


def test_numbers_of_parquet_need_no_marks(tmp_path):
    cells = {
        **{
            "declaration_id": ["1"],
            "date": ["13/01/2015"],
            "importer_id": ["A"],
            "ndp": ["0901210000"],
            "org": ["FRA"],
        },
        **{"poids": [1.5], "valeur": [1234.5], "fraud": [1]},
    }
    pq.write_table(pa.table(cells), tmp_path / "d.parquet")
    form = parse_form(FORM, "elsewhere")
    (row,) = FileSource(str(tmp_path / "d.parquet"), form=form).read_month("2015-01").declarations.to_pylist()
    assert (row["net_mass"], row["item_price"], row["fraud"]) == (1500.0, 1234.5, 1)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2015-01-31T23:30:00Z", "2015-02-01"),
        ("2015-02-01 00:30:00+09:00", "2015-02-01"),
        ("2015-01-31 16:30:00.123456789+0100", "2015-02-01"),
        ("2015-02-01T12:00:00", "2015-02-01"),
    ],
)
def test_a_time_with_a_zone_counts_for_the_day_of_the_office(tmp_path, written, day):
    form = FORM.replace("Africa/Abidjan", "Asia/Seoul")
    source = _elsewhere(tmp_path, [f"1;{written};A;0901210000;FRA;1;1;0"], form)
    assert [str(row["date"]) for row in source.read_month("2015-02").declarations.to_pylist()] == [day]


def test_a_time_with_a_zone_asks_for_the_zone_of_the_office(tmp_path):
    form = FORM.replace('zone = "Africa/Abidjan"\n', "")
    source = _elsewhere(
        tmp_path, ["1;13/01/2015;A;0901210000;FRA;1;1;0", "2;2015-01-13T10:00:00Z;A;0901210000;FRA;1;1;0"], form
    )
    (row,) = source.read_month("2015-01").quarantine.to_pylist()
    assert "name the zone of the office in the form (zone)" in row["detail"]


@pytest.mark.parametrize("kind", ["iso3", "numeric"])
def test_countries_of_every_kind_are_those_of_two_letters(tmp_path, kind):
    written = {"iso3": ["KOR", "NAM", "DEU"], "numeric": ["410", "516", "8"]}[kind]
    meant = {"iso3": ["KR", "NA", "DE"], "numeric": ["KR", "NA", "AL"]}[kind]
    form = FORM.replace('countries = "iso3"', f'countries = "{kind}"')
    lines = [f"{n};13/01/2015;A;0901210000;{code};1;1;0" for n, code in enumerate(written)]
    kept = _elsewhere(tmp_path, lines, form).read_month("2015-01").declarations
    assert kept.column("country_of_origin").to_pylist() == meant


def test_a_form_changes_the_fingerprint_and_the_default_does_not(tmp_path, good_rows, csv_text):
    (tmp_path / "d.csv").write_text(csv_text(good_rows(2)))
    korea = open_form("korea")
    other = korea.model_copy(update={"name": "other", "empty": ("nil",)})
    prints = {FileSource(str(tmp_path / "d.csv"), form=form).fingerprint("2020-01") for form in (korea, other, korea)}
    assert len(prints) == 2
