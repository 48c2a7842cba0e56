"""The evidence page made of what lies in the lake, for whoever wants it in another language or form, or with the signatures.

What belongs here reads a lake. The assets of the pages are given the same documents by Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customs_assets.benchmark.deep_cells import standing_cells
from customs_assets.lake import Lake
from customs_assets.lake.frozen import Frozen
from customs_assets.law.reading import stated_origin
from customs_assets.privacy.gate import CANDIDATE, reasons_of_measures
from customs_assets.privacy.shadows.standing import standing_attacks
from customs_assets.release.standing import standing
from customs_assets.release.succession import Succession, sentence_of_changes
from customs_assets.report.page import Evidence
from customs_assets.report.provenance import provenance
from customs_assets.settings import Settings
from customs_assets.source.accounts import reading_of
from customs_assets.weeks.standing import standing_weeks


def evidence_of(
    lake: Lake, settings: Settings, documents: Mapping[str, Any], files: Mapping[str, bytes], tariff: Any, requests: int
) -> Evidence:
    """What a page is made from.

    Args:
        lake: the lake, which says what withholds the release, what the documents are of, and who signed.
        settings: the settings.
        documents: ``release_quality``, ``release_evidence``, ``release_privacy``, ``fraud_benchmark``, ``quality_report``,
            ``privacy_report``, ``trade_patterns``, ``reading``, for the inside form ``drift``, each as ``page.Evidence`` has it.
        files: the candidate's files.
        tariff: the law, an Arrow table.
        requests: how many pairs of product and partner country traders want withheld.
    """
    months, stands = documents["release_evidence"]["months"], standing(lake, settings)
    frozen = Frozen.of(settings, lake)
    changed = sentence_of_changes(frozen.amended(lake, months))
    return Evidence(
        **documents,
        release_candidate=files,
        provenance=provenance(lake, months),
        settings=settings,
        law=stated_origin(tariff),
        requests=requests,
        withheld=reasons_of_measures(lake, months),
        signed=[
            (act, {"name": record.signer, "date": record.signed_at, "reason": record.reason})
            for act, record in stands.acts
        ],
        succession=[*Succession.of(months, settings, frozen).in_words(), *([changed] if changed else [])],
        deep_attacks=standing_attacks(lake),
        deep_detectors=standing_cells(lake),
        inspection_weeks=standing_weeks(lake),
        is_unclear=stands.word == "cannot be told",
    )


def assembled(lake: Lake, settings: Settings) -> Evidence:
    """What a page is made from, read from the lake.

    Raises:
        LakeError: something of it is not in the lake.
    """
    names = ("release_quality", "release_evidence", "release_privacy", "trade_patterns")
    documents = {name: lake.read_json(name) for name in names}
    months = documents["release_evidence"]["months"]
    cells = {cell: lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")}
    reports = {
        name: {month: lake.read_json(name, month) for month in months} for name in ("quality_report", "privacy_report")
    }
    reports["drift"] = {month: lake.read_json("drift", month) for month in months}
    reports["reading"] = reading_of(lake, months)
    return evidence_of(
        lake,
        settings,
        {**documents, **reports, "fraud_benchmark": cells},
        lake.read_folder(CANDIDATE),
        lake.read_table("tariff"),
        len(lake.read_frame("confidential_trade")),
    )
