"""Build what is out of date: look, start the runs that can start, wait for one to end, and look again.

Every run is a real Dagster run, recorded in the instance that the UI shows. How progress looks on a terminal stands in
``cli.py``; who executes a run, in ``workers.py``.
"""

from __future__ import annotations

import queue
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import dagster as dg

from customs_assets.automation.failures import sentence_of
from customs_assets.automation.jobs import JOB_OF
from customs_assets.automation.staleness import Staleness, ready
from customs_assets.automation.workers import Lost, repository
from customs_assets.graph import LEFT_OUT, Node
from customs_assets.lake.io_manager import RAW

# Whoever called `customs run` calls it again where a run of its was killed; the daemon need not.
_TAGS = {"dagster/max_retries": "0"}

# Of the runs that can start, which come first: jobs in the order of the data, and of those that can start together the
# longest first. Begun last, it would keep one worker busy while the others are idle.
_FIRST = (
    *("law", "compare", "month", "shared", "rehearsal", "synthesis"),
    *("random_forest", "measures", "catboost", "attacks", "candidate", "release", "fraud_benchmark_cell"),
    *("trade", "evidence", "targets", "shadow", "deep", "league", "networks", "weeks"),
)

# A partition that is out of date again each time it was built has inputs that change all the time.
_MOST_TIMES = 3


@dataclass(frozen=True)
class Run:
    """One run: some assets of one partition.

    Attributes:
        run_id: its ID in the instance.
        job: the job.
        partition: partition key, empty for a whole.
        assets: what it builds.
    """

    run_id: str
    job: str
    partition: str
    assets: tuple[str, ...]

    @property
    def nodes(self) -> list[Node]:
        """The partitions that it builds."""
        return [(asset, self.partition) for asset in self.assets]

    @property
    def title(self) -> str:
        """What a person calls it."""
        if "|" in self.partition:
            # A cell is a detector on a data set; an entry of the league a synthesizer on a month.
            on, what = self.partition.split("|")
            return f"{what} on {on}"
        if self.job == "shadow":
            return f"shadow {self.partition}"
        named = {"synthesis": "synthesis", "compare": "drift"}.get(self.job)
        return f"{self.partition}, {named}" if named else self.partition or self.job


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        problems: what went wrong, a sentence each; empty where everything was built and no blocking check failed.
        warnings: checks that failed and block nothing, a sentence each.
        left_out: why the run's month is left out of what is built over all months; empty where it is not.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: str = ""


