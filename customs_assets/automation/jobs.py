"""A job for each thing a person asks for, and the schedules that ask by themselves, monthly and daily."""

from __future__ import annotations

import dagster as dg

from customs_assets.catalogue import ARTIFACTS, SOURCE_KEY, Partitioning, stage_of
from customs_assets.partitions import cells, months
from customs_assets.settings import Settings


def _keys(partitioning: Partitioning, stage: int) -> list[str]:
    return [a.key for a in ARTIFACTS if a.partitioning is partitioning and stage_of(a.key) == stage]


MONTHLY, SHARED, SYNTHESIS, RELEASE, BENCHMARK = "month", "shared", "synthesis", "release", "fraud_benchmark_cell"
EVIDENCE = "evidence"

month_job = dg.define_asset_job(
    MONTHLY,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.MONTH, 0)),
    partitions_def=months,
    description="One month, from the source to its trained model.",
)

shared_job = dg.define_asset_job(
    SHARED,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.WHOLE, 1)),
    description="What the months share, over all months in the lake: safe groups, composed identities, fraud propensity.",
)

synthesis_job = dg.define_asset_job(
    SYNTHESIS,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.MONTH, 2)),
    partitions_def=months,
    description="One synthetic month and its reports, from its model and what the months share.",
)

release_job = dg.define_asset_job(
    RELEASE,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.WHOLE, 3)),
    description="The scores over all months in the lake, and the release.",
)

benchmark_job = dg.define_asset_job(
    BENCHMARK,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.CELL, 3)),
    partitions_def=cells,
    description="One cell of Table 3; launch it as a backfill for the whole table.",
)

evidence_job = dg.define_asset_job(
    EVIDENCE,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.WHOLE, 4)),
    description="The evidence on one page.",
)

# The job that makes the artifacts of a partitioning and a stage.
JOBS = {
    (Partitioning.MONTH, 0): month_job,
    (Partitioning.WHOLE, 1): shared_job,
    (Partitioning.MONTH, 2): synthesis_job,
    (Partitioning.WHOLE, 3): release_job,
    (Partitioning.CELL, 3): benchmark_job,
    (Partitioning.WHOLE, 4): evidence_job,
}

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
        month_job,
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
