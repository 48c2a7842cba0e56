"""A job for each thing a person asks for, and the schedules that ask by themselves, monthly and daily."""

from __future__ import annotations

from typing import Any

import dagster as dg

from customs_assets.benchmark.assets import cells, deep_cells
from customs_assets.graph import SOURCE_KEY
from customs_assets.league.partitions import entries
from customs_assets.partitions import months
from customs_assets.privacy.shadows.assets import shadows
from customs_assets.settings import Settings
from customs_assets.weeks.partitions import cells as weeks_cells


def _job(name: str, description: str, *assets: str, **more: Any) -> tuple[str, tuple[str, ...], Any]:
    selection = dg.AssetSelection.assets(*assets)
    return name, assets, dg.define_asset_job(name, selection=selection, description=description, **more)


# What takes long is a job of its own, so that several processes work.
_JOBS = (
    _job("law", "The law: which tax types, rates and routes are lawful.", "tariff", "tariff_routes"),
    _job(
        "month",
        "One month, from the source to its trained model.",
        "raw_declarations",
        "quarantine",
        "month_counts",
        "population",
        "labelled_declarations",
        "anonymized_declarations",
        "unit_prices",
        "ctgan_model",
        partitions_def=months,
    ),
    _job("compare", "One month beside the months before it.", "drift", partitions_def=months),
    _job(
        "shared",
        "What the months share, over all months: safe parts and groups, requests, tuples, identities, fraud propensity.",
        "safe_parts",
        "confidential_trade",
        "disclosed_tuples",
        "safe_groups",
        "composed_identities",
        "fraud_propensity",
    ),
    _job(
        "rehearsal",
        "The synthesis once more on half of the importers, which attacks are measured on.",
        "rehearsed_declarations",
    ),
    _job(
        "synthesis",
        "One synthetic month and its reports, from its model and what the months share.",
        "synthetic_declarations",
        "quality_report",
        "privacy_report",
        partitions_def=months,
    ),
    _job("fraud_benchmark_cell", "One cell of Table 3.", "fraud_benchmark", partitions_def=cells),
    _job("measures", "Fidelity, relations, detection and utility over all months.", "release_evidence"),
    _job("trade", "Who trades with whom, through whom and where, on source and release.", "trade_patterns"),
    _job("attacks", "The k rule's account over all months, and the attacks on the rehearsal.", "release_privacy"),
    _job(
        "candidate",
        "The scores over all months in the lake, and what would be released of them.",
        "release_quality",
        "release_candidate",
    ),
    _job(
        "release",
        "The gate: releases the candidate where every privacy claim was measured and none blocks it.",
        "synthetic_release",
    ),
    _job("evidence", "The evidence on one page, and its form for the public.", "evidence_report", "public_evidence"),
    _job("targets", "The most exposed importers, whom the deep attacks are aimed at.", "exposed_importers"),
    _job("shadow", "One shadow synthesis of the deep attacks.", "shadow_scores", partitions_def=shadows),
    _job(
        "deep",
        "What attacks with shadow models find. Not a part of `customs run`; `customs publish` asks for it.",
        "deep_attacks",
    ),
    _job(
        "league",
        "One synthesizer on one month, as a draft and polished. Not a part of `customs run`; `customs league` asks for it.",
        "synthesizer_league",
        partitions_def=entries,
    ),
    _job(
        "networks",
        "One network (DATE and its kin) on one data set. Not a part of `customs run`; `customs deep-detectors` asks for it.",
        "deep_detectors",
        partitions_def=deep_cells,
    ),
    _job(
        "weeks",
        "One strategy of inspection on one data set, week by week. Not a part of `customs run`; `customs weeks` asks for it.",
        "inspection_weeks",
        partitions_def=weeks_cells,
    ),
)

_DEFINITIONS = {name: definition for name, _, definition in _JOBS}
JOBS = list(_DEFINITIONS.values())

# The job that builds each asset.
JOB_OF = {asset: name for name, assets, _ in _JOBS for asset in assets}


on_time_job = dg.define_asset_job(
    "months_on_time",
    selection=dg.AssetSelection.checks_for_assets(SOURCE_KEY),
    description="Whether the month that is due is in the lake.",
)


def schedules(settings: Settings) -> list[dg.ScheduleDefinition | dg.UnresolvedPartitionedAssetScheduleDefinition]:
    """The schedules; off unless ``CUSTOMS_AUTOMATION`` is set or they are turned on in the UI."""
    on = dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED
    # Declarations of the last days of a month are still being inspected on the first of the next.
    month_that_closed = dg.build_schedule_from_partitioned_job(
        _DEFINITIONS["month"],
        name="month_that_closed",
        description="On the third of every month, at 04:00 UTC, the month that closed.",
        day_of_month=3,
        hour_of_day=4,
        default_status=on,
    )
    late_month = dg.ScheduleDefinition(
        name="late_month",
        job=on_time_job,
        cron_schedule="30 6 * * *",
        description="Every day, at 06:30 UTC: is the month that is due in the lake?",
        default_status=on,
    )
    return [month_that_closed, late_month]
