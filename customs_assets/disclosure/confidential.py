"""Confidential trade: what is withheld of a product from a partner country because a trader asked for it.

Two things can be withheld of a *pair*, a product code and a country of origin:

- The *partner*. Then no declaration keeps that origin with that product. Its origin is drawn from other goods of the chapter
  (``parts.py``).
- The *quantity*. Item prices stay, for the value is published. Where the quantity *by country* is withheld, all declarations of
  the product, whatever their origin, exchange their prices per kilogram, and the product keeps its total mass. Where *all*
  quantity is withheld, each declaration of the pair gets the price per kilogram of another product nearby, from one of at least
  ``k`` importers.

A product that comes from one country alone, or nearly so, has no quantity by country that its total would not tell. There all
quantity is withheld.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.disclosure.levels import CODE, LEVELS, with_levels
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.register import GRADES, ROLE
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.seeds import Root, derive_rng

ASSET = "confidential_trade"
ORIGIN = "country_of_origin"

# What is withheld of the quantity, from the least on.
QUANTITIES = ("", "by country", "all")

# By grade: whether the partner is withheld, and what of the quantity.
_WITHHELD = dict(zip(GRADES, ((False, "by country"), (False, "all"), (True, "all"), (True, "")), strict=True))

_ROUNDED_TO = 10

# kg, as the form writes masses.
_LEAST_MASS = 0.001


def confidential_pairs(register: pd.DataFrame, population: Population) -> tuple[pd.DataFrame, list[int]]:
    """The pairs of trade that a register is about.

    Args:
        register: what :func:`register.read_register` read.
        population: what each importer declared.

    Returns:
        ``hs6_code``, ``country_of_origin``, ``partner`` (whether the partner is withheld) and ``quantity`` (one of
        :data:`QUANTITIES`), one row for each pair that was declared and that a row is about, sorted; and the numbers of the rows
        that are about no declared trade.
    """
    cells, has = population.contributions([CODE, ORIGIN])
    importer = population.importers[has["importer"].to_numpy()]
    cell = has["cell"].to_numpy()
    found: list[pd.DataFrame] = []
    rows_with_trade: set[int] = set()
    columns = (register[name].tolist() for name in ("row", "hs_code", ORIGIN, ROLE, "grade"))
    for row, code, origin, party, grade in zip(*columns, strict=True):
        matches = cells[CODE].str.startswith(code).to_numpy(dtype=bool)
        if origin:
            matches &= (cells[ORIGIN] == origin).to_numpy()
        if party:
            of_party = np.zeros(len(cells), dtype=bool)
            of_party[cell[importer == party]] = True
            matches &= of_party
        if matches.any():
            partner, quantity = _WITHHELD[grade]
            own = cells.loc[matches, [CODE, ORIGIN]]
            found.append(own.assign(partner=partner, quantity=QUANTITIES.index(quantity)))
            rows_with_trade.add(row)
    if not found:
        return no_pairs(), sorted(set(register["row"]))
    pairs = pd.concat(found).groupby([CODE, ORIGIN], as_index=False, sort=True).max()
    withheld = np.array(QUANTITIES, dtype=object)[pairs["quantity"].astype(int)]
    pairs = pairs.assign(partner=pairs["partner"].astype(bool), quantity=withheld)
    return pairs, sorted(set(register["row"]) - rows_with_trade)


def no_pairs() -> pd.DataFrame:
    """The pairs of an administration without requests."""
    return pd.DataFrame({CODE: [], ORIGIN: [], "partner": [], "quantity": []}, dtype=object).astype({"partner": bool})


def rounded_up(pairs: int) -> int:
    """How many pairs are told to be confidential, so rounded that one request more or less is rarely seen."""
    return -(-pairs // _ROUNDED_TO) * _ROUNDED_TO


def withheld_of(codes: pd.Series, origins: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """What is withheld of each of n declarations: ``partner`` (booleans) and ``quantity`` (of :data:`QUANTITIES`).

    Args:
        codes: product codes of six digits.
        origins: countries of origin.
        pairs: of :func:`confidential_pairs`.
    """
    rows = pd.DataFrame({CODE: codes.to_numpy(dtype=object), ORIGIN: origins.to_numpy(dtype=object)})
    own = rows.merge(pairs, how="left", on=[CODE, ORIGIN], validate="many_to_one")
    return pd.DataFrame({"partner": own["partner"].eq(True), "quantity": own["quantity"].fillna("")})


def shown_masses(
    declarations: pd.DataFrame, pairs: pd.DataFrame, *, min_group: int, dominance_one: float, root: Root
) -> np.ndarray:
    """The net mass that each of n declarations is shown with.

    Args:
        declarations: anonymized rows of all months.
        pairs: of :func:`confidential_pairs`.
        min_group: ``k``.
        dominance_one: the share of a product's mass from which one origin tells it.
        root: what draws derive from.

    Returns:
        Masses in kg of shape (n,); NaN where the declared one may be shown.

    Raises:
        TooFewImporters: too little trade is left whose prices per kilogram may be shown.
    """
    masses = np.full(len(declarations), np.nan)
    if not len(pairs):
        return masses
    goods = with_levels(pd.DataFrame({CODE: declarations["hs10_code"].str[:6].to_numpy(dtype=object)}))
    origins = declarations[ORIGIN].reset_index(drop=True)
    mass, price = (declarations[name].to_numpy(dtype=float) for name in ("net_mass", "item_price"))
    has_mass = mass > 0
    weighed = has_mass & (price > 0)
    withheld = withheld_of(goods[CODE], origins, pairs)["quantity"].to_numpy(dtype=object)
    exchanged = np.zeros(len(mass), dtype=bool)
    importers = declarations[ROLE].to_numpy(dtype=object)
    rng = derive_rng(root, ASSET, purpose="quantity by country")
    for code in np.unique(goods[CODE][withheld == "by country"].astype(str)):
        of_product = (goods[CODE] == code).to_numpy()
        withheld[of_product & ~weighed & (withheld == "by country")] = "all"
        rows = np.flatnonzero(of_product & weighed & (withheld != "all"))
        by_origin = pd.Series(mass[rows]).groupby(origins.to_numpy()[rows]).sum()
        if len(set(importers[rows])) < min_group or by_origin.max() >= dominance_one * by_origin.sum():
            withheld[of_product & (withheld == "by country")] = "all"
            continue
        unit_price = (price[rows] / mass[rows])[rng.permutation(len(rows))]
        drawn = price[rows] / unit_price
        masses[rows] = drawn * (mass[rows].sum() / drawn.sum())
        exchanged[rows] = True
    rng = derive_rng(root, ASSET, purpose="all quantity")
    donors = weighed & (withheld == "") & ~exchanged
    open_rows = np.flatnonzero((withheld == "all") & has_mass)
    for code, rows in goods.iloc[open_rows].groupby(CODE, sort=True).groups.items():
        nearby = _nearby(goods, str(code), donors, importers, min_group)
        given = nearby[_drawn(importers[nearby], len(rows), rng)]
        # Goods without a price have the mass of the others.
        masses[rows] = np.where(price[rows] > 0, price[rows] * mass[given] / price[given], mass[given])
    return np.maximum(masses.round(3), _LEAST_MASS)


def _nearby(goods: pd.DataFrame, code: str, donors: np.ndarray, importers: np.ndarray, min_group: int) -> np.ndarray:
    """The rows of other products, of at least ``k`` importers, in the smallest part of the goods around a product.

    Raises:
        TooFewImporters: there are none.
    """
    place = goods.loc[goods[CODE] == code].iloc[0]
    for level in LEVELS[1:]:
        rows = np.flatnonzero(donors & (goods[level] == place[level]).to_numpy() & (goods[CODE] != code).to_numpy())
        if len(set(importers[rows])) >= min_group:
            return rows
    raise TooFewImporters(
        "so much trade is confidential (CUSTOMS_CONFIDENTIAL) that too few importers are left whose prices per kilogram may "
        "stand for others"
    )


def _drawn(owners: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Places of random rows. Each of their owners is equally likely, so nobody dominates."""
    owner = np.unique(owners.astype(str), return_inverse=True)[1]
    order = np.argsort(owner, kind="stable")
    begin = np.searchsorted(owner[order], np.arange(int(owner.max()) + 2))
    chosen = rng.integers(len(begin) - 1, size=size)
    place = begin[chosen] + (rng.random(size) * (begin[chosen + 1] - begin[chosen])).astype(int)
    return order[place]
