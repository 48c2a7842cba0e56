"""Precision at n: of the declarations that a detector would have inspected, how many are fraud (section 5.2).

What belongs here is the measure, and the run that leads to it: split, encode, train, score, measure, over the seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import Detector, NothingToLearn, detector_class
from customs_assets.benchmark.detectors.form import SEEDS
from customs_assets.benchmark.features import FeatureEncoder, Features, fraud_labels
from customs_assets.benchmark.inspection import inspected_at_random, values_at_stake
from customs_assets.benchmark.split import ChronologicalSplit, span

INSPECTION_RATES: tuple[float, ...] = (0.05, 0.10)

ROW_COLUMNS: tuple[str, ...] = ("detector", "dataset", "inspection_rate", "precision_mean", "precision_std", "seeds")


def precision_at(scores: np.ndarray, fraud: np.ndarray, inspection_rate: float) -> float:
    """The share of frauds among the declarations with the highest scores.

    Where the last places are contested by equal scores (a shallow tree gives thousands of declarations the same), each contender
    counts as the contenders' own share of frauds: the expectation over drawing among them. So the result depends neither on the
    order of the rows nor on chance.

    Args:
        scores: in [0, 1], shape (declarations,).
        fraud: 0 or 1, shape (declarations,).
        inspection_rate: share of the declarations that is inspected, in (0, 1]; their number is rounded to the nearest whole one,
            halves up, and is 1 at least.

    Returns:
        In [0, 1].

    Raises:
        ValueError: the arrays are empty or of different lengths, a score lies outside [0, 1] or is no number, a label is
            neither 0 nor 1, or the rate lies outside (0, 1].
    """
    scores, fraud = np.asarray(scores, dtype=np.float64), np.asarray(fraud)
    if scores.ndim != 1 or scores.shape != fraud.shape or not scores.size:
        raise ValueError(
            f"scores {scores.shape} and labels {fraud.shape} must be one each per declaration, one or more"
        )
    if not 0 < inspection_rate <= 1:
        raise ValueError(f"the inspection rate is {inspection_rate}; it must lie above 0 and at most at 1")
    outside = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if outside.size:
        raise ValueError(
            f"score {scores[outside[0]]} in row {outside[0]} lies outside [0, 1] ({outside.size} such rows)"
        )
    if not np.isin(fraud, (0, 1)).all():
        raise ValueError("labels must be 0 or 1; only inspected declarations can be measured")
    inspected = max(int(np.floor(inspection_rate * len(scores) + 0.5)), 1)
    threshold = np.partition(scores, len(scores) - inspected)[len(scores) - inspected]
    certain, contenders = scores > threshold, scores == threshold
    places = inspected - np.count_nonzero(certain)
    return float((fraud[certain].sum() + places * fraud[contenders].mean()) / inspected)


def evaluate(
    declarations: pd.DataFrame,
    detector: str,
    dataset: str,
    split: ChronologicalSplit,
    seeds: Sequence[int],
    test_on: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Train a detector on the training months of a data set and measure it on the test months.

    Args:
        declarations: inspected declarations of all the split's months; rows of other months are left aside.
        detector: one of ``DETECTORS``.
        dataset: what the rows are called in the result and in messages: ``source`` or ``synthetic``.
        split: as ``split_months`` gives it.
        seeds: one run per seed; at least one. The class of a detector says what a seed changes.
        test_on: the data set whose test months are measured on, identities in the same tokens; the same one where None.

    Returns:
        One row per rate in :data:`INSPECTION_RATES` with the columns :data:`ROW_COLUMNS`: ``precision_mean`` and
        ``precision_std`` (of the sample, divisor n - 1; 0 for one seed) over the runs, ``seeds`` their number.

    Raises:
        ValueError: the training part holds no rows or one class only, the test part holds no rows, an attribute is missing or
            null, there is no such detector, or no seed.
    """
    tested = declarations if test_on is None else test_on
    return encoded(declarations, tested, split, dataset).measure(detector, seeds)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The training and the test part of a data set as detectors see them, encoded once for any number of detectors.

    Attributes:
        dataset: what the rows are called in results and messages.
        features: of the training part, as ``FeatureEncoder.features`` gives them.
        fraud: its labels.
        test_features: of the test part, as training's encoder gives them.
        test_fraud: its labels.
        test_values: what is at stake in the test part, as ``inspection.values_at_stake`` gives it.
        test_at_random: which declarations of the test part were inspected at random, where the source says so.
    """

    dataset: str
    features: Features
    fraud: np.ndarray
    test_features: Features
    test_fraud: np.ndarray
    test_values: pd.DataFrame
    test_at_random: np.ndarray

    def scores(self, detector: type[Detector], seeds: Sequence[int]) -> list[np.ndarray]:
        """Train a detector, a run for each seed, and score the test part; one run for all where it draws nothing.

        Raises:
            ValueError: there is no seed, or the training part is of one class.
        """
        if not seeds:
            raise ValueError(f"the benchmark of {detector.name} on {self.dataset} has no seed; give at least one")
        runs = []
        for seed in seeds[:1] if getattr(detector, "seedless", False) else seeds:
            trained = detector()
            trained.fit(self.features, self.fraud, seed % SEEDS)
            runs.append(np.asarray(trained.score(self.test_features)))
        return runs

    def precision(self, scores: np.ndarray, inspection_rate: float) -> float:
        """The share of frauds among the test declarations with the highest scores, as :func:`precision_at` has it."""
        return precision_at(scores, self.test_fraud, inspection_rate)

    def measure(self, detector: str, seeds: Sequence[int]) -> pd.DataFrame:
        """Train a detector of the register, a run for each seed, and measure it: rows as :func:`evaluate` gives them.

        Raises:
            ValueError: there is no such detector, or no seed.
        """
        runs = self.scores(detector_class(detector), seeds)
        means, deviations = mean_and_deviation(
            [[self.precision(scores, rate) for rate in INSPECTION_RATES] for scores in runs]
        )
        return pd.DataFrame(
            {
                "detector": detector,
                "dataset": self.dataset,
                "inspection_rate": INSPECTION_RATES,
                "precision_mean": means,
                "precision_std": deviations,
                "seeds": len(seeds),
            }
        )


def mean_and_deviation(precisions: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (of the sample, divisor n - 1; 0 for one run) over runs.

    Args:
        precisions: of each run, at each rate.
    """
    runs = np.array(precisions)
    # The mean of equal numbers need not equal them in the last digit; where nothing varied, nothing is averaged.
    constant = (runs == runs[0]).all(axis=0)
    deviations = runs.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(runs.shape[1])
    return np.where(constant, runs[0], runs.mean(axis=0)), np.where(constant, 0.0, deviations)


def encoded(train_on: pd.DataFrame, test_on: pd.DataFrame, split: ChronologicalSplit, dataset: str) -> Encoded:
    """Encode the training months of one data set and the test months of another, or of the same.

    Raises:
        NothingToLearn: a part holds no rows, or the training part one class only.
        ValueError: an attribute is missing or null.
    """
    train, test = split.rows(train_on, "train"), split.rows(test_on, "test")
    for rows, name, months in ((train, "training", split.train), (test, "test", split.test)):
        if rows.empty:
            raise NothingToLearn(
                f"{dataset}: no declarations in the {name} part, {span(months)}; make these months first"
            )
    if train["fraud"].nunique() < 2:
        raise NothingToLearn(
            f"{dataset}: all {len(train)} declarations of the training part, {span(split.train)}, have fraud "
            f"{train['fraud'].iloc[0]}; a detector needs both kinds, so train on more months"
        )
    encoder = FeatureEncoder.fit(train)
    return Encoded(
        dataset,
        encoder.features(train),
        fraud_labels(train),
        encoder.features(test),
        fraud_labels(test),
        values_at_stake(test),
        inspected_at_random(test),
    )
