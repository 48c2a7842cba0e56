"""Polish: conditional sweeps that redraw every attribute of a draft given all the others, from many donors.

The GAN drafts the structure of a month; what it gets wrong shows in every pair of columns. In a sweep each attribute in turn
is redrawn from the source rows that are like the synthetic one in everything else (``donors.py``). The goods are one thing:
tariff tuple, mass and label come from one donor and are kept together where at least ``k`` importers declared just that
(``safe_groups.py``); elsewhere mass and label are drawn again, each from a donor of its own. No row is copied: each attribute has
another donor. Identities are drawn afterwards (``identities.py``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.declaration import FORM_CODES, TARIFF_TUPLE
from customs_assets.disclosure.bands import Bands
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.synthesis.codec import NAMED, Codec
from customs_assets.synthesis.donors import DonorTree
from customs_assets.synthesis.encodings.categorical import by_frequency
from customs_assets.synthesis.encodings.mass import rounded
from customs_assets.synthesis.encodings.tariff import rate_bands

# Rows in a leaf, for each importer that the k rule asks for: k = 5 gives at least 20 donors to every value.
DONORS_PER_GROUP = 4

# Goods bind a whole tuple to the rest of the row, which is how a trader would be recognised: more stand behind them.
GOODS_DONORS_PER_GROUP = 40

# The columns that one donor gives together: what is declared of the goods, and what may be shown of it as it is.
GOODS: tuple[str, ...] = (*TARIFF_TUPLE, "net_mass", "fraud", "critical_fraud", "unit_price", "whole")

# What is redrawn, in this order: the goods before what depends on them, the label when all its reasons are in place. Who carries
# a parcel hangs on how it travels, so one donor gives both.
UNITS: tuple[tuple[str, ...], ...] = (
    GOODS,
    ("net_mass",),
    ("price_given", "residual"),
    ("mode_of_transport", "courier_id_named"),
    ("seller_id_named",),
    ("office_id",),
    ("import_type",),
    ("import_use",),
    ("payment_type",),
    ("process_type",),
    ("country_of_origin_indicator",),
    ("date",),
    ("fraud", "critical_fraud"),
)

_RANKED = (*FORM_CODES, "country_of_departure", "country_of_origin", "tax_type")
_FLAGS = (*(f"{identity}_named" for identity in NAMED), "price_given")

# The features that stand for the columns of a unit, where they are not of the same name. The price belongs to the goods: what is
# left of it, the residual, is drawn after them.
_FEATURES_OF = {
    "date": {"day", "weekday"},
    "fraud": {"label"},
    "critical_fraud": {"label"},
    "hs10_code": {"hs10_code", "chapter"},
    "unit_price": {"residual", "price_given"},
    "whole": set[str](),
}

# What hangs on the product itself and not on its chapter alone. How a code's few traders ship and declare it is theirs to keep.
_BY_PRODUCT = {("net_mass",), ("price_given", "residual")}

# How finely the tree of the goods tells masses apart.
_MASS_CLASSES = 10


class CoreFeatures:
    """Rows as numbers that a tree can split: codes by how common they are, product codes by their place in the tariff.

    Args:
        source: the month's rows as :meth:`Codec.core` gives them; the ranks of codes come from here.
    """

    def __init__(self, source: pd.DataFrame) -> None:
        self._ranks = {
            column: {code: rank for rank, code in enumerate(by_frequency(source[column]))} for column in _RANKED
        }
        self.columns: tuple[str, ...] = (
            *_RANKED,
            *_FLAGS,
            "hs10_code",
            "chapter",
            "tax_rate",
            "net_mass",
            "residual",
            "day",
            "weekday",
            "label",
        )

    def table(self, core: pd.DataFrame) -> dict[str, np.ndarray]:
        """The features of n rows by name, each a float array of shape (n,)."""
        features: dict[str, np.ndarray] = {
            column: core[column].map(ranks).fillna(len(ranks)).to_numpy(dtype=float)
            for column, ranks in self._ranks.items()
        }
        features |= {flag: (core[flag] == "yes").to_numpy(dtype=float) for flag in _FLAGS}
        features["hs10_code"] = core["hs10_code"].str.ljust(10, "0").astype(float).to_numpy()
        features["chapter"] = core["hs10_code"].str[:2].astype(float).to_numpy()
        features["tax_rate"] = core["tax_rate"].to_numpy(dtype=float)
        features["net_mass"] = np.log1p(core["net_mass"].to_numpy(dtype=float) * 10.0)
        features["residual"] = core["residual"].to_numpy(dtype=float)
        features["day"] = core["date"].dt.day.to_numpy(dtype=float)
        features["weekday"] = core["date"].dt.dayofweek.to_numpy(dtype=float)
        features["label"] = core["critical_fraud"].to_numpy(dtype=float)
        return features


class Polish:
    """The donors of one month, ready for any number of sweeps.

    Args:
        source: n rows as :meth:`Codec.core` gives them.
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
        self._encoder = CoreFeatures(source)
        known = self._encoder.table(self._source)
        self._predictors = {unit: self._predictors_of(unit) for unit in UNITS}
        self._trees = {
            unit: DonorTree.fit(
                np.column_stack([known[name] for name in self._predictors[unit]]),
                _target(unit, self._source, known),
                importers,
                min_group=min_group,
                min_leaf=(GOODS_DONORS_PER_GROUP if unit == GOODS else DONORS_PER_GROUP) * min_group,
                seed=derive_seed(root, "tree", purpose=unit[0]),
            )
            for unit in UNITS
        }

    def mapped(self, core: pd.DataFrame) -> pd.DataFrame:
        """The rows with masses and prices moved onto the source's quantiles, and the residuals that these make.

        Each mass was drawn well, and yet a few sweeps move their distribution; a price is the product of a mass, a unit price and
        a residual, and nothing makes products fall where the source's do. Goods that are shown whole keep their mass. Prices that
        follow from a ``unit_price`` stay what they are but in the tails, and so do those of 0.
        """
        source = self._source
        free, known = (
            ~rows["whole"].to_numpy(dtype=bool) & (rows["net_mass"] > 0).to_numpy() for rows in (core, source)
        )
        core = core.assign(net_mass=self._at_quantiles(core, "net_mass", free, known, self._codec.mass.bands))
        core = self._codec.price_rows(core)
        if self._codec.price.form != "residual":
            return core
        # A price that follows from a safe unit price may still be the month's least or largest.
        given = (source["item_price"] > 0).to_numpy()
        everything = Bands.fit(
            source["item_price"][given], pd.Series(self._importers[given]), self._min_group, root=self._root
        )
        free, known = (
            (rows["unit_price"].isna() | everything.in_tails(rows["item_price"].to_numpy(dtype=float))).to_numpy()
            & (rows["item_price"] > 0).to_numpy()
            for rows in (core, source)
        )
        bands = Bands.fit(
            source["item_price"][known], pd.Series(self._importers[known]), self._min_group, root=self._root
        )
        core = core.assign(item_price=self._at_quantiles(core, "item_price", free, known, bands))
        residual = np.where(free, self._codec.price.encode(core)["residual"], core["residual"])
        return core.assign(residual=residual)

    def _at_quantiles(
        self,
        core: pd.DataFrame,
        column: str,
        free: np.ndarray,
        known: np.ndarray,
        bands: Bands,
    ) -> np.ndarray:
        """A column of the rows, those that are free moved onto the quantiles of the source rows that are known."""
        values = core[column].to_numpy(dtype=float, copy=True)
        if free.any() and known.any():
            target = self._source[column].to_numpy(dtype=float)[known]
            moved = bands.at_quantiles(values[free], target, derive_root(self._root, "mapped", purpose=column))
            values[free] = np.where(np.isin(moved, bands.heaps), moved, rounded(moved, column))
        return values

    def features(self, core: pd.DataFrame) -> np.ndarray:
        """Matrix of shape (m, features) of any rows in the form of ``Codec.core``."""
        return np.column_stack(list(self._encoder.table(core).values()))

    def critical_frauds(self, frauds: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """For each of m rows that are frauds whether it is an ordinary (1) or a critical one (2), from donors that are frauds.

        Without a fraud in the source, all are ordinary.
        """
        known = np.flatnonzero(self._source["fraud"].to_numpy() == 1)
        if not len(known) or not len(frauds):
            return np.ones(len(frauds), dtype="int8")
        predictors = self._predictors[("fraud", "critical_fraud")]
        table, asked = self._encoder.table(self._source.iloc[known]), self._encoder.table(frauds)
        kinds = self._source["critical_fraud"].to_numpy()[known]
        tree = DonorTree.fit(
            np.column_stack([table[name] for name in predictors]),
            kinds.astype(int),
            self._importers[known],
            min_group=self._min_group,
            min_leaf=DONORS_PER_GROUP * self._min_group,
            seed=derive_seed(self._root, "tree", purpose="critical fraud"),
        )
        return kinds[tree.draw(np.column_stack([asked[name] for name in predictors]), rng)].astype("int8")

    def _predictors_of(self, unit: tuple[str, ...]) -> list[str]:
        own = set().union(*(_FEATURES_OF.get(column, {column}) for column in unit))
        own |= set() if unit in _BY_PRODUCT else {"hs10_code"}
        return [name for name in self._encoder.columns if name not in own]

    def sweep(self, draft: pd.DataFrame, number: int = 0) -> pd.DataFrame:
        """Redraw every attribute of a draft once.

        Args:
            draft: m rows as :meth:`Codec.decode` gives them.
            number: which sweep it is; each has draws of its own.

        Returns:
            m rows of the same columns.
        """
        drafted = draft.copy()
        for unit in UNITS:
            rng = derive_rng(self._root, "sweep", str(number), unit[0])
            present = self._encoder.table(drafted)
            features = np.column_stack([present[name] for name in self._predictors[unit]])
            donors = self._trees[unit].draw(features, rng)
            # Goods that are shown whole keep the mass and the label that came with them.
            free = np.ones(len(drafted), dtype=bool) if unit == GOODS else ~_given_by_goods(unit, drafted)
            for column in unit:
                drafted.loc[free, column] = self._shown(column, donors[free], rng)
            if unit == GOODS:
                drafted = self._codec.price_rows(drafted)
        return self._codec.price_rows(drafted)

    def _shown(self, column: str, donors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The donors' values as they may be shown (goods that are not whole have their mass drawn again afterwards)."""
        values = self._source[column].to_numpy()[donors]
        if column == "net_mass":
            whole = self._source["whole"].to_numpy()[donors]
            return np.where(whole, values, self._codec.mass.safe(values.astype(float), rng))
        if column == "residual":
            return self._codec.price.bands.blur(values.astype(float), rng)
        return values


def _given_by_goods(unit: tuple[str, ...], drafted: pd.DataFrame) -> np.ndarray:
    """Which rows have a unit's columns from the donor of their goods."""
    if unit in {("net_mass",), ("fraud", "critical_fraud")}:
        return drafted["whole"].to_numpy(dtype=bool)
    if unit == ("price_given", "residual"):
        return drafted["unit_price"].notna().to_numpy()
    return np.zeros(len(drafted), dtype=bool)


def _target(unit: tuple[str, ...], source: pd.DataFrame, known: dict[str, np.ndarray]) -> np.ndarray:
    """What the tree of a unit predicts: the parts of the goods, the class of a code, the number itself."""
    if unit == GOODS:
        parts = source[["country_of_departure", "country_of_origin", "tax_type"]].assign(
            chapter=source["hs10_code"].str[:2], rate_band=rate_bands(source["tax_rate"])
        )
        edges = np.quantile(known["net_mass"], np.linspace(0, 1, _MASS_CLASSES + 1)[1:-1])
        mass, label = np.searchsorted(edges, known["net_mass"]), known["label"].astype(int)
        return np.column_stack([*(pd.factorize(parts[part])[0] for part in parts.columns), mass, label])
    if unit == ("net_mass",):
        return known["net_mass"]
    if unit == ("price_given", "residual"):
        return np.column_stack([known["residual"], known["price_given"]])
    if unit == ("fraud", "critical_fraud"):
        return known["label"].astype(int)
    return source.groupby(list(unit), sort=False).ngroup().to_numpy()
