"""Old runs are deleted with all that they left, and Dagster still knows what is up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from customs_assets.automation.instance import PROJECT
from customs_assets.automation.retention import delete_runs
from customs_assets.definitions import defs
from customs_assets_tests.postgresql_server import Server

RunMonth = Callable[..., dg.ExecuteInProcessResult]


def _age(home: Path, runs: list[str], days: int) -> None:
    """Record that some runs ended so many days ago."""
    then = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
    with closing(sqlite3.connect(home / "history" / "runs.db")) as database, database:
        database.executemany("update runs set update_timestamp = ? where run_id = ?", [(then, run) for run in runs])


def _what_dagster_knows(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Whether each partition is stale and why, the verdict of each check, and what automation would make next."""
    graph = defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    partitions = [(asset, month) for asset in ("raw_declarations", "quarantine") for month in ("2020-02", "2020-03")]
    stale = {
        (asset, month): (
            resolver.get_status(dg.AssetKey(asset), month),
            str(resolver.get_stale_causes(dg.AssetKey(asset), month)),
            str(resolver.get_current_data_version(dg.AssetKey(asset), month)),
        )
        for asset, month in partitions
    }
    checks = instance.event_log_storage.get_asset_check_partition_info(list(graph.asset_check_keys))
    asked = dg.evaluate_automation_conditions(defs, instance)
    return {
        "stale": stale,
        "checks": {str(check) for check in checks},
        "asked": {str(key): asked.get_requested_partitions(key) for key in graph.get_all_asset_keys()},
    }


def _old_runs(instance: dg.DagsterInstance) -> str:
    done = defs.resolve_job_def("old_runs").execute_in_process(instance=instance)
    assert done.success
    return done.run_id


def test_dagster_4100_old_runs_are_deleted_with_their_events_and_logs_but_not_what_says_what_is_up_to_date(
    pipeline: Path, instance: dg.DagsterInstance, run_month: RunMonth, monkeypatch: pytest.MonkeyPatch
):
    home = pipeline / "home"

    def check() -> str:
        return defs.resolve_job_def("months_on_time").execute_in_process(instance=instance).run_id

    superseded = run_month("quarantine", "raw_declarations").run_id
    latest_of_february = run_month("quarantine", "raw_declarations").run_id
    latest_of_march = run_month("quarantine", "raw_declarations", month="2020-03").run_id
    superseded_check, latest_check = check(), check()
    with monkeypatch.context() as broken:
        broken.setenv("CUSTOMS_SOURCE", str(pipeline / "nowhere"))
        failed, failed_lately = (run_month("quarantine", "raw_declarations").run_id for _ in range(2))
    useless, needed = [superseded, superseded_check, failed], [latest_of_february, latest_of_march, latest_check]
    _age(home, [*useless, *needed], days=366)
    _age(home, [failed_lately], days=364)
    known = _what_dagster_knows(instance)
    assert {status.value for status, _, _ in known["stale"].values()} == {"FRESH"}
    for run in useless:
        assert (home / "history" / "runs" / f"{run}.db").exists()
        assert list((home / "storage" / run).rglob("*.err"))

    monkeypatch.setenv("CUSTOMS_KEEP_RUNS_DAYS", "0")
    kept_all = _old_runs(instance)
    assert set(instance.get_run_ids()) == {*useless, *needed, failed_lately, kept_all}
    monkeypatch.delenv("CUSTOMS_KEEP_RUNS_DAYS")
    deleting = _old_runs(instance)

    assert set(instance.get_run_ids()) == {*needed, failed_lately, kept_all, deleting}
    for run in useless:
        assert not (home / "history" / "runs" / f"{run}.db").exists()
        assert not (home / "storage" / run).exists()
        with closing(sqlite3.connect(home / "history" / "runs" / "index.db")) as index:
            assert index.execute("select count(*) from event_logs where run_id = ?", (run,)).fetchone() == (0,)
    for run in needed:
        assert instance.all_logs(run)
        assert list((home / "storage" / run).rglob("*.err"))
    assert _what_dagster_knows(instance) == known


def test_dagster_4100_old_runs_are_deleted_from_a_servers_postgresql_too(
    pipeline: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch
):
    home = pipeline / "server"
    home.mkdir()
    config = (PROJECT / "deploy" / "dagster.yaml").read_text().replace("/var/lib/customs", str(home))
    (home / "dagster.yaml").write_text(config)
    postgresql.execute("create database retention")
    address = postgresql.address_with_password("retention").replace("postgresql:", "postgresql+psycopg2:")
    monkeypatch.setenv("CUSTOMS_DAGSTER_DATABASE", address)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        checked = [
            defs.resolve_job_def("months_on_time").execute_in_process(instance=instance).run_id for _ in range(2)
        ]
        made = [
            defs.resolve_job_def("month")
            .execute_in_process(
                partition_key="2020-02",
                asset_selection=[dg.AssetKey("quarantine"), dg.AssetKey("raw_declarations")],
                instance=instance,
            )
            .run_id
            for _ in range(2)
        ]
        superseded = {checked[0], made[0]}
        assert all((home / "compute_logs" / run).exists() for run in superseded)
        assert set(delete_runs(instance, datetime.now(UTC))) == superseded
        assert set(instance.get_run_ids()) == {checked[1], made[1]}
    left = postgresql.fetch("select distinct run_id from event_logs", database="retention")
    assert {run for (run,) in left} == {checked[1], made[1]}
    assert not any((home / "compute_logs" / run).exists() for run in superseded)
