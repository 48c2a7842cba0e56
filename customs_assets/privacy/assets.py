"""The assets of privacy: the rehearsal, a month's privacy report, and the attacks over all months."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import Claim, as_table, from_json
from customs_assets.fidelity.claims import Tables
from customs_assets.pipeline import Pipeline, customs_asset, table_metadata
from customs_assets.privacy.evidence import month_privacy, privacy
from customs_assets.privacy.rehearsal import Rehearsal, epochs_of, rehearsed
from customs_assets.seeds import derive_seed


@customs_asset
def rehearsed_declarations(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[pa.Table]:
    settings, months = pipeline.settings, pipeline.months("anonymized_declarations")
    context.log.info(
        f"rehearsing {len(months)} months on half of the importers, {epochs_of(settings)} CTGAN epochs each"
    )
    source = {month: pipeline.lake.read_frame("anonymized_declarations", month) for month in months}
    table = rehearsed(source, settings, pipeline.secret)
    said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    shown = {name: said[name] for name in ("epochs", "reason") if name in said}
    return dg.Output(table, metadata={**table_metadata(table), "months": len(months), **shown})


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


def _metadata(claims: list[Claim]) -> dict[str, Any]:
    return {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
    }
