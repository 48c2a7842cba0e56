"""What the evidence page is built from, by the lake's records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from customs_assets.graph import RELEASE
from customs_assets.lake import Lake

# Its checksum would tell whoever guesses what the register holds that the guess is right.
_NOT_TOLD = ("confidential_trade",)


def provenance(lake: Lake, months: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Each asset with its number of partitions, code version and checksum, by name.

    The checksum of several partitions is that of their checksums. The page cannot hold its own checksum, and what is
    released has the candidate's.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for record in lake.records():
        is_of_months = "|" in record.partition or record.partition in ("", *months)
        if is_of_months and record.asset not in ("evidence_report", "public_evidence", RELEASE, *_NOT_TOLD):
            found.setdefault(record.asset, []).append((record.code_version, record.sha256))
    return [
        (
            asset,
            str(len(parts)),
            ", ".join(sorted({version for version, _ in parts})),
            parts[0][1] if len(parts) == 1 else hashlib.sha256("\n".join(sha for _, sha in parts).encode()).hexdigest(),
        )
        for asset, parts in found.items()
    ]
