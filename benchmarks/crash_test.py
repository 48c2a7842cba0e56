"""Crash test: kill -9 at random moments, and look whether anything is half-written, lost, or other than undisturbed.

    python benchmarks/crash_test.py --kills 30 --server-kills 6 [--seed 13] [--object-store]

An undisturbed `customs run` over two tiny months is the reference. Then `customs run` is started again and again on one lake
and killed at a random moment: the command with all its workers, one worker, or the command alone. After every kill each
artifact in the lake must be byte for byte the reference's or absent, and no process may be left. Whenever a run comes to its
end, the whole lake must equal the reference, and is deleted. With ``--server-kills`` a backfill of all assets is launched over
GraphQL, and at a random moment a run's process, the daemon, the webserver or the code server is killed and, as systemd would,
started again; the backfill must end, and a last `customs run` must make the lake whole.

With ``--object-store`` the lake lies on a real object store, which the test starts.

Exit status 1 where anything was found.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets.definitions import graph
from customs_assets.lake import Lake
from customs_assets.lake.objects import Objects
from customs_assets_tests.lakes import artifacts, compare, differences, object_artifacts
from customs_assets_tests.object_store import Store, running_store
from customs_assets_tests.services import CODE_SERVER, DAEMON, WEBSERVER, Services, customs, small_environment

MONTHS = "2020-01:2020-02"
RUN_PROCESS = "run's process"


def processes_of(group: int) -> list[int]:
    """The living processes of a process group, the oldest first."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return sorted(int(pid) for pid, pgid, state in rows if int(pgid) == group and not state.startswith("Z"))


def workers_of(group: int) -> list[int]:
    """The worker processes of a running command."""
    return [pid for pid in processes_of(group) if pid != group and "spawn_main" in _command_line(pid)]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@dataclass
class Report:
    """What was done and what was found."""

    kills: Counter[str] = field(default_factory=Counter)
    completed: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, when: str, problems: list[str]) -> None:
        """Note what is wrong at a moment."""
        self.problems += [f"{when}: {problem}" for problem in problems]
        for problem in problems:
            print(f"  WRONG {when}: {problem}", flush=True)


