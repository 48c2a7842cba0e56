"""Records of the lake: what a partition was made from, and what its checks found.

Beside every artifact, under ``.records``, stands its record, and one small file for each blocking check that judged it. A verdict
names the checksum that it is about: a verdict on other bytes counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

from customs_assets.lake.files import RECORDS, LakeError, folder_checksum
from customs_assets.lake.object_folders import object_of
from customs_assets.lake.objects import Overtaken
from customs_assets.lake.tables import Tables


@dataclass(frozen=True)
class Record:
    """What a partition was made from, and what it turned out to be.

    Attributes:
        asset: asset key.
        partition: partition key, empty for an asset without partitions.
        path: path of the artifact relative to the lake.
        code_version: version of the code that made it.
        sha256: sha256 of the artifact's bytes (of a folder: of its checksum list).
        settings: the settings that the asset depends on, as text; secrets by their fingerprint.
        inputs: sha256 of every input, by ``asset|partition``; empty text where an input was replaced while it was read.
        rows: rows of a table, None for anything else.
        origin: of a month, the source that its rows were read from.
        checks: names of the blocking checks that it has to pass.
        damaged: whether the bytes in the lake were found to be others than were written.
    """

    asset: str
    partition: str
    path: str
    code_version: str
    sha256: str
    settings: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    origin: str = ""
    checks: list[str] = field(default_factory=list)
    damaged: bool = False

    @property
    def name(self) -> str:
        """What a person calls it: the asset and the partition."""
        return f"{self.asset} {self.partition}".strip()


class Lake(Tables):
    """A folder (or any fsspec address) of partitions with their records."""

    def save_record(self, record: Record) -> None:
        """Note what a partition was made from, after the partition itself has its name.

        Raises:
            LakeError: on an object store, another process wrote the partition at the same time, and that one's stands, whole.
        """
        path, content = self._record_path(record.asset, record.partition), json.dumps(asdict(record), indent=1).encode()
        if self.objects is None:
            self.write_bytes(path, content)
            return
        try:
            self.objects.publish(path, content, object_of(posixpath.join(self.root, record.path)), record.sha256)
        except Overtaken:
            raise LakeError(
                f"{record.name} was written by another run at the same time; that run's stands, and this one's is discarded"
            ) from None

    def record(self, asset: str, partition: str = "") -> Record | None:
        """The record of a partition that is in the lake; None where it is missing, or known to be damaged."""
        record = self.last_record(asset, partition)
        return record if record is not None and self.is_there(record) else None

    def is_there(self, record: Record) -> bool:
        """Whether the artifact of a record is in the lake, and not known to be damaged."""
        if record.damaged:
            return False
        path = posixpath.join(self.root, record.path)
        if self.objects is None:
            return self._is_there(path)
        found = self.objects.head(object_of(path))
        # What was copied there by another program has no checksum with it.
        return found is not None and found.sha256 in (record.sha256, "")

    def last_record(self, asset: str, partition: str = "") -> Record | None:
        """The record of a partition, even where its file was deleted or damaged since: others were made from those bytes."""
        try:
            return Record(**json.loads(self.read_bytes(self._record_path(asset, partition))))
        except LakeError:
            return None

    def save_verdict(self, record: Record, check: str, *, passed: bool) -> None:
        """Note whether the artifact of a record passed a blocking check.

        Raises:
            LakeError: the artifact was made again while it was judged, so that the verdict may be about either.
        """
        now = self.last_record(record.asset, record.partition)
        if now is None or now.sha256 != record.sha256:
            raise LakeError(f"{record.name} was made again while {check} judged it; run the check again")
        content = json.dumps({"sha256": record.sha256, "passed": passed}).encode()
        self.write_bytes(self._record_path(record.asset, record.partition, f".{check}.verdict"), content)

    def failed(self, record: Record) -> list[str]:
        """The blocking checks that the artifact of a record did not pass."""
        return [check for check in record.checks if self._verdict(record, check) is False]

    def unjudged(self, record: Record) -> list[str]:
        """The blocking checks that have not judged the artifact of a record."""
        return [check for check in record.checks if self._verdict(record, check) is None]

    def passed(self, record: Record) -> bool:
        """Whether the artifact of a record passed all of its blocking checks; one that asks for none clears nothing."""
        return bool(record.checks) and all(self._verdict(record, check) for check in record.checks)

    def _verdict(self, record: Record, check: str) -> bool | None:
        try:
            content = json.loads(
                self.read_bytes(self._record_path(record.asset, record.partition, f".{check}.verdict"))
            )
        except LakeError:
            return None
        return content["passed"] if content["sha256"] == record.sha256 else None

    def _record_path(self, asset: str, partition: str, suffix: str = "") -> str:
        return posixpath.join(self.root, RECORDS, asset, f"{partition or 'whole'}{suffix}.json")

    def partitions_recorded(self, asset: str) -> list[str]:
        """The partitions of an asset that were built, in order, whether or not their files are still there."""
        names = self._names_in(posixpath.join(self.root, RECORDS, asset))
        known = (n.removesuffix(".json") for n in names if n.endswith(".json") and not n.endswith(".verdict.json"))
        return sorted(name for name in known if not name.startswith("."))

    def records(self) -> Iterator[Record]:
        """Every record of the lake."""
        folder = posixpath.join(self.root, RECORDS)
        for path in sorted(self._paths_below(folder)):
            if path.endswith(".json") and not path.endswith(".verdict.json"):
                try:
                    yield Record(**json.loads(self.read_bytes(path)))
                except LakeError:
                    continue  # It is being built again just now.

    def mark_damaged(self) -> list[Record]:
        """Read every artifact, compare it with its record, and mark those that are damaged or gone; returns these.

        ``customs run`` makes them again. What was made from them stays: it was made from the bytes that were written.
        """
        found = [record for record in self.records() if self.checksum(record) != record.sha256]
        for record in found:
            content = json.dumps(asdict(replace(record, damaged=True)), indent=1).encode()
            self.write_bytes(self._record_path(record.asset, record.partition), content)
        return found

    def checksum(self, record: Record) -> str:
        """The sha256 of the bytes that stand where a record says, empty where nothing does."""
        path = posixpath.join(self.root, record.path)
        if not self._is_there(path):
            return ""
        digest = hashlib.sha256()
        try:
            if self.is_folder(path):
                return folder_checksum(self.read_folder(record.asset))
            for block in self.blocks(path):
                digest.update(block)
        except (FileNotFoundError, LakeError):
            return ""
        return digest.hexdigest()

    def looked_at(self) -> Lake:
        """The lake for many questions in a row: one on an object store is listed once, any other is asked each time."""
        if self.objects is None:
            return self
        lake = Lake(self.address)
        lake.objects = self.objects.at_once()
        return lake
