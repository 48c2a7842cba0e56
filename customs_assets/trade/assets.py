"""The asset of trade patterns: ``trade_patterns``, over all months."""

from typing import Any

import dagster as dg

from customs_assets.claims import as_table, from_json
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import Partitions
from customs_assets.resources import JSON, OWNERS, Pipeline
from customs_assets.seeds import derive_seed
from customs_assets.trade.document import VERSION
from customs_assets.trade.document import trade_patterns as patterns_of


@dg.asset(
    group_name="trade",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with(VERSION, "release_secret", "min_group", "dominance_one", "dominance_two"),
)
def trade_patterns(
    pipeline: Pipeline, anonymized_declarations: Partitions, synthetic_declarations: Partitions
) -> dg.Output[dict]:
    """Who trades with whom, through whom and where: source and release side by side, each statistic with its ceiling."""
    settings = pipeline.settings
    found = patterns_of(
        anonymized_declarations.together(),
        synthetic_declarations.together(),
        settings.min_group,
        (settings.dominance_one, settings.dominance_two),
        derive_seed(pipeline.secret, "trade_patterns"),
    )
    claims = from_json(found["claims"])
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "holding": sum(claim.holds is True for claim in claims),
        "failing": sum(claim.holds is False for claim in claims),
    }
    return dg.Output(found, metadata=metadata)
