"""The cells of the weeks, as Dagster partitions: every strategy on every data set."""

from __future__ import annotations

import dagster as dg

from customs_assets.weeks.strategies import STRATEGIES

# The data sets that are compared, and the asset that each one's cells are built from.
DATASETS = {"source": ("anonymized_declarations",), "synthetic": ("synthetic_declarations",)}

cells = dg.MultiPartitionsDefinition(
    {
        "strategy": dg.StaticPartitionsDefinition(list(STRATEGIES)),
        "dataset": dg.StaticPartitionsDefinition(list(DATASETS)),
    }
)
