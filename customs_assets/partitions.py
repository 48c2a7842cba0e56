"""The two ways in which the pipeline is cut: by month, and by detector and dataset.

Months begin where the paper's data begin and are open-ended: a month is a partition once it has closed.
"""

from __future__ import annotations

import dagster as dg

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.source.months import FIRST_MONTH, MONTH_FORMAT

# The data sets that Table 3 compares.
DATASETS = ("source", "synthetic")

months = dg.TimeWindowPartitionsDefinition(start=FIRST_MONTH, fmt=MONTH_FORMAT, cron_schedule="0 0 1 * *")

detectors_and_datasets = dg.MultiPartitionsDefinition(
    {"detector": dg.StaticPartitionsDefinition(list(DETECTORS)), "dataset": dg.StaticPartitionsDefinition(list(DATASETS))}
)
