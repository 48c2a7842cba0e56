"""The data dictionary of the release: the declaration schema as a table for its users."""

from __future__ import annotations

import pandas as pd

from customs_assets.declaration import RELEASED, Attribute, Kind


def data_dictionary() -> pd.DataFrame:
    """One row for each of the 22 released attributes: header, type, unit, how it is compared, codes, meaning, example."""
    return pd.DataFrame([_entry(attribute) for attribute in RELEASED])


def _entry(attribute: Attribute) -> dict[str, str]:
    return {
        "header": attribute.header,
        "name": attribute.name,
        "type": _TYPES[attribute.kind],
        "unit": attribute.unit if attribute.kind is Kind.NUMBER else "",
        "compared as": "key" if attribute.kind is Kind.KEY else ("numerical" if attribute.numerical else "categorical"),
        "may be empty": "yes" if attribute.optional else "no",
        "codes": _codes(attribute),
        "description": attribute.description,
        "example": attribute.example,
    }


_TYPES = {
    Kind.KEY: "text",
    Kind.DATE: "date (YYYY-MM-DD)",
    Kind.IDENTITY: "token",
    Kind.CODE: "code (text: leading zeros count)",
    Kind.NUMBER: "number",
    Kind.LABEL: "integer",
}


def _codes(attribute: Attribute) -> str:
    if attribute.values is None:
        return attribute.pattern or ""
    listed = sorted(attribute.values)
    return " ".join(listed) if len(listed) <= 10 else f"{len(listed)} codes (ISO 3166-1 alpha-2 and customs' own)"
