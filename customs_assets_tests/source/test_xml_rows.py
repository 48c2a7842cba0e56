"""Declarations in XML are read as CSV files are: a row a goods item, the same rules, and a sentence where a file is off."""

from __future__ import annotations

import re
import tracemalloc
from datetime import date

import pytest
from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.forms import Form, FormError, open_form
from customs_assets.forms.elements import Place, Step, parse_path
from customs_assets.forms.reading import parse_form
from customs_assets.source import xml_rows, xml_stream
from customs_assets.source.files import FileSource
from customs_assets.source.inspecting import recognise
from customs_assets.source.reading import SourceError
from customs_assets_tests.source.declarations_in_xml import DECLARATIONS, declaration_xml, document, item_xml

TODAY = date(2021, 12, 31)
HEADER = {
    **{"declaration_id": "20DE0001", "date": "20200105101500+01", "office_id": "DE004851", "process_type": "A"},
    **{"mode_of_transport": "1", "declarant_id": "DE12", "importer_id": "DE77", "country_of_departure": "CH"},
}
ITEM = {
    **{
        "hs10_code": "0901210000",
        "country_of_origin": "BR",
        "net_mass": "12.5",
        "item_price": "100.25",
        "tax_rate": "3.5",
    },
    **{"tax_type": "100", "payment_type": "E", "import_type": "4000", "import_use": "000", "fraud": "1"},
}


def _read(path, month: str = "2020-01", form: Form | str = "eu-h1"):
    return FileSource(str(path), TODAY, open_form(form) if isinstance(form, str) else form).read_month(month)


def _one(tmp_path, header=None, *items, form: Form | str = "eu-h1"):
    """The rows of a file of one declaration."""
    content = document([declaration_xml(HEADER | (header or {}), items or [ITEM])])
    (tmp_path / "2020-01.xml").write_text(content, encoding="utf-8")
    return _read(tmp_path, form=form)


def test_each_item_is_a_row_with_what_its_declaration_says(tmp_path):
    result = _one(tmp_path, {"seller_id": "Müller & Söhne <KG>"}, ITEM, ITEM | {"hs10_code": "61091000", "fraud": "0"})
    first, second = result.declarations.to_pylist()
    assert [first["declaration_id"], second["declaration_id"]] == ["20DE0001-1", "20DE0001-2"]
    assert first == first | {
        **{"date": date(2020, 1, 5), "office_id": "DE004851", "process_type": "A", "import_type": "4000"},
        **{"import_use": "000", "payment_type": "E", "mode_of_transport": "1", "declarant_id": "DE12"},
        **{"importer_id": "DE77", "seller_id": "Müller & Söhne <KG>", "hs10_code": "0901210000"},
        **{"country_of_departure": "CH", "country_of_origin": "BR", "tax_rate": 3.5, "tax_type": "100"},
        **{"net_mass": 12.5, "item_price": 100.25, "fraud": 1},
    }
    assert (second["hs10_code"], second["fraud"], second["importer_id"]) == ("61091000", 0, "DE77")


def _prefixed(content: str) -> str:
    """The same elements, each with the prefix of its namespace."""
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1n:", content)
    return prefixed.replace("<n:Declaration>", f'<n:Declaration xmlns:n="{DECLARATIONS}">')


@pytest.mark.parametrize(
    "content",
    [
        lambda d: document([d]),
        lambda d: document([d], namespace="urn:wco:datamodel:WCO:DEC:3"),
        lambda d: document([d], namespace="urn:wco:datamodel:WCO:Declaration:1"),
        lambda d: f"<Declaration>{d}</Declaration>",
        lambda d: f"<v1:submit xmlns:v1='urn:x'><list><Declaration>{d}</Declaration></list></v1:submit>",
        lambda d: _prefixed(f"<Declaration>{d}</Declaration>"),
        lambda d: document([d]).replace("><", ">\n  <"),
        lambda d: "\ufeff" + document([d]),
    ],
)
def test_namespaces_envelopes_and_versions_of_the_model_do_not_count(tmp_path, content):
    (tmp_path / "2020-01.xml").write_text(content(declaration_xml(HEADER, [ITEM])), encoding="utf-8")
    (row,) = _read(tmp_path).declarations.to_pylist()
    assert (row["declaration_id"], row["importer_id"], row["hs10_code"]) == ("20DE0001-1", "DE77", "0901210000")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "euc-kr", "cp949", "windows-1252"])
