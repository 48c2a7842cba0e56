"""Files of the lake: each is written whole or not at all.

A file is written under a temporary name and renamed, so that a reader sees the old one or the new one. The record of
the old file is deleted before the new file gets its name. A crash in between leaves a file without a record, which is
built again.

On an object store (``s3://``) nothing is renamed: objects are put whole (``objects.py``). A folder there is a list of its files,
put when all of them are there; the files lie in a folder below that is named by their checksum.

Declarations are confidential: a new lake is open to its owner alone. Where the lake's folder lets its group in, so do
the files in it. Nobody else is let in.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from customs_assets.lake.copies import spooled
from customs_assets.lake.errors import LakeError
from customs_assets.lake.object_folders import (
    object_of,
    paths_in,
    place_of,
    put_folder,
    sweep_unlisted,
    withdraw_folder,
)
from customs_assets.lake.objects import SCHEME, Objects
from customs_assets.lake.temporary import is_orphan, temporary_name

RECORDS = ".records"

# What a file system says (some network shares) that does not sync folders and does without.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}


_BLOCK_BYTES = 1 << 20


class Files:
    """A folder, an ``s3://`` address (or any other that fsspec knows) of partitions, as files.

    Args:
        address: a path or an address such as ``s3://bucket/lake``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.objects = Objects(address) if address.startswith(SCHEME) else None
        if self.objects is not None:
            self.root, self._local = self.objects.root, False
            return
        try:
            self.fs, self.root = fsspec.core.url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise LakeError(f"{address!r} is no address of a lake: {error}") from error
        self._local = isinstance(self.fs, LocalFileSystem)

    def path(self, asset: str, partition: str = "", suffix: str = "parquet") -> str:
        """Absolute path of a partition within the lake's file system; an empty suffix names a folder."""
        name = f"{asset}/{partition}" if partition else asset
        return posixpath.join(self.root, f"{name}.{suffix}" if suffix else name)

    def shown(self, asset: str, partition: str = "", suffix: str = "parquet") -> str:
        """Where a person finds a partition; of a folder on an object store, where its files are now."""
        path = self.path(asset, partition, suffix)
        if self.objects is None:
            return path
        is_folder = not suffix and self._is_there(path)
        return f"{SCHEME}{place_of(self.objects, path) if is_folder else path}"

    def exists(self, asset: str, partition: str = "", suffix: str = "parquet") -> bool:
        """Whether a partition has been written."""
        return self._is_there(self.path(asset, partition, suffix))

    def _is_there(self, path: str) -> bool:
        if self.objects is not None:
            return self.objects.head(object_of(path)) is not None
        return self.fs.exists(path)

    def partitions(self, asset: str, suffix: str = "parquet") -> list[str]:
        """The partitions of an asset that have been written, in order."""
        names = self._names_in(self.path(asset, suffix=""))
        return sorted(n[: -len(suffix) - 1] for n in names if n.endswith(f".{suffix}") and not n.startswith("."))

    def _names_in(self, folder: str) -> list[str]:
        """The names in a folder, in order; none where there is no folder."""
        if self.objects is not None:
            return self.objects.names(folder)
        if not self.fs.isdir(folder):
            return []
        return sorted(posixpath.basename(path) for path in self.fs.ls(folder, detail=False, refresh=True))

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> str:
        """Write a file whole: ``fill`` is given an open binary file, which gets its name only when it is complete.

        Returns:
            The sha256 of the bytes written.
        """
        temporary, checksum = self._write_unnamed(path, fill)
        try:
            self._replace(temporary, path, checksum)
        except BaseException:
            self._remove(temporary)
            raise
        return checksum

    def _write_unnamed(self, path: str, fill: Callable[[BinaryIO], None]) -> tuple[str | BinaryIO, str]:
        """Write a file under a temporary name beside ``path``, or for an object store without a name: it, and its sha256."""
        if self.objects is not None:
            return self._spool(fill)
        folder, name = posixpath.split(path)
        self._make_folder(folder)
        temporary = posixpath.join(folder, temporary_name(name))
        try:
            with self._create(temporary) as stream:
                hashing = _HashingWriter(stream)
                fill(hashing)  # pyright: ignore[reportArgumentType]
                if self._local:
                    stream.flush()
                    os.fsync(stream.fileno())
        except BaseException:
            self._remove(temporary)
            raise
        return temporary, hashing.digest.hexdigest()

    def _spool(self, fill: Callable[[BinaryIO], None]) -> tuple[BinaryIO, str]:
        stream = spooled()
        hashing = _HashingWriter(stream)
        try:
            fill(hashing)  # pyright: ignore[reportArgumentType]
        except BaseException:
            stream.close()
            raise
        return stream, hashing.digest.hexdigest()

    def _remove(self, temporary: str | BinaryIO) -> None:
        if not isinstance(temporary, str):
            temporary.close()
        elif self.fs.exists(temporary):
            self.fs.rm(temporary)

    def _create(self, path: str) -> BinaryIO:
        """Open a new file for writing, readable by those whom the lake's folder lets in."""
        if not self._local:
            return self.fs.open(path, "wb")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(descriptor, self._access() & 0o660 | 0o600)
        return os.fdopen(descriptor, "wb")

    def _make_folder(self, folder: str) -> None:
        """Make a folder of the lake, and the lake itself, closed to others."""
        if not self._local:
            self.fs.makedirs(folder, exist_ok=True)
            return
        Path(self.root).mkdir(parents=True, exist_ok=True, mode=0o700)
        missing = Path(folder)
        steps = []
        while not missing.exists():
            steps.append(missing)
            missing = missing.parent
        for step in reversed(steps):
            step.mkdir(exist_ok=True, mode=0o700)
            step.chmod(self._access() & 0o2770 | 0o700)

    def _access(self) -> int:
        """The mode of the lake's folder, which says whether its group is let in."""
        return Path(self.root).stat().st_mode

    def _replace(self, temporary: str | BinaryIO, path: str, sha256: str) -> None:
        """Give a file its name, after what is recorded of the file that had it is gone."""
        self._forget(path)
        if isinstance(temporary, str):
            self._rename(temporary, path)
        elif self.objects is not None:
            with temporary:
                self.objects.put(path, temporary, sha256)

    def _rename(self, temporary: str, path: str) -> None:
        if self._local:
            os.replace(temporary, path)
            settle(posixpath.dirname(path))
        else:
            self.fs.mv(temporary, path)

    def _forget(self, path: str) -> None:
        """Delete the record and the verdicts of an artifact that is about to be replaced."""
        relative = path[len(self.root) :].lstrip("/")
        asset, _, file = relative.partition("/")
        if asset == RECORDS:
            return
        partition = file.rpartition(".")[0]
        asset = asset if file else asset.partition(".")[0]
        folder = posixpath.join(self.root, RECORDS, asset)
        # The record first: verdicts without one speak of nothing.
        prefix = f"{partition or 'whole'}."
        for name in sorted((name for name in self._names_in(folder) if name.startswith(prefix)), key=len):
            try:
                self._delete(posixpath.join(folder, name))
            except FileNotFoundError:
                continue  # Another process was faster.

    def _delete(self, path: str) -> None:
        if self.objects is not None:
            self.objects.delete(path)
        else:
            self.fs.rm_file(path)

    def write_folder(self, asset: str, files: Mapping[str, bytes]) -> str:
        """Write a folder of files whole, replacing the old one.

        Returns:
            The sha256 of the sorted list of names and checksums.
        """
        target = self.path(asset, suffix="")
        if self.objects is not None:
            checksum = folder_checksum(files)
            put_folder(self.objects, target, files, checksum, lambda: self._forget(target))
            return checksum
        temporary = posixpath.join(self.root, temporary_name(asset))
        self._make_folder(temporary)
        try:
            for name, content in files.items():
                with self._create(posixpath.join(temporary, name)) as stream:
                    stream.write(content)
                    if self._local:
                        stream.flush()
                        os.fsync(stream.fileno())
            self._forget(target)
            self._replace_folder(temporary, target)
        except BaseException:
            if self.fs.exists(temporary):
                self.fs.rm(temporary, recursive=True)
            raise
        return folder_checksum(files)

    def read_folder(self, asset: str) -> dict[str, bytes]:
        """The files of a folder by name.

        Raises:
            LakeError: the folder is missing.
        """
        folder = self.path(asset, suffix="")
        if self.objects is not None:
            return {name: self.read_bytes(path) for name, path in paths_in(self.objects, folder).items()}
        if not self.fs.isdir(folder):
            raise LakeError(f"{folder} is missing from the lake {self.address}")
        paths = sorted(self.fs.ls(folder, detail=False, refresh=True))
        return {posixpath.basename(path): self.read_bytes(path) for path in paths}

    def withdraw(self, asset: str) -> None:
        """Take a folder away: what is recorded of it first, then its name, then its files.

        A crash in between leaves the whole folder without a record, or files under a temporary name that :meth:`sweep` deletes;
        never a part of the folder under its own name.
        """
        target = self.path(asset, suffix="")
        self._forget(target)
        if self.objects is not None:
            withdraw_folder(self.objects, target)
            return
        if not self.fs.exists(target):
            return
        retired = posixpath.join(self.root, temporary_name(f"{asset}-withdrawn"))
        try:
            self._rename_folder(target, retired)
        except FileNotFoundError:
            # Another process was faster.
            return
        self.fs.rm(retired, recursive=True)

    def read_in_folder(self, asset: str, name: str) -> bytes:
        """One file of a folder; :class:`LakeError` where it is missing."""
        folder = self.path(asset, suffix="")
        if self.objects is not None:
            folder = place_of(self.objects, folder)
        return self.read_bytes(f"{folder}/{name}")

    def _replace_folder(self, temporary: str, target: str) -> None:
        """Give a folder its name; the old one, or one that another process has just put there, is set aside and deleted."""
        while True:
            retired = posixpath.join(self.root, temporary_name(f"{posixpath.basename(target)}-old"))
            try:
                if self.fs.exists(target):
                    self._rename_folder(target, retired)
                self._rename_folder(temporary, target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT) or not self.fs.exists(temporary):
                    raise
            else:
                return
            finally:
                if self.fs.exists(retired):
                    self.fs.rm(retired, recursive=True)

    def _rename_folder(self, old: str, new: str) -> None:
        if self._local:
            os.rename(old, new)
            settle(self.root)
        else:
            self.fs.mv(old, new, recursive=True)

    def write_bytes(self, path: str, content: bytes) -> str:
        """Write bytes whole; returns their sha256."""
        return self.write(path, lambda stream: _write_all(stream, content))

    def read_bytes(self, path: str) -> bytes:
        """Read bytes; :class:`LakeError` where the file is missing."""
        try:
            if self.objects is not None:
                return self.objects.read(path)
            with self.fs.open(path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            raise LakeError(f"{path} is missing from the lake {self.address}") from None

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, a block at a time."""
        if self.objects is not None:
            yield from self.objects.blocks(path)
            return
        with self.fs.open(path, "rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                yield block

    def is_folder(self, path: str) -> bool:
        """Whether what stands at a path is a folder."""
        return object_of(path) != path if self.objects is not None else self.fs.isdir(path)

    def _paths_below(self, folder: str) -> list[str]:
        if self.objects is not None:
            return [path for path, _, _ in self.objects.below(folder)]
        return self.fs.find(folder) if self.fs.isdir(folder) else []

    def sweep(self) -> int:
        """Delete the temporary files of processes of this machine that are no longer alive; returns how many.

        On an object store, which has none: files of folders that were never finished, or were replaced.
        """
        if self.objects is not None:
            return sweep_unlisted(self.objects)
        if not self.fs.isdir(self.root):
            return 0
        swept = 0
        for folder, folders, files in self.fs.walk(self.root):
            for name in [*folders, *files]:
                if is_orphan(name):
                    self.fs.rm(posixpath.join(folder, name), recursive=True)
                    swept += 1
        return swept


def folder_checksum(files: Mapping[str, bytes]) -> str:
    """The sha256 of a folder of files: that of the sorted list of their checksums and names."""
    return checksum_of_sums({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


def checksum_of_sums(sums: Mapping[str, str]) -> str:
    """:func:`folder_checksum` of files of which the sha256 is known, by name."""
    listing = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    return hashlib.sha256(listing.encode()).hexdigest()


class _HashingWriter(io.RawIOBase):
    """Passes bytes on to a file and keeps their sha256, so that nothing is read back to be hashed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.digest.update(data)
        return self._stream.write(data)


def _write_all(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)


def settle(folder: str | Path) -> None:
    """Have the names in a folder of this machine written to disk, so that they outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)
