"""Where a file or a month is off as a whole, the sentence names the cause that was seen, with a value."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from customs_assets.source.causes import seen_separator, why_nothing_kept
from customs_assets.source.reading import SourceError

TITLE = "Extract of declarations, office 13"


def _separated(text: str, separator: str) -> str:
    return text.replace(",", separator)


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (lambda t: _separated(t, ";"), ["separated by semicolons", "separator = ';'"]),
        (lambda t: _separated(t, "\t"), ["separated by tabs", r"separator = '\t'"]),
        (lambda t: _separated(t, "|"), ["separated by bars (|)", "separator = '|'"]),
        (lambda t: f"sep=;\n{_separated(t, ';')}", ["separated by semicolons", "stand in line 2, below 'sep=;'"]),
        (lambda t: f"{TITLE}\n{t}", ["stand in line 2, below 'Extract of declarations, office 13'", "skip_lines = 1"]),
        (lambda t: f"{TITLE}\n\n\n{t}", ["stand in line 4", "skip_lines = 3"]),
        (lambda t: f"{TITLE}\n{_separated(t, ';')}", ["separated by semicolons", "stand in line 2"]),
        (lambda t: t.replace("Tax Type", "Kind"), ["lacks the columns tax_type", "customs inspect"]),
        (lambda t: "a;b;c\n1;2;3\n4;5;6\n", ["seem to be separated by semicolons", "customs inspect"]),
    ],
)
def test_a_file_without_the_columns_is_told_by_what_it_has(tmp_path, good_rows, csv_text, read, change, sentences):
    rows = [row | {"seller_id": ""} for row in good_rows(5)]
    (tmp_path / "d.csv").write_text(change(csv_text(rows)))
    with pytest.raises(SourceError, match=r"d\.csv") as caught:
        read(tmp_path / "d.csv")
    for sentence in sentences:
        assert sentence in str(caught.value)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_line_that_names_the_separator_is_no_row(tmp_path, good_rows, csv_text, read, separator):
    rows = good_rows(3)
    (tmp_path / "d.csv").write_text(f"sep={separator}\n{csv_text(rows)}")
    if separator == ",":
        assert read(tmp_path / "d.csv").rows_in == 3
        return
    with pytest.raises(SourceError, match="stand in line 2, below 'sep=;'"):
        read(tmp_path / "d.csv")


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (
            lambda t: "\n".join([t.splitlines()[0], *(f"{line}," for line in t.splitlines()[1:])]).encode(),
            [
                "all its 6 rows are set aside: 6 wrong_field_count",
                "row 2: the row has 23 fields where the header has 22",
            ],
        ),
        (
            lambda t: "\n".join([t.splitlines()[0], *(f"{line}\xe9" for line in t.splitlines()[1:])]).encode("latin-1"),
            ["all its 6 rows are set aside: 6 undecodable_bytes", "neither UTF-8 nor CP949"],
        ),
        (
            lambda t: re.sub(r"2020-01-(\d\d)", r"\1.01.2020", t).encode(),
            ["date is '01.01.2020', which is no date of the form YYYY-MM-DD", "(dates)"],
        ),
        (
            lambda t: t.replace("2020-01-", "2017-12-").encode(),
            ["its dates run from 2017-12-01 to 2017-12-24", "the form korea begins with 2020-01 (first_month)"],
        ),
        (
            lambda t: t.replace("2020-01-", "2031-01-").encode(),
            ["its dates run from 2031-01-01 to 2031-01-24, and today is 2021-12-31"],
        ),
        (
            lambda t: re.sub(r"2020-01-\d\d", "", t).encode(),
            ["date is empty in every row"],
        ),
        (
            lambda t: re.sub(r"(2020-01-\d\d)", r"\1T10:00:00X", t).encode(),
            ["date is '2020-01-01T10:00:00X'"],
        ),
    ],
)
def test_a_file_without_a_month_is_told_by_its_rows(tmp_path, good_rows, csv_text, read, change, sentences):
    rows = [row | {"seller_id": "", "declarant_id": "A", "importer_id": "B"} for row in good_rows(6)]
    (tmp_path / "d.csv").write_bytes(change(csv_text(rows)))
    with pytest.raises(SourceError, match=r"d\.csv has no row with a date") as caught:
        read(tmp_path / "d.csv")
    for sentence in sentences:
        assert sentence in str(caught.value)


def _why(result, month: str = "2020-01") -> str:
    return why_nothing_kept("files at /x", month, result.rows_in, result.quarantine)


@pytest.mark.parametrize(
    ("column", "value", "sentences"),
    [
        ("net_mass", "108,0", ["60 of them for text_in_number in net_mass", "'108,0'", "decimal = ','"]),
        ("item_price", "372254,4", ["text_in_number in item_price", "decimal = ','"]),
        ("net_mass", "1,262", ["text_in_number in net_mass", "between thousands"]),
        ("hs10_code", "9801000000", ["60 of them for reserved_chapter in hs10_code", "of chapter 98"]),
        ("hs10_code", "9.0121E+08", ["malformed_hs_code", "its digits are lost"]),
        ("country_of_origin", "KOR", ["unknown_code in country_of_origin", "'KOR'"]),
        ("fraud", "perhaps", ["unknown_label in fraud", "'perhaps'"]),
        ("importer_id", "NULL", ["missing_value in importer_id"]),
    ],
)
def test_a_month_of_which_nothing_is_left_is_told_by_the_rule_with_a_value(
    tmp_path, good_rows, csv_text, read, column, value, sentences
):
    rows = [row | {column: value} for row in good_rows(60)]
    (tmp_path / "d.csv").write_text(csv_text(rows))
    result = read(tmp_path / "d.csv")
    assert result.declarations.num_rows == 0
    why = _why(result)
    for sentence in ["no usable declaration in 2020-01: all 60 rows are set aside", "d.csv, row 2", *sentences]:
        assert sentence in why


@pytest.mark.parametrize("name", ["export-2024-02.csv", "declarations_202402.csv", "office-13-2024_02.csv"])
def test_a_name_that_says_another_month_than_the_rows_is_told(tmp_path, good_rows, csv_text, read, name):
    (tmp_path / name).write_text(csv_text(good_rows(6)))
    why = _why(read(tmp_path, "2024-02"), "2024-02")
    assert f"the name of {name} says 2024-02, and its 6 rows say another month" in why
    assert "date is '2020-01-01'" in why


@pytest.mark.parametrize("column", ["importer_id", "declarant_id", "seller_id", "declaration_id"])
def test_no_name_is_repeated_in_what_is_told_of_a_whole_month(tmp_path, good_rows, csv_text, read, column):
    rows = [row | {column: "Hanbit Trading\x07"} for row in good_rows(6)]
    (tmp_path / "declarations-2020-01.csv").write_text(csv_text(rows))
    why = _why(read(tmp_path))
    assert f"6 of them for control_characters in {column}" in why
    assert "Hanbit" not in why


def test_no_name_is_repeated_where_no_row_can_be_decoded(tmp_path, good_rows, csv_text, read):
    text = csv_text([row | {"seller_id": "Hanbit"} for row in good_rows(6)])
    (tmp_path / "d.csv").write_bytes(text.encode().replace(b"Hanbit", b"Hanbit \xe9t\xe9"))
    with pytest.raises(SourceError, match="name their encoding in the form") as caught:
        read(tmp_path / "d.csv")
    assert "Hanbit" not in str(caught.value)


def test_a_month_without_rows_is_told_as_such(tmp_path, good_rows, csv_text, read):
    (tmp_path / "d.csv").write_text(csv_text(good_rows(6)))
    assert _why(read(tmp_path, "2020-02"), "2020-02") == "files at /x has no rows of 2020-02"


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a;b;c", "1,5;2,5;3,5", "1,0;2;3"], ";"),
        (["a,b", "1,2"], ","),
        (["a\tb, c\td", "1\t2, 3\t4"], "\t"),
        (["a|b", "x|y"], "|"),
        (["alone", "word"], None),
    ],
)
def test_the_separator_that_cuts_rows_alike_is_seen(lines, separator):
    assert seen_separator(lines) == separator


def test_the_quarantine_tells_of_every_row(tmp_path, good_rows, csv_text, read):
    (tmp_path / "d.csv").write_text(csv_text([row | {"net_mass": "1,5"} for row in good_rows(6)]))
    quarantine: pa.Table = read(tmp_path / "d.csv").quarantine
    assert quarantine.num_rows == 6
    assert all("decimal = ','" in detail for detail in quarantine.column("detail").to_pylist())
