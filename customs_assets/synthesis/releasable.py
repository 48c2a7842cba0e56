"""A month's declarations as they may be shown: what synthetic rows are made like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.anonymization.unit_prices import prices_of, unit_prices_of
from customs_assets.disclosure.bands import Bands
from customs_assets.disclosure.parts import FOLD
from customs_assets.disclosure.safe_groups import Generalized, SafeGroups, written_unit_prices
from customs_assets.seeds import Root, derive_rng, derive_root
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.encodings.price import PriceForm


@dataclass(frozen=True)
class ReleasableMonth:
    """A month's declarations as they may be shown.

    Attributes:
        generalized: the declarations with tuples and codes that may be shown.
        declarations: the same n rows at the prices of their new product codes.
        codec: fitted to them.
        model_rows: them as model rows, with their fold (``disclosure.parts.FOLD``).
    """

    generalized: Generalized
    declarations: pd.DataFrame
    codec: Codec
    model_rows: pd.DataFrame


@dataclass(frozen=True)
class Disclosed:
    """What may be shown of all months.

    Attributes:
        safe: what may be shown as declared.
        tuples: the tariff tuple that is shown for each declaration (:func:`disclosure.parts.disclosed_tuples`).
    """

    safe: SafeGroups
    tuples: pd.DataFrame


def generalized_month(declarations: pd.DataFrame, disclosed: Disclosed, *, month: str, root: Root) -> Generalized:
    """A month's declarations as they may be shown, the same wherever they are asked for.

    Raises:
        TooFewImporters: no code of a column may be shown.
    """
    rng = derive_rng(root, "generalized_declarations", month)
    return disclosed.safe.generalize(declarations, disclosed.tuples, rng)


def releasable_month(
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    disclosed: Disclosed,
    *,
    month: str,
    min_group: int,
    root: Root,
    price: PriceForm = "residual",
) -> ReleasableMonth:
    """A month's declarations as they may be shown, with all that rows are made like them by.

    Raises:
        TooFewImporters: no code of a column may be shown.
    """
    generalized = generalized_month(declarations, disclosed, month=month, root=root)
    if generalized.masses_withheld:
        # Else the price of a product would tell the masses that are withheld.
        own = derive_root(root, "unit prices of shown masses", month)
        unit_prices = unit_prices_of(generalized.declarations, min_group, own)
    rows = _with_prices_of_new_codes(generalized.declarations, declarations, unit_prices)
    codec = Codec.fit(
        rows, unit_prices, min_group, price, safe_masses=disclosed.safe.masses, root=derive_root(root, "codec", month)
    )
    model_rows = codec.model_rows(rows)
    # A mass that is safe over all months may be this month's least or largest. Then it is not shown as declared.
    model_rows["safe_as_declared"] &= np.isin(model_rows["net_mass"], codec.mass.bands.heaps)
    # What is safe over all months may be one importer's in this month, and tell of it: that all of its goods were found to be
    # frauds, and what it paid for them.
    few = _is_of_few(model_rows, rows["importer_id"], min_group)
    model_rows["safe_as_declared"] &= ~(few & _is_all_fraud(model_rows))
    few &= model_rows["unit_price"].notna().to_numpy()
    codes = model_rows.loc[few, "hs10_code"].str[:6].to_numpy(dtype=object)
    model_rows.loc[few, "unit_price"] = disclosed.safe.draw_unit_prices(
        codes, derive_rng(root, "unit prices of few", month)
    )
    extreme = _has_extreme_unit_price(model_rows, rows["importer_id"], min_group, root)
    model_rows.loc[extreme, "unit_price"] = np.nan
    fold = disclosed.tuples.set_index("declaration_id")[FOLD]
    model_rows[FOLD] = fold.loc[declarations["declaration_id"]].to_numpy()
    return ReleasableMonth(generalized, rows, codec, codec.with_prices(model_rows))


def _is_of_few(model_rows: pd.DataFrame, importers: pd.Series, min_group: int) -> np.ndarray:
    """Which of a month's n rows have a product that fewer importers have in this month, as booleans."""
    owner = pd.Series(pd.factorize(importers)[0], index=model_rows.index)
    return (owner.groupby(model_rows["hs10_code"].str[:6]).transform("nunique") < min_group).to_numpy()


def _is_all_fraud(model_rows: pd.DataFrame) -> np.ndarray:
    """Which of a month's n rows have a product of which all that was inspected in this month was fraud, as booleans."""
    return (model_rows["fraud"].groupby(model_rows["hs10_code"].str[:6]).transform("min") > 0).to_numpy()


def _has_extreme_unit_price(model_rows: pd.DataFrame, importers: pd.Series, min_group: int, root: Root) -> np.ndarray:
    """Which of a month's n rows have a safe unit price that may be the month's least or largest, as booleans.

    It is safe over all months. In the tails of this month, only what ``min_group`` of its own importers wrote is safe.
    """
    written, priced = written_unit_prices(model_rows)
    numbers = pd.Series(written[priced].astype(float))
    owners = importers[priced].reset_index(drop=True)
    bands = Bands.fit(numbers, owners, min_group, root=derive_root(root, "unit price bands"))
    safe = model_rows["unit_price"].to_numpy(dtype=float)
    return ~np.isnan(safe) & bands.in_tails(safe)


def _with_prices_of_new_codes(
    generalized: pd.DataFrame, declarations: pd.DataFrame, unit_prices: pd.DataFrame
) -> pd.DataFrame:
    """The generalized rows at the prices of their new product codes: as far above or below them as the old ones were.

    If the price stayed while the code changed, it would look like undervaluation, or the opposite.
    """
    by_category = dict(zip(unit_prices["category"], unit_prices["unit_price"], strict=True))
    # By six digits, as in a release: a domestic subdivision that was cut off is no other good.
    old, new = (prices_of(rows["hs10_code"].str[:6], by_category) for rows in (declarations, generalized))
    price = generalized["item_price"] * np.where(old == new, 1.0, new / old)
    return generalized.assign(item_price=np.where(old == new, generalized["item_price"], price.round(2)))
