"""The assets of the evidence: ``privacy_report`` (a month), ``release_privacy``, ``release_evidence``, ``evidence_report``."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.pipeline import Pipeline, customs_asset
from customs_assets.report.claims import Claim, Tables, as_table, from_json
from customs_assets.report.evidence import evidence, month_privacy, privacy
from customs_assets.seeds import derive_seed
from customs_assets.privacy.rehearsal import Rehearsal


@customs_asset
def privacy_report(
    context: dg.AssetExecutionContext, anonymized_declarations: pd.DataFrame, synthetic_declarations: pd.DataFrame
) -> dg.Output[dict]:
    found = dict(month_privacy(anonymized_declarations, synthetic_declarations))
    return dg.Output(found, metadata=_metadata(from_json(found["claims"])))


@customs_asset
def release_privacy(
    context: dg.AssetExecutionContext, pipeline: Pipeline, rehearsed_declarations: pa.Table
) -> dg.Output[dict]:
    settings, lake = pipeline.settings, pipeline.lake
    months = pipeline.months("anonymized_declarations")
    by_month = {month: lake.read_frame("anonymized_declarations", month) for month in months}
    source = pd.concat(by_month.values(), ignore_index=True)
    synthetic = lake.read_frames("synthetic_declarations", pipeline.months("synthetic_declarations"))
    rehearsal = Rehearsal.of(rehearsed_declarations, by_month, pipeline.secret)
    tables = Tables(synthetic, source, derive_seed(pipeline.secret, "release_privacy"))
    found = privacy(tables, settings.min_group, rehearsal)
    return dg.Output(found, metadata={**_metadata(from_json(found["claims"])), "trained_on": found["trained_on"]})


@customs_asset
def release_evidence(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[dict]:
    settings, lake = pipeline.settings, pipeline.lake
    months = pipeline.months("synthetic_declarations")
    tables = Tables(
        lake.read_frames("synthetic_declarations", months),
        lake.read_frames("anonymized_declarations", months),
        derive_seed(pipeline.secret, "release_evidence"),
    )
    found = evidence(tables, months, settings.min_group, settings.labels_kept, pipeline.secret)
    return dg.Output(found, metadata=_metadata(from_json(found["claims"])))


@customs_asset
def evidence_report(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[bytes]:
    from customs_assets.report.page import gathered, page

    content = gathered(pipeline.lake, pipeline.settings)
    rendered = page(content)
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(content.claims)),
        "megabytes": round(len(rendered) / 1e6, 1),
        "holding": sum(claim.holds is True for claim in content.claims),
        "failing": sum(claim.holds is False for claim in content.claims),
        "verdict": "; ".join(content.withheld) or "released",
    }
    return dg.Output(rendered, metadata=metadata)


def _metadata(claims: list[Claim]) -> dict[str, Any]:
    return {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
    }
