"""The lake: a file is there whole or not at all, leftovers are swept, records tell what a partition was made from."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.declaration import ATTRIBUTES, arrow_schema, consistent_labels
from customs_assets.lake import Lake, LakeError, Record
from customs_assets.lake.io_manager import months_at_hand
from customs_assets.lake.tables import ROW_GROUP_ROWS
from customs_assets.seeds import derive_seed

FRAME = pd.DataFrame({"date": pd.to_datetime(["2020-01-01"]), "code": ["001"], "mass": [0.5]})


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    lake = Lake(str(tmp_path))
    lake.write_table("table", FRAME, "2020-01")
    before = Path(lake.path("table", "2020-01")).read_bytes()

    def fail(stream) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        lake.write(lake.path("table", "2020-01"), fail)
    assert Path(lake.path("table", "2020-01")).read_bytes() == before
    assert [path.name for path in (tmp_path / "table").iterdir()] == ["2020-01.parquet"]


@pytest.mark.parametrize("remote", [False, True])
def test_tables_come_back_as_they_were(tmp_path: Path, remote: bool):
    lake = Lake(f"memory://{tmp_path.name}" if remote else str(tmp_path))
    lake.write_table("table", FRAME, "2020-01")
    pd.testing.assert_frame_equal(lake.read_frame("table", "2020-01"), FRAME.astype({"date": "datetime64[ns]"}))
    assert lake.partitions("table") == ["2020-01"]
    with lake.connect() as connection:
        count = connection.execute("select count(*) from read_parquet($1)", [lake.sql_path("table", "2020-01")])
        assert count.fetchall() == [(1,)]


def test_a_table_written_in_pieces_has_the_same_bytes_however_it_was_cut_and_a_name_only_when_given_one(tmp_path: Path):
    lake = Lake(str(tmp_path))
    rows = ROW_GROUP_ROWS + 500
    table = pa.table({"n": pa.array(range(rows)), "text": pa.array([str(n % 97) for n in range(rows)])})
    pieces = [table.slice(start, 7_000) for start in range(0, rows, 7_000)]
    one, other = (lake.write_pieces("table", table.schema, cut, "2020-01") for cut in ([table], pieces))
    assert (one.rows, other.rows) == (rows, rows)
    assert one.sha256 == other.sha256
    assert lake.partitions("table") == []
    lake.discard(one)
    lake.give_name(other)
    path = tmp_path / "table" / "2020-01.parquet"
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == other.sha256
    assert lake.read_table("table", "2020-01").equals(table)
    assert lake.read_table("table", "2020-01", ["text"]).column_names == ["text"]
    groups = pq.ParquetFile(path).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [ROW_GROUP_ROWS, 500]


def test_a_large_table_is_written_in_row_groups_too(tmp_path: Path):
    lake = Lake(str(tmp_path))
    lake.write_table("a", pd.DataFrame({"n": range(ROW_GROUP_ROWS + 500)}))
    groups = pq.read_metadata(lake.path("a"))
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [ROW_GROUP_ROWS, 500]


def test_a_table_whose_pieces_stop_half_way_leaves_nothing_and_one_without_rows_is_a_table(tmp_path: Path):
    lake = Lake(str(tmp_path))
    table = pa.table({"n": pa.array(range(10))})

    def pieces():
        yield table
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        lake.write_pieces("table", table.schema, pieces(), "2020-01")
    assert list((tmp_path / "table").iterdir()) == []
    lake.give_name(lake.write_pieces("table", table.schema, [], "2020-01"))
    assert lake.read_table("table", "2020-01").schema.equals(table.schema)
    assert lake.read_table("table", "2020-01").num_rows == 0


def test_a_folder_is_replaced_whole(tmp_path: Path):
    lake = Lake(str(tmp_path))
    lake.write_folder("release", {"a": b"1", "b": b"2"})
    lake.write_folder("release", {"a": b"3"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "release").iterdir()} == {"a": b"3"}
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_only_leftovers_of_dead_processes_are_swept(tmp_path: Path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    folder = tmp_path / "table"
    folder.mkdir()
    orphan = folder / f".x.parquet.{socket.gethostname()}.{dead.stdout.strip()}.0badcafe.tmp"
    running = folder / f".x.parquet.{socket.gethostname()}.{os.getpid()}.0badcafe.tmp"
    elsewhere = folder / f".x.parquet.another-host.{dead.stdout.strip()}.0badcafe.tmp"
    for path in (orphan, running, elsewhere):
        path.write_bytes(b"half")
    assert Lake(str(tmp_path)).sweep() == 1
    assert sorted(folder.iterdir()) == sorted([running, elsewhere])


def test_a_local_table_is_read_by_arrow_itself_and_through_no_python_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What Arrow's threads read through a Python object can abort the process, or hang it, as the interpreter ends."""
    lake = Lake(str(tmp_path))
    lake.write_table("table", FRAME, "2020-01")

    def refuse(*_, **__):
        raise AssertionError("Arrow was given a Python object to read from")

    monkeypatch.setattr(type(lake.fs), "open", refuse)
    assert lake.read_table("table", "2020-01").num_rows == 1
    assert [piece.column_names for piece in lake.read_pieces("table", "2020-01", ["code"])] == [["code"]]