class TakesRuns(Protocol):
    """Has runs executed: by workers of this machine, or by the hosts of a cluster."""

    on_end: Callable[[str, str], None]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the runs that it takes."""
        ...

    def take(self, run_id: str) -> None:
        """Have a run executed; returns at once."""
        ...


class Screen(Protocol):
    """Shows how far the runs are."""

    def start(self, run: Run) -> None:
        """A run was started."""
        ...

    def tick(self) -> None:
        """Called a few times a second while runs are under way."""
        ...

    def end(self, run: Run, outcome: Outcome) -> None:
        """A run has ended."""
        ...


def build(
    instance: dg.DagsterInstance,
    staleness: Staleness,
    months: Sequence[str],
    at_once: int,
    screen: Screen,
    workers: TakesRuns,
    redo: Collection[Node] = (),
) -> tuple[dict[Run, Outcome], list[Node]]:
    """Build what is out of date of some months and of what is built over all months.

    Where a run fails, nothing is built from what it should have built. Building again does what is left. A month that has nothing
    to learn from is left out, and the others go on without it.

    Args:
        instance: where runs are recorded.
        staleness: what is out of date.
        months: the months.
        at_once: how many runs at once.
        screen: shows how far the runs are.
        workers: who executes the runs.
        redo: what is built once whatever the lake holds.

    Returns:
        What became of each run, and what was not built because something failed that it is built from.
    """
    ended: queue.Queue[tuple[str, str]] = queue.Queue()
    workers.on_end = lambda run_id, problem: ended.put((run_id, problem))
    running: dict[str, Run] = {}
    outcomes: dict[Run, Outcome] = {}
    failed: set[Node] = set()
    stuck: set[Node] = set()
    times: Counter[Node] = Counter()
    redo, months = set(redo), list(months)
    while True:
        staleness.look_again()
        under_way = {node for run in running.values() for node in run.nodes}
        pending = {*staleness.out_of_date(months), *redo} - under_way - failed
        stuck |= {node for node in pending if times[node] >= _MOST_TIMES}
        pending -= stuck
        runs = ready(staleness, pending, under_way | failed | stuck, months, JOB_OF) if len(running) < at_once else {}
        for (job, partition), assets in sorted(runs.items(), key=_precedence)[: at_once - len(running)]:
            run = _create(instance, job, partition, assets, workers.tags)
            running[run.run_id] = run
            redo -= set(run.nodes)
            times.update(run.nodes)
            screen.start(run)
            workers.take(run.run_id)
        if not running:
            return outcomes, sorted(pending | stuck)
        run_id, problem = _wait(ended, screen)
        run = running.pop(run_id)
        is_lost = isinstance(problem, Lost) and max(times[node] for node in run.nodes) < _MOST_TIMES
        outcomes[run] = _outcome(instance, run_id, problem, is_lost)
        if outcomes[run].left_out:
            months.remove(run.partition)
            redo = {(key, partition) for key, partition in redo if partition != run.partition}
        elif outcomes[run].problems:
            failed.update(run.nodes)
        if RAW in run.assets:
            staleness.ask_again(run.partition)
        screen.end(run, outcomes[run])


def _wait(ended: queue.Queue[tuple[str, str]], screen: Screen) -> tuple[str, str]:
    while True:
        screen.tick()
        try:
            return ended.get(timeout=0.3)
        except queue.Empty:
            continue


def _precedence(run: tuple[tuple[str, str], list[str]]) -> tuple[int, str]:
    (job, partition), _ = run
    detector = partition.split("|")[-1]
    return _FIRST.index(detector if detector in _FIRST else job), partition


def _create(
    instance: dg.DagsterInstance,
    name: str,
    partition: str,
    assets: Sequence[str],
    more: Mapping[str, str] | None = None,
) -> Run:
    """Record a run of a job, for some of its assets."""
    selection = {dg.AssetKey(asset) for asset in assets}
    job = repository().get_reconstructable_job(name)
    definition = job.get_subset(asset_selection=frozenset(selection)).get_definition()
    key = partition
    if partition and isinstance(definition.partitions_def, dg.MultiPartitionsDefinition):
        names = sorted(dimension.name for dimension in definition.partitions_def.partitions_defs)
        key = dg.MultiPartitionKey(dict(zip(names, partition.split("|"), strict=True)))
    tags = {**definition.partitions_def.get_tags_for_partition_key(key)} if definition.partitions_def else {}
    run = instance.create_run_for_job(
        definition,
        tags={**tags, **_TAGS, **(more or {})},
        asset_selection=selection,
        job_code_origin=job.get_python_origin(),
    )
    return Run(run.run_id, name, partition, tuple(assets))


def _outcome(instance: dg.DagsterInstance, run_id: str, problem: str, is_lost: bool = False) -> Outcome:
    """What became of a run, from its events and what its worker says."""
    if is_lost:
        return Outcome(warnings=(f"{problem}; what is missing is built again on another",))
    problems, warnings = [f"{problem}; run again to finish"] if problem else [], []
    left_out = ""
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type is dg.DagsterEventType.STEP_FAILURE and _leaves_out(event):
            left_out = " ".join(_said_of_failure(event))
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE:
            problems += _said_of_failure(event)
        elif not (evaluation := event.asset_check_evaluation_data).passed:
            sentence = f"{evaluation.asset_key.to_user_string()}, {evaluation.check_name}: {evaluation.description}"
            (problems if evaluation.severity is dg.AssetCheckSeverity.ERROR else warnings).append(sentence)
    run = instance.get_run_by_id(run_id)
    if not problems and not left_out and (run is None or not run.is_success):
        problems.append(f"run {run_id} failed")
    return Outcome(tuple(problems), tuple(warnings), "" if problems else left_out)


def _leaves_out(event: dg.DagsterEvent) -> bool:
    failure = event.step_failure_data.user_failure_data
    return failure is not None and LEFT_OUT in failure.metadata


def _said_of_failure(event: dg.DagsterEvent) -> list[str]:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return [f"{event.step_key}: {data.user_failure_data.description}"]
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
        # Which check it was, and what did not hold, its evaluation says.
        return []
    return [f"{event.step_key}: {sentence_of(data.error)}"]
