"""What orchestration costs, by the command and by a backfill from the UI, with warm workers and with Dagster's own launcher.

    python benchmarks/orchestration.py --months 6 --rounds 3

Each way reads and labels the same tiny months of the simulated administration, one run after the other, in an instance of
its own. Printed is, for each run, the time that is not inside its steps: from the creation of the first run to the last
end, less the seconds inside steps (assets and checks), over the number of runs. What passes until the first run is
created is paid once and printed beside: the command loads the code location, the daemon looks for backfills now and then.
The ways take turns; the last column is the ratio to Dagster's own launcher.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets_tests.services import Services, customs, small_environment

ASSETS = ["raw_declarations", "quarantine", "labelled_declarations"]
COMMAND, WARM, OWN = "customs run", "backfill, warm workers", "backfill, Dagster's launcher"


def recorded(home: str) -> tuple[float, float, float, int]:
    """The first launch, the last end, the seconds inside steps, and the runs of an instance."""
    import dagster as dg

    inside, begins, ends = 0.0, [], []
    with dg.DagsterInstance.from_config(home) as instance:
        for record in instance.get_run_records():
            steps: dict[str, list[float]] = {}
            for entry in instance.all_logs(record.dagster_run.run_id):
                event = entry.dagster_event
                if event and (event.is_step_start or event.is_step_success or event.is_step_failure):
                    steps.setdefault(entry.step_key or "", []).append(entry.timestamp)
            inside += sum(max(moments) - min(moments) for moments in steps.values())
            begins.append(record.create_timestamp.timestamp())
            ends.append(record.end_time or 0.0)
    return min(begins), max(ends), inside, len(ends)


def by_command(folder: Path, months: list[str]) -> tuple[float, str]:
    """Seconds a run of ``customs run``, and what its start took."""
    environment = small_environment(folder)
    began = time.time()
    customs(folder, environment, "run", "--months", f"{months[0]}:{months[-1]}", "--workers", "1", stdout=-3).wait()
    first, last, inside, runs = recorded(environment["DAGSTER_HOME"])
    return (last - first - inside) / runs, f"{runs} runs; {first - began:.1f} s until the first"


def by_backfill(folder: Path, months: list[str], warm: bool) -> tuple[float, str]:
    """Seconds a run of a backfill that is launched over GraphQL, one run at a time."""
    environment = small_environment(folder)
    customs(folder, environment, "recover", stdout=-3).wait()
    config = Path(environment["DAGSTER_HOME"]) / "dagster.yaml"
    text = config.read_text().replace("max_concurrent_runs: 2", "max_concurrent_runs: 1")
    if not warm:
        launcher = text[
            text.index("run_launcher:") : text.index("class: WarmRunLauncher") + len("class: WarmRunLauncher")
        ]
        text = text.replace(launcher, "")
    config.write_text(text)
    with Services(folder, environment) as services:
        # What stands still at first, sensors and queue, has ticked once.
        time.sleep(15)
        began = time.time()
        backfill = services.launch_backfill_of(ASSETS, months)
        services.wait_until(lambda: services.backfills()[backfill] != "REQUESTED", 600)
    first, last, inside, runs = recorded(environment["DAGSTER_HOME"])
    return (last - first - inside) / runs, f"{runs} runs; {first - began:.1f} s until the first"


def main() -> None:
    """Read the command line, take turns, print medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    months = [f"2020-{month:02d}" for month in range(1, given.months + 1)]
    seconds: dict[str, list[float]] = {COMMAND: [], WARM: [], OWN: []}
    notes: dict[str, str] = {}
    for number in range(given.rounds):
        for way, measured in seconds.items():
            with tempfile.TemporaryDirectory(prefix="orchestration-") as name:
                folder = Path(name)
                found, notes[way] = (
                    by_command(folder, months) if way == COMMAND else by_backfill(folder, months, way == WARM)
                )
                measured.append(found)
                print(f"round {number + 1}, {way}: {found:.2f} s a run ({notes[way]})", flush=True)
    own = statistics.median(seconds[OWN])
    print(f"\n{os.cpu_count()} cores. Seconds a run outside of its steps, median of {given.rounds}:\n")
    print("| way | s a run | least | largest | ratio |\n| --- | ---: | ---: | ---: | ---: |")
    for way, measured in seconds.items():
        middle = statistics.median(measured)
        print(f"| {way} | {middle:.2f} | {min(measured):.2f} | {max(measured):.2f} | {middle / own:.2f} |")


if __name__ == "__main__":
    main()
