"""CatBoost."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector


class CatBoost(ClassifierDetector):
    """CatBoost at its defaults, on one thread; it writes and prints nothing."""

    name: ClassVar[str] = "catboost"
    title: ClassVar[str] = "CatBoost"

    def classifier(self, seed: int) -> Classifier:
        """The library's."""
        from catboost import CatBoostClassifier

        quiet = {"allow_writing_files": False, "logging_level": "Silent"}
        return CatBoostClassifier(random_seed=seed, thread_count=1, **quiet)
