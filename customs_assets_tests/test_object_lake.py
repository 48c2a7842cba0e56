"""The lake on an object store: objects appear whole, a record is of the object that stands, of two writers one wins whole.

The store is a real one (``object_store.py``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pandas as pd
import pyarrow as pa
import pytest

from customs_assets.lake import Lake, LakeError, Record, folder_checksum
from customs_assets.lake.objects import Objects, Refused
from customs_assets.lake.tables import ROW_GROUP_ROWS
from customs_assets_tests.object_store import Store

FRAME = pd.DataFrame({"date": pd.to_datetime(["2020-01-01"]), "code": ["001"], "mass": [0.5]})


@pytest.fixture
def lake(object_store: Store, request: pytest.FixtureRequest) -> Iterator[Lake]:
    with object_store.used_here():
        yield Lake(f"s3://lake/{request.node.name.partition('[')[0][:60]}")


def _record(sha256: str, made_by: str = "1") -> Record:
    return Record("table", "2020-01", "table/2020-01.json", made_by, sha256, checks=["check"])


def _paths(lake: Lake) -> list[str]:
    assert lake.objects is not None
    return sorted(path[len(lake.root) + 1 :] for path, _, _ in lake.objects.below(lake.root))


def test_tables_have_the_bytes_and_the_name_of_a_local_lake_and_come_back_as_they_were(lake: Lake, tmp_path: Path):
    local = Lake(str(tmp_path))
    table = pa.table({"n": range(ROW_GROUP_ROWS + 5), "m": range(ROW_GROUP_ROWS + 5)})
    for one in (lake, local):
        assert one.partitions("table") == []
        one.write_table("table", FRAME, "2020-01")
        unnamed = one.write_pieces("table", table.schema, [table], "2020-02")
        assert one.partitions("table") == ["2020-01"]
        one.give_name(unnamed)
        one.discard(one.write_pieces("table", table.schema, [table], "2020-03"))
    assert _paths(lake) == ["table/2020-01.parquet", "table/2020-02.parquet"]
    for month in ("2020-01", "2020-02"):
        assert lake.read_bytes(lake.path("table", month)) == Path(local.path("table", month)).read_bytes()
    pd.testing.assert_frame_equal(lake.read_frame("table", "2020-01"), local.read_frame("table", "2020-01"))
    assert [piece.num_rows for piece in lake.read_pieces("table", "2020-02", ["n"])] == [ROW_GROUP_ROWS, 5]
    with lake.connect() as connection:
        paths = [lake.sql_path("table", month) for month in ("2020-01", "2020-02")]
        counted = connection.execute("select count(*) from read_parquet($1, union_by_name=true)", [paths])
        assert counted.fetchall() == [(ROW_GROUP_ROWS + 6,)]
    with pytest.raises(LakeError, match="table has no partition 2020-03"):
        lake.read_table("table", "2020-03")
    with pytest.raises(LakeError, match="table has no partition 2020-03"):
        lake.sql_path("table", "2020-03")


def test_a_write_that_fails_leaves_the_old_object_and_nothing_else(lake: Lake):
    before = lake.write_bytes(lake.path("table", "2020-01", "json"), b"old")

    def fail(stream) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        lake.write(lake.path("table", "2020-01", "json"), fail)
    assert lake.checksum(_record(before)) == before
    assert _paths(lake) == ["table/2020-01.json"]


def test_a_record_is_of_the_bytes_that_stand_and_of_no_others(lake: Lake):
    path = lake.path("table", "2020-01", "json")
    record = _record(lake.write_bytes(path, b"one"))
    lake.save_record(record)
    lake.save_verdict(record, "check", passed=True)
    assert (lake.record("table", "2020-01"), lake.passed(record)) == (record, True)
    assert lake.looked_at().record("table", "2020-01") == record
    # Replaced behind the lake's back: what was recorded is of bytes that are gone.
    other = Objects(lake.address)
    other.put(path, b"two", "0" * 64)
    assert lake.record("table", "2020-01") is None
    assert lake.looked_at().record("table", "2020-01") is None
    other.put(path, b"damaged")
    assert [record.path for record in lake.mark_damaged()] == ["table/2020-01.json"]
    assert lake.record("table", "2020-01") is None
    # Made again, nothing of the old verdict is left.
    record = _record(lake.write_bytes(path, b"one"))
    assert lake.last_record("table", "2020-01") is None
    lake.save_record(record)
    assert lake.unjudged(record) == ["check"]


@pytest.mark.parametrize("order", ["first writer first", "second writer first"])
def test_of_two_writers_whose_steps_meet_one_wins_whole(lake: Lake, order: str):
    path = lake.path("table", "2020-01", "json")
    one, two = (Lake(lake.address) for _ in range(2))
    first = _record(one.write_bytes(path, b"of one"), "one")
    second = _record(two.write_bytes(path, b"of two"), "two")
    steps = {"first writer first": [first, second], "second writer first": [second, first]}[order]
    for record in steps:
        if record == second:
            two.save_record(record)
        else:
            with pytest.raises(LakeError, match="written by another run at the same time"):
                one.save_record(record)
    assert (lake.read_bytes(path), lake.record("table", "2020-01")) == (b"of two", second)


def test_of_many_writers_at_once_one_wins_whole_each_time(lake: Lake):
    path, writers, told = lake.path("table", "2020-01", "json"), 4, []
    for _ in range(12):
        together = Barrier(writers)

        def write(number: int, together: Barrier = together) -> bool:
            mine = Lake(lake.address)
            together.wait(30)
            content = f"of {number}".encode() * 20_000
            record = _record(mine.write_bytes(path, content), f"of {number}")
            try:
                mine.save_record(record)
            except LakeError:
                return False
            return True

        with ThreadPoolExecutor(writers) as threads:
            told.append(sum(threads.map(write, range(writers))))
        record = lake.record("table", "2020-01")
        assert record is not None, "nobody won"
        assert lake.read_bytes(path) == record.code_version.encode() * 20_000
        assert lake.checksum(record) == record.sha256
    assert min(told) >= 1


def test_two_writers_of_the_same_bytes_both_succeed(lake: Lake):
    path = lake.path("table", "2020-01", "json")
    one, two = (Lake(lake.address) for _ in range(2))
    records = [_record(each.write_bytes(path, b"the same"), "1") for each in (one, two)]
    for each, record in zip((one, two), records, strict=True):
        each.save_record(record)
    assert lake.record("table", "2020-01") == records[0]


def test_the_store_refuses_a_put_whose_condition_does_not_hold(lake: Lake):
    """The server of these tests honours conditions: otherwise they would show nothing."""
    objects = Objects(lake.address)
    objects.put(f"{lake.root}/a", b"1", unless="")
    with pytest.raises(Refused):
        objects.put(f"{lake.root}/a", b"2", unless="")
    assert objects.read(f"{lake.root}/a") == b"1"


def test_a_killed_writer_leaves_an_object_without_a_record_and_nothing_on_this_machine(
    lake: Lake, object_store: Store, tmp_path: Path
):
    script = """
