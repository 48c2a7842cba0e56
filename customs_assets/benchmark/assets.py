"""The assets of the benchmark, a partition for each detector and data set: ``fraud_benchmark``; on demand ``deep_detectors``."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.benchmark.cells import measure_cell, no_rows
from customs_assets.benchmark.detectors import DEEP_REGISTER, DETECTORS, NothingToLearn, detector_class
from customs_assets.benchmark.precision import INSPECTION_RATES
from customs_assets.benchmark.recorded_inspections import with_recorded_inspections
from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.table_three import PAPER
from customs_assets.generator.repeatable import best_device, device_name
from customs_assets.graph import made_with, needs
from customs_assets.lake.io_manager import Partitions
from customs_assets.resources import OWNERS, PARQUET, TRAINING, Pipeline, table_metadata
from customs_assets.seeds import derive_seed

# The paper averages over five runs.
RUNS = 5

# The data sets that Table 3 compares, and the assets that each one's cells are built from.
# Raw declarations have what a source records of its inspections.
DATASETS = {
    "source": ("anonymized_declarations", "raw_declarations"),
    "synthetic": ("synthetic_declarations",),
}


def _cells(detectors: Iterable[str]) -> dg.MultiPartitionsDefinition:
    """Every detector on every data set."""
    return dg.MultiPartitionsDefinition(
        {
            "detector": dg.StaticPartitionsDefinition(list(detectors)),
            "dataset": dg.StaticPartitionsDefinition(list(DATASETS)),
        }
    )


cells, deep_cells = _cells(DETECTORS), _cells(DEEP_REGISTER)

_INS = {key: dg.AssetIn(partition_mapping=dg.AllPartitionMapping()) for keys in DATASETS.values() for key in keys}


@dg.asset(
    partitions_def=cells,
    ins=_INS,
    group_name="benchmark",
    kinds={"parquet", "scikitlearn"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    op_tags=needs(gigabytes=3),
    **made_with("4", "seed", input_of_dataset=DATASETS),
)
def fraud_benchmark(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    raw_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> dg.Output[pd.DataFrame]:
    """One cell of Table 3: a detector trained and tested on one data set, and what its precision varies by."""
    rows, metadata = _measured(context, pipeline, anonymized_declarations, raw_declarations, synthetic_declarations)
    return dg.Output(rows, metadata=metadata)


@dg.asset(
    partitions_def=deep_cells,
    ins=_INS,
    group_name="benchmark",
    kinds={"parquet", "pytorch"},
    owners=OWNERS,
    pool=TRAINING,
    io_manager_key=PARQUET,
    **made_with("1", "seed", input_of_dataset=DATASETS, on_demand=True),
)
def deep_detectors(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    raw_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> dg.Output[pd.DataFrame]:
    """One network of customs research (DATE and its kin) on one data set, a cell as those of Table 3."""
    rows, metadata = _measured(context, pipeline, anonymized_declarations, raw_declarations, synthetic_declarations)
    return dg.Output(rows, metadata={**metadata, "device": device_name(best_device())})


def _measured(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    raw_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The cell of the partition at hand, and its metadata."""
    cell = context.partition_key.keys_by_dimension  # pyright: ignore[reportAttributeAccessIssue]
    detector, dataset = cell["detector"], cell["dataset"]
    of_months = {"source": anonymized_declarations, "synthetic": synthetic_declarations}[dataset]
    split = split_months(list(of_months))
    context.log.info(f"{detector} on {dataset} declarations: {split.note}")
    seeds = [
        derive_seed(pipeline.settings.seed, "fraud_benchmark", purpose=f"run {run}") % 2**31 for run in range(RUNS)
    ]
    declarations = of_months.together()
    if dataset == "source":
        declarations = with_recorded_inspections(declarations, raw_declarations.lake, list(of_months))
    left_out = ""
    try:
        rows = measure_cell(
            declarations,
            detector_class(detector),
            dataset,
            split,
            seeds,
            pipeline.settings.seed,
            with_halves=dataset == "source",
        )
    except NothingToLearn as reason:
        # The release does not rest on it: the cell is left out, and Table 3 says so.
        rows, left_out = no_rows(), str(reason)
        context.log.warning(f"not measured: {left_out}")
    metadata: dict[str, Any] = {
        **table_metadata(rows),
        **({"not_measured": left_out} if left_out else {}),
        "split": split.note,
        **{f"precision@{r.inspection_rate:.0%}": r.precision_mean for r in rows.itertuples()},
        **{
            f"paper's precision@{rate:.0%}": PAPER[detector, dataset, rate]
            for rate in INSPECTION_RATES
            if (detector, dataset, rate) in PAPER
        },
    }
    return rows, metadata
