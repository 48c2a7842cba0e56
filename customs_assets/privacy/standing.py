"""What stands in the lake: whether the candidate may be released as the lake is now, and whether a release is there.

What belongs here goes by files, records and verdicts. Which claims withhold stands in ``gate.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, folder_checksum
from customs_assets.privacy.gate import CANDIDATE, OF_A_MONTH, PRIVACY, REHEARSED, claims_against, other_rows, rows_of

# How every sentence begins that says that nothing is released.
WITHHELD = "withheld: "

ALTERED = "is not what was made and judged: a disk fault, or a hand in the lake (`customs verify`)"


def judged(lake: Lake, files: Mapping[str, bytes] | None = None) -> list[str]:
    """Why the gate lets nothing through as the lake stands; empty where it lets the candidate through.

    Args:
        lake: the lake.
        files: the candidate's files as they would be released, so that the bytes that are judged are those; read from the lake
            where None.
    """
    unmade = [reason for key in (CANDIDATE, PRIVACY) for reason in _unmade(lake, key, "")]
    candidate = lake.record(CANDIDATE)
    if candidate is None or unmade:
        return unmade
    if folder_checksum(lake.read_folder(CANDIDATE) if files is None else files) != candidate.sha256:
        return [f"{CANDIDATE} {ALTERED}"]
    months = sorted(rows_of(candidate))
    if not months:
        return [f"{CANDIDATE} is of no month"]
    if unmade := [reason for month in months for reason in _unmade(lake, OF_A_MONTH, month)]:
        return unmade
    rested_on = [(PRIVACY, ""), (REHEARSED, ""), *((OF_A_MONTH, month) for month in months)]
    if altered := [f"{key} {month}".strip() for key, month in rested_on if _is_altered(lake, key, month)]:
        return [f"{name} {ALTERED}" for name in altered]
    return [*claims_against(lake, months), *other_rows(lake)]


def _is_altered(lake: Lake, key: str, partition: str) -> bool:
    record = lake.record(key, partition)
    return record is not None and lake.checksum(record) != record.sha256


def _unmade(lake: Lake, key: str, partition: str) -> list[str]:
    """Why the gate cannot go by something: it is not made, or its expectations did not hold, or were never judged."""
    name, record = f"{key} {partition}".strip(), lake.record(key, partition)
    if record is None:
        return [f"{name} is not made"]
    if failed := lake.failed(record):
        return [f"{name} did not hold its expectations ({', '.join(failed)})"]
    if not lake.passed(record):
        return [f"{name} was not judged by its expectations ({', '.join(lake.unjudged(record))})"]
    return []


def is_released(lake: Lake) -> bool:
    """Whether a release stands that the gate let through, that was judged afterwards, and whose files are still those."""
    record = lake.record(RELEASE)
    if record is None or not lake.passed(record):
        return False
    return lake.checksum(record) == record.sha256
