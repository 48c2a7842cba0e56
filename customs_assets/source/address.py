"""Addresses: how what ``CUSTOMS_SOURCE`` says becomes a source.

What belongs here is the choice between kinds of source. What each kind does stands in its own module, which is imported
only when it is asked for.
"""

from __future__ import annotations

from customs_assets.source.files import FileSource
from customs_assets.source.reading import Source, SourceError

SIMULATED = "simulated"


def open_source(address: str) -> Source:
    """The source at an address.

    Args:
        address: ``simulated`` (with ``?declarations=…&seed=…``), or a file, a folder or a glob of CSV and Parquet files
            (write a folder called ``simulated`` as ``./simulated``).

    Raises:
        SourceError: no file matches, or the address is of a kind that this build does not read.
    """
    if address.partition("?")[0] == SIMULATED:
        from customs_assets.source.simulation import open_simulated

        return open_simulated(address)
    scheme, separator, _ = address.partition("://")
    if separator:
        raise SourceError(
            f"a {scheme}:// source is not part of this build; name a file, a folder or a glob of CSV or Parquet files"
        )
    source = FileSource(address)
    source.files()
    return source
