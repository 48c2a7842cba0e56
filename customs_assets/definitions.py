"""The code location: gathers assets, checks, jobs and resources. Nothing else imports this module."""

from __future__ import annotations

import warnings

import dagster as dg

# Dagster marks partitions of asset checks as a preview. The project uses them knowingly (docs/decisions.md, decision 14).
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)

from customs_assets.anonymization import assets as anonymization  # noqa: E402
from customs_assets.automation.jobs import JOBS, on_time_job, schedules  # noqa: E402
from customs_assets.automation.refresh import refresh_sensor, refreshed  # noqa: E402
from customs_assets.automation.retention import old_runs, old_runs_schedule  # noqa: E402
from customs_assets.automation.sensors import alerts, lost_runs  # noqa: E402
from customs_assets.benchmark import assets as benchmark  # noqa: E402
from customs_assets.disclosure import assets as disclosure  # noqa: E402
from customs_assets.drift import assets as drift  # noqa: E402
from customs_assets.expectations.checks import asset_checks, month_on_time  # noqa: E402
from customs_assets.fidelity import assets as fidelity  # noqa: E402
from customs_assets.graph import graph_of  # noqa: E402
from customs_assets.lake.io_manager import LakeIOManager  # noqa: E402
from customs_assets.law import assets as law  # noqa: E402
from customs_assets.league import assets as league  # noqa: E402
from customs_assets.privacy import assets as privacy  # noqa: E402
from customs_assets.privacy.shadows import assets as shadows  # noqa: E402
from customs_assets.release import assets as release  # noqa: E402
from customs_assets.report import assets as report  # noqa: E402
from customs_assets.resources import FOLDER, HTML, JSON, PARQUET, SAFETENSORS, Pipeline  # noqa: E402
from customs_assets.settings import Settings  # noqa: E402
from customs_assets.source import assets as source  # noqa: E402
from customs_assets.source.address import origin_of  # noqa: E402
from customs_assets.synthesis import assets as synthesis  # noqa: E402
from customs_assets.trade import assets as trade  # noqa: E402
from customs_assets.weeks import assets as weeks  # noqa: E402

settings = Settings()  # pyright: ignore[reportCallIssue]

_MODULES = [
    law,
    source,
    drift,
    anonymization,
    disclosure,
    synthesis,
    fidelity,
    privacy,
    shadows,
    release,
    benchmark,
    trade,
    report,
    league,
    weeks,
]
_assets = [a for a in dg.load_assets_from_modules(_MODULES) if isinstance(a, dg.AssetsDefinition | dg.AssetSpec)]
_checks = asset_checks(_assets)
# Nothing is built from it, so it is not found by way of what is.
_shown = [*_assets, release.release_sign_off]

graph = graph_of(_assets, _checks)

_SUFFIXES = {PARQUET: "parquet", JSON: "json", SAFETENSORS: "safetensors", HTML: "html", FOLDER: ""}

defs = dg.Definitions(
    assets=refreshed(_shown, graph),
    asset_checks=[*_checks, month_on_time],
    jobs=[*JOBS, on_time_job, old_runs],
    schedules=[*schedules(settings), old_runs_schedule(settings)],
    sensors=[alerts, lost_runs, refresh_sensor(settings)],
    resources={
        "pipeline": Pipeline(),
        **{name: LakeIOManager(graph, suffix, origin_of) for name, suffix in _SUFFIXES.items()},
    },
    # A run is one process: starting one for every asset would cost more than most assets do.
    executor=dg.in_process_executor,
)
