"""Unit prices: the price per kilogram of each category of goods, with noise.

Section 4.1 of the paper: "we add some Gaussian noise to the average price of each category of item". ``sql/unit_prices.sql``
computes the averages. What belongs here draws the noise.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

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


def unit_prices_of(declarations: pd.DataFrame, min_group: int, root: Root) -> pd.DataFrame:
    """The same of anonymized declarations at hand.

    Args:
        declarations: rows with ``hs10_code``, ``importer_id``, ``net_mass`` and ``item_price``.
        min_group: importers that an average must rest on.
        root: what the noise derives from.
    """
    columns = ["hs10_code", "importer_id", "net_mass", "item_price"]
    with duckdb.connect(":memory:") as connection:
        connection.register("declarations", pa.Table.from_pandas(declarations[columns], preserve_index=False))
        return noisy_prices(_averages(connection, min_group), root)


def average_prices(connection: duckdb.DuckDBPyConnection, declarations_path: str, min_group: int) -> pd.DataFrame:
    """The average price of every category of goods in a Parquet file of anonymized declarations.

    A category is a product code, the first 6, 4 or 2 digits of one, or all goods. It has an average where at least ``min_group``
    importers declared it.

    Returns:
        One row for each category, in order: ``category`` (empty for all goods), ``importers``, ``declarations``,
        ``average_price`` in KRW per kg. None where no declaration has a mass and a price.
    """
    connection.read_parquet(declarations_path).create_view("declarations", replace=True)
    return _averages(connection, min_group)


def _averages(connection: duckdb.DuckDBPyConnection, min_group: int) -> pd.DataFrame:
    """The averages of the view ``declarations``."""
    return connection.execute(read_sql("unit_prices.sql"), {"min_group": min_group}).df()


def noisy_prices(averages: pd.DataFrame, root: Root, noise_scale: float = NOISE_SCALE) -> pd.DataFrame:
    """Multiply each average of :func:`average_prices` by (1 + Gaussian noise).

    A corrected average gets another noise, so that two releases do not show the correction. The exact average does not leave this
    function.

    Returns:
        ``category``, ``importers``, ``declarations``, ``unit_price`` in KRW per kg, always positive.
    """
    noise = [
        derive_rng(root, "noise", str(name), float(price).hex()).standard_normal()
        for name, price in zip(averages["category"], averages["average_price"], strict=True)
    ]
    factor = 1.0 + np.clip(noise, -_NOISE_LIMIT, _NOISE_LIMIT) * noise_scale
    return averages.drop(columns="average_price").assign(unit_price=averages["average_price"] * factor)


def prices_of(codes: pd.Series, by_category: Mapping[str, float]) -> np.ndarray:
    """The unit price of each of n product codes: that of the longest category that it begins with.

    Args:
        codes: product codes of any number of digits.
        by_category: unit prices in KRW per kg by category, with that of all goods (the empty text) among them.
    """
    numbers, distinct = pd.factorize(codes)
    longest = (next(code[:end] for end in range(len(code), -1, -1) if code[:end] in by_category) for code in distinct)
    return np.array([by_category[category] for category in longest], dtype=float)[numbers]
