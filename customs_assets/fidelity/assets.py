"""The assets of quality: ``quality_report`` for a month, ``release_quality`` over all of them."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.fidelity.fidelity import as_json, fidelity, table_two
from customs_assets.fidelity.figures import as_png_markdown, daily_counts, distributions, similarity_heatmap
from customs_assets.pipeline import Pipeline, customs_asset


@customs_asset
def quality_report(
    context: dg.AssetExecutionContext, anonymized_declarations: pd.DataFrame, synthetic_declarations: pd.DataFrame
) -> dg.Output[list]:
    return _scored(anonymized_declarations, synthetic_declarations)


@customs_asset
def release_quality(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[list]:
    lake, months = pipeline.lake, pipeline.months("synthetic_declarations")
    context.log.info(f"scoring {len(months)} months, {months[0]} to {months[-1]}")
    source = lake.read_frames("anonymized_declarations", months)
    return _scored(source, lake.read_frames("synthetic_declarations", months))


def _scored(source: pd.DataFrame, synthetic: pd.DataFrame) -> dg.Output[list]:
    scores = fidelity(source, synthetic)
    metadata: dict[str, Any] = {
        "table_2": dg.MetadataValue.md(table_two(scores)),
        "figure_4": dg.MetadataValue.md(as_png_markdown(distributions(source, synthetic), "figure 4: distributions")),
        "figure_5": dg.MetadataValue.md(as_png_markdown(similarity_heatmap(scores), "figure 5: similarity of pairs")),
        "declarations_a_day": dg.MetadataValue.md(as_png_markdown(daily_counts(source, synthetic), "daily counts")),
        **{score.metric: score.score for score in scores},
    }
    return dg.Output(as_json(scores), metadata=metadata)