def test_a_file_is_read_in_the_encoding_that_it_names(tmp_path, encoding):
    name = "한빛무역" if encoding in ("euc-kr", "cp949") else "Société Été"
    content = document([declaration_xml(HEADER | {"importer_id": name}, [ITEM])], encoding=encoding)
    (tmp_path / "2020-01.xml").write_bytes(content.encode(encoding))
    assert _read(tmp_path).declarations.column("importer_id").to_pylist() == [name]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("20200105", "2020-01-05"),
        ("202001051015", "2020-01-05"),
        ("2020-01-05", "2020-01-05"),
        ("2020-01-05T23:30:00Z", "2020-01-06"),
        ("20200105233000+00", "2020-01-06"),
        ("20200105233000Z", "2020-01-06"),
        ('<p1:DateTimeString xmlns:p1="urn:p" formatCode="304">20200105010000+01</p1:DateTimeString>', "2020-01-05"),
        ('<DateTimeString formatCode="102">20200105</DateTimeString>', "2020-01-05"),
    ],
)
def test_dates_of_the_model_are_read(tmp_path, written, day):
    (row,) = _one(tmp_path, {"date": written}).declarations.to_pylist()
    assert str(row["date"]) == day


@pytest.mark.parametrize(
    ("header", "item", "reason", "column", "sentence"),
    [
        ({}, {"country_of_origin": "XX"}, "unknown_code", "country_of_origin", "'XX'"),
        ({}, {"net_mass": "-1"}, "negative_number", "net_mass", "'-1'"),
        ({}, {"net_mass": "1", "unit": ' unitCode="TNE"'}, "other_unit", "net_mass", "net_mass is in 'TNE'"),
        ({}, {"currency": ' currencyID="GBP"'}, "other_unit", "item_price", "is in 'GBP', and the form eu-h1 has EUR"),
        ({}, {"hs10_code": "9801000000"}, "reserved_chapter", "hs10_code", "of chapter 98"),
        ({}, {"fraud": "perhaps"}, "unknown_label", "fraud", "'perhaps'"),
        ({"date": "20200132"}, {}, "malformed_date", "date", "'2020-01-32'"),
        ({"office_id": "x" * 5000}, {}, "text_too_long", "office_id", "longer than"),
    ],
)
def test_an_item_that_breaks_a_rule_is_set_aside_with_its_place(tmp_path, header, item, reason, column, sentence):
    good = declaration_xml(HEADER | {"declaration_id": "20DE0002"}, [ITEM])
    bad = declaration_xml(HEADER | header, [ITEM | item])
    (tmp_path / "2020-01.xml").write_text(document([good, bad]))
    result = _read(tmp_path)
    (aside,) = result.quarantine.to_pylist()
    assert (aside["reason"], aside["column"], aside["row"], aside["file"]) == (reason, column, 2, "2020-01.xml")
    assert sentence in aside["detail"]
    assert (result.rows_in, result.declarations.num_rows) == (2, 1)


@pytest.mark.parametrize("unit", [' unitCode="KGM"', ' kcs:UnitCode="KG" xmlns:kcs="urn:kcs"', ' unitCode="KGM#G"', ""])
def test_kilograms_and_the_currency_of_the_form_are_no_other_unit(tmp_path, unit):
    (row,) = _one(tmp_path, {}, ITEM | {"unit": unit, "currency": ' currencyID="EUR"'}).declarations.to_pylist()
    assert (row["net_mass"], row["item_price"]) == (12.5, 100.25)


def test_a_declaration_without_items_is_a_row_that_is_set_aside(tmp_path):
    (tmp_path / "2020-01.xml").write_text(document([declaration_xml(HEADER, []), declaration_xml(HEADER, [ITEM])]))
    result = _read(tmp_path)
    assert (result.rows_in, result.declarations.num_rows) == (2, 1)
    assert result.quarantine.column("detail").to_pylist() == ["the declaration has no goods item"]


