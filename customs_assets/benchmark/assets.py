"""The asset of the benchmark: ``fraud_benchmark``, a partition for each detector and data set."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.benchmark.precision import evaluate
from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.table_three import PAPER
from customs_assets.pipeline import Pipeline, customs_asset, table_metadata
from customs_assets.seeds import derive_seed

# The paper averages over five runs.
RUNS = 5


@customs_asset
def fraud_benchmark(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[pd.DataFrame]:
    cell = context.partition_key.keys_by_dimension  # pyright: ignore[reportAttributeAccessIssue]
    detector, dataset = cell["detector"], cell["dataset"]
    table = {"source": "anonymized_declarations", "synthetic": "synthetic_declarations"}[dataset]
    months = pipeline.months(table)
    split = split_months(months)
    context.log.info(f"{detector} on {dataset} declarations: {split.note}")
    seeds = [
        derive_seed(pipeline.settings.seed, "fraud_benchmark", purpose=f"run {run}") % 2**31 for run in range(RUNS)
    ]
    rows = evaluate(pipeline.lake.read_frames(table, months), detector, dataset, split, seeds)
    metadata: dict[str, Any] = {
        **table_metadata(rows),
        "split": split.note,
        **{f"precision@{r.inspection_rate:.0%}": r.precision_mean for r in rows.itertuples()},
        **{
            f"paper's precision@{rate:.0%}": PAPER[detector, dataset, rate] for rate in rows["inspection_rate"].tolist()
        },
    }
    return dg.Output(rows, metadata=metadata)
