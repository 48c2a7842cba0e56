"""Several hosts: months built on a Ray cluster with a lake on an object store, one host lost in the middle, beside one machine.

    python benchmarks/cluster.py [--months 6] [--hosts 2] [--epochs 1] [--ways]

It needs Linux, root, PostgreSQL, Ceph's object store (Debian: ceph-mon, ceph-osd, radosgw) and `make setup-cluster`. The hosts
are network namespaces of this machine, each with an address, a process table and files of its own: a head, and hosts that execute
runs. First `customs run` builds the months on this machine alone. Then `customs run` on the head builds them on the hosts. When a
quarter of the runs has ended, the last host loses its power in the middle of a run.

With ``--ways`` small runs are submitted in both ways after that: as tasks, and as jobs by dagster-ray's launcher.

Printed: runs by host, runs lost, failed and missing partitions, files with other bytes than those of one machine, and whether any
secret stands in the object store, in PostgreSQL, or in a file of a host that is not the secret's own. Exit status 1 where
anything was found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets.lake import Lake
from customs_assets_tests.clusters import Cluster, leaks, running_cluster, wait_until
from customs_assets_tests.lakes import artifacts, object_artifacts
from customs_assets_tests.services import customs, small_environment

# Ten thousand declarations a month, a tenth of them inspected.
SOURCE = "simulated?declarations=180000&inspected=0.1"


def on_one_machine(folder: Path, months: str, settings: dict[str, str], secrets: dict[str, bytes]) -> dict[str, str]:
    """The checksums of the lake that one machine builds, with the secrets of the cluster."""
    for name in ("identity.key", "release.secret"):
        (folder / name).touch(0o600)
        (folder / name).write_bytes(secrets[name])
    environment = small_environment(folder, **settings)
    with (folder / "log").open("wb") as log:
        customs(folder, environment, "run", "--months", months, "--workers", "2", stdout=log, stderr=log).wait()
    found = artifacts(folder / "lake")
    if "evidence_report.html" not in found:
        raise SystemExit(f"the run on one machine failed:\n{(folder / 'log').read_text()}")
    return found


def on_the_cluster(cluster: Cluster) -> dict[str, str]:
    """The checksums of what stands in the cluster's lake, by the paths of a local one."""
    with cluster.store.used_here():
        return object_artifacts(Lake(cluster.lake))


def lose_a_host(cluster: Cluster, at_run: int, said: list[str]) -> threading.Thread:
    """Take the last host's power away in the middle of a run, once so many runs have begun."""

    def work() -> None:
        victim = cluster.hosts[-1]
        wait_until(lambda: sum(len(runs) for runs in cluster.hosts_of_runs().values()) >= at_run, 3000, "runs")
        wait_until(lambda: victim.name in cluster.hosts_of_runs(under_way=True), 600, "a run on the host")
        time.sleep(1.0)
        began = time.monotonic()
        victim.lose_power()
        said.append(f"{victim.name} lost its power in the middle of a run")
        wait_until(lambda: victim.name not in cluster.hosts_of_runs(under_way=True), 300, "the cluster to see it")
        said.append(f"the cluster saw it after {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


# Small runs, one a month, whatever the lake holds; what a run costs but for its work.
_SMALL_RUNS = """
import json, sys, time
from customs_assets.cli import _build
from customs_assets.lake import Lake
from customs_assets.settings import Settings
months = json.loads(sys.argv[1])
for _ in range(2):
    began = time.monotonic()
    outcomes, unbuilt = _build(Lake(Settings().lake), Settings(), months, None, True, ["month_counts"])
    assert not unbuilt and not any(outcome.problems for outcome in outcomes.values()), outcomes
    print(json.dumps((time.monotonic() - began) / len(months)))
"""


def ways(cluster: Cluster, months: list[str]) -> None:
    """Print what a small run takes in either way, first and once processes are warm."""
    for title, way in (("tasks", {}), ("jobs by dagster-ray's launcher", {"CUSTOMS_CLUSTER": "launcher"})):
        environment = cluster.environment(cluster.head, **cluster.settings, **way)
        command = [sys.executable, "-W", "ignore", "-c", _SMALL_RUNS, json.dumps(months)]
        said = cluster.head.run(environment, *command, seconds=1800)
        seconds = [float(line) for line in said.splitlines() if line.strip().replace(".", "", 1).isdigit()]
        print(f"{title}: {len(months)} small runs, seconds each: {', '.join(f'{each:.1f}' for each in seconds)}")


def main() -> None:
    """Run both, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=6, help="how many months, from 2020-01")
    parser.add_argument("--hosts", type=int, default=2, help="hosts that execute runs, beside the head")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--ways", action="store_true", help="measure both ways to submit a run, too")
    given = parser.parse_args()
    months = f"2020-01:2020-{given.months:02d}"
    settings = {"CUSTOMS_SOURCE": SOURCE, "CUSTOMS_EPOCHS": str(given.epochs)}
    wrong = 0
    with running_cluster(settings, given.hosts, given.ways) as cluster, tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        reference = on_one_machine(Path(folder), months, settings, cluster.secrets)
        print(f"one machine, two runs at once: {len(reference)} files in {time.monotonic() - began:.0f} s", flush=True)
        runs = len([name for name in reference if name.startswith("fraud_benchmark/")]) + 3 * given.months + 9
        said: list[str] = []
        began = time.monotonic()
        log = Path(folder) / "cluster.log"
        with log.open("wb") as stream:
            command = cluster.customs("run", "--months", months, stdout=stream, stderr=subprocess.STDOUT)
            lost = lose_a_host(cluster, runs // 4, said)
            status = command.wait()
        lost.join(60)
        seconds = time.monotonic() - began
        print("\n".join(said))
        print(f"the cluster: customs run ended with status {status} in {seconds:.0f} s", flush=True)
        by_host = {host: len(found) for host, found in sorted(cluster.hosts_of_runs().items())}
        print(f"runs by host: {by_host}; by what became of them: {cluster.runs_by_status()}")
        found = on_the_cluster(cluster)
        missing = sorted(set(reference) - set(found))
        other = sorted(name for name in found if reference.get(name) != found[name])
        print(f"missing files: {len(missing)} {missing[:5]}; files with other bytes: {len(other)} {other[:5]}")
        kept = leaks(cluster)
        print(f"secrets found where they should not be: {len(kept)} {kept[:5]}")
        failed = [line.strip() for line in log.read_text().splitlines() if ": failed in" in line]
        print(f"runs of `customs run` that failed: {failed}")
        if given.ways:
            ways(cluster, [f"2020-{number + 1:02d}" for number in range(given.months)])
        wrong = len(missing) + len(other) + len(kept) + (not said)
        if wrong:
            print(log.read_text()[-6000:])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
