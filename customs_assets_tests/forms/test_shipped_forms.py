"""Each form that ships reads a small file as its administrations export it, and nothing of it is lost."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from customs_assets.forms import open_form
from customs_assets.source.files import FileSource

ROWS = 40


def _cells(number: int) -> dict[str, str]:
    """A declaration in words that every form writes in its own way."""
    rng = np.random.default_rng(number)
    day = date(2016, 3, 1) + timedelta(days=number % 28)
    mass = round(float(np.exp(rng.normal(4, 1))), 1)
    return {
        "id": f"{number // 2:05d}",
        "item": str(number % 2 + 1),
        "iso": day.isoformat(),
        "slashes": day.strftime("%d/%m/%Y"),
        "short": day.strftime("%d-%b-%y"),
        "compact": day.strftime("%Y%m%d"),
        "code": ("09012100", "61091000", "84713000")[number % 3],
        "origin": ("BR", "CN", "DE")[number % 3],
        "mass": f"{mass}",
        "value": f"{mass * 5:.2f}",
        "found": ("", "0", "1")[number % 3],
    }


def _bacuda(c: dict[str, str]) -> dict[str, str]:
    return {
        "SGD.ID": f"{c['id']}/{c['item']}",
        "SGD.DATE": c["short"],
        "IMPORTER.TIN": f"TIN{c['id']}",
        "DECLARANT.CODE": "DEC1",
        "ORIGIN.CODE": c["origin"],
        "OFFICE": "OFF13",
        "TARIFF.CODE": f"{c['code']}00".lstrip("0"),
        "QUANTITY": "3",
        "GROSS.WEIGHT": c["mass"],
        "FOB.VALUE": c["value"],
        "CIF.VALUE": c["value"],
        "TOTAL.TAXES": "12.5",
        "RAISED_TAX_AMOUNT": {"": "", "0": "0", "1": "1250.75"}[c["found"]],
    }


def _asycuda(c: dict[str, str]) -> dict[str, str]:
    return {
        "IDE_REG_NBR": f"C {c['id']}",
        "KEY_ITM_NBR": c["item"],
        "IDE_REG_DAT": c["slashes"],
        "IDE_CUO_COD": "GTF01",
        "TYP_DEC_COD": "IM4",
        "Box 37": "4000",
        "PRC_NAT_COD": "000",
        "Box 25": "1",
        "DEC_COD": "0012345T",
        "CMP_CON_COD": f"TIN{c['id']}",
        "2 Exporter": "N/A",
        "TAR_HSC": c["code"],
        "CTY_EXP_COD": "FR",
        "34 Country of Origin": c["origin"],
        "TAX_RAT": "10",
        "Box 36": "100",
        "VIT_WGT_NET": c["mass"],
        "46 Statistical Value": c["value"],
        "Inspection Result": {"": "", "0": "conforme", "1": "Infraction"}[c["found"]],
        "Selectivity Lane": "RED",
    }


def _eu(c: dict[str, str]) -> dict[str, str]:
    return {
        "MRN": f"16DE00000000{c['id']}B3",
        "goodsItemNumber": c["item"],
        "acceptanceDate": c["compact"],
        "customsOfficeOfImport": "DE004851",
        "additionalDeclarationType": "A",
        "DE 11 09 000 000": "4000",
        "Additional Procedure": "000",
        "methodOfPayment": "E",
        "Mode of Transport at the Border": "1",
        "declarant": "DE123456789",
        "Importer": f"DE{c['id']}",
        "seller": "",
        "commodityCode": f"{c['code']}00",
        "Country of Dispatch": "CH",
        "countryOfOrigin": c["origin"],
        "taxRate": "3.5",
        "preference": "100",
        "netMass": c["mass"],
        "DE 99 06 000 000": c["value"],
        "controlResult": {"": "NULL", "0": "false", "1": "true"}[c["found"]],
    }


def _written(path: Path, name: str, rows: list[dict[str, str]]) -> FileSource:
    form = open_form(name)
    lines = [form.separator.join(line) for line in ([*rows[0]], *(row.values() for row in rows))]
    path.write_text("\n".join(lines), encoding="cp1252")
    return FileSource(str(path), form=form)


@pytest.mark.parametrize(("name", "write"), [("bacuda", _bacuda), ("asycuda", _asycuda), ("eu-h1", _eu)])
def test_a_file_of_a_form_that_ships_is_read_to_the_last_row(tmp_path, name, write):
    cells = [_cells(number) for number in range(ROWS)]
    source = _written(tmp_path / "extract.csv", name, [write(c) for c in cells])
    assert source.months() == ["2016-03"]
    result = source.read_month("2016-03")
    assert result.quarantine.to_pylist() == []
    rows = result.declarations.to_pylist()
    assert len({row["declaration_id"] for row in rows}) == ROWS, "two items of one declaration are two rows"
    assert [str(row["date"]) for row in rows] == [c["iso"] for c in cells]
    assert [row["hs10_code"][:8] for row in rows] == [c["code"] for c in cells]
    assert [row["country_of_origin"] for row in rows] == [c["origin"] for c in cells]
    assert [row["item_price"] for row in rows] == [float(c["value"]) for c in cells]
    assert ["" if row["fraud"] is None else str(row["fraud"]) for row in rows] == [c["found"] for c in cells]
    form = open_form(name)
    assert [column for column in rows[0] if column in form.columns] == [a.name for a in form.attributes]
    assert not set(form.absent) & set(rows[0])
    if name == "asycuda":
        assert {row["inspection_reason"] for row in rows} == {"RED"}
        assert {row["seller_id"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("name", "write", "change", "reason", "column"),
    [
        ("bacuda", _bacuda, {"ORIGIN.CODE": "XX"}, "unknown_code", "country_of_origin"),
        ("bacuda", _bacuda, {"RAISED_TAX_AMOUNT": "-5"}, "unknown_label", "fraud"),
        ("asycuda", _asycuda, {"Box 25": "6"}, "unknown_code", "mode_of_transport"),
        ("asycuda", _asycuda, {"VIT_WGT_NET": "1,5"}, "text_in_number", "net_mass"),
        ("eu-h1", _eu, {"customsOfficeOfImport": "4851"}, "malformed_code", "office_id"),
        ("eu-h1", _eu, {"acceptanceDate": "2016-03-32"}, "malformed_date", "date"),
    ],
)
def test_a_row_that_breaks_its_form_is_set_aside_by_the_attribute(tmp_path, name, write, change, reason, column):
    rows = [write(_cells(number)) for number in range(6)]
    source = _written(tmp_path / "extract-2016-03.csv", name, [*rows[:5], rows[5] | change])
    (row,) = source.read_month("2016-03").quarantine.to_pylist()
    assert (row["reason"], row["column"], row["row"]) == (reason, column, 7)
