"""``customs inspect``: an extract that nobody knows is recognised, a form is proposed, and by it the rows are read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.forms import open_form
from customs_assets.source.files import FileSource
from customs_assets.source.inspecting import account, recognise
from customs_assets.source.sampled_cells import Cells, digits_of, label_words

TODAY = date(2021, 12, 31)

Extract = tuple[list[str], list[list[str]]]


def _rows(count: int, month: str = "2015-01") -> list[dict[str, str]]:
    rng = np.random.default_rng(4)
    first = date.fromisoformat(f"{month}-01")
    rows = []
    for number in range(count):
        good = int(rng.integers(3))
        mass = float(np.exp(rng.normal(4, 1)))
        rows.append(
            {
                "id": f"D{month[2:4]}{month[5:]}{number:04d}",
                "date": (first + timedelta(days=number * 28 // count)).isoformat(),
                "importer": f"Société Été {good * 9 + int(rng.integers(9))}",
                "code": ("09012100", "61091000", "84713000")[good],
                "origin": ("BR", "CN", "DE")[good],
                "mass": f"{mass:.1f}",
                "value": f"{mass * 1500:.1f}",
                "found": ("", "", "0", "1")[int(rng.integers(4))],
            }
        )
    return rows


def _french(rows: list[dict[str, str]]) -> Extract:
    headers = [
        "numéro",
        "date_validation",
        "code opérateur",
        "ndp",
        "org",
        "poids net",
        "valeur",
        "montant",
        "résultat",
    ]
    words = {"0": "conforme", "1": "infraction", "": ""}
    return headers, [
        [
            *(r["id"], "/".join(reversed(r["date"].split("-"))), r["importer"], r["code"].lstrip("0"), r["origin"]),
            *(r["mass"].replace(".", ","), r["value"].replace(".", ","), "1,5", words[r["found"]]),
        ]
        for r in rows
    ]


def _spanish(rows: list[dict[str, str]]) -> Extract:
    headers = ["No. declaración", "Fecha", "Importador", "Partida", "País origen", "Peso neto", "Valor CIF", "Fraude"]
    iso3 = {"BR": "BRA", "CN": "CHN", "DE": "DEU"}

    def marked(number: str) -> str:
        return f"{float(number):,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")

    return headers, [
        [
            *(r["id"], date.fromisoformat(r["date"]).strftime("%d-%b-%y"), r["importer"]),
            *(f"{r['code'][:4]}.{r['code'][4:6]}", iso3[r["origin"]]),
            *(marked(r["mass"]), marked(r["value"]), {"0": "N", "1": "Y", "": "NULL"}[r["found"]]),
        ]
        for r in rows
    ]


def _studies(rows: list[dict[str, str]]) -> Extract:
    headers = [
        "SGD.ID",
        "SGD.DATE",
        "IMPORTER.TIN",
        "DECLARANT.CODE",
        "ORIGIN.CODE",
        "OFFICE",
        "TARIFF.CODE",
        "QUANTITY",
    ]
    headers += ["GROSS.WEIGHT", "FOB.VALUE", "CIF.VALUE", "TOTAL.TAXES", "RAISED_TAX_AMOUNT"]
    return headers, [
        [
            *(r["id"], r["date"], r["importer"], "B1", r["origin"], r.get("office", "13"), f"{r['code']}00", "1"),
            *(r["mass"], "1", r["value"], "2.5", {"0": "0.0", "1": "125.5", "": ""}[r["found"]]),
        ]
        for r in rows
    ]


def _without_id(rows: list[dict[str, str]]) -> Extract:
    headers = [
        "date_validation",
        "Bureau",
        "code opérateur",
        "ndp",
        "org",
        "provenance",
        "valeur",
        "montant",
        "poids net",
    ]
    return [*headers, "qcs", "contentieux"], [
        [
            *(
                date.fromisoformat(r["date"]).strftime("%d-%b-%y"),
                "CI1",
                r["importer"],
                r["code"].lstrip("0"),
                r["origin"],
            ),
            *(r["origin"], r["value"].replace(".", ","), "0,5", r["mass"].replace(".", ","), "1", r["found"]),
        ]
        for r in rows
    ]


def _write(path: Path, extract: Extract, separator: str, encoding: str, above: str = "") -> None:
    headers, rows = extract
    with path.open("w", encoding=encoding, newline="") as stream:
        stream.write(above)
        csv.writer(stream, delimiter=separator).writerows([headers, *rows])


@pytest.mark.parametrize(
    ("extract", "separator", "encoding", "above", "form"),
    [
        (_french, ";", "latin-1", "", "mine"),
        (_french, "|", "cp1252", "Extraction;bureau central\n\n", "mine"),
        (_french, "\t", "utf-8", "sep=\t\n", "mine"),
        (_spanish, ";", "latin-1", "", "mine"),
        (_spanish, "\t", "utf-8-sig", "", "mine"),
        (_without_id, "|", "latin-1", "", "mine"),
        (_studies, ",", "utf-8", "", "bacuda"),
    ],
)
def test_an_unknown_extract_is_recognised_and_read_to_the_last_row(tmp_path, extract, separator, encoding, above, form):
    rows = _rows(120)
    _write(tmp_path / "extract.csv", extract(rows), separator, encoding, above)
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.form is not None, found.chosen
    assert found.form.name == form
    assert found.looks[0].separator == separator
    months = FileSource(str(tmp_path), TODAY, found.form)
    assert months.months() == ["2015-01"]
    kept = months.read_month("2015-01")
    assert (kept.rows_in, kept.declarations.num_rows) == (120, 120)
    read = kept.declarations.to_pylist()
    assert [row["importer_id"] for row in read] == [row["importer"] for row in rows]
    assert [row["country_of_origin"] for row in read] == [row["origin"] for row in rows]
    assert [round(row["net_mass"], 1) for row in read] == [float(row["mass"]) for row in rows]
    assert [row["hs10_code"][:6] for row in read] == [row["code"][:6] for row in rows]
    assert ["" if row["fraud"] is None else str(row["fraud"]) for row in read] == [row["found"] for row in rows]


@pytest.fixture
def account_of(tmp_path) -> Callable[..., tuple[list, str]]:
    """A function that tells the months of some files of the studies' form, and all that looks wrong."""

    def tell(**files: list[dict[str, str]]):
        for name, rows in files.items():
            _write(tmp_path / f"{name}.csv", _studies(rows), ",", "utf-8")
        found = account(FileSource(str(tmp_path), TODAY, open_form("bacuda")), 5, TODAY)
        return found.months, " ".join(found.looks_wrong)

    return tell


