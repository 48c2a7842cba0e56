"""LOGAN: a classifier that learned to tell synthetic rows from real rows of others takes members for synthetic.

Hayes, Melis, Danezis, De Cristofaro: *LOGAN: Membership Inference Attacks against Generative Models* (PoPETs 2019), the black box
with a reference sample; boosted trees here in place of their network. Score: the probability that the row is synthetic.
"""

from __future__ import annotations

import numpy as np

from customs_assets.boosted_trees import boosted_trees
from customs_assets.fidelity.detection import classifier_features
from customs_assets.privacy.membership.scene import Scene

TREES = {"n_estimators": 200, "num_leaves": 31, "learning_rate": 0.05, "min_child_samples": 50}


def scores(scene: Scene) -> np.ndarray:
    """n probabilities."""
    features = classifier_features(scene.synthetic, scene.reference, scene.attacked)
    learned = len(scene.synthetic) + len(scene.reference)
    trees = boosted_trees(**TREES)
    trees.fit(features.iloc[:learned], np.arange(learned) < len(scene.synthetic))
    return np.asarray(trees.predict_proba(features.iloc[learned:]))[:, 1]
