"""The gate: whether the release candidate may be published, and if not, why.

The gate fails closed. A claim that is missing or was not measured withholds the release, as does one that blocks it. A claim
whose interval is too wide to exclude its limit counts as not measured. So does a
month without a report, or a measure of other rows than the candidate's. Whoever publishes all the same names the claim and a
reason (``CUSTOMS_RELEASE_DESPITE``); both stand in ``release_privacy``, on the card and on the page. The gate, the page, the
expectations and the command line all ask here. What must be claimed, and with which limits, stands in ``goals``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from customs_assets.claims import Claim, Subject, from_json
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, Record, folder_checksum
from customs_assets.privacy.deep_goals import DEEP, DEEP_CLAIMS
from customs_assets.privacy.goals import ATTACKS, NO_ATTACK, REQUIRED, REQUIRED_OF_A_MONTH
from customs_assets.published import register_of
from customs_assets.settings import Settings

CANDIDATE = "release_candidate"

_PRIVACY, _MONTH_REPORT = "release_privacy", "privacy_report"
_REHEARSAL, _SYNTHETIC = "rehearsed_declarations", "synthetic_declarations"

# The version of the measures that the gate goes by. Raise it when the same rows would get other measures.
PRIVACY_VERSION = "18"

# The same of what they are measured on, and of a month's own measures.
REHEARSAL_VERSION, MONTH_VERSION = "15", "3"

# Settings that the rehearsal shares with the synthetic months, and with their models.
_SHARED_SETTINGS = {_SYNTHETIC: ("release_secret", "min_group", "price"), "ctgan_model": ("synthesizer",)}

# The first word of every sentence that says that nothing is released.
WITHHELD = "withheld: "

ALTERED = "is not what was made and judged: a disk fault, or a hand in the lake (`customs verify`)"

_DESPITE = "release_despite"

# How an objection to a claim begins that has no measure; and how the note of a claim begins that says why it has no interval.
_NOT_MEASURED = "was not measured"
_NO_INTERVAL = "no interval: "


def reasons_to_withhold(lake: Lake, candidate_files: Mapping[str, bytes] | None = None) -> list[str]:
    """Why the candidate may not be released as the lake is now. Empty where it may.

    Args:
        lake: the lake.
        candidate_files: the files that would be released, so that the gate judges these bytes; read from the lake where None.
    """
    candidate = lake.record(CANDIDATE)
    unready = _unready(lake, (CANDIDATE, ""), (_PRIVACY, ""), (_REHEARSAL, ""))
    if candidate is None or unready:
        return unready
    files = lake.read_folder(CANDIDATE) if candidate_files is None else candidate_files
    if folder_checksum(files) != candidate.sha256:
        return [f"{CANDIDATE} {ALTERED}"]
    months = sorted(_synthetic_months(candidate))
    if not months:
        return [f"{CANDIDATE} is of no month"]
    reports = [(_MONTH_REPORT, month) for month in months]
    if unready := _unready(lake, *reports):
        return unready
    records = [lake.record(asset, partition) for asset, partition in ((_PRIVACY, ""), (_REHEARSAL, ""), *reports)]
    altered = [record.name for record in records if record is not None and lake.checksum(record) != record.sha256]
    return [f"{name} {ALTERED}" for name in altered] or reasons_of_measures(lake, months)


def is_released(lake: Lake) -> bool:
    """Whether a release is there, passed its checks after the gate let it through, and still has the same files."""
    record = lake.record(RELEASE)
    return record is not None and lake.passed(record) and lake.checksum(record) == record.sha256


def reasons_not_released(lake: Lake) -> list[str]:
    """Why no release stands in the lake. Empty where :func:`is_released`."""
    if is_released(lake):
        return []
    last = lake.last_record(RELEASE)
    if last is not None and (last.damaged or lake.checksum(last) not in ("", last.sha256)):
        return [f"{RELEASE} {ALTERED}"]
    unjudged = [] if last is None or not lake.is_there(last) else _unready(lake, (RELEASE, ""))
    return unjudged or reasons_to_withhold(lake) or ["it could be let through, but the gate was not passed; run again"]


def reasons_of_measures(lake: Lake, months: Sequence[str]) -> list[str]:
    """Why the claims in the lake, and the rows that they were measured on, withhold the release.

    Raises:
        LakeError: claims are missing from the lake.
    """
    by_month = {month: from_json(lake.read_json(_MONTH_REPORT, month)["claims"]) for month in months}
    claims = from_json(lake.read_json(_PRIVACY)["claims"])
    return [*reasons_of_claims(claims, by_month, set_aside(lake)), *_measured_on_other_rows(lake)]


def set_aside(lake: Lake) -> dict[str, str]:
    """The claims that were set aside when privacy was judged, each with its reason.

    Raises:
        LakeError: privacy was not judged.
    """
    return {entry["claim"]: entry["reason"] for entry in lake.read_json(_PRIVACY).get("despite", [])}


def reasons_of_claims(
    claims: Sequence[Claim],
    by_month: Mapping[str, Sequence[Claim]] | None = None,
    despite: Mapping[str, str] | None = None,
) -> list[str]:
    """Why claims withhold the release.

    Args:
        claims: those over all months. Only privacy claims with a goal or a limit count. Others inform.
        by_month: the claims of each month by itself.
        despite: the claims that do not withhold it, and why.
    """
    accepted = despite or {}
    of_months = [
        f"{month}: {reason}"
        for month, month_claims in (by_month or {}).items()
        for reason in _objections(month_claims, REQUIRED_OF_A_MONTH, accepted)
    ]
    strange = [
        f"CUSTOMS_RELEASE_DESPITE names {key}, which is no privacy claim; they are {', '.join((*REQUIRED, *DEEP, NO_ATTACK))}"
        for key in accepted
        if key not in (*REQUIRED, *DEEP, NO_ATTACK)
    ]
    return [*_objections(claims, REQUIRED, accepted), *of_months, *strange]


def reasons_of_deep_claims(claims: Sequence[Claim], despite: Mapping[str, str]) -> list[str]:
    """Why the claims of the deep attacks (``deep_goals``) withhold the release from being published."""
    return _objections([claim for claim in claims if claim.key in DEEP], DEEP, despite)


def accepted_claims(claims: Sequence[Claim], despite: Mapping[str, str]) -> list[dict[str, str]]:
    """What is set aside of claims over all months: ``claim``, ``title``, ``objection`` (empty if there is none), ``reason``."""
    objections = {claim.key: _objection(claim) for claim in claims if _is_judged(claim)}
    titles = {key: claim.title for key, claim in DEEP_CLAIMS.items()} | {claim.key: claim.title for claim in claims}
    return [
        {"claim": key, "title": titles.get(key, key), "objection": objections.get(key, ""), "reason": reason}
        for key, reason in despite.items()
    ]


def claimed_keys(claims: Sequence[Claim]) -> set[str]:
    """The keys of the privacy claims that can withhold the release.

    Where no attack could be made, one claim says so and withholds the release. It then stands for all attacks.
    """
    judged = [claim for claim in claims if _is_judged(claim)]
    no_attack = any(claim.key == NO_ATTACK and _objection(claim) for claim in judged)
    return {claim.key for claim in judged} | set(ATTACKS if no_attack else ())


def _is_judged(claim: Claim) -> bool:
    return claim.subject is Subject.PRIVACY and (claim.at_least is not None or claim.blocks_above is not None)


def _objections(claims: Sequence[Claim], required: Sequence[str], accepted: Mapping[str, str]) -> list[str]:
    judged = [claim for claim in claims if _is_judged(claim) and claim.key not in accepted]
    objections = [(claim, objection) for claim in judged if (objection := _objection(claim))]
    wide = [
        claim for claim, objection in objections if claim.blocks_above is not None and objection == _too_wide(claim)
    ]
    reasons = [f"{claim.title} {objection}" for claim, objection in objections if claim not in wide]
    unmeasured = [claim for claim, _ in objections if _not_measured(claim)]
    reasons += [_unmeasured(wide, unmeasured)] if wide else []
    claimed = claimed_keys(claims)
    missing = [key for key in required if key not in claimed]
    return [*reasons, f"nothing is claimed of {', '.join(missing)}"] if missing else reasons


def _objection(claim: Claim) -> str:
    """How a judged claim withholds the release. Empty where it does not.

    A claim withholds the release where it exceeds its limit by more than chance (``Claim.blocks_release``), and where it was not
    measured: a measure, a bound or a limit that is no number proves nothing, and neither does an interval that does not exclude
    the limit (``Claim.is_too_wide``).
    """
    if objection := _not_measured(claim):
        return objection
    if claim.blocks_release:
        return (
            f"goes past its limit of {claim.blocks_above:.4g} by more than chance: {claim.measured:.4g} ({claim.note})"
        )
    if claim.is_too_wide:
        return _too_wide(claim)
    if claim.at_least is not None and claim.measured < claim.at_least:
        return f"lies below its goal of {claim.at_least:.4g}: {claim.measured:.4g} ({claim.note})"
    return ""


def _not_measured(claim: Claim) -> str:
    """Why a judged claim has no measure, no interval or no limit. Empty where it has them."""
    if claim.blocks_above is not None:
        ends = claim.lower_bound + claim.upper_bound
        needed = {"its measure": claim.measured, "its interval": ends, "its limit": claim.blocks_above}
    else:
        needed = {"its measure": claim.measured, "its goal": claim.at_least or 0.0}
    if not math.isfinite(claim.measured) and claim.note.startswith("not measured"):
        return f"was {claim.note}"
    if not math.isfinite(needed.get("its interval", 0.0)) and claim.note.startswith(_NO_INTERVAL):
        return f"{_NOT_MEASURED}: there is {claim.note.partition(';')[0]}"
    if missing := [name for name, value in needed.items() if not math.isfinite(value)]:
        return f"{_NOT_MEASURED}: {' and '.join(missing)} is no number"
    return ""


def _too_wide(claim: Claim) -> str:
    return (
        f"is unmeasured: it may be as high as {claim.upper_bound:.4g}, so the interval is too wide to exclude the limit of "
        f"{claim.blocks_above:.4g}"
    )


def _unmeasured(wide: Sequence[Claim], others: Sequence[Claim]) -> str:
    """One reason for all claims whose interval is too wide, and what would help them and others that were not measured."""
    which = "; ".join(
        f"{claim.title} (may be {claim.upper_bound:.4g}, limit {claim.blocks_above:.4g})" for claim in wide
    )
    keys = ", ".join(f'"{claim.key}"' for claim in (*wide, *others))
    return (
        f"unmeasured, because the interval is too wide to exclude the limit: {which}; more importers or more months would narrow "
        f"it, or CUSTOMS_RELEASE_DESPITE can name {keys} with a reason"
    )


def _unready(lake: Lake, *partitions: tuple[str, str]) -> list[str]:
    """Why the gate cannot go by some partitions: they are missing, failed their checks, or were never checked."""
    reasons = []
    for asset, partition in partitions:
        name, record = f"{asset} {partition}".strip(), lake.record(asset, partition)
        if record is None:
            reasons.append(f"{name} is not made")
        elif failed := lake.failed(record):
            reasons.append(f"{name} did not hold its expectations ({', '.join(failed)})")
        elif not lake.passed(record):
            reasons.append(f"{name} was not judged by its expectations ({', '.join(lake.unjudged(record))})")
    return reasons


def _measured_on_other_rows(lake: Lake) -> list[str]:
    """Which measures were taken on other rows, another rehearsal or another source than those in the lake now.

    Records that are missing are passed over: :func:`reasons_to_withhold` reports them.
    """
    candidate, privacy, rehearsal = lake.record(CANDIDATE), lake.record(_PRIVACY), lake.record(_REHEARSAL)
    if candidate is None or privacy is None:
        return []
    rows, reasons = _synthetic_months(candidate), []
    if _synthetic_months(privacy) != rows:
        reasons.append(f"{_PRIVACY} was measured on other synthetic rows than those of {CANDIDATE}")
    if rehearsal is None or privacy.inputs.get(f"{_REHEARSAL}|") != rehearsal.sha256:
        reasons.append(f"{_PRIVACY} was measured on another rehearsal than the one at hand")
    if privacy.code_version != PRIVACY_VERSION:
        reasons.append(f"{_PRIVACY} was measured by another version")
    if rehearsal is not None and rehearsal.code_version != REHEARSAL_VERSION:
        reasons.append(f"{_REHEARSAL} was made by another version")
    if privacy.settings.get(_DESPITE) != candidate.settings.get(_DESPITE):
        reasons.append(f"the card of {CANDIDATE} names other claims that are set aside than {_PRIVACY} does")
    published = register_of(Settings())  # pyright: ignore[reportCallIssue]
    for month, checksum in rows.items():
        synthetic, report = lake.record(_SYNTHETIC, month), lake.record(_MONTH_REPORT, month)
        source = f"anonymized_declarations|{month}"
        # A published month stands as it was made and judged then, whatever its source and k are now.
        if (
            synthetic is not None
            and not published.holds(month, synthetic.sha256)
            and (
                synthetic.settings.get("min_group") != privacy.settings.get("min_group")
                or synthetic.inputs.get(source) != privacy.inputs.get(source)
            )
        ):
            reasons.append(
                f"{month}: {_PRIVACY} was measured against another source, or with another k, than it was made of"
            )
        if report is not None and _synthetic_months(report) != {month: checksum}:
            reasons.append(f"{month}: {_MONTH_REPORT} was measured on other synthetic rows than those of {CANDIDATE}")
        if report is not None and report.code_version != MONTH_VERSION:
            reasons.append(f"{month}: {_MONTH_REPORT} was measured by another version")
        if synthetic is not None and not published.holds(month, synthetic.sha256):
            reasons += _rehearsed_otherwise(lake, month, rehearsal)
    return reasons


def _rehearsed_otherwise(lake: Lake, month: str, rehearsal: Record | None) -> list[str]:
    """With which settings the rehearsal was made otherwise than a synthetic month."""
    made = {asset: lake.last_record(asset, month) for asset in _SHARED_SETTINGS}
    differing = [
        name
        for asset, names in _SHARED_SETTINGS.items()
        for name in names
        if rehearsal is not None
        and (one := made[asset]) is not None
        and one.settings.get(name) != rehearsal.settings.get(name)
    ]
    return [f"{_REHEARSAL} was made with another {', '.join(differing)} than {month}"] if differing else []


def _synthetic_months(record: Record) -> dict[str, str]:
    """The checksum of each synthetic month among the inputs of a record."""
    inputs = ((name.partition("|"), checksum) for name, checksum in record.inputs.items())
    return {month: checksum for (asset, _, month), checksum in inputs if asset == _SYNTHETIC}
