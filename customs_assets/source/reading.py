"""What a source of declarations is: the protocol, what a month read from it holds, and the errors it raises.

What belongs here is what every source shares, whatever it reads from. How files are read stands in ``files.py``, which
rows break the form in ``rules.py``, and how an address becomes a source in ``address.py``.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


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
        kept, quarantined = self.declarations.num_rows, self.quarantine.num_rows
        if kept + quarantined != self.rows_in:
            raise ValueError(f"{self.rows_in} rows came in, but {kept} were kept and {quarantined} quarantined")


class Source(Protocol):
    """Where declarations come from, month by month. Every method raises :class:`SourceError` and nothing else."""

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
        """The declarations of a month (``YYYY-MM``) and its quarantined rows."""
        ...
