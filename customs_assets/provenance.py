"""Provenance: what a partition was made from, and whether the lake's copy is still what would be made now.

What belongs here compares records with the catalogue and the settings. It starts nothing: which runs make what is missing is
``automation``'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from customs_assets.catalogue import ARTIFACTS, BY_KEY, DATASETS, Artifact, Partitioning, inputs_of
from customs_assets.expectations.evidence_suites import error_level_names
from customs_assets.lake import Lake, Record
from customs_assets.secret_files import identity_key, release_secret
from customs_assets.settings import Settings
from customs_assets.source.address import source_of

Node = tuple[str, str]


def setting_values(
    artifact: Artifact, partition: str, settings: Settings, source_fingerprint: str | None = None
) -> dict[str, str]:
    """The settings that a partition depends on, as text; a source and a secret by their fingerprint.

    The source is asked for its fingerprint where it is not given.
    """
    values: dict[str, str] = {}
    for name in artifact.settings:
        match name:
            case "source":
                values[name] = source_fingerprint or source_of(settings).fingerprint(partition)
            case "identity_key":
                values[name] = identity_key(settings.identity_key).fingerprint()
            case "release_secret":
                values[name] = release_secret(settings.release_secret).fingerprint()
            case _:
                values[name] = str(getattr(settings, name))
    return values


def partitions_of(artifact: Artifact, months: Sequence[str], detectors: Sequence[str]) -> list[str]:
    """The partitions of an artifact over some months; cells as Dagster names them (``dataset|detector``)."""
    match artifact.partitioning:
        case Partitioning.MONTH:
            return list(months)
        case Partitioning.CELL:
            return [f"{dataset}|{detector}" for dataset in DATASETS for detector in detectors]
        case Partitioning.WHOLE:
            return [""]


def months_at_hand(lake: Lake, artifact: Artifact) -> list[str]:
    """The months that a whole or a cell would be made over now: those the lake has of the first monthly artifact upstream."""
    monthly = [BY_KEY[key] for key in artifact.upstream if BY_KEY[key].partitioning is Partitioning.MONTH]
    return lake.partitions(monthly[0].key, monthly[0].suffix) if monthly else []


def recorded(lake: Lake, nodes: Iterable[Node]) -> dict[str, Record]:
    """The records of some partitions, by ``asset|partition``; what the lake has no record of is left out."""
    records = {f"{key}|{partition}": lake.record(key, partition) for key, partition in nodes}
    return {name: record for name, record in records.items() if record is not None}


def out_of_date(
    lake: Lake, settings: Settings, months: Sequence[str], detectors: Sequence[str], force: bool = False
) -> list[Node]:
    """What has to be made for some months to be whole, in the order in which it can be made.

    A partition has to be made where its file or record is missing, an error-level expectation of it failed or was never
    checked, its code version, settings or inputs are others than recorded, or something it is made from has to be made.

    Args:
        lake: the lake.
        settings: the settings that would be used now.
        months: the months asked for. Wholes and cells are made over these and all others in the lake.
        detectors: the detectors of the benchmark.
        force: make everything.
    """
    stale: list[Node] = []
    planned: set[Node] = set()
    # A source that is asked twice for a month would compute its fingerprint twice, over millions of rows perhaps.
    fingerprint = cache(lambda month: source_of(settings).fingerprint(month))
    for artifact in ARTIFACTS:
        is_monthly = artifact.partitioning is Partitioning.MONTH
        at_hand = list(months) if is_monthly else sorted({*months, *months_at_hand(lake, artifact)})
        for partition in partitions_of(artifact, months, detectors):
            inputs = inputs_of(artifact, partition, at_hand)
            if (
                force
                or planned.intersection(inputs)
                or not _current(lake, settings, artifact, partition, inputs, fingerprint)
            ):
                stale.append((artifact.key, partition))
                planned.add((artifact.key, partition))
    return stale


def _current(
    lake: Lake,
    settings: Settings,
    artifact: Artifact,
    partition: str,
    inputs: Sequence[Node],
    fingerprint: Callable[[str], str],
) -> bool:
    record = lake.record(artifact.key, partition)
    if record is None or record.code_version != artifact.code_version:
        return False
    if not lake.passed(artifact.key, partition, record.sha256, error_level_names(artifact.key)):
        return False
    now = setting_values(
        artifact, partition, settings, fingerprint(partition) if "source" in artifact.settings else None
    )
    # A destroyed secret is not another secret: what it made stays valid, which is why it could be destroyed.
    for secret in ("identity_key", "release_secret"):
        if now.get(secret) == "":
            now[secret] = record.settings.get(secret, "")
    if record.settings != now:
        return False
    return record.inputs == {name: found.sha256 for name, found in recorded(lake, inputs).items()}
