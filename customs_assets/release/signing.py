"""Sign-offs: a privacy officer signs the release that stands, refuses it, or withdraws what they signed.

Each act is a record (JSON) and the signer's signature of its bytes, side by side in the lake's folder ``sign_offs``. What belongs
here is what a record says, and which records count. No verdict is stored: whether a sign-off is of the release that stands is
found by comparing it with the release's bytes and claims as they are now. No record is ever deleted or changed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customs_assets.claims import Claim, from_json
from customs_assets.graph import RELEASE
from customs_assets.lake import Lake, LakeError, folder_checksum
from customs_assets.privacy.gate import ALTERED, CANDIDATE, reasons_not_released, reasons_to_withhold
from customs_assets.privacy.shadows.measure import ASSET as DEEP_ATTACKS
from customs_assets.privacy.shadows.standing import why_not_standing
from customs_assets.release.datapackage import DESCRIPTOR, rounding_of
from customs_assets.release.rounding import Rounding
from customs_assets.release.signatures import (
    NAMESPACE,
    AllowedSigners,
    SignatureError,
    is_of,
    require_name,
    require_namespace,
    sign,
)
from customs_assets.release.signed_records import (
    FORM,
    LONGEST_REASON,
    PAGE,
    Act,
    SignedRecord,
    SigningError,
    has_control_signs,
    read_record,
)
from customs_assets.settings import Settings

# The folder of the lake.
SIGN_OFFS = "sign_offs"

PRIVACY, EVIDENCE, PUBLIC_PAGE = "release_privacy", "release_evidence", "public_evidence"

# What a reader has to know of how the release was made. None is secret, and none names a source.
_SETTINGS = (
    *("min_group", "dominance_one", "dominance_two"),
    *("synthesizer", "epochs", "rehearsal_epochs", "rows", "price", "labels_kept", "label_policy", "release_despite"),
)
_VERSIONS_OF = ("synthetic_declarations", "rehearsed_declarations", CANDIDATE, RELEASE, PRIVACY, EVIDENCE)


@dataclass(frozen=True)
class StandingRelease:
    """The release that stands in the lake, as it is signed.

    Attributes:
        files: contents by name.
        claims: what is claimed of it, by ``privacy``, ``evidence`` and ``deep_attacks``: the ``sha256`` of the document and its
            ``claims``; None where there is no such document of these rows.
        months: the months of the source that it is made of.
        pages: what is published beside the files, by name: the outside form of the evidence page. Empty where none was made of
            these files and claims.
    """

    files: Mapping[str, bytes]
    claims: Mapping[str, Any]
    months: Sequence[str]
    pages: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def sums(self) -> dict[str, str]:
        """The sha256 of each file by name."""
        return _sums(self.files)

    @property
    def page_sums(self) -> dict[str, str]:
        """The sha256 of each page by name."""
        return _sums(self.pages)

    @property
    def checksum(self) -> str:
        """The sha256 of the folder."""
        return folder_checksum(self.files)


@dataclass(frozen=True)
class SignOffs:
    """What the records of a lake say of the release that stands.

    Attributes:
        counting: the sign-offs that count, oldest first.
        signers: how many people signed these: two keys or names are one signer where they share the name or the key.
        refusals: the refusals of these very bytes by allowed signers that were not withdrawn.
        void: why other sign-offs, refusals and withdrawals do not count, a sentence each.
        broken: records that are not what was signed, a sentence each. Nobody can tell what they were, so nothing is published.
    """

    counting: tuple[SignedRecord, ...] = ()
    signers: int = 0
    refusals: tuple[SignedRecord, ...] = ()
    void: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def _sums(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def standing_release(lake: Lake) -> StandingRelease:
    """The release that stands in a lake, after the gate was asked once more.

    Raises:
        SigningError: there is none, it is not what was judged, or the gate would withhold it now.
    """
    if reasons := reasons_not_released(lake):
        raise SigningError(f"there is no release: {'; '.join(reasons)}")
    files = lake.read_folder(RELEASE)
    record, candidate = lake.record(RELEASE), lake.record(CANDIDATE)
    if record is None or folder_checksum(files) != record.sha256:
        raise SigningError(f"{RELEASE} {ALTERED}")
    if reasons := reasons_to_withhold(lake, files):
        raise SigningError(f"the gate would withhold the release now: {'; '.join(reasons)}")
    inputs = (name.partition("|") for name in (candidate.inputs if candidate is not None else ()))
    months = sorted(month for asset, _, month in inputs if asset == "synthetic_declarations")
    min_group = int(candidate.settings.get("min_group", 0) if candidate is not None else 0) or 1
    rounding = rounding_of(files.get(DESCRIPTOR, b""), min_group)
    evidence = lake.record(EVIDENCE)
    claims = {
        "privacy": _claims(lake, PRIVACY, rounding),
        "evidence": None if evidence is None else _claims(lake, EVIDENCE, rounding),
        "deep_attacks": None if why_not_standing(lake) else _claims(lake, DEEP_ATTACKS, rounding),
    }
    return StandingRelease(files, claims, months, _pages(lake))


def _pages(lake: Lake) -> dict[str, bytes]:
    """The outside form of the evidence page, if it was made of the candidate and of the measures that are in the lake now."""
    page = lake.record(PUBLIC_PAGE)
    if page is None:
        return {}
    made_of = [lake.record(asset) for asset in (CANDIDATE, PRIVACY, EVIDENCE)]
    if any(record is None or page.inputs.get(f"{record.asset}|") != record.sha256 for record in made_of):
        return {}
    content = lake.read_bytes(lake.path(PUBLIC_PAGE, suffix="html"))
    if hashlib.sha256(content).hexdigest() != page.sha256:
        raise SigningError(f"{PUBLIC_PAGE} {ALTERED}")
    return {PAGE: content}


def _claims(lake: Lake, asset: str, rounding: Rounding) -> dict[str, Any]:
    """The checksum of a document of claims, and each claim as it may leave the house: a record is published with the release.

    The checksum stands for every digit, and for the notes, which have counts of as few as one.
    """
    content = lake.read_bytes(lake.path(asset, suffix="json"))
    try:
        # JSON has no sign for what is no number.
        claims = [_as_told(claim, rounding) for claim in from_json(json.loads(content, parse_constant=str)["claims"])]
    except (ValueError, KeyError, TypeError):
        raise SigningError(f"{asset} {ALTERED}") from None
    return {"sha256": hashlib.sha256(content).hexdigest(), "claims": claims}


def _as_told(claim: Claim, rounding: Rounding) -> dict[str, Any]:
    """What a record tells of a claim."""
    told = rounding.claim(claim)
    measures = {name: getattr(told, name) for name in ("measured", "ceiling", "floor")}
    return {
        "key": claim.key,
        "subject": str(claim.subject),
        "title": claim.title,
        **{name: None if math.isnan(value) else value for name, value in measures.items()},
        "goal": told.goal,
        "limit": told.blocks_above,
        "holds": claim.holds,
        "blocks_release": claim.blocks_release,
    }


def sign_off(
    lake: Lake,
    settings: Settings,
    name: str,
    key: Path,
    *,
    namespace: str = NAMESPACE,
    refuse: str = "",
    out_of_date: Sequence[str] = (),
    allowed: AllowedSigners | None = None,
) -> SignedRecord:
    """Sign the release that stands, or sign that it must not be published.

    Args:
        lake: the lake.
        settings: the settings that it was made with.
        name: who signs, as in the list of allowed signers.
        key: the signer's own key.
        namespace: what the signature is for.
        refuse: why the release must not be published; empty to let it be.
        out_of_date: what is out of date of that which the release or its evidence is made of; nothing is signed off then.
        allowed: who may sign; None where there is no list yet.

    Raises:
        SigningError: there is no such release, something is out of date, or this signer's refusal stands.
        SignatureError: name, namespace or key is of no use, or not in the list.
    """
    require_name(name)
    release = standing_release(lake)
    evidence = lake.record(EVIDENCE)
    if evidence is not None and lake.checksum(evidence) != evidence.sha256:
        raise SigningError(f"{EVIDENCE} {ALTERED}")
    if not refuse:
        if out_of_date:
            raise SigningError(f"out of date, so there is nothing to sign off: {'; '.join(out_of_date)}")
        if evidence is None or not release.pages:
            raise SigningError(
                f"{PUBLIC_PAGE}, which is published with the release, is not made of it; `customs run` makes it"
            )
        standing = sign_offs(lake, release, allowed).refusals if allowed is not None else ()
        if own := [refusal for refusal in standing if refusal.signer == name]:
            raise SigningError(f"{own[0].by} refused this release: {own[0].reason}; withdraw that first")
    content: dict[str, Any] = {
        "release": {"checksum": release.checksum, "files": release.sums},
        "claims": release.claims,
        "pages": release.page_sums,
        "months": list(release.months),
        "settings": {setting: getattr(settings, setting) for setting in _SETTINGS} | {"law": settings.law},
        "versions": _versions(lake),
    }
    return _record_act(lake, "refusal" if refuse else "sign-off", name, key, namespace, refuse, content, allowed)


def withdraw(
    lake: Lake,
    name: str,
    key: Path,
    reason: str,
    *,
    namespace: str = NAMESPACE,
    allowed: AllowedSigners | None = None,
) -> SignedRecord:
    """Make void whatever one signer signed or refused so far, of this release and of earlier ones.

    Args:
        lake: the lake.
        name: who withdraws: the name that signed.
        key: the signer's own key.
        reason: why.
        namespace: what the signature is for.
        allowed: who may sign; None where there is no list yet.

    Raises:
        SigningError: this signer has nothing to withdraw, or gives no reason.
        SignatureError: as :func:`sign_off`.
    """
    require_name(name)
    if not reason.strip():
        raise SigningError("give a reason for the withdrawal")
    own = [record for record in _records(lake)[0] if record.signer == name]
    if allowed is not None:
        # What stands here under this name may be somebody else's.
        own = [r for r in own if allowed.key_of(name, r.content, r.signature, r.namespace)]
    withdrawn = {sha256 for record in own if allowed is not None for sha256 in record.withdraws}
    own = sorted({record.sha256 for record in own if record.act != "withdrawal"} - withdrawn)
    if not own:
        raise SigningError(f"{name} has signed nothing that could be withdrawn")
    return _record_act(lake, "withdrawal", name, key, namespace, reason, {"withdraws": own}, allowed)


def _record_act(
    lake: Lake,
    act: Act,
    name: str,
    key: Path,
    namespace: str,
    reason: str,
    content: Mapping[str, Any],
    allowed: AllowedSigners | None,
) -> SignedRecord:
    """Have an act signed, look at the signature, and write both into the lake, the record last."""
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON or has_control_signs(reason):
        raise SigningError(f"a reason has at most {LONGEST_REASON} characters, and none that steers a terminal")
    now = datetime.now(UTC)
    head = {"form": FORM, "act": act, "signer": name, "namespace": require_namespace(namespace)}
    head |= {"signed_at": now.strftime("%Y-%m-%dT%H:%M:%SZ")} | ({"reason": reason} if reason else {})
    text = json.dumps({**head, **content}, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False)
    signed = f"{text}\n".encode()
    signature = sign(signed, key, namespace)
    if not is_of(signed, signature, namespace):
        raise SignatureError("ssh-keygen does not find the signature that it has just made good; nothing was recorded")
    if allowed is not None and not allowed.key_of(name, signed, signature, namespace):
        raise SignatureError(
            f"the list of allowed signers does not have this key under the name {name}; nothing was recorded"
        )
    file = f"{now.strftime('%Y%m%dT%H%M%SZ')}-{act}-{hashlib.sha256(signed).hexdigest()[:12]}"
    # The record last: a signature without one says nothing.
    lake.write_bytes(lake.path(SIGN_OFFS, file, "json.sig"), signature)
    lake.write_bytes(lake.path(SIGN_OFFS, file, "json"), signed)
    return read_record(signed, signature, file)


def _versions(lake: Lake) -> dict[str, Any]:
    """The package's version, and the code version of what the release and its evidence were made by."""
    try:
        package = importlib.metadata.version("customs_assets")
    except importlib.metadata.PackageNotFoundError:
        package = "not installed"
    months = {asset: lake.partitions_recorded(asset)[:1] or [""] for asset in _VERSIONS_OF}
    records = {asset: lake.record(asset, month) for asset, [month] in months.items()}
    return {
        "customs_assets": package,
        "assets": {asset: record.code_version for asset, record in records.items() if record is not None},
    }


