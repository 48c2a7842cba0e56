"""A decision tree."""

from typing import ClassVar

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector


class DecisionTree(ClassifierDetector):
    """A decision tree 8 deep, as the reference measurements have it. The seed only chooses between equally good cuts."""

    name: ClassVar[str] = "decision_tree"
    title: ClassVar[str] = "Decision Tree"

    def classifier(self, seed: int) -> Classifier:
        """scikit-learn's."""
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(max_depth=8, random_state=seed)