def test_items_without_numbers_are_told_apart_and_twice_the_same_is_a_duplicate(tmp_path):
    items = [ITEM | {"item": ""}, ITEM | {"item": ""}, ITEM | {"item": "7"}, ITEM | {"item": "7"}]
    result = _one(tmp_path, {}, *items)
    assert result.declarations.num_rows == 3
    assert result.quarantine.column("reason").to_pylist() == ["duplicate_declaration_id"]


def test_an_amount_recovered_stands_for_the_label_and_the_reason_is_kept(tmp_path):
    items = [{**ITEM, "fraud": "", "amount_recovered": amount} for amount in ("12.5", "0", "")]
    result = _one(tmp_path, {}, *({**item, "inspection_reason": "random"} for item in items))
    assert result.declarations.column("fraud").to_pylist() == [1, 0, None]
    assert set(result.declarations.column("inspection_reason").to_pylist()) == {"random"}
    assert "inspection_reason" not in _one(tmp_path).declarations.column_names


@pytest.mark.parametrize("name", ["korea", "bacuda", "asycuda", "eu-h1"])
def test_every_form_that_ships_reads_the_model(tmp_path, name):
    """A form that has codes of its own says which code of the model is which of them, and where its own elements stand."""
    form = open_form(name)
    header = HEADER | {"date": "20200105", "office_id": "130", "process_type": "B" if name == "korea" else "IM4"}
    item = ITEM | {"import_type": "11" if name == "korea" else "4000", "import_use": "21", "payment_type": "11"}
    if name == "eu-h1":
        header, item = (
            header | {"office_id": "DE004851", "process_type": "A"},
            item | {"payment_type": "E", "import_use": "000"},
        )
    if name == "korea":
        header, item = header | {"mode_of_transport": "10"}, item | {"tax_type": "A", "critical_fraud": "1"}
        column = form.columns["country_of_origin_indicator"]
        own = column.model_copy(update={"paths": ("item/Origin/MarkingCode",)})
        form = form.model_copy(update={"columns": form.columns | {"country_of_origin_indicator": own}})
    content = document([declaration_xml(header, [item])]).replace(
        "<TypeCode>1</TypeCode>", "<MarkingCode>B</MarkingCode>"
    )
    (tmp_path / "2020-01.xml").write_text(content)
    result = _read(tmp_path, form=form)
    assert result.quarantine.to_pylist() == []
    (row,) = result.declarations.to_pylist()
    assert [column for column in row if column in form.columns] == [a.name for a in form.attributes]
    assert (row["hs10_code"], row["importer_id"], row["fraud"]) == ("0901210000", "DE77", 1)


OWN = """
name = "own"
title = "Declarations of a system of our own"
decimal = ","
currency = "XOF"
hs_digits = [8]
first_month = "2015-01"
[xml]
declaration = ["ASYCUDA"]
items = ["Item"]
item_number = ["item/@rank"]
[labels]
clean = ["conforme"]
fraud = ["infraction"]
[columns]
declaration_id = { paths = ["Identification/Registration/Serial_number + Identification/Registration/Number"], pattern = ".+" }
date = { paths = ["Identification/Registration/Date"] }
importer_id = { paths = ["Traders/Consignee/Consignee_code", "Traders/Consignee/Consignee_name"] }
hs10_code = { paths = ["item/Tarification/HScode/Commodity_code"] }
country_of_origin = { paths = ["item/Goods_description/Country_of_origin_code"] }
net_mass = { paths = ["item/Valuation_item/Weight_itm/Net_weight_itm"] }
item_price = { paths = ["item/Valuation_item/Statistical_value"] }
fraud = { paths = ["item/Control[@kind=physical]/Result"] }
"""


def _own(items: str) -> str:
    return (
        "<ASYCUDA><Identification><Registration><Serial_number>C</Serial_number><Number>17</Number><Date>2015-03-02</Date>"
        f"</Registration></Identification>{items}<Traders><Consignee><Consignee_code/><Consignee_name>Été</Consignee_name>"
        "</Consignee></Traders></ASYCUDA>"
    )


