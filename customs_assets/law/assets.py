"""The assets of the law: ``tariff`` and ``tariff_routes``."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from customs_assets.graph import made_with
from customs_assets.lake.io_manager import DIGESTS_READ
from customs_assets.law.law import Law
from customs_assets.law.reading import read_law
from customs_assets.named_files import shown
from customs_assets.named_rows import RowsError
from customs_assets.resources import OWNERS, PARQUET, Pipeline, table_metadata

_DESCRIPTIONS = {
    "hs_code": "product code of 2 to 12 digits; the longest prefix of a declared code counts, for each tax type by itself",
    "tax_type": "the rule that the rate comes from",
    "tax_rate": "rate in per cent",
    "country_of_origin": "a country whose goods may claim the tax type",
    "country_of_departure": "a country that they may come from",
}


def _read(description: str, *settings: str) -> dg.AssetOut:
    return dg.AssetOut(
        io_manager_key=PARQUET,
        group_name="source",
        description=description,
        kinds={"parquet", "pandas"},
        owners=OWNERS,
        # The simulated law and the nomenclature are part of the code: where one changes, the version is raised.
        **made_with("1", *settings),
    )


@dg.multi_asset(
    name="read_law",
    outs={
        "tariff": _read("The law: the lawful rates of each product code, or the codes alone.", "law", "tariff"),
        "tariff_routes": _read(
            "The law: the routes that each tax type is open to; a type without a row is open to all.",
            *("law", "tariff", "tariff_routes"),
        ),
    },
)
def read_law_tables(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[dg.Output]:
    """Read the law into the lake, whole, or refuse it: from files, the simulated administration or the nomenclature."""
    settings = pipeline.settings
    try:
        tables = read_law(settings)
    except RowsError as error:
        # A law that breaks the form will break it at the next try.
        raise dg.Failure(str(error), allow_retries=False) from error
    law = Law.of(tables.tariff, tables.routes)
    if not len(law.codes):
        raise dg.Failure(
            f"{shown(settings.tariff or '')} gives no product code of the Harmonized System", allow_retries=False
        )
    context.log.info(f"the law is {law.origin}: {len(law.codes)} product codes, {len(law.tariff)} lines")
    files = {
        name: shown(address)
        for name, address in (("tariff_file", settings.tariff), ("routes_file", settings.tariff_routes))
        if address is not None
    }
    shared: dict[str, Any] = {"law": law.origin, **files}
    yield dg.Output(
        tables.tariff,
        "tariff",
        metadata={
            **table_metadata(tables.tariff, _DESCRIPTIONS),
            **shared,
            # The tariff does not depend on the routes.
            DIGESTS_READ: {name: digest for name, digest in tables.digests.items() if name == "tariff"},
            "product_codes": len(law.codes),
            "tax_types": int(law.tariff["tax_type"].nunique()),
        },
    )
    yield dg.Output(
        tables.routes,
        "tariff_routes",
        metadata={
            **table_metadata(tables.routes, _DESCRIPTIONS),
            **shared,
            DIGESTS_READ: dict(tables.digests),
            "restricted_tax_types": int(law.routes["tax_type"].nunique()),
        },
    )
