"""Independent columns: each column drawn from its own values alone. The floor that every other model is read beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.synthesizer import learned
from customs_assets.generator.table_columns import NumberColumn, TableColumns


class IndependentColumns:
    """Knows how often each category occurs and where the numbers lie, and no relation.

    Args:
        seed: not used; nothing is drawn while it is fitted.
        epochs: not used.
    """

    def __init__(self, *, seed: int | None = None, epochs: int = 1) -> None:
        self.device = "cpu"
        self.loss_values = pd.DataFrame(columns=pd.Index(["epoch"]))
        self._columns: TableColumns | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[Any], None] | None = None,
    ) -> None:
        """Count the columns (:meth:`synthesizer.TableModel.fit`)."""
        self._columns, _ = TableColumns.fit(train_data, discrete_columns)

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        columns, rng = learned(self._columns, n), np.random.default_rng(seed)
        values = {}
        for name, column in columns.by_name.items():
            if isinstance(column, NumberColumn):
                values[name] = column.at(rng.random(n))
            else:
                shares = column.frequencies / column.frequencies.sum()
                values[name] = rng.choice(column.width, n, p=shares)
        return columns.frame(values)

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        arrays, description = learned(self._columns).to_state()
        return arrays, {"columns": description}

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> IndependentColumns:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        model = cls()
        model._columns = TableColumns.from_state(weights, description["columns"])
        return model
