"""What a source of declarations is: the protocol, what a month read from it holds, and the errors it raises.

What belongs here is what every source shares, whatever it reads from.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from customs_assets.source.mending import Mends
from customs_assets.source.quarantine import SCHEMA, QuarantinedRow


class SourceError(Exception):
    """A source cannot be read; the message is one sentence that names the place and what to do."""


class SourceUnreachable(SourceError):
    """A source cannot be reached now (a database that is down, a share that hangs); a later try may succeed."""


# What a network share answers while it is away. A file that is missing, forbidden or damaged stays so.
_OUT_OF_REACH = {
    *(errno.EIO, errno.EAGAIN, errno.ENOTCONN, errno.ESTALE),
    *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH),
}


def unreadable(error: Exception, sentence: str) -> SourceError:
    """The error with this sentence: :class:`SourceUnreachable` where a later try may succeed."""
    may_pass = isinstance(error, OSError) and error.errno in _OUT_OF_REACH
    return SourceUnreachable(sentence) if may_pass else SourceError(sentence)


class RawRows(NamedTuple):
    """Some rows of a file or a table, before they are judged.

    Attributes:
        cells: one column for each column of the file, named by :func:`customs_assets.source.headers.column_names`;
        text. numbers: the rows' numbers in the file, from 1, ascending (int64, one for each row of ``cells``). broken:
        the rows among them that could not be cut into cells.
    """

    cells: pa.Table
    numbers: np.ndarray
    broken: list[QuarantinedRow]


def raw_rows(names: Sequence[str], numbered: Sequence[tuple[int, list[str]]], broken: list[QuarantinedRow]) -> RawRows:
    """Rows from their numbers and texts, a text for each of the names."""
    numbers = np.array([number for number, _ in numbered], dtype=np.int64)
    columns = zip(*(texts for _, texts in numbered), strict=True) if numbered else [()] * len(names)
    return RawRows(pa.table([pa.array(column, pa.string()) for column in columns], names=list(names)), numbers, broken)


@dataclass(frozen=True)
class FileSeen:
    """How a file of a month was written, as it was read.

    Attributes:
        kind: ``CSV``, ``Parquet``, …
        encoding: of a text file; empty where bytes of it are in none that the form knows, or it is no text.
        separator: of a text file.
        above: how many lines stand above its headers.
        columns: by header the attribute that it was read as.
        unused: the headers of the other columns.
        name: the file's name in messages.
    """

    kind: str
    encoding: str = ""
    separator: str = ""
    above: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    unused: Sequence[str] = ()
    name: str = ""


@dataclass(frozen=True)
class SourceMonth:
    """One month in memory: every row is either kept or quarantined.

    Attributes:
        declarations: the kept rows in the source's order. The 22 attributes come first, typed by
            :func:`customs_assets.declaration.arrow_schema` (both labels are null where a declaration was not
            inspected); then the source's further columns as text (null where the row's file has no such column).
        quarantine: one row for each row that breaks the form, by :data:`customs_assets.source.quarantine.SCHEMA`.
        rows_in: the rows that the source holds for the month.
    """

    declarations: pa.Table
    quarantine: pa.Table
    rows_in: int


class MonthStream:
    """One month, read some thousands of rows at a time, so that a month of millions fits into memory.

    Iterating yields the kept rows as tables of ``schema``, in the source's order; it can be done once.

    Args:
        schema: the columns of the kept rows, as :class:`SourceMonth` says.
        pieces: the tables of kept rows. Drawing them raises :class:`SourceError` where the source cannot be read
        further. outcome: called after the last piece: the quarantine and the number of rows that came in.

    Attributes:
        kept: rows yielded so far.
        inspected: how many of them carry labels.
        rows_in: the rows that the source holds for the month; 0 until the last table was taken.
        quarantine: the rows that break the form; empty until then.
        mends: what was mended in the rows read so far.
        seen: the files that the rows come from; empty where they come from none.
    """

    def __init__(
        self,
        schema: pa.Schema,
        pieces: Iterator[pa.Table],
        outcome: Callable[[], tuple[pa.Table, int]],
        mends: Mends | None = None,
    ) -> None:
        self.schema = schema
        self.mends = mends or Mends()
        self._pieces = pieces
        self._outcome = outcome
        self.kept = self.inspected = self.rows_in = 0
        self.quarantine: pa.Table = SCHEMA.empty_table()
        self.seen: Sequence[FileSeen] = ()

    def __iter__(self) -> Iterator[pa.Table]:
        for piece in self._pieces:
            self.kept += piece.num_rows
            self.inspected += piece.num_rows - piece.column("fraud").null_count
            yield piece
        self.quarantine, self.rows_in = self._outcome()
        if self.kept + self.quarantine.num_rows != self.rows_in:
            raise ValueError(
                f"{self.rows_in} rows came in, but {self.kept} were kept and {self.quarantine.num_rows} quarantined"
            )

    def collect(self) -> SourceMonth:
        """The whole month, in memory."""
        declarations = pa.concat_tables([self.schema.empty_table(), *self])
        return SourceMonth(declarations, self.quarantine, self.rows_in)


class Source(Protocol):
    """Where declarations come from, month by month (``YYYY-MM``). Every method raises :class:`SourceError` and nothing
    else."""

    @property
    def description(self) -> str:
        """What the source is, for a person; holds no secret."""
        ...

    @property
    def origin(self) -> str:
        """The name that tells this source from others; the same in every run and for every month; holds no secret."""
        ...

    def months(self) -> list[str]:
        """The months that the source has declarations of, in order."""
        ...

    def fingerprint(self, month: str) -> str:
        """A hash that changes when the rows of a month change."""
        ...

    def read_month(self, month: str) -> SourceMonth:
        """A month in memory."""
        ...

    def stream_month(self, month: str) -> MonthStream:
        """A month as it is read."""
        ...
