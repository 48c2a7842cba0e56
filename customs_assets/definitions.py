"""The code location: assembles stages, checks, jobs and resources. Nothing else imports this module."""

from __future__ import annotations

import warnings

import dagster as dg

# Partitions on asset checks are marked as a preview by Dagster; the project uses them knowingly (docs/architecture.md).
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)

from customs_assets.anonymization import assets as anonymization  # noqa: E402
from customs_assets.automation.jobs import JOBS, on_time_job, schedules  # noqa: E402
from customs_assets.automation.refresh import refresh_sensor, refreshed  # noqa: E402
from customs_assets.automation.retention import old_runs, old_runs_schedule  # noqa: E402
from customs_assets.automation.sensors import alerts, lost_runs  # noqa: E402
from customs_assets.benchmark import assets as benchmark  # noqa: E402
from customs_assets.expectations.checks import asset_checks, month_on_time  # noqa: E402
from customs_assets.fidelity import assets as fidelity  # noqa: E402
from customs_assets.pipeline import LakeIOManager, Pipeline  # noqa: E402
from customs_assets.privacy import assets as privacy  # noqa: E402
from customs_assets.release import assets as release  # noqa: E402
from customs_assets.report import assets as report  # noqa: E402
from customs_assets.settings import Settings  # noqa: E402
from customs_assets.source import assets as source  # noqa: E402
from customs_assets.synthesis import assets as synthesis  # noqa: E402

settings = Settings()  # pyright: ignore[reportCallIssue]

defs = dg.Definitions(
    assets=refreshed([source, anonymization, synthesis, fidelity, privacy, release, benchmark, report]),
    asset_checks=[*asset_checks(), month_on_time],
    jobs=[*JOBS, on_time_job, old_runs],
    schedules=[*schedules(settings), old_runs_schedule(settings)],
    sensors=[alerts, lost_runs, refresh_sensor(settings)],
    resources={"pipeline": Pipeline(), "lake_io": LakeIOManager()},
    # A run is one process: starting one for every asset would cost more than most assets do.
    executor=dg.in_process_executor,
)
