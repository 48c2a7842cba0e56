"""What a source records of its inspections stands beside the declarations, by month and ID, where it is there."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.assets import fraud_benchmark
from customs_assets.benchmark.recorded_inspections import with_recorded_inspections
from customs_assets.lake import Lake
from customs_assets.lake.io_manager import Partitions
from customs_assets.resources import Pipeline


def _raw(month: str, **more: list) -> pd.DataFrame:
    """Three declarations, of which the second was not inspected."""
    ids = ["A1", "A2", "A3"]
    fraud = pd.array([1, None, 0], dtype="Int8")
    return pd.DataFrame({"declaration_id": ids, "date": pd.Timestamp(f"{month}-05"), "fraud": fraud, **more})


def _anonymized(month: str) -> pd.DataFrame:
    return _raw(month).loc[[2, 0], ["declaration_id", "date", "fraud"]].reset_index(drop=True)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_reasons_and_amounts_are_those_of_the_declaration_in_its_month(lake: Lake) -> None:
    # IDs are unique within a month only.
    lake.write_table("raw_declarations", _raw("2020-01", inspection_reason=["random", "x", "rule"]), "2020-01")
    amounts = {"inspection_reason": ["rule", "x", None], "amount_recovered": [120.5, 7.0, None]}
    lake.write_table("raw_declarations", _raw("2020-02", **amounts), "2020-02")
    declarations = pd.concat([_anonymized("2020-02"), _anonymized("2020-01")], ignore_index=True)

    found = with_recorded_inspections(declarations, lake, ["2020-01", "2020-02"])

    assert found["inspection_reason"].fillna("").tolist() == ["", "rule", "rule", "random"]
    assert found["amount_recovered"].fillna(-1).tolist() == [-1, 120.5, -1, -1]
    pd.testing.assert_frame_equal(found[declarations.columns], declarations)


def test_a_source_that_records_nothing_of_them_gives_the_declarations_as_they_are(lake: Lake) -> None:
    lake.write_table("raw_declarations", _raw("2020-01"), "2020-01")
    declarations = _anonymized("2020-01")
    assert with_recorded_inspections(declarations, lake, ["2020-01"]) is declarations


def test_the_source_s_cell_reads_them_and_the_synthetic_one_does_not(
    lake: Lake, declarations: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By rule, no fraud was found here; at random, what there was."""
    at_random = pd.Series(np.random.default_rng(0).random(len(declarations)) < 0.5)
    biased = declarations.assign(fraud=declarations["fraud"].where(at_random, 0).astype("int8"))
    recorded = at_random.map({True: "random", False: "rule"})
    months = sorted(biased["date"].dt.strftime("%Y-%m").unique())
    for month in months:
        rows = biased.loc[biased["date"].dt.strftime("%Y-%m") == month]
        lake.write_table("anonymized_declarations", rows, month)
        raw = rows[["declaration_id", "fraud"]].assign(
            inspection_reason=recorded, amount_recovered=rows["fraud"] * 10.0
        )
        lake.write_table("raw_declarations", raw, month)
    names = ("anonymized_declarations", "raw_declarations", "synthetic_declarations")
    tables = {name: Partitions(lake, name.replace("synthetic", "anonymized"), months, "parquet") for name in names}
    monkeypatch.setenv("CUSTOMS_LAKE", lake.root)

    cells = {}
    for dataset in ("source", "synthetic"):
        key = dg.MultiPartitionKey({"detector": "decision_tree", "dataset": dataset})
        output = fraud_benchmark(dg.build_asset_context(partition_key=key), pipeline=Pipeline(), **tables)
        cells[dataset] = output.value.set_index("inspection_rate").loc[0.10]  # pyright: ignore[reportAttributeAccessIssue]

    assert cells["source"]["random_mean"] > cells["source"]["precision_mean"] + 0.1
    assert cells["source"]["recovered_recall_mean"] == pytest.approx(cells["source"]["recall_mean"])
    assert np.isnan(cells["synthetic"]["random_mean"]) and np.isnan(cells["synthetic"]["recovered_recall_mean"])
    assert cells["source"]["precision_mean"] == cells["synthetic"]["precision_mean"]
