"""A table as CTGAN sees it (Xu et al. 2019, section 4.2): mode-specific normalization and one-hot positions.

The encoding of strings and floats into positions of CTGAN's data vector, and back, belongs here.

The data vector is laid out so that one operation works on one contiguous block. First come the scalars of the continuous columns.
Then come the segments that hold a one-hot each: the mixture components of the continuous columns, then the categories of the
discrete columns, each in the table's order.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

# As in ctgan's ClusterBasedNormalizer: at most ten components of a Dirichlet process, without those of less than half a
# percent; a value lies within four standard deviations of its component's mean.
MAX_COMPONENTS = 10
WEIGHT_THRESHOLD = 0.005
WEIGHT_CONCENTRATION_PRIOR = 0.001
STANDARD_DEVIATIONS = 4.0
SCALAR_BOUND = 0.99
PROBABILITY_FLOOR = 1e-6


@dataclass(frozen=True)
class ContinuousColumn:
    """The mixture components of a column of numbers: means and standard deviations, each of shape (components,)."""

    name: str
    means: np.ndarray
    deviations: np.ndarray

    @property
    def width(self) -> int:
        """How many components the column has."""
        return len(self.means)

    def decode(self, scalars: np.ndarray, components: np.ndarray) -> np.ndarray:
        """Numbers (n,) from scalars in [-1, 1] and component indices, both (n,)."""
        scalars = np.clip(scalars.astype(np.float64), -1.0, 1.0)
        return scalars * STANDARD_DEVIATIONS * self.deviations[components] + self.means[components]


@dataclass(frozen=True)
class DiscreteColumn:
    """The categories of a column of strings, sorted, and how many training rows hold each."""

    name: str
    categories: tuple[str, ...]
    frequencies: np.ndarray

    @property
    def width(self) -> int:
        """How many categories the column has."""
        return len(self.categories)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Strings (n,) from category indices (n,)."""
        return np.array(self.categories, dtype=object)[codes]


@dataclass(frozen=True)
class EncodedTable:
    """Rows as positions in the data vector. A dense matrix would be nearly all zeros.

    Attributes:
        scalars: (rows, continuous columns), within [-0.99, 0.99].
        ones: int64 (rows, segments): where in the data vector each segment has its one.
    """

    scalars: np.ndarray
    ones: np.ndarray

    def __len__(self) -> int:
        return len(self.ones)

    def rows(self, places: np.ndarray) -> EncodedTable:
        """Some of the rows."""
        return EncodedTable(self.scalars[places], self.ones[places])


