"""What learns from inspections: the boosted trees of Table 3, and what they tell of declarations.

Boosted trees are a linear model of their leaves. A declaration falls into one leaf of each tree, and its log-odds of fraud are
the sum of the weights of these leaves. So the leaves are the last layer's input of a network, which the strategies build on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from customs_assets.benchmark.detectors import build_detector, fraud_scores, train_detector

# The learner of Table 3 that every strategy has.
LEARNER = "xgboost"


class Learner:
    """Boosted trees, trained on what was inspected.

    Args:
        matrix: features of the inspected declarations, as ``FeatureEncoder.transform`` gives them.
        fraud: what inspections found, 0 or 1; both occur.
        seed: non-negative.

    Raises:
        NothingToLearn: ``fraud`` has one value only.
    """

    def __init__(self, matrix: np.ndarray, fraud: np.ndarray, seed: int) -> None:
        self._trees = train_detector(build_detector(LEARNER, seed), matrix, fraud)

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """The probability of fraud, in [0, 1]."""
        return fraud_scores(self._trees, matrix)

    def leaves(self, matrix: np.ndarray) -> np.ndarray:
        """The leaf that each declaration falls into, a column a tree; int32, shape (declarations, trees)."""
        return np.asarray(self._trees.apply(matrix), dtype=np.int32)


def diverse_and_uncertain(
    scores: np.ndarray, leaves: np.ndarray, count: int, rng: np.random.Generator, of: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Declarations of which a learner would learn much, and which differ: BADGE (Ash et al. 2020, arXiv 1906.03671).

    The gradient of the loss with regard to the last layer, under the label that the learner holds for likelier, is
    ``(p - label)`` in each of the declaration's leaves and 0 in all others. Its length says how uncertain the learner is. By the
    seeding of k-means++ (Arthur and Vassilvitskii 2007), each next declaration is drawn with the square of its distance to the
    nearest that was chosen. The first has the longest gradient, as in the authors' experiments.

    Args:
        scores: probability of fraud, shape (declarations,).
        leaves: as :meth:`Learner.leaves`.
        count: how many to choose; no more than ``of`` has.
        rng: draws.
        of: places of the declarations to choose from.

    Returns:
        Places, in the order they were chosen.
    """
    of = np.asarray(of)
    if not count:
        return of[:0]
    pull = scores[of] - (scores[of] > 0.5)
    own = leaves[of]
    norms = own.shape[1] * pull**2

    def squared_distance(centre: int) -> np.ndarray:
        shared = (own == own[centre]).sum(axis=1)
        return np.maximum(norms + norms[centre] - 2 * pull * pull[centre] * shared, 0.0)

    chosen = [int(np.argmax(norms))]
    nearest = squared_distance(chosen[0])
    while len(chosen) < count:
        nearest[chosen] = 0.0
        total = nearest.sum()
        if total > 0:
            drawn = int(np.searchsorted(np.cumsum(nearest), rng.random() * total, side="right"))
            drawn = min(drawn, int(np.flatnonzero(nearest)[-1]))
        else:
            # All that is left is the same as something chosen.
            drawn = int(rng.choice(np.setdiff1d(np.arange(len(of)), chosen)))
        chosen.append(drawn)
        nearest = np.minimum(nearest, squared_distance(drawn))
    return of[chosen]
