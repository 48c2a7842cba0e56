"""The codec: declarations to the table a GAN can learn, a few hundred columns wide, and back.

What belongs here is which encoding each attribute has and in which order they are undone: the tariff tuple before the mass
and the mass before the price, which rests on both. Identities are not here: they never enter the model
(``identities.py``), the table only says whether a seller and a courier are named at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import FORM_CODES, TARIFF_TUPLE
from customs_assets.seeds import Root
from customs_assets.synthesis.encodings.calendar import CalendarEncoding
from customs_assets.synthesis.encodings.categorical import CategoricalEncoding
from customs_assets.synthesis.encodings.label import LabelEncoding
from customs_assets.synthesis.encodings.mass import MassEncoding
from customs_assets.synthesis.encodings.price import PriceEncoding, PriceForm
from customs_assets.synthesis.encodings.tariff import TariffEncoding

# Whether these optional identities are named on the form.
NAMED = ("seller_id", "courier_id")

CONTINUOUS = ("log_net_mass", "residual")


@dataclass(frozen=True)
class Codec:
    """The encodings of one month's declarations."""

    label: LabelEncoding
    calendar: CalendarEncoding
    codes: dict[str, CategoricalEncoding]
    tariff: TariffEncoding
    mass: MassEncoding
    price: PriceEncoding

    @classmethod
    def fit(
        cls,
        declarations: pd.DataFrame,
        unit_prices: pd.DataFrame,
        min_group: int,
        price: PriceForm = "residual",
        safe_masses: np.ndarray | None = None,
        root: Root | None = None,
    ) -> Codec:
        """Learn from one month.

        Args:
            declarations: frame of shape (n, 22), anonymized.
            unit_prices: the month's ``unit_prices``.
            min_group: importers that a code or number shown by itself must rest on.
            price: form of the item price.
            safe_masses: masses (kg) that may be shown as they are; those that ``min_group`` importers of this month declared
                where None.
            root: what the noise of the bands derives from; fresh noise that cannot be drawn again where None.

        Raises:
            ValueError: there are no rows, several months, inconsistent labels, or a product code without unit price.
        """
        if declarations.empty:
            raise ValueError("there are no inspected declarations to learn from")
        importers = declarations["importer_id"]
        return cls(
            LabelEncoding.fit(declarations),
            CalendarEncoding.fit(declarations["date"]),
            {code: CategoricalEncoding.fit(declarations[code], importers, min_group) for code in FORM_CODES},
            TariffEncoding.fit(declarations, min_group),
            MassEncoding.fit(declarations["net_mass"], importers, min_group, safe_masses, root),
            PriceEncoding.fit(declarations, unit_prices, min_group, price, root),
        )

    def encode(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """The model table, n rows: :data:`CONTINUOUS` as floats, everything else as text."""
        named = {f"{identity}_named": np.where(declarations[identity] != "", "yes", "no") for identity in NAMED}
        return pd.concat(
            [
                self.label.encode(declarations),
                self.calendar.encode(declarations["date"]),
                *(self.codes[code].encode(declarations[code]) for code in FORM_CODES),
                self.tariff.encode(declarations),
                pd.DataFrame(named, index=declarations.index),
                self.mass.encode(declarations["net_mass"]),
                self.price.encode(declarations),
            ],
            axis=1,
        )

    def discrete_columns(self, model_table: pd.DataFrame) -> list[str]:
        """The columns of a model table that are text."""
        return [column for column in model_table.columns if column not in CONTINUOUS]

    def decode(self, model_table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Declarations without key and identities, n rows: 17 attributes, and beside them what the stages that follow need:
        ``seller_id_named``, ``courier_id_named``, ``price_given``, ``residual``, ``unit_price`` (NaN) and ``whole`` (False).
        """
        core = pd.concat(
            [
                self.calendar.decode(model_table).rename("date"),
                *(self.codes[code].decode(model_table[code], rng) for code in FORM_CODES),
                self.tariff.decode(model_table, rng)[list(TARIFF_TUPLE)],
                self.mass.decode(model_table["log_net_mass"], rng).rename("net_mass"),
                self.label.decode(model_table["label"]),
                model_table[[*(f"{identity}_named" for identity in NAMED), "price_given", "residual"]],
            ],
            axis=1,
        )
        return self.price_rows(core.assign(unit_price=np.nan, whole=False))

    def core(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """The source's rows in the form that :meth:`decode` gives: what synthetic rows are polished against.

        Rows that were generalised bring their ``unit_price`` and ``whole`` with them (``safe_groups.Generalized``); of others
        nothing may be shown as it is.
        """
        if "whole" not in declarations:
            declarations = declarations.assign(unit_price=np.nan, whole=False)
        named = {f"{identity}_named": np.where(declarations[identity] != "", "yes", "no") for identity in NAMED}
        kept = declarations[["date", *FORM_CODES, *TARIFF_TUPLE, "net_mass", "fraud", "critical_fraud"]]
        price = self.price.encode(declarations)
        beside = declarations[["unit_price", "whole", "item_price"]]
        return pd.concat([kept, pd.DataFrame(named, index=declarations.index), price, beside], axis=1)

    def price_rows(self, core: pd.DataFrame) -> pd.DataFrame:
        """The same rows with ``item_price`` made from mass, product code and residual, or from mass and ``unit_price``.

        Where a price per kilogram may be shown as it is, the residual is what that price makes it.
        """
        known = core["unit_price"].notna().to_numpy() & (self.price.form == "residual")
        residual = np.where(known, self.price.residual_of(core), core["residual"].to_numpy(dtype=float))
        price = self.price.decode(core[["price_given"]].assign(residual=residual), core)
        return core.assign(
            residual=residual,
            price_given=np.where(known, "yes", core["price_given"].to_numpy(dtype=object)),
            item_price=np.where(known, self.price.of_unit_price(core), price),
        )
