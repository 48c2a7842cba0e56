"""Files of the lake: each is written whole or not at all.

A file is written under a temporary name and renamed, so that a reader sees the old one or the new one. The record of
the old file is deleted before the new file gets its name. A crash in between leaves a file without a record, which is
built again.

Declarations are confidential: a new lake is open to its owner alone. Where the lake's folder lets its group in, so do
the files in it. Nobody else is let in.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import posixpath
import socket
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

RECORDS = ".records"
_TEMPORARY = ".tmp"

# What a file system says (some network shares) that does not sync folders and does without.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}


class LakeError(Exception):
    """A partition is missing or cannot be read; the message says which and what to do."""


class Files:
    """A folder (or any fsspec address) of partitions, as files.

    Args:
        address: a path or an fsspec address such as ``s3://bucket/lake``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self.fs, self.root = fsspec.core.url_to_fs(address)
        except (ValueError, ImportError) as error:
            raise LakeError(f"{address!r} is no address of a lake: {error}") from error
        self._local = isinstance(self.fs, LocalFileSystem)

    def path(self, asset: str, partition: str = "", suffix: str = "parquet") -> str:
        """Absolute path of a partition within the lake's file system; an empty suffix names a folder."""
        name = f"{asset}/{partition}" if partition else asset
        return posixpath.join(self.root, f"{name}.{suffix}" if suffix else name)

    def exists(self, asset: str, partition: str = "", suffix: str = "parquet") -> bool:
        """Whether a partition has been written."""
        return self.fs.exists(self.path(asset, partition, suffix))

    def partitions(self, asset: str, suffix: str = "parquet") -> list[str]:
        """The partitions of an asset that have been written, in order."""
        folder = self.path(asset, suffix="")
        if not self.fs.isdir(folder):
            return []
        names = (posixpath.basename(path) for path in self.fs.ls(folder, detail=False, refresh=True))
        return sorted(n[: -len(suffix) - 1] for n in names if n.endswith(f".{suffix}") and not n.startswith("."))

    def write(self, path: str, fill: Callable[[BinaryIO], None]) -> str:
        """Write a file whole: ``fill`` is given an open binary file, which gets its name only when it is complete.

        Returns:
            The sha256 of the bytes written.
        """
        temporary, checksum = self._write_unnamed(path, fill)
        try:
            self._replace(temporary, path)
        except BaseException:
            self._remove(temporary)
            raise
        return checksum

    def _write_unnamed(self, path: str, fill: Callable[[BinaryIO], None]) -> tuple[str, str]:
        """Write a file under a temporary name beside ``path``: that name, and the sha256 of the bytes."""
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

    def _remove(self, temporary: str) -> None:
        if self.fs.exists(temporary):
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

    def _replace(self, temporary: str, path: str) -> None:
        """Give a file its name, after what is recorded of the file that had it is gone."""
        self._forget(path)
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
        if not self.fs.isdir(folder):
            return
        # The record first: verdicts without one speak of nothing.
        prefix = f"{partition or 'whole'}."
        names = [posixpath.basename(name) for name in self.fs.ls(folder, detail=False, refresh=True)]
        for name in sorted((name for name in names if name.startswith(prefix)), key=len):
            try:
                self.fs.rm_file(posixpath.join(folder, name))
            except FileNotFoundError:
                continue  # Another process was faster.

    def write_folder(self, asset: str, files: Mapping[str, bytes]) -> str:
        """Write a folder of files whole, replacing the old one.

        Returns:
            The sha256 of the sorted list of names and checksums.
        """
        target = self.path(asset, suffix="")
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
        if not self.fs.exists(target):
            return
        retired = posixpath.join(self.root, temporary_name(f"{asset}-withdrawn"))
        try:
            self._rename_folder(target, retired)
        except FileNotFoundError:
            # Another process was faster.
            return
        self.fs.rm(retired, recursive=True)

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
            with self.fs.open(path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            raise LakeError(f"{path} is missing from the lake {self.address}") from None

    def sweep(self) -> int:
        """Delete the temporary files of processes of this machine that are no longer alive; returns how many."""
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


def temporary_name(name: str) -> str:
    """A hidden name, used once, for what is going to be ``name``. It says which process of which machine writes there."""
    return f".{name}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_TEMPORARY}"


def is_orphan(name: str) -> bool:
    """Whether a name is a temporary one of this machine whose process has ended."""
    host_part = f".{socket.gethostname()}."
    if not (name.startswith(".") and name.endswith(_TEMPORARY) and host_part in name):
        return False
    pid = name.split(host_part, 1)[1].split(".", 1)[0]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
