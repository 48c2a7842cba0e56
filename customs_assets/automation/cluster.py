"""Runs on a Ray cluster: `customs run` submits them and watches, hosts of the cluster execute them.

What belongs here is where a run is executed. What a run needs of a host stands at its assets (``needs`` in ``graph.py``).

Each run is a Ray task. Ray places it on a host with enough cores, memory and GPUs, in a process that stays alive between runs and
has the code location loaded. A job of its own for each run, as dagster-ray's launcher submits it, costs seconds of imports. Runs
that Dagster's daemon starts (schedules, conditions, the UI) are such jobs (``ray_launcher.py``).

Settings go with a run. Secrets do not: a host reads them from its own files, refuses a run if they are not those of the command,
and never makes one.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable

import dagster as dg

from customs_assets.automation.launched import environment_of_runs, needs_of, sameness
from customs_assets.automation.ray_driver import READY, serve
from customs_assets.automation.recovery import SUBMITTER
from customs_assets.automation.workers import Lost
from customs_assets.graph import Graph
from customs_assets.settings import Settings

# How long Ray may take to let a command in.
_READY_SECONDS = 300.0


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what to do."""


class RayWorkers:
    """Hands runs to the hosts of a Ray cluster; a stand-in for :class:`workers.Workers`.

    Args:
        instance: where the runs are recorded: in a database that every host reaches.
        graph: what each asset needs.
        settings: the settings; ``cluster`` is the address of Ray's head.

    Attributes:
        on_end: called with the run's ID and what went wrong outside of it, or the empty text; from another thread.
        capacity: runs that the cluster's cores are enough for.

    Raises:
        ClusterError: there is no cluster there, or the runs are not recorded where its hosts could read them.
    """

    def __init__(self, instance: dg.DagsterInstance, graph: Graph, settings: Settings) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ClusterError("CUSTOMS_CLUSTER needs Ray: make setup-cluster")
        _require_shared_storage(instance)
        self._instance, self._graph = instance, graph
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self._running: set[str] = set()
        self._closed = threading.Event()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (
            *(theirs, str(settings.cluster), environment_of_runs(settings), instance.get_ref()),
            sameness(graph, settings),
        )
        # Daemonic: it ends with this process, whatever it ends by, and Ray ends its tasks.
        self._driver = context.Process(target=serve, args=arguments, daemon=True)
        self._driver.start()
        theirs.close()
        self.capacity = self._let_in(str(settings.cluster))
        threading.Thread(target=self._listen, name="the cluster", daemon=True).start()

    def _let_in(self, address: str) -> int:
        """Wait for Ray; runs that the cluster's cores are enough for."""
        try:
            word, said = (
                self._connection.recv() if self._connection.poll(_READY_SECONDS) else ("", "it does not answer")
            )
        except EOFError:
            word, said = "", "it does not answer"
        if word != READY:
            self.close()
            raise ClusterError(f"there is no Ray cluster at {address}: {said}")
        return int(str(said))

    @property
    def tags(self) -> dict[str, str]:
        """Who submitted a run: it ends with that process, wherever it is executed."""
        return {SUBMITTER: f"{socket.gethostname()} {os.getpid()}"}

    def warm(self, count: int) -> None:
        """Nothing is started beforehand: which host a run will be placed on, Ray says when it is submitted."""

    def take(self, run_id: str) -> None:
        """Submit a run; returns at once."""
        run = self._instance.get_run_by_id(run_id)
        assert run is not None
        needs = needs_of(self._graph, run)
        options = {"num_cpus": needs.cores, "num_gpus": needs.gpus, "memory": int(needs.gigabytes * (1 << 30))}
        self._running.add(run_id)
        self._connection.send((run_id, {**options, "name": f"customs run {run_id}"}))

    def _listen(self) -> None:
        """Tell of the ends of runs."""
        while not self._closed.is_set():
            try:
                run_id, problem, is_lost = self._connection.recv()
            except (EOFError, OSError):
                for run_id in list(self._running):
                    self._end(run_id, "the connection to the cluster was lost")
                return
            self._end(run_id, Lost(problem) if is_lost else problem)

    def _end(self, run_id: str, problem: str) -> None:
        self._running.discard(run_id)
        if self._closed.is_set():
            # Runs were ended on purpose: whoever did it says what became of them.
            return
        run = self._instance.get_run_by_id(run_id) if problem else None
        if run is not None and not run.is_finished:
            self._instance.report_run_failed(run, str(problem))
        self.on_end(run_id, problem)

    def close(self) -> None:
        """Leave the cluster; runs under way end."""
        self._closed.set()
        self._connection.close()
        self._driver.join(10)
        self._driver.kill()


def _require_shared_storage(instance: dg.DagsterInstance) -> None:
    """Runs have to be recorded in a database whose password stands in each host's environment, and not in the instance itself."""
    storage = instance.get_ref().storage_data if instance.is_persistent else None
    if storage is None or "postgres" not in storage.module_name:
        raise ClusterError(
            "on a cluster Dagster's runs have to be recorded in PostgreSQL: delete or replace the home's dagster.yaml "
            "(deploy/ray/dagster.yaml has what is needed)"
        )
    if "env:" not in storage.config_yaml:
        raise ClusterError(
            "dagster.yaml holds the database's password itself; name it by `env: CUSTOMS_DAGSTER_DATABASE`"
        )
