"""What runs by itself: the month that closed, whatever stands downstream of a month made again, and how many train at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from customs_assets.automation.instance import prepare_home
from customs_assets.automation.jobs import schedules
from customs_assets.automation.refresh import refresh_sensor
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import ARTIFACTS, Partitioning
from customs_assets.definitions import defs
from customs_assets.lake import Lake
from customs_assets.partitions import months
from customs_assets.settings import Settings

DOWNSTREAM = (
    "unit_prices",
    "anonymized_declarations",
    "ctgan_model",
    "synthetic_declarations",
    "quality_report",
    "privacy_report",
)


class Automation:
    """The automation conditions over an instance, evaluated tick by tick as the daemon does."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._cursor = None

    def made(self, asset: str, partition: str | None) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))

    def tick(self) -> set[tuple[str, str | None]]:
        """What a tick asks for, as (asset, partition)."""
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self._cursor)
        self._cursor = result.cursor
        return {
            (key.to_user_string(), partition)
            for key in defs.resolve_asset_graph().get_all_asset_keys()
            for partition in result.get_requested_partitions(key)
        }


def test_a_month_made_again_refreshes_its_own_partitions_and_then_what_is_made_over_all_months(
    instance: dg.DagsterInstance,
):
    automation = Automation(instance)
    for month in ("2020-01", "2020-02"):
        for asset in ("raw_declarations", "quarantine", "labelled_declarations", *DOWNSTREAM):
            automation.made(asset, month)
    assert automation.tick() == set(), "what was made before automation was turned on asks for nothing"
    automation.made("labelled_declarations", "2020-01")
    assert automation.tick() == {(asset, "2020-01") for asset in DOWNSTREAM}
    for asset in DOWNSTREAM:
        automation.made(asset, "2020-01")
    asked = automation.tick()
    cells = {
        ("fraud_benchmark", f"{dataset}|{detector}") for dataset in ("source", "synthetic") for detector in DETECTORS
    }
    over_all_months = {(a.key, None) for a in ARTIFACTS if a.partitioning is Partitioning.WHOLE}
    assert asked == over_all_months | cells
    assert automation.tick() == set()


def test_nothing_is_built_on_a_month_whose_blocking_expectation_failed(
    pipeline: Path, instance: dg.DagsterInstance, run_month: Callable[..., dg.ExecuteInProcessResult]
):
    automation, lake = Automation(instance), Lake(str(pipeline / "lake"))
    automation.tick()
    assert run_month("quarantine", "raw_declarations", "labelled_declarations").success
    assert automation.tick() == {(asset, "2020-02") for asset in DOWNSTREAM}
    labelled = lake.read_frame("labelled_declarations", "2020-02")
    lake.write_table("labelled_declarations", labelled.assign(office_id="4"), "2020-02")
    run_month("anonymized_declarations")
    assert automation.tick() == set()
    lake.write_table("labelled_declarations", labelled, "2020-02")
    run_month("anonymized_declarations")
    assert ("ctgan_model", "2020-02") in automation.tick()


def test_on_the_third_the_month_that_closed_is_asked_for():
    schedule = defs.resolve_schedule_def("month_that_closed")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime(2021, 3, 3, 4, tzinfo=UTC))
        [request] = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == "2021-02"
    assert schedule.cron_schedule == "0 4 3 * *"


@pytest.mark.parametrize(("day", "last"), [("2021-02-28", "2021-01"), ("2021-03-01", "2021-02")])
def test_months_appear_as_they_close(day: str, last: str):
    with partition_loading_context(datetime.fromisoformat(day).replace(tzinfo=UTC)):
        assert months.get_last_partition_key() == last


@pytest.mark.parametrize("on", [False, True])
def test_nothing_starts_by_itself_unless_automation_is_set(on: bool):
    settings = Settings(automation=on)  # pyright: ignore[reportCallIssue]
    for schedule in schedules(settings):
        assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) is on
    assert (refresh_sensor(settings).default_status is dg.DefaultSensorStatus.RUNNING) is on


def test_training_has_a_pool_and_a_new_home_limits_it_to_the_workers(tmp_path, monkeypatch: pytest.MonkeyPatch):
    graph = defs.resolve_asset_graph()
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.get_all_asset_keys()}
    assert {key for key, of in pools.items() if of} == {"ctgan_model"}
    assert pools["ctgan_model"] == {"training"}
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    home = prepare_home(workers=3)
    assert home.stat().st_mode & 0o777 == 0o700
    with dg.DagsterInstance.from_config(str(home)) as instance:
        limits = instance.get_concurrency_config()
        assert limits.pool_config.default_pool_limit == 3
        assert limits.run_queue_config is not None
        assert limits.run_queue_config.max_concurrent_runs == 3