def _months(count: int = 4, rows: int = 60) -> dict[str, list[dict[str, str]]]:
    return {f"m{number}": _rows(rows, f"2015-{number:02d}") for number in range(1, count + 1)}


def test_a_sound_source_has_nothing_that_looks_wrong(account_of):
    months, wrong = account_of(**_months())
    assert wrong == ""
    assert [(month.rows_in, month.kept, month.why_not) for month in months] == [(60, 60, "")] * 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: rows[:20], "2015-02 has 20 rows, and the other months 60: is it whole?"),
        (lambda rows: [r | {"value": str(float(r["value"]) / 1000)} for r in rows], "are prices in thousands"),
        (lambda rows: [r | {"mass": str(float(r["mass"]) / 1000)} for r in rows], "or masses in tonnes?"),
        (lambda rows: [r | {"date": "2015-02-09"} for r in rows], "no row of 2015-02 is dated after day 9"),
    ],
)
def test_a_month_that_is_not_like_the_others_is_told(account_of, change, sentence):
    files = _months()
    _, wrong = account_of(**files | {"m2": change(files["m2"])})
    assert sentence in wrong
    assert "2015-03" not in wrong


def test_one_party_on_most_rows_and_files_with_the_same_rows_are_told(account_of):
    files = {
        name: [row | {"importer": "DIVERS" if place % 3 else "A"} for place, row in enumerate(rows)]
        for name, rows in _months(2).items()
    }
    _, wrong = account_of(**files, again=files["m1"])
    assert "one importer ('DIVERS') is on 67% of the rows" in wrong
    assert "again.csv and m1.csv have the same rows of 2015-01" in wrong


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"found": ""}, "none of its declarations was inspected"),
        ({"importer": "A"}, "its inspected declarations have 1 importers; 5 are needed"),
        ({"code": "98010000"}, "60 of them for reserved_chapter in hs10_code"),
        ({"mass": "1,5"}, "60 of them for text_in_number in net_mass"),
    ],
)
def test_a_month_that_cannot_be_made_says_why(account_of, change, why):
    files = _months(2)
    months, _ = account_of(m1=[row | change for row in files["m1"]], m2=files["m2"])
    assert [bool(month.why_not) for month in months] == [True, False]
    assert why in months[0].why_not


