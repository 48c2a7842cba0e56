"""The assets of the evidence: ``release_evidence`` as data, ``evidence_report`` as a page."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import as_table
from customs_assets.disclosure.confidential import count_in_words
from customs_assets.disclosure.parts import SafeParts, effective_law
from customs_assets.fidelity.claims import Tables
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import FolderOfFiles, Partitions
from customs_assets.law.law import Law
from customs_assets.law.reading import stated_origin
from customs_assets.privacy.assets import claims_metadata
from customs_assets.privacy.gate import reasons_of_measures
from customs_assets.privacy.shadows.standing import standing_attacks
from customs_assets.report.evidence import evidence
from customs_assets.report.provenance import provenance
from customs_assets.resources import HTML, JSON, OWNERS, Pipeline
from customs_assets.seeds import derive_seed


@dg.asset(
    group_name="report",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("6", "release_secret", "min_group", "labels_kept"),
)
def release_evidence(
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
    tariff: pa.Table,
    tariff_routes: pa.Table,
    safe_parts: pd.DataFrame,
) -> dg.Output[dict]:
    """Fidelity, relations, detection and utility over all months, each beside its ceiling, floor and goal."""
    settings, secret = pipeline.settings, pipeline.secret
    tables = Tables(
        synthetic_declarations.together(),
        anonymized_declarations.together(),
        derive_seed(secret, "release_evidence"),
        effective_law(Law.of(tariff, tariff_routes), SafeParts(safe_parts)),
    )
    found = evidence(tables, list(synthetic_declarations), settings.min_group, settings.labels_kept, secret)
    return dg.Output(found, metadata=claims_metadata(found))


@dg.asset(
    group_name="report",
    kinds={"html"},
    owners=OWNERS,
    io_manager_key=HTML,
    **made_with("6", "min_group", "dominance_one", "dominance_two"),
)
def evidence_report(
    pipeline: Pipeline,
    release_quality: list,
    release_evidence: dict,
    release_privacy: dict,
    release_candidate: FolderOfFiles,
    fraud_benchmark: Partitions,
    quality_report: Partitions,
    privacy_report: Partitions,
    tariff: pa.Table,
    confidential_trade: pd.DataFrame,
) -> dg.Output[bytes]:
    """One page for people: every claim with its verdict, tables 2 and 3, figures 3 to 7, privacy, and what was run."""
    from customs_assets.report.page import all_claims, page

    lake, months = pipeline.lake, release_evidence["months"]
    withheld = reasons_of_measures(lake, months)
    claims = all_claims(release_evidence, fraud_benchmark, release_privacy)
    content = page(
        release_quality=release_quality,
        release_evidence=release_evidence,
        release_privacy=release_privacy,
        fraud_benchmark=fraud_benchmark,
        quality_report=quality_report,
        privacy_report=privacy_report,
        release_candidate=release_candidate.files,
        provenance=provenance(lake, months),
        settings=pipeline.settings,
        law=stated_origin(tariff),
        requests=count_in_words(len(confidential_trade)),
        withheld=withheld,
        deep_attacks=standing_attacks(lake),
    )
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "megabytes": round(len(content) / 1e6, 1),
        "holding": sum(claim.holds is True for claim in claims),
        "failing": sum(claim.holds is False for claim in claims),
        "verdict": "; ".join(withheld) or "released",
    }
    return dg.Output(content, metadata=metadata)
