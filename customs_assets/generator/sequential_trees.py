"""Sequential trees with donors (Reiter 2005; synthpop's method): each column drawn from a tree grown on the columns before it.

A synthetic row falls into a leaf of at least ``donors`` training rows and takes the value of one of them. The first column is
drawn alone. The file holds the trees and the values in their leaves, so it is as confidential as the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.synthesizer import learned
from customs_assets.generator.table_columns import NumberColumn, TableColumns

# The arrays of a grown tree, in the order of its class's fields.
_PARTS = ("feature", "threshold", "left", "right", "first", "values")


@dataclass(frozen=True)
class GrownTree:
    """A tree as arrays, so that a draw needs no library.

    Attributes:
        feature: which feature each node asks for, int32 (nodes,); below 0 in a leaf.
        threshold: rows whose feature is at most this go left, float64 (nodes,).
        left, right: the nodes below, int32 (nodes,).
        first: where each leaf's values begin, int32 (nodes + 1,); an inner node has none.
        values: the training values leaf by leaf, float64 (n,).
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    first: np.ndarray
    values: np.ndarray

    @classmethod
    def grow(cls, features: np.ndarray, values: np.ndarray, is_code: bool, donors: int, seed: int) -> GrownTree:
        """Grow a tree for ``values`` (n,) on features (n, f), at least ``donors`` rows in a leaf."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        grower = DecisionTreeClassifier if is_code else DecisionTreeRegressor
        grown = grower(min_samples_leaf=min(donors, len(values)), random_state=seed).fit(features, values)
        tree, leaves = grown.tree_, grown.apply(features)
        order = np.argsort(leaves, kind="stable")
        first = np.searchsorted(leaves[order], np.arange(tree.node_count + 1))
        return cls(
            tree.feature.astype(np.int32),
            tree.threshold.astype(np.float64),
            tree.children_left.astype(np.int32),
            tree.children_right.astype(np.int32),
            first.astype(np.int32),
            values[order].astype(np.float64),
        )

    def draw(self, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each row of features (m, f) one of the values in the leaf that it falls into."""
        # The library compares features as float32.
        features = features.astype(np.float32)
        node = np.zeros(len(features), np.int64)
        inside = np.flatnonzero(self.left[node] >= 0)
        while len(inside):
            at = node[inside]
            goes_left = features[inside, self.feature[at]] <= self.threshold[at]
            node[inside] = np.where(goes_left, self.left[at], self.right[at])
            inside = inside[self.left[node[inside]] >= 0]
        first, last = self.first[node], self.first[node + 1]
        return self.values[first + (rng.random(len(node)) * (last - first)).astype(np.int64)]


class SequentialTrees:
    """A tree for each column but the first.

    Args:
        seed: what ties between equally good splits are broken by.
        epochs: not used.
        donors: training rows that a leaf holds at least.

    Raises:
        ValueError: ``donors`` is below 1.
    """

    def __init__(self, *, seed: int | None = None, epochs: int = 1, donors: int = 5) -> None:
        if donors < 1:
            raise ValueError(f"donors is {donors}: it must be at least 1")
        self.device = "cpu"
        self.seed, self.donors = seed, donors
        self.loss_values = pd.DataFrame(columns=pd.Index(["epoch"]))
        self._fitted: tuple[TableColumns, list[GrownTree]] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[Any], None] | None = None,
    ) -> None:
        """Grow the trees (:meth:`synthesizer.TableModel.fit`)."""
        if self.seed is None:
            raise ValueError("the model has no seed; give one to train it")
        columns, values = TableColumns.fit(train_data, discrete_columns)
        rng = np.random.default_rng(self.seed)
        known, trees = [np.zeros(len(train_data))], []
        for name, column in columns.by_name.items():
            is_code = not isinstance(column, NumberColumn)
            grown = GrownTree.grow(np.column_stack(known), values[name], is_code, self.donors, int(rng.integers(2**31)))
            trees.append(grown)
            known.append(_feature(column, values[name]))
        self._fitted = columns, trees

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        columns, trees = learned(self._fitted, n)
        rng = np.random.default_rng(seed)
        known, values = [np.zeros(n)], {}
        for (name, column), tree in zip(columns.by_name.items(), trees, strict=True):
            drawn = tree.draw(np.column_stack(known), rng)
            values[name] = drawn if isinstance(column, NumberColumn) else drawn.astype(np.int64)
            known.append(_feature(column, values[name]))
        return columns.frame(values)

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        columns, trees = learned(self._fitted)
        arrays, description = columns.to_state()
        for place, tree in enumerate(trees):
            arrays |= {f"tree.{place}.{part}": getattr(tree, part) for part in _PARTS}
        return arrays, {"columns": description, "donors": self.donors}

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> SequentialTrees:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        model = cls(donors=description["donors"])
        columns = TableColumns.from_state(weights, description["columns"])
        trees = [
            GrownTree(*(weights[f"tree.{place}.{part}"] for part in _PARTS)) for place in range(len(columns.names))
        ]
        for place, tree in enumerate(trees):
            nodes = len(tree.feature)
            if (
                any(len(part) != nodes for part in (tree.threshold, tree.left, tree.right))
                or len(tree.first) != nodes + 1
            ):
                raise ValueError(f"tree {place} is not whole")
            inner, own = tree.left >= 0, np.arange(nodes)
            # Nodes below have larger numbers, so that every way down ends.
            downwards = ((tree.left > own) & (tree.right > own) & (tree.left < nodes) & (tree.right < nodes))[inner]
            counts = np.diff(tree.first)
            if not downwards.all() or (tree.feature[inner] > place).any() or (counts < 0).any():
                raise ValueError(f"tree {place} points out of its arrays")
            if tree.first[-1] != len(tree.values) or (counts[~inner] == 0).any():
                raise ValueError(f"tree {place} has a leaf without values")
        model._fitted = columns, trees
        return model


def _feature(column: Any, values: np.ndarray) -> np.ndarray:
    """A column as numbers that a tree can split: categories by how common they are."""
    if isinstance(column, NumberColumn):
        return values.astype(np.float64)
    ranks = np.empty(column.width)
    ranks[np.argsort(-column.frequencies, kind="stable")] = np.arange(column.width)
    return ranks[values.astype(np.int64)]
