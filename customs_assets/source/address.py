"""Addresses: how ``CUSTOMS_SOURCE`` becomes a source. A kind of source is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from customs_assets.settings import Settings, is_simulated
from customs_assets.source.files import FileSource
from customs_assets.source.reading import Source, SourceError


def source_of(settings: Settings) -> Source:
    """The source that the settings name; raises as :func:`open_source`."""
    return open_source(settings.source, settings.postgresql_table, settings.postgresql_columns)


def open_source(address: str, table: str = "declarations", columns: Mapping[str, str] | None = None) -> Source:
    """The source at an address.

    Args:
        address: ``simulated`` (with ``?declarations=…&seed=…``), a ``postgresql://`` address, or a file, a folder or a
            glob of CSV and Parquet files (write a folder called ``simulated`` as ``./simulated``).
        table: the table of a PostgreSQL source.
        columns: its column of each attribute that is named otherwise.

    Raises:
        SourceError: the address is of another kind, no file matches it, or it cannot be read.
    """
    if is_simulated(address):
        from customs_assets.source.simulated import open_simulated

        return open_simulated(address)
    scheme, separator, _ = address.partition("://")
    if not separator:
        source = FileSource(address)
        source.files()
        return source
    if scheme not in ("postgresql", "postgres"):
        raise SourceError(
            f"a {scheme}:// source is not part of this build; name a postgresql:// address, or a file, a folder or a "
            "glob of CSV or Parquet files"
        )
    from customs_assets.source.postgresql import PostgreSQLSource

    source = PostgreSQLSource(address, table, columns or {})
    source.check()
    return source


def origin_of(settings: Settings) -> str:
    """The name of the source that the settings ask for.

    Raises:
        SourceError: as :func:`open_source`.
    """
    return source_of(settings).origin
