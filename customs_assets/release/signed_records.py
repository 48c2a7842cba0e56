"""The form of a signed record: what a signer did, when, and of which files and claims.

What belongs here reads such a record, from the lake or from a folder that anybody may have sent, and checks its form. Whether its
signature is good, and whether it counts, is asked elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from customs_assets.lake import checksum_of_sums
from customs_assets.release.signatures import SignatureError, require_name, require_namespace

# A record has some hundred claims of some hundred characters.
LARGEST_RECORD = 4 << 20

# The evidence page that is published beside the files of a release. SHA256SUMS cannot have it, because it has these checksums.
PAGE = "evidence.html"

Act = Literal["sign-off", "refusal", "withdrawal"]

FORM = "customs sign-off 1"
LONGEST_REASON = 2000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class SigningError(Exception):
    """Nothing can be signed or published; the message says why."""


@dataclass(frozen=True)
class SignedRecord:
    """One act of one signer.

    Attributes:
        content: the bytes that were signed.
        signature: the signature, as OpenSSH writes it.
        act: what was done.
        signer: who, by name.
        namespace: what the signature is for.
        signed_at: when, UTC, ``2020-01-31T12:00:00Z``, by the signer's clock.
        reason: why, where it is a refusal or a withdrawal.
        withdraws: the sha256 of the records that a withdrawal makes void.
        checksum: the sha256 of the release's folder; empty in a withdrawal.
        sums: the sha256 of its files by name.
        claims: the claims as they stood.
        pages: the sha256 of what is published beside the files, by name.
        file: name in the lake or the published folder, without suffix.
    """

    content: bytes
    signature: bytes
    act: Act
    signer: str
    namespace: str
    signed_at: str
    reason: str = ""
    withdraws: tuple[str, ...] = ()
    checksum: str = ""
    sums: Mapping[str, str] = field(default_factory=dict)
    claims: Any = None
    pages: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @property
    def sha256(self) -> str:
        """The sha256 of the bytes that were signed."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def by(self) -> str:
        """Who signed when, for people."""
        return f"{self.signer} ({self.signed_at})"


def read_record(content: bytes, signature: bytes, file: str = "") -> SignedRecord:
    """The record that some bytes are; nothing is checked but their form.

    Args:
        content: the record.
        signature: its signature.
        file: its name without suffix.

    Raises:
        SigningError: the bytes are no record; the message is a phrase that says why.
    """
    if len(content) > LARGEST_RECORD:
        raise SigningError(f"has more than {LARGEST_RECORD:,} bytes")
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise SigningError("is no JSON that a sign-off is written in") from None
    if not isinstance(found, dict) or found.get("form") != FORM:
        raise SigningError(f"is no record of the form {FORM!r}")
    texts = {name: found.get(name, "") for name in ("act", "signer", "namespace", "signed_at", "reason")}
    withdraws, release = found.get("withdraws", []), found.get("release", {})
    if not (_have_their_form(texts) and isinstance(withdraws, list) and _are_sums(withdraws)):
        raise SigningError("has not what a sign-off has")
    sums = release.get("files", {}) if isinstance(release, dict) else None
    if not (isinstance(sums, dict) and _are_sums(sums.values())):
        raise SigningError("has no checksums of files")
    pages = found.get("pages", {})
    if not (isinstance(pages, dict) and _are_sums(pages.values())):
        raise SigningError("has no checksums of pages")
    act, checksum = cast(Act, texts["act"]), release.get("checksum", "")
    if act != "withdrawal" and checksum != checksum_of_sums(sums):
        raise SigningError("has not the checksum of its files")
    return SignedRecord(
        content,
        signature,
        act,
        signer=texts["signer"],
        namespace=texts["namespace"],
        signed_at=texts["signed_at"],
        reason=texts["reason"],
        withdraws=tuple(withdraws),
        checksum=checksum,
        sums=sums,
        claims=found.get("claims"),
        pages=pages,
        file=file,
    )


def _have_their_form(texts: Mapping[str, Any]) -> bool:
    """Whether the texts of a record can be shown and handed on as they are."""
    if not all(isinstance(text, str) for text in texts.values()):
        return False
    try:
        require_name(texts["signer"])
        require_namespace(texts["namespace"])
    except SignatureError:
        return False
    is_act = texts["act"] in get_args(Act)
    return is_act and _MOMENT.fullmatch(texts["signed_at"]) is not None and not has_control_signs(texts["reason"])


def has_control_signs(text: str) -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text)


def _are_sums(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) and _SHA256.fullmatch(value) for value in values)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
