"""Polish: sweeps that redraw every attribute of a draft given all the others, from many donors.

The GAN drafts the structure of a month. What it gets wrong shows in every pair of columns. In a sweep each attribute in turn is
redrawn from the source rows that are like the synthetic one in everything else (``donors``). Tariff tuple, mass and label, the
*goods*, come from one donor. They stay together where at least ``k`` importers declared just that (``disclosure.safe_groups``).
Elsewhere mass and label are drawn again, each from a donor of its own. No row is copied, since each attribute has another
donor.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.declaration import FORM_CODES, STAND_INS, TARIFF_TUPLE
from customs_assets.disclosure.bands import Bands
from customs_assets.disclosure.parts import FOLD
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.synthesis.codec import CODES, FLAGS, Codec
from customs_assets.synthesis.donors import DonorTree
from customs_assets.synthesis.encodings.mass import rounded
from customs_assets.synthesis.encodings.tariff import rate_bands
from customs_assets.synthesis.row_features import by_frequency, row_features

# Rows in a leaf, as a multiple of k: k = 5 gives at least 20 donors to every value.
DONORS_PER_GROUP = 4

# Goods tie a complete tuple to the rest of the row, by which a trader could be recognised, so more donors stand behind them.
GOODS_DONORS_PER_GROUP = 40

# The columns that one donor gives together: what is declared of the goods, and what of it may be shown as declared.
# With them comes the fold of the donor.
GOODS: tuple[str, ...] = (*TARIFF_TUPLE, "net_mass", "fraud", "critical_fraud", "unit_price", "safe_as_declared", FOLD)

MASS, PRICE, LABEL = ("net_mass",), ("price_given", "residual"), ("fraud", "critical_fraud")

# What is redrawn together, in this order: the goods before what depends on them, the label last. The courier depends on the
# mode of transport, so one donor gives both.
_UNITS: tuple[tuple[str, ...], ...] = (
    GOODS,
    MASS,
    PRICE,
    ("mode_of_transport", "courier_id_named"),
    ("seller_id_named",),
    ("office_id",),
    ("import_type",),
    ("import_use",),
    ("payment_type",),
    ("process_type",),
    ("country_of_origin_indicator",),
    ("date",),
    LABEL,
)
# Of what the form has not, nothing is redrawn: it is the same in every row.
_GIVEN = {name for unit in _UNITS for name in unit} - {
    *(name for name, value in STAND_INS.items() if value == ""),
    *(f"{name}_named" for name in STAND_INS),
}
UNITS = tuple(unit for given in _UNITS if (unit := tuple(name for name in given if name in _GIVEN)))

_RANKED = (*FORM_CODES, *(code for code in CODES if code not in FORM_CODES))
_FEATURES = (*_RANKED, *FLAGS, *("hs10_code", "chapter", "tax_rate", "net_mass", "residual", "day", "weekday", "label"))

# The features that stand for a column, where they have another name. The price is drawn after the goods, so it predicts none of
# them.
_FEATURES_OF = {
    "date": {"day", "weekday"},
    "fraud": {"label"},
    "critical_fraud": {"label"},
    "hs10_code": {"hs10_code", "chapter"},
    "unit_price": {"residual", "price_given"},
    "safe_as_declared": set[str](),
    FOLD: set[str](),
}

# How finely the tree of the goods tells masses apart.
_MASS_CLASSES = 10


class Polish:
    """The donors of one month, ready for any number of sweeps.

    Args:
        source: n model rows as they may be shown.
        importers: n integers, who stands behind each source row.
        codec: the month's codec.
        min_group: importers that each draw must rest on.
        root: what trees and draws derive from.
    """

    def __init__(
        self, source: pd.DataFrame, importers: np.ndarray, codec: Codec, *, min_group: int, root: Root
    ) -> None:
        self._source = source.reset_index(drop=True)
        self._importers = importers
        self._min_group = min_group
        self._codec = codec
        self._root = root
        self._levels = {column: by_frequency(source[column]) for column in _RANKED}
        features = row_features(self._source, self._levels)
        self._trees = {
            unit: DonorTree.fit(
                _predictors(unit, features),
                _target(unit, self._source, features),
                importers,
                min_group=min_group,
                min_leaf=(GOODS_DONORS_PER_GROUP if unit == GOODS else DONORS_PER_GROUP) * min_group,
                seed=derive_seed(root, "tree", purpose=unit[0]),
            )
            for unit in UNITS
        }

    def features(self, model_rows: pd.DataFrame) -> np.ndarray:
        """Matrix of shape (m, features) of any model rows."""
        features = row_features(model_rows, self._levels)
        return np.column_stack([features[name] for name in _FEATURES])

    def sweep(self, draft: pd.DataFrame, number: int = 0) -> pd.DataFrame:
        """Redraw every attribute of m drafted model rows once. Sweeps of another number have other draws."""
        rows = draft.copy()
        for unit in UNITS:
            rng = derive_rng(self._root, "sweep", str(number), unit[0])
            donors = self._trees[unit].draw(_predictors(unit, row_features(rows, self._levels)), rng)
            free = ~_given_by_goods(unit, rows)
            for column in unit:
                rows.loc[free, column] = self._releasable(column, donors[free], rng)
            if unit == GOODS:
                rows = self._codec.with_prices(rows)
        return self._codec.with_prices(rows)

    def _releasable(self, column: str, donors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The donors' values as they may be shown."""
        values = self._source[column].to_numpy()[donors]
        if column == "net_mass":
            safe_as_declared = self._source["safe_as_declared"].to_numpy()[donors]
            return np.where(safe_as_declared, values, self._codec.mass.blur(values.astype(float), rng))
        if column == "residual":
            return self._codec.price.bands.blur(values.astype(float), rng)
        return values

    def at_source_quantiles(self, model_rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with masses and prices moved onto the source's quantiles, and with the residuals that belong to these.

        Each mass was drawn well, and yet a few sweeps shift their distribution. A price is the product of a mass, a unit price
        and a residual, and nothing makes products fall where the source's do. Goods that are safe as declared keep their mass.
        A price of 0 stays, and so does a price that follows from a ``unit_price``, but in the tails.
        """
        rows, source = model_rows, self._source
        movable, moved_onto = (
            ~table["safe_as_declared"].to_numpy(dtype=bool) & (table["net_mass"] > 0).to_numpy()
            for table in (rows, source)
        )
        masses = self._moved(rows, "net_mass", movable, moved_onto, self._codec.mass.bands)
        rows = self._codec.with_prices(rows.assign(net_mass=masses))
        if self._codec.price.form != "residual":
            return rows
        # A price that follows from a safe unit price may still be the month's least or largest.
        all_prices = self._price_bands((source["item_price"] > 0).to_numpy())
        movable, moved_onto = (
            (table["unit_price"].isna() | all_prices.in_tails(table["item_price"].to_numpy(dtype=float))).to_numpy()
            & (table["item_price"] > 0).to_numpy()
            for table in (rows, source)
        )
        prices = self._moved(rows, "item_price", movable, moved_onto, self._price_bands(moved_onto))
        rows = rows.assign(item_price=prices)
        return rows.assign(residual=np.where(movable, self._codec.price.encode(rows)["residual"], rows["residual"]))

    def _price_bands(self, chosen: np.ndarray) -> Bands:
        """The bands of some source rows' prices."""
        prices, importers = self._source["item_price"][chosen], pd.Series(self._importers[chosen])
        return Bands.fit(prices, importers, self._min_group, root=self._root)

    def _moved(
        self, rows: pd.DataFrame, column: str, movable: np.ndarray, moved_onto: np.ndarray, bands: Bands
    ) -> np.ndarray:
        """A column of the rows, with the movable ones at the quantiles of some source rows."""
        values = rows[column].to_numpy(dtype=float, copy=True)
        if movable.any() and moved_onto.any():
            target = self._source[column].to_numpy(dtype=float)[moved_onto]
            root = derive_root(self._root, "mapped", purpose=column)
            moved = bands.at_quantiles(values[movable], target, root)
            values[movable] = np.where(np.isin(moved, bands.heaps), moved, rounded(moved, column))
        return values

    def critical_frauds(self, frauds: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """For each of m model rows that are frauds, whether an ordinary (1) or a critical one (2), from donors that are frauds.

        Without a fraud in the source, all are ordinary.
        """
        donors = np.flatnonzero(self._source["fraud"].to_numpy() == 1)
        if not len(donors) or not len(frauds):
            return np.ones(len(frauds), dtype="int8")
        labels = self._source["critical_fraud"].to_numpy()[donors]
        tree = DonorTree.fit(
            _predictors(LABEL, row_features(self._source.iloc[donors], self._levels)),
            labels.astype(int),
            self._importers[donors],
            min_group=self._min_group,
            min_leaf=DONORS_PER_GROUP * self._min_group,
            seed=derive_seed(self._root, "tree", purpose="critical fraud"),
        )
        return labels[tree.draw(_predictors(LABEL, row_features(frauds, self._levels)), rng)].astype("int8")


def _predictors(unit: tuple[str, ...], features: dict[str, np.ndarray]) -> np.ndarray:
    """What the tree of a unit is grown on: all features but its own.

    Mass and price depend on the product. All else sees its chapter only: how a code's few traders ship and declare it is theirs.
    """
    own = set().union(*(_FEATURES_OF.get(column, {column}) for column in unit))
    own |= set() if unit in (MASS, PRICE) else {"hs10_code"}
    return np.column_stack([features[name] for name in _FEATURES if name not in own])


def _given_by_goods(unit: tuple[str, ...], rows: pd.DataFrame) -> np.ndarray:
    """Which rows have a unit's columns from the donor of their goods."""
    if unit in (MASS, LABEL):
        return rows["safe_as_declared"].to_numpy(dtype=bool)
    if unit == PRICE:
        return rows["unit_price"].notna().to_numpy()
    return np.zeros(len(rows), dtype=bool)


def _target(unit: tuple[str, ...], source: pd.DataFrame, features: dict[str, np.ndarray]) -> np.ndarray:
    """What the tree of a unit predicts: the parts of the goods, the class of a code, the number itself."""
    if unit == GOODS:
        parts = source[["country_of_departure", "country_of_origin", "tax_type"]].assign(
            chapter=source["hs10_code"].str[:2], rate_band=rate_bands(source["tax_rate"])
        )
        edges = np.quantile(features["net_mass"], np.linspace(0, 1, _MASS_CLASSES + 1)[1:-1])
        mass, label = np.searchsorted(edges, features["net_mass"]), features["label"].astype(int)
        return np.column_stack([*(pd.factorize(parts[part])[0] for part in parts.columns), mass, label])
    if unit == MASS:
        return features["net_mass"]
    if unit == PRICE:
        return np.column_stack([features["residual"], features["price_given"]])
    if unit == LABEL:
        return features["label"].astype(int)
    return source.groupby(list(unit), sort=False).ngroup().to_numpy()
