"""The fraud detectors, a class in a file each, and the register that the benchmark takes them from.

What belongs here is how a detector is made, trained and asked for scores. To add one: write its class in a file of this folder,
in the form of ``form.Detector``, and name it in :data:`REGISTER`.

The networks of customs research stand in ``deep``: they take minutes, and are measured on demand.

The seven of the paper stand at their libraries' defaults. Exceptions are told in their classes. All else that is set serves
repetition: one thread, nothing written, nothing printed.
"""

from __future__ import annotations

from typing import Any

from customs_assets.benchmark.detectors.adaboost import AdaBoost
from customs_assets.benchmark.detectors.boosted_leaves import BoostedLeaves
from customs_assets.benchmark.detectors.catboost import CatBoost
from customs_assets.benchmark.detectors.decision_tree import DecisionTree
from customs_assets.benchmark.detectors.deep import DEEP_REGISTER, DEEP_TITLES
from customs_assets.benchmark.detectors.form import (
    SEEDS,
    Classifier,
    ClassifierDetector,
    Detector,
    NothingToLearn,
    fraud_scores,
    train_detector,
)
from customs_assets.benchmark.detectors.lightgbm import LightGBM
from customs_assets.benchmark.detectors.logistic_regression import LogisticRegression
from customs_assets.benchmark.detectors.random_forest import RandomForest
from customs_assets.benchmark.detectors.risk_profiles import RiskProfiles
from customs_assets.benchmark.detectors.xgboost import XGBoost

__all__ = [
    "ALL",
    "DEEP_REGISTER",
    "DEEP_TITLES",
    "DETECTORS",
    "OF_THE_PAPER",
    "REGISTER",
    "SEEDLESS",
    "TITLES",
    "Detector",
    "NothingToLearn",
    "build_detector",
    "detector_class",
    "fraud_scores",
    "train_detector",
]

# Those of the paper, in the order of its Table 3; then ours.
OF_THE_PAPER: tuple[type[Detector], ...] = (
    LogisticRegression,
    AdaBoost,
    DecisionTree,
    RandomForest,
    CatBoost,
    XGBoost,
    LightGBM,
)
REGISTER: dict[str, type[Detector]] = {of.name: of for of in (*OF_THE_PAPER, RiskProfiles, BoostedLeaves)}

TITLES: dict[str, str] = {name: of.title for name, of in REGISTER.items()}
DETECTORS: tuple[str, ...] = tuple(REGISTER)

# Those of Table 3, then the networks.
ALL: dict[str, type[Detector]] = {**REGISTER, **DEEP_REGISTER}

# Detectors that draw nothing: the seed does not reach them, and one run stands for all.
SEEDLESS: frozenset[str] = frozenset(name for name, of in REGISTER.items() if getattr(of, "seedless", False))


def detector_class(name: str) -> type[Detector]:
    """The class of a detector.

    Raises:
        ValueError: there is no detector of that name.
    """
    if name not in ALL:
        raise ValueError(f"there is no fraud detector {name!r}; choose one of {', '.join(ALL)}")
    return ALL[name]


def build_detector(name: str, seed: int) -> Any:
    """The untrained classifier of a detector that is one, for whoever looks into it.

    Args:
        name: one of :data:`DETECTORS`.
        seed: non-negative; its remainder modulo 2**31 is given to the library.

    Raises:
        ValueError: there is no detector of that name, or it is no classifier on the feature matrix.
    """
    detector = detector_class(name)()
    if not isinstance(detector, ClassifierDetector):
        raise ValueError(f"{name} is no classifier on the feature matrix; use its class")
    classifier: Classifier = detector.classifier(seed % SEEDS)
    return classifier
