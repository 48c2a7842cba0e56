"""A random forest."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector


class RandomForest(ClassifierDetector):
    """A random forest of 200 trees, as the reference measurements have it."""

    name: ClassVar[str] = "random_forest"
    title: ClassVar[str] = "Random Forest"

    def classifier(self, seed: int) -> Classifier:
        """scikit-learn's, on one thread."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=200, random_state=seed, n_jobs=1)
