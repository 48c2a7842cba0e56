"""Donor trees: draw a value given everything else, from the many source rows that are like a synthetic one.

A tree is grown on the source. A synthetic row falls into a leaf, and one of the leaf's rows is its donor (synthpop's method:
Reiter 2005). The ``k`` rule is added. A leaf whose rows come from fewer than ``k`` importers is served by the nearest larger
part of the tree that has them. In a leaf no importer serves more than a ``k``-th of the draws (the dominance rule of
statistical disclosure control, by rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


@dataclass(frozen=True)
class DonorTree:
    """A fitted tree and, for each of its nodes, the source rows that may be donors there.

    Attributes:
        tree: the fitted tree.
        order: source rows, arranged so that every node's rows stand together.
        start: first position of a node's rows in ``order``.
        end: position after the last.
        node_of_leaf: the node whose rows serve a leaf: itself, or the nearest ancestor with enough importers.
        importers: who stands behind each source row, as integers.
        min_group: ``k``.
    """

    tree: DecisionTreeClassifier | DecisionTreeRegressor
    order: np.ndarray
    start: np.ndarray
    end: np.ndarray
    node_of_leaf: np.ndarray
    importers: np.ndarray
    min_group: int

    @classmethod
    def fit(
        cls,
        features: np.ndarray,
        target: np.ndarray,
        importers: np.ndarray,
        *,
        min_group: int,
        min_leaf: int,
        seed: int,
    ) -> DonorTree:
        """Grow the tree on n rows. It predicts ``target``, of shape (n,) or (n, t): integers are classes, floats are numbers.

        A leaf holds at least ``min_leaf`` rows. A draw rests on ``min_group`` importers, where the source has as many.
        """
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeClassifier if np.issubdtype(target.dtype, np.integer) else DecisionTreeRegressor
        tree = kind(min_samples_leaf=min(min_leaf, len(features)), random_state=seed % 2**32)
        tree.fit(features, target)
        left, right = tree.tree_.children_left, tree.tree_.children_right
        order, start, end = _arrange(left, right, tree.apply(features))
        node_of_leaf = _serving_nodes(left, right, importers[order], start, end, min_group)
        return cls(tree, order, start, end, node_of_leaf, importers, min_group)

    def draw(self, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of m rows of features the index of a donor among the n source rows.

        Rows of one leaf take its donors in turns, so that a leaf's values come out in their own proportions.
        """
        node = self.node_of_leaf[self.tree.apply(features)]
        order = np.argsort(node, kind="stable")
        drawn = np.empty(len(features), dtype=int)
        for rows in np.split(order, np.flatnonzero(np.diff(node[order])) + 1):
            if len(rows):
                donors = self.order[self.start[node[rows[0]]] : self.end[node[rows[0]]]]
                drawn[rows] = in_turns(donors, self.importers[donors], self.min_group, len(rows), rng)
        return drawn


def _arrange(left: np.ndarray, right: np.ndarray, leaves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order the rows so that every node's rows stand together (depth first), and say where each node's begin and end."""
    by_leaf = np.argsort(leaves, kind="stable")
    groups = np.split(by_leaf, np.flatnonzero(np.diff(leaves[by_leaf])) + 1)
    rows_of_leaf = {int(leaves[rows[0]]): rows for rows in groups}
    start, end = np.zeros(len(left), dtype=int), np.zeros(len(left), dtype=int)
    ordered: list[np.ndarray] = []
    position = 0
    stack: list[tuple[int, bool]] = [(0, False)]
    while stack:
        node, finished = stack.pop()
        if not finished:
            start[node] = position
            if left[node] >= 0:
                stack += [(node, True), (int(right[node]), False), (int(left[node]), False)]
                continue
            ordered.append(rows_of_leaf[node])
            position += len(rows_of_leaf[node])
        end[node] = position
    return np.concatenate(ordered), start, end


def _serving_nodes(
    left: np.ndarray, right: np.ndarray, importers: np.ndarray, start: np.ndarray, end: np.ndarray, min_group: int
) -> np.ndarray:
    """For each node itself, or its nearest ancestor whose rows come from ``min_group`` importers (else the root)."""
    serving = np.zeros(len(left), dtype=int)
    stack: list[tuple[int, int]] = [(0, 0)]
    while stack:
        node, ancestor = stack.pop()
        enough = len(np.unique(importers[start[node] : end[node]])) >= min_group
        serving[node] = node if enough else ancestor
        if left[node] >= 0:
            stack += [(int(child), int(serving[node])) for child in (left[node], right[node])]
    return serving


def in_turns(
    donors: np.ndarray, importers: np.ndarray, min_group: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """``count`` donors, drawn without replacement until all that may serve in a turn have; then the next turn begins.

    No importer serves more than a ``min_group``-th of a turn (where there are as many importers). One with more donors sends a
    few of them, others each turn. So what comes out of a leaf is never mostly one importer's habit.

    Args:
        donors: array of d integers, the rows to draw from.
        importers: array of d integers, who stands behind each.
        min_group: ``k``.
        count: how many to draw, any number.
        rng: what draws come from.
    """
    _, importer, rows = np.unique(importers, return_inverse=True, return_counts=True)
    most = _most_of_one(rows, min_group)
    turns, drawn = [], 0
    while drawn < count:
        order = rng.permutation(len(donors))
        if most < rows.max():
            by_importer = order[np.argsort(importer[order], kind="stable")]
            place = np.arange(len(order)) - (np.cumsum(rows) - rows)[importer[by_importer]]
            order = rng.permutation(by_importer[place < most])
        turns.append(donors[order])
        drawn += len(order)
    return np.concatenate(turns)[:count]


def _most_of_one(rows: np.ndarray, min_group: int) -> int:
    """The largest number of rows of one importer that leaves it at most a ``min_group``-th of all; 1 where none does."""
    ascending = np.sort(rows)
    below = np.concatenate([[0], np.cumsum(ascending)[:-1]])
    for most in range(int(ascending[-1]), 1, -1):
        first = int(np.searchsorted(ascending, most, side="left"))
        if most * min_group <= below[first] + most * (len(ascending) - first):
            return most
    return 1
