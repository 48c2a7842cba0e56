"""The assets of quality: ``quality_report`` for a month, ``release_quality`` over all of them."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.fidelity.fidelity import as_json, fidelity, table_two
from customs_assets.fidelity.figures import quality_figures
from customs_assets.figures import metadata as figure_metadata
from customs_assets.pipeline import Pipeline, customs_asset


@customs_asset
def quality_report(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: pd.DataFrame,
    synthetic_declarations: pd.DataFrame,
) -> dg.Output[list]:
    return _scored(context, pipeline.settings.min_group, anonymized_declarations, synthetic_declarations)


@customs_asset
def release_quality(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[list]:
    lake, months = pipeline.lake, pipeline.months("synthetic_declarations")
    context.log.info(f"scoring {len(months)} months, {months[0]} to {months[-1]}")
    source = lake.read_frames("anonymized_declarations", months)
    synthetic = lake.read_frames("synthetic_declarations", months)
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
