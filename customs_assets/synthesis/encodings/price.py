"""Item price as a residual around net mass x the noisy unit price of the product code.

Section 4.3 of the paper rebuilds the price as net mass x unit price, which leaves no trace of undervaluation. That form can
still be chosen (``unit_price``). Here item price = net mass x unit price x exp(residual), and the residual is a column of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.anonymization.unit_prices import prices_of
from customs_assets.disclosure.bands import Bands
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.seeds import Root
from customs_assets.synthesis.encodings.mass import rounded

PriceForm = Literal["residual", "unit_price"]


@dataclass(frozen=True)
class PriceEncoding:
    """Prices in KRW as ``price_given`` ("yes" or "no": some goods are declared at 0) and ``residual`` (natural log).

    A shipment of 0 kg is priced as one of 1 kg.

    Attributes:
        unit_prices: KRW per kg by category of goods (``anonymization.unit_prices``).
        bands: what residuals are drawn from.
        form: whether a decoded price carries the residual.
    """

    unit_prices: dict[str, float]
    bands: Bands
    form: PriceForm

    @classmethod
    def fit(
        cls,
        declarations: pd.DataFrame,
        unit_prices: pd.DataFrame,
        min_group: int,
        form: PriceForm = "residual",
        root: Root | None = None,
    ) -> PriceEncoding:
        """Learn from n declarations and the month's ``unit_prices``; the noise of the bands derives from ``root``.

        Raises:
            ValueError: no declaration of the month has a mass and a price, so that there is no unit price.
            TooFewImporters: prices follow from unit prices alone, and one rests on fewer than ``min_group`` importers.
        """
        by_category = dict(zip(unit_prices["category"], unit_prices["unit_price"].astype(float), strict=True))
        if "" not in by_category:
            raise ValueError("no declaration has a mass and a price, so there are no unit prices")
        if form == "unit_price" and (unit_prices["importers"] < min_group).any():
            raise TooFewImporters("the unit price of a product code rests on too few importers of the month")
        residuals = _residuals(declarations, by_category)
        bands = Bands.fit(residuals, declarations["importer_id"], min_group, root=root, logarithmic=False)
        return cls(by_category, bands, form)

    def encode(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """Frame of shape (n, 2): ``price_given`` and ``residual`` (0 where no price is given)."""
        given = np.where(declarations["item_price"] > 0, "yes", "no")
        return pd.DataFrame(
            {"price_given": given, "residual": _residuals(declarations, self.unit_prices)}, index=declarations.index
        )

    def decode(self, encoded: pd.DataFrame, declarations: pd.DataFrame) -> pd.Series:
        """Prices in KRW for rows with a ``net_mass`` and an ``hs10_code``."""
        residual = encoded["residual"].astype(float) if self.form == "residual" else 0.0
        price = _written(_base(declarations, self.unit_prices) * np.exp(residual))
        return price.where(encoded["price_given"] == "yes", 0.0)

    def of_unit_price(self, declarations: pd.DataFrame) -> pd.Series:
        """Prices in KRW from ``net_mass`` and ``unit_price`` (KRW per kg); NaN where the latter is."""
        return _written(_priced_mass(declarations) * declarations["unit_price"])

    def residual_of(self, declarations: pd.DataFrame) -> pd.Series:
        """The residuals that belong to ``unit_price`` (KRW per kg), NaN where that is."""
        ratio = declarations["unit_price"] / prices_of(declarations["hs10_code"], self.unit_prices)
        return pd.Series(np.log(ratio.to_numpy(dtype=float)), index=declarations.index)


def _residuals(declarations: pd.DataFrame, unit_prices: Mapping[str, float]) -> pd.Series:
    """The natural log of price over mass x unit price; 0 where no price is given."""
    base = _base(declarations, unit_prices)
    ratio = declarations["item_price"].where(declarations["item_price"] > 0, base) / base
    return pd.Series(np.log(ratio.to_numpy(dtype=float)), index=declarations.index)


def _base(declarations: pd.DataFrame, unit_prices: Mapping[str, float]) -> pd.Series:
    return _priced_mass(declarations) * prices_of(declarations["hs10_code"], unit_prices)


def _written(prices: pd.Series) -> pd.Series:
    """Prices as people write them; NaN stays."""
    return pd.Series(rounded(prices.to_numpy(dtype=float), "item_price"), index=prices.index)


def _priced_mass(declarations: pd.DataFrame) -> pd.Series:
    """Net mass in kg, 1 kg for a shipment of 0 kg."""
    return declarations["net_mass"].where(declarations["net_mass"] > 0, 1.0)
