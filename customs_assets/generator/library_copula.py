"""SDV's Gaussian copula, fitted by the library; its distributions and correlations are stored and sampled here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.generator.library import described_distribution, quantiles, trained
from customs_assets.generator.synthesizer import learned


class LibraryGaussianCopula:
    """SDV's ``GaussianCopulaSynthesizer``: every column made normal by its own distribution, and all correlations.

    A column of strings becomes a number by giving each category a stretch of [0, 1] as long as its share.

    Args:
        seed: what a category's place in its stretch comes from.
        epochs: not used.
    """

    def __init__(self, *, seed: int | None = None, epochs: int = 1) -> None:
        self.seed, self.device = seed, "cpu"
        self.loss_values = pd.DataFrame(columns=pd.Index(["epoch"]))
        self._fitted: tuple[list[dict[str, Any]], np.ndarray] | None = None

    def fit(
        self,
        train_data: pd.DataFrame,
        discrete_columns: Sequence[str],
        progress: Callable[[Any], None] | None = None,
    ) -> None:
        """Have the library fit (:meth:`synthesizer.TableModel.fit`)."""
        self.take(trained("GaussianCopulaSynthesizer", train_data, discrete_columns, self.seed), discrete_columns)

    def take(self, library: Any, discrete_columns: Sequence[str]) -> None:
        """Become a fitted synthesizer of the library."""
        copula, columns = library._model, []
        encoders = library._data_processor._hyper_transformer.field_transformers
        for name, univariate in zip(copula.columns, copula.univariates, strict=True):
            column = {"name": str(name), "distribution": described_distribution(univariate)}
            if name in discrete_columns:
                intervals = encoders[name].intervals
                column["categories"] = [str(category) for category in intervals]
                column["ends"] = [float(end) for _, end in intervals.values()]
            columns.append(column)
        self._fitted = columns, np.asarray(copula.correlation, np.float64)

    def sample(self, n: int, seed: int) -> pd.DataFrame:
        """Draw rows (:meth:`synthesizer.TableModel.sample`)."""
        from threadpoolctl import threadpool_limits

        columns, correlation = learned(self._fitted, n)
        rng = np.random.default_rng(seed)
        with threadpool_limits(1):
            normals = rng.multivariate_normal(
                np.zeros(len(columns)), correlation, n, check_valid="ignore", method="eigh"
            )
        return self.from_normals(normals)

    def from_normals(self, normals: np.ndarray) -> pd.DataFrame:
        """Rows from normal numbers (n, columns)."""
        from scipy.stats import norm

        columns, _ = learned(self._fitted)
        made: dict[str, np.ndarray] = {}
        for column, values in zip(columns, normals.T, strict=True):
            numbers = quantiles(column["distribution"], norm.cdf(values))
            if "categories" in column:
                # A stretch ends with its end: as in the library's, a number on the border is of the lower category.
                place = np.searchsorted(column["ends"], np.clip(numbers, 0.0, 1.0), side="left")
                categories = np.array(column["categories"], dtype=object)
                made[column["name"]] = categories[np.minimum(place, len(categories) - 1)]
            else:
                made[column["name"]] = numbers
        return pd.DataFrame(made)

    def to_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON (:meth:`synthesizer.TableModel.to_state`)."""
        columns, correlation = learned(self._fitted)
        return {"correlation": correlation}, {"columns": columns}

    @classmethod
    def from_state(cls, weights: dict[str, np.ndarray], description: dict[str, Any]) -> LibraryGaussianCopula:
        """The model of a state (:meth:`synthesizer.TableModel.from_state`)."""
        columns, correlation = list(description["columns"]), weights["correlation"]
        if correlation.shape != (len(columns), len(columns)) or not np.isfinite(correlation).all():
            raise ValueError("there is not one correlation for each pair of columns")
        for column in columns:
            quantiles(column["distribution"], np.array([0.5]))
            if len(column.get("categories", ())) != len(column.get("ends", ())):
                raise ValueError(f"column {column['name']!r}: as many stretches as categories are needed")
        model = cls()
        model._fitted = columns, correlation
        return model