class CrashTest:
    """A lake that runs are killed on.

    Args:
        folder: where everything goes.
        months: what ``customs run`` is asked for.
        store: the object store that the lake lies on; a folder where None.
        settings: settings of the pipeline beside those of :func:`services.small_environment`.
    """

    def __init__(self, folder: Path, months: str = MONTHS, store: Store | None = None, **settings: str) -> None:
        self.folder, self.months, self.store = folder, months, store
        if store is not None:
            settings |= store.environment | {"CUSTOMS_LAKE": "s3://lake/crash-test"}
        self.environment = small_environment(folder, **settings)
        self.lake = Path(self.environment["CUSTOMS_LAKE"])
        self.report = Report()
        self.reference: dict[str, str] = {}
        self.status = 0
        self.seconds = 0.0

    def run(self) -> subprocess.Popen[Any]:
        """Start ``customs run``."""
        log = (self.folder / "customs.log").open("ab")
        arguments = ("run", "--months", self.months, "--workers", "2")
        return customs(self.folder, self.environment, *arguments, stdout=log, stderr=log)

    def make_reference(self) -> None:
        """Run once undisturbed, remember what came of it, and begin anew with the same identity key.

        Months as tiny as these may be withheld by the gate, whose verdict then is what every later run has to come to as well.
        """
        began = time.monotonic()
        self.status = self.run().wait()
        log = (self.folder / "customs.log").read_text()
        verdict = log.rstrip().rpartition("\n")[2]
        if self.status != 0 and not (verdict.startswith("withheld: ") and " failed (" not in verdict):
            # The folder is deleted at the end, and its log with it.
            raise SystemExit(f"the undisturbed run failed:\n{log}")
        self.seconds = time.monotonic() - began
        self.reference = self.artifacts()
        self.delete()

    def artifacts(self) -> dict[str, str]:
        """The checksums of the lake, records included."""
        if self.store is None:
            return artifacts(self.lake, records=True)
        with self.store.used_here():
            return object_artifacts(Lake(self.environment["CUSTOMS_LAKE"]), records=True)

    def delete(self) -> None:
        """Delete the lake."""
        if self.store is None:
            shutil.rmtree(self.lake)
            return
        with self.store.used_here():
            objects = Objects(self.environment["CUSTOMS_LAKE"])
            for path, _, _ in list(objects.below(objects.root)):
                objects.delete(path)

    def compare(self, whole: bool) -> list[str]:
        """What is wrong in the lake."""
        if self.store is None:
            return compare(self.lake, self.reference, whole)
        found = self.artifacts()
        return differences({name: found[name] for name in found if whole or name[0] != "."}, self.reference, whole)

    def kill_once(self, draw: random.Random) -> None:
        """Run, kill at a random moment, look at what is left. Where the run ended before, look and begin anew."""
        process = self.run()
        moment = draw.uniform(0.5, self.seconds * 0.9)
        victim = draw.choice(["command with its workers", "worker", "command alone"])
        try:
            status = process.wait(moment)
        except subprocess.TimeoutExpired:
            self._kill(process, victim, draw)
            print(f"killed the {victim} after {moment:.1f} s", flush=True)
            self.report.kills[victim] += 1
            self.report.add(f"after the {victim} was killed", self.compare(whole=False))
            return
        self.finished(status)

    def finished(self, status: int) -> None:
        """Look at what a run left that came to its end, and begin anew."""
        self.report.completed += 1
        self.report.add("after a run came to its end", self.compare(whole=True))
        if status != self.status:
            self.report.add("after a run came to its end", [f"exit status {status}"])
        self.delete()

    def _kill(self, process: subprocess.Popen[Any], victim: str, draw: random.Random) -> None:
        if victim == "command with its workers":
            os.killpg(process.pid, signal.SIGKILL)
        elif victim == "command alone":
            process.kill()
        elif workers := workers_of(process.pid):
            os.kill(draw.choice(workers), signal.SIGKILL)
        else:
            process.kill()
        try:
            process.wait(180)
        except subprocess.TimeoutExpired:
            self.report.add(f"after the {victim} was killed", ["the command did not end within three minutes"])
            os.killpg(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while (left := processes_of(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if left:
            self.report.add(f"after the {victim} was killed", [f"processes are left: {left}"])
            os.killpg(process.pid, signal.SIGKILL)

    def finish(self) -> None:
        """The run after the last kill: everything must be as if nothing had happened."""
        self.finished(self.run().wait())
        import dagster as dg

        with dg.DagsterInstance.from_config(self.environment["DAGSTER_HOME"]) as instance:
            under_way = [run.run_id for run in instance.get_runs() if not run.is_finished]
            self.report.add("at the end", [f"run {run} is recorded as under way" for run in under_way])


def kill_services(test: CrashTest, kills: int, draw: random.Random) -> None:
    """Kill the services and the processes of runs while a backfill runs; then make the lake whole."""
    with Services(test.folder, test.environment) as services:
        for number in range(kills):
            victim = [RUN_PROCESS, DAEMON, WEBSERVER, CODE_SERVER][number % 4]
            backfill = services.launch_backfill_of(list(graph.assets), ["2020-01", "2020-02"])
            time.sleep(draw.uniform(0.0, 2 * test.seconds))
            services.wait_until(lambda: _run_processes(services) != [], 120)
            if victim == RUN_PROCESS:
                for pid in _run_processes(services)[:1]:
                    os.kill(pid, signal.SIGKILL)
            else:
                services.kill(victim)
                time.sleep(1)
                services.start(victim)
                services.wait_until(services.is_ready, 120)
            test.report.kills[victim] += 1
            print(f"killed the {victim}", flush=True)
            problems = compare(test.lake, test.reference, whole=False)
            services.wait_until(lambda: services.backfills()[backfill] != "REQUESTED", 1200)  # noqa: B023
            services.wait_until(lambda: not _unfinished(services), 400)
            problems += compare(test.lake, test.reference, whole=False)
            test.report.add(f"after the {victim} was killed", problems)
            _begin_anew(test, draw)


def _begin_anew(test: CrashTest, draw: random.Random) -> None:
    """Delete some of the lake, so that the next backfill writes both over old files and where none is."""
    for path in sorted(test.lake.rglob("2020-0*")):
        if path.is_file() and draw.random() < 0.5:
            path.unlink()


def _run_processes(services: Services) -> list[int]:
    return workers_of(services.processes[DAEMON].pid) if DAEMON in services.processes else []


def _unfinished(services: Services) -> list[str]:
    ended = ("SUCCESS", "FAILURE", "CANCELED")
    return [run["runId"] for run in services.runs() if run["status"] not in ended]


def main() -> None:
    """Run the crash test and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="kills of customs run")
    parser.add_argument("--server-kills", type=int, default=0, help="kills of runs' processes and services")
    parser.add_argument("--object-store", action="store_true", help="the lake lies on an object store")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="of the moments and victims")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    draw = random.Random(given.seed)
    if given.object_store and given.server_kills:
        parser.error("--server-kills goes with a lake that is a folder")
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-test-"))
        store = stack.enter_context(running_store()) if given.object_store else None
        if store is not None:
            store.make_bucket("lake")
        test = CrashTest(Path(name), store=store)
        test.make_reference()
        print(f"reference: {len(test.reference)} files in {test.seconds:.0f} s", flush=True)
        while sum(test.report.kills.values()) < given.kills:
            test.kill_once(draw)
            print(f"kills: {dict(test.report.kills)}, runs that ended: {test.report.completed}", flush=True)
        test.finish()
        if given.server_kills:
            kill_services(test, given.server_kills, draw)
            test.finish()
        kills = sum(test.report.kills.values())
        print(f"{kills} kills ({', '.join(f'{n} of the {who}' for who, n in sorted(test.report.kills.items()))})")
        print(f"runs that came to their end and were compared whole: {test.report.completed}")
        print(f"wrong bytes, missing partitions, processes or runs left over: {len(test.report.problems)}")
    sys.exit(1 if test.report.problems else 0)


if __name__ == "__main__":
    main()