def test_the_reasons_have_three_examples_each(account_of):
    rows = _rows(60)
    for row in rows[:10]:
        row["mass"] = "much"
    (month, *_), _ = account_of(m1=rows)
    assert month.reasons == {"text_in_number": 10}
    assert [example.partition(":")[0] for example in month.examples["text_in_number"]] == [
        *("m1.csv, row 2", "m1.csv, row 3", "m1.csv, row 4")
    ]


def test_the_command_tells_writes_a_form_and_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    _write(tmp_path / "in" / "extract.csv", _french(_rows(120)), ";", "latin-1")
    done = CliRunner().invoke(app, ["inspect", "in", "--write-form", "my.toml"])
    assert done.exit_code == 0, done.output
    for line in (
        "extract.csv: CSV in cp1252, separated by semicolons, 9 columns",
        "code opérateur -> importer_id: the header says 'code operateur'",
        "not used: montant",
        "2015-01: 120 rows, 120 kept, 0 set aside",
        "can be made",
        "mended: hs10_code: leading zeros that were lost, put back",
    ):
        assert line in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "my.toml"]
    form = open_form(str(tmp_path / "my.toml"))
    assert form.labels.clean == ("0", "conforme")
    assert form.labels.fraud == ("1", "infraction")
    assert FileSource("in", TODAY, form).read_month("2015-01").declarations.num_rows == 120
    again = CliRunner().invoke(app, ["inspect", "in", "--write-form", "my.toml"])
    assert again.exit_code == 2


def test_a_file_that_is_no_table_of_declarations_says_what_is_missing(tmp_path):
    (tmp_path / "d.csv").write_text("colour;shape\nred;round\nblue;square\n")
    done = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    assert done.exit_code == 1
    assert "(no column) -> importer_id: needed" in done.output


def test_a_header_alone_is_told_as_such(tmp_path):
    headers, _ = _studies(_rows(1))
    _write(tmp_path / "d.csv", (headers, []), ",", "utf-8")
    schema = pa.schema([(header, pa.string()) for header in headers])
    pq.write_table(schema.empty_table(), tmp_path / "e.parquet")
    done = CliRunner().invoke(app, ["inspect", str(tmp_path), "--form", "bacuda"])
    assert done.exit_code == 2
    assert "hold no rows, so there is no month to read" in done.output
    assert recognise(FileSource(str(tmp_path / "e.parquet"), TODAY)).form == open_form("bacuda")


