"""Membership inference: can somebody who holds a real declaration tell whether the synthesizer saw it?

Each attack gives source rows a score that should be higher for training rows than for control rows; its AUC says how well it
does, 0.5 being a coin. What belongs here is the attacks and their AUC; distances themselves are computed in ``records``.

The attacks, from weak to strong:

- ``closest``: the nearer the closest synthetic record, the likelier a member (Chen et al. 2020, GAN-Leaks).
- ``crowd``: the same with the mean of the five closest.
- ``density_ratio``: the distance to the synthetic rows against that to a reference sample of the same world, so that a row in a
  crowded place is not taken for a member (van Breugel et al. 2023, DOMIAS).
- ``classifier``: a boosted forest that learns to tell synthetic rows from the reference sample.
- ``informed``: a boosted forest that is told of two thirds of the importers whether they were members, and learns from all the
  distances and from how often synthetic and reference rows share a row's parts. No outsider knows as much; it bounds the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.fidelity.detection import auc, seen_by_a_classifier
from customs_assets.fidelity.references import equal_in_size, in_control
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.chance import auc_bound, judging_quantile
from customs_assets.privacy.records import WITHOUT_IDENTITIES, as_records, nearest

CROWD = 5
_FOLDS = 3
_TREES, _LEAVES = 200, 31

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


@dataclass(frozen=True, slots=True)
class Membership:
    """How well each attack tells training rows from control rows.

    Attributes:
        aucs: AUC by attack, in [0, 1]; 0.5 tells nothing.
        strongest: the attack with the largest AUC.
        auc: that AUC.
        standard_error: of that AUC, the importer being the unit (``chance.auc_bound``); NaN with fewer than two importers on a
            side.
        surely: what the largest AUC is not below but by chance: the highest lower end of the five attacks, each one wide enough
            for five attacks and ``chance.CLAIMS`` claims; NaN as above.
        members: training rows attacked, and as many control rows.
        references: control rows that the attacker holds as a sample of the world; they are not attacked.
    """

    aucs: dict[str, float]
    strongest: str
    auc: float
    standard_error: float
    surely: float
    members: int
    references: int


def membership(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    columns: Sequence[str] = WITHOUT_IDENTITIES,
    seed: int = 2020,
) -> Membership:
    """Attack training and control rows, and see which are told apart.

    Half of control (by importer) is the attacker's reference sample; the other half and as many training rows are attacked.

    Args:
        synthetic: synthetic declarations.
        training: the source's rows that they were made from, with ``importer_id``.
        control: rows of the same source that were held out.
        columns: what the attacker can compare.
        seed: base seed of samples and forests.

    Raises:
        CannotBeMeasured: control has too few importers to be halved.
    """
    held = in_control(control["importer_id"], seed + 1)
    if held.all() or not held.any():
        raise CannotBeMeasured(
            f"control has {control['importer_id'].nunique()} importers, too few to keep some as a reference"
        )
    reference = control.loc[held]
    members, others = equal_in_size(training, control.loc[~held], seed)
    attacked = pd.concat([members, others], ignore_index=True)
    is_member = np.arange(len(attacked)) < len(members)
    to_synthetic, to_reference = _distances(attacked, synthetic, reference, columns)
    scores = {
        "closest": -to_synthetic[:, 0],
        "crowd": -to_synthetic.mean(axis=1),
        "density_ratio": np.log(to_reference.mean(axis=1) + 1e-3) - np.log(to_synthetic.mean(axis=1) + 1e-3),
        "classifier": _told_from_reference(synthetic, reference, attacked),
        "informed": _informed(attacked, is_member, synthetic, reference, to_synthetic, to_reference, seed),
    }
    aucs = {attack: auc(score, is_member) for attack, score in scores.items()}
    strongest = max(aucs, key=lambda attack: aucs[attack])
    # An importer on both sides, which only a split by rows makes, is two.
    importers = pd.factorize(attacked["importer_id"])[0] * 2 + is_member
    # Each attack has its part of what the claim may err by, so the highest lower end of the five holds for the claim.
    bounds = {
        name: auc_bound(score, is_member, importers, judging_quantile(len(scores))) for name, score in scores.items()
    }
    return Membership(
        aucs,
        strongest,
        aucs[strongest],
        bounds[strongest].standard_error,
        max(bound.lower for bound in bounds.values()),
        len(members),
        len(reference),
    )


def _distances(
    attacked: pd.DataFrame, synthetic: pd.DataFrame, reference: pd.DataFrame, columns: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of attacked rows to their five nearest synthetic and reference rows, each of shape (rows, 5 at most)."""
    rows, synthetic_rows, reference_rows = as_records([attacked, synthetic, reference], columns)
    crowd = min(CROWD, len(synthetic), len(reference))
    return nearest(rows, synthetic_rows, crowd).distances, nearest(rows, reference_rows, crowd).distances


def _told_from_reference(synthetic: pd.DataFrame, reference: pd.DataFrame, attacked: pd.DataFrame) -> np.ndarray:
    """The chance that each attacked row is synthetic rather than of the reference sample, as a forest has it."""
    features = seen_by_a_classifier(synthetic, reference, attacked)
    known = len(synthetic) + len(reference)
    forest = _forest()
    forest.fit(features.iloc[:known], np.arange(known) < len(synthetic))
    return np.asarray(forest.predict_proba(features.iloc[known:]))[:, 1]


def _informed(
    attacked: pd.DataFrame,
    is_member: np.ndarray,
    synthetic: pd.DataFrame,
    reference: pd.DataFrame,
    to_synthetic: np.ndarray,
    to_reference: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Out-of-fold scores of a forest that knows the members of the other folds; an importer's rows share a fold.

    Were they spread over folds, the forest would know an importer's other rows by their likeness, and tell members by that.
    """
    shared = [_shared(attacked, other, part) for part in _PARTS for other in (synthetic, reference)]
    features = np.column_stack([to_synthetic, to_reference, *shared])
    importers = pd.factorize(attacked["importer_id"])[0]
    fold_of = np.random.default_rng(seed).permutation(importers.max() + 1) % _FOLDS
    fold = fold_of[importers]
    scores = np.full(len(attacked), 0.5)
    for held_out in range(_FOLDS):
        train, test = fold != held_out, fold == held_out
        if test.any() and 0 < is_member[train].mean() < 1:
            forest = _forest()
            forest.fit(features[train], is_member[train])
            scores[test] = np.asarray(forest.predict_proba(features[test]))[:, 1]
    return scores


def _shared(rows: pd.DataFrame, others: pd.DataFrame, part: Sequence[str]) -> np.ndarray:
    """How many of the other rows share a part of each row."""
    wanted = compared_columns(rows, "attacked", list(part))
    counts = compared_columns(others, "other", list(part)).value_counts(sort=False).rename("shared").reset_index()
    return wanted.merge(counts, how="left", on=list(part))["shared"].fillna(0).to_numpy(dtype=np.float64)


def _forest():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=_TREES,
        num_leaves=_LEAVES,
        learning_rate=0.05,
        min_child_samples=50,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
