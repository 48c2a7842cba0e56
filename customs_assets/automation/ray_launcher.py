"""Dagster's run launcher on a Ray cluster: dagster-ray's, for runs that the daemon starts.

What belongs here is what dagster-ray does not know: runs that `customs run` submitted itself are no jobs of Ray's. That command
watches them.
"""

from __future__ import annotations

import importlib

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_ray import RayRunLauncher  # pyright: ignore[reportMissingImports]

from customs_assets.automation.launched import needs_of, placed
from customs_assets.automation.recovery import SUBMITTER
from customs_assets.automation.workers import DEFINITIONS

# The tag of a run that says what it needs.
PLACED = "dagster-ray/config"


class RayLauncher(RayRunLauncher):
    """Submits each run as a job of a Ray cluster, placed by what its assets need."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Submit a run."""
        run = context.dagster_run
        if PLACED not in run.tags:
            graph = importlib.import_module(DEFINITIONS).graph
            self._instance.add_run_tags(run.run_id, placed(needs_of(graph, run)))
            run = self._instance.get_run_by_id(run.run_id) or run
        super().launch_run(LaunchRunContext(run, context.workspace))

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the job of a run is alive. Of a run that `customs run` submitted, that command takes care."""
        if SUBMITTER in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return super().check_run_worker_health(run)
