"""LightGBM as the synthesis uses it: one thread and a fixed seed, so that the same rows give the same trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lightgbm import Booster


def parameters(seed: int, min_leaf: int, **others: Any) -> dict[str, Any]:
    """LightGBM's parameters for a label of 0 and 1, with at least ``min_leaf`` rows in a leaf."""
    return {
        "objective": "binary",
        "min_data_in_leaf": min_leaf,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
        **others,
    }


def scores(booster: Booster, features: np.ndarray) -> np.ndarray:
    """The booster's score of each row, floats in [0, 1]."""
    return np.asarray(booster.predict(features, num_threads=1), dtype=float)
