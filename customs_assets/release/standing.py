"""How a release stands with its signers: signed, refused, void, or nobody has signed yet.

What belongs here says in a word and in a sentence what the records of a lake come to. The command line, the evidence page and
Dagster's UI say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from customs_assets.lake import Lake, LakeError
from customs_assets.privacy.gate import is_released
from customs_assets.release.signatures import AllowedSigners, SignatureError
from customs_assets.release.signed_records import SignedRecord, SigningError
from customs_assets.release.signing import SignOffs, count_records, sign_offs, standing_release
from customs_assets.settings import Settings

Word = Literal["no release", "not signed", "partly signed", "signed", "refused", "void", "cannot be told"]


@dataclass(frozen=True)
class Standing:
    """How the release of a lake stands.

    Attributes:
        word: the state.
        sentence: what it rests on.
        found: the records that count, those that refuse and why others do not count.
        recorded: how many acts are recorded, of this release and of earlier ones.
    """

    word: Word
    sentence: str
    found: SignOffs = field(default_factory=SignOffs)
    recorded: int = 0

    @property
    def acts(self) -> list[tuple[str, SignedRecord]]:
        """The sign-offs that count and the refusals, each with its name: ``signed_by`` or ``refused_by``."""
        signed = [("signed_by", record) for record in self.found.counting]
        return [*signed, *(("refused_by", record) for record in self.found.refusals)]


def allowed_signers(settings: Settings) -> AllowedSigners | None:
    """The list of those who may sign; None where no setting names one.

    Raises:
        SignatureError: it cannot be read, or lies in the lake.
    """
    if settings.allowed_signers is None:
        return None
    path = Path(settings.allowed_signers)
    if "://" not in settings.lake and path.resolve().is_relative_to(Path(settings.lake).resolve()):
        raise SignatureError(f"the list of allowed signers {path} lies in the lake; keep it somewhere else")
    return AllowedSigners.read(path)


def standing(lake: Lake, settings: Settings) -> Standing:
    """How the release of a lake stands with its signers, as settings name them."""
    recorded = count_records(lake)
    if not is_released(lake):
        return Standing("no release", "no release stands", recorded=recorded)
    nobody = f"by 0 of {settings.signers} signers"
    if not recorded:
        return Standing("not signed", nobody)
    try:
        allowed = allowed_signers(settings)
        if allowed is None:
            sentence = f"{recorded} records, but CUSTOMS_ALLOWED_SIGNERS names no list to check them by"
            return Standing("cannot be told", sentence, recorded=recorded)
        found = sign_offs(lake, standing_release(lake), allowed)
    except (SigningError, SignatureError, LakeError) as error:
        return Standing("cannot be told", f"cannot be told: {error}", recorded=recorded)
    names = ", ".join(sorted({record.signer for record in found.counting}))
    parts = [f"by {found.signers} of {settings.signers} signers" + (f" ({names})" if names else "")]
    parts += [f"refused by {refusal.by}" for refusal in found.refusals]
    parts += [f"{len(found.broken)} records are not what was signed"] if found.broken else []
    return Standing(_word(found, settings.signers), "; ".join(parts), found, recorded)


def _word(found: SignOffs, needed: int) -> Word:
    if found.broken:
        return "cannot be told"
    if found.refusals:
        return "refused"
    if found.signers >= needed:
        return "signed"
    if found.signers:
        return "partly signed"
    return "void" if found.void else "not signed"
