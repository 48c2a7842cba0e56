"""The assets of anonymization: ``anonymized_declarations`` and ``unit_prices``."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.anonymization.business_numbers import BusinessNumberError, read_business_numbers
from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import NOISE_SCALE, month_unit_prices
from customs_assets.declaration import ATTRIBUTES, IDENTITIES
from customs_assets.frame_types import FRAME_TYPES
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import LakeFile
from customs_assets.partitions import months
from customs_assets.resources import OWNERS, PARQUET, Pipeline, table_metadata
from customs_assets.secret_files import identity_key


@dg.asset(
    partitions_def=months,
    group_name="anonymization",
    kinds={"parquet", "pandas"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    dagster_type=FRAME_TYPES["anonymized_declarations"],
    **made_with("2", "identity_key", "business_numbers"),
)
def anonymized_declarations(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    labelled_declarations: pd.DataFrame,
    raw_declarations: LakeFile,
) -> dg.Output[pd.DataFrame]:
    """The same rows with the four identities replaced by tokens of a keyed hash. No later table has a name or business number."""
    settings, key = pipeline.settings, identity_key(pipeline.settings.identity_key)
    numbers = None
    if settings.business_numbers:
        try:
            # Only the raw rows have business numbers.
            numbers = read_business_numbers(raw_declarations.lake, context.partition_key, settings.business_numbers)
        except BusinessNumberError as error:
            # A missing column will be missing at the next try.
            raise dg.Failure(str(error), allow_retries=False) from error
    anonymized = anonymize(labelled_declarations, key.obtain(settings.lake), numbers)
    metadata: dict[str, Any] = {
        **table_metadata(anonymized, {a.name: a.description for a in ATTRIBUTES}),
        **{f"distinct {role}": int(anonymized[role].nunique()) for role in IDENTITIES},
        "identity_key": f"fingerprint {key.fingerprint()}; `customs destroy-identity-key` makes tokens irreversible",
    }
    return dg.Output(anonymized, metadata=metadata)


@dg.asset(
    partitions_def=months,
    group_name="anonymization",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    dagster_type=FRAME_TYPES["unit_prices"],
    **made_with("4", "release_secret", "min_group"),
)
def unit_prices(
    context: dg.AssetExecutionContext, pipeline: Pipeline, anonymized_declarations: LakeFile
) -> dg.Output[pd.DataFrame]:
    """Price per kg of each category of goods (HS10, HS6, HS4, HS2, all), with Gaussian noise on the average."""
    # Importers are counted by token: one importer in k spellings is one importer.
    lake, min_group = anonymized_declarations.lake, pipeline.settings.min_group
    prices = month_unit_prices(lake, context.partition_key, min_group, pipeline.secret)
    levels = prices["category"].str.len().value_counts().sort_index(ascending=False)
    metadata: dict[str, Any] = {
        **table_metadata(prices),
        "noise": f"Gaussian on each category's average, standard deviation {NOISE_SCALE:.0%} of it",
        "categories_by_digits": {str(digits): int(count) for digits, count in levels.items()},
    }
    return dg.Output(prices, metadata=metadata)