def _office(headers: dict[str, str] | None = None, **cells: Callable[[dict[str, str]], str]) -> Extract:
    """An extract with headers in plain English, some of them renamed, and cells of some columns written otherwise."""
    columns = {
        "Declaration No": lambda r: r["id"],
        "Date": lambda r: r["date"],
        "Office": lambda r: "11",
        "Importer": lambda r: r["importer"],
        "HS": lambda r: r["code"],
        "Origin": lambda r: r["origin"],
        "Net kg": lambda r: r["mass"],
        "CIF": lambda r: r["value"],
        "Result": lambda r: r["found"],
    } | {name.replace("_", " "): cell for name, cell in cells.items()}
    named = headers or {}
    return [named.get(name, name) for name in columns], [[cell(r) for cell in columns.values()] for r in _rows(120)]


def _proposed(tmp_path: Path, extract: Extract, **more: Extract):
    """What is recognised of an extract, and the rows that the proposed form reads of it."""
    for name, of in {"extract": extract, **more}.items():
        _write(tmp_path / f"{name}.csv", of, ",", "utf-8")
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.form is not None, found.chosen
    return found, FileSource(str(tmp_path), TODAY, found.form).read_month("2015-01")


@pytest.mark.parametrize("digits", [9, 11])
def test_a_tariff_of_an_odd_number_of_digits_is_no_code_that_lost_its_zero(tmp_path, digits):
    found, read = _proposed(tmp_path, _office(HS=lambda r: r["code"].ljust(digits, "1")))
    assert found.form is not None
    assert found.form.hs_digits == (digits,)
    codes = read.declarations.column("hs10_code").to_pylist()
    assert {code[:6] for code in codes} == {"090121", "610910", "847130"}


@pytest.mark.parametrize(
    ("codes", "digits"),
    [
        (["22082011", "9012100"], [8]),
        (["9012100", "7020000"], [8]),
        (["2208201100", "902300000", "90210000"], [8, 10]),
        (["84713000111", "61091000111"], [11]),
        (["2208", "8471"], [6, 10]),
    ],
)
def test_the_digits_of_product_codes_are_told_with_the_zeros_that_were_lost(codes, digits):
    assert digits_of(Cells(pd.Series(codes))) == digits


@pytest.mark.parametrize(
    ("words", "clean", "fraud", "not_inspected"),
    [
        (("C", "F", "P"), ["C"], ["F", "P"], []),
        (("Green", "Red"), ["Green"], ["Red"], []),
        (("Negative", "Positive", "Not examined"), ["Negative"], ["Positive"], ["Not examined"]),
        (("Conforme", "Infraction", "Non contrôlé"), ["Conforme"], ["Infraction"], ["Non contrôlé"]),
        (("N", "Y", "Pending"), ["N"], ["Y"], ["Pending"]),
    ],
)
def test_words_of_labels_have_a_side_each(words, clean, fraud, not_inspected):
    assert label_words(Cells(pd.Series(words))) == (clean, fraud, not_inspected)


def test_words_that_every_form_knows_need_no_person():
    assert label_words(Cells(pd.Series(["T", "F", "", "0"]))) is None


def test_the_proposed_words_read_every_label(tmp_path):
    words = {"0": "C", "1": "F", "": "Not examined"}
    found, read = _proposed(tmp_path, _office(Result=lambda r: words[r["found"]]))
    told = read.declarations.column("fraud").to_pylist()
    assert ["" if label is None else str(label) for label in told] == [row["found"] for row in _rows(120)]
    assert "clean is C; fraud is F; not inspected is Not examined" in found.proposal.notes[0]


def test_codes_and_ids_with_other_letters_and_small_letters_of_countries_are_read(tmp_path):
    extract = _office(
        Declaration_No=lambda r: f"É#{r['id']}",
        Office=lambda r: "Bâle-Mulhouse Aéroport",
        Origin=lambda r: r["origin"].lower(),
    )
    _, read = _proposed(tmp_path, extract)
    first = read.declarations.to_pylist()[0]
    assert read.declarations.num_rows == 120
    assert first["declaration_id"] == f"É#{_rows(120)[0]['id']}"
    assert (first["office_id"], first["country_of_origin"]) == ("Bâle-Mulhouse Aéroport", _rows(120)[0]["origin"])


