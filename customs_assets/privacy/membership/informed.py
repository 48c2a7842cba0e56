"""The informed attack: boosted trees that know of two thirds of the importers whether they were members.

They learn from the distances to the nearest synthetic and reference rows, and from how many rows of either share parts of a
row. No outsider knows as much, so this attack bounds what can be learned from these numbers. Score: the probability of
membership by the model that was trained on the other folds, as a rank within its fold, divided by the fold's rows.

The scores of one fold hang on the labels of the others. With those given, the scores of the fold are fixed, and permuting its
labels is an exact test. So each fold's part of a measure has the spread that fixed scores show; but the parts hang together:
two folds share what each learned from the other. The variance of their mean is at most that of parts that all move as one,
``FOLDS`` times what independent parts have. By this factor, :data:`STRETCH` as a standard error, the attack's chance is taken
wider. It errs on the side of taking a leak for chance. Models that were refitted under permuted labels strayed 1.4 times as far
as fixed scores do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.boosted_trees import boosted_trees
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.privacy.membership.classifier import TREES
from customs_assets.privacy.membership.crowd import CROWD
from customs_assets.privacy.membership.scene import Scene

FOLDS = 3

# How much further chance can move this attack than its scores, taken as fixed, show.
STRETCH = math.sqrt(FOLDS)

# Parts of a row that synthetic rows may share with it.
_PARTS: tuple[tuple[str, ...], ...] = (
    RELEASED_TUPLE,
    (*RELEASED_TUPLE, "office_id", "mode_of_transport"),
    ("hs6_code", "net_mass"),
    ("hs6_code", "item_price"),
    ("net_mass", "item_price"),
    ("item_price",),
    ("date", "hs6_code", "country_of_origin"),
)


def scores(scene: Scene) -> np.ndarray:
    """n scores in (0, 1]."""
    return learned(features(scene), scene.is_member, scene.importers, scene.seed)


def features(scene: Scene) -> np.ndarray:
    """What the trees learn from: shape (n, 24), or less where release or reference has fewer rows than ``CROWD``."""
    shared = [_shared(scene.attacked, rows, part) for part in _PARTS for rows in (scene.synthetic, scene.reference)]
    return np.column_stack([scene.to_synthetic[:, :CROWD], scene.to_reference[:, :CROWD], *shared])


def learned(features: np.ndarray, is_member: np.ndarray, importers: np.ndarray, seed: int) -> np.ndarray:
    """Scores of trees that know the members of the other folds.

    All rows of an importer are in one fold. Otherwise they would be recognized by the importer's rows in the other folds. Each
    fold has equally many importers that are members, so the labels of the other folds say nothing of its own.

    Args:
        features: shape (n, any).
        is_member: n booleans.
        importers: n codes from 0.
        seed: of the folds.
    """
    from scipy.stats import rankdata

    fold = _folds(is_member, importers, seed)
    ranks = np.full(len(importers), 0.5)
    for held_out in range(FOLDS):
        train, test = fold != held_out, fold == held_out
        if test.any() and len(np.unique(is_member[train])) == 2:
            trees = boosted_trees(**TREES)
            trees.fit(features[train], is_member[train])
            ranks[test] = rankdata(np.asarray(trees.predict_proba(features[test]))[:, 1]) / test.sum()
    return ranks


def _folds(is_member: np.ndarray, importers: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each row."""
    rng = np.random.default_rng(seed)
    members = np.zeros(importers.max() + 1, dtype=bool)
    members[importers[is_member]] = True
    fold = np.empty(len(members), dtype=np.int64)
    for side in (True, False):
        of_side = np.flatnonzero(members == side)
        fold[rng.permutation(of_side)] = np.arange(len(of_side)) % FOLDS
    return fold[importers]


def _shared(rows: pd.DataFrame, others: pd.DataFrame, part: Sequence[str]) -> np.ndarray:
    """For each row, how many of the other rows share a part of it."""
    wanted = compared_columns(rows, "attacked", part)
    counts = compared_columns(others, "other", part).value_counts(sort=False).rename("shared").reset_index()
    return wanted.merge(counts, how="left", on=list(part))["shared"].fillna(0).to_numpy(dtype=np.float64)
