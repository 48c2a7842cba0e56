"""Runs by Dagster's own run launcher: `customs run` hands them to the one that ``dagster.yaml`` names, and watches.

What belongs here makes any launcher of Dagster's (Kubernetes, dagster-ray's) a stand-in for the workers of this machine. What a
run needs of its host the launcher reads from the tags of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from dagster._core.launcher import WorkerStatus

from customs_assets.automation.workers import ONE_THREAD, Lost, first_line
from customs_assets.graph import Graph, Needs, setting_values
from customs_assets.masking import mask_credentials
from customs_assets.published import REGISTER
from customs_assets.settings import Settings

# What CUSTOMS_CLUSTER is where runs go to Dagster's own launcher.
LAUNCHER = "launcher"

# Settings that name a secret, hold one, or are the command's affair alone.
_STAYS = {"alerts", "allowed_signers", "cluster", "confidential", "identity_key", "published", "release_secret", "ui"}

# How often the storage is asked for ends of runs, and the launcher for their health.
_POLL_SECONDS, _HEALTH_SECONDS = 1.0, 15.0


class LaunchedRuns:
    """Hands runs to the instance's launcher; a stand-in for :class:`workers.Workers`.

    Args:
        instance: where the runs are recorded, and whose launcher starts them.
        graph: what each asset needs.
        settings: what goes with a run.

    Attributes:
        on_end: called with the run's ID and what went wrong outside of it, or the empty text; from another thread.
        capacity: runs at once where nobody says how many; the launcher's cluster lets them wait.
    """

    capacity = 16

    def __init__(self, instance: dg.DagsterInstance, graph: Graph, settings: Settings) -> None:
        self._instance, self._graph = instance, graph
        self._environment = environment_of_runs(settings)
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self._closed = threading.Event()
        self._under_way: set[str] = set()

    @property
    def tags(self) -> dict[str, str]:
        """Runs that it takes have no tags beside those of what they need."""
        return {}

    def warm(self, count: int) -> None:
        """Nothing is started beforehand."""

    def take(self, run_id: str) -> None:
        """Have the launcher start a run; returns as soon as it has."""
        run = self._instance.get_run_by_id(run_id)
        assert run is not None
        self._instance.add_run_tags(run_id, placed(needs_of(self._graph, run), self._environment))
        self._under_way.add(run_id)
        threading.Thread(target=self._launch_and_watch, args=(run_id,), name=f"run {run_id}", daemon=True).start()

    def _launch_and_watch(self, run_id: str) -> None:
        try:
            self._instance.launch_run(run_id, None)  # pyright: ignore[reportArgumentType]
            problem = self._wait(run_id)
        except Exception as error:  # Each launcher has errors of its own.
            problem = f"Dagster's launcher could not start it: {first_line(error)}"
        self._under_way.discard(run_id)
        if not self._closed.is_set():
            self.on_end(run_id, problem)

    def _wait(self, run_id: str) -> str:
        """Wait for the end of a run; what went wrong outside of it."""
        launcher, asked = self._instance.run_launcher, time.monotonic()
        while not self._closed.wait(_POLL_SECONDS):
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                return ""
            if not launcher.supports_check_run_worker_health or time.monotonic() - asked < _HEALTH_SECONDS:
                continue
            asked = time.monotonic()
            health = launcher.check_run_worker_health(run)
            if health.status in (WorkerStatus.FAILED, WorkerStatus.NOT_FOUND):
                # It may have ended between the two questions.
                run = self._instance.get_run_by_id(run_id)
                if run is not None and not run.is_finished:
                    self._instance.report_run_failed(run, f"its process was lost: {health.msg or health.status.value}")
                    return Lost("the host that worked on it was lost")
        return ""

    def close(self) -> None:
        """Stop watching, and end what is under way."""
        self._closed.set()
        for run_id in list(self._under_way):
            self._instance.run_launcher.terminate(run_id)


def environment_of_runs(settings: Settings) -> dict[str, str]:
    """The settings that go with a run: those set in this process's environment, without secrets."""
    passed: dict[str, str] = {}
    for name in type(settings).model_fields:
        variable = f"CUSTOMS_{name.upper()}"
        value = os.environ.get(variable)
        if value is None or name in _STAYS or mask_credentials(value) != value:
            continue
        passed[variable] = value
    return {**passed, **dict.fromkeys(ONE_THREAD, "1")}


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


def needs_of(graph: Graph, run: dg.DagsterRun) -> Needs:
    """What a run needs: the most that any of its assets does."""
    keys = [key.to_user_string() for key in run.asset_selection or ()]
    return Needs.most(graph[key].needs for key in keys)


def placed(needs: Needs, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a run needs, as the tags of a run that dagster-ray's and Dagster's Kubernetes launchers go by.

    Args:
        needs: what it needs.
        environment: variables that go with it; of no secret.
    """
    memory, cores = int(needs.gigabytes * (1 << 30)), f"{needs.cores:g}"
    ray: dict[str, Any] = {"num_cpus": needs.cores, "memory": memory}
    limits = {"memory": str(memory)}
    if needs.gpus:
        ray["num_gpus"] = needs.gpus
        limits["nvidia.com/gpu"] = f"{needs.gpus:g}"
    container: dict[str, Any] = {"resources": {"requests": {"cpu": cores, "memory": str(memory)}, "limits": limits}}
    if environment:
        ray["runtime_env"] = {"env_vars": dict(environment)}
        container["env"] = [{"name": name, "value": value} for name, value in environment.items()]
    return {
        "dagster-ray/config": json.dumps(ray),
        "dagster-k8s/config": json.dumps({"container_config": container}),
    }
