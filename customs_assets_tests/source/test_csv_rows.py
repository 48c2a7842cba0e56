"""CSV: encodings, headers, quoting, and files that are cut short."""

from __future__ import annotations

import csv
import random
from itertools import product

import pytest

from customs_assets.declaration import NAMES
from customs_assets.source import csv_rows
from customs_assets.source.files import FileSource
from customs_assets.source.reading import SourceError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_every_encoding_quoting_and_line_end_reads_the_same(tmp_path, good_rows, csv_text, assert_kept, encoding):
    rows = good_rows(200)
    for quoting, newline in product([csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ["\n", "\r\n", "\r"]):
        text = csv_text(rows, quoting=quoting).replace("\n", newline)
        (tmp_path / "d.csv").write_bytes(text.encode(encoding))
        result = FileSource(str(tmp_path / "d.csv")).read_month("2020-01")
        assert_kept(result, rows)
        assert result.quarantine.num_rows == 0


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_blocks_of_any_size_give_the_same_rows(tmp_path, good_rows, csv_text, monkeypatch, encoding):
    rows = good_rows(200)
    for number in range(0, 200, 7):
        rows[number]["seller_id"] = 'a "quoted"\r\nname'
    lines = csv_text(rows).encode(encoding).split(b"\n")
    lines[100] += b",more"
    lines[150] = lines[150].replace(b",", b',"never closed', 1)
    lines[180] = b""
    if encoding == "utf-8":
        lines.insert(190, b"damaged \xff")
    (tmp_path / "d.csv").write_bytes(b"\n".join(lines))
    source = FileSource(str(tmp_path / "d.csv"))
    expected = source.read_month("2020-01")
    assert expected.quarantine.num_rows == (3 if encoding == "utf-8" else 2)
    for size in (211, 1000, 4099):
        monkeypatch.setattr(csv_rows, "BLOCK_BYTES", size)
        result = source.read_month("2020-01")
        assert result.declarations.equals(expected.declarations)
        assert result.quarantine.equals(expected.quarantine)


def test_headers_may_be_snake_case_or_published_in_any_order_case_and_spacing(
    tmp_path, good_rows, csv_text, assert_kept
):
    rows = good_rows(20)
    names = list(NAMES)
    random.Random(3).shuffle(names)
    header, _, body = csv_text(rows, names=names).partition("\n")
    spellings = (header.upper(), ",".join(names), ",".join(f"  {n} " for n in header.split(",")))
    for number, spelling in enumerate(spellings):
        (tmp_path / f"{number}.csv").write_text(f"{spelling}\n{body}")
        assert_kept(FileSource(str(tmp_path / f"{number}.csv")).read_month("2020-01"), rows)


def test_a_damaged_byte_before_a_header_does_not_hide_the_column(tmp_path, good_rows, csv_text, read):
    content = csv_text(good_rows(3)).encode().replace(b"Tax Type", b"\xffTax Type")
    assert read_bytes(tmp_path, content, read).declarations.num_rows == 3


@pytest.mark.parametrize("header", ["HS6 Code", "HS10 Code", "hs6_code", "hs10_code"])
def test_the_product_code_has_four_spellings(tmp_path, good_rows, csv_text, read, header):
    (tmp_path / "d.csv").write_text(csv_text(good_rows(5)).replace("HS10 Code", header))
    assert read(tmp_path / "d.csv").declarations.num_rows == 5


def test_further_columns_come_last_as_text_in_snake_case(tmp_path, good_rows, csv_text, read):
    rows = [row | {"Gross Mass (kg)": "007"} for row in good_rows(3)]
    (tmp_path / "a.csv").write_text(csv_text(rows, names=["Gross Mass (kg)", *NAMES]))
    (tmp_path / "b.csv").write_text(csv_text(good_rows(2, first_number=100)))
    declarations = read(tmp_path).declarations
    assert declarations.column_names == [*NAMES, "gross_mass_kg"]
    assert declarations.column("gross_mass_kg").to_pylist() == ["007"] * 3 + [None] * 2


def test_numbers_may_have_spaces_signs_and_exponents(tmp_path, good_rows, csv_text, read):
    rows = good_rows(5)
    for row, number in zip(rows, [" 12 ", "1.5e3", "+8.", "0901210000", "-0"], strict=True):
        row["net_mass"] = number
    (tmp_path / "d.csv").write_text(csv_text(rows))
    assert read(tmp_path / "d.csv").declarations.column("net_mass").to_pylist() == [12.0, 1500.0, 8.0, 901210000.0, 0.0]


def test_no_labels_means_not_inspected(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    rows[1] |= {"fraud": "", "critical_fraud": ""}
    rows[2] |= {"fraud": "1.0", "critical_fraud": "2.0"}
    (tmp_path / "d.csv").write_text(csv_text(rows))
    declarations = read(tmp_path / "d.csv").declarations
    assert declarations.column("fraud").to_pylist()[1:] == [None, 1]
    assert declarations.column("critical_fraud").to_pylist()[1:] == [None, 2]


def test_a_blank_line_is_no_row_but_is_counted_in_the_place(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    rows[2]["net_mass"] = "-1"
    lines = csv_text(rows).split("\n")
    (tmp_path / "d.csv").write_text("\n".join([*lines[:2], "", "", *lines[2:]]))
    result = read(tmp_path / "d.csv")
    assert result.rows_in == 3
    assert result.quarantine.column("row").to_pylist() == [6]


def test_a_stray_quote_costs_its_own_line_alone(tmp_path, good_rows, csv_text, read):
    lines = csv_text(good_rows(200)).split("\n")
    lines[50] = lines[50].replace(",B", ',"B', 1) if ",B" in lines[50] else lines[50].replace(",", ',"', 1)
    lines[53] = lines[53].replace(",", ',"', 1)
    lines[54] = lines[54].replace(",", '",', 3)
    lines[200] = lines[200].replace(",", ',"', 1)
    (tmp_path / "d.csv").write_text("\n".join(lines))
    result = read(tmp_path / "d.csv")
    assert set(result.quarantine.column("row").to_pylist()) == {51, 54, 55, 201}
    assert result.declarations.column("declaration_id")[-1].as_py() == "00000199"
    assert result.declarations.num_rows == 196


def test_a_quote_in_the_middle_of_an_unquoted_cell_is_a_character(tmp_path, good_rows, csv_text, read):
    rows = good_rows(3)
    text = csv_text([row | {"seller_id": "INCH"} for row in rows]).replace("INCH", '5" PIPES')
    (tmp_path / "d.csv").write_text(text)
    assert read(tmp_path / "d.csv").declarations.column("seller_id").to_pylist() == ['5" PIPES'] * 3


def test_every_way_of_cutting_a_file_short_accounts_for_every_row(tmp_path, good_rows, csv_text, read):
    rows = good_rows(4)
    rows[3]["seller_id"] = "last, of\nall"
    content = csv_text(rows).encode()
    intact = read_bytes(tmp_path, content, read).declarations.slice(0, 3)
    for length in range(content.rindex(b"00000004"), len(content)):
        result = read_bytes(tmp_path, content[:length], read)
        assert result.declarations.slice(0, 3).equals(intact)
        assert result.rows_in == result.declarations.num_rows + result.quarantine.num_rows <= 5


def read_bytes(folder, content, read):
    (folder / "declarations-2020-01.csv").write_bytes(content)
    return read(folder / "declarations-2020-01.csv")


def test_a_last_row_with_an_unclosed_quote_is_quarantined(tmp_path, good_rows, csv_text, read):
    content = csv_text(good_rows(3)) + '00000009,2020-01-28,13,"B'
    result = read_bytes(tmp_path, content.encode(), read)
    (quarantined,) = result.quarantine.to_pylist()
    assert (quarantined["reason"], quarantined["row"]) == ("malformed_quoting", 5)
    assert quarantined["declaration_id"] == "00000009"


def test_a_formula_in_a_text_cell_is_kept_as_it_stands(tmp_path, good_rows, csv_text, read):
    rows = good_rows(4)
    cells = ["=HYPERLINK(1)", "+1", "-1", "@x"]
    for row, cell in zip(rows, cells, strict=True):
        row["seller_id"] = cell
    (tmp_path / "d.csv").write_text(csv_text(rows))
    assert read(tmp_path / "d.csv").declarations.column("seller_id").to_pylist() == cells


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "d.csv is empty"),
        (b"\n\n", "no header row"),
        (b'"Declaration ID', "no readable header row"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x1f\x8brest", "compressed with gzip"),
        ("Declaration ID,Date\n".encode("utf-16"), "UTF-16"),
        (b"Declaration ID,Date\n1,2020-01-01\n", "lacks the columns office_id, .*; it has Declaration ID, Date"),
        (b"\xff\xff\xff\n", "lacks the columns declaration_id"),
        (b"a" * 100_000, "lacks the columns"),
        (b"a" * 3_000_000, "no readable header row"),
    ],
)
def test_a_file_that_is_no_declarations_stops_with_one_sentence(tmp_path, read, content, sentence):
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        read(tmp_path / "d.csv")


def test_a_column_given_twice_stops_the_reading(tmp_path, good_rows, csv_text, read):
    for extra in ("HS6 Code", " date "):
        rows = [row | {extra: ""} for row in good_rows(1)]
        (tmp_path / "d.csv").write_text(csv_text(rows, names=[*NAMES, extra]))
        with pytest.raises(SourceError, match="more than once"):
            read(tmp_path / "d.csv")


def test_a_line_without_end_stops_the_reading(tmp_path, csv_text, read):
    (tmp_path / "declarations-2020-01.csv").write_text(csv_text([]) + "x" * 2_500_000)
    with pytest.raises(SourceError, match=r"row 2 of declarations-2020-01\.csv is longer than"):
        read(tmp_path / "declarations-2020-01.csv")
