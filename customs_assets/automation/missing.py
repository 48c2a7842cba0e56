"""Make what is missing: plan runs from provenance, run them side by side in worker processes, say what became of each.

Every run is a real Dagster run, recorded in the instance that the UI shows. A worker process loads the code location once and
takes one run after another, so that a month costs what its work costs. What belongs here starts runs and watches them; how
progress looks on a terminal stands in ``cli.py``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from sqlalchemy.exc import SQLAlchemyError

from customs_assets.automation.jobs import job_of
from customs_assets.automation.recovery import HOST_TAG, PROCESS_TAG, end_with_parent
from customs_assets.catalogue import BY_KEY, Partitioning, stage_of
from customs_assets.partitions import run_tags
from customs_assets.provenance import Node

TASK_TAG = "customs/task"

# Whoever called `customs run` calls it again where a run of its was killed; the daemon need not.
_TAGS = {HOST_TAG: socket.gethostname(), "dagster/max_retries": "0"}

# One thread to each worker: months side by side use the cores, and sums come out in one order only.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")

# What takes longest of a stage, the longest first: begun last, it would keep one worker busy while the others idle.
_LONGEST = ("random_forest", "release_evidence", "catboost", "release_privacy")

NOT_RUN = "not run, because something failed that it is made from; mend that and run again"

_EPOCH = re.compile(r"epoch (\d+)/(\d+)")


@dataclass(frozen=True)
class Task:
    """One run to be made: some assets of one partition.

    Attributes:
        stage: when its assets are made (``catalogue.stage_of``).
        partitioning: how its assets are cut.
        partition: partition key, empty for the whole.
        assets: what it makes; one job makes all of them.
        identifier: value of the run's tag :data:`TASK_TAG`.
    """

    stage: int
    partitioning: Partitioning
    partition: str
    assets: tuple[str, ...]
    identifier: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def job(self) -> str:
        """The name of the job that makes its assets."""
        return job_of(self.assets[0])

    @property
    def title(self) -> str:
        """What a person calls the task."""
        match self.partitioning:
            case Partitioning.MONTH:
                return self.partition if self.stage == 0 else f"{self.partition}, synthesis"
            case Partitioning.CELL:
                dataset, detector = self.partition.split("|")
                return f"{detector} on {dataset}"
            case Partitioning.WHOLE:
                return self.job


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        success: whether every asset was made and no error-level expectation failed.
        run_id: the run, empty where none was started.
        problems: what went wrong, a sentence each.
        warnings: warning-level expectations that did not hold, a sentence each.
    """

    success: bool
    run_id: str = ""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a running task is: the assets it has made, and what it is at."""

    made: int
    doing: str


def plan(nodes: Sequence[Node]) -> list[Task]:
    """The runs that make some nodes, stage by stage and in each the longest first: for each partition one of every job."""
    grouped: dict[tuple[str, int, Partitioning, str], list[str]] = {}
    for key, partition in nodes:
        grouped.setdefault((job_of(key), stage_of(key), BY_KEY[key].partitioning, partition), []).append(key)
    tasks = [
        Task(stage, partitioning, partition, tuple(keys))
        for (_, stage, partitioning, partition), keys in grouped.items()
    ]
    return sorted(tasks, key=lambda task: (task.stage, _after_longest(task), task.partition))


def _after_longest(task: Task) -> int:
    """How many kinds of task of the same stage take longer than this one."""
    name = task.partition.split("|")[-1] if task.partitioning is Partitioning.CELL else task.assets[0]
    if name in _LONGEST:
        return _LONGEST.index(name)
    return len(_LONGEST) + (task.partitioning is not Partitioning.WHOLE)


def run_tasks(
    tasks: Sequence[Task],
    workers: int,
    log_folder: Path,
    on_start: Callable[[Task], None],
    on_end: Callable[[Task, Outcome], None],
    on_tick: Callable[[], None],
) -> dict[Task, Outcome]:
    """Run tasks side by side, each as soon as what it is made from is there; of those that could start, the first in order.

    Where a task fails, those that are made from it are not run: what is made over all months would lack one that was asked
    for, and would look whole. Running again does what is left.

    Args:
        tasks: what to run, in order of preference.
        workers: how many runs at once.
        log_folder: folder that the workers' own output goes to.
        on_start: called when a task is handed to a worker.
        on_end: called when a task has ended.
        on_tick: called a few times a second while tasks run.
    """
    outcomes: dict[Task, Outcome] = {}
    needs = {task: needs_of(task, tasks) for task in tasks}
    waiting = list(tasks)
    running: dict[Future[Outcome], Task] = {}
    with _workers(min(workers, max(len(tasks), 1)), log_folder) as pool:
        while waiting or running:
            for task in list(waiting):
                if any(other in outcomes and not outcomes[other].success for other in needs[task]):
                    waiting.remove(task)
                    outcomes[task] = Outcome(False, problems=(NOT_RUN,))
                elif len(running) < workers and all(other in outcomes for other in needs[task]):
                    waiting.remove(task)
                    running[_submit(pool, task)] = task
                    on_start(task)
            done, _ = wait(running, timeout=0.3, return_when=FIRST_COMPLETED)
            on_tick()
            for future in done:
                task = running.pop(future)
                outcomes[task] = _outcome(future, task)
                on_end(task, outcomes[task])
    return outcomes


def needs_of(task: Task, tasks: Sequence[Task]) -> list[Task]:
    """The tasks that make what a task is made from: of the same month, where both are months, else of all partitions."""
    upstream = {key for asset in task.assets for key in BY_KEY[asset].upstream_for(task.partition)}
    upstream -= set(task.assets)
    return [
        other
        for other in tasks
        if not upstream.isdisjoint(other.assets)
        and (other.partition == task.partition or {other.partitioning, task.partitioning} != {Partitioning.MONTH})
    ]


@contextlib.contextmanager
def _workers(count: int, log_folder: Path) -> Iterator[ProcessPoolExecutor]:
    for variable in _ONE_THREAD:
        os.environ.setdefault(variable, "1")
    log_folder.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker, initargs=(str(log_folder),))
    try:
        yield pool
    except BaseException:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        raise
    if pool._broken:
        # A worker that was told to end amid a step may miss it and then wait for ever for a next task.
        for process in list((pool._processes or {}).values()):
            process.kill()
    pool.shutdown()


def _submit(pool: ProcessPoolExecutor, task: Task) -> Future[Outcome]:
    try:
        return pool.submit(_execute, task)
    except BrokenProcessPool as error:
        failed: Future[Outcome] = Future()
        failed.set_exception(error)
        return failed


def _outcome(future: Future[Outcome], task: Task) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        _report_lost(task)
        return Outcome(False, problems=("its worker process was killed (out of memory?); run again to finish",))
    except (OSError, SQLAlchemyError) as error:
        return Outcome(False, problems=(f"Dagster's storage failed: {first_line(error)}; run again to finish",))


def first_line(error: Exception) -> str:
    """The first line of an error's message; the rest quotes statements and their parameters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _report_lost(task: Task) -> None:
    """Mark the run of a task whose worker died as failed, so that nobody waits for it."""
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(tags={TASK_TAG: task.identifier})):
            if not run.is_finished:
                instance.report_run_failed(run, "the worker process was killed")


