"""The counts of one month that months are compared by: codes, days, parties, amounts, prices per kilogram and set-aside rows.

They are made by DuckDB in one pass each over the month's files, hold no name, and are small: months are compared without reading
a declaration again.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from customs_assets.declaration import ATTRIBUTES, Attribute, Kind
from customs_assets.lake import read_sql

# Rows by which months with the same content are found.
SAMPLE = 256

# The office by which prices per kilogram are told apart.
OFFICE = "office_id"

SCHEMA = pa.schema([("attribute", pa.string()), ("code", pa.string()), ("number", pa.float64())])


def counted(connection: duckdb.DuckDBPyConnection, raw: str, quarantine: str) -> pa.Table:
    """The counts of a month.

    Args:
        connection: a DuckDB connection that can read the two files.
        raw: path of the month's ``raw_declarations``.
        quarantine: path of its ``quarantine``.

    Returns:
        ``attribute``, ``code`` and ``number``, as the statements ``sql/month_*.sql`` describe them. Attributes that the month
        does not have are left out.
    """
    columns = connection.sql("select * from read_parquet($raw) limit 0", params={"raw": raw}).columns
    codes = _named(columns, Kind.CODE, Kind.LABEL)
    numbers = _named(columns, Kind.NUMBER)
    statements: list[tuple[str, dict[str, Any]]] = [
        ("month_codes.sql", {"raw": raw, "attributes": codes}),
        ("month_set_aside.sql", {"quarantine": quarantine}),
    ]
    if roles := _named(columns, Kind.IDENTITY):
        statements.append(("month_parties.sql", {"raw": raw, "roles": roles}))
    if numbers:
        statements.append(("month_amounts.sql", {"raw": raw, "numbers": numbers}))
    if {"item_price", "net_mass", "hs10_code"} <= set(columns):
        office = OFFICE if OFFICE in columns else "hs10_code"
        statements.append(("month_prices.sql", {"raw": raw, "office": office}))
    if {"country_of_departure", "country_of_origin"} <= set(columns):
        statements.append(("month_routes.sql", {"raw": raw}))
    content = [name for name in _named(columns, *Kind) if name not in _named(columns, Kind.KEY, Kind.DATE)]
    statements.append(("month_sample.sql", {"raw": raw, "attributes": content, "size": SAMPLE}))
    tables = [connection.sql(read_sql(name), params=bound).to_arrow_table().cast(SCHEMA) for name, bound in statements]
    return pa.concat_tables(tables).combine_chunks()


def _named(columns: list[str], *kinds: Kind) -> list[str]:
    def is_meant(attribute: Attribute) -> bool:
        return attribute.kind in kinds and attribute.name in columns

    return [attribute.name for attribute in ATTRIBUTES if is_meant(attribute)]
