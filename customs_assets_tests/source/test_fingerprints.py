"""A month's fingerprint: it changes with the rows of the month, with every change of them, and with nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.source import months_of_files
from customs_assets.source.address import open_source
from customs_assets.source.files import FileSource
from customs_assets_tests.source.conftest import TODAY

MONTHS = ("2020-01", "2020-02", "2020-03")


@pytest.fixture
def write(csv_text):
    """A function that writes rows as a CSV file or as a Parquet file of text, told by the file's name."""

    def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
        if path.suffix == ".csv":
            path.write_text(csv_text(rows, names=list(rows[0])))
        else:
            pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=16)

    return write_rows


@pytest.fixture
def rows(good_rows):
    """Three months, 40 rows each, in the order of their dates."""
    return [row for number, month in enumerate(MONTHS) for row in good_rows(40, month, 1 + 100 * number)]


def _fingerprints(address: Path) -> dict[str, str]:
    source = FileSource(str(address), TODAY)
    return {month: source.fingerprint(month) for month in MONTHS}


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {month for month in MONTHS if before[month] != after[month]}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_further_file_changes_the_months_of_its_rows_alone(tmp_path, rows, good_rows, write, suffix):
    write(tmp_path / f"office.{suffix}", rows)
    before = _fingerprints(tmp_path)
    further = [row | {"gross_mass": "7"} for row in good_rows(5, "2020-03", 900)]
    january = FileSource(str(tmp_path), TODAY).read_month("2020-01").declarations
    write(tmp_path / f"branch.{suffix}", further)
    assert _changed(before, _fingerprints(tmp_path)) == {"2020-03"}
    # What has the same fingerprint is read as the same table, without a column that only March has.
    assert FileSource(str(tmp_path), TODAY).read_month("2020-01").declarations.equals(january)
    assert "gross_mass" in FileSource(str(tmp_path), TODAY).read_month("2020-03").declarations.column_names


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_put_before_between_or_behind_change_their_own_month_alone(tmp_path, rows, good_rows, write, suffix):
    path = tmp_path / f"all.{suffix}"
    write(path, rows)
    for place, month in ((0, "2020-01"), (40, "2020-01"), (60, "2020-02"), (120, "2020-03")):
        before = _fingerprints(tmp_path)
        rows = [*rows[:place], *good_rows(3, month, 1000 + place), *rows[place:]]
        write(path, rows)
        assert _changed(before, _fingerprints(tmp_path)) == {month}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_change_of_a_row_changes_its_month_alone(tmp_path, rows, write, suffix):
    path = tmp_path / f"all.{suffix}"
    write(path, rows)
    changes = [
        lambda r: r[45].update(seller_id="X"),
        lambda r: r[45].update(seller_id="", courier_id="X"),
        lambda r: r[50].update(net_mass="-1"),
        lambda r: r[50].update(date="soon"),
        lambda r: r.insert(50, r.pop(51)),
        lambda r: r.insert(50, dict(r[50])),
        lambda r: r.pop(50),
    ]
    for change in changes:
        before = _fingerprints(tmp_path)
        change(rows)
        write(path, rows)
        assert _changed(before, _fingerprints(tmp_path)) == {"2020-02"}


def test_months_that_lie_among_one_another_are_told_apart(tmp_path, rows, write):
    mixed = [row for position in range(40) for row in rows[position::40]]
    write(tmp_path / "all.csv", mixed)
    before = _fingerprints(tmp_path)
    mixed[100]["net_mass"] = "5.5"
    write(tmp_path / "all.csv", mixed)
    assert _changed(before, _fingerprints(tmp_path)) == {mixed[100]["date"][:7]}


def test_a_broken_line_counts_with_the_month_around_it(tmp_path, rows, csv_text):
    lines = csv_text(rows).splitlines()
    lines.insert(60, "too,few")
    (tmp_path / "all.csv").write_text("\n".join(lines))
    before = _fingerprints(tmp_path)
    lines[60] = "too,few,still"
    (tmp_path / "all.csv").write_text("\n".join(lines))
    assert _changed(before, _fingerprints(tmp_path)) == {"2020-02"}
    lines.insert(1, "first")
    before = _fingerprints(tmp_path)
    (tmp_path / "all.csv").write_text("\n".join(lines))
    assert _changed(before, _fingerprints(tmp_path)) == {"2020-01"}


def test_a_column_added_or_renamed_changes_every_month(tmp_path, rows, write):
    found = []
    for further in ({}, {"remark": ""}, {"note": ""}):
        write(tmp_path / "all.csv", [row | further for row in rows])
        found.append(_fingerprints(tmp_path))
    assert _changed(found[0], found[1]) == _changed(found[1], found[2]) == set(MONTHS)