@dataclass(frozen=True)
class TableTransform:
    """What was learned of a table's columns, and the layout of the data vector that follows from it.

    Attributes:
        names: the table's columns in its own order.
        continuous, discrete: the columns of each kind, in the table's order.
    """

    names: tuple[str, ...]
    continuous: tuple[ContinuousColumn, ...]
    discrete: tuple[DiscreteColumn, ...]

    @cached_property
    def segment_widths(self) -> np.ndarray:
        """Widths of all segments, int64 (segments,): components first, then categories."""
        return np.array([column.width for column in (*self.continuous, *self.discrete)], dtype=np.int64)

    @cached_property
    def segment_starts(self) -> np.ndarray:
        """Where each segment starts in the data vector, int64 (segments,)."""
        return len(self.continuous) + np.cumsum(self.segment_widths) - self.segment_widths

    @property
    def width(self) -> int:
        """Length of the data vector."""
        return len(self.continuous) + int(self.segment_widths.sum())

    @property
    def condition_width(self) -> int:
        """Length of the conditional vector: the number of categories of all discrete columns."""
        return sum(column.width for column in self.discrete)

    def decode(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Columns by name from data vectors (n, width): in each segment the largest value wins."""
        winners = [
            vectors[:, start : start + width].argmax(axis=1)
            for start, width in zip(self.segment_starts, self.segment_widths, strict=True)
        ]
        columns = {
            column.name: column.decode(vectors[:, place], winners[place])
            for place, column in enumerate(self.continuous)
        }
        for place, column in enumerate(self.discrete, start=len(self.continuous)):
            columns[column.name] = column.decode(winners[place])
        return {name: columns[name] for name in self.names}

    def describe(self) -> dict[str, Any]:
        """Everything that was learned, in JSON's types."""
        return {
            "names": list(self.names),
            "continuous": [
                {"name": column.name, "means": column.means.tolist(), "deviations": column.deviations.tolist()}
                for column in self.continuous
            ],
            "discrete": [
                {"name": column.name, "categories": list(column.categories), "frequencies": column.frequencies.tolist()}
                for column in self.discrete
            ],
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> TableTransform:
        """The transform that :meth:`describe` described.

        Raises:
            KeyError, TypeError, ValueError: the description is not one of ours.
        """
        continuous = tuple(
            ContinuousColumn(column["name"], np.array(column["means"], float), np.array(column["deviations"], float))
            for column in description["continuous"]
        )
        discrete = tuple(
            DiscreteColumn(column["name"], tuple(column["categories"]), np.array(column["frequencies"], np.int64))
            for column in description["discrete"]
        )
        for column in continuous:
            if column.means.ndim != 1 or column.means.shape != column.deviations.shape or not column.width:
                raise ValueError(f"column {column.name!r}: as many means as deviations are needed, at least one")
        for column in discrete:
            if column.frequencies.shape != (column.width,) or not column.width:
                raise ValueError(f"column {column.name!r}: as many frequencies as categories are needed, at least one")
        names = tuple(description["names"])
        if sorted(names) != sorted(column.name for column in (*continuous, *discrete)):
            raise ValueError("the names of the table's columns are not those of the columns described")
        return cls(names, continuous, discrete)


def fit_transform(
    table: pd.DataFrame, discrete_columns: Sequence[str], rng: np.random.Generator
) -> tuple[TableTransform, EncodedTable]:
    """Learn the columns of a table and encode its rows.

    The component of a number is drawn by its probability under the mixture, as in the paper and ctgan. So encoding needs a random
    generator, and is one step with fitting.

    Raises:
        ValueError: the table is empty, a discrete column is missing or holds anything but strings, or a continuous column holds
            anything but finite numbers.
    """
    validate_table(table, discrete_columns)
    continuous, discrete, scalars, codes = [], [], [], []
    for name, values in table.items():
        if name in discrete_columns:
            column, column_codes = fit_discrete(values)
            discrete.append(column)
            codes.append(column_codes)
        else:
            column, column_scalars, components = _fit_continuous(values, rng)
            continuous.append(column)
            scalars.append(column_scalars)
            codes.insert(len(continuous) - 1, components)
    transform = TableTransform(tuple(table.columns), tuple(continuous), tuple(discrete))
    matrix = np.column_stack(scalars) if scalars else np.empty((len(table), 0))
    return transform, EncodedTable(matrix, np.column_stack(codes).astype(np.int64) + transform.segment_starts)


def validate_table(table: pd.DataFrame, discrete_columns: Sequence[str]) -> None:
    """Refuse a table that no model can be trained on.

    Raises:
        ValueError: the table is empty, a column is named twice, or a discrete column is missing.
    """
    if table.empty:
        raise ValueError(f"a model cannot be trained on {len(table)} rows of {table.shape[1]} columns")
    if not table.columns.is_unique:
        raise ValueError(f"columns named twice: {sorted(table.columns[table.columns.duplicated()])}")
    missing = sorted(set(discrete_columns) - set(table.columns))
    if missing:
        raise ValueError(f"discrete columns that the table does not have: {missing}")


def fit_discrete(values: pd.Series) -> tuple[DiscreteColumn, np.ndarray]:
    """A column of strings, and the category of each row (n,).

    Raises:
        ValueError: a value is no string; the message names the row.
    """
    wrong = np.flatnonzero([not isinstance(value, str) for value in values])
    if len(wrong):
        raise ValueError(
            f"discrete column {values.name!r} holds {values.iloc[wrong[0]]!r} in row {wrong[0]} "
            f"({len(wrong)} such rows): give every value as a string, an empty one as ''"
        )
    categories, codes, frequencies = np.unique(values.to_numpy(dtype=object), return_inverse=True, return_counts=True)
    return DiscreteColumn(str(values.name), tuple(categories), frequencies), codes


def finite_numbers(values: pd.Series) -> np.ndarray:
    """A column's numbers as float64 (n,).

    Raises:
        ValueError: the column holds anything but finite numbers; the message names the row.
    """
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"continuous column {values.name!r} is of type {values.dtype}: convert it to numbers")
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise ValueError(
            f"continuous column {values.name!r} holds {numbers[wrong[0]]} in row {wrong[0]} "
            f"({len(wrong)} such rows): fill or remove what is not a finite number"
        )
    return numbers


def _fit_continuous(values: pd.Series, rng: np.random.Generator) -> tuple[ContinuousColumn, np.ndarray, np.ndarray]:
    """The column's mixture, and for each row the scalar and the component drawn for it."""
    numbers = finite_numbers(values)
    mixture = _fit_mixture(str(values.name), numbers, int(rng.integers(2**31)))
    kept = mixture.weights_ > WEIGHT_THRESHOLD
    column = ContinuousColumn(
        str(values.name), mixture.means_.ravel()[kept], np.sqrt(mixture.covariances_).ravel()[kept]
    )
    probabilities = mixture.predict_proba(numbers[:, None])[:, kept] + PROBABILITY_FLOOR
    cumulative = probabilities.cumsum(axis=1)
    thresholds = rng.random(len(numbers)) * cumulative[:, -1]
    components = np.minimum((cumulative <= thresholds[:, None]).sum(axis=1), column.width - 1)
    scalars = (numbers - column.means[components]) / (STANDARD_DEVIATIONS * column.deviations[components])
    return column, np.clip(scalars, -SCALAR_BOUND, SCALAR_BOUND), components


def _fit_mixture(name: str, numbers: np.ndarray, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    if len(numbers) < 2:
        raise ValueError(f"continuous column {name!r}: a mixture cannot be fitted to {len(numbers)} row")
    mixture = BayesianGaussianMixture(
        n_components=min(len(numbers), MAX_COMPONENTS),
        weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=WEIGHT_CONCENTRATION_PRIOR,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A column of few distinct values has fewer clusters than components. Unused components are dropped later.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(numbers[:, None])
