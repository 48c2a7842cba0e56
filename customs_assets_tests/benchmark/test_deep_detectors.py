"""The networks: a planted rule that is found, the same bytes twice, labels that were not given, and who hears whom."""

from __future__ import annotations

import hashlib

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.benchmark.assets import deep_detectors
from customs_assets.benchmark.cells import RATES
from customs_assets.benchmark.deep_cells import ASSET, cells_as_table, standing_cells
from customs_assets.benchmark.detectors import ALL, DEEP_REGISTER, DETECTORS, NothingToLearn, detector_class
from customs_assets.benchmark.detectors.deep.date import Date, DateRevenue
from customs_assets.benchmark.detectors.deep.dual_task import DualTask
from customs_assets.benchmark.detectors.deep.inputs import NOT_INSPECTED, Vocabulary, column, revenue_at_stake
from customs_assets.benchmark.detectors.deep.training import NetworkDetector, Schedule
from customs_assets.benchmark.detectors.form import Detector
from customs_assets.benchmark.features import FeatureEncoder, Features, fraud_labels
from customs_assets.benchmark.precision import precision_at
from customs_assets.benchmark.split import split_months
from customs_assets.definitions import graph
from customs_assets.lake import Lake, Record
from customs_assets.lake.io_manager import Partitions
from customs_assets.resources import Pipeline


class Parts:
    """Training and test months of the planted world."""

    def __init__(self, declarations: pd.DataFrame) -> None:
        split = split_months(sorted(declarations["date"].dt.strftime("%Y-%m").unique()))
        train, test = split.rows(declarations, "train"), split.rows(declarations, "test")
        encoder = FeatureEncoder.fit(train)
        self.features, self.fraud = encoder.features(train), fraud_labels(train)
        self.test_features, self.test_fraud = encoder.features(test), fraud_labels(test)
        self._trained: dict[str, NetworkDetector] = {}

    def trained(self, name: str) -> NetworkDetector:
        """A network trained by seed 7, once for all tests."""
        if name not in self._trained:
            self._trained[name] = _new(name)
            self._trained[name].fit(self.features, self.fraud, 7)
        return self._trained[name]


def _new(name: str) -> NetworkDetector:
    detector = DEEP_REGISTER[name]()
    assert isinstance(detector, NetworkDetector) and isinstance(detector, Detector)
    return detector


def _part(features: Features, rows: slice) -> Features:
    return Features(features.matrix[rows], features.declarations.iloc[rows].reset_index(drop=True))


@pytest.fixture(scope="module")
def parts(declarations: pd.DataFrame) -> Parts:
    return Parts(declarations)


# The same network as DATE, which is trained once in these tests.
ONCE = [name for name in DEEP_REGISTER if name != "date_revenue"]


@pytest.mark.parametrize("name", ONCE)
def test_a_planted_rule_is_found_and_each_declaration_is_scored_for_itself(name: str, parts: Parts):
    scores = parts.trained(name).score(parts.test_features)

    assert scores.shape == (400,) and scores.dtype == np.float64 and ((scores >= 0) & (scores <= 1)).all()
    assert precision_at(scores, parts.test_fraud, 0.10) > 2.5 * parts.test_fraud.mean()
    few = parts.trained(name).score(_part(parts.test_features, slice(5, 12)))
    assert few == pytest.approx(scores[5:12], abs=1e-5)


@pytest.mark.parametrize("name", ONCE)
def test_the_same_seed_gives_the_same_bytes_whatever_ran_before_and_leaves_torch_as_it_was(name: str, parts: Parts):
    import torch

    few, fraud = _part(parts.features, slice(0, 300)), parts.fraud[:300]
    found = []
    for threads, drawn in ((1, 0), (2, 5)):
        torch.set_num_threads(threads)
        torch.rand(drawn)
        np.random.rand(drawn)
        before = torch.get_rng_state()
        detector = _new(name)
        vars(detector)["schedule"] = Schedule(epochs=1, batch=64, least_steps=5)
        detector.fit(few, fraud, 3)
        found.append(detector.score(parts.test_features).tobytes())
        assert torch.get_num_threads() == threads and not torch.are_deterministic_algorithms_enabled()
        assert torch.equal(torch.get_rng_state(), before)
    torch.set_num_threads(1)
    assert found[0] == found[1]
    other = _new(name)
    vars(other)["schedule"] = Schedule(epochs=1, batch=64, least_steps=5)
    other.fit(few, fraud, 4)
    assert other.score(parts.test_features).tobytes() != found[0]


