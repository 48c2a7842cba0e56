"""The inspected declarations of a month, selected by ``sql/labelled_declarations.sql`` in little memory."""

from __future__ import annotations

import pyarrow as pa

from customs_assets.lake import Lake, read_sql


def extract_labelled(lake: Lake, month: str) -> pa.Table:
    """The labelled rows of a month's ``raw_declarations``: the 22 attributes, in the source's order."""
    with lake.connect() as connection:
        raw = {"raw": lake.sql_path("raw_declarations", month)}
        return connection.sql(read_sql("labelled_declarations.sql"), params=raw).to_arrow_table()
