"""The scores of a draft, on the model's own table: what a model does before anything is selected or polished."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.boosted_trees import boosted_trees
from customs_assets.fidelity.comparison import Codes, Numbers, binned
from customs_assets.fidelity.detection import FOLDS, auc
from customs_assets.fidelity.own_metrics import contingency_similarity
from customs_assets.privacy.records import Records, nearest
from customs_assets.seeds import derive_rng

_TREES, _LEAVES, _RATE = 200, 31, 0.05


def draft_scores(source: pd.DataFrame, draft: pd.DataFrame, discrete_columns: Sequence[str]) -> dict[str, float]:
    """Scores of a draft beside its source, both model tables.

    Returns:
        ``auc_trees`` and ``auc_logistic``: how well boosted trees, or logistic regression on one-hot codes, tell the two apart
        (0.5: not at all); ``ks``, ``tv``: means of KSComplement over numbers and TVComplement over codes; ``pairs``: mean of
        ContingencySimilarity over all pairs, numbers cut into ten; ``distance``: the drafts' median distance to their nearest
        source row, in columns; ``source_distance``: the same of source rows to other source rows; ``copies``: drafts
        that are a source row, with equal codes and equal numbers.
    """
    numbers = [str(name) for name in source.columns if name not in discrete_columns]
    coded, sized = _coded(source, draft, discrete_columns)
    scaled = _scaled(source, draft, numbers)
    is_draft = np.repeat([False, True], [len(source), len(draft)])
    cut = {name: Numbers(source[name].to_numpy(float), draft[name].to_numpy(float)) for name in numbers}
    # In these codes 0 would be a missing value.
    codes = {
        name: Codes(coded[name][: len(source)] + 1, coded[name][len(source) :] + 1, sized[name] + 1)
        for name in discrete_columns
    }
    crossed = {**codes, **{name: binned(values) for name, values in cut.items()}}
    pairs = [contingency_similarity(crossed[a], crossed[b]) for a, b in itertools.combinations(crossed, 2)]
    to_source = distances(source, draft, discrete_columns)
    # A number between two of the source's neighbours is half of a row's share away from either.
    same = 0.25 / len(source)
    return {
        "auc_trees": _auc_of_trees(np.column_stack([*coded.values(), *scaled]), is_draft),
        "auc_logistic": _auc_of_regression(coded, scaled, is_draft),
        "ks": _mean([_ks(values) for values in cut.values()]),
        "tv": _mean([_tv(values) for values in codes.values()]),
        "pairs": _mean(pairs),
        "distance": float(np.median(to_source)),
        "source_distance": float(np.median(distances(source, source, discrete_columns, second=True))),
        "copies": int((to_source < same).sum()),
    }


def nearer_to_training(
    draft: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, discrete_columns: Sequence[str]
) -> float:
    """Share of drafts that are nearer to training than to control, ties counting half; both are cut to one size."""
    size = min(len(training), len(control))
    to_training, to_control = (distances(side.iloc[:size], draft, discrete_columns) for side in (training, control))
    return float(((to_training < to_control) + (to_training == to_control) / 2).mean())


def distances(
    reference: pd.DataFrame, rows: pd.DataFrame, discrete_columns: Sequence[str], second: bool = False
) -> np.ndarray:
    """The distance of each row to its nearest reference row (Gower's, in columns), or to the second nearest."""
    numbers = [str(name) for name in reference.columns if name not in discrete_columns]
    coded, _ = _coded(reference, rows, discrete_columns)
    codes = np.array(list(coded.values()), dtype=np.int32).reshape(len(coded), -1)
    scaled = np.array(_scaled(reference, rows, numbers), dtype=np.float64).reshape(len(numbers), codes.shape[1])
    sides = [
        Records(np.ascontiguousarray(codes[:, part]), np.ascontiguousarray(scaled[:, part]))
        for part in (slice(len(reference), None), slice(len(reference)))
    ]
    neighbours = 2 if second and len(reference) > 1 else 1
    return nearest(sides[0], sides[1], neighbours).distances[:, -1]


def _coded(
    source: pd.DataFrame, draft: pd.DataFrame, discrete_columns: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The codes of both tables, one under the other, as integers from 0, and how many there are."""
    coded, sized = {}, {}
    for name in discrete_columns:
        both = np.concatenate([source[name].to_numpy(object), draft[name].to_numpy(object)])
        distinct, coded[name] = np.unique(both.astype(str), return_inverse=True)
        sized[name] = len(distinct)
    return coded, sized


def _scaled(source: pd.DataFrame, draft: pd.DataFrame, numbers: Sequence[str]) -> list[np.ndarray]:
    """The numbers of both tables, one under the other, as the share of the source's rows that have less."""
    found = []
    for name in numbers:
        ordered = np.sort(source[name].to_numpy(float))
        both = np.concatenate([source[name].to_numpy(float), draft[name].to_numpy(float)])
        places = np.searchsorted(ordered, both, "left") + np.searchsorted(ordered, both, "right")
        found.append(places / (2 * len(ordered)))
    return found


def _ks(numbers: Numbers) -> float:
    from scipy.stats import ks_2samp

    return 1.0 - float(ks_2samp(numbers.source, numbers.synthetic).statistic)  # pyright: ignore[reportAttributeAccessIssue]


def _tv(codes: Codes) -> float:
    shares = [np.bincount(side, minlength=codes.size) / len(side) for side in (codes.source, codes.synthetic)]
    return 1.0 - float(np.abs(shares[0] - shares[1]).sum() / 2)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def folds(is_draft: np.ndarray) -> np.ndarray:
    """The fold of each row: random, and equally many of either table in each."""
    rng, fold = derive_rng(2020, "league", purpose="folds"), np.zeros(len(is_draft), dtype=int)
    for side in (True, False):
        rows = np.flatnonzero(is_draft == side)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def _auc_of_trees(features: np.ndarray, is_draft: np.ndarray) -> float:
    fold, scores = folds(is_draft), np.zeros(len(is_draft))
    for held_out in range(FOLDS):
        train = fold != held_out
        trees = boosted_trees(n_estimators=_TREES, num_leaves=_LEAVES, learning_rate=_RATE)
        trees.fit(features[train], is_draft[train])
        scores[~train] = np.asarray(trees.predict_proba(features[~train]))[:, 1]
    return auc(scores, is_draft)


def _auc_of_regression(coded: dict[str, np.ndarray], scaled: Sequence[np.ndarray], is_draft: np.ndarray) -> float:
    one_hot = [np.eye(int(codes.max()) + 1, dtype=np.float32)[codes] for codes in coded.values()]
    return auc_of_regression(np.column_stack([*one_hot, *scaled]), is_draft)


def auc_of_regression(features: np.ndarray, is_draft: np.ndarray) -> float:
    """AUC of logistic regression out of its folds, from features (n, f) of about the same scale."""
    from sklearn.linear_model import LogisticRegression

    fold, scores = folds(is_draft), np.zeros(len(is_draft))
    for held_out in range(FOLDS):
        train = fold != held_out
        regression = LogisticRegression(max_iter=300).fit(features[train], is_draft[train])
        scores[~train] = regression.decision_function(features[~train])
    return auc(scores, is_draft)
