"""Metadata that machines read: the release as a Frictionless Data Package, derived from the declaration schema.

What belongs here is the descriptor (``datapackage.json``): which files there are, what each column may hold, how like its source
the data are. With it, any Frictionless tool can check the files before they are used; the prose is the card's.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from customs_assets.declaration import RELEASED, Attribute, Kind
from customs_assets.fidelity.fidelity import MetricScore, as_published

DESCRIPTOR = "datapackage.json"

# A list of codes longer than this is described by its pattern alone.
_LISTED = 40


def data_package(
    files: Mapping[str, bytes], months: Sequence[str], scores: Sequence[MetricScore], erased: Collection[str] = ()
) -> bytes:
    """The descriptor of a release, JSON.

    Args:
        files: the release's tables by file name; CSV files get a schema and a hash, others are listed.
        months: the months that the rows are of.
        scores: the release's scores of Table 2.
        erased: names of the files in which labels may be missing.
    """
    descriptor: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "synthetic-import-declarations",
        "title": f"Synthetic import declarations, {months[0]} to {months[-1]}",
        "description": "Artificial import declarations: no row describes a real shipment, and nobody stands behind an ID. "
        "A benchmark for methods, not a basis for decisions about shipments, goods, countries or traders.",
        "keywords": ["customs", "import declarations", "synthetic data", "fraud detection"],
        "resources": [_resource(name, content, name in erased) for name, content in sorted(files.items())],
        "quality": [
            {
                "metric": score.metric,
                "score": None if math.isnan(score.score) else as_published(score.metric, score.score),
            }
            for score in scores
        ],
    }
    return (json.dumps(descriptor, indent=1, ensure_ascii=False) + "\n").encode()


def _resource(name: str, content: bytes, erased: bool) -> dict[str, Any]:
    stem, _, suffix = name.rpartition(".")
    described: dict[str, Any] = {
        "name": f"{stem}-{suffix}".replace("_", "-"),
        "path": name,
        "format": suffix,
        "mediatype": {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}.get(suffix, "text/plain"),
    }
    if suffix == "csv":
        # Readers of Parquet take parts of a file, so that Frictionless could not confirm its size; SHA256SUMS can.
        described |= {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        described |= {"encoding": "utf-8", "schema": schema(erased)}
    return described


def schema(erased: bool = False) -> dict[str, Any]:
    """The table schema of a released file: a field for each of the 22 attributes, with what it may hold.

    Args:
        erased: labels may be missing.
    """
    fields = [_field(a, a.optional or (erased and a.kind is Kind.LABEL)) for a in RELEASED]
    return {"fields": fields, "primaryKey": [RELEASED[0].header], "missingValues": [""]}


def _field(attribute: Attribute, optional: bool) -> dict[str, Any]:
    kinds = {Kind.DATE: "date", Kind.NUMBER: "number", Kind.LABEL: "integer"}
    field: dict[str, Any] = {
        "name": attribute.header,
        "type": kinds.get(attribute.kind, "string"),
        "description": attribute.description,
        "example": attribute.example,
        "constraints": {"required": not optional},
    }
    if attribute.kind is Kind.KEY:
        field["constraints"]["unique"] = True
    if attribute.kind is Kind.NUMBER:
        field["constraints"] |= {"minimum": 0, "maximum": attribute.maximum}
    elif attribute.values is not None and len(attribute.values) <= _LISTED:
        known = sorted(attribute.values)
        field["constraints"]["enum"] = [int(value) for value in known] if attribute.kind is Kind.LABEL else known
    elif attribute.values is not None:
        field["constraints"]["pattern"] = "[A-Z]{2}"
    elif attribute.pattern is not None:
        field["constraints"]["pattern"] = attribute.pattern
    return field
