"""The assets of the evidence: ``release_evidence`` as data, ``evidence_report`` as a page, ``public_evidence`` as one for all."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import as_table
from customs_assets.disclosure.parts import SafeParts, effective_law
from customs_assets.fidelity.claims import Tables
from customs_assets.graph import made_with, needs
from customs_assets.lake.io_manager import FolderOfFiles, Partitions
from customs_assets.law.law import Law
from customs_assets.privacy.assets import claims_metadata
from customs_assets.report.evidence import evidence
from customs_assets.resources import HTML, JSON, OWNERS, Pipeline
from customs_assets.seeds import derive_seed
from customs_assets.source.accounts import reading_of

if TYPE_CHECKING:
    from customs_assets.report.page import Evidence

# The settings that the pages hang on.
_OF_PAGES = ("min_group", "dominance_one", "dominance_two", "language")


@dg.asset(
    group_name="report",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    op_tags=needs(gigabytes=3),
    **made_with("9", "release_secret", "min_group", "labels_kept"),
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
    reports = {f"sdmetrics_{name}": found["sdmetrics"][name]["score"] for name in ("quality", "diagnostic")}
    return dg.Output(found, metadata={**claims_metadata(found), **reports})


@dg.asset(
    group_name="report",
    kinds={"html"},
    owners=OWNERS,
    io_manager_key=HTML,
    **made_with("12", *_OF_PAGES),
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
    drift: Partitions,
    quarantine: Partitions,
    trade_patterns: dict,
    tariff: pa.Table,
    confidential_trade: pd.DataFrame,
) -> dg.Output[bytes]:
    """One page for people: every claim with its verdict, tables 2 and 3, figures 3 to 7, privacy, and what was run."""
    from customs_assets.report.page import page

    made_from = _evidence(
        pipeline,
        release_candidate,
        tariff,
        confidential_trade,
        release_quality=release_quality,
        release_evidence=release_evidence,
        release_privacy=release_privacy,
        fraud_benchmark=fraud_benchmark,
        quality_report=quality_report,
        privacy_report=privacy_report,
        reading=reading_of(quarantine.lake, list(privacy_report)),
        drift={month: drift[month] for month in drift},
        trade_patterns=trade_patterns,
    )
    content, claims = page(made_from, pipeline.settings.language), made_from.claims
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "megabytes": round(len(content) / 1e6, 1),
        "holding": sum(claim.holds is True for claim in claims),
        "failing": sum(claim.holds is False for claim in claims),
        "verdict": "; ".join(made_from.withheld) or "released",
    }
    return dg.Output(content, metadata=metadata)


@dg.asset(
    group_name="report",
    kinds={"html"},
    owners=OWNERS,
    io_manager_key=HTML,
    **made_with("5", *_OF_PAGES),
)
def public_evidence(
    pipeline: Pipeline,
    release_quality: list,
    release_evidence: dict,
    release_privacy: dict,
    release_candidate: FolderOfFiles,
    fraud_benchmark: Partitions,
    quality_report: Partitions,
    privacy_report: Partitions,
    quarantine: Partitions,
    trade_patterns: dict,
    tariff: pa.Table,
    confidential_trade: pd.DataFrame,
) -> dg.Output[bytes]:
    """The page that is published with the release: measures rounded, and nothing that rests on fewer than ``k`` importers."""
    from customs_assets.report.page import page

    made_from = _evidence(
        pipeline,
        release_candidate,
        tariff,
        confidential_trade,
        release_quality=release_quality,
        release_evidence=release_evidence,
        release_privacy=release_privacy,
        fraud_benchmark=fraud_benchmark,
        quality_report=quality_report,
        privacy_report=privacy_report,
        reading=reading_of(quarantine.lake, list(privacy_report)),
        trade_patterns=trade_patterns,
    )
    content = page(made_from, pipeline.settings.language, outside=True)
    return dg.Output(content, metadata={"megabytes": round(len(content) / 1e6, 1)})


def _evidence(
    pipeline: Pipeline,
    release_candidate: FolderOfFiles,
    tariff: pa.Table,
    confidential_trade: pd.DataFrame,
    **documents: Any,
) -> "Evidence":
    """What both pages are made from."""
    from customs_assets.report.assembled import evidence_of

    requests = len(confidential_trade)
    return evidence_of(pipeline.lake, pipeline.settings, documents, release_candidate.files, tariff, requests)
