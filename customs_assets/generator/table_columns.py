"""Columns as they are: the categories of a column of strings, and the quantiles of a column of numbers.

For models that need no mixtures. A number stands for its place among all numbers of its column. Numbers that occur several
times have as many places, so they come back as they are and as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.model_table_transform import (
    DiscreteColumn,
    finite_numbers,
    fit_discrete,
    validate_table,
)


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: all of them, ascending, float64 (n,)."""

    name: str
    values: np.ndarray

    def places(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each training number a place between 0 and 1; equal numbers share theirs at random."""
        order = np.lexsort((rng.random(len(numbers)), numbers))
        ranks = np.empty(len(numbers))
        ranks[order] = np.arange(len(numbers))
        return (ranks + rng.random(len(numbers))) / len(numbers)

    def at(self, places: np.ndarray) -> np.ndarray:
        """The numbers at some places between 0 and 1, between two training numbers by interpolation."""
        return np.interp(places * len(self.values) - 0.5, np.arange(len(self.values)), self.values)


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table.

    Attributes:
        names: in the table's order.
        numbers, codes: the columns of each kind, in the table's order.
    """

    names: tuple[str, ...]
    numbers: tuple[NumberColumn, ...]
    codes: tuple[DiscreteColumn, ...]

    @classmethod
    def fit(cls, table: pd.DataFrame, discrete_columns: Sequence[str]) -> tuple[TableColumns, dict[str, np.ndarray]]:
        """The columns, and by name what the rows hold: categories as integers, numbers as floats, each (n,).

        Raises:
            ValueError: the table cannot be learned; the message names the column and the row.
        """
        validate_table(table, discrete_columns)
        numbers, codes, values = [], [], {}
        for name, column in table.items():
            if name in discrete_columns:
                found, values[str(name)] = fit_discrete(column)
                codes.append(found)
            else:
                values[str(name)] = finite_numbers(column)
                numbers.append(NumberColumn(str(name), np.sort(values[str(name)])))
        return cls(tuple(map(str, table.columns)), tuple(numbers), tuple(codes)), values

    @property
    def by_name(self) -> dict[str, NumberColumn | DiscreteColumn]:
        """The columns by name, in the table's order."""
        found = {column.name: column for column in (*self.numbers, *self.codes)}
        return {name: found[name] for name in self.names}

    def frame(self, values: dict[str, np.ndarray]) -> pd.DataFrame:
        """Rows in the table's order from categories as integers and numbers as floats."""
        codes = {column.name: column for column in self.codes}
        return pd.DataFrame(
            {name: codes[name].decode(values[name]) if name in codes else values[name] for name in self.names}
        )

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays by name, and the rest in JSON's types."""
        arrays = {f"number.{place}": column.values for place, column in enumerate(self.numbers)}
        return arrays, {
            "names": list(self.names),
            "numbers": [column.name for column in self.numbers],
            "codes": [
                {"name": column.name, "categories": list(column.categories), "frequencies": column.frequencies.tolist()}
                for column in self.codes
            ],
        }

    @classmethod
    def from_state(cls, arrays: dict[str, np.ndarray], description: dict[str, Any]) -> TableColumns:
        """The columns that :meth:`to_state` described.

        Raises:
            KeyError, TypeError, ValueError: arrays and description are not ours or do not fit each other.
        """
        numbers = [
            NumberColumn(name, np.asarray(arrays[f"number.{place}"], np.float64))
            for place, name in enumerate(description["numbers"])
        ]
        codes = [
            DiscreteColumn(column["name"], tuple(column["categories"]), np.array(column["frequencies"], np.int64))
            for column in description["codes"]
        ]
        if any(column.values.ndim != 1 or not len(column.values) for column in numbers):
            raise ValueError("a column of numbers has none")
        if any(column.frequencies.shape != (column.width,) or not column.width for column in codes):
            raise ValueError("as many frequencies as categories are needed, at least one")
        if sorted(description["names"]) != sorted(column.name for column in (*numbers, *codes)):
            raise ValueError("the names of the table's columns are not those of the columns described")
        return cls(tuple(description["names"]), tuple(numbers), tuple(codes))
