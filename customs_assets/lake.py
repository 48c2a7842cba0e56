"""The lake: where a partition lives, how it is written whole or not at all, and the IO manager over it.

A partition is one file, ``<asset key>/<partition>.parquet`` (or ``.json``, ``.safetensors``), an unpartitioned asset
``<asset key>.<suffix>`` or a folder. A file is written under a temporary name and renamed, so a reader sees the old one
or the new one; beside it, under ``.records``, stands what it was made from, which is how a later run knows what is
missing or out of date. The record of the old file goes before the new one gets its name, so that a crash in between leaves a
file without a record, which is made again, and never a file with another one's record.

Declarations are confidential: a new lake is its owner's alone. Where the lake's folder lets its group in, so do the files
made in it; nobody else is ever let in. What belongs here is storage; what a table means does not.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import posixpath
import socket
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

SQL_FOLDER = Path(__file__).parent.parent / "sql"

RECORDS = ".records"
_TEMPORARY = ".tmp"

# Small enough that writing or scanning one takes little memory, large enough that dictionaries pay.
ROW_GROUP_ROWS = 1 << 17

# What a file system says (some network shares) that does not sync folders and does without.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}


class LakeError(Exception):
    """A partition is missing or cannot be read; the message says which and what to do."""


@dataclass(frozen=True)
class Record:
    """What a partition was made from, and what it turned out to be.

    Attributes:
        asset: asset key.
        partition: partition key, empty for an unpartitioned asset.
        path: path of the artifact relative to the lake.
        code_version: version of the code that made it.
        settings: the settings that the asset depends on, as text.
        inputs: sha256 of every input, by ``asset|partition``.
        sha256: sha256 of the artifact's bytes (of a folder: of its checksum list).
        rows: rows of a table, None for anything else.
    """

    asset: str
    partition: str
    path: str
    code_version: str
    sha256: str
    settings: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    rows: int | None = None


@dataclass(frozen=True)
class UnnamedTable:
    """A table that has been written into the lake whole, but has not got its name yet.

    Attributes:
        temporary: path of the file.
        asset: asset key.
        partition: partition key.
        sha256: sha256 of its bytes.
        rows: rows of the table.
        schema: its columns.
    """

    temporary: str
    asset: str
    partition: str
    sha256: str
    rows: int
    schema: pa.Schema

    def __len__(self) -> int:
        return self.rows


class Lake:
    """A folder (or any fsspec address) of partitions.

    Args:
        address: a path or an fsspec address such as ``s3://bucket/lake``.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.fs, self.root = fsspec.core.url_to_fs(address)
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
        temporary = posixpath.join(folder, _temporary_name(name))
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
            self._settle(posixpath.dirname(path))
        else:
            self.fs.mv(temporary, path)

    def _settle(self, folder: str) -> None:
        """Have the names in a folder written to disk, so that they outlive a power cut."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise
        finally:
            os.close(descriptor)

    def _forget(self, path: str) -> None:
        """Delete the record and the verdict of an artifact that is about to be replaced."""
        relative = path[len(self.root) :].lstrip("/")
        asset, _, file = relative.partition("/")
        if asset == RECORDS:
            return
        partition = file.rpartition(".")[0]
        asset = asset if file else asset.partition(".")[0]
        for suffix in ("json", "verdict.json"):
            record = self._record_path(asset, partition, suffix)
            if self.fs.exists(record):
                self.fs.rm(record)

    def write_folder(self, asset: str, files: Mapping[str, bytes]) -> str:
        """Write a folder of files whole, replacing the old one.

        Returns:
            The sha256 of the sorted list of names and checksums.
        """
        target = self.path(asset, suffix="")
        temporary = posixpath.join(self.root, _temporary_name(asset))
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
        retired = posixpath.join(self.root, _temporary_name(f"{asset}-withdrawn"))
        try:
            self._rename_folder(target, retired)
        except FileNotFoundError:
            # Another process was faster.
            return
        self.fs.rm(retired, recursive=True)

    def _replace_folder(self, temporary: str, target: str) -> None:
        """Give a folder its name; the old one, or one that another process has just put there, is set aside and deleted."""
        while True:
            retired = posixpath.join(self.root, _temporary_name(f"{posixpath.basename(target)}-old"))
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
            self._settle(self.root)
        else:
            self.fs.mv(old, new, recursive=True)

    def write_table(self, asset: str, table: pa.Table | pd.DataFrame, partition: str = "") -> str:
        """Write a table as Parquet; returns the sha256 of its bytes."""
        arrow = table if isinstance(table, pa.Table) else to_arrow(table)
        return self.write(self.path(asset, partition), lambda stream: pq.write_table(arrow, stream, compression="zstd"))

    def write_pieces(self, asset: str, schema: pa.Schema, pieces: Iterable[pa.Table], partition: str) -> UnnamedTable:
        """Write a table as its rows come, without holding more than a row group in memory.

        The bytes depend on the rows, not on how they were cut. The table gets its name by :meth:`give_name`, so that what is
        only known at the last row may still speak against it.

        Args:
            asset: asset key.
            schema: the table's columns.
            pieces: its rows, in order.
            partition: partition key.
        """
        rows = 0

        def fill(stream: BinaryIO) -> None:
            nonlocal rows
            with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
                for group in _row_groups(schema, pieces):
                    writer.write_table(group)
                    rows += group.num_rows

        temporary, checksum = self._write_unnamed(self.path(asset, partition), fill)
        return UnnamedTable(temporary, asset, partition, checksum, rows, schema)

    def give_name(self, table: UnnamedTable) -> str:
        """Put a table in its place; returns the sha256 of its bytes."""
        self._replace(table.temporary, self.path(table.asset, table.partition))
        return table.sha256

    def discard(self, table: UnnamedTable) -> None:
        """Delete a table that is not to have a name."""
        self._remove(table.temporary)

    def read_table(self, asset: str, partition: str = "", columns: list[str] | None = None) -> pa.Table:
        """Read a table, or some columns of it.

        Raises:
            LakeError: the partition is missing or is no readable Parquet file.
        """
        with self._readable(asset, partition) as file:
            return pq.read_table(file, columns=columns, use_threads=self._local, pre_buffer=self._local)

    def read_pieces(self, asset: str, partition: str, columns: list[str]) -> Iterator[pa.Table]:
        """Read some columns of a table a row group at a time; a table without rows is one empty piece.

        Raises:
            LakeError: the partition is missing or is no readable Parquet file.
        """
        with self._readable(asset, partition) as readable, pq.ParquetFile(readable) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns, use_threads=self._local)
            if file.num_row_groups == 0:
                yield file.read(columns)

    @contextmanager
    def _readable(self, asset: str, partition: str) -> Iterator[Any]:
        """The Parquet file of a partition, as Arrow reads it.

        A local one is Arrow's own file. What Arrow's threads read through a Python object is let go by them, too, and where that
        is while the interpreter ends, the process hangs or aborts (Arrow's issues 33975 and 50482); so they do not read others.

        Raises:
            LakeError: the partition is missing or is no readable Parquet file.
        """
        path = self.path(asset, partition)
        try:
            with pa.OSFile(path) if self._local else self.fs.open(path, "rb") as file:
                yield file
        except FileNotFoundError:
            raise LakeError(f"{asset} has no partition {partition or '(whole)'} in the lake {self.address}") from None
        except pa.ArrowInvalid as error:
            raise LakeError(f"{path} is not a readable Parquet file ({error}); delete it and run again") from error

    def read_frame(self, asset: str, partition: str = "") -> pd.DataFrame:
        """Read a table as a pandas frame, dates as ``datetime64[ns]``."""
        return to_frame(self.read_table(asset, partition))

    def read_frames(self, asset: str, partitions: Iterable[str]) -> pd.DataFrame:
        """Read several partitions as one frame, in the order given."""
        return to_frame(pa.concat_tables([self.read_table(asset, partition) for partition in partitions]))

    def write_json(self, asset: str, content: Any, partition: str = "") -> str:
        """Write JSON; returns the sha256 of its bytes."""
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
        return self.write_bytes(self.path(asset, partition, "json"), text.encode())

    def read_json(self, asset: str, partition: str = "") -> Any:
        """Read JSON; :class:`LakeError` where it is missing."""
        return json.loads(self.read_bytes(self.path(asset, partition, "json")))

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

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new in-memory DuckDB that can read the lake's Parquet files by path."""
        connection = duckdb.connect(":memory:")
        if not self._local:
            connection.register_filesystem(self.fs)
        return connection

    def sql_path(self, asset: str, partition: str = "") -> str:
        """The path of a partition, as DuckDB names it."""
        path = self.path(asset, partition)
        return path if self._local else self.fs.unstrip_protocol(path)

    def save_record(self, record: Record) -> None:
        """Note what a partition was made from, after the partition itself has its name."""
        self.write_bytes(
            self._record_path(record.asset, record.partition), json.dumps(asdict(record), indent=1).encode()
        )

    def record(self, asset: str, partition: str = "") -> Record | None:
        """The record of a partition whose artifact is there; None where either is missing."""
        path = self._record_path(asset, partition)
        if not self.fs.exists(path):
            return None
        record = Record(**json.loads(self.read_bytes(path)))
        return record if self.fs.exists(posixpath.join(self.root, record.path)) else None

    def save_verdict(self, asset: str, partition: str, check: str, *, passed: bool, sha256: str) -> None:
        """Note that an error-level expectation of an artifact with these bytes held, or did not."""
        content = {"sha256": sha256, "checks": {**self._judged(asset, partition, sha256), check: passed}}
        self.write_bytes(self._record_path(asset, partition, "verdict.json"), json.dumps(content, indent=1).encode())

    def passed(self, asset: str, partition: str, sha256: str, checks: Collection[str] = ()) -> bool:
        """Whether the artifact with these bytes was checked and every error-level expectation held.

        Args:
            checks: the expectations that must have been judged; a run that was killed may have judged some of them.
        """
        judged = self._judged(asset, partition, sha256)
        return bool(judged) and all(judged.values()) and judged.keys() >= set(checks)

    def broken(self, record: Record) -> list[str]:
        """The error-level expectations that the artifact of a record was judged by and did not hold, by name."""
        judged = self._judged(record.asset, record.partition, record.sha256)
        return [check for check, held in judged.items() if not held]

    def _judged(self, asset: str, partition: str, sha256: str) -> dict[str, bool]:
        """Whether each error-level expectation held that the artifact with these bytes was judged by; empty where by none."""
        path = self._record_path(asset, partition, "verdict.json")
        verdict = json.loads(self.read_bytes(path)) if self.fs.exists(path) else {}
        return verdict["checks"] if verdict.get("sha256") == sha256 else {}

    def _record_path(self, asset: str, partition: str, suffix: str = "json") -> str:
        return posixpath.join(self.root, RECORDS, asset, f"{partition or 'whole'}.{suffix}")

    def damaged(self) -> list[Record]:
        """The records whose artifacts are no longer the bytes that were written (a disk fault, a hand in the lake).

        Every artifact that has a record is read. :meth:`forget` what is found, and ``customs run`` makes it again.
        """
        folder = posixpath.join(self.root, RECORDS)
        if not self.fs.isdir(folder):
            return []
        paths = (path for path in sorted(self.fs.find(folder)) if path.endswith(".json"))
        records = [Record(**json.loads(self.read_bytes(p))) for p in paths if not p.endswith(".verdict.json")]
        return [record for record in records if self.checksum(record) != record.sha256]

    def checksum(self, record: Record) -> str:
        """The sha256 of the bytes that stand where a record says, empty where nothing does."""
        path = posixpath.join(self.root, record.path)
        if not self.fs.exists(path):
            return ""
        if self.fs.isdir(path):
            return folder_checksum(self.read_folder(record.asset))
        digest = hashlib.sha256()
        with self.fs.open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def forget(self, record: Record) -> None:
        """Forget what is recorded of a partition, so that it counts as missing."""
        self._forget(posixpath.join(self.root, record.path))

    def sweep(self) -> int:
        """Delete the temporary files of processes of this machine that are no longer alive; returns how many."""
        if not self.fs.isdir(self.root):
            return 0
        swept = 0
        for folder, folders, files in self.fs.walk(self.root):
            for name in [*folders, *files]:
                if _is_orphan(name):
                    self.fs.rm(posixpath.join(folder, name), recursive=True)
                    swept += 1
        return swept


def folder_checksum(files: Mapping[str, bytes]) -> str:
    """The sha256 of a folder of files: that of the sorted list of their checksums and names."""
    listing = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
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


def _row_groups(schema: pa.Schema, pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in groups of ROW_GROUP_ROWS; a table without rows is one empty group."""
    waiting, count, empty = [schema.empty_table()], 0, True
    for piece in pieces:
        waiting.append(piece)
        count += piece.num_rows
        while count >= ROW_GROUP_ROWS:
            together = pa.concat_tables(waiting)
            yield together.slice(0, ROW_GROUP_ROWS).combine_chunks()
            empty = False
            waiting, count = [together.slice(ROW_GROUP_ROWS)], count - ROW_GROUP_ROWS
    if count or empty:
        yield pa.concat_tables(waiting).combine_chunks()


def _write_all(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)


def _temporary_name(name: str) -> str:
    return f".{name}.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_TEMPORARY}"


def _is_orphan(name: str) -> bool:
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


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """An Arrow table of a frame: dates as date32, text as string, no pandas metadata."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    fields = [pa.field(f.name, pa.date32()) if pa.types.is_timestamp(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A frame of an Arrow table: dates as ``datetime64[ns]``, nullable small integers as ``Int8``."""
    frame = table.to_pandas(date_as_object=False, integer_object_nulls=False)
    for column in table.schema:
        if pa.types.is_date(column.type):
            frame[column.name] = frame[column.name].astype("datetime64[ns]")
        if pa.types.is_int8(column.type) and table.column(column.name).null_count:
            frame[column.name] = frame[column.name].astype("Int8")
    return frame


def read_sql(name: str) -> str:
    """The text of a statement in ``sql/``."""
    return (SQL_FOLDER / name).read_text(encoding="utf-8")
