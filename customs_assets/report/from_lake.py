"""Reads from the lake what the evidence page is made from.

What belongs here goes away once the asset is given its inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from customs_assets.catalogue import ARTIFACTS, CANDIDATE, RELEASE, Partitioning
from customs_assets.lake import Lake
from customs_assets.privacy.gate import claims_against, other_rows
from customs_assets.release.files import CHECKSUMS
from customs_assets.settings import Settings


def gathered(lake: Lake, settings: Settings) -> dict[str, Any]:
    """The arguments of ``page``.

    Raises:
        LakeError: something that the page is made from is missing.
    """
    evidence = lake.read_json("release_evidence")
    months = evidence["months"]
    return {
        "release_quality": lake.read_json("release_quality"),
        "release_evidence": evidence,
        "release_privacy": lake.read_json("release_privacy"),
        "fraud_benchmark": {
            cell: lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")
        },
        "quality_report": {month: lake.read_json("quality_report", month) for month in months},
        "privacy_report": {month: lake.read_json("privacy_report", month) for month in months},
        CANDIDATE: {CHECKSUMS: lake.read_bytes(f"{lake.path(CANDIDATE, suffix='')}/{CHECKSUMS}")},
        "provenance": _provenance(lake, months),
        "settings": settings,
        "withheld": [*claims_against(lake, months), *other_rows(lake)],
    }


def _provenance(lake: Lake, months: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Each artifact with its number of partitions, code version and checksum.

    The checksum of several partitions is that of their checksums.
    """
    rows = []
    for artifact in ARTIFACTS:
        # The page cannot hold its own checksum. What is released has the candidate's checksum.
        if artifact.key in ("evidence_report", RELEASE):
            continue
        partitions = list(months) if artifact.partitioning is Partitioning.MONTH else [""]
        if artifact.partitioning is Partitioning.CELL:
            partitions = lake.partitions(artifact.key)
        records = [record for partition in partitions if (record := lake.record(artifact.key, partition)) is not None]
        if records:
            versions = ", ".join(sorted({record.code_version for record in records}))
            sums = [record.sha256 for record in records]
            checksum = sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()
            rows.append((artifact.key, str(len(records)), versions, checksum))
    return rows
