"""What a source of declarations is: the protocol, what a month read from it holds, and the errors it raises.

What belongs here is what every source shares, whatever it reads from. How files are read stands in ``files.py``, how a
table in ``postgresql.py``, which rows break the form in ``rules.py``, and how an address becomes a source in
``address.py``.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from customs_assets.declaration import LABELS
from customs_assets.source.quarantine import SCHEMA


class SourceError(Exception):
    """A source cannot be read at all; the message is one sentence that names the place and what to do."""


class SourceUnreachable(SourceError):
    """A source cannot be reached just now (a database that is down, a share that hangs); trying again may help."""


# What a network share says while it is away. A file that is missing, forbidden or damaged stays so.
_OUT_OF_REACH = {
    errno.EIO,
    errno.EAGAIN,
    errno.ENOTCONN,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
}


def unreadable(error: Exception, sentence: str) -> SourceError:
    """The error that says a sentence, as :class:`SourceUnreachable` where the operating system's error may pass."""
    may_pass = isinstance(error, OSError) and error.errno in _OUT_OF_REACH
    return SourceUnreachable(sentence) if may_pass else SourceError(sentence)


@dataclass(frozen=True)
class SourceMonth:
    """One month as the source has it: every row is either kept or quarantined.

    Attributes:
        declarations: the kept rows in the source's order; the 22 attributes first, typed by
            :func:`customs_assets.declaration.arrow_schema` (both labels null: not inspected), then the further columns
            of the source as text (null where the row's file has no such column).
        quarantine: one row per row that broke the form, by :data:`customs_assets.source.quarantine.SCHEMA`.
        rows_in: the rows that the source holds for the month.

    Raises:
        ValueError: kept and quarantined rows do not add up to ``rows_in``.
    """

    declarations: pa.Table
    quarantine: pa.Table
    rows_in: int

    def __post_init__(self) -> None:
        _add_up(self.rows_in, self.declarations.num_rows, self.quarantine.num_rows)


def _add_up(rows_in: int, kept: int, quarantined: int) -> None:
    if kept + quarantined != rows_in:
        raise ValueError(f"{rows_in} rows came in, but {kept} were kept and {quarantined} quarantined")


class MonthStream:
    """One month as it is being read, some thousands of rows at a time, so that a month of millions fits into memory.

    Iterating yields the kept rows as tables of ``schema``, in the source's order; it can be done once. What became of the
    other rows is known when the last table has been taken.

    Args:
        schema: the columns of the kept rows, as :class:`SourceMonth` says.
        pieces: the tables of kept rows. Drawing them raises :class:`SourceError` where the source cannot be read on.
        outcome: called after the last piece: the quarantine and the rows that came in.

    Attributes:
        kept: rows yielded so far.
        inspected: how many of them carry labels.
        rows_in: the rows that the source holds for the month; 0 until the last table has been taken.
        quarantine: the rows that broke the form; empty until then.
    """

    def __init__(
        self, schema: pa.Schema, pieces: Iterator[pa.Table], outcome: Callable[[], tuple[pa.Table, int]]
    ) -> None:
        self.schema = schema
        self._pieces = pieces
        self._outcome = outcome
        self.kept = self.inspected = self.rows_in = 0
        self.quarantine: pa.Table = SCHEMA.empty_table()

    def __iter__(self) -> Iterator[pa.Table]:
        for piece in self._pieces:
            self.kept += piece.num_rows
            self.inspected += piece.num_rows - piece.column(LABELS[0]).null_count
            yield piece
        self.quarantine, self.rows_in = self._outcome()
        _add_up(self.rows_in, self.kept, self.quarantine.num_rows)

    def collect(self) -> SourceMonth:
        """The month as a whole, in memory."""
        declarations = pa.concat_tables([self.schema.empty_table(), *self])
        return SourceMonth(declarations, self.quarantine, self.rows_in)


class Source(Protocol):
    """Where declarations come from, month by month. Every method raises :class:`SourceError` and nothing else."""

    @property
    def origin(self) -> str:
        """Where the declarations come from, the same for all months; holds no secret."""
        ...

    @property
    def description(self) -> str:
        """What the source is, for a person; holds no secret."""
        ...

    def months(self) -> list[str]:
        """The months (``YYYY-MM``) that the source has declarations of, in order."""
        ...

    def fingerprint(self, month: str) -> str:
        """A hash that changes when what the month (``YYYY-MM``) is read from changes."""
        ...

    def read_month(self, month: str) -> SourceMonth:
        """The declarations of a month (``YYYY-MM``) and its quarantined rows, in memory."""
        ...

    def stream_month(self, month: str) -> MonthStream:
        """The same as they are read, for months that are better not held in memory."""
        ...
