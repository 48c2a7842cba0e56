"""The front door: what is too large is refused or kept small, and whatever a file holds, nothing of it is lost."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.declaration import NAMES
from customs_assets.source import limits
from customs_assets.source.quarantine import harmless
from customs_assets.source.reading import SourceError, SourceMonth
from customs_assets_tests.source.fuzzing import drawn, fuzz, sound_row
from customs_assets_tests.source.planted import Fault, Naming, Planted, examine_planted, planted

Rows = Callable[..., list[dict[str, str]]]
Read = Callable[..., SourceMonth]


def _columns(rows: list[dict[str, str]], **replaced: Any) -> pa.Table:
    return pa.table({name: replaced.get(name, [row[name] for row in rows]) for name in NAMES})


def test_any_file_is_accounted_for_or_refused_in_one_sentence():
    tally = fuzz(200)
    assert tally.cases >= 200
    assert set(tally.formats) == {"csv", "parquet", "xlsx", "xml"}
    assert tally.refused > 0
    assert tally.kept > 0
    assert tally.rows == tally.kept + sum(tally.reasons.values())


def test_a_refusal_names_the_fault_that_was_planted():
    naming = Naming()
    drawn(planted(), lambda case: examine_planted(case, naming), 200, None)
    assert naming.files >= 200
    assert naming.refused == naming.files
    assert naming.share >= 0.95, naming.examples


def test_a_fault_is_not_named_by_another_sentence():
    """The count would be worth nothing if any sentence would do."""
    rows = sound_row(1)
    fault = Fault("bars", ("csv",), ("bars",))
    content = f"{';'.join(rows)}\n{';'.join(rows.values())}\n".encode()
    naming = Naming()
    examine_planted(Planted(fault, "declarations-2020-01.csv", content, "korea"), naming)
    examine_planted(Planted(fault, "declarations-2020-01.csv", content.replace(b";", b","), "korea"), naming)
    assert (naming.files, naming.refused, naming.named) == (2, 1, 0)


def test_a_few_bytes_that_stand_for_gigabytes_of_text_stay_small(tmp_path: Path, good_rows: Rows, read: Read):
    rows = good_rows(3000)
    remark = pa.array(["x" * 1_000_000]).take(pa.array([0], pa.int8())).dictionary_encode()
    sellers = pa.DictionaryArray.from_arrays(pa.array([0] * len(rows), pa.int32()), remark.dictionary)
    path = tmp_path / "2020-01.parquet"
    pq.write_table(_columns(rows, seller_id=sellers), path, compression="zstd", dictionary_pagesize_limit=1 << 22)
    assert path.stat().st_size < 200_000
    before = pa.total_allocated_bytes()
    month = read(path)
    assert month.rows_in == month.quarantine.num_rows == 3000
    assert set(month.quarantine.column("reason").to_pylist()) == {"text_too_long"}
    # Three thousand times a megabyte would be 3 GB.
    assert pa.default_memory_pool().max_memory() - before < 400 << 20


def test_a_file_that_would_unpack_to_a_thousand_times_its_size_is_refused_unread(
    tmp_path: Path, good_rows: Rows, read: Read
):
    rows = good_rows(300)
    path = tmp_path / "2020-01.parquet"
    table = _columns(rows, seller_id=["x" * 1_000_000] * 300)
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    with pytest.raises(SourceError, match=r"2020-01\.parquet has [\d,]+ bytes and would unpack to 3\d\d,\d{3},\d{3}"):
        read(path)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_beyond_the_limit_is_refused(
    tmp_path: Path,
    good_rows: Rows,
    csv_text: Callable[..., str],
    read: Read,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / f"2020-01.{suffix}"
    if suffix == "csv":
        path.write_text(csv_text(good_rows(9)))
    else:
        pq.write_table(_columns(good_rows(9)), path)
    monkeypatch.setattr(limits, "FILE_BYTES", 100)
    with pytest.raises(SourceError, match="a file of declarations has at most 100: split it by month"):
        read(path)


def test_zip_and_gzip_are_refused_by_name(tmp_path: Path, read: Read):
    path = tmp_path / "2020-01.csv"
    for magic in (b"PK\x03\x04" + b"\0" * 100, b"\x1f\x8b" + b"\0" * 100):
        path.write_bytes(magic)
        with pytest.raises(SourceError, match="is no CSV file: it is"):
            read(path)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_the_id_of_a_bad_row_is_text_in_the_quarantine(
    tmp_path: Path, good_rows: Rows, csv_text: Callable[..., str], read: Read, start: str
):
    rows = good_rows(3)
    rows[1]["declaration_id"] = f"{start}1+1"
    path = tmp_path / "2020-01.csv"
    path.write_text(csv_text(rows, quoting=csv.QUOTE_ALL), newline="")
    [aside] = read(path).quarantine.to_pylist()
    assert aside["declaration_id"] == f"'{start}1+1"
    assert harmless("0001") == "0001"