def _start_worker(log_folder: str) -> None:
    """Bind a worker's life to its parent's, send its output to a file of its own and load the code location once."""
    end_with_parent()
    stream = (Path(log_folder) / f"worker-{os.getpid()}.log").open("a", buffering=1)
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    _repository()


def _repository() -> ReconstructableRepository:
    return ReconstructableRepository.for_module("customs_assets.definitions", "defs")


def _execute(task: Task) -> Outcome:
    """Run one task in this process, as a run of its job in the instance."""
    job = _repository().get_reconstructable_job(task.job)
    tags = {
        **run_tags(task.partitioning, task.partition),
        TASK_TAG: task.identifier,
        **_TAGS,
        PROCESS_TAG: str(os.getpid()),
    }
    selection = [dg.AssetKey(key) for key in task.assets]
    with (
        dg.DagsterInstance.get() as instance,
        dg.execute_job(job, instance, tags=tags, asset_selection=selection) as result,
    ):
        return _summary(result, task)


def _summary(result: dg.JobExecutionResult, task: Task) -> Outcome:
    problems: list[str] = []
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            problems.append(f"{event.step_key}: {data.user_failure_data.description}")
            continue
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
            # Which expectation it was, and what did not hold, the evaluation says below.
            continue
        said = error.message.strip().splitlines() if error else ["failed"]
        problems.append(f"{event.step_key}: {said[0] if said else 'failed'}")
    warnings: list[str] = []
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed:
            sentence = f"{evaluation.asset_key.to_user_string()}, {evaluation.check_name}: {evaluation.description}"
            is_error = evaluation.severity is dg.AssetCheckSeverity.ERROR
            (problems if is_error else warnings).append(sentence)
    if result.success and not problems:
        return Outcome(True, result.run_id, (), tuple(warnings))
    return Outcome(False, result.run_id, tuple(problems) or (f"run {result.run_id} failed",), tuple(warnings))


class Watch:
    """Reads from the instance how far the runs of tasks are."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._runs: dict[str, str] = {}
        self._cursors: dict[str, str | None] = {}
        self._progress: dict[str, Progress] = {}

    def look(self, task: Task) -> Progress:
        """The progress of a running task, from the events since the last look."""
        known = self._progress.get(task.identifier, Progress(0, "starting"))
        run_id = self._runs.get(task.identifier) or self._find(task)
        if run_id is None:
            return known
        connection = self._instance.get_records_for_run(run_id, cursor=self._cursors.get(run_id))
        self._cursors[run_id] = connection.cursor
        made, doing = known.made, known.doing
        for record in connection.records:
            entry = record.event_log_entry
            if entry.dagster_event and entry.dagster_event.is_step_start:
                doing = (entry.step_key or doing).replace("_", " ")
            elif entry.dagster_event and entry.dagster_event.is_step_materialization:
                made += 1
            elif epoch := _EPOCH.search(entry.user_message or ""):
                doing = f"ctgan model, {epoch.group(0)}"
        self._progress[task.identifier] = Progress(made, doing)
        return self._progress[task.identifier]

    def _find(self, task: Task) -> str | None:
        runs = self._instance.get_runs(dg.RunsFilter(tags={TASK_TAG: task.identifier}), limit=1)
        if runs:
            self._runs[task.identifier] = runs[0].run_id
        return self._runs.get(task.identifier)
