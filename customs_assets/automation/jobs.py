"""A job for each thing a person asks for, and the schedule that asks every month."""

from __future__ import annotations

import dagster as dg

from customs_assets.catalogue import ARTIFACTS, Partitioning
from customs_assets.partitions import cells, months


def _keys(partitioning: Partitioning) -> list[str]:
    return [artifact.key for artifact in ARTIFACTS if artifact.partitioning is partitioning]


MONTHLY, RELEASE, BENCHMARK = "month", "release", "fraud_benchmark_cell"

month_job = dg.define_asset_job(
    MONTHLY,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.MONTH)),
    partitions_def=months,
    description="One month, from the source to its quality report.",
)

release_job = dg.define_asset_job(
    RELEASE,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.WHOLE)),
    description="The scores over all months in the lake, and the release.",
)

benchmark_job = dg.define_asset_job(
    BENCHMARK,
    selection=dg.AssetSelection.assets(*_keys(Partitioning.CELL)),
    partitions_def=cells,
    description="One cell of Table 3; launch it as a backfill for the whole table.",
)

JOBS = {Partitioning.MONTH: month_job, Partitioning.WHOLE: release_job, Partitioning.CELL: benchmark_job}

# Declarations of the last days of a month are still being inspected on the first of the next.
month_that_closed = dg.build_schedule_from_partitioned_job(
    month_job,
    name="month_that_closed",
    description="On the third of every month, at 04:00, the month that closed.",
    day_of_month=3,
    hour_of_day=4,
)
