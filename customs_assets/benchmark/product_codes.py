"""A second task on the same declarations: which product is it? Chapter and heading from all other attributes.

Section 6 of the paper names HS code classification as a use of the data. What belongs here is the task and its accuracy: trained
on the synthetic training months, tested on the source's later ones, beside the same trained on the source.

A thousand headings make a forest of classifiers slow and large. Gini's impurity is the variance of the codes' indicator vectors,
which random projections keep (Joly et al. 2014, random forests with random projections of the output space). So trees are grown
on a few projections, and the codes in their leaves are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customs_assets.benchmark.features import FEATURES, FeatureEncoder
from customs_assets.benchmark.split import ChronologicalSplit
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.seeds import derive_rng

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Digits of the code that are to be told.
LEVELS: dict[str, int] = {"chapter": 2, "heading": 4}
TOPS = (1, 5)

_TREES, _DEPTH, _PROJECTIONS = 60, 20, 8
_KNOWN = [number for number, name in enumerate(FEATURES) if name != "hs6_code"]


@dataclass(frozen=True, slots=True)
class CodeAccuracy:
    """How often the product was told.

    Attributes:
        level: ``chapter`` or ``heading``.
        top: how many guesses the classifier had.
        from_synthetic: share of the source's test declarations told right, trained on synthetic ones.
        from_source: trained on the source's.
        blind: guessing the most frequent codes of the source's training months.
    """

    level: str
    top: int
    from_synthetic: float
    from_source: float
    blind: float


def product_codes(
    source: pd.DataFrame, synthetic: pd.DataFrame, split: ChronologicalSplit, seed: int = 0
) -> list[CodeAccuracy]:
    """Accuracy at either level with one and with five guesses, by a random forest.

    Args:
        source: anonymized declarations of all the split's months.
        synthetic: synthetic declarations of the same, identities in the same tokens.
        split: which months train and test.
        seed: given to the library.
    """
    test = split.rows(source, "test")
    trained_on = {"synthetic": split.rows(synthetic, "train"), "source": split.rows(source, "train")}
    chances = {name: _chances(train, test, seed) for name, train in trained_on.items()}
    found = []
    for level, digits in LEVELS.items():
        ranked = {name: _ranked(headings, of_headings, digits) for name, (headings, of_headings) in chances.items()}
        truth = _codes(test, digits)
        frequent = pd.Series(_codes(trained_on["source"], digits)).value_counts().index.to_numpy()
        for top in TOPS:
            right = {
                name: float((codes[:, :top] == truth[:, None]).any(axis=1).mean()) for name, codes in ranked.items()
            }
            blind = float(np.isin(truth, frequent[:top]).mean())
            found.append(CodeAccuracy(level, top, right["synthetic"], right["source"], blind))
    return found


def _codes(rows: pd.DataFrame, digits: int) -> np.ndarray:
    return compared_columns(rows, "classified", ["hs6_code"])["hs6_code"].str[:digits].to_numpy(str)


def _chances(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The headings of the training rows in order, and the chance of each for each test row, shape (rows, headings)."""
    from scipy.sparse import diags
    from sklearn.ensemble import RandomForestRegressor

    encoder = FeatureEncoder.fit(train)
    features, asked = (encoder.transform(rows)[:, _KNOWN].astype(np.float32) for rows in (train, test))
    headings, heading = np.unique(_codes(train, LEVELS["heading"]), return_inverse=True)
    forest = RandomForestRegressor(
        n_estimators=_TREES,
        max_depth=_DEPTH,
        min_samples_leaf=2,
        max_features="sqrt",  # pyright: ignore[reportArgumentType]
        n_jobs=1,
        random_state=seed % 2**32,
    )
    forest.fit(features, _projected(headings, seed)[heading])
    leaves = np.asarray(forest.apply(np.concatenate([features, asked])))
    # Every leaf has a number of its own, whatever its tree.
    leaves = np.unique(leaves + np.arange(_TREES) * (leaves.max() + 1), return_inverse=True)[1].reshape(leaves.shape)
    known = _incidence(leaves[: len(train)], int(leaves.max()) + 1)
    counts = known.T @ _incidence(heading[:, None], len(headings))
    shares = diags(1 / np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)) @ counts
    chances = _incidence(leaves[len(train) :], counts.shape[0]) @ shares
    return headings, chances.toarray() / _TREES


def _projected(headings: np.ndarray, seed: int) -> np.ndarray:
    """What stands for each heading while trees are grown: random numbers, part of them shared with its chapter."""
    rng = derive_rng(seed, "product_codes", purpose="projections")
    chapters, chapter = np.unique(headings.astype(f"U{LEVELS['chapter']}"), return_inverse=True)
    return rng.normal(size=(len(headings), _PROJECTIONS)) + rng.normal(size=(len(chapters), _PROJECTIONS))[chapter]


def _incidence(places: np.ndarray, width: int) -> csr_matrix:
    """A row of zeros and ones for each row of ``places``, shape (rows, width): ones at the places named."""
    from scipy.sparse import csr_matrix

    ends = np.arange(len(places) + 1) * places.shape[1]
    return csr_matrix((np.ones(places.size), places.ravel(), ends), shape=(len(places), width))


def _ranked(headings: np.ndarray, chances: np.ndarray, digits: int) -> np.ndarray:
    """The five likeliest codes of each test row, likeliest first, shape (rows, 5); an empty text where there are fewer."""
    codes, code = np.unique(headings.astype(f"U{digits}"), return_inverse=True)
    together = chances if len(codes) == len(headings) else chances @ (code[:, None] == np.arange(len(codes)))
    wanted = max(TOPS)
    ranked = codes[np.argsort(-together, axis=1, kind="stable")[:, :wanted]]
    return np.pad(ranked, ((0, 0), (0, wanted - ranked.shape[1])), constant_values="")
