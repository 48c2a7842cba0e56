"""Addresses: how what ``CUSTOMS_SOURCE`` says becomes a source.

What belongs here is the choice between kinds of source. What each kind does stands in its own module, which is imported
only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from customs_assets.settings import Settings
from customs_assets.source.files import FileSource
from customs_assets.source.reading import Source, SourceError

SIMULATED = "simulated"
POSTGRESQL = ("postgresql", "postgres")


def is_simulated(address: str) -> bool:
    """Whether an address is one of the simulated source."""
    return address.partition("?")[0] == SIMULATED


def source_of(settings: Settings) -> Source:
    """The source that the settings name.

    Raises:
        SourceError: as :func:`open_source`.
    """
    return open_source(settings.source, settings.postgresql_table, settings.postgresql_columns)


def open_source(address: str, table: str = "declarations", columns: Mapping[str, str] | None = None) -> Source:
    """The source at an address.

    Args:
        address: ``simulated`` (with ``?declarations=…&seed=…``), a ``postgresql://`` address, or a file, a folder or a
            glob of CSV and Parquet files (write a folder called ``simulated`` as ``./simulated``).
        table: the table of a PostgreSQL source.
        columns: column by attribute of a PostgreSQL source, where they are named otherwise.

    Raises:
        SourceError: no file matches, or the address is of a kind that this build does not read, or cannot be read.
    """
    if is_simulated(address):
        from customs_assets.source.simulated import open_simulated

        return open_simulated(address)
    scheme, separator, _ = address.partition("://")
    if separator and scheme in POSTGRESQL:
        from customs_assets.source.postgresql import PostgreSQLSource

        source = PostgreSQLSource(address, table, columns or {})
        source.check()
        return source
    if separator:
        raise SourceError(
            f"a {scheme}:// source is not part of this build; name a postgresql:// address, or a file, a folder or a "
            "glob of CSV or Parquet files"
        )
    source = FileSource(address)
    source.files()
    return source


def origin_of(settings: Settings) -> str:
    """The name of the source that the settings ask for.

    Raises:
        SourceError: as :func:`open_source`.
    """
    return source_of(settings).origin