def _records(lake: Lake) -> tuple[list[SignedRecord], list[str]]:
    """The records of a lake, oldest first, and a sentence for each that cannot be read."""
    records, broken = [], []
    for file in lake.partitions(SIGN_OFFS, "json"):
        try:
            content = lake.read_bytes(lake.path(SIGN_OFFS, file, "json"))
            records.append(read_record(content, _signature(lake, file), file))
        except SigningError as error:
            broken.append(f"{SIGN_OFFS}/{file}.json {error}")
    return sorted(records, key=lambda record: (record.signed_at, record.file)), broken


def _signature(lake: Lake, file: str) -> bytes:
    try:
        return lake.read_bytes(lake.path(SIGN_OFFS, file, "json.sig"))
    except LakeError:
        raise SigningError("has no signature") from None


def count_records(lake: Lake) -> int:
    """How many acts are recorded in a lake, whether or not they count."""
    return len(lake.partitions(SIGN_OFFS, "json"))


def sign_offs(lake: Lake, release: StandingRelease, allowed: AllowedSigners) -> SignOffs:
    """What the records of a lake say of the release that stands.

    Args:
        lake: the lake.
        release: the release, as it is now.
        allowed: who may sign.

    Raises:
        SignatureError: ssh-keygen is not installed.
    """
    records, broken = _records(lake)
    keys: dict[str, str] = {}  # of each record that an allowed signer signed
    genuine, void = [], []
    for record in records:
        if key := allowed.key_of(record.signer, record.content, record.signature, record.namespace):
            keys[record.sha256] = key
            genuine.append(record)
        elif is_of(record.content, record.signature, record.namespace):
            what = f"the {record.act} of {record.by}"
            void.append(f"{what} is signed by a key that the list of allowed signers does not have under that name now")
        else:
            broken.append(f"{SIGN_OFFS}/{record.file}.json is not what its signature is of")
    withdrawals = [record for record in genuine if record.act == "withdrawal"]
    counting, refusals = [], []
    for record in genuine:
        if record.act == "withdrawal":
            continue
        reason = _withdrawn(record, withdrawals, keys)
        if record.act == "refusal":
            if not reason and record.checksum == release.checksum:
                refusals.append(record)
        elif reason := reason or _of_something_else(record, release):
            void.append(f"the sign-off of {record.by} {reason}")
        else:
            counting.append(record)
    signers = count_signers([(record.signer, keys[record.sha256]) for record in counting])
    return SignOffs(tuple(counting), signers, tuple(refusals), tuple(void), tuple(broken))


