"""The assets of the release: ``release_candidate``, and ``synthetic_release``, the gate."""

from typing import Any

import dagster as dg

from customs_assets.catalogue import CANDIDATE
from customs_assets.fidelity.fidelity import from_json
from customs_assets.pipeline import FolderOfFiles, Pipeline, customs_asset
from customs_assets.privacy.standing import WITHHELD, judged
from customs_assets.release.files import CARD, build_release


@customs_asset
def release_candidate(
    context: dg.AssetExecutionContext, pipeline: Pipeline, release_quality: list
) -> dg.Output[FolderOfFiles]:
    lake, months = pipeline.lake, pipeline.months("synthetic_declarations")
    _require_one_token_space(pipeline, months)
    declarations = lake.read_frames("synthetic_declarations", months)
    files = build_release(declarations, months, from_json(release_quality), pipeline.settings, pipeline.secret)
    metadata: dict[str, Any] = {
        "dagster/row_count": len(declarations),
        "months": f"{len(months)}: {months[0]} to {months[-1]}",
        "files": {name: len(content) for name, content in files.items()},
        "card": dg.MetadataValue.md(files[CARD].decode()),
    }
    return dg.Output(FolderOfFiles(files), metadata=metadata)


@customs_asset
def synthetic_release(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[FolderOfFiles]:
    # What stood here was withdrawn when the step began (`Artifact.withdraws`): whatever happens next, nothing stands that was
    # not let through now.
    lake = pipeline.lake
    # Read once: the bytes that are judged are the bytes that are released.
    files = lake.read_folder(CANDIDATE) if lake.record(CANDIDATE) is not None else {}
    if reasons := judged(lake, files):
        raise dg.Failure(f"{WITHHELD}{'; '.join(reasons)}", allow_retries=False)
    metadata: dict[str, Any] = {
        "files": {name: len(content) for name, content in files.items()},
        "card": dg.MetadataValue.md(files[CARD].decode()),
    }
    return dg.Output(FolderOfFiles(files), metadata=metadata)


def _require_one_token_space(pipeline: Pipeline, months: list[str]) -> None:
    """Refuse to put months together whose tokens were made in different ways: one person would be several."""
    ways: dict[tuple[str, str, str], list[str]] = {}
    for month in months:
        record = pipeline.lake.record("anonymized_declarations", month)
        if record is not None:
            key, numbers = (record.settings.get(name, "") for name in ("identity_key", "business_numbers"))
            ways.setdefault((key, numbers, record.code_version), []).append(month)
    if len(ways) > 1:
        spans = "; ".join(
            f"key {key or '?'}, business numbers {numbers or '{}'}, version {version}: {', '.join(of)}"
            for (key, numbers, version), of in ways.items()
        )
        raise dg.Failure(
            f"the months were anonymized with different identity keys, business numbers or versions ({spans}), so the same "
            "person has several tokens; materialize anonymized_declarations and what follows again for all months with the "
            "present ones"
        )
