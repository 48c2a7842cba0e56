"""The meaning of a release's columns: for machines as a Frictionless Data Package, for people as the data dictionary.

What belongs here derives both from the declaration schema. With ``datapackage.json`` any Frictionless tool can check the files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from customs_assets.declaration import COUNTRIES, RELEASED, Attribute, Kind
from customs_assets.fidelity.table_two import MetricScore
from customs_assets.release.rounding import Rounding

DESCRIPTOR = "datapackage.json"

# A longer list of codes is given by its pattern in the data package.
_LISTED = 40

_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}

# The type of a column, in the data package and in the dictionary.
_TYPES: dict[Kind, tuple[str, str]] = {
    Kind.KEY: ("string", "text"),
    Kind.DATE: ("date", "date (YYYY-MM-DD)"),
    Kind.IDENTITY: ("string", "token"),
    Kind.CODE: ("string", "code (text: leading zeros count)"),
    Kind.NUMBER: ("number", "number"),
    Kind.LABEL: ("integer", "integer"),
}


def data_package(
    files: Mapping[str, bytes],
    months: Sequence[str],
    scores: Sequence[MetricScore],
    rounding: Rounding,
    erased: Collection[str] = (),
) -> bytes:
    """The descriptor of a release, JSON.

    Args:
        files: the release's tables by file name; CSV files get a schema and a hash, others are listed.
        months: the months of the rows.
        scores: the release's scores of Table 2.
        rounding: how they are told.
        erased: names of the files in which labels may be missing.
    """
    descriptor: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "synthetic-import-declarations",
        "title": f"Synthetic import declarations, {months[0]} to {months[-1]}",
        "description": "Artificial import declarations. No row describes a real shipment, and no ID belongs to a real person or "
        "company. Use them to test methods, not to decide about shipments, goods, countries or traders.",
        "keywords": ["customs", "import declarations", "synthetic data", "fraud detection"],
        "resources": [_resource(name, content, name in erased) for name, content in sorted(files.items())],
        "quality": [{"metric": score.metric, "score": rounding.score(score.metric, score.score)} for score in scores],
        "rounding": {"counts": rounding.base, "shares": rounding.step()},
    }
    return (json.dumps(descriptor, indent=1, ensure_ascii=False) + "\n").encode()


def rounding_of(descriptor: bytes, min_group: int) -> Rounding:
    """How a release tells its numbers, by its descriptor; as coarsely as can be where it does not say."""
    try:
        step = json.loads(descriptor)["rounding"]["shares"]
        return Rounding(min_group, math.ceil(min_group / step) if step else 0)
    except (ValueError, KeyError, TypeError):
        return Rounding(min_group, 0)


def _resource(name: str, content: bytes, erased: bool) -> dict[str, Any]:
    stem, _, suffix = name.rpartition(".")
    described: dict[str, Any] = {
        "name": f"{stem}-{suffix}".replace("_", "-"),
        "path": name,
        "format": suffix,
        "mediatype": _MEDIA_TYPES.get(suffix, "text/plain"),
    }
    if suffix == "csv":
        # Readers of Parquet read parts of a file, so Frictionless could not check its size. SHA256SUMS can.
        described |= {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        fields = [_field(a, a.optional or (erased and a.kind is Kind.LABEL)) for a in RELEASED]
        schema = {"fields": fields, "primaryKey": [RELEASED[0].header], "missingValues": [""]}
        described |= {"encoding": "utf-8", "schema": schema}
    return described


def _field(attribute: Attribute, optional: bool) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": not optional}
    if attribute.kind is Kind.KEY:
        constraints["unique"] = True
    if attribute.kind is Kind.NUMBER:
        constraints |= {"minimum": 0, "maximum": attribute.maximum}
    elif attribute.values is not None and len(attribute.values) <= _LISTED:
        codes = sorted(attribute.values)
        constraints["enum"] = [int(code) for code in codes] if attribute.kind is Kind.LABEL else codes
    elif attribute.values is not None:
        constraints["pattern"] = "[A-Z]{2}"
    elif attribute.pattern is not None:
        constraints["pattern"] = attribute.pattern
    return {
        "name": attribute.header,
        "type": _TYPES[attribute.kind][0],
        "description": attribute.description,
        "example": attribute.example,
        "constraints": constraints,
    }


def data_dictionary() -> pd.DataFrame:
    """One row for each of the 22 released attributes: header, type, unit, how it is compared, codes, meaning, example."""
    return pd.DataFrame(
        {
            "header": a.header,
            "name": a.name,
            "type": _TYPES[a.kind][1],
            "unit": a.unit if a.kind is Kind.NUMBER else "",
            "compared as": "key" if a.kind is Kind.KEY else ("numerical" if a.numerical else "categorical"),
            "may be empty": "yes" if a.optional else "no",
            "codes": _codes(a),
            "description": a.description,
            "example": a.example,
        }
        for a in RELEASED
    )


def _codes(attribute: Attribute) -> str:
    if attribute.values is None:
        return attribute.pattern or ""
    if attribute.values >= COUNTRIES:
        return f"{len(attribute.values)} country codes (ISO 3166-1 alpha-2 and customs' own)"
    return " ".join(sorted(attribute.values))
