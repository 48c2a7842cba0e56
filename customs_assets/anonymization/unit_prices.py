"""Unit prices: the price per kilogram of each product code, with noise.

Section 4.1 of the paper: "we add some Gaussian noise to the average price of each category of item". ``sql/unit_prices.sql``
computes the averages. What belongs here draws the noise.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from customs_assets.lake import Lake, read_sql
from customs_assets.seeds import Root, derive_rng, derive_root

# Standard deviation of the noise, as a share of the average price.
NOISE_SCALE = 0.05

# The noise is cut here, in standard deviations, so that a price stays positive.
_NOISE_LIMIT = 3.0


def month_unit_prices(lake: Lake, month: str, min_group: int, root: Root) -> pd.DataFrame:
    """The noisy unit prices of a month's ``anonymized_declarations`` in a lake (:func:`noisy_prices`)."""
    with lake.connect() as connection:
        averages = average_prices(connection, lake.sql_path("anonymized_declarations", month), min_group)
    return noisy_prices(averages, derive_root(root, "unit_prices", month))


def average_prices(connection: duckdb.DuckDBPyConnection, declarations_path: str, min_group: int) -> pd.DataFrame:
    """The average price of every product code in a Parquet file of anonymized declarations.

    A code with fewer than ``min_group`` importers gets the average of a shorter code, its category.

    Returns:
        One row for each code, in order: ``hs10_code``, ``category`` (empty for all goods), ``importers`` and ``declarations``
        of the category, ``average_price`` in KRW per kg.
    """
    return connection.execute(
        read_sql("unit_prices.sql"), {"declarations": declarations_path, "min_group": min_group}
    ).df()


def noisy_prices(averages: pd.DataFrame, root: Root, noise_scale: float = NOISE_SCALE) -> pd.DataFrame:
    """Multiply each average of :func:`average_prices` by (1 + Gaussian noise). Codes of one category share its noise.

    A corrected average gets another noise, so that two releases do not show the correction. The exact average does not leave this
    function.

    Returns:
        ``hs10_code``, ``category``, ``importers``, ``declarations``, ``unit_price`` in KRW per kg, always positive.
    """
    by_category = averages.drop_duplicates("category").set_index("category")["average_price"]
    noise = [
        derive_rng(root, "noise", str(name), float(price).hex()).standard_normal()
        for name, price in by_category.items()
    ]
    factor = pd.Series(1.0 + np.clip(noise, -_NOISE_LIMIT, _NOISE_LIMIT) * noise_scale, index=by_category.index)
    noisy = averages.drop(columns="average_price")
    noisy["unit_price"] = averages["average_price"].to_numpy() * averages["category"].map(factor).to_numpy()
    return noisy
