"""Provenance: what a partition was made from, and whether the lake's copy is still what would be made now.

What belongs here compares records with the catalogue and the settings. It starts nothing: which runs make what is missing is
``automation``'s work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from customs_assets.anonymization.identities import key_fingerprint
from customs_assets.catalogue import ARTIFACTS, DATASETS, Artifact, Partitioning, inputs_of
from customs_assets.expectations.evidence_suites import error_level_names
from customs_assets.lake import Lake
from customs_assets.settings import Settings
from customs_assets.source.address import source_of

Node = tuple[str, str]


def setting_values(
    artifact: Artifact, partition: str, settings: Settings, source_fingerprint: str | None = None
) -> dict[str, str]:
    """The settings that a partition depends on, as text; a source and a key by their fingerprint.

    The source is asked for its fingerprint where it is not given.
    """
    values: dict[str, str] = {}
    for name in artifact.settings:
        match name:
            case "source":
                values[name] = source_fingerprint or source_of(settings).fingerprint(partition)
            case "identity_key":
                values[name] = key_fingerprint(settings.identity_key)
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
        at_hand = sorted({*months, *_months_in(lake, artifact)})
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


def _months_in(lake: Lake, artifact: Artifact) -> Iterable[str]:
    if artifact.partitioning is Partitioning.MONTH:
        return ()
    return lake.partitions("synthetic_declarations")


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
    # A destroyed key is not another key: what it made stays valid, which is why it could be destroyed.
    if now.get("identity_key") == "":
        now["identity_key"] = record.settings.get("identity_key", "")
    if record.settings != now:
        return False
    known = {f"{key}|{input_partition}": lake.record(key, input_partition) for key, input_partition in inputs}
    return record.inputs == {name: found.sha256 for name, found in known.items() if found is not None}
