"""Dagster's three services as processes of their own, for the measurements and tests that need a server as a team has it.

What belongs here starts a code server, a daemon and a webserver on free ports of this machine, kills and restarts them, and
asks the webserver over GraphQL. What is measured stands in the commands beside this file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

CODE_SERVER, DAEMON, WEBSERVER = "code server", "daemon", "webserver"

_LOCATION = {"repositoryLocationName": "customs_assets", "repositoryName": "__repository__"}

_LAUNCH = """
mutation launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_BACKFILLS = """
query backfills { partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }"""
_RUNS = """
query runs { runsOrError(limit: 1000) { ... on Runs { results { runId status jobName tags { key value } } } } }"""
_LAUNCH_RUN = """
mutation launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
_READY = """
query ready { workspaceOrError { ... on Workspace { locationEntries { loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } } }"""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def customs(folder: Path, environment: Mapping[str, str], *arguments: str, **options: Any) -> subprocess.Popen[Any]:
    """Start the ``customs`` command in a folder, as the leader of its own process group."""
    command = [sys.executable, "-m", "customs_assets.cli", *arguments]
    return subprocess.Popen(command, cwd=folder, env=dict(environment), start_new_session=True, **options)


def small_environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a pipeline of tiny simulated months in a folder, whatever this process has set."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMS_", "DAGSTER_"))}
    return {
        **inherited,
        "DAGSTER_HOME": str(folder / "home"),
        "CUSTOMS_LAKE": str(folder / "lake"),
        "CUSTOMS_IDENTITY_KEY": str(folder / "identity.key"),
        "CUSTOMS_RELEASE_SECRET": str(folder / "release.secret"),
        "CUSTOMS_PUBLISHED": str(folder / "published-months"),
        "CUSTOMS_SOURCE": "simulated?declarations=180000&inspected=0.1",
        "CUSTOMS_EPOCHS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "COLUMNS": "200",
        **settings,
    }


class Services:
    """A code server, a daemon and a webserver over one instance.

    Args:
        folder: where the workspace file and the logs go.
        environment: what the processes see; ``DAGSTER_HOME`` gets the project's ``dagster.yaml`` where it has none.
        commands: the commands of the three, by name; those of this Python where it is left out.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], commands: Mapping[str, list[str]] | None = None
    ) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.code_port, self.port = free_port(), free_port()
        self.workspace = folder / "workspace.yaml"
        self.workspace.write_text(
            "load_from:\n  - grpc_server:\n      host: 127.0.0.1\n"
            f"      port: {self.code_port}\n      location_name: customs_assets\n"
        )
        self.commands = commands or self._own_commands()
        self.processes: dict[str, subprocess.Popen[Any]] = {}

    def _own_commands(self) -> dict[str, list[str]]:
        python, workspace = sys.executable, str(self.workspace)
        code = [python, "-m", "dagster", "api", "grpc", "-m", "customs_assets.definitions", "-h", "127.0.0.1"]
        web = [python, "-m", "dagster_webserver", "-w", workspace, "-h", "127.0.0.1", "-p", str(self.port)]
        return {
            CODE_SERVER: [*code, "-p", str(self.code_port), "--location-name", "customs_assets"],
            DAEMON: [python, "-m", "dagster._daemon", "run", "-w", workspace],
            WEBSERVER: web,
        }

    @property
    def url(self) -> str:
        """Where the UI is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start one of the three."""
        log = (self.folder / f"{name.replace(' ', '-')}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            self.commands[name], cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )

    def kill(self, name: str) -> None:
        """Kill one of the three outright, with what it started in its process group."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def __enter__(self) -> Services:
        # As the daemon's unit does: a new home gets its tables before three processes would make them at once.
        customs(self.folder, self.environment, "recover", stdout=subprocess.DEVNULL).wait()
        try:
            for name in (CODE_SERVER, DAEMON, WEBSERVER):
                self.start(name)
            self.wait_until(self.is_ready, 120)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all three, the gentle way first."""
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """What the webserver answers to a query.

        Raises:
            OSError: it does not answer.
        """
        content = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            reply = json.load(answer)
        if reply.get("errors"):
            raise RuntimeError(str(reply["errors"]))
        return reply["data"]

    def is_ready(self) -> bool:
        """Whether the webserver answers and has loaded the code location."""
        try:
            entries = self.graphql(_READY)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        return bool(entries) and all(
            e["loadStatus"] == "LOADED" and e["locationOrLoadError"]["__typename"] == "RepositoryLocation"
            for e in entries
        )

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not within the time.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s in vain; the services' logs are in {self.folder}")
            time.sleep(0.5)

    def launch_backfill(self, job: str, partitions: list[str]) -> str:
        """Launch a backfill of a job over some partitions, as the UI does; returns its ID."""
        selector = {"partitionSetName": f"{job}_partition_set", "repositorySelector": _LOCATION}
        return self._launch({"selector": selector, "partitionNames": partitions})

    def launch_backfill_of(self, assets: list[str], months: list[str]) -> str:
        """Launch one backfill of some assets from the first on, whatever their partitions, as the UI's lineage does."""
        return self._launch({"assetSelection": [{"path": [asset]} for asset in assets], "partitionNames": months})

    def _launch(self, parameters: dict[str, Any]) -> str:
        answer = self.graphql(_LAUNCH, params=parameters)["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise RuntimeError(str(answer))
        return answer["backfillId"]

    def launch_run(self, job: str, partition: str, assets: list[str]) -> str:
        """Launch one run of some assets of a job, of a partition where it has any, as the UI does; returns its ID."""
        selector = {**_LOCATION, "jobName": job, "assetSelection": [{"path": [asset]} for asset in assets]}
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        parameters = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
        answer = self.graphql(_LAUNCH_RUN, params=parameters)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise RuntimeError(str(answer))
        return answer["run"]["runId"]

    def backfills(self) -> dict[str, str]:
        """The status of every backfill by its ID: REQUESTED until all its runs have ended."""
        found = self.graphql(_BACKFILLS)["partitionBackfillsOrError"]["results"]
        return {backfill["id"]: backfill["status"] for backfill in found}

    def runs(self) -> list[dict[str, Any]]:
        """Every run, the newest first: ``runId``, ``status``, ``jobName`` and ``tags`` by name."""
        found = self.graphql(_RUNS)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]
