"""Item price as a residual around net mass x the noisy unit price of the product code.

Section 4.3 of the paper rebuilds the price as net mass x unit price, which leaves undervaluation no trace; that form stays
selectable (``unit_price``). Here the log of what remains is a column of its own:
item price = net mass x unit price x exp(residual).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.synthesis.encodings.bands import Bands

PriceForm = Literal["residual", "unit_price"]


@dataclass(frozen=True)
class PriceEncoding:
    """Prices in KRW as ``price_given`` ("yes" or "no": some goods are declared at 0) and ``residual`` (natural log).

    A shipment of 0 kg is priced as one of 1 kg.

    Attributes:
        unit_prices: KRW per kg by product code.
        bands: what of the residuals may be shown as it is.
        lowest: lowest price of the month, KRW.
        highest: highest price of the month, KRW.
        form: whether a decoded price carries the residual.
    """

    unit_prices: dict[str, float]
    bands: Bands
    lowest: float
    highest: float
    form: PriceForm

    @classmethod
    def fit(
        cls, declarations: pd.DataFrame, unit_prices: pd.DataFrame, min_group: int, form: PriceForm = "residual"
    ) -> PriceEncoding:
        """Learn from n declarations and the month's ``unit_prices``.

        Raises:
            ValueError: a product code has no unit price.
        """
        by_code = dict(zip(unit_prices["hs10_code"], unit_prices["unit_price"].astype(float), strict=True))
        if missing := sorted(set(declarations["hs10_code"]) - set(by_code)):
            raise ValueError(f"{len(missing)} product codes have no unit price, the first of them {missing[0]}")
        price = declarations["item_price"]
        unfitted = cls(by_code, Bands(*(np.empty(0),) * 3), float(price.min()), float(price.max()), form)
        residuals = unfitted.encode(declarations)["residual"]
        bands = Bands.fit(residuals, declarations["importer_id"], min_group)
        return cls(by_code, bands, unfitted.lowest, unfitted.highest, form)

    def encode(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """Frame of shape (n, 2): ``price_given`` and ``residual`` (0 where no price is given)."""
        given = declarations["item_price"] > 0
        base = self._base(declarations)
        residual = np.log(declarations["item_price"].where(given, base) / base)
        return pd.DataFrame(
            {"price_given": np.where(given, "yes", "no"), "residual": residual}, index=declarations.index
        )

    def decode(self, encoded: pd.DataFrame, declarations: pd.DataFrame) -> pd.Series:
        """Prices in KRW for rows whose ``net_mass`` and ``hs10_code`` are known, inside the month's range."""
        residual = encoded["residual"].astype(float) if self.form == "residual" else 0.0
        price = (self._base(declarations) * np.exp(residual)).round(1).clip(self.lowest, self.highest)
        return price.where(encoded["price_given"] == "yes", 0.0)

    def of_unit_price(self, declarations: pd.DataFrame) -> pd.Series:
        """Prices in KRW of rows whose ``net_mass`` and ``unit_price`` (KRW per kg) are known; NaN where the latter is not."""
        return (_priced_mass(declarations) * declarations["unit_price"]).round(2).clip(self.lowest, self.highest)

    def residual_of(self, declarations: pd.DataFrame) -> pd.Series:
        """The residuals that belong to ``unit_price`` (KRW per kg), NaN where that is."""
        ratio = declarations["unit_price"] / declarations["hs10_code"].map(self.unit_prices)
        return pd.Series(np.log(ratio.to_numpy(dtype=float)), index=declarations.index)

    def _base(self, declarations: pd.DataFrame) -> pd.Series:
        return _priced_mass(declarations) * declarations["hs10_code"].map(self.unit_prices)


def _priced_mass(declarations: pd.DataFrame) -> pd.Series:
    """Net mass in kg, 1 kg for a shipment of 0 kg."""
    return declarations["net_mass"].where(declarations["net_mass"] > 0, 1.0)
