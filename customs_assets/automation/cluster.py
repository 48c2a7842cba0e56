"""Runs on a Ray cluster: `customs run` submits them and watches, hosts of the cluster execute them.

What belongs here is where a run is executed. What a run needs of a host stands at its assets (``needs`` in ``graph.py``).

Each run is a Ray task. Ray places it on a host with enough cores, memory and GPUs, in a process that stays alive between runs and
has the code location loaded. A job of its own for each run, as dagster-ray's launcher submits it, costs seconds of imports. Runs
that Dagster's daemon starts (schedules, conditions, the UI) are such jobs (``ray_launcher.py``).

Settings go with a run. Secrets do not: a host reads them from its own files, refuses a run if they are not those of the command,
and never makes one.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dagster as dg

from customs_assets.automation.launched import environment_of_runs, needs_of
from customs_assets.automation.recovery import SUBMITTER, host_of
from customs_assets.automation.workers import DEFINITIONS, Lost, first_line, say_who
from customs_assets.graph import Graph, setting_values
from customs_assets.masking import mask_credentials
from customs_assets.published import REGISTER
from customs_assets.settings import Settings

if TYPE_CHECKING:
    from dagster._core.instance.ref import InstanceRef

# After so many runs a process gives way to a new one: an interpreter seldom returns memory.
_RUNS_A_PROCESS = 12

LOST = "the host that worked on it was lost"

# How often Ray is asked which hosts it has lost. It finds that out by itself, but of a host without power it tells those who wait
# for a task only minutes later, when the silent connection is given up.
_HOSTS_SECONDS = 3.0


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
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ClusterError("CUSTOMS_CLUSTER needs Ray: make setup-cluster") from None
        _require_shared_storage(instance)
        self._instance, self._graph, self._ray = instance, graph, ray
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self._sameness = sameness(graph, settings)
        self._running: dict[str, Any] = {}
        self._closed, self._one_at_a_time = threading.Event(), threading.Lock()
        try:
            ray.init(
                address=settings.cluster,
                log_to_driver=False,
                logging_level="error",
                runtime_env={"env_vars": environment_of_runs(settings)},
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ClusterError(f"there is no Ray cluster at {settings.cluster}: {first_line(error)}") from None
        self._task = ray.remote(max_retries=0, max_calls=_RUNS_A_PROCESS)(execute)
        threading.Thread(target=self._look_after_hosts, name="hosts of the cluster", daemon=True).start()

    @property
    def capacity(self) -> int:
        """Runs that the cluster's cores are enough for."""
        return max(int(self._ray.cluster_resources().get("CPU", 1)), 1)

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
        reference = self._task.options(name=f"customs run {run_id}", **options).remote(
            self._instance.get_ref(), run_id, self._sameness
        )
        self._running[run_id] = reference
        threading.Thread(target=self._watch, args=(run_id, reference), name=f"run {run_id}", daemon=True).start()

    def _watch(self, run_id: str, reference: Any) -> None:
        from ray import exceptions  # pyright: ignore[reportMissingImports]

        try:
            problem = self._ray.get(reference)
        except exceptions.TaskCancelledError:
            return
        except (
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.LocalRayletDiedError,
            exceptions.OutOfMemoryError,
            exceptions.OwnerDiedError,
        ):
            problem = Lost(LOST)
        except exceptions.RayError as error:
            problem = first_line(error)
        self._end(run_id, problem)

    def _look_after_hosts(self) -> None:
        """End the runs of hosts that were lost."""
        from sqlalchemy.exc import SQLAlchemyError

        known: set[str] = set()
        while not self._closed.wait(_HOSTS_SECONDS):
            lost = {node["NodeID"]: node["NodeManagerHostname"] for node in self._ray.nodes() if not node["Alive"]}
            hosts = {lost[node] for node in lost.keys() - known}
            with suppress(SQLAlchemyError):  # Where the database does not answer, it is asked again.
                for run_id in list(self._running) if hosts else ():
                    if host_of(self._instance, run_id) in hosts:
                        self._end(run_id, Lost(LOST))
                known |= lost.keys()

    def _end(self, run_id: str, problem: str) -> None:
        """Tell of the end of a run, once."""
        with self._one_at_a_time:
            is_told = self._running.pop(run_id, None) is None
        if is_told or self._closed.is_set():
            # Closed, runs were ended on purpose: whoever did it says what became of them.
            return
        if problem:
            self._record(run_id, problem)
        self.on_end(run_id, problem)

    def _record(self, run_id: str, problem: str) -> None:
        run = self._instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            self._instance.report_run_failed(run, problem)

    def close(self) -> None:
        """Leave the cluster; runs under way end."""
        self._closed.set()
        for reference in list(self._running.values()):
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()


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


def sameness(graph: Graph, settings: Settings) -> dict[str, str]:
    """What has to be alike on all hosts: settings, secrets by their fingerprints, published months, versions of assets."""
    assets = [*graph.assets, *graph.on_demand]
    names = sorted({name for key in assets for name in graph[key].settings} | {"source", "lake"})
    values = {name: mask_credentials(text) for name, text in setting_values(names, settings).items()}
    versions = json.dumps({key: graph[key].version for key in sorted(assets)})
    register = settings.published / REGISTER
    content = register.read_bytes() if register.is_file() else b""
    return {
        **values,
        "published months": hashlib.sha256(content).hexdigest()[:12],
        "code": hashlib.sha256(versions.encode()).hexdigest()[:12],
    }


def execute(reference: InstanceRef, run_id: str, wanted: Mapping[str, str]) -> str:
    """Execute one run on this host; what went wrong outside of the run, empty where nothing did."""
    from customs_assets.automation.workers import execute_in

    graph = importlib.import_module(DEFINITIONS).graph
    with dg.DagsterInstance.from_ref(reference) as instance:
        settings = Settings()  # pyright: ignore[reportCallIssue]
        here = sameness(graph, settings)
        if others := sorted(name for name in {*wanted, *here} if wanted.get(name) != here.get(name)):
            return f"{socket.gethostname()} has another {', '.join(others)} than the host of the command"
        say_who(instance, run_id, os.getpid())
        return execute_in(instance, run_id)
