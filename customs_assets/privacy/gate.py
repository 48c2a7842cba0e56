"""The gate: whether what would be released may be, by its privacy claims, and if not, why.

It fails closed. What was not measured withholds as what convicts does, and so does a claim that is not there, a month without a
report, and a measure of other rows than those that would be released. The gate itself, the page, the expectations and the command
line all ask here. What belongs here decides; what is measured, and how, stands in ``report`` and ``quality``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from customs_assets.claims import Claim, Subject, from_json
from customs_assets.lake import Lake, Record
from customs_assets.privacy.goals import ATTACKS, NO_ATTACK, REQUIRED, REQUIRED_OF_A_MONTH

CANDIDATE, PRIVACY, OF_A_MONTH = "release_candidate", "release_privacy", "privacy_report"
REHEARSED = "rehearsed_declarations"

# The version of the measures that the gate goes by; raised when they would come out otherwise.
PRIVACY_VERSION = "4"

_SYNTHETIC = "synthetic_declarations"


def withheld_because(claims: Sequence[Claim], of_months: Mapping[str, Sequence[Claim]] | None = None) -> list[str]:
    """Why claims let nothing be released, a phrase each; empty where they let it through.

    Args:
        claims: those over all months. Only claims of privacy count, and of these the ones that have a goal or a limit: others
            inform.
        of_months: the claims of each month by itself.
    """
    judged = [claim for claim in claims if claim.subject is Subject.PRIVACY]
    reasons = [f"{claim.title} {reason}" for claim in judged if (reason := speaks_against(claim))]
    keys = judged_keys(judged)
    missing = [key for key in REQUIRED if key not in keys]
    reasons += [f"nothing is claimed of {', '.join(missing)}"] if missing else []
    for month, found in (of_months or {}).items():
        own = [claim for claim in found if claim.subject is Subject.PRIVACY]
        reasons += [f"{month}: {claim.title} {reason}" for claim in own if (reason := speaks_against(claim))]
        missing = [key for key in REQUIRED_OF_A_MONTH if key not in judged_keys(own)]
        reasons += [f"{month}: nothing is claimed of {', '.join(missing)}"] if missing else []
    return reasons


def judged_keys(claims: Sequence[Claim]) -> set[str]:
    """The keys of the privacy claims that can withhold.

    Where no attack could be made, the one claim that says so stands for all of them, since it withholds by itself.
    """
    able = [claim for claim in claims if claim.subject is Subject.PRIVACY and is_judged(claim)]
    keys = {claim.key for claim in able}
    if any(claim.key == NO_ATTACK and speaks_against(claim) for claim in able):
        keys |= set(ATTACKS)
    return keys


def is_judged(claim: Claim) -> bool:
    """Whether a claim has a goal or a limit, so that it can withhold."""
    return claim.at_least is not None or claim.blocks_above is not None


def speaks_against(claim: Claim) -> str:
    """What a claim of privacy says against a release; empty where it says nothing.

    It withholds where more than chance speaks against it (``Claim.blocks_release``), and where it was not measured: a number, an
    end of its interval or a bound that is none proves nothing either way.
    """
    if not is_judged(claim):
        return ""
    if claim.blocks_above is not None:
        needed = {"its measure": claim.measured, "its interval": claim.lower_bound, "its limit": claim.blocks_above}
    else:
        needed = {"its measure": claim.measured, "its goal": claim.at_least or 0.0}
    if not math.isfinite(claim.measured) and claim.note.startswith("not measured"):
        return f"was {claim.note}"
    if missing := [name for name, value in needed.items() if not math.isfinite(value)]:
        return f"was not measured: {' and '.join(missing)} is no number"
    if claim.blocks_release:
        return (
            f"goes past its limit of {claim.blocks_above:.4g} by more than chance: {claim.measured:.4g} ({claim.note})"
        )
    if claim.at_least is not None and claim.measured < claim.at_least:
        return f"lies below its goal of {claim.at_least:.4g}: {claim.measured:.4g} ({claim.note})"
    return ""


def claims_against(lake: Lake, months: Sequence[str]) -> list[str]:
    """Why the claims in the lake, over some months and of each, let nothing be released.

    Raises:
        LakeError: claims are missing from the lake.
    """
    of_months = {month: from_json(lake.read_json(OF_A_MONTH, month)["claims"]) for month in months}
    return withheld_because(from_json(lake.read_json(PRIVACY)["claims"]), of_months)


def other_rows(lake: Lake) -> list[str]:
    """Which measures in the lake were taken of other synthetic rows, or another rehearsal, than those at hand.

    An attack on other rows says nothing of these. What the lake has no record of is passed over, for ``standing.judged`` asks
    for it.
    """
    candidate, privacy = lake.record(CANDIDATE), lake.record(PRIVACY)
    if candidate is None or privacy is None:
        return []
    rows, reasons = rows_of(candidate), []
    if rows_of(privacy) != rows:
        reasons.append(f"{PRIVACY} was measured on other synthetic rows than those of {CANDIDATE}")
    rehearsal = lake.record(REHEARSED)
    if rehearsal is None or privacy.inputs.get(f"{REHEARSED}|") != rehearsal.sha256:
        reasons.append(f"{PRIVACY} was measured on another rehearsal than the one at hand")
    if privacy.code_version != PRIVACY_VERSION:
        reasons.append(f"{PRIVACY} was measured by another version")
    for month, checksum in rows.items():
        made = lake.record(_SYNTHETIC, month)
        if made is not None and _differs(made, privacy, month):
            reasons.append(
                f"{month}: {PRIVACY} was measured against another source, or with another k, than it was made of"
            )
        record = lake.record(OF_A_MONTH, month)
        if record is not None and rows_of(record) != {month: checksum}:
            reasons.append(f"{month}: {OF_A_MONTH} was measured on other synthetic rows than those of {CANDIDATE}")
    return reasons


def _differs(made: Record, privacy: Record, month: str) -> bool:
    """Whether a synthetic month was made of another source, or with another ``k``, than privacy was measured with."""
    source = f"anonymized_declarations|{month}"
    same_k = made.settings.get("min_group") == privacy.settings.get("min_group")
    return not same_k or made.inputs.get(source) != privacy.inputs.get(source)


def rows_of(record: Record) -> dict[str, str]:
    """The checksum of each synthetic month that something was made from."""
    places = ((name.partition("|"), checksum) for name, checksum in record.inputs.items())
    return {month: checksum for (asset, _, month), checksum in places if asset == _SYNTHETIC}
