"""The seven detectors: scores that are probabilities, a planted rule that is found, and the same result twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.detectors import DETECTORS, SEEDLESS, build_detector, fraud_scores, train_detector
from customs_assets.benchmark.features import FeatureEncoder, fraud_labels
from customs_assets.benchmark.precision import precision_at
from customs_assets.benchmark.split import split_months

# A shallow tree and everything stronger can express "these goods, this origin, this mass"; sums of single cuts cannot.
FIND_THE_RULE = ("decision_tree", "random_forest", "catboost", "xgboost", "lightgbm")


class Parts:
    """The planted world as matrices: four months to train on, one to test on."""

    def __init__(self, declarations: pd.DataFrame) -> None:
        split = split_months(sorted(declarations["date"].dt.strftime("%Y-%m").unique()))
        train, test = split.rows(declarations, "train"), split.rows(declarations, "test")
        encoder = FeatureEncoder.fit(train)
        self.features, self.fraud = encoder.transform(train), fraud_labels(train)
        self.test_features, self.test_fraud = encoder.transform(test), fraud_labels(test)

    def scores(self, detector: str, seed: int) -> np.ndarray:
        return fraud_scores(
            train_detector(build_detector(detector, seed), self.features, self.fraud), self.test_features
        )


@pytest.fixture(scope="module")
def parts(declarations: pd.DataFrame) -> Parts:
    return Parts(declarations)


@pytest.mark.parametrize("detector", DETECTORS)
def test_scores_are_probabilities_that_repeat_to_the_byte_and_leave_nothing_behind(
    detector: str, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    scores = parts.scores(detector, 2**62 + 1)

    assert scores.shape == (400,)
    assert scores.dtype == np.float64
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.unique(scores).size > 1
    assert parts.scores(detector, 2**62 + 1).tobytes() == scores.tobytes()
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_planted_rule_is_found_by_the_detectors_that_can_express_it(detector: str, parts: Parts) -> None:
    precision = precision_at(parts.scores(detector, 7), parts.test_fraud, 0.10)

    assert precision > parts.test_fraud.mean()
    if detector in FIND_THE_RULE:
        assert precision == 1.0


@pytest.mark.parametrize("detector", ["random_forest", "catboost"])
def test_detectors_that_draw_depend_on_the_seed(detector: str, parts: Parts) -> None:
    assert not np.array_equal(parts.scores(detector, 1), parts.scores(detector, 2))


@pytest.mark.parametrize("detector", sorted(SEEDLESS))
def test_detectors_that_draw_nothing_do_not_depend_on_the_seed(detector: str, parts: Parts) -> None:
    assert parts.scores(detector, 1).tobytes() == parts.scores(detector, 2).tobytes()


def test_an_unknown_detector_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no fraud detector 'svm'; choose one of logistic_regression, adaboost"):
        build_detector("svm", 1)


def test_one_class_is_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="all 3 rows are of one kind"):
        train_detector(build_detector("decision_tree", 1), np.zeros((3, 18)), np.zeros(3, dtype=np.int64))
