"""What a whole ``customs run`` costs: wall time, orchestration for each run, memory of a monthly run, and how both grow.

    python benchmarks/whole_run.py                                        # the default run: 18 months, 300 epochs
    python benchmarks/whole_run.py --months 3 --months 9 --months 18 --epochs 10
    python benchmarks/whole_run.py --rows 1000 --rows 3000 --rows 10000 --rows 30000 --months 1 --epochs 10
    python benchmarks/whole_run.py --keep FOLDER                          # leave lake and instance in FOLDER

Each line is a call of the real command with a lake and a Dagster instance of its own, on the simulated administration.
Orchestration is, of each monthly run, the time from its launch to its end less the time inside its steps (assets and
checks); the run's entry in the instance and its events say both. Memory is the largest resident size of any worker
process while monthly runs were going on, looked at ten times a second.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from measuring import ROOT

# The simulated administration inspects 5% of its declarations over 18 months.
INSPECTED, MONTHS = 0.05, 18


@dataclass
class Memory:
    """Resident sizes of a process and all its descendants, over time, read from ``/proc``."""

    process: int
    samples: list[tuple[float, float]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Sample until told that the process is done: (time, megabytes of the largest single process)."""
        while not self.done.wait(0.1):
            sizes = [_resident_megabytes(one) for one in _with_descendants(self.process)]
            self.samples.append((time.time(), max(sizes, default=0.0)))

    def peak(self, until: float) -> float:
        """Megabytes of the largest process up to a time."""
        return max((size for moment, size in self.samples if moment <= until), default=0.0)


def _with_descendants(process: int) -> Iterator[int]:
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _with_descendants(int(child))


def _resident_megabytes(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


@dataclass(frozen=True)
class Runs:
    """What the instance says of a whole run: seconds outside of steps of each monthly run, and when the last ended."""

    outside: list[float]
    last_month_ended: float


def recorded(home: Path) -> Runs:
    """Read the instance that a run left."""
    import dagster as dg

    outside, ends = [], [0.0]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records():
            run = record.dagster_run
            if "dagster/partition" not in run.tags or "|" in run.tags["dagster/partition"]:
                continue
            steps: dict[str, list[float]] = {}
            for entry in instance.all_logs(run.run_id):
                event = entry.dagster_event
                if event and (event.is_step_start or event.is_step_success or event.is_step_failure):
                    steps.setdefault(entry.step_key or "", []).append(entry.timestamp)
            inside = sum(max(moments) - min(moments) for moments in steps.values())
            end = record.end_time or 0.0
            outside.append(end - record.create_timestamp.timestamp() - inside)
            ends.append(end)
    return Runs(outside, max(ends))


def run(months: int, rows: int, epochs: int, workers: int, keep: Path | None = None) -> str:
    """One whole run, as a line of the table; its lake and instance are gone afterwards, unless told where to keep them."""
    last = f"{2020 + (months - 1) // 12}-{(months - 1) % 12 + 1:02d}"
    if keep:
        keep.mkdir(parents=True, exist_ok=False)
    with contextlib.nullcontext(str(keep.resolve())) if keep else tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMS_")} | {
            "CUSTOMS_SOURCE": f"simulated?declarations={round(rows * MONTHS / INSPECTED)}",
            "CUSTOMS_LAKE": str(Path(folder) / "lake"),
            "CUSTOMS_EPOCHS": str(epochs),
            "DAGSTER_HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        command = [sys.executable, "-c", "from customs_assets.cli import main; main()", "run"]
        command += ["--months", f"2020-01:{last}", "--workers", str(workers)]
        begin = time.time()
        started = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        memory = Memory(started.pid)
        watching = threading.Thread(target=memory.watch)
        watching.start()
        output, _ = started.communicate()
        memory.done.set()
        watching.join()
        wall = time.time() - begin
        if started.returncode:
            print(output, file=sys.stderr)
        runs = recorded(home)
    verdict = "made" if started.returncode == 0 else f"status {started.returncode}"
    cells = [
        f"{months}",
        f"{rows}",
        f"{epochs}",
        f"{wall:.0f}",
        f"{runs.last_month_ended - begin:.0f}",
        f"{(runs.last_month_ended - begin) / months:.1f}",
        f"{statistics.median(runs.outside):.2f}",
        f"{memory.peak(runs.last_month_ended):.0f}",
        verdict,
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Read the command line and print a line for each combination."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--months", type=int, action="append", help="months from 2020-01 on, may be repeated (18)")
    parser.add_argument("--rows", type=int, action="append", help="inspected rows a month, may be repeated (3000)")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a new folder for the lake and instance of each run, to look at")
    arguments = parser.parse_args()
    print("| months | rows a month | epochs | all, s | months, s | a month, s | outside of steps, s a run | MB | |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for months in arguments.months or [MONTHS]:
        for rows in arguments.rows or [3_000]:
            keep = arguments.keep and arguments.keep / f"{months}-months-{rows}-rows"
            print(run(months, rows, arguments.epochs, arguments.workers, keep), flush=True)


if __name__ == "__main__":
    main()
