"""What tests and the crash test ask of a lake: its files by checksum, what differs from a reference, what is out of date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
from dagster._core.definitions.data_version import CODE_VERSION_TAG, DATA_VERSION_TAG

from customs_assets.automation.staleness import Finding, Staleness
from customs_assets.claims import Claim, Subject, as_json
from customs_assets.graph import SOURCE_KEY, Graph, Node, code_version, setting_texts, setting_values
from customs_assets.lake import Lake, LakeError, Record
from customs_assets.privacy.deep_goals import DEEP
from customs_assets.privacy.goals import ATTACKS, REQUIRED, REQUIRED_OF_A_MONTH
from customs_assets.secret_files import identity_key, release_secret
from customs_assets.settings import Settings
from customs_assets.source.address import source_of


def out_of_date(lake: Lake, months: Sequence[str]) -> dict[Node, Finding]:
    """What has to be built of some months in a lake, by the settings of this process."""
    from customs_assets.definitions import graph

    return Staleness(graph, lake, Settings()).out_of_date(months)  # pyright: ignore[reportCallIssue]


class BuiltLake:
    """A lake in which everything seems to be built: tiny files with true records, and Dagster told of each.

    Args:
        instance: a Dagster instance; None where Dagster is not told.
        graph: the asset graph.
        months: the months; the source of the settings has to have them.
    """

    def __init__(self, instance: dg.DagsterInstance | None, graph: Graph, months: Sequence[str]) -> None:
        self.instance, self.graph, self.months = instance, graph, list(months)
        self.settings = Settings()  # pyright: ignore[reportCallIssue]
        self.lake = Lake(self.settings.lake)
        for secret in (identity_key(self.settings.identity_key), release_secret(self.settings.release_secret)):
            secret.create_first()

    def build_everything(self) -> None:
        """Build every partition."""
        for key in self.graph.assets:
            for partition in self.graph.partitions(key, self.months):
                self.build(key, partition)

    def build(self, key: str, partition: str = "", content: str = "rows", passed: bool = True) -> None:
        """Build one partition from what the lake has now."""
        asset, source = self.graph[key], source_of(self.settings)
        inputs = [self.lake.last_record(*node) for node in self.graph.inputs(key, partition, self.months)]
        checksums = {f"{record.asset}|{record.partition}": record.sha256 for record in inputs if record is not None}
        is_read = key in ("raw_declarations", "quarantine")
        if is_read:
            checksums[f"{SOURCE_KEY}|{partition}"] = source.fingerprint(partition)
        path, sha256 = self.write(key, partition, content)
        record = Record(
            key,
            partition,
            path[len(self.lake.root) :].lstrip("/"),
            asset.version,
            sha256,
            setting_values(asset.settings, self.settings),
            checksums,
            origin=source.origin if asset.cut == "month" else "",
            checks=list(asset.checks),
        )
        self.lake.save_record(record)
        for check in asset.checks:
            self.lake.save_verdict(record, check, passed=passed)
        if self.instance is None:
            return
        version = code_version(asset.version, setting_texts(asset.settings, self.settings))
        tags = {DATA_VERSION_TAG: record.sha256, CODE_VERSION_TAG: version}
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(dg.AssetKey(key), partition=partition or None, tags=tags)
        )

    def write(self, key: str, partition: str, content: str) -> tuple[str, str]:
        """Write a partition; its path and its checksum."""
        path = self.lake.path(key, partition)
        return path, self.lake.write_bytes(path, f"{key} {partition} {content}".encode())


class ReleasedLake(BuiltLake):
    """A built lake whose release, claims and evidence have their true form, so that the gate lets the release through."""

    def write(self, key: str, partition: str, content: str) -> tuple[str, str]:
        """Write a partition; its path and its checksum."""
        if key in ("release_candidate", "synthetic_release"):
            return self.lake.path(key, suffix=""), self.lake.write_folder(key, small_release(content))
        if key == "public_evidence":
            path = self.lake.path(key, suffix="html")
            return path, self.lake.write_bytes(path, f"<p>{content}</p>".encode())
        claims = {
            "release_privacy": [sound_claim(claim) for claim in REQUIRED],
            "deep_attacks": [sound_claim(claim) for claim in DEEP],
            "privacy_report": [sound_claim(claim) for claim in REQUIRED_OF_A_MONTH],
            "release_evidence": [Claim("KSComplement", Subject.FIDELITY, "Distributions", 0.995, at_least=0.99)],
        }
        if key not in claims:
            return super().write(key, partition, content)
        document = {"claims": as_json(claims[key]), "of": content}
        return self.lake.path(key, partition, "json"), self.lake.write_json(key, document, partition)


def sound_claim(key: str, measured: float = 0.01, lower_bound: float = 0.0, upper_bound: float = 0.02) -> Claim:
    """A claim of privacy that blocks nothing, unless its numbers say otherwise."""
    claim = Claim(key, Subject.PRIVACY, key, measured, at_most=0.05, limit=0.15)
    return replace(claim, lower_bound=lower_bound, upper_bound=max(lower_bound, upper_bound))


# Sixty importers are too few to exclude any limit: a release of a test's source is let through by a setting, as a pilot's.
TOO_FEW_IMPORTERS = json.dumps({key: "a test of sixty importers" for key in (*ATTACKS, *DEEP)})


def small_release(content: str = "rows") -> dict[str, bytes]:
    """The files of a release, with their checksums."""
    files = {"train.csv": f"a,b\n1,{content}\n".encode(), "README.md": b"# A card\n"}
    files["datapackage.json"] = b'{"rounding": {"counts": 10, "shares": 0.01}}\n'
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, "SHA256SUMS": sums.encode()}


def forget(lake: Lake, record: Record) -> None:
    """Delete a record and its verdicts, so that the artifact has to be built again."""
    folder = Path(lake.root) / ".records" / record.asset
    for path in folder.glob(f"{record.partition or 'whole'}.*"):
        path.unlink()


def artifacts(lake: Path, records: bool = False) -> dict[str, str]:
    """The sha256 of every artifact that has its final name, by its path; with the records where asked."""
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and not is_temporary(path, lake) and (records or ".records" not in path.parts)
    }


def object_artifacts(lake: Lake, records: bool = False) -> dict[str, str]:
    """As :func:`artifacts`, of a lake on an object store, by the paths of a local one."""
    assert lake.objects is not None
    found = {}
    for path, _, _ in lake.objects.below(lake.root):
        name = path[len(lake.root) + 1 :]
        if name.endswith(".folder") or (name.startswith(".") and not records):
            continue
        parts = name.split("/")
        # The files of a folder lie in one that is named by their checksum.
        local = f"{parts[0]}/{parts[2]}" if len(parts) == 3 and not name.startswith(".") else name
        try:
            found[local] = hashlib.sha256(lake.read_bytes(path)).hexdigest()
        except LakeError:
            continue  # It was deleted since it was listed.
    return dict(sorted(found.items()))


def is_temporary(path: Path, lake: Path) -> bool:
    """Whether a file, or the folder it lies in, has not got its final name yet."""
    return any(part.endswith(".tmp") for part in path.relative_to(lake).parts)


def compare(lake: Path, reference: dict[str, str], whole: bool) -> list[str]:
    """What is wrong in a lake: bytes that differ, and where it should be whole, what is missing, over or unfinished."""
    found = artifacts(lake, records=whole) if lake.is_dir() else {}
    wrong = differences(found, reference, whole)
    return wrong + [f"{path} is unfinished" for path in lake.rglob("*.tmp")] if whole else wrong


def differences(found: dict[str, str], reference: dict[str, str], whole: bool) -> list[str]:
    """Which files differ from a reference or should not be there, and where the lake should be whole, which are missing."""
    wrong = [f"{name} differs" for name in found if name in reference and found[name] != reference[name]]
    wrong += [f"{name} should not be there" for name in found if name not in reference]
    if whole:
        wrong += [f"{name} is missing" for name in reference if name not in found]
    return wrong
