"""A second task on the same declarations: which product is it? Chapter and heading from all other attributes.

Section 6 of the paper names HS code classification as a use of the data. What belongs here is the task and its accuracy, trained
on the synthetic training months and tested on the source's later ones, beside the same trained on the source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.benchmark.features import FEATURES, FeatureEncoder
from customs_assets.benchmark.split import ChronologicalSplit
from customs_assets.quality.comparison import compared_columns

# Digits of the code that are to be told.
LEVELS: dict[str, int] = {"chapter": 2, "heading": 4}
TOPS = (1, 5)

_TREES, _DEPTH = 60, 20
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
    found = []
    for level, digits in LEVELS.items():
        ranked = {
            name: _ranked(split.rows(rows, "train"), test, digits, seed)
            for name, rows in {"synthetic": synthetic, "source": source}.items()
        }
        truth = _codes(test, digits)
        frequent = pd.Series(_codes(split.rows(source, "train"), digits)).value_counts().index.to_numpy()
        for top in TOPS:
            right = {
                name: float((codes[:, :top] == truth[:, None]).any(axis=1).mean()) for name, codes in ranked.items()
            }
            blind = float(np.isin(truth, frequent[:top]).mean())
            found.append(CodeAccuracy(level, top, right["synthetic"], right["source"], blind))
    return found


def _codes(rows: pd.DataFrame, digits: int) -> np.ndarray:
    return compared_columns(rows, "classified", ["hs6_code"])["hs6_code"].str[:digits].to_numpy(str)


def _ranked(train: pd.DataFrame, test: pd.DataFrame, digits: int, seed: int) -> np.ndarray:
    """The five likeliest codes of each test row, likeliest first, shape (rows, 5); an empty text where there are fewer."""
    from sklearn.ensemble import RandomForestClassifier

    encoder = FeatureEncoder.fit(train)
    forest = RandomForestClassifier(
        n_estimators=_TREES, max_depth=_DEPTH, min_samples_leaf=2, n_jobs=1, random_state=seed % 2**32
    )
    forest.fit(encoder.transform(train)[:, _KNOWN], _codes(train, digits))
    chances = np.asarray(forest.predict_proba(encoder.transform(test)[:, _KNOWN]))
    wanted = max(TOPS)
    best = np.argsort(-chances, axis=1, kind="stable")[:, :wanted]
    ranked = forest.classes_[best]
    return np.pad(ranked, ((0, 0), (0, wanted - ranked.shape[1])), constant_values="")
