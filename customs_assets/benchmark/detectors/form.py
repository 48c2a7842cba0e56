"""The form of a fraud detector: one class with a name, a title, ``fit`` and ``score``.

What belongs here is what the benchmark asks of a detector, and how a library's classifier takes that form. A detector of one's
own needs to inherit nothing: a class of this form is enough, wherever it stands.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from customs_assets.benchmark.features import Features

# The largest range of seeds that all of the libraries take.
SEEDS = 2**31


class NothingToLearn(ValueError):
    """A data set has nothing that a detector could learn or be tested on; the message says which part lacks what."""


@runtime_checkable
class Detector(Protocol):
    """A fraud detector. An object of the class is made without arguments for every run, trained once and asked for scores.

    Attributes:
        name: its name for machines: small letters, digits and underscores.
        title: its name in tables.
        seedless: whether it draws nothing, so that one run stands for all. False where a class does not say.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def fit(self, features: Features, fraud: np.ndarray, seed: int) -> object:
        """Learn from training declarations.

        Args:
            features: of the training declarations, in the order of the data set.
            fraud: 0 or 1 per declaration (int64); both occur.
            seed: non-negative, below :data:`SEEDS`; the same seed gives the same detector.
        """
        ...

    def score(self, features: Features) -> np.ndarray:
        """How suspicious declarations are: one finite number each, the larger the more suspicious.

        Each declaration is scored for itself: the others that are scored with it change nothing.
        """
        ...


class Classifier(Protocol):
    """A classifier as scikit-learn shapes it, the part of it that is used here."""

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> object: ...

    def predict_proba(self, X: np.ndarray, /) -> object: ...


class ClassifierDetector:
    """A detector that is a library's classifier on the feature matrix; its score is the probability of fraud, in [0, 1]."""

    seedless: ClassVar[bool] = False

    def classifier(self, seed: int) -> Classifier:
        """The untrained classifier."""
        raise NotImplementedError

    def fit(self, features: Features, fraud: np.ndarray, seed: int) -> None:
        """Train the classifier on the feature matrix."""
        self._trained = train_detector(self.classifier(seed % SEEDS), features.matrix, fraud)

    def score(self, features: Features) -> np.ndarray:
        """The probability of fraud."""
        return fraud_scores(self._trained, features.matrix)


def train_detector(classifier: Any, features: np.ndarray, fraud: np.ndarray) -> Any:
    """Train a classifier on one thread: the same arguments give the same one.

    Args:
        classifier: untrained.
        features: float64, shape (declarations, features), as ``FeatureEncoder.transform`` gives it.
        fraud: 0 or 1 per declaration; both occur.

    Raises:
        NothingToLearn: ``fraud`` holds one class only.
    """
    from threadpoolctl import threadpool_limits

    if np.unique(fraud).size != 2:
        raise NothingToLearn(
            f"a detector needs frauds and others to learn from, but all {len(fraud)} rows are of one kind"
        )
    with threadpool_limits(1):
        classifier.fit(features, fraud)
    return classifier


def fraud_scores(classifier: Classifier, features: np.ndarray) -> np.ndarray:
    """The probability of fraud that a trained classifier gives each declaration: float64 in [0, 1], one per row."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return np.asarray(classifier.predict_proba(features), dtype=np.float64)[:, 1]
