"""Boosted trees whose leaves are a network's input: each leaf is a crossing of attributes that trees found worth a look."""

from __future__ import annotations

import numpy as np

from customs_assets.benchmark.features import Features


class Leaves:
    """Boosted trees, and the number of the leaf of each tree that a declaration falls into.

    Trees are those of DATE (Kim et al. 2020): 100 of depth 4, trained on the same rows as the network. They sample nothing.

    Args:
        features: of the training declarations.
        fraud: 0 or 1 per declaration.
        known: which of them were inspected; only these train trees.

    Attributes:
        count: how many leaves there are, over all trees.
    """

    TREES, DEPTH = 100, 4

    def __init__(self, features: Features, fraud: np.ndarray, known: np.ndarray) -> None:
        from threadpoolctl import threadpool_limits
        from xgboost import XGBClassifier

        self._trees = XGBClassifier(n_estimators=self.TREES, max_depth=self.DEPTH, n_jobs=1, verbosity=0)
        with threadpool_limits(1):
            self._trees.fit(features.matrix[known], fraud[known])
        # The nodes of a tree of depth 4 have numbers below 31.
        self._width = 2 ** (self.DEPTH + 1)
        self.count = self.TREES * self._width

    def of(self, features: Features) -> np.ndarray:
        """int64, shape (declarations, trees): every leaf has a number of its own, whatever its tree."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            nodes = np.asarray(self._trees.apply(features.matrix)).reshape(len(features.matrix), -1)
        return nodes.astype(np.int64) + np.arange(nodes.shape[1]) * self._width
