"""The assets of the evidence: ``privacy_report`` (a month), ``release_privacy``, ``release_evidence``, ``evidence_report``."""

from typing import Any

import dagster as dg

from customs_assets.claims import Claim, as_table, from_json
from customs_assets.fidelity.claims import Tables
from customs_assets.pipeline import Pipeline, customs_asset
from customs_assets.report.evidence import evidence
from customs_assets.seeds import derive_seed


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
    from customs_assets.report.from_lake import gathered
    from customs_assets.report.page import all_claims, page

    inputs = gathered(pipeline.lake, pipeline.settings)
    claims = all_claims(inputs["release_evidence"], inputs["fraud_benchmark"], inputs["release_privacy"])
    content = page(**inputs)
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "megabytes": round(len(content) / 1e6, 1),
        "holding": sum(claim.holds is True for claim in claims),
        "failing": sum(claim.holds is False for claim in claims),
        "verdict": "; ".join(inputs["withheld"]) or "released",
    }
    return dg.Output(content, metadata=metadata)


def _metadata(claims: list[Claim]) -> dict[str, Any]:
    return {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
    }
