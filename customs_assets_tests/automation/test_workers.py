"""A worker that is killed ends its own run and no other."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.op_concurrency_limits_counter import GlobalOpConcurrencyLimitsCounter
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from customs_assets.automation.instance import prepare_home
from customs_assets.automation.recovery import process_of
from customs_assets.automation.running import _create
from customs_assets.automation.workers import KILLED, Workers
from customs_assets.lake import Lake
from customs_assets_tests.conftest import fixed_secrets

READ = ("quarantine", "raw_declarations", "labelled_declarations")
TRAINED = ("anonymized_declarations", "unit_prices", "ctgan_model")


@pytest.fixture
def home(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance of a home with the project's own ``dagster.yaml``: one run at once trains."""
    monkeypatch.setenv("DAGSTER_HOME", str(pipeline / "home"))
    monkeypatch.setenv("CUSTOMS_EPOCHS", "1000000")
    fixed_secrets(pipeline)
    prepare_home(workers=1)
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default("training")
        yield instance


def _training(instance: dg.DagsterInstance, run_id: str) -> bool:
    steps = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return any(entry.step_key == "ctgan_model" for entry in steps)


def _waits(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run that trains would have to wait in the queue, as the daemon counts."""
    pools = instance.get_concurrency_config().pool_config
    storage = instance.event_log_storage
    counter = GlobalOpConcurrencyLimitsCounter(
        instance,
        [run],
        instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)),
        concurrency_keys=storage.get_concurrency_keys(),
        pool_limits=storage.get_pool_limits(),
        pool_granularity=pools.pool_granularity,
    )
    return counter.is_blocked(run)


def test_a_killed_worker_ends_its_own_run_and_leaves_no_slot_of_the_pool_occupied(
    pipeline: Path, home: dg.DagsterInstance
):
    """A pool of processes would be broken by it, and fail every run. Dagster's issue 32560: a killed run kept its slot."""
    ended: queue.Queue[tuple[str, str]] = queue.Queue()
    workers = Workers(home, pipeline / "workers")
    workers.on_end = lambda run_id, problem: ended.put((run_id, problem))

    def run(month: str, *assets: str) -> str:
        run_id = _create(home, "month", month, assets).run_id
        workers.take(run_id)
        return run_id

    try:
        killed = run("2020-01", *READ, *TRAINED)
        deadline = time.monotonic() + 120
        while not _training(home, killed):
            assert time.monotonic() < deadline and ended.empty()
            time.sleep(0.1)
        waiting = home.get_run_by_id(_create(home, "month", "2020-03", TRAINED).run_id)
        assert waiting is not None
        assert _waits(home, waiting), "one run at once trains"

        other = run("2020-02", *READ)
        process = process_of(home, killed)
        assert process is not None
        os.kill(process[0], signal.SIGKILL)
        ends = dict(ended.get(timeout=120) for _ in range(2))
        assert ends == {killed: KILLED, other: ""}
        statuses = {run_id: record.status for run_id in ends if (record := home.get_run_by_id(run_id)) is not None}
        assert statuses == {killed: dg.DagsterRunStatus.FAILURE, other: dg.DagsterRunStatus.SUCCESS}
        assert not _waits(home, waiting)
        assert home.event_log_storage.get_concurrency_info("training").active_slot_count == 0

        again = run("2020-01", "labelled_declarations")
        assert ended.get(timeout=120) == (again, "")
    finally:
        workers.close()
    lake = Lake(str(pipeline / "lake"))
    assert lake.record("labelled_declarations", "2020-02") is not None
    assert lake.record("ctgan_model", "2020-01") is None
    assert not list((pipeline / "lake" / "ctgan_model").glob("*")), "nothing half-written"