def _withdrawn(record: SignedRecord, withdrawals: Sequence[SignedRecord], keys: Mapping[str, str]) -> str:
    """Whether the signer of a record has withdrawn it; empty where not. Nobody can withdraw what another signed."""
    for withdrawal in withdrawals:
        is_same = withdrawal.signer == record.signer or keys[withdrawal.sha256] == keys[record.sha256]
        if is_same and record.sha256 in withdrawal.withdraws:
            return f"was withdrawn on {withdrawal.signed_at}: {withdrawal.reason}"
    return ""


def _of_something_else(record: SignedRecord, release: StandingRelease) -> str:
    """Why a sign-off is not of the release that stands; empty where it is."""
    if record.checksum != release.checksum or record.sums != release.sums:
        return "is of other files than those that are released now"
    if record.claims != release.claims:
        return "is of other claims than those that stand now"
    if record.pages != release.page_sums:
        return f"is of another {PAGE} than the one that stands now"
    return ""


def count_signers(signed: Sequence[tuple[str, str]]) -> int:
    """How many people are behind some names and keys: whoever shares a name or a key is one."""
    people: list[set[str]] = []
    for name, key in signed:
        marks = {f"name {name}", f"key {key}"}
        joined = [person for person in people if person & marks]
        people = [person for person in people if not person & marks] + [marks.union(*joined)]
    return len(people)
