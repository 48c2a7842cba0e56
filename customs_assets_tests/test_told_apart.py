"""Declarations of several months that have one ID are told apart, and those of months without one stay as they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customs_assets.benchmark.recorded_inspections import with_recorded_inspections
from customs_assets.lake import Lake
from customs_assets.lake.io_manager import Partitions
from customs_assets.lake.told_apart import DECLARATIONS, as_declared, as_named_in, declarations_of, repeated_ids

IDS = {
    "2019-12": ["A-1", "A-2", "A-3"],
    "2020-01": ["A-2", "B-1"],
    "2020-02": ["A-2", "B-1", "C-1"],
    "2020-03": ["D-1"],
}


def _rows(month: str, ids: list[str]) -> pd.DataFrame:
    days = pd.Timestamp(f"{month}-05") + pd.to_timedelta(range(len(ids)), unit="D")
    return pd.DataFrame({"declaration_id": ids, "date": days, "importer_id": [f"I{month}" for _ in ids]})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for month, ids in IDS.items():
        lake.write_table(DECLARATIONS, _rows(month, ids), month)
    return lake


def test_only_ids_that_an_earlier_month_has_are_marked(lake: Lake):
    assert repeated_ids(lake, list(IDS)) == {"2020-01": {"A-2"}, "2020-02": {"A-2", "B-1"}}
    assert repeated_ids(lake, ["2020-02", "2020-03"]) == {}
    assert repeated_ids(lake, ["2020-01"]) == {}


def test_months_read_together_have_one_id_for_each_declaration(lake: Lake):
    months = Partitions(lake, DECLARATIONS, list(IDS), "parquet")
    together = months.together()
    assert together["declaration_id"].tolist() == [
        *("A-1", "A-2", "A-3"),
        *("A-2@2020-01", "B-1"),
        *("A-2@2020-02", "B-1@2020-02", "C-1"),
        "D-1",
    ]
    pd.testing.assert_frame_equal(pd.concat(dict(months).values(), ignore_index=True), together)
    pd.testing.assert_frame_equal(pd.concat(declarations_of(lake, list(IDS)).values(), ignore_index=True), together)
    assert as_declared(together["declaration_id"]).tolist() == [one for ids in IDS.values() for one in ids]
    others = together.drop(columns="declaration_id")
    as_they_lie = lake.read_frames(DECLARATIONS, list(IDS))
    pd.testing.assert_frame_equal(others, as_they_lie.drop(columns="declaration_id"))


def test_a_month_alone_finds_its_rows_in_a_table_of_all_months(lake: Lake):
    table = Partitions(lake, DECLARATIONS, list(IDS), "parquet").together()
    month = as_named_in(lake.read_frame(DECLARATIONS, "2020-02"), "2020-02", table)
    assert month["declaration_id"].tolist() == ["A-2@2020-02", "B-1@2020-02", "C-1"]
    alone = lake.read_frame(DECLARATIONS, "2020-03")
    assert as_named_in(alone, "2020-03", table) is alone


def test_what_inspections_recorded_is_found_for_both_declarations_of_an_id(lake: Lake):
    for month, ids in IDS.items():
        recorded = {"declaration_id": ids, "fraud": 1, "inspection_reason": [f"{month} {one}" for one in ids]}
        lake.write_table("raw_declarations", pd.DataFrame(recorded), month)
    rows = with_recorded_inspections(Partitions(lake, DECLARATIONS, list(IDS), "parquet").together(), lake, list(IDS))
    assert rows["inspection_reason"].tolist() == [f"{month} {one}" for month, ids in IDS.items() for one in ids]
