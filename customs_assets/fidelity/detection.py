"""Detection: can a classifier tell the synthetic rows from the source's?

Table 2 looks at one or two columns at a time; a boosted forest looks at all of them. An AUC of 0.5 says that it cannot tell,
1.0 that every row gives itself away. What belongs here is that one test; its reference, two halves of the source told from
each other, is the same test on the frames of ``references``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import COMPARED, Kind
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.seeds import derive_rng

TREES, LEAVES, FOLDS = 300, 63, 3

# Identities are left out: at release their tokens are drawn anew, so a token tells nothing of a row's origin.
_SEEN = tuple(a for a in COMPARED if a.kind is not Kind.IDENTITY)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a classifier made of the two tables.

    Attributes:
        auc: area under the ROC curve of the out-of-fold scores, in [0, 1]; 0.5 where the tables cannot be told apart. Under
            0.5 by more than chance, rows of one table have near twins in the same table, and their folds mislead each other.
        standard_error: of an AUC of 0.5 with as many rows (Mann and Whitney's statistic).
        synthetic_rows: rows on the one side.
        source_rows: rows on the other.
        importance: share of the forest's gain by attribute, largest first; what gives synthetic rows away.
    """

    auc: float
    standard_error: float
    synthetic_rows: int
    source_rows: int
    importance: dict[str, float]


def detection(synthetic: pd.DataFrame, source: pd.DataFrame, seed: int = 2020) -> Detection:
    """Train LightGBM (300 trees of 63 leaves, 3 folds) to tell synthetic from source rows; score each row out of its fold.

    Args:
        synthetic: declarations with ``hs6_code`` (or ``hs10_code``, cut to six digits).
        source: likewise.
        seed: base seed of the folds; rows are never shuffled, so that folds and rows cannot share an order.

    Raises:
        ValueError: a frame has fewer rows than there are folds, or lacks a column.
    """
    for role, frame in (("synthetic", synthetic), ("source", source)):
        if len(frame) < FOLDS:
            raise ValueError(f"the {role} frame has {len(frame)} rows; {FOLDS} at least are needed, one a fold")
    features = seen_by_a_classifier(synthetic, source)
    is_synthetic = np.arange(len(features)) < len(synthetic)
    fold = _folds(is_synthetic, seed)
    scores, gains = np.zeros(len(features)), np.zeros(features.shape[1])
    for held_out in range(FOLDS):
        train = fold != held_out
        forest = _forest()
        forest.fit(features.loc[train], is_synthetic[train])
        scores[~train] = np.asarray(forest.predict_proba(features.loc[~train]))[:, 1]
        gains += forest.booster_.feature_importance("gain")
    order = np.argsort(-gains, kind="stable")
    shares = gains / max(gains.sum(), 1e-12)
    return Detection(
        auc=auc(scores, is_synthetic),
        standard_error=auc_standard_error(len(synthetic), len(source)),
        synthetic_rows=len(synthetic),
        source_rows=len(source),
        importance={str(features.columns[i]): float(shares[i]) for i in order},
    )


def seen_by_a_classifier(*frames: pd.DataFrame) -> pd.DataFrame:
    """The rows of all frames, one under the other, as a classifier sees them.

    Every attribute but key and identities: codes as their place in the order of all codes, numbers as they are, the date as
    day since 1970, day of the month and weekday.
    """
    names = [a.name for a in _SEEN]
    rows = pd.concat([compared_columns(frame, "compared", names) for frame in frames], ignore_index=True)
    features: dict[str, np.ndarray] = {}
    for attribute in _SEEN:
        column = rows[attribute.name]
        match attribute.kind:
            case Kind.DATE:
                dates = pd.to_datetime(column)
                features["day"] = (dates - pd.Timestamp("1970-01-01")).dt.days.to_numpy(np.float64)
                features["day_of_month"] = dates.dt.day.to_numpy(np.float64)
                features["weekday"] = dates.dt.dayofweek.to_numpy(np.float64)
            case Kind.NUMBER | Kind.LABEL:
                features[attribute.name] = column.to_numpy(np.float64)
            case _:
                features[attribute.name] = np.unique(column.to_numpy(str), return_inverse=True)[1].astype(np.float64)
    return pd.DataFrame(features)


def _folds(is_synthetic: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each row: random, and equally many of either table in each."""
    rng = derive_rng(seed, "detection", purpose="folds")
    fold = np.zeros(len(is_synthetic), dtype=int)
    for side in (True, False):
        rows = np.flatnonzero(is_synthetic == side)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def _forest():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=TREES, num_leaves=LEAVES, n_jobs=1, deterministic=True, force_row_wise=True, verbosity=-1
    )


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive row has the higher score, ties counting half (Mann and Whitney).

    Args:
        scores: array of n numbers.
        positive: array of n booleans; both kinds occur.
    """
    from scipy.stats import rankdata

    count = int(positive.sum())
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def auc_standard_error(positives: int, negatives: int) -> float:
    """Standard error of the AUC of scores that say nothing: sqrt((n + m + 1) / 12nm)."""
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))
