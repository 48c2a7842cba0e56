"""Model rows as numbers that a tree can split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.synthesis.codec import FLAGS


def by_frequency(values: pd.Series) -> list[str]:
    """The distinct values of a column, the most frequent first, equally frequent ones in their own order."""
    counts = values.value_counts()
    return sorted(counts.index, key=lambda value: (-counts[value], value))


def row_features(model_rows: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    """The features of n model rows by name, each a float array of shape (n,).

    Args:
        model_rows: rows in the form of ``Codec.model_rows``.
        levels: values by column. A row's feature is the place of its value there, or one past the last for any other value. A
            flag without levels is 1 for yes and 0 for no.
    """
    features = {
        column: model_rows[column].map({value: place for place, value in enumerate(values)}).fillna(len(values))
        for column, values in levels.items()
    }
    features |= {flag: model_rows[flag] == "yes" for flag in FLAGS if flag not in levels}
    code, date = model_rows["hs10_code"], model_rows["date"].dt
    features |= {
        "hs10_code": code.str.ljust(10, "0"),
        "hs6_code": code.str[:6],
        "chapter": code.str[:2],
        "tax_rate": model_rows["tax_rate"],
        "net_mass": np.log1p(model_rows["net_mass"].astype(float) * 10.0),
        "residual": model_rows["residual"],
        "day": date.day,
        "weekday": date.dayofweek,
        "month": date.year * 12 + date.month,
        "label": model_rows["critical_fraud"],
    }
    return {name: np.asarray(column, dtype=float) for name, column in features.items()}
