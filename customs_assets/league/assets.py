"""The asset of the league: ``synthesizer_league``, a partition for each synthesizer and month, on demand."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.disclosure.parts import SafeParts, effective_law
from customs_assets.disclosure.safe_groups import SafeGroups
from customs_assets.graph import made_with, needs
from customs_assets.lake.told_apart import as_named_in
from customs_assets.law.law import Law
from customs_assets.league.cell import VERSION, LeagueMonth, cell
from customs_assets.league.partitions import entries
from customs_assets.resources import JSON, OWNERS, TRAINING, Pipeline
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.month import AllMonths
from customs_assets.synthesis.releasable import Disclosed

_OF_THE_MONTH = ("anonymized_declarations", "unit_prices")


@dg.asset(
    partitions_def=entries,
    ins={
        key: dg.AssetIn(partition_mapping=dg.MultiToSingleDimensionPartitionMapping("month")) for key in _OF_THE_MONTH
    },
    group_name="league",
    kinds={"json"},
    owners=OWNERS,
    pool=TRAINING,
    op_tags=needs(gigabytes=4),
    io_manager_key=JSON,
    **made_with(VERSION, "release_secret", "epochs", "min_group", on_demand=True),
)
def synthesizer_league(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    safe_groups: pd.DataFrame,
    disclosed_tuples: pd.DataFrame,
    composed_identities: pd.DataFrame,
    fraud_propensity: dict,
    safe_parts: pd.DataFrame,
    tariff: pa.Table,
    tariff_routes: pa.Table,
) -> dg.Output[dict]:
    """One synthesizer on one month: what it costs, and how good and how private its draft and the finished rows are."""
    entry = context.partition_key.keys_by_dimension  # pyright: ignore[reportAttributeAccessIssue]
    settings = pipeline.settings
    of = LeagueMonth(
        entry["month"],
        as_named_in(anonymized_declarations, entry["month"], disclosed_tuples),
        unit_prices,
        AllMonths(
            Disclosed(SafeGroups(safe_groups), disclosed_tuples),
            composed_identities,
            FraudPropensity.from_json(fraud_propensity),
        ),
        effective_law(Law.of(tariff, tariff_routes), SafeParts(safe_parts)),
        settings.min_group,
        settings.epochs,
    )
    context.log.info(f"{entry['synthesizer']} on {len(anonymized_declarations)} declarations of {entry['month']}")
    found = cell(of, entry["synthesizer"], pipeline.secret)
    metadata: dict[str, Any] = {
        **{f"draft {name}": value for name, value in found["draft"].items() if value is not None},
        **{f"polished {name}": value for name, value in found["polished"].items() if value is not None},
        **found["costs"],
        "reason": found["reason"] or "none",
    }
    return dg.Output(found, metadata=metadata)
