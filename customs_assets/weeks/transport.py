"""How far a week's declarations are from those before it: optimal transport between two samples.

Between two samples of equal size, the cheapest transport is an assignment of one to the other, and SciPy finds it exactly. So no
library for transport is needed: those solve the same problem for samples of unequal size or weight. ``wasserstein_distance`` of
SciPy knows one dimension alone.

Two declarations are as far apart as the share of the learner's trees that put them into different leaves. So what counts is
what the learner holds for relevant, and no attribute needs a scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Declarations of a sample. An assignment of this size takes a few thousandths of a second.
_SAMPLE = 256

# Fewer say nothing.
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a week is from the weeks before it.

    Attributes:
        distance: of the week to a sample of the weeks before, in [0, 1].
        by_chance: of two samples of the weeks before to each other.
    """

    distance: float
    by_chance: float

    @property
    def beyond_chance(self) -> float:
        """The share of the distance that chance does not explain, in [0, 1]."""
        return max(1 - self.by_chance / self.distance, 0.0) if self.distance > 0 else 0.0


def transport_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The cost of the cheapest transport of one sample to another.

    Args:
        first, second: leaves, as ``Learner.leaves``, shape (declarations, trees), of equal size.

    Returns:
        In [0, 1]: the mean share of trees that put a declaration and the one that it is assigned to into different leaves.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    costs = cdist(first, second, "hamming")
    return float(costs[linear_sum_assignment(costs)].mean())


def drift(before: np.ndarray, week: np.ndarray, rng: np.random.Generator) -> Drift | None:
    """How far a week is from the weeks before it; None where there are too few declarations to tell.

    Args:
        before: leaves of the declarations of the weeks before, inspected or not.
        week: leaves of the week's.
        rng: draws the samples.
    """
    size = min(_SAMPLE, len(before) // 2, len(week))
    if size < _LEAST:
        return None
    drawn = rng.permutation(len(before))[: 2 * size]
    halves = before[drawn[:size]], before[drawn[size:]]
    now = week[rng.permutation(len(week))[:size]]
    distances = [transport_distance(half, now) for half in halves]
    return Drift(float(np.mean(distances)), transport_distance(*halves))
