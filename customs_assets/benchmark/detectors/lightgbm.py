"""LightGBM."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector
from customs_assets.boosted_trees import boosted_trees


class LightGBM(ClassifierDetector):
    """LightGBM at its defaults, on one thread. It samples nothing there, so the seed changes nothing."""

    name: ClassVar[str] = "lightgbm"
    title: ClassVar[str] = "LightGBM"
    seedless: ClassVar[bool] = True

    def classifier(self, seed: int) -> Classifier:
        """The library's."""
        return boosted_trees("col", random_state=seed)