def test_ranked_by_revenue_a_network_avoids_declarations_without_duty(parts: Parts):
    class ByRevenue(DualTask):
        by_revenue = True

    by_fraud, by_revenue = parts.trained("dual_task"), ByRevenue()
    vars(by_revenue).update(vars(by_fraud))
    free = parts.test_features.declarations["tax_rate"].to_numpy() == 0
    scores = [of.score(parts.test_features) for of in (by_fraud, by_revenue)]
    at_fraud, at_revenue = (free[np.argsort(-of)[:40]].mean() for of in scores)
    assert at_revenue < at_fraud
    assert precision_at(scores[1], parts.test_fraud, 0.10) > parts.test_fraud.mean()


def test_date_has_both_of_its_rankings_from_one_training(parts: Parts):
    by_fraud, by_revenue = parts.trained("date"), DateRevenue()
    vars(by_revenue).update(vars(by_fraud))
    scores = [of.score(parts.test_features) for of in (by_fraud, by_revenue)]
    assert isinstance(by_fraud, Date) and ((scores[1] > 0) & (scores[1] < 1)).all()
    assert np.argsort(scores[0]).tolist() != np.argsort(scores[1]).tolist()
    assert precision_at(scores[1], parts.test_fraud, 0.10) > parts.test_fraud.mean()


def test_semi_supervised_networks_learn_from_what_was_not_inspected_and_others_leave_it_aside(parts: Parts):
    few = _part(parts.features, slice(0, 300))
    fraud = np.where(np.arange(300) % 3 == 0, parts.fraud[:300], NOT_INSPECTED)
    inspected = np.flatnonzero(fraud != NOT_INSPECTED)
    alone = Features(few.matrix[inspected], few.declarations.iloc[inspected].reset_index(drop=True))
    for name in ("entity_embedding", "autoencoder", "graph_fc"):
        both = []
        for features, labels in ((few, fraud), (alone, fraud[inspected])):
            detector = _new(name)
            vars(detector)["schedule"] = Schedule(epochs=1, batch=64, least_steps=5)
            detector.fit(features, labels, 1)
            both.append(detector.score(parts.test_features))
        assert np.isfinite(both).all()
        assert (both[0].tobytes() == both[1].tobytes()) is not DEEP_REGISTER[name].semi_supervised  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(NothingToLearn, match="all 100 inspected rows are of one kind"):
        _new("dual_task").fit(few, np.where(fraud == NOT_INSPECTED, fraud, 0), 1)


def test_steps_bound_the_time_of_a_cell_and_few_declarations_are_seen_more_often():
    schedule = Schedule(epochs=4)
    assert (schedule.batch_of(400), schedule.steps(400, 32)) == (32, 200)
    assert (schedule.batch_of(36_000), schedule.steps(36_000, 256)) == (256, 564)
    assert schedule.steps(10_000_000, 256) == 3000


def test_rare_and_new_values_share_a_place_and_the_second_task_is_the_duty_of_frauds(parts: Parts):
    vocabulary, rows = Vocabulary.of(parts.features), parts.features.declarations
    counts = rows["importer_id"].value_counts()
    places = vocabulary.places(parts.features)[:, column("importer_id")]
    assert ((places == 0) == (rows["importer_id"].map(counts) < 2).to_numpy()).all()
    new = Features(parts.features.matrix[:1], rows.iloc[:1].assign(importer_id="NEW"))
    assert vocabulary.places(new)[0, column("importer_id")] == 0
    assert vocabulary.sizes[column("importer_id")] == (counts >= 2).sum() + 1
    assert np.allclose(vocabulary.numbers(parts.features).mean(axis=0), 0, atol=1e-2)
    revenue = revenue_at_stake(parts.features, parts.fraud)
    duty = np.log1p((rows["item_price"] * rows["tax_rate"] / 100).to_numpy()) * parts.fraud
    assert revenue.max() == 1.0 and np.allclose(revenue, duty / duty.max(), atol=1e-6)


def test_declarations_hear_the_others_that_share_a_value_and_nobody_of_none():
    import torch

    from customs_assets.benchmark.detectors.deep.graph_fc import _means, _others

    vectors, shared = torch.tensor([[1.0], [3.0], [5.0], [7.0], [9.0]]), torch.tensor([0, 0, 1, 2, 2])
    # The last number, 2, stands for nobody.
    assert _others(vectors, shared, 3).flatten().tolist() == [3.0, 1.0, 0.0, 0.0, 0.0]
    assert _means(vectors, shared, 3).flatten().tolist() == [2.0, 5.0, 0.0]


