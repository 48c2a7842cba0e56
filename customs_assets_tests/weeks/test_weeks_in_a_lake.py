"""The assets of weeks and of trade in a lake: built by their jobs, and shown only while they are of the lake's declarations."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.benchmark.features import FEATURES
from customs_assets.definitions import defs, graph
from customs_assets.weeks.standing import standing_weeks
from customs_assets_tests.lakes import BuiltLake

MONTHS = ["2020-01", "2020-02"]


class TradingLake(BuiltLake):
    """A built lake whose anonymized and synthetic declarations are some."""

    def write(self, key: str, partition: str, content: str) -> tuple[str, str]:
        """Write a partition; its path and its checksum."""
        if key not in ("anonymized_declarations", "synthetic_declarations"):
            return super().write(key, partition, content)
        rows = _declarations(partition, seed=len(key) + len(content))
        return self.lake.path(key, partition), self.lake.write_table(key, rows, partition)


def _declarations(month: str, seed: int) -> pd.DataFrame:
    """A month of 200 declarations of 40 importers."""
    rng = np.random.default_rng([seed, int(month[-2:])])
    importer = rng.integers(40, size=200)
    return pd.DataFrame(
        {
            "declaration_id": [f"{row:06d}" for row in range(200)],
            "date": pd.Timestamp(month) + pd.to_timedelta(rng.integers(28, size=200), unit="D"),
            **dict.fromkeys(FEATURES, "A"),
            "importer_id": [f"I{number:02d}" for number in importer],
            "declarant_id": [f"D{number % 7}" for number in importer],
            "hs6_code": "610910",
            **dict.fromkeys(("tax_rate", "net_mass", "item_price"), 10.0),
            "fraud": (importer < 8).astype(np.int8),
        }
    )


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_source: Path) -> TradingLake:
    """Two months."""
    monkeypatch.setenv("CUSTOMS_SOURCE", str(small_source))
    for name in ("lake", "identity_key", "release_secret", "published"):
        monkeypatch.setenv(f"CUSTOMS_{name.upper()}", str(tmp_path / name))
    made = TradingLake(None, graph, MONTHS)
    made.build_everything()
    return made


def _made(job: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=partition)


def test_a_cell_is_built_by_its_job_and_stands_while_its_declarations_do(
    lake: TradingLake, monkeypatch: pytest.MonkeyPatch
):
    assert _made("weeks", "synthetic|hybrid").success and _made("weeks", "source|random").success
    documents = standing_weeks(lake.lake)
    assert [(of["dataset"], of["strategy"]) for of in documents] == [("source", "random"), ("synthetic", "hybrid")]
    weeks = documents[0]["regimes"]["constant"]["by_week"]
    assert len(documents[0]["starts"]) == len(weeks["precision"]) == 6 and sum(weeks["inspected"]) > 12
    record = lake.lake.record("inspection_weeks", "source|random")
    assert record is not None and set(record.inputs) == {f"anonymized_declarations|{month}" for month in MONTHS}
    assert lake.lake.passed(record)
    lake.build("synthetic_declarations", "2020-02", content="other rows")
    assert [of["dataset"] for of in standing_weeks(lake.lake)] == ["source"]
    monkeypatch.setenv("CUSTOMS_WEEKLY_RATE", "0.2")
    assert standing_weeks(lake.lake) == [], "cells of different rates cannot be compared"


def test_trade_is_compared_over_all_months_by_its_job(lake: TradingLake):
    done = _made("trade")
    assert done.success
    found = lake.lake.read_json("trade_patterns")
    assert found["months"] == MONTHS and len(found["claims"]) > 25
    [judged] = [check for check in done.get_asset_check_evaluations() if check.check_name == "goals"]
    assert judged.severity is dg.AssetCheckSeverity.WARN


def test_the_command_says_what_is_wrong(lake: TradingLake):
    strange = CliRunner().invoke(cli.app, ["weeks", "--strategies", "hybrid,oracle"])
    assert (
        strange.exit_code == 2 and "oracle: no such strategy; there are exploitation, random, risky" in strange.output
    )
    not_built = CliRunner().invoke(cli.app, ["weeks", "--lake", f"{lake.lake.root}-elsewhere"])
    assert not_built.exit_code == 1 and "run `customs run` first" in not_built.output
