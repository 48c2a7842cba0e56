"""Which cells of the weeks in the lake are of the declarations that the lake has now, and of the present settings."""

from __future__ import annotations

from typing import Any

from customs_assets.graph import setting_values
from customs_assets.lake import Lake, Record
from customs_assets.settings import Settings
from customs_assets.weeks.cell import VERSION
from customs_assets.weeks.simulation import ASSET


def standing_weeks(lake: Lake) -> list[dict[str, Any]]:
    """The documents of the cells that are of the lake's declarations and of the settings; damaged ones are left out."""
    documents = []
    for partition in lake.partitions(ASSET, "json"):
        record = lake.record(ASSET, partition)
        if record is None or not _stands(lake, record):
            continue
        documents.append(lake.read_json(ASSET, partition))
    return documents


def _stands(lake: Lake, record: Record) -> bool:
    if lake.checksum(record) != record.sha256 or not lake.passed(record):
        return False
    # Cells of different rates or seeds cannot be compared.
    settings = Settings()  # pyright: ignore[reportCallIssue]
    if record.code_version != VERSION or record.settings != setting_values(tuple(record.settings), settings):
        return False
    for name, checksum in record.inputs.items():
        asset, _, month = name.partition("|")
        made = lake.last_record(asset, month)
        if made is None or made.sha256 != checksum:
            return False
    return True
