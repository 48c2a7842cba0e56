"""The UI as a person meets it: the graph, a month that is made, its checks and plots, a backfill, what failed and why.

Set CUSTOMS_SCREENSHOTS to a folder to keep the pictures that docs/operations.md shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser import Browser, browser

from benchmarks.services import Services, customs, small_environment
from customs_assets.declaration import BY_NAME

MONTHS = ("2020-01", "2020-02", "2020-03")
BAD_MONTH = "2020-04"


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


def _months(services: Services) -> list[dict[str, Any]]:
    """The runs that read and learned months."""
    return [run for run in services.runs() if run["jobName"] == "month"]


def _ended(services: Services, runs: int) -> bool:
    months = _months(services)
    return len(months) >= runs and all(run["status"] in ("SUCCESS", "FAILURE") for run in months)


def test_a_month_is_made_from_the_ui_and_shows_its_checks_and_plots(ui: Browser, services: Services):
    ui.launch(BAD_MONTH)
    services.wait_until(lambda: _ended(services, 1), 300)
    assert [run["status"] for run in _months(services)] == ["SUCCESS"]
    ui.open_graph()
    for asset in ("raw_declarations", "ctgan_model", "fraud_benchmark", "synthetic_release"):
        ui.see(asset)
    ui.shoot("asset-graph")

    # What is made over all months, and the synthetic month from it.
    assert customs(services.folder, services.environment, "run", "--months", BAD_MONTH).wait(300) == 0
    ui.open(f"/assets/quality_report?view=partitions&partition={BAD_MONTH}")
    ui.see("CategoryCoverage")
    assert ui.width_of_plot("declarations_a_day") > 300
    ui.close_dialog()
    ui.shoot("scores-of-a-month")
    ui.open(f"/assets/ctgan_model?view=partitions&partition={BAD_MONTH}")
    assert ui.width_of_plot("losses") > 300
    ui.shoot("losses-of-a-model")


def test_a_failed_expectation_says_how_many_rows_and_why(ui: Browser):
    ui.open("/assets/quarantine?view=checks&checkDetail=share")
    ui.see("1 of 1 expectations do not hold; first: at most 1% of the month's 150 rows are quarantined.")
    ui.see("quarantined: negative_number: 5; quarantined: unknown_code: 1")
    ui.shoot("failed-expectation")


def test_a_backfill_of_three_months_is_launched_from_the_ui_and_ends(ui: Browser, services: Services):
    ui.launch(f"[{MONTHS[0]}...{MONTHS[-1]}]", shot="launch-a-backfill")
    services.wait_until(lambda: _ended(services, 4), 500)
    assert sorted(run["tags"]["dagster/partition"] for run in _months(services)) == [*MONTHS, BAD_MONTH]
    assert {run["status"] for run in _months(services)} == {"SUCCESS"}
    ui.open("/runs")
    ui.page.get_by_text("Show runs within backfills").click()
    ui.see("partition: 2020-03")
    ui.shoot("runs")
    ui.open("/assets/ctgan_model?view=partitions")
    ui.see("Materialized (4)")
