"""The two ways in which the pipeline is cut, as Dagster knows them: by month, and by detector and dataset.

Months begin where the paper's data begin and are open-ended: a month is a partition once it has closed.
"""

from __future__ import annotations

import dagster as dg

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import DATASETS, Partitioning
from customs_assets.months import FIRST_MONTH, MONTH_FORMAT

months = dg.TimeWindowPartitionsDefinition(start=FIRST_MONTH, fmt=MONTH_FORMAT, cron_schedule="0 0 1 * *")

cells = dg.MultiPartitionsDefinition(
    {
        "detector": dg.StaticPartitionsDefinition(list(DETECTORS)),
        "dataset": dg.StaticPartitionsDefinition(list(DATASETS)),
    }
)

DEFINITIONS: dict[Partitioning, dg.PartitionsDefinition | None] = {
    Partitioning.MONTH: months,
    Partitioning.CELL: cells,
    Partitioning.WHOLE: None,
}


def cell(detector: str, dataset: str) -> str:
    """The partition key of one cell of Table 3, as Dagster writes it."""
    return dg.MultiPartitionKey({"detector": detector, "dataset": dataset})


def run_tags(partitioning: Partitioning, partition: str) -> dict[str, str]:
    """The tags by which Dagster knows the partition of a run."""
    match partitioning:
        case Partitioning.MONTH:
            return dict(months.get_tags_for_partition_key(partition))
        case Partitioning.CELL:
            dataset, detector = partition.split("|")
            return dict(
                cells.get_tags_for_partition_key(dg.MultiPartitionKey({"detector": detector, "dataset": dataset}))
            )
        case Partitioning.WHOLE:
            return {}
