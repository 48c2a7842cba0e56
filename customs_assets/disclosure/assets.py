"""The asset that counts the population: ``population``."""

from typing import Any

import dagster as dg
import pyarrow as pa

from customs_assets.anonymization.business_numbers import BusinessNumberError
from customs_assets.disclosure.population import month_population
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import LakeFile
from customs_assets.partitions import months
from customs_assets.resources import OWNERS, PARQUET, Pipeline, table_metadata
from customs_assets.secret_files import identity_key


@dg.asset(
    partitions_def=months,
    group_name="disclosure",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("1", "identity_key", "business_numbers"),
)
def population(
    context: dg.AssetExecutionContext, pipeline: Pipeline, raw_declarations: LakeFile
) -> dg.Output[pa.Table]:
    """What each importer declared in the month by tariff tuple, inspected or not; importers are tokens."""
    settings = pipeline.settings
    key = identity_key(settings.identity_key).obtain(settings.lake)
    number = settings.business_numbers.get("importer_id")
    try:
        counted = month_population(raw_declarations.lake, context.partition_key, key, number)
    except BusinessNumberError as error:
        # A missing column will be missing at the next try.
        raise dg.Failure(str(error), allow_retries=False) from error
    metadata: dict[str, Any] = {
        **table_metadata(counted),
        "declarations": int(counted["declarations"].to_numpy().sum()),
        "importers": len(counted["importer_id"].unique()),
        "product_codes": len(counted["hs6_code"].unique()),
    }
    return dg.Output(counted, metadata=metadata)