def test_numbers_of_declarations_are_no_product_codes(tmp_path):
    extract = _office({"Declaration No": "Kennung"}, Declaration_No=lambda r: f"19010{r['id'][-4:]}0")
    found, read = _proposed(tmp_path, extract)
    assert "Kennung" in found.proposal.unused
    assert read.declarations.num_rows == 120


def test_a_header_with_a_line_break_and_quotes_is_a_header(tmp_path):
    found, read = _proposed(tmp_path, _office({"Net kg": "Net\nkg", "Importer": 'Importer "TIN"'}))
    assert (found.looks[0].skip_lines, read.declarations.num_rows) == (0, 120)


def test_a_title_with_a_lone_quote_stands_above_the_headers(tmp_path):
    _write(tmp_path / "extract.csv", _office(), ",", "utf-8", above='Extract of 5" pipes\n')
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.looks[0].skip_lines == 1
    assert found.form is not None
    assert FileSource(str(tmp_path), TODAY, found.form).read_month("2015-01").declarations.num_rows == 120


def test_headers_of_other_years_are_spellings_too(tmp_path):
    later = _office({"Importer": "Importador", "CIF": "Valor CIF"}, Date=lambda r: r["date"].replace("2015", "2016"))
    found, read = _proposed(tmp_path, _office(), later=later)
    assert read.declarations.num_rows == 120
    assert found.form is not None
    assert FileSource(str(tmp_path), TODAY, found.form).read_month("2016-01").declarations.num_rows == 120
    assert ("Importador", "importer_id") in [(guess.header, guess.attribute) for guess in found.proposal.guesses]


def test_a_header_that_its_cells_do_not_bear_out_is_told(tmp_path):
    _write(tmp_path / "extract.csv", _office(CIF=lambda r: f"${r['value']}"), ",", "utf-8")
    done = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    assert done.exit_code == 1
    assert "not taken: CIF sounds like item_price, but its cells do not (such as '$" in done.output


@pytest.mark.parametrize(
    "headers",
    [
        ("신고번호", "신고일자", "세관", "수입자", "HS부호", "원산지", "순중량", "과세가격", "우범여부"),
        (
            "Номер ДТ",
            "Дата",
            "Пост",
            "Импортер",
            "Код ТН ВЭД",
            "Страна происхождения",
            "Вес нетто",
            "Стоимость",
            "Нарушение",
        ),
        ("Beyanname No", "Tarih", "Gümrük", "İthalatçı", "GTİP", "Menşe", "Net Ağırlık", "Kıymet", "Result"),
    ],
)
def test_headers_in_other_scripts_are_known(tmp_path, headers):
    _, read = _proposed(tmp_path, (list(headers), _office()[1]))
    assert read.declarations.num_rows == 120


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda files: {n: rows for n, rows in files.items() if n != "m2"},
            "there are no rows of 2015-02: is a file missing?",
        ),
        (
            lambda files: {n: [r | {"id": r["id"][:-2]} for r in rows] for n, rows in files.items()},
            "of the rows are set aside, 236 of them for duplicate_declaration_id: are they items of a declaration",
        ),
        (
            lambda files: {n: [r | {"found": r["found"] and "1"} for r in rows] for n, rows in files.items()},
            "inspected declarations are fraud: is the label read right",
        ),
        (
            lambda files: {
                n: [
                    r | {"importer": f"{r['importer']} {p % 7}", "office": f"P{p % 7}{int(r['id'][-4:]) % 40}"}
                    for p, r in enumerate(rows)
                ]
                for n, rows in files.items()
            },
            "no code of office_id is that of 5 inspected importers",
        ),
    ],
)
def test_a_source_that_loses_rows_or_labels_is_told(account_of, change, sentence):
    _, wrong = account_of(**change(_months()))
    assert sentence in wrong