def test_a_form_says_where_the_elements_of_another_layout_stand(tmp_path):
    item = (
        '<Item rank="{n}"><Tarification><HScode><Commodity_code>09012100</Commodity_code></HScode></Tarification>'
        "<Goods_description><Country_of_origin_code>BR</Country_of_origin_code></Goods_description><Valuation_item>"
        "<Weight_itm><Gross_weight_itm>3</Gross_weight_itm><Net_weight_itm>1.5</Net_weight_itm></Weight_itm>"
        "<Statistical_value>1234.5</Statistical_value></Valuation_item><Control kind='paper'><Result>conforme</Result></Control>"
        "<Control kind='physical'><Result>infraction</Result></Control></Item>"
    )
    (tmp_path / "d.xml").write_text(_own(item.format(n=1) + item.format(n=2)), encoding="utf-8")
    result = _read(tmp_path / "d.xml", "2015-03", parse_form(OWN, "own"))
    assert result.quarantine.to_pylist() == []
    rows = result.declarations.to_pylist()
    assert [row["declaration_id"] for row in rows] == ["C17-1", "C17-2"]
    assert (rows[0]["importer_id"], rows[0]["net_mass"], rows[0]["item_price"], rows[0]["fraud"]) == (
        "Été",
        1.5,
        1234.5,
        1,
    )


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("ID", (Place((Step("ID"),)),)),
        ("item/A[2]/B/@c", (Place((Step("item"), Step("A", 2), Step("B")), "c"),)),
        ("A[B=x y]/C + D", (Place((Step("A", 0, "B", "x y"), Step("C"))), Place((Step("D"),)))),
    ],
)
def test_paths_are_read(path, places):
    assert parse_path(path) == places


@pytest.mark.parametrize("path", ["", "item", "a//b", "A[", "A[b]", "A[=1]/B", "A/@", "/A", "A b"])
def test_what_is_no_path_is_refused_in_the_form(path):
    with pytest.raises(FormError, match=r"columns.net_mass.paths: '.*' (is no path of elements|has a condition)"):
        parse_form(OWN.replace("item/Valuation_item/Weight_itm/Net_weight_itm", path), "own")


BOMB = '<!DOCTYPE d [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"is empty \(0 bytes\)"),
        (BOMB + "<Declaration><ID>&b;</ID></Declaration>", "declares a document type"),
        (FILE + "<Declaration><ID>&a;</ID></Declaration>", "declares a document type"),
        ('<!DOCTYPE Declaration SYSTEM "http://example/dec.dtd"><Declaration/>', "leave the DOCTYPE out"),
        ("<Declaration><ID>&x;</ID></Declaration>", "undefined entity, line 1, column 18"),
        ("<Declaration><ID>1</ID>", "ends in the middle"),
        ("<Declaration><ID>1</Declaration>", "mismatched tag, line 1, column 21"),
        ("Declaration ID,Date\n1,2\n", "syntax error"),
        ("<Invoice><ID>1</ID></Invoice>", "has no element Declaration, its root is Invoice"),
        ('<?xml version="1.0" encoding="utf-99"?><Declaration/>', "an encoding that there is not: 'utf-99'"),
        (
            '<?xml version="1.0" encoding="cp949"?><Declaration>\udcff\udcff</Declaration>',
            "not in the encoding that it names",
        ),
        ("<Declaration><ID>\udcff</ID></Declaration>", "not well-formed"),
        ("<a>" * 300, "more than 200 deep"),
        (
            document([declaration_xml(HEADER | {"importer_id": ""}, [ITEM])]),
            r"in none of them importer_id \(looked for at Goods",
        ),
        (
            document([declaration_xml(HEADER, [ITEM])]).replace("NetNetWeight", "Net").replace("GrossMass", "Gross"),
            "in none of them net_mass",
        ),
    ],
)
def test_a_file_that_is_no_sound_xml_of_declarations_is_told_by_what_it_is(tmp_path, content, sentence):
    (tmp_path / "2020-01.xml").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError, match=sentence) as caught:
        _read(tmp_path)
    assert "2020-01.xml" in str(caught.value)


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    """A file of 240 declarations with remarks that nobody asks for takes no more than one of 60 does."""
    peaks = []
    for count in (60, 240):
        filler = f"<Remark>{'<a>x</a>' * 10}</Remark>"
        made = [filler + declaration_xml(HEADER | {"declaration_id": f"D{n}"}, [ITEM]) for n in range(count)]
        (tmp_path / "2020-01.xml").write_text(document(made))
        file = xml_rows.XmlFile(tmp_path / "2020-01.xml", "2020-01.xml", open_form("eu-h1"))
        monkeypatch.setattr(xml_rows, "BATCH_ROWS", 5)
        tracemalloc.start()
        assert sum(len(rows.numbers) for rows in file.rows()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [("ITEMS", "more than 2 goods items"), ("ELEMENTS", "more than 2 elements")],
)
def test_a_declaration_without_end_is_refused(tmp_path, monkeypatch, limit, sentence):
    monkeypatch.setattr(xml_rows, limit, 2)
    with pytest.raises(SourceError, match=sentence):
        _one(tmp_path, {}, ITEM, ITEM, ITEM)


