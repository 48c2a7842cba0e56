"""What runs by itself: the month that closed, whatever stands downstream of a month made again, and how many train at once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from customs_assets.automation.instance import prepare_home
from customs_assets.automation.jobs import JOB_OF, schedules
from customs_assets.automation.refresh import refresh_sensor
from customs_assets.automation.retention import old_runs_schedule
from customs_assets.definitions import defs, graph
from customs_assets.graph import Node
from customs_assets.partitions import months
from customs_assets.settings import Settings
from customs_assets_tests.lakes import BuiltLake


class Automation:
    """The automation conditions over an instance and its lake, evaluated tick by tick as the daemon does."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._cursor = None

    def tick(self) -> set[Node]:
        """What a tick asks for."""
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self._cursor)
        self._cursor = result.cursor
        return {
            (key.to_user_string(), partition or "")
            for key in defs.resolve_asset_graph().get_all_asset_keys()
            for partition in result.get_requested_partitions(key)
        }


def test_a_month_built_again_is_followed_by_what_is_built_from_it_once_and_in_order(
    pipeline: Path, instance: dg.DagsterInstance
):
    lake, automation = BuiltLake(instance, graph, ["2020-01", "2020-02"]), Automation(instance)
    lake.build_everything()
    assert automation.tick() == set(), "what is up to date asks for nothing"
    lake.build("anonymized_declarations", "2020-01", "other rows")
    asked: list[set[Node]] = []
    while found := automation.tick():
        asked.append(found)
        for node in sorted(found, key=lambda node: list(graph.assets).index(node[0])):
            lake.build(*node, "built again")
    assert asked[0] == {("unit_prices", "2020-01"), ("ctgan_model", "2020-01")} | {
        node for node in asked[0] if JOB_OF[node[0]] in ("shared", "rehearsal", "fraud_benchmark_cell")
    } - {("fraud_propensity", "")}
    times = Counter(node for tick in asked for node in tick)
    assert {node: count for node, count in times.items() if count > 1} == {}
    everything = {(key, of) for key in graph.assets for of in graph.partitions(key, lake.months)}
    untouched = {(key, "2020-02") for key, job in JOB_OF.items() if job == "month"}
    source = {(key, "2020-01") for key in ("raw_declarations", "quarantine", "labelled_declarations")}
    law = {("tariff", ""), ("tariff_routes", "")}
    # The population is counted in what was read, inspected or not, and so is what months are compared by.
    counted = {("population", "2020-01"), ("safe_parts", ""), ("confidential_trade", "")}
    counted |= {("month_counts", "2020-01"), ("drift", "2020-01"), ("drift", "2020-02")}
    assert set(times) == everything - untouched - source - law - counted - {("anonymized_declarations", "2020-01")}


def test_what_comes_out_the_same_is_followed_by_nothing(pipeline: Path, instance: dg.DagsterInstance):
    lake, automation = BuiltLake(instance, graph, ["2020-01", "2020-02"]), Automation(instance)
    lake.build_everything()
    assert automation.tick() == set()
    lake.build("anonymized_declarations", "2020-01")
    assert automation.tick() == set()


def test_a_run_that_failed_is_not_asked_for_again_until_its_inputs_change(pipeline: Path, instance: dg.DagsterInstance):
    lake, automation = BuiltLake(instance, graph, ["2020-01", "2020-02"]), Automation(instance)
    lake.build_everything()
    automation.tick()
    lake.build("synthetic_declarations", "2020-01", "other rows")
    assert ("quality_report", "2020-01") in automation.tick()
    assert ("quality_report", "2020-01") not in automation.tick()
    lake.build("synthetic_declarations", "2020-01", "yet other rows")
    assert ("quality_report", "2020-01") in automation.tick()


def test_nothing_is_built_on_a_month_whose_blocking_check_failed(pipeline: Path, instance: dg.DagsterInstance):
    lake, automation = BuiltLake(instance, graph, ["2020-01", "2020-02"]), Automation(instance)
    lake.build_everything()
    automation.tick()
    lake.build("anonymized_declarations", "2020-01", "names", passed=False)
    assert automation.tick() == set()
    lake.build("anonymized_declarations", "2020-01", "other rows")
    assert ("unit_prices", "2020-01") in automation.tick()


def test_on_the_third_the_month_that_closed_is_asked_for():
    schedule = defs.resolve_schedule_def("month_that_closed")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime(2021, 3, 3, 4, tzinfo=UTC))
        [request] = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == "2021-02"
    assert schedule.cron_schedule == "0 4 3 * *"


def test_the_law_is_read_by_itself_and_a_source_is_not(pipeline: Path, instance: dg.DagsterInstance):
    lake, automation = BuiltLake(instance, graph, ["2020-01"]), Automation(instance)
    for key in ("raw_declarations", "quarantine", "labelled_declarations", "anonymized_declarations"):
        lake.build(key, "2020-01")
    asked = automation.tick()
    assert {("tariff", ""), ("tariff_routes", "")} <= asked
    assert not asked & {(key, month) for key in ("raw_declarations", "quarantine") for month in ("2020-01", "2020-02")}


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
    assert {key for key, of in pools.items() if of} == {
        "ctgan_model",
        "rehearsed_declarations",
        "shadow_scores",
        "synthesizer_league",
        "deep_detectors",
    }
    assert pools["ctgan_model"] == pools["rehearsed_declarations"] == pools["shadow_scores"] == {"training"}
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    home = prepare_home(workers=3)
    assert home.stat().st_mode & 0o777 == 0o700
    with dg.DagsterInstance.from_config(str(home)) as instance:
        limits = instance.get_concurrency_config()
        assert limits.pool_config.default_pool_limit == 3
        assert limits.run_queue_config is not None
        assert limits.run_queue_config.max_concurrent_runs == 3
