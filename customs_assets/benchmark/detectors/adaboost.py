"""AdaBoost."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector


class AdaBoost(ClassifierDetector):
    """AdaBoost on stumps. The seed only chooses between equally good cuts."""

    name: ClassVar[str] = "adaboost"
    title: ClassVar[str] = "AdaBoost"

    def classifier(self, seed: int) -> Classifier:
        """scikit-learn's, at its defaults."""
        from sklearn.ensemble import AdaBoostClassifier

        return AdaBoostClassifier(random_state=seed)
