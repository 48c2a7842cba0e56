"""The assets of fidelity: ``quality_report`` for a month, ``release_quality`` over all of them."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.fidelity.fidelity import as_json, fidelity, table_two
from customs_assets.fidelity.figures import as_png_markdown, daily_counts, distributions, similarity_heatmap
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import Partitions
from customs_assets.partitions import months
from customs_assets.resources import JSON, OWNERS


@dg.asset(
    partitions_def=months,
    group_name="fidelity",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("1"),
)
def quality_report(anonymized_declarations: pd.DataFrame, synthetic_declarations: pd.DataFrame) -> dg.Output[list]:
    """The month's eight scores of Table 2, per column and per pair, with figures 4 and 5."""
    return _scored(anonymized_declarations, synthetic_declarations)


@dg.asset(group_name="fidelity", kinds={"json"}, owners=OWNERS, io_manager_key=JSON, **made_with("1"))
def release_quality(
    context: dg.AssetExecutionContext, anonymized_declarations: Partitions, synthetic_declarations: Partitions
) -> dg.Output[list]:
    """The eight scores over all months together: the numbers that are compared with the paper's Table 2."""
    context.log.info(f"scoring {len(synthetic_declarations)} months: {', '.join(synthetic_declarations)}")
    return _scored(anonymized_declarations.together(), synthetic_declarations.together())


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
