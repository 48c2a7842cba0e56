"""The asset catalogue: every artifact of the pipeline, once, as data.

For each artifact: how it is partitioned, how it is stored, what it is made from and which settings it depends on. The Dagster
assets take their description, group, dependencies and code version from here; the lake writes what an artifact was made from by
it; and a later run decides by it what is missing or out of date. How an artifact is made stands in its stage's folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from customs_assets.benchmark.detectors import DETECTORS

# The data sets that Table 3 compares.
DATASETS = ("source", "synthetic")

# What raw declarations are read from, as the lineage graph shows it; the pipeline does not make it.
SOURCE_KEY = "declaration_source"

# What is published, and what it is a copy of where its privacy claims let it through.
RELEASE, CANDIDATE = "synthetic_release", "release_candidate"

# The pool of what takes a core for minutes; its limit is set in dagster.yaml.
TRAINING = "training"


class Partitioning(StrEnum):
    """How an artifact is cut."""

    MONTH = "month"
    CELL = "detector and dataset"
    WHOLE = "whole"


@dataclass(frozen=True)
class Artifact:
    """One artifact.

    Attributes:
        key: asset key, which is also its name in the lake.
        group: the stage that makes it.
        description: what it is, for the lineage graph and the documentation.
        partitioning: how it is cut.
        suffix: file suffix in the lake; empty for a folder.
        upstream: the artifacts it is made from.
        settings: names of the settings its content depends on (``source`` and the two secrets by their fingerprint).
        code_version: raised by hand when the same inputs would give another content.
        kinds: what it is made of, as Dagster's UI shows it.
        pool: the pool that bounds how many runs make it at once; empty where nothing does.
        upstream_of: for an artifact cut by dataset, the one artifact that a dataset's cells are made from.
        withdraws: the folder that is taken away before this artifact is made again, since it may not stand on what is no longer
            so; empty where none is.
        is_gate: whether it judges by itself what it is made from, and is therefore begun whatever that was found to be.
    """

    key: str
    group: str
    description: str
    partitioning: Partitioning = Partitioning.MONTH
    suffix: str = "parquet"
    upstream: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    code_version: str = "1"
    kinds: frozenset[str] = frozenset({"parquet"})
    pool: str = ""
    upstream_of: tuple[tuple[str, str], ...] = ()
    withdraws: str = ""
    is_gate: bool = False

    def upstream_for(self, partition: str) -> tuple[str, ...]:
        """The artifacts that one partition is made from."""
        for dataset, upstream in self.upstream_of:
            if dataset in partition.split("|"):
                return (upstream,)
        return self.upstream


ARTIFACTS: tuple[Artifact, ...] = (
    Artifact(
        "raw_declarations",
        "source",
        "The month's declarations as the source has them: the import declaration form, labelled or not, names and all.",
        settings=("source", "seed"),
        kinds=frozenset({"parquet", "arrow"}),
    ),
    Artifact(
        "quarantine",
        "source",
        "The month's rows that break the form, each with the reason and its place; rows in = kept + quarantined.",
        settings=("source", "seed"),
        kinds=frozenset({"parquet", "arrow"}),
    ),
    Artifact(
        "labelled_declarations",
        "source",
        "The inspected rows, cut to the 22 attributes of Table 1; the HS code keeps all its digits.",
        upstream=("raw_declarations",),
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Artifact(
        "anonymized_declarations",
        "anonymization",
        "The same rows with the four identities replaced by tokens of a keyed hash. No name or number goes past this table.",
        # Business numbers stand in the raw rows alone.
        upstream=("labelled_declarations", "raw_declarations"),
        settings=("identity_key", "business_numbers"),
        code_version="2",
        kinds=frozenset({"parquet", "pandas"}),
    ),
    Artifact(
        "unit_prices",
        "anonymization",
        "Price per kg by HS10, falling back to HS6, HS4, HS2 where a code is rare, with Gaussian noise on the average.",
        # Of tokens, not of names: k importers are not one importer in k spellings.
        upstream=("anonymized_declarations",),
        settings=("release_secret", "min_group"),
        code_version="3",
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Artifact(
        "ctgan_model",
        "synthesis",
        "One CTGAN, trained on the month's model table: safetensors weights with a JSON description, no pickle.",
        suffix="safetensors",
        upstream=("anonymized_declarations", "unit_prices"),
        settings=("release_secret", "epochs", "min_group"),
        code_version="3",
        kinds=frozenset({"numpy"}),
        pool=TRAINING,
    ),
    Artifact(
        "safe_groups",
        "synthesis",
        "What may be shown as it is: the tariff tuples, goods, masses, unit prices and codes of at least k importers.",
        partitioning=Partitioning.WHOLE,
        upstream=("anonymized_declarations",),
        code_version="4",
        settings=("min_group",),
        kinds=frozenset({"parquet", "duckdb"}),
    ),
    Artifact(
        "composed_identities",
        "synthesis",
        "New importers, sellers, declarants and couriers, none with more than a k-th of its rows from one of the source's.",
        partitioning=Partitioning.WHOLE,
        upstream=("anonymized_declarations", "safe_groups"),
        code_version="6",
        settings=("release_secret", "min_group"),
        kinds=frozenset({"parquet", "pandas"}),
    ),
    Artifact(
        "fraud_propensity",
        "synthesis",
        "How likely inspection finds fraud in a declaration: boosted trees with calibrated rates, learned over all months.",
        partitioning=Partitioning.WHOLE,
        suffix="json",
        upstream=("anonymized_declarations", "unit_prices", "safe_groups"),
        settings=("release_secret", "min_group"),
        code_version="6",
        kinds=frozenset({"json"}),
    ),
    Artifact(
        "rehearsed_declarations",
        "synthesis",
        "The whole synthesis once more, on half of the importers alone: what attacks are measured on. It is not released.",
        partitioning=Partitioning.WHOLE,
        upstream=("anonymized_declarations",),
        settings=("release_secret", "min_group", "price", "epochs", "rehearsal_epochs"),
        code_version="3",
        kinds=frozenset({"parquet", "numpy"}),
        pool=TRAINING,
        withdraws=RELEASE,
    ),
    Artifact(
        "synthetic_declarations",
        "synthesis",
        "Sampled, selected, polished and labelled rows: 22 attributes, HS code cut to 6 digits, every tariff tuple lawful.",
        upstream=(
            "ctgan_model",
            "anonymized_declarations",
            "unit_prices",
            "safe_groups",
            "composed_identities",
            "fraud_propensity",
        ),
        settings=("release_secret", "min_group", "rows", "price"),
        code_version="9",
        kinds=frozenset({"parquet", "pandas"}),
    ),
    Artifact(
        "quality_report",
        "quality",
        "The month's eight scores of Table 2, per column and per pair, with figures 4 and 5.",
        suffix="json",
        upstream=("anonymized_declarations", "synthetic_declarations"),
        kinds=frozenset({"json"}),
    ),
    Artifact(
        "release_quality",
        "quality",
        "The eight scores over all months together: the numbers that are compared with the paper's Table 2.",
        partitioning=Partitioning.WHOLE,
        suffix="json",
        upstream=("anonymized_declarations", "synthetic_declarations"),
        kinds=frozenset({"json"}),
    ),
    Artifact(
        CANDIDATE,
        "release",
        "What would be released: all months together, identities re-drawn, in files with checksums and a card. Not for users.",
        partitioning=Partitioning.WHOLE,
        suffix="",
        upstream=("synthetic_declarations", "release_quality"),
        settings=("release_secret", "labels_kept", "label_policy"),
        code_version="3",
        kinds=frozenset({"csv", "parquet"}),
        withdraws=RELEASE,
    ),
    Artifact(
        "fraud_benchmark",
        "benchmark",
        "One cell of Table 3: a detector trained and tested on one data set, precision@5% and @10% over five seeds.",
        partitioning=Partitioning.CELL,
        upstream=("anonymized_declarations", "synthetic_declarations"),
        settings=("seed",),
        kinds=frozenset({"parquet", "scikitlearn"}),
        upstream_of=(("source", "anonymized_declarations"), ("synthetic", "synthetic_declarations")),
    ),
    Artifact(
        "privacy_report",
        "report",
        "What the month's synthetic rows repeat of its source, and how near they come to it.",
        suffix="json",
        upstream=("anonymized_declarations", "synthetic_declarations"),
        kinds=frozenset({"json"}),
    ),
    Artifact(
        "release_privacy",
        "report",
        "The k rule's account over all months, and attacks on a rehearsal that half of the importers were held out of.",
        partitioning=Partitioning.WHOLE,
        suffix="json",
        upstream=("anonymized_declarations", "rehearsed_declarations", "synthetic_declarations"),
        settings=("release_secret", "min_group"),
        code_version="3",
        kinds=frozenset({"json"}),
        withdraws=RELEASE,
    ),
    Artifact(
        RELEASE,
        "release",
        "The gate: the candidate's files, where every privacy claim was measured and none convicts; else nothing stands here.",
        partitioning=Partitioning.WHOLE,
        suffix="",
        upstream=(CANDIDATE, "release_privacy", "privacy_report"),
        code_version="3",
        kinds=frozenset({"csv", "parquet"}),
        withdraws=RELEASE,
        is_gate=True,
    ),
    Artifact(
        "release_evidence",
        "report",
        "Fidelity, relations, detection and utility over all months, each beside its ceiling, floor and goal.",
        partitioning=Partitioning.WHOLE,
        suffix="json",
        upstream=("anonymized_declarations", "synthetic_declarations"),
        settings=("release_secret", "min_group", "labels_kept"),
        code_version="3",
        kinds=frozenset({"json"}),
    ),
    Artifact(
        "evidence_report",
        "report",
        "One page for people: every claim with its verdict, tables 2 and 3, figures 3 to 7, privacy, and what was run.",
        partitioning=Partitioning.WHOLE,
        suffix="html",
        upstream=(
            "release_quality",
            "release_evidence",
            "release_privacy",
            CANDIDATE,
            "fraud_benchmark",
            "quality_report",
            "privacy_report",
        ),
        kinds=frozenset({"html"}),
    ),
)

BY_KEY: dict[str, Artifact] = {artifact.key: artifact for artifact in ARTIFACTS}


def stage_of(key: str) -> int:
    """In which stage of a run over all months an artifact is made: 0 for what a month needs nothing but itself for.

    Every step from months to what is made over all of them, or back, begins a stage: within one, partitions need not wait for
    each other.
    """
    artifact = BY_KEY[key]
    return max(
        (stage_of(other) + (BY_KEY[other].partitioning is not artifact.partitioning) for other in artifact.upstream),
        default=0,
    )


def ancestors(key: str) -> set[str]:
    """What an artifact is made from, and what that is made from, and so on."""
    upstream = BY_KEY[key].upstream
    return set(upstream).union(*(ancestors(other) for other in upstream))


def inputs_of(artifact: Artifact, partition: str, months: Sequence[str]) -> list[tuple[str, str]]:
    """The (asset, partition) pairs that one partition is made from.

    Args:
        artifact: what is made.
        partition: its partition, empty for a whole.
        months: the months at hand, which is what a whole or a cell is made over.
    """
    inputs: list[tuple[str, str]] = []
    for key in artifact.upstream_for(partition):
        match BY_KEY[key].partitioning, artifact.partitioning:
            case Partitioning.WHOLE, _:
                inputs.append((key, ""))
            case Partitioning.CELL, _:
                inputs += [(key, f"{dataset}|{detector}") for dataset in DATASETS for detector in DETECTORS]
            case _, Partitioning.MONTH:
                inputs.append((key, partition))
            case _:
                inputs += [(key, month) for month in months]
    return inputs