import os, sys
from customs_assets.lake import Lake, Record
lake = Lake(sys.argv[1])
lake.write_bytes(lake.path("table", "2020-01", "json"), b"whole")
lake.read_bytes(lake.path("table", "2020-01", "json")), lake.objects.local_copy(lake.path("table", "2020-01", "json"))
def half(stream):
    stream.write(b"half")
    os._exit(9)
lake.write(lake.path("table", "2020-02", "json"), half)
"""
    import os

    environment = os.environ | object_store.environment | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script, lake.address], env=environment, check=False)
    assert done.returncode == 9
    assert _paths(lake) == ["table/2020-01.json"]
    assert lake.record("table", "2020-01") is None
    # Its copies are left; the next process that makes some deletes them.
    [left] = tmp_path.iterdir()
    assert left.stat().st_mode & 0o777 == 0o700
    script = "import sys; from customs_assets.lake.objects import Objects; o = Objects(sys.argv[1]); o.local_copy(sys.argv[2])"
    path = lake.path("table", "2020-01", "json")
    subprocess.run([sys.executable, "-c", script, lake.address, path], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole_and_taken_away_whole(lake: Lake):
    first = lake.write_folder("release", {"a": b"1", "b": b"2"})
    assert first == folder_checksum({"a": b"1", "b": b"2"})
    record = Record("release", "", "release", "1", first)
    lake.save_record(record)
    assert lake.record("release") == record
    assert lake.checksum(record) == first
    lake.write_folder("release", {"a": b"3"})
    assert lake.record("release") is None
    assert lake.read_folder("release") == {"a": b"3"}
    assert lake.read_in_folder("release", "a") == b"3"
    assert lake.shown("release", suffix="").startswith(f"s3://{lake.root}/release/")
    place = lake.shown("release", suffix="").rpartition("/")[2]
    assert _paths(lake) == ["release.folder", f"release/{place}/a"]
    # What a killed process left of a folder stays for an hour, in case it is still being written, and is no part of it.
    Objects(lake.address).put(f"{lake.root}/release/0123456789abcdef/a", b"half")
    assert (lake.sweep(), lake.read_folder("release")) == (0, {"a": b"3"})
    lake.withdraw("release")
    assert not lake.exists("release", suffix="")
    with pytest.raises(LakeError, match="release is missing"):
        lake.read_folder("release")
    with pytest.raises(LakeError):
        lake.read_in_folder("release", "a")


def test_an_object_that_was_altered_is_not_read(lake: Lake):
    lake.write_table("table", FRAME, "2020-01")
    path = lake.path("table", "2020-01")
    content = lake.read_bytes(path)
    Objects(lake.address).put(path, content[:-20] + b"x" * 20, json.loads(json.dumps("f" * 64)))
    with pytest.raises(LakeError, match="not what was written"):
        lake.read_table("table", "2020-01")


def test_a_lake_without_a_bucket_or_without_a_store_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(LakeError, match="there is no bucket elsewhere; make it first"):
        Lake("s3://elsewhere/lake").partitions("table")
