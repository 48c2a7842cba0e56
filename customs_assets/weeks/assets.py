"""The asset of the weeks: ``inspection_weeks``, a partition for each strategy and data set, on demand."""

from typing import Any

import dagster as dg

from customs_assets.graph import made_with
from customs_assets.lake.io_manager import Partitions
from customs_assets.resources import JSON, OWNERS, Pipeline
from customs_assets.weeks.cell import VERSION, Plan, cell
from customs_assets.weeks.partitions import DATASETS, cells


@dg.asset(
    partitions_def=cells,
    ins={key: dg.AssetIn(partition_mapping=dg.AllPartitionMapping()) for keys in DATASETS.values() for key in keys},
    group_name="weeks",
    kinds={"json", "scikitlearn"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with(VERSION, "seed", "weekly_rate", "weekly_rate_falls_over", on_demand=True, input_of_dataset=DATASETS),
)
def inspection_weeks(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> dg.Output[dict]:
    """One strategy of inspection on one data set, week by week: what it finds, and what it costs to explore."""
    of = context.partition_key.keys_by_dimension  # pyright: ignore[reportAttributeAccessIssue]
    strategy, dataset = of["strategy"], of["dataset"]
    months = {"source": anonymized_declarations, "synthetic": synthetic_declarations}[dataset]
    settings = pipeline.settings
    plan = Plan(settings.weekly_rate, settings.weekly_rate_falls_over, settings.seed)
    found = cell(months.together(), strategy, dataset, plan, with_halves=dataset == "source")
    if found["reason"]:
        context.log.warning(f"not simulated: {found['reason']}")
    metadata: dict[str, Any] = {
        "weeks": len(found["starts"]),
        "reason": found["reason"] or "none",
        **{
            f"{measure}, {name} rate": regime["over_all"][measure]["by_key"][0]
            for name, regime in found["regimes"].items()
            for measure in ("precision", "revenue")
            if regime["over_all"][measure]["by_key"][0] is not None
        },
    }
    return dg.Output(found, metadata=metadata)
