"""A random forest."""

from typing import ClassVar

import numpy as np

from customs_assets.benchmark.detectors.form import SEEDS, Classifier, ClassifierDetector, train_detector
from customs_assets.benchmark.features import Features

# Declarations that a tree is grown on, at most. The source of the reference measurements has fewer. Grown on all of ten times as
# many, trees are deeper and fall out of the processor's cache: 27 times the seconds.
ROWS_A_TREE = 60_000


class RandomForest(ClassifierDetector):
    """A random forest of 200 trees, as the reference measurements have it.

    Each tree is grown on as many declarations as there are, drawn with replacement, but at most on :data:`ROWS_A_TREE`, of source
    and release alike. Together the trees still see all.
    """

    name: ClassVar[str] = "random_forest"
    title: ClassVar[str] = "Random Forest"

    def classifier(self, seed: int) -> Classifier:
        """scikit-learn's, on one thread."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=200, random_state=seed, n_jobs=1)

    def fit(self, features: Features, fraud: np.ndarray, seed: int) -> None:
        """Train it on the feature matrix."""
        forest = self.classifier(seed % SEEDS)
        if len(fraud) > ROWS_A_TREE:
            forest.set_params(max_samples=ROWS_A_TREE)  # pyright: ignore[reportAttributeAccessIssue]
        self._trained = train_detector(forest, features.matrix, fraud)
