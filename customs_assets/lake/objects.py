"""A lake on an object store (``s3://bucket/folder``): objects are put whole, and a record is put on a condition.

What belongs here is requests to the store. What is written when stands in ``files.py`` and ``records.py``.

Nothing is renamed. A file is written on this machine first, into one without a name, so that a process that is killed leaves
nothing. Then it is put in one request, its sha256 with it: a reader sees the old object or the new one. Last its record is put,
on the condition that nobody else has put one meanwhile (``If-None-Match``, ``If-Match``). A record counts where it is of the
object that stands. So of two writers one wins whole; :meth:`Objects.publish` says how.

Tables are read from a copy on this machine, by Arrow and DuckDB themselves, as those of a local lake. Each object is fetched once
by a process, and compared with its sha256.

The store's address and the credentials are the AWS tools' own settings (``AWS_ENDPOINT_URL_S3``, ``AWS_SHARED_CREDENTIALS_FILE``
and so on), read by boto3. They are no setting of the pipeline, and no record or run has them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from customs_assets.lake.copies import folder_of_copies, make_room
from customs_assets.lake.errors import LakeError

SCHEME = "s3://"

# A store takes no larger object in one request. A month of 1.4 million declarations has 0.16 GB.
LARGEST_BYTES = 5 << 30

_BLOCK_BYTES = 1 << 20

_ALTERED = "{path} is not what was written; run `customs verify`, then `customs run`"

# How often a record is put again after somebody else was faster.
_TRIES = 20

_MISSING = {"404", "NoSuchKey", "NotFound"}
_REFUSED = {"412", "409", "PreconditionFailed", "ConditionalRequestConflict"}
# What Ceph's gateway says to the loser where two conditional puts meet at the same moment.
_LOST = "UnknownError"

# The content of small objects by bucket and key, as they were at an ETag: records are asked for again and again.
_SEEN: dict[tuple[str, str], tuple[str, bytes]] = {}
_SHA256: dict[tuple[str, str], tuple[str, Found]] = {}


class Refused(Exception):
    """The condition of a request did not hold: somebody else was faster."""


class Overtaken(Exception):
    """Another process has put another object in the same place meanwhile."""


@dataclass(frozen=True)
class Found:
    """An object: the store's tag of its content, the sha256 that was put with it (empty where none was), its bytes."""

    etag: str
    sha256: str
    size: int


