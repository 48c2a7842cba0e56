"""A backfill of 18 months from source to page, two runs at a time, while the UI is polled and a second one is launched.

    python benchmarks/backfill_under_load.py

A code server, a daemon and a webserver run over one instance in SQLite, as `customs ui` has them, with tiny simulated months.
Four clients ask the webserver for what its pages ask for, without a pause. The first backfill is of all assets, as one launches
it from the lineage. Ten seconds in, a second one of three further months is launched, up to their models. When both have ended, a
third makes what all 21 months share, their synthetic rows, the release, the benchmark and the page. Alerts go to a real mail
server and a real web server. At the end it is checked that every run succeeded, that every partition is in the lake with its
record and `customs status` finds nothing to make, that no log speaks of a lock, that never more than two runs were under way, and
that every expectation that did not hold was told once to each server, with its month.

Exit status 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import dagster as dg

from customs_assets.automation.jobs import JOB_OF
from customs_assets.definitions import graph
from customs_assets.lake import Lake
from customs_assets.months import month_range
from customs_assets_tests.automation.alert_servers import mail_server, web_server
from customs_assets_tests.services import Services, customs, small_environment

CLIENTS = 4
_PAGES = (
    "query { runsOrError(limit: 30) { ... on Runs { results { runId status tags { key value } } } } }",
    "query { assetNodes { assetKey { path } hasMaterializePermission partitionKeys } }",
    "query { partitionBackfillsOrError { ... on PartitionBackfills { results { id status numPartitions } } } }",
    "query { instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }",
)


class Polling:
    """Clients that ask the webserver for its pages until they are stopped."""

    def __init__(self, services: Services) -> None:
        self.answered, self.failed = 0, 0
        self._services, self._stop = services, threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]

    def _ask(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                self._services.graphql(_PAGES[number % len(_PAGES)])
                self.answered += 1
            except (OSError, RuntimeError):
                self.failed += 1
            number += 1

    def __enter__(self) -> Polling:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def locks(folder: Path) -> list[str]:
    """Lines of the services' logs that speak of a lock."""
    lines = (line for log in folder.glob("*.log") for line in log.read_text(errors="replace").splitlines())
    return [line for line in lines if re.search(r"\block(ed)?\b", line, re.IGNORECASE)]


def at_once(instance: dg.DagsterInstance) -> int:
    """The most runs that were under way at one time."""
    moments = []
    for record in instance.get_run_records():
        moments += [(record.start_time or 0.0, 1), (record.end_time or 0.0, -1)]
    under_way = most = 0
    for _, change in sorted(moments):
        under_way += change
        most = max(most, under_way)
    return most


def missing(lake: Lake, months: list[str]) -> list[str]:
    """The partitions that have no record."""
    nodes = [(key, partition) for key in graph.assets for partition in graph.partitions(key, months)]
    return [f"{key} {partition}" for key, partition in nodes if lake.record(key, partition) is None]


def status(folder: Path, environment: dict[str, str], months: list[str]) -> str:
    """What `customs status` says of some months."""
    arguments = ("status", "--months", f"{months[0]}:{months[-1]}")
    said, _ = customs(folder, environment, *arguments, stdout=subprocess.PIPE, text=True).communicate()
    return said.strip()


def expected_alerts(instance: dg.DagsterInstance) -> Counter[tuple[str, str]]:
    """What should have been told: (month, title) of each expectation that did not hold."""
    found: Counter[tuple[str, str]] = Counter()
    for run in instance.get_runs():
        month = run.tags.get("dagster/partition", "all months")
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            evaluation = entry.dagster_event.asset_check_evaluation_data if entry.dagster_event else None
            if evaluation and not evaluation.passed:
                asset = evaluation.asset_key.to_user_string()
                found[month, f"Expectation failed: {asset} {month}, {evaluation.check_name}"] += 1
    return found


def main() -> None:
    """Run both backfills under load and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", default="2020-01:2021-06")
    parser.add_argument("--second", default="2021-07:2021-09")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds")
    given = parser.parse_args()
    first, second = month_range(given.months), month_range(given.second)
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="backfill-") as name, mail_server() as (box, mail), web_server() as hook:
        folder = Path(name)
        environment = small_environment(folder, CUSTOMS_ALERTS=f"{mail} {hook.address}")
        customs(folder, environment, "recover").wait()
        config = folder / "home" / "dagster.yaml"
        config.write_text(config.read_text().replace("max_concurrent_runs: 1", "max_concurrent_runs: 2"))
        with Services(folder, environment) as services, Polling(services) as polling:
            services.wait_until(lambda: _alerts_have_ticked(services), 120)
            began = time.monotonic()
            launched = [services.launch_backfill_of(list(graph.assets), first)]
            time.sleep(10)
            launched.append(services.launch_backfill("month", second))
            services.wait_until(
                lambda: all(services.backfills()[backfill] != "REQUESTED" for backfill in launched), given.timeout
            )
            later = [key for key in graph.assets if JOB_OF[key] != "month"]
            launched.append(services.launch_backfill_of(later, first + second))
            services.wait_until(lambda: services.backfills()[launched[-1]] != "REQUESTED", given.timeout)
            seconds = time.monotonic() - began
            statuses = [services.backfills()[backfill] for backfill in launched]
            with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
                wanted = expected_alerts(instance)
                services.wait_until(lambda: len(box.messages) >= sum(wanted.values()), 120)
                time.sleep(40)
                statistics = Counter(run.status.value for run in instance.get_runs())
                retries = sum("dagster/retry_number" in run.tags for run in instance.get_runs())
                most = at_once(instance)
        mails, calls = Counter(subject for _, subject, _ in box.messages), Counter(call["title"] for call in hook.calls)
        titles = Counter({title: count for (_, title), count in wanted.items()})
        problems += [f"backfill ended as {status}" for status in statuses if status != "COMPLETED_SUCCESS"]
        problems += [f"{gone} is missing" for gone in missing(Lake(environment["CUSTOMS_LAKE"]), first + second)]
        said = status(folder, environment, first + second)
        problems += [f"customs status: {said}"] if not said.startswith("up to date") else []
        problems += [f"lock: {line}" for line in locks(folder)]
        problems += [f"{most} runs at once"] if most > 2 else []
        problems += [f"alerts by {how} differ" for how, had in (("mail", mails), ("webhook", calls)) if had != titles]
    print(f"{len(first)} + {len(second)} months, from source to page, in {seconds:.0f} s, at most {most} runs at once")
    print(f"runs: {dict(statistics)}, retries: {retries}")
    print(f"queries of the UI answered: {polling.answered}, failed: {polling.failed}")
    print(
        f"expectations that did not hold: {sum(titles.values())}; mails: {sum(mails.values())}, calls: {sum(calls.values())}"
    )
    print(f"problems: {len(problems)}")
    for problem in problems:
        print(f"  {problem}")
    sys.exit(1 if problems else 0)


def _alerts_have_ticked(services: Services) -> bool:
    """Whether the alert sensor has found the end of the log, which it does at its first tick."""
    query = 'query { sensorsOrError(repositorySelector: {repositoryLocationName: "customs_assets", repositoryName: "__repository__"}) { ... on Sensors { results { name sensorState { ticks(limit: 1) { status } } } } } }'  # noqa: E501
    sensors = services.graphql(query)["sensorsOrError"]["results"]
    ticks = {sensor["name"]: sensor["sensorState"]["ticks"] for sensor in sensors}
    return bool(ticks["alerts"]) and ticks["alerts"][0]["status"] == "SKIPPED"


if __name__ == "__main__":
    main()
