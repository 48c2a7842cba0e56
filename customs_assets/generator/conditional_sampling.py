"""Training by sampling (Xu et al. 2019, section 4.3): which category a row is conditioned on, and which real row has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customs_assets.generator.model_table_transform import EncodedTable, TableTransform


@dataclass(frozen=True)
class Conditions:
    """One condition for each row of a batch.

    Attributes:
        columns: index of the discrete column, int64 (batch,).
        categories: position of the category in the conditional vector, int64 (batch,).
    """

    columns: np.ndarray
    categories: np.ndarray

    def permuted(self, order: np.ndarray) -> Conditions:
        """The same conditions in another order of rows."""
        return Conditions(self.columns[order], self.categories[order])


class ConditionTable:
    """Draws conditions: a discrete column uniformly, then one of its categories by (log) frequency.

    ctgan has two such tables, for training and for sampling, with the same probabilities. Here they are one.
    """

    def __init__(self, transform: TableTransform, log_frequency: bool) -> None:
        widths = np.array([column.width for column in transform.discrete], dtype=np.int64)
        self.ends = np.cumsum(widths)
        self.starts = self.ends - widths
        cumulative = []
        for place, column in enumerate(transform.discrete):
            mass = np.log(column.frequencies + 1.0) if log_frequency else column.frequencies.astype(np.float64)
            cumulative.append(place + np.cumsum(mass) / mass.sum())
        # The distribution functions of all columns end to end, the i-th between i and i + 1: one search serves every row.
        self._cumulative = np.concatenate(cumulative) if cumulative else np.empty(0)

    def draw(self, rng: np.random.Generator, batch: int) -> Conditions | None:
        """Conditions for a batch; None where the table has no discrete column."""
        if not len(self.ends):
            return None
        columns = rng.integers(len(self.ends), size=batch)
        position = np.searchsorted(self._cumulative, columns + rng.random(batch), side="right")
        return Conditions(columns, np.clip(position, self.starts[columns], self.ends[columns] - 1))


class RowTable:
    """Draws real rows of a given category, each of them equally likely."""

    def __init__(self, transform: TableTransform, encoded: EncodedTable) -> None:
        self._length = len(encoded)
        first = len(transform.continuous)
        codes = encoded.ones[:, first:] - transform.segment_starts[first:]
        # Rows by category, columns end to end: each column has every row once, sorted by its category.
        self._rows = codes.argsort(axis=0, kind="stable").T.ravel()
        self._counts = np.concatenate([np.empty(0, np.int64), *(column.frequencies for column in transform.discrete)])
        self._offsets = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator, batch: int, conditions: Conditions | None) -> np.ndarray:
        """Row numbers, int64 (batch,). Without conditions all rows are equally likely."""
        if conditions is None:
            return rng.integers(self._length, size=batch)
        counts = self._counts[conditions.categories]
        return self._rows[self._offsets[conditions.categories] + rng.integers(counts)]
