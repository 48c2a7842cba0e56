"""The months, as Dagster partitions. They begin with the paper's data and are open-ended: a month is one once it has closed."""

import dagster as dg

from customs_assets.months import FIRST_MONTH, MONTH_FORMAT

months = dg.TimeWindowPartitionsDefinition(start=FIRST_MONTH, fmt=MONTH_FORMAT, cron_schedule="0 0 1 * *")
