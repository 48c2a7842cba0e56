"""The account of a reading: it says by which form, what was kept and why not, what was mended, and names nobody."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from customs_assets.forms import open_form
from customs_assets.lake import Lake
from customs_assets.release.card import _reading_in_words
from customs_assets.release.rounding import Rounding
from customs_assets.report.form import Form as PageForm
from customs_assets.report.reading import what_was_read
from customs_assets.report.wording import Words
from customs_assets.source import mending
from customs_assets.source.accounts import account_in, account_of, reading_of, together, with_account
from customs_assets.source.files import FileSource

FORM = open_form("asycuda")
HEADERS = "IDE_CUO_COD;IDE_TYP_SAD;IDE_REG_NBR;KEY_ITM_NBR;IDE_REG_DAT;CMP_CON_COD;CMP_EXP_NAM;DEC_COD;GEN_CTY_EPT_COD;"
HEADERS += "TPT_MOT_BRD_COD;TAR_HSC_NB1;TAR_PRC_EXT;TAR_PRC_NAT;TAR_PRF;GDS_ORG_CTY;VIT_WGT_NET;VIT_STV;TAX_LIN_RAT;"
HEADERS += "Inspection Result;Remarks"


def _row(office: str, number: int, day: str, *, code: str = "9012100", mass: str = "12.5", found: str = "0") -> str:
    parties = f"Société Été {number};N/A;Agence Été"
    return f"{office};IM 4;{number};1;{day};{parties};BR;1;{code};4000;000;100;BR;{mass};250;5;{found};note"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with the quarantine of two months: in the first one row in twenty is bad, and every code lost its zero."""
    months = {"2016-01": "05/01/2016", "2016-02": "06/02/2016"}
    lake = Lake(str(tmp_path / "lake"))
    (tmp_path / "in").mkdir()
    for month, day in months.items():
        rows = [_row(office, n, day, found="" if n % 4 else "1") for office in ("GT01", "GT02") for n in range(1, 51)]
        if month == "2016-01":
            rows[:5] = [_row("GT01", n, day, mass="much") for n in range(1, 6)]
        text = "\n".join([HEADERS, *rows])
        (tmp_path / "in" / f"extract-{month}.csv").write_text(text, encoding="cp1252")
        stream = FileSource(str(tmp_path / "in"), date(2020, 1, 1), FORM).stream_month(month)
        assert sum(piece.num_rows for piece in stream) == (95 if month == "2016-01" else 100)
        lake.write_table("quarantine", with_account(stream.quarantine, account_of(stream, FORM)), month)
    return lake


def test_the_account_of_a_month_says_how_it_was_read(lake: Lake):
    account = account_in(lake.read_table("quarantine", "2016-01"))
    assert (account["form"], account["rows_in"], account["kept"], account["inspected"]) == ("asycuda", 100, 95, 23)
    assert account["reasons"] == {"text_in_number": 5}
    written = {"kind": "CSV", "encoding": "cp1252", "separator": ";", "above": 0}
    assert account["files"] == [written | {"names": ["extract-2016-01.csv"]}]
    assert account["columns"]["GEN_CTY_EPT_COD"] == "country_of_departure"
    assert account["columns"]["KEY_ITM_NBR"] == "item_number"
    assert account["unused"] == ["Remarks"]
    assert ["hs10_code", "leading zeros that were lost, put back", 100, "9012100", "09012100"] in account["mended"]
    assert account["mended"][0][0] == "seller_id"
    assert "Été" not in json.dumps(account, ensure_ascii=False)


def test_two_offices_may_have_the_same_number_and_one_office_may_not(tmp_path: Path):
    rows = [_row("GT01", 7, "05/01/2016"), _row("GT02", 7, "05/01/2016"), _row("GT01", 7, "09/01/2016")]
    (tmp_path / "extract.csv").write_text("\n".join([HEADERS, *rows]), encoding="cp1252")
    month = FileSource(str(tmp_path / "extract.csv"), date(2020, 1, 1), FORM).read_month("2016-01")
    assert month.declarations.column("declaration_id").to_pylist() == ["GT01-7-1", "GT02-7-1"]
    assert month.quarantine.column("reason").to_pylist() == ["duplicate_declaration_id"]


def test_months_are_accounted_for_together_and_an_earlier_version_says_nothing(lake: Lake):
    account = reading_of(lake, ["2016-01", "2016-02"])
    assert (account["rows_in"], account["kept"], account["inspected"]) == (200, 195, 47)
    assert account["reasons"] == {"text_in_number": 5}
    assert account["files"][0]["files"] == 2
    assert {mend[1]: mend[2] for mend in account["mended"]}["leading zeros that were lost, put back"] == 200
    lake.write_table("quarantine", lake.read_table("quarantine", "2016-01").replace_schema_metadata({"rows_in": "100"}))
    assert account_in(lake.read_table("quarantine")) == {}
    assert together([{}, {}]) == {}


def test_a_file_of_several_months_is_one_file(tmp_path: Path):
    rows = [_row("GT01", n, f"05/0{month}/2016") for month in (1, 2, 3) for n in range(9)]
    (tmp_path / "year.csv").write_text("\n".join([HEADERS, *rows]), encoding="cp1252")
    source, accounts = FileSource(str(tmp_path), date(2020, 1, 1), FORM), []
    for month in source.months():
        stream = source.stream_month(month)
        assert sum(piece.num_rows for piece in stream) == 9
        accounts.append(account_of(stream, FORM))
    assert len(accounts) == 3
    assert [of["files"] for of in together(accounts)["files"]] == [1]


@pytest.mark.parametrize("language", ["fr", "es", "ko"])
def test_whatever_is_mended_has_words_in_every_language(language):
    kinds = [
        mending.NOTHING,
        mending.FORMULA,
        mending.BLANKS,
        mending.AS_NUMBER,
        mending.POINTS,
        mending.ZEROS,
        mending.CUT,
    ]
    for what in (*kinds, mending.REMARK, mending.TRANSLATED, mending.CAPITALS):
        assert Words(language).translated(what) != what


@pytest.mark.parametrize("language", ["en", "fr", "es", "ko"])
def test_the_outside_form_of_the_page_rounds_and_leaves_headers_and_cells_out(lake: Lake, language):
    account, words = reading_of(lake, ["2016-01", "2016-02"]), Words(language)
    inside = what_was_read(account, PageForm(words, 5))
    assert ["GDS_ORG_CTY", "country_of_origin"] in inside["columns"]
    assert "195" in inside["rows"] and "Remarks" in inside["unused"]
    assert any("9012100" in cell for row in inside["mended"] for cell in row)
    outside = what_was_read(account, PageForm(words, 5, Rounding(5, 60)))
    assert (outside["columns"], outside["files"], outside["unused"]) == ([], [], "")
    assert "200" in outside["rows"] and "195" not in outside["rows"]
    assert outside["reasons"] == [["text_in_number", "10"]]
    assert not any("9012100" in cell for row in outside["mended"] for cell in row)


def test_the_card_says_how_the_source_was_read_in_rounded_numbers(lake: Lake):
    said = _reading_in_words(reading_of(lake, ["2016-01", "2016-02"]), Rounding(5, 60))
    assert "form asycuda" in said
    assert "Of 200 declarations 200 were kept, of which 50 were inspected; 10 broke the form" in said
    assert "- Set aside for: text in number (10)." in said
    assert "- Hs10 code: leading zeros that were lost, put back (200 rows)." in said
    assert "9012100" not in said and "195" not in said
    assert _reading_in_words({}, Rounding(5, 60)) == ""
