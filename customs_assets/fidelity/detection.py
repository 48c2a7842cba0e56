"""Detection: can a classifier tell the synthetic rows from the source's?

Table 2 looks at one or two columns at a time; boosted trees look at all of them. What belongs here is that test, and the AUC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.boosted_trees import boosted_trees
from customs_assets.declaration import BY_NAME, HS6, Kind
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns, days
from customs_assets.seeds import derive_rng

TREES, LEAVES, FOLDS = 300, 63, 3


@dataclass(frozen=True, slots=True)
class Detection:
    """What a classifier made of the two tables.

    Attributes:
        auc: area under the ROC curve of the out-of-fold scores, in [0, 1]; 0.5 where the tables cannot be told apart. It is below
            0.5 by more than chance where rows of one table have near twins in the same table, which mislead the folds.
        standard_error: of an AUC of 0.5 with as many rows.
        importance: share of the trees' gain by attribute, largest first: what gives synthetic rows away.
    """

    auc: float
    standard_error: float
    importance: dict[str, float]


def detection(synthetic: pd.DataFrame, source: pd.DataFrame, seed: int = 2020) -> Detection:
    """Train LightGBM (300 trees, 63 leaves, 3 folds) to tell synthetic from source rows, and score each row out of its fold.

    Args:
        synthetic: declarations with ``hs6_code``, or with ``hs10_code``, which is cut to six digits.
        source: likewise.
        seed: base seed of the folds.

    Raises:
        ValueError: a frame has fewer rows than there are folds, or lacks a column.
    """
    for role, frame in (("synthetic", synthetic), ("source", source)):
        if len(frame) < FOLDS:
            raise ValueError(f"the {role} frame has {len(frame)} rows; {FOLDS} at least are needed, one a fold")
    features = classifier_features(synthetic, source)
    is_synthetic = np.arange(len(features)) < len(synthetic)
    fold = _folds(is_synthetic, seed)
    scores, gains = np.zeros(len(features)), np.zeros(features.shape[1])
    for held_out in range(FOLDS):
        train = fold != held_out
        trees = boosted_trees(n_estimators=TREES, num_leaves=LEAVES)
        trees.fit(features.loc[train], is_synthetic[train])
        scores[~train] = np.asarray(trees.predict_proba(features.loc[~train]))[:, 1]
        gains += trees.booster_.feature_importance("gain")
    order = np.argsort(-gains, kind="stable")
    shares = gains / max(gains.sum(), 1e-12)
    return Detection(
        auc(scores, is_synthetic),
        auc_standard_error(len(synthetic), len(source)),
        {str(features.columns[i]): float(shares[i]) for i in order},
    )


def classifier_features(*frames: pd.DataFrame) -> pd.DataFrame:
    """The rows of all frames, one under the other, as a classifier takes them.

    Every attribute but key and identities: a code as its place in the order of all codes, a number as it is, the date as days
    since 1970, day of the month and weekday.
    """
    rows = pd.concat([compared_columns(f, "compared", WITHOUT_IDENTITIES) for f in frames], ignore_index=True)
    features: dict[str, np.ndarray] = {}
    for name in WITHOUT_IDENTITIES:
        column = rows[name]
        match BY_NAME.get(name, HS6).kind:
            case Kind.DATE:
                dates = pd.to_datetime(column)
                features["day"] = days(dates).to_numpy(np.float64)
                features["day_of_month"] = dates.dt.day.to_numpy(np.float64)
                features["weekday"] = dates.dt.dayofweek.to_numpy(np.float64)
            case Kind.NUMBER | Kind.LABEL:
                features[name] = column.to_numpy(np.float64)
            case _:
                features[name] = np.unique(column.to_numpy(str), return_inverse=True)[1].astype(np.float64)
    return pd.DataFrame(features)


def _folds(is_synthetic: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each row: random, and equally many of either table in each."""
    rng = derive_rng(seed, "detection", purpose="folds")
    fold = np.zeros(len(is_synthetic), dtype=int)
    for side in (True, False):
        rows = np.flatnonzero(is_synthetic == side)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive row has the higher score, ties counting half (Mann and Whitney).

    Args:
        scores: n numbers.
        positive: n booleans; both kinds occur.
    """
    from scipy.stats import rankdata

    count = int(positive.sum())
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def auc_standard_error(positives: int, negatives: int) -> float:
    """Standard error of the AUC of scores that say nothing: sqrt((n + m + 1) / 12nm)."""
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))
