"""The UI as a person meets it: a month that is made, its checks and figures, what failed and why, a backfill, the graph.

Set CUSTOMS_SCREENSHOTS to a folder to keep the pictures that docs/operations.md shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import pandas as pd
import pytest
from browser import Browser, browser

from customs_assets.declaration import BY_NAME
from customs_assets.lake import Lake
from customs_assets_tests.services import Services, customs, small_environment

MONTHS = ("2020-01", "2020-02", "2020-03")
BAD_MONTH = "2020-04"
UP_TO_THE_CANDIDATE = '+key:"release_candidate" or key:"quarantine" or key:"quality_report"'
NOT_ASKED_FOR = {
    "rehearsed_declarations",
    "fraud_benchmark",
    "privacy_report",
    "release_privacy",
    "synthetic_release",
    "release_evidence",
    "trade_patterns",
    "evidence_report",
    "public_evidence",
    "drift",
    "month_counts",
}


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, small_declarations: Callable[[str], pd.DataFrame]
) -> Iterator[Services]:
    """Dagster's services over a source of four months, the last of which has six rows that break the form."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "source").mkdir()
    for month in (*MONTHS, BAD_MONTH):
        rows = small_declarations(month)
        if month == BAD_MONTH:
            rows.loc[:4, BY_NAME["net_mass"].header] = "-77.25"
            rows.loc[5, BY_NAME["country_of_origin"].header] = "QQ"
        rows.to_csv(folder / "source" / f"declarations-{month}.csv", index=False)
    with Services(
        folder, small_environment(folder, CUSTOMS_SOURCE=str(folder / "source"), CUSTOMS_EPOCHS="30")
    ) as started:
        yield started


@pytest.fixture(scope="module")
def ui(services: Services) -> Iterator[Browser]:
    """A browser on the UI."""
    shots = os.environ.get("CUSTOMS_SCREENSHOTS")
    with browser(services.url, Path(shots) if shots else None) as opened:
        yield opened


def _ended(services: Services, job: str) -> bool:
    runs = [run for run in services.runs() if run["jobName"] == job]
    return bool(runs) and all(run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in runs)


def test_a_month_is_made_from_the_ui_and_shows_its_checks_and_figures(ui: Browser, services: Services):
    ui.launch(BAD_MONTH)
    services.wait_until(lambda: _ended(services, "month"), 300)
    assert [(run["status"], run["tags"]["dagster/partition"]) for run in services.runs()] == [("SUCCESS", BAD_MONTH)]
    ui.open(f"/assets/ctgan_model?view=partitions&partition={BAD_MONTH}")
    assert len(ui.rows_of_table("losses")) == 30, "an epoch each"


def test_a_failed_expectation_says_how_many_rows_and_why(ui: Browser):
    ui.open("/assets/quarantine?view=checks&checkDetail=share")
    ui.see("1 of 1 expectations do not hold; first: at most 1% of the month's 150 rows are quarantined.")
    ui.see("quarantined: negative_number: 5; quarantined: unknown_code: 1")
    ui.shoot("failed-expectation")


def test_one_backfill_from_the_graph_makes_three_months_and_what_would_be_released(ui: Browser, services: Services):
    ui.launch_backfill(UP_TO_THE_CANDIDATE, f"[{MONTHS[0]}...{MONTHS[-1]}]", shot="launch-a-backfill")
    services.wait_until(lambda: [*services.backfills().values()] not in ([], ["REQUESTED"]), 600)
    assert [*services.backfills().values()] == ["COMPLETED_SUCCESS"]
    lake = Lake(services.environment["CUSTOMS_LAKE"])
    assert lake.partitions("ctgan_model", "safetensors") == [*MONTHS, BAD_MONTH]
    assert lake.partitions("synthetic_declarations") == [*MONTHS]
    train = pd.read_csv(Path(lake.root) / "release_candidate" / "train.csv")
    assert set(train["Date"].str[:7]) == {*MONTHS}
    arguments = ("status", "--months", f"{MONTHS[0]}:{MONTHS[-1]}")
    left, _ = customs(services.folder, services.environment, *arguments, stdout=PIPE, text=True).communicate()
    assert {line.split(" ")[0].rstrip(":") for line in left.splitlines()} == {*NOT_ASKED_FOR, "what", "withheld"}
    assert not lake.exists("synthetic_release", suffix=""), "no attack was measured"

    ui.open("/runs")
    ui.page.get_by_text("Show runs within backfills").click()
    ui.see("partition: 2020-03")
    ui.shoot("runs")
    ui.open("/assets/ctgan_model?view=partitions")
    ui.see("Materialized (4)")
    ui.open(f"/assets/quality_report?view=partitions&partition={MONTHS[-1]}")
    ui.see("CategoryCoverage")
    assert len(ui.rows_of_table("declarations_a_day")) == 28, "the source has none after the 28th"
    ui.shoot("scores-of-a-month")
    ui.open_whole_graph()
    for asset in ("raw_declarations", "ctgan_model", "fraud_benchmark", "synthetic_release", "evidence_report"):
        ui.see(asset)
    ui.shoot("asset-graph")