def test_networks_are_cells_of_their_own_that_no_run_makes(tmp_path):
    assert list(ALL) == [*DETECTORS, *DEEP_REGISTER] and detector_class("date") is Date
    assert ASSET not in graph.assets and ASSET in graph.on_demand
    everything = graph.with_on_demand()
    assert list(everything.partitions(ASSET, ["2020-01"])) == [
        f"{dataset}|{name}" for dataset in ("source", "synthetic") for name in DEEP_REGISTER
    ]
    assert everything.inputs(ASSET, "synthetic|date", ["2020-01"]) == [("synthetic_declarations", "2020-01")]
    assert standing_cells(Lake(str(tmp_path))).empty


def _recorded(lake: Lake, asset: str, cell: str, inputs: dict[str, str]) -> Record:
    """A record of a cell that lies in the lake and passed its check."""
    path = lake.path(asset, cell)
    sha256 = hashlib.sha256(lake.read_bytes(path)).hexdigest()
    relative = path.removeprefix(lake.root).lstrip("/")
    record = Record(asset, cell, relative, "1", sha256, inputs=inputs, checks=["precision"])
    lake.save_record(record)
    lake.save_verdict(record, "precision", passed=True)
    return record


def test_a_cell_is_built_by_its_asset_and_stands_while_it_is_of_the_months_of_table_three(
    declarations: pd.DataFrame, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    lake = Lake(str(tmp_path / "lake"))
    months = sorted(declarations["date"].dt.strftime("%Y-%m").unique())
    for month in months:
        rows = declarations.loc[declarations["date"].dt.strftime("%Y-%m") == month].head(80)
        lake.write_table("synthetic_declarations", rows, month)
    tables = {
        name: Partitions(lake, "synthetic_declarations", months, "parquet")
        for name in ("anonymized_declarations", "raw_declarations", "synthetic_declarations")
    }
    monkeypatch.setenv("CUSTOMS_LAKE", lake.root)
    monkeypatch.setattr(DualTask, "schedule", Schedule(epochs=1, least_steps=3))
    key = dg.MultiPartitionKey({"detector": "dual_task", "dataset": "synthetic"})

    output = deep_detectors(dg.build_asset_context(partition_key=key), pipeline=Pipeline(), **tables)

    cell: pd.DataFrame = output.value  # pyright: ignore[reportAttributeAccessIssue]
    assert cell["inspection_rate"].tolist() == list(RATES) and set(cell["detector"]) == {"dual_task"}
    assert cell["precision_std"].max() > 0, "five seeds draw five networks"
    for asset, name in (("deep_detectors", "synthetic|dual_task"), ("fraud_benchmark", "synthetic|xgboost")):
        lake.write_table(asset, cell, name)
    inputs = {f"synthetic_declarations|{month}": "a" for month in months}
    _recorded(lake, "fraud_benchmark", "synthetic|xgboost", inputs)
    record = _recorded(lake, "deep_detectors", "synthetic|dual_task", inputs)
    standing = standing_cells(lake)
    assert standing["precision_mean"].tolist() == cell["precision_mean"].tolist()
    _recorded(lake, "fraud_benchmark", "synthetic|xgboost", {**inputs, f"synthetic_declarations|{months[0]}": "b"})
    assert standing_cells(lake).empty, "a month was made again since"
    _recorded(lake, "fraud_benchmark", "synthetic|xgboost", inputs)
    lake.save_verdict(record, "precision", passed=False)
    assert standing_cells(lake).empty


def test_the_command_refuses_unknown_networks_and_months_that_are_not_built(tmp_path):
    command = ["deep-detectors", "--lake", str(tmp_path / "lake")]
    strange = CliRunner().invoke(cli.app, [*command, "--detectors", "date,tabnet"])
    assert strange.exit_code == 2 and "tabnet: no such network; there are entity_embedding" in strange.output
    unbuilt = CliRunner().invoke(cli.app, command)
    assert unbuilt.exit_code == 1 and "not built: all months; run `customs run` first" in " ".join(
        unbuilt.output.split()
    )


def test_cells_are_a_table():
    rows = [
        {"detector": "date", "dataset": "source", "inspection_rate": rate, "precision_mean": 0.5 + rate}
        | dict.fromkeys(("recall_mean", "duty_recall_mean"), rate)
        for rate in RATES
    ]
    lines = cells_as_table(pd.DataFrame(rows)).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("| DATE | source | 0.510 | 0.520 | 0.550 | 0.600 | 0.010 |")
