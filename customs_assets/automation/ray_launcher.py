"""Dagster's run launcher on a Ray cluster: dagster-ray's, for runs that the daemon starts.

What belongs here is what dagster-ray does not know: runs that `customs run` submitted itself are no jobs of Ray's. That command
watches them.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_ray import RayRunLauncher

from customs_assets.automation.recovery import SUBMITTER


class RayLauncher(RayRunLauncher):
    """Submits each run as a job of a Ray cluster, placed by the tags of the run."""

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the job of a run is alive. Of a run that `customs run` submitted, that command takes care."""
        if SUBMITTER in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return super().check_run_worker_health(run)
