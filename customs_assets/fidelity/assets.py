"""The assets of fidelity: ``quality_report`` for a month, ``release_quality`` over all of them."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.fidelity.figures import quality_figures
from customs_assets.fidelity.table_two import as_json, fidelity, table_two
from customs_assets.figures import metadata as figure_metadata
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import Partitions
from customs_assets.partitions import months
from customs_assets.resources import JSON, OWNERS, Pipeline


@dg.asset(
    partitions_def=months,
    group_name="fidelity",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("2"),
)
def quality_report(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: pd.DataFrame,
    synthetic_declarations: pd.DataFrame,
) -> dg.Output[list]:
    """The month's eight scores of Table 2, per column and per pair, with figures 4 and 5."""
    return _scored(context, pipeline.settings.min_group, anonymized_declarations, synthetic_declarations)


@dg.asset(group_name="fidelity", kinds={"json"}, owners=OWNERS, io_manager_key=JSON, **made_with("2"))
def release_quality(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> dg.Output[list]:
    """The eight scores over all months together: the numbers that are compared with the paper's Table 2."""
    context.log.info(f"scoring {len(synthetic_declarations)} months: {', '.join(synthetic_declarations)}")
    source, synthetic = anonymized_declarations.together(), synthetic_declarations.together()
    return _scored(context, pipeline.settings.min_group, source, synthetic)


def _scored(
    context: dg.AssetExecutionContext, min_group: int, source: pd.DataFrame, synthetic: pd.DataFrame
) -> dg.Output[list]:
    scores = fidelity(source, synthetic)
    metadata: dict[str, Any] = {
        "table_2": dg.MetadataValue.md(table_two(scores)),
        **figure_metadata(context, quality_figures(scores, source, synthetic, min_group)),
        **{score.metric: score.score for score in scores},
    }
    return dg.Output(as_json(scores), metadata=metadata)
