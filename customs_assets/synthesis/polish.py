"""Polish: one conditional sweep that redraws every attribute of a draft given all the others, from many donors.

The GAN drafts the structure of a month; what it gets wrong shows in every pair of columns. In a sweep each attribute in turn
is redrawn from the source rows that are like the synthetic one in everything else (``donors.py``), the tariff tuple as a
whole and therefore lawful, masses and residuals blurred as the encodings allow. No row is copied: each attribute has another
donor. Identities are drawn afterwards (``identities.py``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.declaration import TARIFF_TUPLE
from customs_assets.seeds import derive_seed
from customs_assets.synthesis.codec import CODES, NAMED, Codec
from customs_assets.synthesis.donors import DonorTree

# Rows in a leaf, for each importer that the k rule asks for: k = 5 gives at least 20 donors to every value.
DONORS_PER_GROUP = 4

# What is redrawn, in this order: the goods before what depends on them, the label when all its reasons are in place.
UNITS: tuple[tuple[str, ...], ...] = (
    tuple(TARIFF_TUPLE),
    ("net_mass",),
    ("price_given", "residual"),
    ("mode_of_transport",),
    ("courier_id_named",),
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

_RANKED = (*CODES, "country_of_departure", "country_of_origin", "tax_type")
_FLAGS = (*(f"{identity}_named" for identity in NAMED), "price_given")


class CoreFeatures:
    """Rows as numbers that a tree can split: codes by how common they are, product codes by their place in the tariff.

    Args:
        source: the month's rows as :meth:`Codec.core` gives them; the ranks of codes come from here.
    """

    def __init__(self, source: pd.DataFrame) -> None:
        self._ranks = {
            column: {code: rank for rank, code in enumerate(_by_frequency(source[column]))} for column in _RANKED
        }
        self.columns: tuple[str, ...] = (
            *_RANKED,
            *_FLAGS,
            "hs10_code",
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
        features["tax_rate"] = core["tax_rate"].to_numpy(dtype=float)
        features["net_mass"] = np.log1p(core["net_mass"].to_numpy(dtype=float) * 10.0)
        features["residual"] = core["residual"].to_numpy(dtype=float)
        features["day"] = core["date"].dt.day.to_numpy(dtype=float)
        features["weekday"] = core["date"].dt.dayofweek.to_numpy(dtype=float)
        features["label"] = core["critical_fraud"].to_numpy(dtype=float)
        return features


def sweep(
    draft: pd.DataFrame, source: pd.DataFrame, importers: np.ndarray, codec: Codec, *, min_group: int, seed: int
) -> pd.DataFrame:
    """Redraw every attribute of a draft once.

    Args:
        draft: m rows as :meth:`Codec.decode` gives them.
        source: n rows as :meth:`Codec.core` gives them.
        importers: n integers, who stands behind each source row.
        codec: the month's codec.
        min_group: importers that each draw must rest on.
        seed: seed of the sweep.

    Returns:
        m rows of the same columns.
    """
    drafted = draft.copy()
    encoder = CoreFeatures(source)
    known = encoder.table(source)
    for unit in UNITS:
        rng = np.random.default_rng(derive_seed(seed, "sweep", purpose=unit[0]))
        predictors = [name for name in encoder.columns if name not in _features_of(unit)]
        tree = DonorTree.fit(
            np.column_stack([known[name] for name in predictors]),
            _target(unit, source, known, codec),
            importers,
            min_group=min_group,
            min_leaf=DONORS_PER_GROUP * min_group,
            seed=derive_seed(seed, "tree", purpose=unit[0]),
        )
        present = encoder.table(drafted)
        donors = tree.draw(np.column_stack([present[name] for name in predictors]), rng)
        for column in unit:
            drafted[column] = _shown(column, source[column].to_numpy()[donors], codec, rng)
    return codec.price_rows(drafted)


def _features_of(unit: tuple[str, ...]) -> set[str]:
    renamed = {"date": {"day", "weekday"}, "fraud": {"label"}, "critical_fraud": {"label"}}
    return set().union(*(renamed.get(column, {column}) for column in unit))


def _target(unit: tuple[str, ...], source: pd.DataFrame, known: dict[str, np.ndarray], codec: Codec) -> np.ndarray:
    """What the tree of a unit predicts: the coarse parts of a tuple, the class of a code, the number itself."""
    if unit == tuple(TARIFF_TUPLE):
        parts = codec.tariff.encode(source)
        return np.column_stack([pd.factorize(parts[part])[0] for part in parts.columns])
    if unit == ("net_mass",):
        return known["net_mass"]
    if unit == ("price_given", "residual"):
        return np.column_stack([known["residual"], known["price_given"]])
    return pd.factorize(source[unit[-1]])[0]


def _shown(column: str, values: np.ndarray, codec: Codec, rng: np.random.Generator) -> np.ndarray:
    """The donors' values as they may be shown."""
    if column == "net_mass":
        return codec.mass.safe(values.astype(float), rng)
    if column == "residual":
        return codec.price.bands.blur(values.astype(float), rng)
    return values


def _by_frequency(values: pd.Series) -> list[str]:
    counts = values.value_counts()
    return sorted(counts.index, key=lambda code: (-counts[code], code))
