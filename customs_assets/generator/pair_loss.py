"""How often every two categories occur together, as a loss of a generator: the second moments of its data vectors.

MargCTGAN (Afonja, Chen and Fritz 2023) holds a generator to the first moments of its rows. The mean of a product of two zeros or
ones is the share of rows that have both categories, so second moments are all tables of two columns at once. With a number's
scalar they say how large it is in each category. They are compared with those of the table as training by sampling shows it.
"""

from __future__ import annotations

import numpy as np

from customs_assets.generator.model_table_transform import EncodedTable, TableTransform

# A category counts as its share to the power of minus a quarter: rare pairs more than their share of all rows, common ones less.
_POWER = -0.25
_LEAST_SHARE = 1e-3

# Rows of the table whose products are added up at once.
_ROWS_AT_ONCE = 5_000


class PairLoss:
    """Half the squared difference of the second moments, times a weight.

    Args:
        transform, encoded: the table's columns and rows.
        log_frequency: as of the conditions that training draws.
        weight: of the loss.
    """

    def __init__(self, transform: TableTransform, encoded: EncodedTable, *, log_frequency: bool, weight: float) -> None:
        shares = shown_shares(transform, encoded, log_frequency)
        self._weight = weight
        self._scales: np.ndarray = _scales(transform, encoded, shares).astype(np.float32)
        self._wanted: np.ndarray = _moments(transform, encoded, shares, self._scales).astype(np.float32)

    def add(self, vectors: np.ndarray, gradient: np.ndarray) -> float:
        """The loss of data vectors (batch, width); its gradient by them is added to ``gradient``."""
        if not self._weight:
            return 0.0
        scaled = vectors * self._scales
        excess = scaled.T @ scaled
        excess /= excess.dtype.type(len(vectors))
        excess -= self._wanted
        by_scaled = scaled @ excess
        by_scaled *= self._scales
        by_scaled *= by_scaled.dtype.type(2.0 * self._weight / len(vectors))
        gradient += by_scaled
        return 0.5 * self._weight * float(np.square(excess).sum())


def shown_shares(transform: TableTransform, encoded: EncodedTable, log_frequency: bool) -> np.ndarray:
    """How often training by sampling shows each row, as shares (rows,) with the sum 1.

    A column is drawn, then one of its categories by (log) frequency, then a row that has it.
    """
    if not transform.discrete:
        return np.full(len(encoded), 1.0 / len(encoded))
    first, shares = len(transform.continuous), np.zeros(len(encoded))
    codes = encoded.ones[:, first:] - transform.segment_starts[first:]
    for place, column in enumerate(transform.discrete):
        counts = column.frequencies.astype(np.float64)
        mass = np.log(counts + 1.0) if log_frequency else counts
        shares += (mass / mass.sum() / counts)[codes[:, place]]
    return shares / len(transform.discrete)


def _scales(transform: TableTransform, encoded: EncodedTable, shares: np.ndarray) -> np.ndarray:
    """What each position of a data vector is multiplied by, (width,): the mean square of the length is the number of columns."""
    scalars, scales = len(transform.continuous), np.zeros(transform.width)
    np.add.at(scales, encoded.ones, shares[:, None])
    squares = shares @ encoded.scalars**2
    of_categories = np.maximum(scales[scalars:], _LEAST_SHARE) ** _POWER
    length = float(np.count_nonzero(squares)) + float(scales[scalars:] @ of_categories**2)
    scales[:scalars] = np.where(squares > 0, 1.0 / np.sqrt(np.where(squares > 0, squares, 1.0)), 0.0)
    scales[scalars:] = of_categories
    return scales * np.sqrt(len(transform.names) / length)


def _moments(transform: TableTransform, encoded: EncodedTable, shares: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The second moments of the scaled data vectors of the table's rows, (width, width)."""
    scalars, total = len(transform.continuous), np.zeros((transform.width, transform.width))
    for first in range(0, len(encoded), _ROWS_AT_ONCE):
        part = encoded.rows(np.arange(first, min(first + _ROWS_AT_ONCE, len(encoded))))
        vectors = np.zeros((len(part), transform.width))
        vectors[:, :scalars] = part.scalars
        np.put_along_axis(vectors, part.ones, 1.0, axis=1)
        vectors *= scales
        total += (vectors * shares[first : first + len(part), None]).T @ vectors
    return total
