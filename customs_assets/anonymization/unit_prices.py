"""Unit prices: the price per kilogram of each product code, blurred before anything is built on it.

Section 4.1 of the paper: "we add some Gaussian noise to the average price of each category of item". The averages are
SQL (``sql/unit_prices.sql``); the noise is drawn here.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from customs_assets.lake import Lake, read_sql
from customs_assets.seeds import Root, derive_rng, derive_root

# Standard deviation of the noise, as a share of the category's average price.
NOISE_SCALE = 0.05

# The noise is cut here, in standard deviations, so that a price stays positive.
_NOISE_LIMIT = 3.0


def month_unit_prices(lake: Lake, month: str, min_group: int, root: Root) -> pd.DataFrame:
    """The noisy unit prices of a month's ``anonymized_declarations`` in a lake, as :func:`noisy_prices` gives them."""
    with lake.connect() as connection:
        averages = average_prices(connection, lake.sql_path("anonymized_declarations", month), min_group)
    return noisy_prices(averages, derive_root(root, "unit_prices", month))


def average_prices(connection: duckdb.DuckDBPyConnection, declarations_path: str, min_group: int) -> pd.DataFrame:
    """The average price of every product code of a month.

    Args:
        connection: a DuckDB that can read ``declarations_path``.
        declarations_path: Parquet file of anonymized declarations: a token for each party, however its name is spelled.
        min_group: a category with fewer importers than this falls back to a shorter code.

    Returns:
        One row a code, ordered by code: ``hs10_code``, ``category`` (the code that gave the price; empty for all goods),
        ``importers`` and ``declarations`` behind it, ``average_price`` in KRW per kg.
    """
    return connection.execute(
        read_sql("unit_prices.sql"), {"declarations": declarations_path, "min_group": min_group}
    ).df()


def noisy_prices(averages: pd.DataFrame, root: Root, noise_scale: float = NOISE_SCALE) -> pd.DataFrame:
    """Replace each category's average by itself times (1 + Gaussian noise); codes of one category share its noise.

    A corrected average gets another noise, so that the difference of two releases does not show the correction.

    Args:
        averages: as :func:`average_prices` gives them.
        root: what the noise derives from.
        noise_scale: its standard deviation, as a share of the average.

    Returns:
        ``hs10_code``, ``category``, ``importers``, ``declarations``, ``unit_price`` in KRW per kg, always positive. The
        exact average does not leave this function.
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
