"""How the release stands with its signers is reported to Dagster: officers sign outside of any run.

What belongs here compares what Dagster was told last with the lake's records, and reports where they differ. Dagster shows it at
the asset ``release_sign_off``, which nobody builds, and in the events of ``synthetic_release``.
"""

from __future__ import annotations

import hashlib
import json

import dagster as dg

from customs_assets.automation.instance import home_at_hand
from customs_assets.graph import RELEASE, SIGN_OFF
from customs_assets.lake import Lake
from customs_assets.release.signed_records import SignedRecord
from customs_assets.release.standing import Standing, standing
from customs_assets.settings import Settings

# What was told last: so many digits of its digest. A tag of Dagster has no room for more than 63.
_TOLD, _DIGEST = "customs/sign_off", 32


def tell_of_signing(instance: dg.DagsterInstance, lake: Lake, settings: Settings, done: str = "") -> bool:
    """Report to Dagster how the release of a lake stands with its signers, if that is news.

    Args:
        instance: the Dagster instance.
        lake: the lake.
        settings: the settings, which say who may sign, and how many have to.
        done: what somebody has just done, a sentence; told in any case.

    Returns:
        Whether anything was reported.
    """
    found = standing(lake, settings)
    metadata = _metadata(found, lake)
    told = hashlib.sha256(json.dumps([found.word, metadata], sort_keys=True).encode()).hexdigest()[:_DIGEST]
    latest = instance.get_latest_materialization_event(dg.AssetKey(SIGN_OFF))
    before = latest.asset_materialization if latest is not None else None
    is_news = found.word != "no release" if before is None else (before.tags or {}).get(_TOLD) != told
    if not (is_news or done):
        return False
    description = f"{done + '. ' if done else ''}The release is {found.word}: {found.sentence}."
    if found.word == "no release":
        description = f"{done + '. ' if done else ''}No release stands, so no sign-off counts."
    shown = {"state": found.word, **metadata}
    instance.report_runless_asset_event(
        dg.AssetMaterialization(dg.AssetKey(SIGN_OFF), description=description, metadata=shown, tags={_TOLD: told})
    )
    # The release is not made again by being signed: it is observed.
    instance.report_runless_asset_event(
        dg.AssetObservation(dg.AssetKey(RELEASE), description=description, metadata=shown)
    )
    return True


def tell_dagster_at_hand(lake: Lake, settings: Settings, done: str = "") -> str:
    """Report to the Dagster of this project, where there is one. What was signed stays signed if Dagster cannot be told.

    Returns:
        Why it could not be told; empty where it was, or where there is no Dagster.
    """
    if home_at_hand() is None:
        return ""
    from sqlalchemy.exc import SQLAlchemyError

    from customs_assets.automation.workers import first_line

    try:
        with dg.DagsterInstance.get() as instance:
            tell_of_signing(instance, lake, settings, done)
    except (OSError, SQLAlchemyError, dg.DagsterError) as error:
        return f"Dagster could not be told: {first_line(error)}"
    return ""


def _metadata(found: Standing, lake: Lake) -> dict[str, str]:
    """What Dagster shows of it: who signed and refused what, and why other records do not count."""
    record = lake.last_record(RELEASE) if found.word != "no release" else None
    parts = {
        "checksum": record.sha256 if record is not None else "",
        "signed": _listed([_act(signed) for signed in found.found.counting]),
        "refused": _listed([_act(refusal) for refusal in found.found.refusals]),
        "void": _listed(found.found.void),
        "broken": _listed(found.found.broken),
        "records": str(found.recorded) if found.recorded else "",
    }
    return {name: text for name, text in parts.items() if text}


def _act(record: SignedRecord) -> str:
    return f"{record.signer}, {record.signed_at}" + (f": {record.reason}" if record.reason else "")


def _listed(lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join(lines)
