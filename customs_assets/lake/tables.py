"""Tables of the lake: Parquet and JSON, read by pandas, Arrow and DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.declaration import stand_ins_in_sql
from customs_assets.lake.files import Files, LakeError

SQL_FOLDER = Path(__file__).parents[2] / "sql"

# Small enough that writing or scanning one takes little memory, large enough that dictionaries pay.
ROW_GROUP_ROWS = 1 << 17


@dataclass(frozen=True)
class UnnamedTable:
    """A table that has been written into the lake whole, but has not got its name yet.

    Attributes:
        temporary: path of the file; for an object store the file itself, which has no name on this machine either.
        asset: asset key.
        partition: partition key.
        sha256: sha256 of its bytes.
        rows: rows of the table.
        schema: its columns.
    """

    temporary: str | BinaryIO
    asset: str
    partition: str
    sha256: str
    rows: int
    schema: pa.Schema

    def __len__(self) -> int:
        return self.rows


class Tables(Files):
    """A lake's partitions as tables and JSON documents."""

    def write_table(self, asset: str, table: pa.Table | pd.DataFrame, partition: str = "") -> str:
        """Write a table as Parquet; returns the sha256 of its bytes."""
        arrow = table if isinstance(table, pa.Table) else to_arrow(table)
        return self.write(
            self.path(asset, partition),
            lambda stream: pq.write_table(arrow, stream, ROW_GROUP_ROWS, compression="zstd"),
        )

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
        self._replace(table.temporary, self.path(table.asset, table.partition), table.sha256)
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
            return pq.read_table(file, columns=columns, use_threads=self._by_arrow, pre_buffer=self._by_arrow)

    def read_pieces(self, asset: str, partition: str, columns: list[str]) -> Iterator[pa.Table]:
        """Read some columns of a table a row group at a time; a table without rows is one empty piece.

        Raises:
            LakeError: the partition is missing or is no readable Parquet file.
        """
        with self._readable(asset, partition) as readable, pq.ParquetFile(readable) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns, use_threads=self._by_arrow)
            if file.num_row_groups == 0:
                yield file.read(columns)

    @property
    def _by_arrow(self) -> bool:
        """Whether Arrow reads files of this machine: those of a local lake, or copies of objects."""
        return self._local or self.objects is not None

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
            here = path if self.objects is None else self.objects.local_copy(path)
            with pa.OSFile(here) if self._by_arrow else self.fs.open(path, "rb") as file:
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

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new in-memory DuckDB that can read the lake's Parquet files by path."""
        connection = duckdb.connect(":memory:")
        if not self._by_arrow:
            connection.register_filesystem(self.fs)
        return connection

    def sql_path(self, asset: str, partition: str = "") -> str:
        """The path of a partition, as DuckDB names it.

        Raises:
            LakeError: the lake lies on an object store and has no such partition.
        """
        path = self.path(asset, partition)
        if self.objects is not None:
            try:
                return self.objects.local_copy(path)
            except FileNotFoundError:
                raise LakeError(
                    f"{asset} has no partition {partition or '(whole)'} in the lake {self.address}"
                ) from None
        return path if self._local else self.fs.unstrip_protocol(path)


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
    """The text of a statement in ``sql/``; raw declarations with a stand-in for each attribute that the form has not."""
    text = (SQL_FOLDER / name).read_text(encoding="utf-8")
    stand_ins = stand_ins_in_sql()
    return text.replace("read_parquet($raw)", f"(select *{stand_ins} from read_parquet($raw))") if stand_ins else text
