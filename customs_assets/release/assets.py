"""The assets of the release: ``release_candidate``, and ``synthetic_release``, which the gate lets through."""

from typing import Any

import dagster as dg
import pyarrow as pa

from customs_assets.fidelity.table_two import from_json
from customs_assets.graph import RELEASE, SIGN_OFF, made_with
from customs_assets.lake import Lake
from customs_assets.lake.io_manager import FolderOfFiles, Partitions
from customs_assets.law.reading import stated_origin
from customs_assets.privacy.gate import WITHHELD, reasons_to_withhold
from customs_assets.release.files import CARD, build_release
from customs_assets.resources import FOLDER, OWNERS, Pipeline
from customs_assets.source.accounts import reading_of


@dg.asset(
    group_name="release",
    kinds={"csv", "parquet"},
    owners=OWNERS,
    io_manager_key=FOLDER,
    **made_with(
        "11",
        *("release_secret", "labels_kept", "label_policy", "release_despite", "as_of"),
        *("min_group", "dominance_one", "dominance_two", "synthesizer"),
        withdraws_release=True,
    ),
)
def release_candidate(
    pipeline: Pipeline,
    synthetic_declarations: Partitions,
    anonymized_declarations: Partitions,
    release_quality: list,
    quarantine: Partitions,
    tariff: pa.Table,
) -> dg.Output[FolderOfFiles]:
    """The candidate for release: all months together, with new identity tokens, in files with checksums and a card."""
    months = list(synthetic_declarations)
    _require_one_token_space(synthetic_declarations.lake, months)
    declarations = synthetic_declarations.together()
    law, settings, frozen = stated_origin(tariff), pipeline.settings, pipeline.frozen
    # Measures are rounded by how many importers of the source they rest on; a release has more, since they are composed.
    importers = len(
        {importer for rows in anonymized_declarations.values() for importer in rows["importer_id"].unique()}
    )
    scores, secret = from_json(release_quality), pipeline.secret
    reading = reading_of(quarantine.lake, months)
    files = build_release(declarations, months, scores, settings, secret, law, importers, frozen, reading)
    metadata: dict[str, Any] = {
        "dagster/row_count": len(declarations),
        "months": f"{len(months)}: {months[0]} to {months[-1]}",
        "law": law,
        "published_before": ", ".join(month for month in months if month in frozen) or "none",
        "files": {name: len(content) for name, content in files.items()},
        "card": dg.MetadataValue.md(files[CARD].decode()),
    }
    return dg.Output(FolderOfFiles(files), metadata=metadata)


@dg.asset(
    group_name="release",
    kinds={"csv", "parquet"},
    owners=OWNERS,
    io_manager_key=FOLDER,
    **made_with("3", withdraws_release=True, judges_its_inputs=True),
)
def synthetic_release(
    pipeline: Pipeline, release_candidate: FolderOfFiles, release_privacy: dict, privacy_report: Partitions
) -> dg.Output[FolderOfFiles]:
    """The gate: the candidate's files, where every privacy claim was measured and none blocks it; else there is no release."""
    # The earlier release was withdrawn before the inputs were read. The gate judges the same bytes that are released.
    if reasons := reasons_to_withhold(pipeline.lake, release_candidate.files):
        raise dg.Failure(f"{WITHHELD}{'; '.join(reasons)}", allow_retries=False)
    metadata: dict[str, Any] = {
        "files": {name: len(content) for name, content in release_candidate.files.items()},
        "card": dg.MetadataValue.md(release_candidate.files[CARD].decode()),
    }
    return dg.Output(release_candidate, metadata=metadata)


# Nobody builds it: officers sign. ``automation/signing_view.py`` tells Dagster how the release stands with them.
release_sign_off = dg.AssetSpec(
    SIGN_OFF,
    deps=[RELEASE],
    group_name="release",
    owners=OWNERS,
    kinds={"ssh"},
    description="Who signed, refused, withdrew and published the release, and whether that is of the files that stand.",
)


def _require_one_token_space(lake: Lake, months: list[str]) -> None:
    """Refuse months whose tokens were made in different ways, because one person would then have several tokens."""
    ways: dict[tuple[str, str, str], list[str]] = {}
    for month in months:
        record = lake.record("anonymized_declarations", month)
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
