"""Addresses: how ``CUSTOMS_SOURCE`` becomes a source. A kind of source is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from customs_assets.forms import Form, form_in_force
from customs_assets.forms.reading import DEFAULT
from customs_assets.settings import Settings, is_simulated
from customs_assets.source.files import FileSource
from customs_assets.source.reading import Source, SourceError


def source_of(settings: Settings) -> Source:
    """The source that the settings name; raises as :func:`open_source`."""
    return open_source(settings.source, settings.postgresql_table, settings.postgresql_columns)


def open_source(
    address: str, table: str = "declarations", columns: Mapping[str, str] | None = None, form: Form | None = None
) -> Source:
    """The source at an address.

    Args:
        address: ``simulated`` (with ``?declarations=…&seed=…``), a ``postgresql://`` address, or a file, a folder or a
            glob of CSV, Parquet, Excel and XML files (write a folder called ``simulated`` as ``./simulated``).
        table: the table of a PostgreSQL source.
        columns: its column of each attribute that is named otherwise.
        form: the form of its declarations; the one in force where none is given.

    Raises:
        SourceError: the address is of another kind, no file matches it, or it cannot be read.
    """
    form = form or form_in_force()
    if is_simulated(address):
        if form.name != DEFAULT:
            raise SourceError(
                f"the simulated administration declares by the form {DEFAULT}, and CUSTOMS_FORM is {form.name}"
            )
        from customs_assets.source.simulated import open_simulated

        return open_simulated(address)
    scheme, separator, _ = address.partition("://")
    if not separator:
        source = FileSource(address, form=form)
        source.files()
        return source
    if scheme not in ("postgresql", "postgres"):
        raise SourceError(
            f"a {scheme}:// source is not part of this build; name a postgresql:// address, or a file, a folder or a "
            "glob of CSV, Parquet, Excel or XML files"
        )
    from customs_assets.source.postgresql import PostgreSQLSource

    source = PostgreSQLSource(address, table, columns or {}, form=form)
    source.check()
    return source


def origin_of(settings: Settings) -> str:
    """The name of the source that the settings ask for.

    Raises:
        SourceError: as :func:`open_source`.
    """
    return source_of(settings).origin
