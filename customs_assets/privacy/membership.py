"""Membership inference: can somebody who holds a real declaration tell whether the synthesizer saw it?

Each attack gives source rows a score that should be higher for training rows than for control rows; its AUC says how well it
does, 0.5 being a coin. What belongs here is the attacks and their AUC. From weak to strong:

- ``closest``: the nearer the closest synthetic record, the likelier a member (Chen et al. 2020, GAN-Leaks).
- ``crowd``: the same with the mean of the five closest.
- ``density_ratio``: the distance to the synthetic rows against that to a reference sample of the same world, so that a row in a
  crowded place is not taken for a member (van Breugel et al. 2023, DOMIAS).
- ``classifier``: boosted trees that learn to tell synthetic rows from the reference sample.
- ``informed``: boosted trees that are told of two thirds of the importers whether they were members, and learn from all the
  distances and from how often synthetic and reference rows share a row's parts. No outsider knows as much; it bounds the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.boosted_trees import boosted_trees
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.fidelity.detection import auc, classifier_features
from customs_assets.fidelity.references import equal_in_size, in_control
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.chance import auc_bound, judging_quantile
from customs_assets.privacy.records import as_records, nearest

CROWD = 5
_FOLDS = 3
_TREES = {"n_estimators": 200, "num_leaves": 31, "learning_rate": 0.05, "min_child_samples": 50}

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
        standard_error: of that AUC, the importer being the unit; NaN with too few importers on a side.
        lower_bound: what the largest AUC is not below but by chance: the highest of the five attacks' lower bounds, each one wide
            enough for five attacks and ``chance.CLAIMS`` claims; NaN as above.
        members: training rows attacked, and as many control rows.
    """

    aucs: dict[str, float]
    strongest: str
    standard_error: float
    lower_bound: float
    members: int

    @property
    def auc(self) -> float:
        """The largest AUC."""
        return self.aucs[self.strongest]


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
        seed: base seed of samples and folds.

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
    importers = pd.factorize(attacked["importer_id"])[0]
    rows, *known = as_records([attacked, synthetic, reference], columns)
    crowd = min(CROWD, len(synthetic), len(reference))
    to_synthetic, to_reference = (nearest(rows, others, crowd).distances for others in known)
    shared = [_shared(attacked, other, part) for part in _PARTS for other in (synthetic, reference)]
    scores = {
        "closest": -to_synthetic[:, 0],
        "crowd": -to_synthetic.mean(axis=1),
        "density_ratio": np.log(to_reference.mean(axis=1) + 1e-3) - np.log(to_synthetic.mean(axis=1) + 1e-3),
        "classifier": _told_from_reference(synthetic, reference, attacked),
        "informed": _informed(np.column_stack([to_synthetic, to_reference, *shared]), is_member, importers, seed),
    }
    aucs = {attack: auc(score, is_member) for attack, score in scores.items()}
    strongest = max(aucs, key=lambda attack: aucs[attack])
    # An importer on both sides, which only a split by rows makes, is two. Each attack has its part of what the claim may err
    # by, so that the highest lower bound of the five holds for the claim.
    codes, quantile = importers * 2 + is_member, judging_quantile(len(scores))
    bounds = {name: auc_bound(score, is_member, codes, quantile) for name, score in scores.items()}
    lower_bound = max(bound.lower for bound in bounds.values())
    return Membership(aucs, strongest, bounds[strongest].standard_error, lower_bound, len(members))


def _told_from_reference(synthetic: pd.DataFrame, reference: pd.DataFrame, attacked: pd.DataFrame) -> np.ndarray:
    """The chance that each attacked row is synthetic rather than of the reference sample, as boosted trees see it."""
    features = classifier_features(synthetic, reference, attacked)
    known = len(synthetic) + len(reference)
    trees = boosted_trees(**_TREES)
    trees.fit(features.iloc[:known], np.arange(known) < len(synthetic))
    return np.asarray(trees.predict_proba(features.iloc[known:]))[:, 1]


def _informed(features: np.ndarray, is_member: np.ndarray, importers: np.ndarray, seed: int) -> np.ndarray:
    """Out-of-fold scores of boosted trees that know the members of the other folds.

    An importer's rows share a fold: spread over folds, they would be known by their likeness to the importer's other rows.
    """
    fold = (np.random.default_rng(seed).permutation(importers.max() + 1) % _FOLDS)[importers]
    scores = np.full(len(importers), 0.5)
    for held_out in range(_FOLDS):
        train, test = fold != held_out, fold == held_out
        if test.any() and 0 < is_member[train].mean() < 1:
            trees = boosted_trees(**_TREES)
            trees.fit(features[train], is_member[train])
            scores[test] = np.asarray(trees.predict_proba(features[test]))[:, 1]
    return scores


def _shared(rows: pd.DataFrame, others: pd.DataFrame, part: Sequence[str]) -> np.ndarray:
    """How many of the other rows share a part of each row."""
    wanted = compared_columns(rows, "attacked", part)
    counts = compared_columns(others, "other", part).value_counts(sort=False).rename("shared").reset_index()
    return wanted.merge(counts, how="left", on=list(part))["shared"].fillna(0).to_numpy(dtype=np.float64)
