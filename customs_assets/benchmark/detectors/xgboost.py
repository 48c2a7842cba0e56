"""XGBoost."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector


class XGBoost(ClassifierDetector):
    """XGBoost at its defaults, on one thread. It samples nothing there, so the seed changes nothing."""

    name: ClassVar[str] = "xgboost"
    title: ClassVar[str] = "XGBoost"
    seedless: ClassVar[bool] = True

    def classifier(self, seed: int) -> Classifier:
        """The library's."""
        from xgboost import XGBClassifier

        return XGBClassifier(random_state=seed, n_jobs=1, verbosity=0)
