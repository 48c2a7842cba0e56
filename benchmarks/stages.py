"""Every stage at volume: processor time and memory of each at 1, 3 and 10 times the default rows, and how they grow.

    python benchmarks/stages.py [--times 1 --times 3 --times 10] [--months 18] [--epochs 3] [--folder FOLDER]

For each number the whole pipeline is built from the simulated administration, as `customs run` builds it, one run after the
other. Each run is a process of its own, which measures itself: processor seconds less those of its imports, and peak memory. The
runs of a stage are added up; memory is the most of any. Seconds of the processor say more than those of the clock where a machine
is shared.

The last column is how many times as much a stage costs for twice the rows, between the smallest and the largest number. Exit
status 1 where that is more than 2.3 for a stage that takes more than ten seconds, or where a run failed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# In place of this folder, whose modules have the names of libraries.
sys.path[0] = str(ROOT)

# Declarations of the default world, over eighteen months.
DEFAULT = 1_080_000

MOST_FOR_TWICE = 2.3
_COUNTS_FROM_SECONDS = 10.0

_CELLS = "fraud_benchmark_cell"


@dataclass
class Cost:
    """What a stage costs: processor seconds of its runs together, megabytes of the largest, runs."""

    seconds: float = 0.0
    megabytes: float = 0.0
    runs: int = 0

    def add(self, seconds: float, megabytes: float) -> None:
        """Count one run more."""
        self.seconds += seconds
        self.megabytes = max(self.megabytes, megabytes)
        self.runs += 1


class MeasuredRuns:
    """Executes each run in a process of its own, and keeps what it cost by its ID."""

    def __init__(self) -> None:
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self.costs: dict[str, tuple[float, float]] = {}

    @property
    def tags(self) -> dict[str, str]:
        """Runs that it takes have no tags of their own."""
        return {}

    def take(self, run_id: str) -> None:
        """Execute a run; returns at once."""
        threading.Thread(target=self._execute, args=(run_id,), daemon=True).start()

    def _execute(self, run_id: str) -> None:
        command = [sys.executable, __file__, "--run", run_id]
        with (Path(os.environ["DAGSTER_HOME"]) / "runs.log").open("ab") as log:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)
        try:
            seconds, megabytes, problem = json.loads(done.stdout.strip().rpartition("\n")[2])
        except ValueError:
            seconds, megabytes, problem = 0.0, 0.0, f"its process ended with status {done.returncode}"
        self.costs[run_id] = seconds, megabytes
        self.on_end(run_id, problem)


class Quiet:
    """Says a line for each run that ended."""

    def start(self, run: object) -> None:
        """A run was started."""

    def tick(self) -> None:
        """Nothing moves here."""

    def end(self, run: object, outcome: object) -> None:
        """A run has ended."""
        problems = getattr(outcome, "problems", ())
        print(f"  {getattr(run, 'title', '')} {'; '.join(problems)[:200]}", file=sys.stderr, flush=True)


def execute_here(run_id: str) -> None:
    """Execute one run in this process, and print what it cost."""
    import dagster as dg

    from customs_assets.automation.workers import execute_in, repository

    repository().get_definition()
    before = resource.getrusage(resource.RUSAGE_SELF)
    with dg.DagsterInstance.get() as instance:
        problem = execute_in(instance, run_id)
    # Some stages have processes of their own.
    after, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + children.ru_utime + children.ru_stime
    )
    print(json.dumps([seconds, max(after.ru_maxrss, children.ru_maxrss) / 1024, problem]))


def build_all(months: list[str]) -> None:
    """Build everything of some months by the settings of this process, and print what each stage cost."""
    import dagster as dg

    from customs_assets.automation.instance import prepare_home
    from customs_assets.automation.running import build
    from customs_assets.automation.staleness import Staleness
    from customs_assets.definitions import graph
    from customs_assets.lake import Lake
    from customs_assets.secret_files import identity_key, release_secret
    from customs_assets.settings import Settings

    prepare_home(1)
    settings = Settings()  # pyright: ignore[reportCallIssue]
    for secret in (identity_key(settings.identity_key), release_secret(settings.release_secret)):
        secret.create_first()
    workers, costs = MeasuredRuns(), {}
    with dg.DagsterInstance.get() as instance:
        staleness = Staleness(graph, Lake(settings.lake), settings)
        outcomes, unbuilt = build(instance, staleness, months, 1, Quiet(), workers)
    for run in outcomes:
        stage = f"{_CELLS}: {run.partition.split('|')[1]}" if run.job == _CELLS else run.job
        costs.setdefault(stage, Cost()).add(*workers.costs[run.run_id])
    print(json.dumps([{stage: vars(cost) for stage, cost in costs.items()}, [key for key, _ in unbuilt]]))


def measured(times: float, months: list[str], epochs: int, folder: Path) -> tuple[dict[str, Cost], list[str]]:
    """What each stage costs at so many times the default rows, and what was not built."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMS_", "DAGSTER_"))}
    environment = {
        **inherited,
        "DAGSTER_HOME": str(folder / "home"),
        "CUSTOMS_LAKE": str(folder / "lake"),
        "CUSTOMS_IDENTITY_KEY": str(folder / "identity.key"),
        "CUSTOMS_RELEASE_SECRET": str(folder / "release.secret"),
        "CUSTOMS_PUBLISHED": str(folder / "published"),
        "CUSTOMS_SOURCE": f"simulated?declarations={int(times * DEFAULT)}",
        "CUSTOMS_EPOCHS": str(epochs),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-W", "ignore", __file__, "--build", ",".join(months)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    costs, unbuilt = json.loads(done.stdout.strip().rpartition("\n")[2])
    return {stage: Cost(**cost) for stage, cost in costs.items()}, unbuilt


def for_twice(small: Cost, large: Cost, times: float) -> float:
    """How many times as much twice the rows cost, if cost is a power of rows."""
    if small.seconds <= 0 or large.seconds <= 0:
        return math.nan
    return 2 ** (math.log(large.seconds / small.seconds) / math.log(times))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=float, action="append", help="of the default rows; may be repeated")
    parser.add_argument("--months", type=int, default=18, help="how many months, from 2020-01")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--folder", help="where the files go meanwhile (the system's temporary folder)")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--build", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        execute_here(given.run)
        return
    if given.build:
        build_all(given.build.split(","))
        return
    sizes = sorted(given.times or [1.0, 3.0, 10.0])
    months = [f"{2020 + number // 12}-{number % 12 + 1:02d}" for number in range(given.months)]
    found: list[dict[str, Cost]] = []
    wrong = 0
    for times in sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            costs, unbuilt = measured(times, months, given.epochs, Path(folder))
        print(f"{times:g} times: not built: {unbuilt or 'nothing'}", file=sys.stderr, flush=True)
        found.append(costs)
        wrong += bool(unbuilt)
    names = " | ".join(f"{times:g}x s | MB" for times in sizes)
    print(f"| stage | runs | {names} | for twice the rows |")
    print("| --- | ---: |" + " ---: |" * (2 * len(sizes) + 1))
    for stage, small in sorted(found[0].items(), key=lambda entry: -found[-1].get(entry[0], Cost()).seconds):
        each = [costs.get(stage, Cost()) for costs in found]
        growth = for_twice(small, each[-1], sizes[-1] / sizes[0]) if len(sizes) > 1 else math.nan
        numbers = " | ".join(f"{cost.seconds:.1f} | {cost.megabytes:,.0f}" for cost in each)
        print(f"| {stage} | {small.runs} | {numbers} | {growth:.2f} |")
        wrong += growth > MOST_FOR_TWICE and each[-1].seconds > _COUNTS_FROM_SECONDS
    together = " | ".join(f"{sum(c.seconds for c in costs.values()):.0f} | " for costs in found)
    print(f"| all | {sum(cost.runs for cost in found[0].values())} | {together} | |")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