class Objects:
    """The objects below an address. Paths begin with the bucket: ``bucket/folder/name``.

    Args:
        address: ``s3://bucket`` or ``s3://bucket/folder``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        bucket, _, folder = address.removeprefix(SCHEME).partition("/")
        self.bucket, self.root = bucket, f"{bucket}/{folder}".strip("/")

    def head(self, path: str) -> Found | None:
        """What stands at a path; None where nothing does."""
        try:
            said = self._call("head_object", Key=self._key(path))
        except FileNotFoundError:
            return None
        return Found(said["ETag"], said.get("Metadata", {}).get("sha256", ""), said["ContentLength"])

    def read(self, path: str) -> bytes:
        """The bytes of an object.

        Raises:
            FileNotFoundError: there is none.
            LakeError: they are not those that were put.
        """
        said = self._call("get_object", Key=self._key(path))
        content = said["Body"].read()
        if said["Metadata"].get("sha256") not in (None, hashlib.sha256(content).hexdigest()):
            raise LakeError(_ALTERED.format(path=f"{SCHEME}{path}"))
        return content

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of an object, a block at a time."""
        yield from self._call("get_object", Key=self._key(path))["Body"].iter_chunks(_BLOCK_BYTES)

    def put(self, path: str, content: bytes | BinaryIO, sha256: str = "", unless: str | None = None) -> None:
        """Put an object whole.

        Args:
            path: where.
            content: its bytes, or a file that has them.
            sha256: of the bytes, kept with the object.
            unless: put it only if the object there still has this ETag; if there still is none, where it is empty. No condition
                where None.

        Raises:
            Refused: the condition does not hold.
        """
        condition = {} if unless is None else {"IfMatch": unless} if unless else {"IfNoneMatch": "*"}
        self._call(
            "put_object",
            Key=self._key(path),
            Body=content,
            ContentMD5=_md5(content, path),
            Metadata={"sha256": sha256} if sha256 else {},
            **condition,
        )

    def publish(self, record: str, content: bytes, artifact: str, sha256: str) -> None:
        """Put the record of an object that this process has put, if that object still stands.

        Of two writers, the one that put its object last finds its own there and puts its record, after the other's if need be.
        The other finds that its object is gone. A record that is put between another's object and record is of an object that no
        longer stands, and counts for nothing until that writer's own replaces it.

        Raises:
            Overtaken: another object stands there.
        """
        for attempt in range(_TRIES):
            before = self.head(record)
            self._still_stands(artifact, sha256)
            etag = before.etag if before else ""
            try:
                # HTTP's form of a tag has quotes. Some stores (Ceph's, before its nineteenth version) compare without.
                self.put(record, content, unless=etag.strip('"') if attempt % 2 else etag)
            except Refused:
                # Or the answer to a try of ours was lost, and the client asked again.
                if self._holds(record, content):
                    return
                continue
            self._still_stands(artifact, sha256)
            return
        raise Overtaken(f"{record} is written by others all the time")

    def _still_stands(self, artifact: str, sha256: str) -> None:
        found = self.head(artifact)
        if found is None or found.sha256 != sha256:
            raise Overtaken(f"{artifact} was written by another process at the same time")

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self.read(path) == content
        except FileNotFoundError:
            return False

    def delete(self, path: str) -> None:
        """Delete an object, if there is one."""
        self._call("delete_object", Key=self._key(path))

    def below(self, folder: str) -> Iterator[tuple[str, str, float]]:
        """Path, ETag and time of last change of every object below a folder."""
        prefix = f"{self._key(folder)}/" if self._key(folder) else ""
        more: dict[str, str] = {}
        while True:
            said = self._call("list_objects_v2", Prefix=prefix, **more)
            for entry in said.get("Contents", []):
                yield f"{self.bucket}/{entry['Key']}", entry["ETag"], entry["LastModified"].timestamp()
            if not said.get("IsTruncated"):
                return
            more = {"ContinuationToken": said["NextContinuationToken"]}

    def names(self, folder: str) -> list[str]:
        """The names of the objects that lie in a folder itself, in order."""
        found = (path[len(folder) + 1 :] for path, _, _ in self.below(folder))
        return sorted(name for name in found if "/" not in name)

    def local_copy(self, path: str) -> str:
        """The path of a copy on this machine, fetched once.

        Raises:
            FileNotFoundError: there is no such object.
            LakeError: its bytes are not those that were put.
        """
        for _ in range(_TRIES):
            found = self.head(path)
            if found is None:
                raise FileNotFoundError(path)
            name = hashlib.sha256(f"{path} {found.etag}".encode()).hexdigest()[:32]
            copy = folder_of_copies() / f"{name}{Path(path).suffix}"
            if copy.exists() or self._fetch(path, found, copy):
                os.utime(copy)
                return str(copy)
            if self.head(path) == found:
                raise LakeError(_ALTERED.format(path=f"{SCHEME}{path}"))
            # It was replaced between the two requests.
        raise LakeError(f"{SCHEME}{path} is written by others all the time")

    def _fetch(self, path: str, found: Found, copy: Path) -> bool:
        """Fetch an object; whether it came as it was put."""
        make_room(copy.parent, found.size)
        digest = hashlib.sha256()
        temporary = copy.with_name(f"{copy.name}.{threading.get_ident()}")
        with temporary.open("wb") as stream:
            for block in self.blocks(path):
                digest.update(block)
                stream.write(block)
        if found.sha256 and digest.hexdigest() != found.sha256:
            temporary.unlink()
            return False
        temporary.replace(copy)
        return True

    def at_once(self) -> ObjectsAtOnce:
        """The objects as they are now, listed once; for many questions in a row."""
        return ObjectsAtOnce(self.address)

    def _key(self, path: str) -> str:
        return path[len(self.bucket) :].strip("/")

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One request.

        Raises:
            FileNotFoundError: there is no such object.
            Refused: a condition does not hold.
            LakeError: anything else that the store, or the way to it, has against it.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(_client(), operation)(Bucket=self.bucket, **arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _MISSING:
                raise FileNotFoundError(arguments.get("Key", "")) from None
            if code in _REFUSED or (code == _LOST and arguments.keys() & {"IfMatch", "IfNoneMatch"}):
                raise Refused(code) from None
            if code == "NoSuchBucket":
                raise LakeError(f"there is no bucket {self.bucket}; make it first") from None
            raise LakeError(f"the store of the lake {self.address} answers {code} to {operation}") from None
        except BotoCoreError as error:
            raise LakeError(f"the store of the lake {self.address} cannot be asked: {error}") from None


class ObjectsAtOnce(Objects):
    """The objects below an address as one listing has them. Contents are asked for where the listing has another ETag."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._etags = {path: etag for path, etag, _ in super().below(self.root)}

    def head(self, path: str) -> Found | None:
        """What stood at a path."""
        etag = self._etags.get(path)
        if etag is None:
            return None
        place = self.bucket, path
        if place not in _SHA256 or _SHA256[place][0] != etag:
            found = super().head(path)
            if found is None:
                return None
            _SHA256[place] = found.etag, found
        return _SHA256[place][1]

    def read(self, path: str) -> bytes:
        """The bytes of an object that was listed."""
        etag = self._etags.get(path)
        if etag is None:
            raise FileNotFoundError(path)
        place = self.bucket, path
        if place not in _SEEN or _SEEN[place][0] != etag:
            said = self._call("get_object", Key=self._key(path))
            _SEEN[place] = said["ETag"], said["Body"].read()
        return _SEEN[place][1]

    def below(self, folder: str) -> Iterator[tuple[str, str, float]]:
        """Path, ETag and no time of every object that was listed below a folder."""
        for path, etag in self._etags.items():
            if path.startswith(f"{folder}/"):
                yield path, etag, 0.0


@cache
def _client() -> Any:
    """The client of this process. It takes a server's own checksums where it has some, and sends none that old ones refuse."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 6},
        connect_timeout=10,
        read_timeout=120,
        max_pool_connections=16,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", config=config)


def forget_client() -> None:
    """Have the next request read the store's address and credentials again."""
    _client.cache_clear()
    _SEEN.clear()
    _SHA256.clear()


def _md5(content: bytes | BinaryIO, path: str) -> str:
    """What the store compares the bytes with that it gets."""
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(content, bytes):
        digest.update(content)
    else:
        content.seek(0)
        while block := content.read(_BLOCK_BYTES):
            digest.update(block)
        if content.tell() > LARGEST_BYTES:
            raise LakeError(f"{path} has {content.tell():,} bytes; an object store takes {LARGEST_BYTES:,} at once")
        content.seek(0)
    return base64.b64encode(digest.digest()).decode()
