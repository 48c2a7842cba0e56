"""Which files and which rows make a month."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.source.address import open_source
from customs_assets.source.files import FileSource, month_of_name
from customs_assets.source.reading import SourceError

PUBLISHED_ROWS = {
    "2020-01": 4418, "2020-02": 2658, "2020-03": 3279, "2020-04": 3101, "2020-05": 2863, "2020-06": 3112,
    "2020-07": 3270, "2020-08": 2973, "2020-09": 3077, "2020-10": 2821, "2020-11": 2941, "2020-12": 2872,
    "2021-01": 2414, "2021-02": 2410, "2021-03": 3310,
}  # fmt: skip


def test_the_published_declarations_read_whole(published):
    source = open_source(str(published))
    months = {month: source.read_month(month) for month in [*PUBLISHED_ROWS, "2021-04"]}
    assert {month: read.declarations.num_rows for month, read in months.items()} == PUBLISHED_ROWS | {"2021-04": 0}
    assert sum(PUBLISHED_ROWS.values()) == 45_519
    assert sum(read.quarantine.num_rows for read in months.values()) == 0
    first = months["2020-01"].declarations.slice(0, 1).to_pylist()[0]
    assert (first["declaration_id"], first["hs10_code"], first["courier_id"]) == ("97061800", "440890", "")
    assert (first["net_mass"], first["item_price"]) == (108.0, 372254.4)


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("declarations-2020-01.csv", "2020-01"),
        ("declarations_2020_12.parquet", "2020-12"),
        ("202103.csv", "2021-03"),
        ("office_13_2020-01.csv", "2020-01"),
        ("2020-01_to_2020-12.csv", None),
        ("export-2020-01-15.csv", None),
        ("20200115.csv", None),
        ("df_syn_train_eng.csv", None),
        ("2020-13.csv", None),
        ("lot-12020015.csv", None),
    ],
)
def test_the_month_of_a_files_name(name, month):
    assert month_of_name(name) == month


def test_a_months_own_file_is_read_for_that_month_alone(tmp_path, good_rows, csv_text, read):
    rows = good_rows(10)
    rows[4]["date"] = "2020-02-03"
    rows[5]["date"] = "soon"
    (tmp_path / "declarations-2020-01.csv").write_text(csv_text(rows))
    january = read(tmp_path)
    assert january.quarantine.column("reason").to_pylist() == ["date_outside_month", "malformed_date"]
    assert read(tmp_path, "2020-02").rows_in == 0


def test_an_undatable_row_belongs_to_the_month_of_the_row_above_it(tmp_path, good_rows, csv_text, read):
    rows = [*good_rows(4), *good_rows(4, month="2020-02", first_number=50)]
    rows[0]["date"] = "soon"
    rows[3]["date"] = "2019-05-01"
    rows[4]["date"] = "2022-01-01"
    rows[7]["date"] = "2020-02-31"
    lines = csv_text(rows).split("\n")
    lines.insert(8, "too,few")
    (tmp_path / "d.csv").write_text("\n".join(lines))
    january, february = read(tmp_path), read(tmp_path, "2020-02")
    assert (january.rows_in, february.rows_in) == (5, 4)
    assert january.quarantine.column("row").to_pylist() == [2, 5, 6]
    assert february.quarantine.column("row").to_pylist() == [9, 10]
    assert read(tmp_path, "2022-01").rows_in == read(tmp_path, "2019-05").rows_in == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_without_a_single_date_stops_the_reading(tmp_path, good_rows, csv_text, read, suffix):
    rows = [row | {"date": "?"} for row in good_rows(3)]
    if suffix == "csv":
        (tmp_path / "d.csv").write_text(csv_text(rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "d.parquet")
    with pytest.raises(SourceError, match=rf"d\.{suffix} has no row with a date"):
        read(tmp_path)


def test_a_file_with_a_header_alone_has_no_rows(tmp_path, csv_text, read):
    (tmp_path / "d.csv").write_text(csv_text([]))
    result = read(tmp_path)
    assert (result.rows_in, result.declarations.num_rows, result.quarantine.num_rows) == (0, 0, 0)


def test_a_folder_a_glob_and_a_file_name_the_files_in_order(tmp_path, csv_text):
    for name in ("b.csv", "a.parquet", "C.CSV", "README.md", ".hidden.csv", "sub.csv/x.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")

    def names(address) -> list[str]:
        return [path.name for path in FileSource(str(address)).files()]

    assert names(tmp_path) == ["C.CSV", "a.parquet", "b.csv"]
    assert names(tmp_path / "*") == ["C.CSV", "a.parquet", "b.csv"]
    assert names(tmp_path / "**" / "x.csv") == ["x.csv"]
    assert names(tmp_path / "b.csv") == ["b.csv"]


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path, good_rows, csv_text, read):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d.csv").write_text(csv_text([good_rows(1)[0] | {"net_mass": "-1"}]))
    quarantine = read(tmp_path / "*" / "d.csv").quarantine
    assert quarantine.column("file").to_pylist() == ["north/d.csv", "south/d.csv"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql://user:secret@x@host/db", "the address of the PostgreSQL source cannot be read"),
        ("mysql://user:secret@host/db", "a mysql:// source is not part of this build"),
        ("s3://bucket/x.csv", "a s3:// source is not part"),
        ("/nowhere/at/all", "no .csv, .parquet, .xlsx, .xlsm or .xml file matches"),
        ("/nowhere/[", "no .csv, .parquet, .xlsx, .xlsm or .xml file matches"),
    ],
)
def test_an_address_that_names_nothing_is_refused(address, sentence):
    with pytest.raises(SourceError, match=sentence) as caught:
        open_source(address)
    assert "secret" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "d.csv.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(SourceError, match=r"is none of \.csv, \.parquet, \.xlsx, \.xlsm, \.xml"):
        open_source(str(tmp_path / "d.csv.gz"))