@pytest.mark.parametrize("remote", [False, True])
def test_a_table_comes_piece_by_piece_from_any_lake(tmp_path: Path, remote: bool):
    lake = Lake(f"memory://{tmp_path.name}" if remote else str(tmp_path))
    table = pa.table({"n": range(ROW_GROUP_ROWS + 5), "m": range(ROW_GROUP_ROWS + 5)})
    lake.give_name(lake.write_pieces("table", table.schema, [table], "2020-01"))
    pieces = list(lake.read_pieces("table", "2020-01", ["n"]))
    assert [piece.num_rows for piece in pieces] == [ROW_GROUP_ROWS, 5]
    assert pa.concat_tables(pieces).equals(table.select(["n"]))
    with pytest.raises(LakeError, match="table has no partition 2020-02"):
        list(lake.read_pieces("table", "2020-02", ["n"]))


def test_missing_and_damaged_partitions_are_named(tmp_path: Path):
    lake = Lake(str(tmp_path))
    with pytest.raises(LakeError, match="table has no partition 2020-01"):
        lake.read_table("table", "2020-01")
    lake.write_table("table", FRAME, "2020-01")
    path = Path(lake.path("table", "2020-01"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LakeError, match="not a readable Parquet file"):
        lake.read_table("table", "2020-01")


def test_a_record_without_its_artifact_counts_for_nothing(tmp_path: Path):
    lake = Lake(str(tmp_path))
    checksum = lake.write_table("table", FRAME, "2020-01")
    record = Record("table", "2020-01", "table/2020-01.parquet", "1", checksum, {"seed": "1"}, {}, 1)
    lake.save_record(record)
    assert lake.record("table", "2020-01") == record
    Path(lake.path("table", "2020-01")).unlink()
    assert lake.record("table", "2020-01") is None


def test_the_schema_is_table_one():
    assert len(ATTRIBUTES) == 22
    assert [a.header for a in ATTRIBUTES][:3] == ["Declaration ID", "Date", "Office ID"]
    assert [a.name for a in ATTRIBUTES if a.numerical] == ["date", "tax_rate", "net_mass", "item_price"]
    assert all(a.accepts(a.example) for a in ATTRIBUTES if a.kind not in ("date", "number"))
    assert arrow_schema().names == [a.name for a in ATTRIBUTES]
    assert [pair for pair in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (0, 2)] if consistent_labels(*pair)] == [
        (0, 0),
        (1, 1),
        (1, 2),
    ]


def test_seeds_depend_on_asset_and_partition_and_on_nothing_else():
    assert derive_seed(1, "a", "2020-01") == derive_seed(1, "a", "2020-01")
    seeds = {
        derive_seed(*key)
        for key in [(1, "a", "2020-01"), (2, "a", "2020-01"), (1, "b", "2020-01"), (1, "a", "2020-02")]
    }
    assert len(seeds) == 4


def test_verdicts_of_checks_that_end_at_the_same_time_are_all_kept(tmp_path: Path):
    lake, checks = Lake(str(tmp_path)), [f"check_{number}" for number in range(4)]
    together = Barrier(len(checks))

    def judge(record: Record, check: str) -> None:
        together.wait(30)
        lake.save_verdict(record, check, passed=check != "check_2")

    with ThreadPoolExecutor(len(checks)) as threads:
        for month in range(1, 13):
            partition = f"2020-{month:02d}"
            checksum = lake.write_json("report", {}, partition)
            record = Record("report", partition, f"report/{partition}.json", "1", checksum, checks=checks)
            lake.save_record(record)
            assert lake.unjudged(record) == checks
            list(threads.map(judge, [record] * len(checks), checks))
            assert (lake.unjudged(record), lake.failed(record)) == ([], ["check_2"])


def test_a_month_whose_rows_come_from_another_source_is_not_at_hand(tmp_path: Path):
    """Its raw rows may have been read again from the present one: what is built of them was not."""
    lake = Lake(str(tmp_path / "lake"))
    for month, of_raw, of_tokens in (("2020-01", "A", "A"), ("2020-02", "B", "A"), ("2020-03", "B", "B")):
        for asset, origin in (("raw_declarations", of_raw), ("anonymized_declarations", of_tokens)):
            checksum = lake.write_json(asset, {"month": month}, month)
            lake.save_record(Record(asset, month, f"{asset}/{month}.json", "1", checksum, origin=origin))
    assert months_at_hand(lake, ["anonymized_declarations"], "B") == ["2020-03"]
    assert months_at_hand(lake, ["raw_declarations"], "B") == ["2020-02", "2020-03"]
