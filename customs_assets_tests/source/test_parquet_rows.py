"""Parquet: native types read as the same declarations, and damaged files."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.source.reading import SourceError


def _table(rows) -> pa.Table:
    return pa.Table.from_pylist(rows)


def _with(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def test_text_and_native_types_read_as_the_same_declarations(tmp_path, good_rows, read, assert_kept):
    rows = good_rows(500)
    text = _table(rows)
    native = _with(text, "date", pa.array([date.fromisoformat(row["date"]) for row in rows]))
    for name in ("tax_rate", "net_mass", "item_price"):
        native = _with(native, name, pa.array([float(row[name]) for row in rows]))
    for name in ("fraud", "critical_fraud"):
        native = _with(native, name, pa.array([float(row[name]) for row in rows]))
    for name in ("office_id", "mode_of_transport"):
        native = _with(native, name, pa.array([int(row[name]) for row in rows]))
    native = _with(native, "importer_id", native.column("importer_id").dictionary_encode())
    native = _with(native, "seller_id", native.column("seller_id").cast(pa.large_string()))
    pq.write_table(text, tmp_path / "text.parquet")
    pq.write_table(native, tmp_path / "native.parquet", row_group_size=64)
    expected = read(tmp_path / "text.parquet")
    assert_kept(expected, rows)
    assert read(tmp_path / "native.parquet").declarations.equals(expected.declarations)


def test_an_hs_code_in_an_integer_column_gets_its_leading_zero_back(tmp_path, good_rows, read):
    table = _table(good_rows(5))
    codes = pa.array([901210000, 90121, 8703239020, 870323, 1234])
    pq.write_table(_with(table, "hs10_code", codes), tmp_path / "d.parquet")
    result = read(tmp_path / "d.parquet")
    kept = result.declarations.column("hs10_code").to_pylist()
    assert kept == ["0901210000", "090121", "8703239020", "870323"]
    assert result.quarantine.column("reason").to_pylist() == ["malformed_hs_code"]
    assert result.quarantine.column("row").to_pylist() == [5]


def test_a_time_counts_for_the_day_in_its_own_zone(tmp_path, good_rows, read):
    zone = timezone(timedelta(hours=9))
    times = pa.array([datetime(2020, 1, 1, 0, 30, tzinfo=zone), datetime(2020, 1, 31, 23, 30, tzinfo=zone)])
    table = _with(_table(good_rows(2)), "date", times.cast(pa.timestamp("us", "+09:00")))
    pq.write_table(table, tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet").declarations.column("date").to_pylist() == [date(2020, 1, 1), date(2020, 1, 31)]


def test_labels_that_are_missing_in_any_way_mean_not_inspected(tmp_path, good_rows, read):
    table = _table(good_rows(3))
    for name in ("fraud", "critical_fraud"):
        table = _with(table, name, pa.array([1.0, float("nan"), None]))
    pq.write_table(table, tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet").declarations.column("fraud").to_pylist() == [1, None, None]


def test_a_number_that_is_none_is_as_missing_as_one_that_is_not_there(tmp_path, good_rows, read):
    table = _with(_table(good_rows(4)), "net_mass", pa.array([1.0, float("nan"), None, float("inf")]))
    pq.write_table(table, tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet").quarantine.column("reason").to_pylist() == [
        "missing_value",
        "missing_value",
        "number_out_of_range",
    ]


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path, good_rows, read):
    table = _table(good_rows(4))
    sellers = pa.array([b"a", b"caf\xe9", b"", "가".encode()], pa.binary())
    pq.write_table(_with(table, "seller_id", sellers), tmp_path / "d.parquet")
    result = read(tmp_path / "d.parquet")
    assert result.declarations.column("seller_id").to_pylist() == ["a", "", "가"]
    (quarantined,) = result.quarantine.to_pylist()
    assert (quarantined["reason"], quarantined["column"], quarantined["row"]) == ("undecodable_bytes", "seller_id", 2)
    assert quarantined["declaration_id"] == "00000002"


def test_only_the_rows_of_the_month_are_read_with_their_places(tmp_path, good_rows, read):
    rows = [*good_rows(100), *good_rows(100, month="2020-02", first_number=500), *good_rows(10, first_number=900)]
    rows[150]["net_mass"] = "-1"
    pq.write_table(_table(rows), tmp_path / "d.parquet", row_group_size=30)
    january, february = read(tmp_path / "d.parquet"), read(tmp_path / "d.parquet", "2020-02")
    assert (january.rows_in, february.rows_in) == (110, 100)
    assert february.quarantine.column("row").to_pylist() == [151]
    assert min(february.declarations.column("date").to_pylist()) == date(2020, 2, 1)


@pytest.mark.parametrize("kept", [0, 3, 4, 100, 0.5, 0.99])
def test_a_file_cut_short_stops_with_a_sentence_that_names_it(tmp_path, good_rows, read, kept):
    pq.write_table(_table(good_rows(100)), tmp_path / "d.parquet")
    content = (tmp_path / "d.parquet").read_bytes()
    length = int(len(content) * kept) if isinstance(kept, float) else kept
    (tmp_path / "d.parquet").write_bytes(content[:length])
    with pytest.raises(SourceError, match=r"d\.parquet is (empty|no readable Parquet)"):
        read(tmp_path / "d.parquet")


def test_a_damaged_page_stops_with_a_sentence_that_names_the_file(tmp_path, good_rows, read):
    pq.write_table(_table(good_rows(1000)), tmp_path / "d.parquet", write_page_checksum=True)
    content = bytearray((tmp_path / "d.parquet").read_bytes())
    content[len(content) // 3] ^= 0xFF
    (tmp_path / "d.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"d\.parquet is no readable Parquet"):
        read(tmp_path / "d.parquet")


def test_flipped_bits_are_read_or_refused_and_never_crash(tmp_path, good_rows, read):
    pq.write_table(_table(good_rows(50)), tmp_path / "d.parquet")
    intact = (tmp_path / "d.parquet").read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(150):
        content = bytearray(intact)
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        (tmp_path / "d.parquet").write_bytes(content)
        try:
            result = read(tmp_path / "d.parquet")
        except SourceError as error:
            refused += 1
            assert "d.parquet" in str(error)
        else:
            assert result.rows_in == result.declarations.num_rows + result.quarantine.num_rows
    assert refused > 20


def test_missing_and_unreadable_columns_are_named(tmp_path, good_rows, read):
    table = _table(good_rows(2))
    pq.write_table(table.drop_columns(["fraud"]), tmp_path / "d.parquet")
    with pytest.raises(SourceError, match=r"d\.parquet lacks the columns fraud; it has declaration_id"):
        read(tmp_path / "d.parquet")
    pq.write_table(_with(table, "seller_id", pa.array([["a"], ["b"]])), tmp_path / "d.parquet")
    with pytest.raises(SourceError, match=r"the column seller_id of d\.parquet has the type list"):
        read(tmp_path / "d.parquet")
