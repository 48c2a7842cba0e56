"""The codec: declarations to the table that a GAN learns, a few hundred categories wide, and back.

Which encoding each attribute has, and in which order they are undone, belongs here: the tariff tuple before the mass and the mass
before the price, which needs both. Identities never enter the model. The table only says whether a seller and a courier are
named.

Between draft and release a declaration is a *model row*: its attributes without key and identities, and beside them
``seller_id_named``, ``courier_id_named``, ``price_given`` (each "yes" or "no"), ``residual``, ``unit_price`` (the price in KRW
per kg where it may be shown as declared, else NaN) and ``safe_as_declared`` (whether tuple, mass and label may be).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import ATTRIBUTES, FORM_CODES, IDENTITIES, STAND_INS, TARIFF_TUPLE, Kind
from customs_assets.seeds import Root
from customs_assets.synthesis.encodings.calendar import CalendarEncoding
from customs_assets.synthesis.encodings.categorical import CategoricalEncoding
from customs_assets.synthesis.encodings.label import LabelEncoding
from customs_assets.synthesis.encodings.mass import MassEncoding
from customs_assets.synthesis.encodings.price import PriceEncoding, PriceForm
from customs_assets.synthesis.encodings.tariff import TariffEncoding

OPTIONAL_IDENTITIES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.optional)

# The columns of a model row that hold codes, but for the product code, and those that say yes or no.
CODES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.CODE and a.name != "hs10_code")
# What model rows hold for what the form has not: no code, and nobody named.
_ABSENT = {name: "" for name, value in STAND_INS.items() if value == "" and name not in IDENTITIES} | {
    f"{name}_named": "no" for name in STAND_INS if name in IDENTITIES
}
FLAGS: tuple[str, ...] = (*(f"{identity}_named" for identity in OPTIONAL_IDENTITIES), "price_given")

# The columns of the model table that hold numbers. All others hold text.
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
            safe_masses: masses (kg) that may be shown as they are; None means those that ``min_group`` importers of this month
                declared.
            root: what the noise of the bands derives from; None is fresh noise that nobody can draw again.

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
        return pd.concat(
            [
                self.label.encode(declarations),
                self.calendar.encode(declarations["date"]),
                *(self.codes[code].encode(declarations[code]) for code in FORM_CODES),
                self.tariff.encode(declarations),
                _named(declarations),
                self.mass.encode(declarations["net_mass"]),
                self.price.encode(declarations),
            ],
            axis=1,
        )

    def discrete_columns(self, model_table: pd.DataFrame) -> list[str]:
        """The columns of a model table that hold text."""
        return [column for column in model_table.columns if column not in CONTINUOUS]

    def decode(self, model_table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Model rows from a model table. Nothing of them is shown as declared."""
        rows = pd.concat(
            [
                self.calendar.decode(model_table).rename("date"),
                *(self.codes[code].decode(model_table[code], rng) for code in FORM_CODES),
                self.tariff.decode(model_table, rng)[list(TARIFF_TUPLE)],
                self.mass.decode(model_table["log_net_mass"], rng).rename("net_mass"),
                self.label.decode(model_table["label"]),
                model_table[[*FLAGS, "residual"]],
            ],
            axis=1,
        )
        return self.with_prices(rows.assign(unit_price=np.nan, safe_as_declared=False, **_ABSENT))

    def model_rows(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """The source's rows as model rows, which synthetic rows are compared with and drawn from.

        Generalized rows bring their ``unit_price`` and ``safe_as_declared``. Of other rows nothing may be shown as declared.
        """
        if "safe_as_declared" not in declarations:
            declarations = declarations.assign(unit_price=np.nan, safe_as_declared=False)
        kept = declarations[["date", *FORM_CODES, *TARIFF_TUPLE, "net_mass", "fraud", "critical_fraud"]]
        beside = declarations[["unit_price", "safe_as_declared", "item_price"]]
        return pd.concat([kept, _named(declarations), self.price.encode(declarations), beside], axis=1).assign(
            **_ABSENT
        )

    def with_prices(self, model_rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with ``item_price`` made anew: from mass, product code and residual, or from mass and ``unit_price``.

        Where a price per kilogram may be shown as declared, the residual is the one that belongs to it.
        """
        priced = model_rows["unit_price"].notna().to_numpy() & (self.price.form == "residual")
        residual = np.where(priced, self.price.residual_of(model_rows), model_rows["residual"].to_numpy(dtype=float))
        price = self.price.decode(model_rows[["price_given"]].assign(residual=residual), model_rows)
        return model_rows.assign(
            residual=residual,
            price_given=np.where(priced, "yes", model_rows["price_given"].to_numpy(dtype=object)),
            item_price=np.where(priced, self.price.of_unit_price(model_rows), price),
        )


def _named(declarations: pd.DataFrame) -> pd.DataFrame:
    """Whether each optional identity is named on the form."""
    named = {f"{who}_named": np.where(declarations[who] != "", "yes", "no") for who in OPTIONAL_IDENTITIES}
    return pd.DataFrame(named, index=declarations.index)
