"""Declarations as a network takes them: a place in a vocabulary for each code and identity, and standardized numbers.

What belongs here is learned from training declarations alone. A network looks values up by their places; it does not see an order
of tokens, as trees on the feature matrix do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors.form import NothingToLearn
from customs_assets.benchmark.features import CODED, Features

# A value that training has less often shares place 0 with all that it has not. So place 0 is trained, too: by what is rare.
LEAST_OFTEN = 2

NUMBERS = ("log net mass", "log price", "log price per kg", "tax rate")

# The label of a declaration that was not inspected; detectors that are semi-supervised learn from these, too.
NOT_INSPECTED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """What training says about values.

    Attributes:
        values: per coded attribute, the values that have a place of their own, in ascending order; places count from 1.
        centers: mean of each of :data:`NUMBERS`.
        scales: its deviation; 1 where nothing varies.
    """

    values: Mapping[str, pd.Index]
    centers: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, features: Features) -> Vocabulary:
        """Learn from training declarations."""
        values = {}
        for name in CODED:
            counts = features.declarations[name].value_counts()
            values[name] = pd.Index(np.sort(counts.index[counts >= LEAST_OFTEN].to_numpy()))
        numbers = _numbers(features.declarations)
        scales = numbers.std(axis=0)
        return cls(values, numbers.mean(axis=0), np.where(scales > 0, scales, 1.0))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many places each coded attribute has, place 0 included, in the order of ``features.CODED``."""
        return tuple(len(self.values[name]) + 1 for name in CODED)

    def places(self, features: Features) -> np.ndarray:
        """int64, shape (declarations, coded attributes): the place of each value; 0 for one without a place of its own."""
        columns = [self.values[name].get_indexer(pd.Index(features.declarations[name])) + 1 for name in CODED]
        return np.column_stack(columns).astype(np.int64)

    def numbers(self, features: Features) -> np.ndarray:
        """float32, shape (declarations, ``len(NUMBERS)``): mean 0 and deviation 1 in training; within 8 deviations."""
        standardized = (_numbers(features.declarations) - self.centers) / self.scales
        return np.clip(standardized, -8, 8).astype(np.float32)


def _numbers(declarations: pd.DataFrame) -> np.ndarray:
    mass, price = (
        np.log1p(np.maximum(declarations[name].to_numpy(np.float64), 0.0)) for name in ("net_mass", "item_price")
    )
    return np.column_stack([mass, price, price - mass, declarations["tax_rate"].to_numpy(np.float64)])


def column(name: str) -> int:
    """Where a coded attribute stands among the columns of :meth:`Vocabulary.places`."""
    return CODED.index(name)


def known_labels(fraud: np.ndarray) -> np.ndarray:
    """Which declarations were inspected.

    Raises:
        NothingToLearn: the inspected ones are not of both kinds.
    """
    known = fraud != NOT_INSPECTED
    if np.unique(fraud[known]).size != 2:
        raise NothingToLearn(
            f"a detector needs frauds and others to learn from, but all {int(known.sum())} inspected rows are of one kind"
        )
    return known


def revenue_at_stake(features: Features, fraud: np.ndarray) -> np.ndarray:
    """The second task: what a fraud would have brought, as the logarithm, 1 for the largest of training and 0 for no fraud.

    A declaration does not say what an inspection recovered. The duty at stake, item price times tax rate, stands for it.

    Returns:
        float32 in [0, 1], one a declaration.
    """
    rows = features.declarations
    duty = rows["item_price"].to_numpy(np.float64) * rows["tax_rate"].to_numpy(np.float64) / 100
    logarithm = np.log1p(np.maximum(duty, 0.0)) * (fraud == 1)
    return (logarithm / max(float(logarithm.max(initial=0.0)), 1e-9)).astype(np.float32)
