"""The assets of anonymization: ``unit_prices`` and ``anonymized_declarations``."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.anonymization.business_numbers import BusinessNumberError, read_business_numbers
from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import NOISE_SCALE, month_unit_prices
from customs_assets.declaration import ATTRIBUTES, IDENTITIES
from customs_assets.pipeline import Pipeline, customs_asset, table_metadata
from customs_assets.secret_files import identity_key


@customs_asset
def unit_prices(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[pd.DataFrame]:
    prices = month_unit_prices(pipeline.lake, context.partition_key, pipeline.settings.min_group, pipeline.secret)
    levels = prices["category"].str.len().value_counts().sort_index(ascending=False)
    metadata: dict[str, Any] = {
        **table_metadata(prices),
        "noise": f"Gaussian on each category's average, standard deviation {NOISE_SCALE:.0%} of it",
        "codes_by_digits_of_category": {str(digits): int(count) for digits, count in levels.items()},
    }
    return dg.Output(prices, metadata=metadata)


@customs_asset
def anonymized_declarations(
    context: dg.AssetExecutionContext, pipeline: Pipeline, labelled_declarations: pd.DataFrame
) -> dg.Output[pd.DataFrame]:
    settings, key = pipeline.settings, identity_key(pipeline.settings.identity_key)
    numbers = None
    if settings.business_numbers:
        try:
            numbers = read_business_numbers(pipeline.lake, context.partition_key, settings.business_numbers)
        except BusinessNumberError as error:
            # A column that is not there will not be there at the next try.
            raise dg.Failure(str(error), allow_retries=False) from error
    anonymized = anonymize(labelled_declarations, key.obtain(settings.lake), numbers)
    metadata: dict[str, Any] = {
        **table_metadata(anonymized, {a.name: a.description for a in ATTRIBUTES}),
        **{f"distinct {role}": int(anonymized[role].nunique()) for role in IDENTITIES},
        "identity_key": f"fingerprint {key.fingerprint()}; `customs destroy-identity-key` makes tokens irreversible",
    }
    return dg.Output(anonymized, metadata=metadata)
