"""What runs by itself: the month that closed, whatever stands downstream of a month made again, and how many train at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from customs_assets.automation.instance import prepare_home
from customs_assets.automation.jobs import schedules
from customs_assets.automation.refresh import refresh_sensor
from customs_assets.automation.retention import old_runs_schedule
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import ARTIFACTS, Partitioning, stage_of
from customs_assets.definitions import defs
from customs_assets.lake import Lake
from customs_assets.partitions import months
from customs_assets.settings import Settings

# What of a month follows from its labelled declarations alone.
DOWNSTREAM = (
    "unit_prices",
    "anonymized_declarations",
    "ctgan_model",
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


def _of(partitioning: Partitioning, stage: int) -> list[str]:
    return [a.key for a in ARTIFACTS if a.partitioning is partitioning and stage_of(a.key) == stage]


def test_a_month_made_again_makes_what_stands_downstream_once_stage_by_stage(instance: dg.DagsterInstance):
    automation = Automation(instance)
    partitions = {
        Partitioning.MONTH: ["2020-01", "2020-02"],
        Partitioning.WHOLE: [None],
        Partitioning.CELL: [f"{dataset}|{detector}" for dataset in ("source", "synthetic") for detector in DETECTORS],
    }
    for artifact in ARTIFACTS:
        for partition in partitions[artifact.partitioning]:
            automation.made(artifact.key, partition)
    assert automation.tick() == set(), "what was made before automation was turned on asks for nothing"
    automation.made("labelled_declarations", "2020-01")
    asked: list[set[tuple[str, str | None]]] = []
    while found := automation.tick():
        asked.append(found)
        for artifact in ARTIFACTS:
            for key, partition in found:
                if key == artifact.key:
                    automation.made(key, partition)
    assert asked[0] == {(asset, "2020-01") for asset in DOWNSTREAM}
    assert asked[1] >= {(asset, None) for asset in _of(Partitioning.WHOLE, 1)}
    assert asked[2] == {
        (asset, month) for asset in _of(Partitioning.MONTH, 2) for month in partitions[Partitioning.MONTH]
    }
    assert {key for key, _ in asked[-1]} == {"evidence_report"}
    times = Counter(what for tick in asked for what in tick)
    assert {what: count for what, count in times.items() if count > 1} == {}
    everything = {(a.key, p) for a in ARTIFACTS if stage_of(a.key) for p in partitions[a.partitioning]}
    assert set(times) == everything | {(asset, "2020-01") for asset in DOWNSTREAM}


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
    for schedule in (*schedules(settings), old_runs_schedule(settings)):
        assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) is on
    assert (refresh_sensor(settings).default_status is dg.DefaultSensorStatus.RUNNING) is on


def test_training_has_a_pool_and_a_new_home_limits_it_to_the_workers(tmp_path, monkeypatch: pytest.MonkeyPatch):
    graph = defs.resolve_asset_graph()
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.get_all_asset_keys()}
    assert {key for key, of in pools.items() if of} == {"ctgan_model", "rehearsed_declarations"}
    assert pools["ctgan_model"] == pools["rehearsed_declarations"] == {"training"}
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    home = prepare_home(workers=3)
    assert home.stat().st_mode & 0o777 == 0o700
    with dg.DagsterInstance.from_config(str(home)) as instance:
        limits = instance.get_concurrency_config()
        assert limits.pool_config.default_pool_limit == 3
        assert limits.run_queue_config is not None
        assert limits.run_queue_config.max_concurrent_runs == 3
