"""Membership inference: can somebody who has a real declaration tell whether the synthesizer saw it?

Each attack scores source rows; training rows should score higher than control rows. Its AUC says how well it works; 0.5 is a
coin. What belongs here is the attacks and their AUC. From weak to strong:

- ``closest``: the nearer the closest synthetic record, the likelier a member (Chen et al. 2020, GAN-Leaks).
- ``crowd``: the same with the mean of the five closest.
- ``density_ratio``: the distance to the synthetic rows over that to a reference sample of the same world. Otherwise every row
  in a crowded place would look like a member (van Breugel et al. 2023, DOMIAS).
- ``classifier``: boosted trees that learn to tell synthetic rows from the reference sample.
- ``informed``: boosted trees that know of two thirds of the importers whether they were members. They learn from all
  distances, and from how many synthetic and reference rows share parts of a row. No outsider knows as much, so this attack
  bounds the others.
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
        standard_error: of that AUC, with the importer as the unit; NaN with too few importers on a side.
        lower_bound: of the largest AUC: the highest of the five attacks' lower bounds, each of which allows for five attacks and
            ``chance.CLAIMS`` claims; NaN as above.
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


def membership(synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020) -> Membership:
    """Attack training and control rows, and measure how well each attack tells them apart.

    Half of control's importers are the attacker's reference sample. The other half and as many training rows are attacked.

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
    rows, *known_rows = as_records([attacked, synthetic, reference], WITHOUT_IDENTITIES)
    crowd = min(CROWD, len(synthetic), len(reference))
    to_synthetic, to_reference = (nearest(rows, records, crowd).distances for records in known_rows)
    shared = [_shared(attacked, other, part) for part in _PARTS for other in (synthetic, reference)]
    scores = {
        "closest": -to_synthetic[:, 0],
        "crowd": -to_synthetic.mean(axis=1),
        "density_ratio": np.log(to_reference.mean(axis=1) + 1e-3) - np.log(to_synthetic.mean(axis=1) + 1e-3),
        "classifier": _synthetic_chance(synthetic, reference, attacked),
        "informed": _informed(np.column_stack([to_synthetic, to_reference, *shared]), is_member, importers, seed),
    }
    aucs = {attack: auc(score, is_member) for attack, score in scores.items()}
    strongest = max(aucs, key=lambda attack: aucs[attack])
    # An importer on both sides counts as two (only a split by rows puts one there). Each attack has its part of the claim's
    # rate of false alarms, so the highest lower bound of the five holds for the claim.
    codes, quantile = importers * 2 + is_member, judging_quantile(len(scores))
    bounds = {name: auc_bound(score, is_member, codes, quantile) for name, score in scores.items()}
    lower_bound = max(lower for lower, _ in bounds.values())
    return Membership(aucs, strongest, bounds[strongest][1], lower_bound, len(members))


def _synthetic_chance(synthetic: pd.DataFrame, reference: pd.DataFrame, attacked: pd.DataFrame) -> np.ndarray:
    """The probability, by boosted trees, that each attacked row is synthetic and not of the reference sample."""
    features = classifier_features(synthetic, reference, attacked)
    learned = len(synthetic) + len(reference)
    trees = boosted_trees(**_TREES)
    trees.fit(features.iloc[:learned], np.arange(learned) < len(synthetic))
    return np.asarray(trees.predict_proba(features.iloc[learned:]))[:, 1]


def _informed(features: np.ndarray, is_member: np.ndarray, importers: np.ndarray, seed: int) -> np.ndarray:
    """Out-of-fold scores of boosted trees that know the members of the other folds.

    All rows of an importer are in one fold. Otherwise they would be recognized by the importer's rows in the other folds.
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
    """For each row, how many of the other rows share a part of it."""
    wanted = compared_columns(rows, "attacked", part)
    counts = compared_columns(others, "other", part).value_counts(sort=False).rename("shared").reset_index()
    return wanted.merge(counts, how="left", on=list(part))["shared"].fillna(0).to_numpy(dtype=np.float64)
