"""The process that speaks with Ray for `customs run`: it submits runs as tasks and tells what became of each.

What belongs here is Ray's side of ``cluster.py``. It is a process of its own, because one that has lost a host cannot leave Ray
in peace: it waits for the silent connection, or ends with a status of Ray's.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import dagster as dg

from customs_assets.automation.launched import sameness
from customs_assets.automation.recovery import end_with_parent, host_of
from customs_assets.automation.workers import DEFINITIONS, execute_in, first_line, say_who
from customs_assets.settings import Settings

if TYPE_CHECKING:
    from dagster._core.instance.ref import InstanceRef

# After so many runs a process gives way to a new one: an interpreter seldom returns memory.
_RUNS_A_PROCESS = 12

# How often Ray is asked which hosts it has lost. It finds that out by itself, but of a host without power it tells those who wait
# for a task only minutes later, when the silent connection is given up.
_HOSTS_SECONDS = 3.0

_POLL_SECONDS = 0.2

LOST = "the host that worked on it was lost"

# What the process says first, and of each run: its ID, what went wrong outside of it, and whether its host was lost.
READY, REFUSED = "ready", "refused"


def serve(
    connection: Connection,
    address: str,
    environment: Mapping[str, str],
    reference: InstanceRef,
    wanted: Mapping[str, str],
) -> None:
    """Submit the runs that come through a connection until its other end is closed: the life of the process.

    Args:
        connection: takes ``(run ID, options of the task)``, gives ``(run ID, problem, whether the host was lost)``.
        address: of Ray's head.
        environment: what the runs see beside the environment of their hosts.
        reference: where the runs are recorded.
        wanted: what has to be alike on all hosts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    import ray  # pyright: ignore[reportMissingImports]

    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env={"env_vars": dict(environment)},
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        connection.send((REFUSED, first_line(error)))
        return
    connection.send((READY, max(int(ray.cluster_resources().get("CPU", 1)), 1)))
    task = ray.remote(max_retries=0, max_calls=_RUNS_A_PROCESS)(execute)
    with dg.DagsterInstance.from_ref(reference) as instance:
        driver = _Driver(ray, instance)
        while True:
            try:
                if connection.poll(_POLL_SECONDS):
                    run_id, options = connection.recv()
                    driver.running[run_id] = task.options(**options).remote(reference, run_id, dict(wanted))
                for ended in [*driver.ended(), *driver.lost()]:
                    connection.send(ended)
            except (EOFError, OSError):
                # Ray ends the tasks of a process that has gone.
                os._exit(0)


class _Driver:
    """The tasks under way."""

    def __init__(self, ray: Any, instance: dg.DagsterInstance) -> None:
        self._ray, self._instance = ray, instance
        self.running: dict[str, Any] = {}
        self._known: set[str] = set()
        self._asked = 0.0

    def ended(self) -> list[tuple[str, str, bool]]:
        """What became of the tasks that have ended since."""
        if not self.running:
            return []
        done, _ = self._ray.wait(list(self.running.values()), num_returns=len(self.running), timeout=0)
        return [
            (run_id, *self._result(self.running.pop(run_id)))
            for run_id, task in list(self.running.items())
            if task in done
        ]

    def _result(self, task: Any) -> tuple[str, bool]:
        from ray import exceptions  # pyright: ignore[reportMissingImports]

        try:
            return self._ray.get(task), False
        except (
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.LocalRayletDiedError,
            exceptions.OutOfMemoryError,
        ):
            return LOST, True
        except exceptions.RayError as error:
            return first_line(error), False

    def lost(self) -> list[tuple[str, str, bool]]:
        """The runs whose hosts Ray has found lost since."""
        from sqlalchemy.exc import SQLAlchemyError

        if time.monotonic() - self._asked < _HOSTS_SECONDS:
            return []
        self._asked = time.monotonic()
        gone = {node["NodeID"]: node["NodeManagerHostname"] for node in self._ray.nodes() if not node["Alive"]}
        hosts = {gone[node] for node in gone.keys() - self._known}
        found: list[str] = []
        with suppress(SQLAlchemyError):  # Where the database does not answer, it is asked again.
            found = [run for run in self.running if hosts and host_of(self._instance, run) in hosts]
            self._known |= gone.keys()
        for run_id in found:
            del self.running[run_id]
        return [(run_id, LOST, True) for run_id in found]


def execute(reference: InstanceRef, run_id: str, wanted: Mapping[str, str]) -> str:
    """Execute one run on this host; what went wrong outside of the run, empty where nothing did."""
    graph = importlib.import_module(DEFINITIONS).graph
    with dg.DagsterInstance.from_ref(reference) as instance:
        here = sameness(graph, Settings())  # pyright: ignore[reportCallIssue]
        if others := sorted(name for name in {*wanted, *here} if wanted.get(name) != here.get(name)):
            return f"{socket.gethostname()} has another {', '.join(others)} than the host of the command"
        say_who(instance, run_id, os.getpid())
        return execute_in(instance, run_id)