@pytest.mark.parametrize("size", [300, 1000, 1 << 20])
def test_the_fingerprint_does_not_depend_on_how_the_file_is_cut_into_blocks(tmp_path, rows, write, monkeypatch, size):
    write(tmp_path / "all.csv", rows)
    whole = _fingerprints(tmp_path)
    monkeypatch.setattr("customs_assets.source.csv_rows.BLOCK_BYTES", size)
    assert _fingerprints(tmp_path) == whole


def test_typed_parquet_is_told_apart_by_its_values(tmp_path, rows):
    def write_typed(masses: list[float | None], codes: list[int]) -> None:
        table = pa.Table.from_pylist(rows)
        for name, column in (("net_mass", pa.array(masses)), ("office_id", pa.array(codes))):
            table = table.set_column(table.column_names.index(name), name, column)
        dictionary = table.column("seller_id").dictionary_encode()
        pq.write_table(table.set_column(table.column_names.index("seller_id"), "seller_id", dictionary), path)

    path = tmp_path / "all.parquet"
    masses: list[float | None] = [float(n) for n in range(120)]
    write_typed(masses, [20] * 120)
    for change in (None, 0.0):
        before = _fingerprints(tmp_path)
        masses[50] = change
        write_typed(masses, [20] * 120)
        assert _changed(before, _fingerprints(tmp_path)) == {"2020-02"}
    before = _fingerprints(tmp_path)
    write_typed(masses, [20] * 119 + [13])
    assert _changed(before, _fingerprints(tmp_path)) == {"2020-03"}


@pytest.mark.parametrize("name", ["all.csv", "declarations-2020-01.csv"])
@pytest.mark.parametrize("settled", [False, True])
def test_a_correction_of_the_same_size_and_time_is_seen(tmp_path, good_rows, csv_text, monkeypatch, name, settled):
    rows = good_rows(20)
    path = tmp_path / name
    path.write_text(csv_text(rows))
    if settled:
        monkeypatch.setattr(months_of_files, "SETTLED_NS", 0)
    status = path.stat()
    source = FileSource(str(tmp_path), TODAY)
    before = source.fingerprint("2020-01")
    rows[3]["tax_type"] = "B"
    rows[4]["tax_type"] = "B"
    corrected = csv_text([*rows[:3], *rows[3:5], *rows[5:]])
    corrected += " " * (status.st_size - len(corrected.encode()))
    time.sleep(0.05)
    path.write_text(corrected)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert source.fingerprint("2020-01") != before


@pytest.mark.parametrize("name", ["all.csv", "all.parquet", "declarations-2020-01.csv"])
def test_a_file_is_read_once_for_all_months_and_a_touched_one_has_the_same_fingerprint(
    tmp_path, rows, write, monkeypatch, name
):
    write(tmp_path / name, rows)
    before = _fingerprints(tmp_path)
    os.utime(tmp_path / name, ns=(1, 1))
    assert _fingerprints(tmp_path) == before
    monkeypatch.setattr(months_of_files, "SETTLED_NS", 0)
    assert _fingerprints(tmp_path) == before
    monkeypatch.setattr(months_of_files, "_row_hashes", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(months_of_files.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert _fingerprints(tmp_path) == before


def test_a_months_own_file_is_that_months_alone(tmp_path, rows, write, csv_text):
    for month in MONTHS:
        write(tmp_path / f"d-{month}.csv", [row for row in rows if row["date"].startswith(month)])
    before = _fingerprints(tmp_path)
    write(tmp_path / "d-2020-02.csv", rows[40:79])
    assert _changed(before, _fingerprints(tmp_path)) == {"2020-02"}
    before = _fingerprints(tmp_path)
    (tmp_path / "header-alone.csv").write_text(csv_text([]))
    assert _fingerprints(tmp_path) == before


def test_a_folder_that_joins_a_glob_leaves_the_months_of_the_others_alone(tmp_path, rows, write):
    (tmp_path / "north").mkdir()
    write(tmp_path / "north" / "d.csv", rows[:80])
    before = _fingerprints(tmp_path / "*" / "d.csv")
    (tmp_path / "south").mkdir()
    write(tmp_path / "south" / "d.csv", rows[80:])
    assert _changed(before, _fingerprints(tmp_path / "*" / "d.csv")) == {"2020-03"}


def test_the_origin_of_files_is_their_whole_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    for address in ("in", "./in/", "../" + tmp_path.name + "/in", str(tmp_path / "in"), "link"):
        assert FileSource(address).origin == str(tmp_path / "in")
    assert FileSource("in/*.csv").origin == str(tmp_path / "in" / "*.csv")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileSource("~/in").origin == str(tmp_path / "in")


def test_the_origin_of_the_simulated_administration_is_all_its_settings():
    origin = "simulated?declarations=1080000&seed=2020&inspected=0.05"
    assert open_source("simulated").origin == origin
    assert open_source(origin).origin == origin
    assert open_source("simulated?seed=7").origin == "simulated?declarations=1080000&seed=7&inspected=0.05"
