"""Files of the law: read as they are spelled, or refused with the file, the row and the cause."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.law.reading import read_law
from customs_assets.law.rules import TARIFF_COLUMNS, tariff_table
from customs_assets.named_rows import RowsError, read_rows
from customs_assets.settings import Settings

TARIFF = "hs_code,tax_type,tax_rate\n0101.21,A,8\n8542.31,A,0\n8542.31,FCN1,0\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Settings]:
    """A function that writes a tariff, and where there are some its routes, and gives the settings that name them."""

    def settings_of(tariff: str | bytes, routes: str | bytes | None = None, name: str = "tariff.csv") -> Settings:
        named = {"tariff": str(tmp_path / name), "tariff_routes": None}
        (tmp_path / name).write_bytes(tariff if isinstance(tariff, bytes) else tariff.encode())
        if routes is not None:
            named["tariff_routes"] = str(tmp_path / "routes.csv")
            (tmp_path / "routes.csv").write_bytes(routes if isinstance(routes, bytes) else routes.encode())
        return Settings(**named)  # pyright: ignore[reportArgumentType, reportCallIssue]

    return settings_of


def _lines(settings: Settings) -> list[tuple[str, str, float]]:
    return [tuple(row.values()) for row in read_law(settings).tariff.to_pylist()]


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "content",
    [
        "hs_code,tax_type,tax_rate\n0101.21,A,6.5\n85,C,0\n",
        "HS Code, TAX TYPE ,Tax-Rate\r\n0101 21,A,6.5\r\n85,C,0\r\n",
        'Description,Tax Rate,hs code,tax_type\n\n"horses, live",6.50,010121,A\n,,,\nall,0.0,85,C\n',
        'tax_type;note,"hs_code",tax_rate,tax_type\nx,"0101.21", 6.5 ,A\nx,85,-0,C',
        codecs.BOM_UTF8 + "hs_code,tax_type,tax_rate,품명\n0101.21,A,6.5,말\n85,C,0,기계\n".encode(),
        "hs_code,tax_type,tax_rate,품명\n0101.21,A,6.5,말\n85,C,0,기계\n".encode("cp949"),
        "hs_code,tax_type,tax_rate\r0101\u00a021,A,65e-1\r85,C,.0\r85,C,0\r",
    ],
)
def test_a_tariff_is_read_whatever_its_spelling(write: Callable[..., Settings], content: str | bytes):
    assert _lines(write(content)) == [("010121", "A", 6.5), ("85", "C", 0.0)]


def _rates(kind: pa.DataType) -> pa.Array:
    """6.1 and 0 in some type."""
    if pa.types.is_dictionary(kind):
        return pa.array([6.1, 0.0]).dictionary_encode()
    if pa.types.is_decimal(kind):
        return pa.array([Decimal("6.1"), Decimal("0")], kind)
    return pa.array(["6.1", "0"]) if kind == pa.string() else pa.array([6.1, 0.0], kind)


@pytest.mark.parametrize(
    ("code", "rate"),
    [
        (pa.string(), pa.float64()),
        (pa.large_string(), pa.float32()),
        (pa.dictionary(pa.int8(), pa.string()), pa.decimal128(9, 3)),
        (pa.string(), pa.string()),
        (pa.binary(), pa.dictionary(pa.int8(), pa.float64())),
    ],
)
def test_a_parquet_tariff_is_the_same_in_any_types(
    write: Callable[..., Settings], code: pa.DataType, rate: pa.DataType
):
    table = pa.table(
        {
            "HS Code": pa.array(["0101.21", "8542310000"]).cast(code),
            "Tax Type": pa.array(["A", "FCN1"]),
            "Tax Rate": _rates(rate),
        }
    )
    assert _lines(write(_parquet(table), name="tariff.parquet")) == [("010121", "A", 6.1), ("8542310000", "FCN1", 0.0)]


def test_several_rates_of_one_code_and_type_are_all_kept_and_repeated_lines_are_one(write: Callable[..., Settings]):
    found = _lines(write("hs_code,tax_type,tax_rate\n8542,A,8\n8542,A,3\n85.42,A,8.0\n"))
    assert found == [("8542", "A", 3.0), ("8542", "A", 8.0)]


def test_routes_are_read_beside_the_tariff(write: Callable[..., Settings]):
    settings = write(TARIFF, "Tax Type,Country of Origin,Country of Departure\nFCN1,CN,HK\nFCN1,CN,CN\nFCN1,CN,HK\n")
    assert read_law(settings).routes.to_pylist() == [
        {"tax_type": "FCN1", "country_of_origin": "CN", "country_of_departure": departure} for departure in ("CN", "HK")
    ]
    assert read_law(write(TARIFF)).routes.num_rows == 0


HEADER = "hs_code,tax_type,tax_rate\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "tariff.csv is empty (0 bytes)"),
        (codecs.BOM_UTF8, "tariff.csv is empty: it has no header row"),
        ("\n\n , \n", "tariff.csv is empty: it has no header row"),
        (HEADER, "tariff.csv is empty: it has a header and no row"),
        (HEADER + "\n,,\n", "tariff.csv is empty: it has a header and no row"),
        ("hs_code,rate\n85,8\n", "tariff.csv lacks the columns tax_type, tax_rate; it has hs_code, rate"),
        (
            "hs_code;tax_type;tax_rate\n85;A;8\n",
            "it has hs_code;tax_type;tax_rate. The first row must hold the headers",
        ),
        ("hs_code,HS CODE,tax_type,tax_rate\n85,85,A,8\n", "tariff.csv has the column hs_code more than once"),
        (
            "hs_code,tax_type,tax_rate,Importer ID\n85,A,8,x\n",
            "has the column importer_id: it is a file of declarations",
        ),
        (HEADER + "85,A,8\n85x2,A,8\n", "tariff.csv, row 3: hs_code '85x2' holds other characters than digits"),
        (HEADER + "\n\n٨٥٤٢,A,8\n", "tariff.csv, row 4: hs_code '٨٥٤٢' holds other characters"),
        (
            HEADER + "8,A,8\n",
            "row 2: hs_code '8' has 1 digits, and 2 to 12 are a product code; was a leading zero lost?",
        ),
        (HEADER + "8542310000000,A,8\n", "row 2: hs_code '8542310000000' has 13 digits, and 2 to 12"),
        (HEADER + "0012,A,8\n", "row 2: hs_code '0012' is in no chapter of the Harmonized System"),
        (HEADER + "7701,A,8\n", "row 2: hs_code '7701' is in no chapter"),
        (HEADER + " . ,A,8\n", "row 2: hs_code is empty"),
        (HEADER + "85,a,8\n", "row 2: tax_type 'a' has not the form of a tax type"),
        (HEADER + "85, ,8\n", "row 2: tax_type is empty"),
        (HEADER + "85,TOOLONG,8\n", "row 2: tax_type 'TOOLONG' has not the form"),
        (HEADER + "85,A,\n", "row 2: tax_rate is empty"),
        (HEADER + "85,A,free\n", "row 2: tax_rate 'free' is no number; write per cent without a sign, such as 6.5"),
        (HEADER + "85,A,8%\n", "row 2: tax_rate '8%' is no number"),
        (HEADER + '85,A,"6,5"\n', "row 2: tax_rate '6,5' is no number"),
        (HEADER + "85,A,nan\n", "row 2: tax_rate 'nan' is no number"),
        (HEADER + "85,A,1e999\n", "row 2: tax_rate '1e999' is not between 0 and 1000 per cent"),
        (HEADER + "85,A,-0.5\n", "row 2: tax_rate '-0.5' is not between 0 and 1000 per cent"),
        (HEADER + "85,A,1000.01\n", "row 2: tax_rate '1000.01' is not between"),
        (
            HEADER + "85,A,1000\n8,A,8\n85,A,x\n85,y,z\n",
            "row 3: hs_code '8' has 1 digits, and 2 to 12 are a product code",
        ),
        (HEADER + "8,A,8\n85,A,x\n85,y,z\n", "; rows that break the form beside it: 2"),
        (HEADER + "85,A,8,\n", "tariff.csv, row 2: it has 4 fields where the header has 3"),
        (HEADER + "85,A,6,5\n", "a field that holds a comma must stand in quotes"),
        (HEADER + '85,A,8\n"85,A,8\n86,A,8\n', "tariff.csv, row 3: its quotes cannot be read (unexpected end of data)"),
        (HEADER + '85,"A"x,8\n', "tariff.csv, row 2: its quotes cannot be read"),
        (
            (HEADER + "85,A,8\n").encode() + b"86,A,\xff8\n",
            "tariff.csv, row 3: it holds bytes that are not UTF-8, and the file",
        ),
        (
            codecs.BOM_UTF8 + HEADER.replace("\n", ",품명\n").encode() + "85,A,8,말\n".encode("cp949"),
            "row 2: it holds bytes that are not UTF-8, but the file begins with UTF-8's byte order mark",
        ),
        (TARIFF.encode("utf-16"), "tariff.csv is no CSV file: it is in UTF-16"),
        (TARIFF.encode("utf-16-le"), "tariff.csv is no CSV file: it holds zero bytes"),
        (gzip.compress(TARIFF.encode(), mtime=0), "tariff.csv is no CSV file: it is compressed with gzip"),
        (b"PK\x03\x04workbook", "tariff.csv is no CSV file: it is a zip archive or a workbook"),
        (_parquet(pa.table({"hs_code": ["85"]})), "tariff.csv is no CSV file: it is Parquet"),
    ],
)
def test_a_tariff_that_breaks_the_form_is_refused(write: Callable[..., Settings], content: str | bytes, said: str):
    with pytest.raises(RowsError) as refused:
        read_law(write(content))
    assert said in str(refused.value)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"hs_code": [101210000]}, "tariff.parquet has the column hs_code as int64, in which leading zeros are lost"),
        ({"tax_type": [True]}, "tariff.parquet has the column tax_type as bool; store it as text"),
        ({"tax_rate": [[8.0]]}, "tariff.parquet has the column tax_rate as list"),
        ({"tax_rate": [None]}, "tariff.parquet, row 1: tax_rate is empty"),
        ({"tax_rate": [float("nan")]}, "tariff.parquet, row 1: tax_rate 'nan' is no number"),
        ({"tax_rate": [float("inf")]}, "tariff.parquet, row 1: tax_rate 'inf' is no number"),
        ({"hs_code": [None]}, "tariff.parquet, row 1: hs_code is empty"),
        ({"hs_code": pa.array([None], pa.string())}, "tariff.parquet, row 1: hs_code is empty"),
        ({"tax_rate": None}, "tariff.parquet lacks the columns tax_rate; it has hs_code, tax_type"),
    ],
)
def test_a_parquet_tariff_that_breaks_the_form_is_refused(write: Callable[..., Settings], columns: dict, said: str):
    sound = {"hs_code": ["8542"], "tax_type": ["A"], "tax_rate": [8.0]} | columns
    table = pa.table({name: values for name, values in sound.items() if values is not None})
    with pytest.raises(RowsError) as refused:
        read_law(write(_parquet(table), name="tariff.parquet"))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TARIFF.encode(), "tariff.parquet is no readable Parquet file"),
        (
            _parquet(pa.table({"hs_code": ["85"], "tax_type": ["A"], "tax_rate": [8.0]}))[:-20],
            "no readable Parquet file",
        ),
        (_parquet(pa.table({"hs_code": pa.array([], pa.string()), "tax_type": [], "tax_rate": []})), "is empty"),
    ],
)
def test_a_damaged_parquet_tariff_is_refused(write: Callable[..., Settings], content: bytes, said: str):
    with pytest.raises(RowsError, match=said):
        read_law(write(content, name="tariff.parquet"))


def test_a_parquet_tariff_that_would_fill_memory_is_refused(write: Callable[..., Settings]):
    """A few bytes may stand for many gigabytes: a text of a megabyte in each of a hundred thousand rows, or millions of rows."""
    rows = 100_000
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["9" * 1_000_000]))
    table = pa.table({"hs_code": long, "tax_type": ["A"] * rows, "tax_rate": np.full(rows, 8.0)})
    content = _parquet(table)
    assert len(content) < 2_000_000
    with pytest.raises(RowsError, match="row 1: hs_code has 1,000,000 characters; no code has as many"):
        read_law(write(content, name="tariff.parquet"))
    many = pa.table({"hs_code": ["85"], "tax_type": ["A"], "tax_rate": [8.0]}).take(np.zeros(2_000_001, np.int64))
    with pytest.raises(RowsError, match="claims 2,000,001 rows"):
        read_law(write(_parquet(many), name="tariff.parquet"))


def test_bytes_of_a_parquet_tariff_that_are_no_text_are_refused_with_their_row(write: Callable[..., Settings]):
    codes = pa.Array.from_buffers(pa.string(), 2, pa.array([b"85", b"8\xff"], pa.binary()).buffers())
    content = _parquet(pa.table({"hs_code": codes, "tax_type": ["A", "A"], "tax_rate": [8.0, 8.0]}))
    with pytest.raises(RowsError, match=r"tariff\.parquet, row 2: hs_code holds bytes that are not UTF-8"):
        read_law(write(content, name="tariff.parquet"))


ROUTES = "tax_type,country_of_origin,country_of_departure\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "routes.csv is empty (0 bytes)"),
        (ROUTES, "routes.csv is empty: it has a header and no row"),
        ("tax_type,origin\nA,CN\n", "routes.csv lacks the columns country_of_origin, country_of_departure"),
        (ROUTES + "FCN1,CN,HK\nFUS1,US,US\n", "routes.csv, row 3: tax_type 'FUS1' is in no row of the tariff"),
        (ROUTES + "FCN1,CN,QQ\n", "routes.csv, row 2: country_of_departure 'QQ' is no country of the list"),
        (ROUTES + "FCN1,China,HK\n", "routes.csv, row 2: country_of_origin 'China' is no country"),
        (ROUTES + "FCN1,cn,HK\n", "routes.csv, row 2: country_of_origin 'cn' is no country"),
        (ROUTES + "FCN1,,HK\n", "routes.csv, row 2: country_of_origin is empty"),
        (ROUTES + "fcn1,CN,HK\n", "routes.csv, row 2: tax_type 'fcn1' has not the form of a tax type"),
        (
            "declaration_id,importer_id," + ROUTES + "1,Hanbit Trading,FCN1,CN,HK\n",
            "routes.csv has the column importer_id: it is a file of declarations",
        ),
    ],
)
def test_routes_that_break_the_form_are_refused(write: Callable[..., Settings], content: str | bytes, said: str):
    with pytest.raises(RowsError) as refused:
        read_law(write(TARIFF, content))
    assert said in str(refused.value)
    assert "Hanbit" not in str(refused.value)


def test_namibia_is_a_country_and_no_missing_value(write: Callable[..., Settings]):
    table = read_law(write(TARIFF, ROUTES + "FCN1,NA,NA\n")).routes
    assert table.column("country_of_origin").to_pylist() == ["NA"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.csv", "CUSTOMS_TARIFF: there is no file "),
        ("", "is a folder; name one file"),
        ("tariff.xlsx", "tariff.xlsx is neither a .csv nor a .parquet file"),
    ],
)
def test_a_tariff_that_is_no_file_is_refused(tmp_path: Path, name: str, said: str):
    (tmp_path / "tariff.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(RowsError) as refused:
        read_law(Settings(tariff=str(tmp_path / name)))  # pyright: ignore[reportCallIssue]
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nosuch://host/tariff.csv", "is no address of a file"),
        ("memory://law/none.csv", "there is no file memory://law/none.csv"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address: str, said: str):
    with pytest.raises(RowsError, match=said):
        read_law(Settings(tariff=address))  # pyright: ignore[reportCallIssue]


def test_a_tariff_is_read_from_wherever_a_lake_may_be(tmp_path: Path):
    import fsspec

    fsspec.filesystem("memory").pipe("/law/tariff.csv", TARIFF.encode())
    assert len(_lines(Settings(tariff="memory://law/tariff.csv"))) == 3  # pyright: ignore[reportCallIssue]


def test_a_password_in_an_address_is_not_shown():
    with pytest.raises(RowsError) as refused:
        read_law(Settings(tariff="nosuch://clerk:opensesame@host/tariff.csv"))  # pyright: ignore[reportCallIssue]
    assert "opensesame" not in str(refused.value)


def test_routes_without_a_tariff_are_refused_and_blanks_are_no_address(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="needs CUSTOMS_TARIFF"):
        Settings(tariff_routes="routes.csv")  # pyright: ignore[reportCallIssue]
    monkeypatch.setenv("CUSTOMS_TARIFF", "  ")
    monkeypatch.setenv("CUSTOMS_TARIFF_ROUTES", "")
    unset = Settings()  # pyright: ignore[reportCallIssue]
    assert (unset.tariff, unset.tariff_routes, unset.law) == (None, None, "simulated")


_codes = st.from_regex(r"(0[1-9]|[1-6][0-9]|8[0-9]|9[0-9])[0-9]{0,10}", fullmatch=True)
_tariffs = st.lists(
    st.tuples(
        _codes,
        st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True).filter(str.isascii),
        st.floats(0, 1000, allow_nan=False).map(abs),
    ),
    min_size=1,
    max_size=20,
)


@given(tariff=_tariffs)
@settings(max_examples=60, deadline=None)
def test_a_tariff_comes_back_from_csv_and_parquet_as_it_was_written(tariff: list[tuple[str, str, float]]):
    columns = dict(zip(TARIFF_COLUMNS, (list(column) for column in zip(*tariff, strict=True)), strict=True))
    table, sink = pa.table(columns), pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink)
    for content, name in ((sink.getvalue().to_pybytes(), "t.csv"), (_parquet(table), "t.parquet")):
        read = tariff_table(read_rows(content, name, TARIFF_COLUMNS, numbers=("tax_rate",)))
        assert [tuple(row.values()) for row in read.to_pylist()] == sorted(set(tariff))


_TOKENS = [
    b"hs_code",
    b"tax_type",
    b"tax_rate",
    b"85",
    b"0101.21",
    b"A",
    b"8",
    b",",
    b",",
    b"\n",
    b"\n",
    b'"',
    b"\xff",
    b"\0",
]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(_TOKENS), max_size=40).map(b"".join)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_law_or_are_refused(content: bytes):
    for name in ("t.csv", "t.parquet"):
        for whole in (content, HEADER.encode() + content, b"PAR1" + content + b"PAR1"):
            try:
                table = tariff_table(read_rows(whole, name, TARIFF_COLUMNS, numbers=("tax_rate",)))
            except RowsError as refusal:
                assert str(refusal).startswith(name)
            else:
                rates = table.column("tax_rate").to_numpy()
                assert len(rates) and np.all((rates >= 0) & (rates <= 1000))
