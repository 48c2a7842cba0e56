"""The declaration schema as SDV's ``Metadata``, which SDV's and SDMetrics' functions take.

What belongs here derives it from ``declaration``, and from nothing else. None of SDV's models is named here. ``metadata.json``
of a release is this metadata with the published headers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from customs_assets.declaration import RELEASED, Attribute, Kind
from customs_assets.sdv_library import import_sdv

if TYPE_CHECKING:
    from sdv.metadata import Metadata

# The file of a release, and the one table that it describes.
METADATA_FILE = "metadata.json"
TABLE = "declarations"

DATE_FORMAT = "%Y-%m-%d"


def declaration_metadata(published: bool = False) -> Metadata:
    """SDV's metadata of a table of released declarations, derived from :data:`declaration.RELEASED`.

    Nothing in it comes from a declaration: ranges and lists of codes are those of the form.

    Args:
        published: whether columns have the published headers, and identities the form of published tokens. Otherwise columns
            have their snake_case names, and identities any form, since the pipeline's tokens are longer.
    """
    columns = {a.header if published else a.name: _column(a, published) for a in RELEASED}
    key = next(name for name, a in zip(columns, RELEASED, strict=True) if a.kind is Kind.KEY)
    table = {"columns": columns, "primary_key": key}
    metadata = import_sdv().metadata.Metadata.load_from_dict({"tables": {TABLE: table}, "relationships": []})
    metadata.validate()
    return metadata


def metadata_file(metadata: Metadata) -> bytes:
    """Metadata as JSON, as ``Metadata.load_from_json`` reads it."""
    return (json.dumps(metadata.to_dict(), indent=1, ensure_ascii=False) + "\n").encode()


def columns_of(metadata: Metadata) -> dict[str, dict[str, Any]]:
    """What the metadata says of each column of its one table, by name."""
    return metadata.to_dict()["tables"][TABLE]["columns"]


def numerical_columns(metadata: Metadata) -> list[str]:
    """The columns that metrics of numbers look at: numbers and dates, in the order of the form."""
    return [name for name, column in columns_of(metadata).items() if column["sdtype"] in ("numerical", "datetime")]


def categorical_columns(metadata: Metadata) -> list[str]:
    """The columns that metrics of categories look at, in the order of the form.

    As in the paper, identities are among them, which SDV calls ``id``. The key is not.
    """
    key = metadata.tables[TABLE].primary_key
    kinds = {name: column["sdtype"] for name, column in columns_of(metadata).items() if name != key}
    return [name for name, kind in kinds.items() if kind in ("categorical", "id")]


def _column(attribute: Attribute, published: bool) -> dict[str, Any]:
    """What SDV is told of an attribute: its type, and what the form allows."""
    described: dict[str, Any] = {}
    match attribute.kind:
        case Kind.KEY | Kind.IDENTITY:
            described["sdtype"] = "id"
            if published and attribute.pattern:
                described["regex_format"] = f"({attribute.pattern})?" if attribute.optional else attribute.pattern
        case Kind.DATE:
            described |= {"sdtype": "datetime", "datetime_format": DATE_FORMAT}
        case Kind.NUMBER:
            described |= {"sdtype": "numerical", "range_min": 0.0}
            if attribute.maximum is not None:
                described["range_max"] = attribute.maximum
        case _:
            described["sdtype"] = "categorical"
            if attribute.values is not None:
                codes = sorted(attribute.values)
                described["range_values"] = [int(code) for code in codes] if attribute.kind is Kind.LABEL else codes
    return {**described, "range_is_nullable": attribute.optional}