def test_bytes_without_a_new_element_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xml_stream, "LONGEST_BYTES", 1 << 17)
    (tmp_path / "2020-01.xml").write_text(f"<Declaration><!-- {'x' * (1 << 19)} --></Declaration>")
    with pytest.raises(SourceError, match="bytes without a new element"):
        _read(tmp_path)


def test_months_are_told_by_the_dates_of_the_declarations(tmp_path):
    days = ["20200105", "20200210", "20200211"]
    made = [declaration_xml(HEADER | {"date": day, "declaration_id": f"D{day}"}, [ITEM, ITEM]) for day in days]
    (tmp_path / "all.xml").write_text(document(made))
    source = FileSource(str(tmp_path), TODAY, open_form("eu-h1"))
    assert source.months() == ["2020-01", "2020-02"]
    assert [source.read_month(month).declarations.num_rows for month in source.months()] == [2, 4]
    before = source.fingerprint("2020-01")
    (tmp_path / "all.xml").write_text(document([*made, declaration_xml(HEADER | {"date": "20200301"}, [ITEM])]))
    assert source.fingerprint("2020-01") == before
    assert source.months() == ["2020-01", "2020-02", "2020-03"]


def test_inspect_recognises_the_model_and_says_which_element_is_which_attribute(tmp_path):
    made = [
        declaration_xml(HEADER | {"declaration_id": f"D{n}", "date": f"202001{n:02d}"}, [ITEM]) for n in range(1, 25)
    ]
    (tmp_path / "d.xml").write_text(document(made))
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.form == open_form("eu-h1")
    done = CliRunner().invoke(app, ["inspect", str(tmp_path)])
    for line in (
        "d.xml: XML,",
        "form: eu-h1 (every column of the form eu-h1 is there (CUSTOMS_FORM=eu-h1))",
        "  GoodsShipment/Importer/ID -> importer_id",
        "  item/Commodity/GoodsMeasure/NetNetWeightMeasure -> net_mass",
        "2020-01: 24 rows, 24 kept, 0 set aside, 24 inspected",
    ):
        assert line in done.output, done.output
    assert "item/Commodity/Description" in done.output.partition("not used: ")[2]


def test_inspect_proposes_a_form_for_another_place_of_an_element(tmp_path):
    moved = [
        declaration_xml(HEADER | {"declaration_id": f"D{n}", "date": f"202001{n:02d}"}, [ITEM]).replace(
            "<Importer><ID>DE77</ID></Importer>", f"<Taxpayer><ID>DE{n}</ID></Taxpayer>"
        )
        for n in range(1, 25)
    ]
    (tmp_path / "d.xml").write_text(document(moved))
    found = recognise(FileSource(str(tmp_path), TODAY))
    assert found.form is not None, found.chosen
    assert found.form.columns["importer_id"].paths == ("GoodsShipment/Taxpayer/ID",)
    kept = FileSource(str(tmp_path), TODAY, found.form).read_month("2020-01").declarations
    assert kept.column("importer_id").to_pylist() == [f"DE{n}" for n in range(1, 25)]


def test_an_item_is_written_as_the_model_has_it():
    assert item_xml(ITEM).startswith("<GovernmentAgencyGoodsItem><SequenceNumeric>1</SequenceNumeric>")
