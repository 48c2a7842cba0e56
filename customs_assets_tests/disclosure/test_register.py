"""The register of requests: read whole or refused, and no message repeats what stands in it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from customs_assets.anonymization.identities import token
from customs_assets.anonymization.names_alike import number_alike
from customs_assets.disclosure.register import GRADES, RegisterError, read_register, register_bytes
from customs_assets.settings import Settings

KEY = b"k" * 32
HEADER = "hs_code,country_of_origin,importer_id,grade\n"


def _read(content: str | bytes, path: str = "requests.csv") -> pd.DataFrame:
    return read_register(content.encode() if isinstance(content, str) else content, path, KEY)


def test_rows_are_read_as_they_are_spelled_and_names_become_the_tokens_of_the_population():
    register = _read(
        "Importer ID,Grade,HS Code,Country of Origin,remark\n"
        "Acme Trading Co.,Value only,8703.23.1000,DE,urgent\n"
        "  ,quantity_by_country,09,,\n"
        ",ALL QUANTITY,,KR,\n"
        ",value-and-quantity,8542,,\n"
    )
    assert register["hs_code"].tolist() == ["870323", "09", "", "8542"]
    assert register["country_of_origin"].tolist() == ["DE", "", "KR", ""]
    assert register["grade"].tolist() == ["value only", "quantity by country", "all quantity", "value and quantity"]
    assert register["importer_id"].tolist() == [token("ACME TRADING CO", "importer_id", KEY), "", "", ""]
    assert register["row"].tolist() == [2, 3, 4, 5]
    assert "Acme" not in register.to_csv()


def test_an_importer_counts_by_its_name_and_by_its_number():
    register = _read("importer_id,business_number,grade\nAcme,123-45-67890,value only\n,123-45-67890,all quantity\n")
    by_name = token("Acme", "importer_id", KEY)
    assert set(register.loc[register["row"] == 2, "importer_id"]) == {
        by_name,
        *register.loc[register["row"] == 3, "importer_id"],
    }
    assert number_alike("123-45-67890") and len(register) == 3


def test_a_business_number_of_nobody_is_refused():
    with pytest.raises(RegisterError, match="row 2: the importer has no letter and no digit"):
        _read("business_number,grade\n --,value only\n")


def test_parquet_is_read_too_and_an_empty_register_is_one():
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"hs_code": ["870323"], "country_of_origin": ["DE"], "grade": ["value only"]}), sink)
    assert _read(sink.getvalue().to_pybytes(), "r.parquet")["hs_code"].tolist() == ["870323"]
    assert _read(HEADER).empty


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("870323,DE,,secret grade", "row 3: the grade is none of: quantity by country, all quantity"),
        ("8703x9,DE,,value only", "row 3: hs_code is no product code of 2 to 12 digits"),
        ("77,DE,,value only", "row 3: hs_code is no product code"),
        ("870323,Germany,,value only", r"row 3: country_of_origin is no country of the list"),
        (",,,value only", "row 3: it names no product, no country and no importer"),
        ("870323,DE,Hidden Company,value only,more", "row 3: it has 5 fields where the header has 4"),
        ('870323,DE,"Hidden Company,value only', "row 3: its quotes cannot be read"),
    ],
)
def test_a_broken_row_is_named_by_its_number_alone(row: str, cause: str):
    with pytest.raises(RegisterError, match=cause) as refused:
        _read(HEADER + "090111,BR,,all quantity\n" + row + "\n")
    cells = [cell for cell in row.replace('"', "").split(",") if len(cell) > 4 and cell not in GRADES]
    assert not any(cell in str(refused.value) for cell in cells), "the message repeats the register"


def test_a_register_without_its_header_row_is_refused_without_a_word_of_it():
    with pytest.raises(RegisterError, match=r"lacks the columns grade; it has 4 columns of other names") as refused:
        _read("870323,DE,Hidden Company,value only\n")
    assert "Hidden" not in str(refused.value) and "870323" not in str(refused.value)


@given(st.lists(st.tuples(*[st.text(max_size=12)] * 4), min_size=1, max_size=4))
def test_no_message_holds_a_cell(rows: list[tuple[str, ...]]):
    frame = pd.DataFrame([[f"\N{SNOWMAN}{cell}" if cell.strip() else cell for cell in row] for row in rows])
    content = HEADER + frame.to_csv(index=False, header=False)
    try:
        register = _read(content)
    except RegisterError as refused:
        assert "\N{SNOWMAN}" not in str(refused)
    else:
        assert register["grade"].isin(GRADES).all()


def test_only_a_file_that_others_cannot_read_and_that_lies_outside_the_lake_is_read(tmp_path: Path):
    path = tmp_path / "requests.csv"
    with pytest.raises(RegisterError, match="there is no file"):
        register_bytes(str(path))
    path.write_text(HEADER)
    path.chmod(0o640)
    with pytest.raises(RegisterError, match="is readable by others; run: chmod 600"):
        register_bytes(str(path))
    path.chmod(0o600)
    assert register_bytes(str(path), str(tmp_path / "lake")) == HEADER.encode()
    with pytest.raises(RegisterError, match="lies in the lake"):
        register_bytes(str(path), str(tmp_path))
    with pytest.raises(ValidationError, match="must be a path"):
        Settings(confidential="s3://bucket/requests.csv")  # pyright: ignore[reportCallIssue]
    assert Settings(confidential=" ").confidential is None  # pyright: ignore[reportCallIssue]
