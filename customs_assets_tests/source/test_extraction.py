"""The statement that extracts ASYCUDA World's declarations: what it makes is read by the form to the last row."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from customs_assets.forms import open_form
from customs_assets.source.files import FileSource

STATEMENT = Path(__file__).parents[2] / "sql/asycuda_world.sql"

GENERAL = """
    INSTANCEID BIGINT, IDE_REG_DAT TIMESTAMP, IDE_REG_SER TEXT, IDE_REG_NBR TEXT, DEC_REF_YER TEXT, IDE_CUO_COD TEXT,
    IDE_TYP_TYP TEXT, IDE_TYP_SAD TEXT, IDE_TYP_PRC TEXT, TPT_MOT_BRD_COD TEXT, DEC_COD TEXT, CMP_CON_COD TEXT,
    CMP_EXP_COD TEXT, GEN_CTY_EPT_COD TEXT, PTY_RED INT, PTY_YEL INT, PTY_BLU INT
"""
ITEM = """
    INSTANCEID BIGINT, KEY_ITM_NBR INT, TAR_PRC_EXT TEXT, TAR_PRC_NAT TEXT, TAR_HSC_NB1 TEXT, GDS_ORG_CTY TEXT, TAR_PRF TEXT,
    VIT_WGT_NET DOUBLE, VIT_STV DOUBLE
"""


@pytest.fixture
def asycuda() -> duckdb.DuckDBPyConnection:
    """Tables of ASYCUDA World with six declarations of two items each, some inspected, one cancelled, one an export."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA AWUNADM")
    con.execute(f"CREATE TABLE AWUNADM.SAD_GENERAL_SEGMENT ({GENERAL})")
    con.execute(f"CREATE TABLE AWUNADM.SAD_ITEM ({ITEM})")
    con.execute(
        "CREATE TABLE AWUNADM.SAD_TAX (INSTANCEID BIGINT, KEY_ITM_NBR INT, TAX_LIN_COD TEXT, TAX_LIN_RAT DOUBLE)"
    )
    act = "INSTANCE_ID BIGINT, IDE_CUO_COD TEXT, SAD_DEC_REF_YEA TEXT, SAD_REG_SER TEXT, SAD_REG_NBR TEXT"
    con.execute(f"CREATE TABLE AWUNADM.INSP_ACT_TAB ({act})")
    con.execute("CREATE TABLE AWUNADM.INSP_ACT_EXAM (INSTANCE_ID BIGINT, AMT DOUBLE)")
    con.execute("CREATE TABLE AWUNADM.UN_ASYBRK_IED (IED_ID BIGINT, INSTANCE_ID BIGINT)")
    con.execute("CREATE TABLE AWUNADM.UN_ASYBRK_TRACK (IED_ID BIGINT, OP_NAME TEXT)")
    for n in range(1, 8):
        day, flow, red = f"2016-03-{n:02d} 09:30:00", "E" if n == 6 else "I", int(n % 2)
        general = [
            n,
            day,
            "C",
            str(100 + n),
            "2016",
            "GTF01",
            flow,
            "IM",
            "4",
            "1",
            "DEC7",
            f"TIN{n}",
            None,
            "FR",
            red,
            0,
            0,
        ]
        con.execute(f"INSERT INTO AWUNADM.SAD_GENERAL_SEGMENT VALUES ({', '.join('?' * 17)})", general)
        for item in (1, 2):
            row = [n, item, "4000", "000", "09012100", "BR", "100", 10.5 * item, 99.5 * n]
            con.execute(f"INSERT INTO AWUNADM.SAD_ITEM VALUES ({', '.join('?' * 9)})", row)
            con.execute("INSERT INTO AWUNADM.SAD_TAX VALUES (?, ?, 'ICD', 25), (?, ?, 'VAT', 16)", [n, item, n, item])
    # Declaration 1 was inspected and nothing found; 2 was inspected twice, and twice something was recovered.
    con.execute(
        "INSERT INTO AWUNADM.INSP_ACT_TAB VALUES (71, 'GTF01', '2016', 'C', '101'), (72, 'GTF01', '2016', 'C', '102')"
    )
    con.execute("INSERT INTO AWUNADM.INSP_ACT_EXAM VALUES (72, 50), (72, 75.5)")
    con.execute("INSERT INTO AWUNADM.UN_ASYBRK_IED VALUES (1, 3), (2, 4)")
    con.execute("INSERT INTO AWUNADM.UN_ASYBRK_TRACK VALUES (1, 'Cancel'), (2, 'Assess')")
    con.execute("UPDATE AWUNADM.SAD_GENERAL_SEGMENT SET IDE_REG_NBR = NULL WHERE INSTANCEID = 5")
    con.execute("UPDATE AWUNADM.SAD_GENERAL_SEGMENT SET IDE_REG_DAT = '2016-04-01 00:00:00' WHERE INSTANCEID = 7")
    return con


def _statement() -> str:
    written = STATEMENT.read_text()
    return written.replace(":first", "DATE '2016-03-01'").replace(":next", "DATE '2016-04-01'")


@pytest.mark.parametrize(("name", "how"), [("csv", "(DELIMITER ';')"), ("parquet", "(FORMAT parquet)")])
def test_what_the_statement_extracts_is_read_to_the_last_row(tmp_path, asycuda, name, how):
    path = tmp_path / f"declarations-2016-03.{name}"
    asycuda.execute(f"COPY ({_statement()}) TO '{path}' {how}")
    result = FileSource(str(path), form=open_form("asycuda")).read_month("2016-03")
    assert result.quarantine.to_pylist() == []
    rows = result.declarations.to_pylist()
    # Not the cancelled one, not the one that was never registered, not the export, not that of the next month.
    # The office, the number and the item are the key.
    of_items = [f"GTF01-{declaration}-{item}" for declaration in (1, 2, 4) for item in (1, 2)]
    assert [row["declaration_id"] for row in rows] == of_items
    assert [row["fraud"] for row in rows] == [0, 0, 1, 1, None, None]
    assert [float(row["amount_recovered"]) for row in rows[:4]] == [0.0, 0.0, 125.5, 125.5]
    assert [row["inspection_reason"] for row in rows] == ["RED", "RED", "GREEN", "GREEN", "GREEN", "GREEN"]
    first = rows[0]
    assert first == first | {
        **{"importer_id": "TIN1", "declarant_id": "DEC7", "seller_id": "", "office_id": "GTF01", "process_type": "IM4"},
        **{"import_type": "4000", "import_use": "000", "mode_of_transport": "1", "hs10_code": "09012100"},
        **{"country_of_departure": "FR", "country_of_origin": "BR", "tax_rate": 25.0, "tax_type": "100"},
        **{"net_mass": 10.5, "item_price": 99.5},
    }


def test_the_statement_has_every_column_of_the_form(asycuda):
    form = open_form("asycuda")
    headers = [column[0] for column in asycuda.execute(_statement()).description or ()]
    spelled = {form.spelled(header) for header in headers}
    assert {a.name for a in form.attributes} - spelled == {"fraud"}
    assert {"item_number", "amount_recovered", "inspection_reason"} <= spelled
