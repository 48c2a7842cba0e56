"""A second task on the same declarations: which product is it? Chapter, heading and code from all other attributes.

Section 6 of the paper names HS code classification as a use of the data. What belongs here is the task and its accuracy: trained
on the synthetic training months, tested on the source's later ones, beside the same trained on the source.

Thousands of codes make a forest of classifiers slow and large. Gini's impurity is the variance of the codes' indicator vectors,
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
LEVELS: dict[str, int] = {"chapter": 2, "heading": 4, "code": 6}
TOPS = (1, 3, 5)

_TREES, _DEPTH, _PROJECTIONS = 60, 20, 8

# Test rows whose codes are ranked at once: it bounds the memory.
_RANKED = 1024

_KNOWN = [number for number, name in enumerate(FEATURES) if name != "hs6_code"]


@dataclass(frozen=True, slots=True)
class CodeAccuracy:
    """How often the product was told.

    Attributes:
        level: one of :data:`LEVELS`.
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
    """Accuracy at each level with one, three and five guesses, by a random forest.

    Args:
        source: anonymized declarations of all the split's months.
        synthetic: synthetic declarations of the same, identities in the same tokens.
        split: which months train and test.
        seed: given to the library.
    """
    test = split.rows(source, "test")
    trained_on = {"synthetic": split.rows(synthetic, "train"), "source": split.rows(source, "train")}
    right = {name: accuracy(train, test, seed) for name, train in trained_on.items()}
    found = []
    for level, digits in LEVELS.items():
        frequent = pd.Series(_codes(trained_on["source"], digits)).value_counts().index.to_numpy()
        for top in TOPS:
            told = {name: of[level, top] for name, of in right.items()}
            blind = float(np.isin(_codes(test, digits), frequent[:top]).mean())
            found.append(CodeAccuracy(level, top, told["synthetic"], told["source"], blind))
    return found


def accuracy(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[tuple[str, int], float]:
    """Share of test rows told right by a forest trained on other rows, by level and number of guesses.

    Args:
        train: declarations to learn from, one or more.
        test: declarations whose codes are to be told, one or more, identities in the same tokens.
        seed: given to the library.
    """
    codes, chances = _chances(train, test, seed)
    right = {}
    for level, digits in LEVELS.items():
        ranked, truth = _ranked(codes, chances, digits), _codes(test, digits)
        for top in TOPS:
            right[level, top] = float((ranked[:, :top] == truth[:, None]).any(axis=1).mean())
    return right


def _codes(rows: pd.DataFrame, digits: int) -> np.ndarray:
    return compared_columns(rows, "classified", ["hs6_code"])["hs6_code"].str[:digits].to_numpy(str)


def _chances(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> tuple[np.ndarray, csr_matrix]:
    """The codes of the training rows in order, and the chance of each for each test row, shape (rows, codes)."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.ensemble import RandomForestRegressor

    encoder = FeatureEncoder.fit(train)
    features, asked = (encoder.transform(rows)[:, _KNOWN].astype(np.float32) for rows in (train, test))
    codes, code = np.unique(_codes(train, max(LEVELS.values())), return_inverse=True)
    forest = RandomForestRegressor(
        n_estimators=_TREES,
        max_depth=_DEPTH,
        min_samples_leaf=2,
        max_features="sqrt",  # pyright: ignore[reportArgumentType]
        n_jobs=1,
        random_state=seed % 2**32,
    )
    forest.fit(features, _projected(codes, seed)[code])
    leaves = np.asarray(forest.apply(np.concatenate([features, asked])))
    # Every leaf has a number of its own, whatever its tree.
    leaves = np.unique(leaves + np.arange(_TREES) * (leaves.max() + 1), return_inverse=True)[1].reshape(leaves.shape)
    known = _incidence(leaves[: len(train)], int(leaves.max()) + 1)
    counts = known.T @ _incidence(code[:, None], len(codes))
    shares = diags(1 / np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)) @ counts
    return codes, csr_matrix(_incidence(leaves[len(train) :], counts.shape[0]) @ shares / _TREES)


def _projected(codes: np.ndarray, seed: int) -> np.ndarray:
    """What stands for each code while trees are grown: random numbers, parts of them shared with its heading and chapter."""
    rng = derive_rng(seed, "product_codes", purpose="projections")
    projected = np.zeros((len(codes), _PROJECTIONS))
    for digits in sorted(LEVELS.values(), reverse=True):
        groups, group = np.unique(codes.astype(f"U{digits}"), return_inverse=True)
        projected += rng.normal(size=(len(groups), _PROJECTIONS))[group]
    return projected


def _incidence(places: np.ndarray, width: int) -> csr_matrix:
    """A row of zeros and ones for each row of ``places``, shape (rows, width): ones at the places named."""
    from scipy.sparse import csr_matrix

    ends = np.arange(len(places) + 1) * places.shape[1]
    return csr_matrix((np.ones(places.size), places.ravel(), ends), shape=(len(places), width))


def _ranked(codes: np.ndarray, chances: csr_matrix, digits: int) -> np.ndarray:
    """The five likeliest codes of each test row, likeliest first, shape (rows, 5); an empty text where there are fewer."""
    groups, group = np.unique(codes.astype(f"U{digits}"), return_inverse=True)
    together = chances @ _incidence(group[:, None], len(groups))
    wanted, found = max(TOPS), []
    for start in range(0, together.shape[0], _RANKED):
        dense = together[start : start + _RANKED].toarray()
        found.append(groups[np.argsort(-dense, axis=1, kind="stable")[:, :wanted]])
    ranked = np.concatenate(found)
    return np.pad(ranked, ((0, 0), (0, wanted - ranked.shape[1])), constant_values="")
