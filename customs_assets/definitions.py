"""The code location: assembles stages, checks, jobs and resources. Nothing else imports this module."""

from __future__ import annotations

import warnings

import dagster as dg

# Partitions on asset checks are marked as a preview by Dagster; the project uses them knowingly (docs/architecture.md).
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)

from customs_assets.anonymization import assets as anonymization  # noqa: E402
from customs_assets.automation.jobs import JOBS, month_that_closed  # noqa: E402
from customs_assets.benchmark import assets as benchmark  # noqa: E402
from customs_assets.expectations.checks import asset_checks  # noqa: E402
from customs_assets.pipeline import LakeIOManager, Pipeline  # noqa: E402
from customs_assets.quality import assets as quality  # noqa: E402
from customs_assets.release import assets as release  # noqa: E402
from customs_assets.report import assets as report  # noqa: E402
from customs_assets.source import assets as source  # noqa: E402
from customs_assets.synthesis import assets as synthesis  # noqa: E402

defs = dg.Definitions(
    assets=dg.load_assets_from_modules([source, anonymization, synthesis, quality, release, benchmark, report]),
    asset_checks=asset_checks(),
    jobs=list(JOBS.values()),
    schedules=[month_that_closed],
    resources={"pipeline": Pipeline(), "lake_io": LakeIOManager()},
    # A run is one process: starting one for every asset would cost more than most assets do.
    executor=dg.in_process_executor,
)
