"""Whether the deep attacks in the lake were made on what would be published, and whether they let it be published.

What is published is made of the synthetic months, and these of the source's. The attacks are of the same where their record names
the same checksums. So a card that says something else does not void them, and a synthetic row that is another one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customs_assets.claims import from_json
from customs_assets.lake import Lake, Record
from customs_assets.privacy.gate import ALTERED, CANDIDATE, reasons_of_deep_claims
from customs_assets.privacy.shadows.measure import ASSET, VERSION
from customs_assets.privacy.shadows.shadow import VERSION as SHADOW_VERSION
from customs_assets.published import register_of
from customs_assets.settings import Settings

# What to do where the attacks are missing or of something else.
ADVICE = "run `customs deep-attacks`"

_SYNTHETIC, _SOURCE, _SCORES = "synthetic_declarations", "anonymized_declarations", "shadow_scores"

# Settings that the shadows share with the synthetic months.
_SHARED = ("release_secret", "min_group", "price", "synthesizer", "epochs")


def standing_attacks(lake: Lake) -> dict[str, Any] | None:
    """The document of the deep attacks on what would be published now; None where there is none."""
    return None if why_not_standing(lake) else lake.read_json(ASSET)


def why_not_standing(lake: Lake) -> str:
    """Why the lake has no deep attacks on what would be published now; empty where it has."""
    record, candidate = lake.record(ASSET), lake.record(CANDIDATE)
    if record is None:
        return f"the deep attacks were not made yet; {ADVICE}"
    if lake.checksum(record) != record.sha256:
        return f"{ASSET} {ALTERED}; {ADVICE}"
    if not lake.passed(record):
        return f"{ASSET} did not pass its checks, or was not judged by them; {ADVICE}"
    if record.code_version != VERSION:
        return f"the deep attacks were made by another version; {ADVICE}"
    if candidate is None or _months(candidate, _SYNTHETIC) != _months(record, _SYNTHETIC):
        return f"the deep attacks were made for other synthetic rows than those of {CANDIDATE}; {ADVICE}"
    return _of_another_source(lake, record)


def reasons_to_hold_back(lake: Lake, despite: Mapping[str, str]) -> list[str]:
    """Why a release must not be published: no deep attacks on it, or their claims. Empty where it may be.

    Args:
        lake: the lake.
        despite: the claims that are set aside, and why.
    """
    if reason := why_not_standing(lake):
        return [reason]
    return reasons_of_deep_claims(from_json(lake.read_json(ASSET)["claims"]), despite)


def _of_another_source(lake: Lake, record: Record) -> str:
    """How the source or the settings of the attacks differ from those of the synthetic months; empty where they do not."""
    published = register_of(Settings())  # pyright: ignore[reportCallIssue]
    for month in _months(record, _SYNTHETIC):
        synthetic = lake.last_record(_SYNTHETIC, month)
        source = f"{_SOURCE}|{month}"
        # A published month stands as it was made then, whatever its source is now.
        if synthetic is not None and published.holds(month, synthetic.sha256):
            continue
        if synthetic is None or synthetic.inputs.get(source) != record.inputs.get(source):
            return f"{month}: the deep attacks were made from another source than the synthetic rows; {ADVICE}"
    places = _months(record, _SCORES)
    made = {place: lake.last_record(_SCORES, place) for place in places}
    if any(one is None or one.sha256 != places[place] for place, one in made.items()):
        return f"the shadows in the lake are not those of the deep attacks; {ADVICE}"
    for one in made.values():
        if one is not None and one.code_version != SHADOW_VERSION:
            return f"{one.name} was made by another version; {ADVICE}"
        for month, checksum in _months(record, _SOURCE).items():
            if one is not None and one.inputs.get(f"{_SOURCE}|{month}") != checksum:
                return f"{one.name} was made from another source of {month} than the deep attacks; {ADVICE}"
    differing = [name for name in _SHARED if _differs(lake, name, record, made)]
    return f"the shadows were made with another {', '.join(differing)} than the release; {ADVICE}" if differing else ""


def _differs(lake: Lake, name: str, record: Record, shadows: Mapping[str, Record | None]) -> bool:
    """Whether a setting of the shadows is another than that of the synthetic months, or of their models."""
    months = _months(record, _SYNTHETIC)
    makers = [lake.last_record(asset, month) for asset in (_SYNTHETIC, "ctgan_model") for month in months]
    values = {one.settings[name] for one in makers if one is not None and name in one.settings}
    return any(one is not None and values and one.settings.get(name) not in values for one in shadows.values())


def _months(record: Record, asset: str) -> dict[str, str]:
    """The checksums of the partitions of an asset among the inputs of a record."""
    inputs = ((name.partition("|"), checksum) for name, checksum in record.inputs.items())
    return {partition: checksum for (of, _, partition), checksum in inputs if of == asset}
