"""Reading the law: from the files that the settings name, from the simulated administration, or from the nomenclature.

The two tables carry in their metadata which law they are, so that who reads them from the lake need not ask the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pandas as pd
import pyarrow as pa

from customs_assets.law.nomenclature import product_codes
from customs_assets.law.rules import (
    ROUTE_COLUMNS,
    ROUTES_SCHEMA,
    TARIFF_COLUMNS,
    TARIFF_SCHEMA,
    ordered_table,
    routes_table,
    tariff_table,
)
from customs_assets.named_files import NamedFileError, digest, read_file, shown
from customs_assets.named_rows import RowsError, read_rows
from customs_assets.settings import LawOrigin, Settings

_ORIGIN = b"origin"


@dataclass(frozen=True)
class LawTables:
    """The law as the lake keeps it.

    Attributes:
        tariff: ``hs_code`` (2 to 12 digits), ``tax_type``, ``tax_rate`` (per cent), distinct and sorted; type and rate are null
            where only the codes are known.
        routes: ``tax_type``, ``country_of_origin``, ``country_of_departure``, distinct and sorted.
        digests: the sha256 of each file that was read, by setting.
    """

    tariff: pa.Table
    routes: pa.Table
    digests: Mapping[str, str]


def read_law(settings: Settings) -> LawTables:
    """The law that the settings name.

    Raises:
        RowsError: a file cannot be read, or a row of it breaks the form.
    """
    digests: dict[str, str] = {}
    match settings.law:
        case "given":
            tariff, routes = _given(settings, digests)
        case "simulated":
            tariff, routes = _simulated()
        case "nomenclature":
            tariff = ordered_table(
                pd.DataFrame({"hs_code": product_codes(), "tax_type": None, "tax_rate": None}), TARIFF_SCHEMA
            )
            routes = ROUTES_SCHEMA.empty_table()
    origin = {_ORIGIN: settings.law.encode()}
    return LawTables(tariff.replace_schema_metadata(origin), routes.replace_schema_metadata(origin), digests)


def stated_origin(table: pa.Table) -> LawOrigin:
    """Which law a table of the lake says that it is.

    Raises:
        ValueError: it does not say.
    """
    stated = (table.schema.metadata or {}).get(_ORIGIN, b"").decode()
    for origin in get_args(LawOrigin):
        if stated == origin:
            return origin
    raise ValueError(f"the table does not say which law it is: {stated!r}")


def _given(settings: Settings, digests: dict[str, str]) -> tuple[pa.Table, pa.Table]:
    content, name = _read("tariff", settings.tariff or "", digests)
    tariff = tariff_table(read_rows(content, name, TARIFF_COLUMNS, numbers=("tax_rate",)))
    if settings.tariff_routes is None:
        return tariff, ROUTES_SCHEMA.empty_table()
    content, routes = _read("tariff_routes", settings.tariff_routes, digests)
    tax_types = tariff.column("tax_type").unique().to_pylist()
    return tariff, routes_table(read_rows(content, routes, ROUTE_COLUMNS), tax_types, name)


def _read(setting: str, address: str, digests: dict[str, str]) -> tuple[bytes, str]:
    """A file's content and its name for messages; its digest is noted."""
    try:
        content = read_file(address)
    except NamedFileError as error:
        raise RowsError(f"CUSTOMS_{setting.upper()}: {error}") from error
    digests[setting] = digest(content)
    return content, shown(address)


def _simulated() -> tuple[pa.Table, pa.Table]:
    from customs_assets.simulation.tariff import claim_routes, tariff_schedule

    schedule = tariff_schedule().rename_columns({"hs10_code": "hs_code"})
    return ordered_table(schedule.to_pandas(), TARIFF_SCHEMA), ordered_table(claim_routes().to_pandas(), ROUTES_SCHEMA)
