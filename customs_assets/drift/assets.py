"""The assets of drift: ``month_counts``, by which months are compared, and ``drift``, a month beside the months before it."""

from typing import Any

import dagster as dg
import pyarrow as pa

from customs_assets.drift.counting import counted
from customs_assets.drift.month_counts import MonthCounts
from customs_assets.drift.verdicts import MONTHS_BEFORE, Standing, verdict
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import LakeFile, Partitions
from customs_assets.partitions import months
from customs_assets.resources import JSON, OWNERS, PARQUET, table_metadata


@dg.asset(
    partitions_def=months,
    group_name="drift",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("1"),
)
def month_counts(raw_declarations: LakeFile, quarantine: LakeFile) -> dg.Output[pa.Table]:
    """How often each code, day and reason occurs in the month, its parties and amounts: what months are compared by."""
    with raw_declarations.lake.connect() as connection:
        counts = counted(connection, raw_declarations.path, quarantine.path)
    return dg.Output(counts, metadata=table_metadata(counts))


@dg.asset(
    partitions_def=months,
    ins={
        "month_counts": dg.AssetIn(
            partition_mapping=dg.TimeWindowPartitionMapping(
                start_offset=-MONTHS_BEFORE, allow_nonexistent_upstream_partitions=True
            )
        )
    },
    group_name="drift",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("1", months_before=MONTHS_BEFORE),
)
def drift(month_counts: Partitions) -> dg.Output[dict]:
    """The month beside the months before it: what differs by more than history lets expect. It is never released."""
    found = verdict([MonthCounts.of(month, month_counts[month]) for month in sorted(month_counts)])
    told = [measure["title"] for measure in found["measures"] if measure["standing"] == Standing.TOLD]
    metadata: dict[str, Any] = {
        "months_before": found["months_before"],
        "measures": len(found["measures"]),
        "told": "; ".join(told) or ("nothing" if found["months_before"] else "nothing: there is no month before"),
    }
    return dg.Output(found, metadata=metadata)
