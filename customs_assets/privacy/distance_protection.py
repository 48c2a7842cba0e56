"""SDMetrics' two measures of privacy by distances to the closest record, on all rows.

``DCRBaselineProtection`` compares synthetic rows with random ones, ``DCROverfittingProtection`` training with rows held out.
The library compares every pair of rows in pandas, so it asks for samples of some hundred rows. These are its formulas over our
exact search for the nearest row: the same numbers, on all rows, in seconds (``test_distance_protection.py`` holds them against
SDMetrics).

A high score proves little. Yao, Krčo, Ganev, de Montjoye: *The DCR Delusion: Measuring the Privacy Risk of Synthetic Data* (2025)
attacked releases that such distances called private, and found members all the same. So no claim hangs on them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import LABELS, NUMERICAL
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.records import as_records, nearest
from customs_assets.seeds import derive_rng

# Random rows that the synthetic ones are compared with. They share hardly a code with any row, so their search is slow.
RANDOM_ROWS = 2000


@dataclass(frozen=True, slots=True)
class BaselineProtection:
    """How far from training the synthetic rows lie, beside random rows.

    Attributes:
        score: the synthetic rows' median distance over that of the random rows, at most 1; NaN where the latter is 0.
        synthetic_median: in columns that differ, from 0 to 17.
        random_median: likewise.
        random_rows: how many random rows were drawn.
    """

    score: float
    synthetic_median: float
    random_median: float
    random_rows: int


@dataclass(frozen=True, slots=True)
class OverfittingProtection:
    """Whether more synthetic rows lie nearer to training than to control.

    Attributes:
        score: twice the share that is not nearer to training, at most 1; 1 where neither side is favoured.
        nearer_to_training: that share of the rows, in [0, 1]; rows that are as near to either do not count.
        rows: synthetic rows compared.
    """

    score: float
    nearer_to_training: float
    rows: int


def baseline_protection(synthetic: pd.DataFrame, training: pd.DataFrame, seed: int = 2020) -> BaselineProtection:
    """``DCRBaselineProtection``: min(1, median DCR of synthetic rows / median DCR of random rows), both to training.

    Args:
        synthetic: all of its rows are compared.
        training: the rows that they were made from.
        seed: of the random rows, ``RANDOM_ROWS`` or as many as there are synthetic ones where those are fewer.
    """
    count = min(RANDOM_ROWS, len(synthetic))
    of_synthetic, of_random = (
        float(np.median(_to_closest(rows, training))) for rows in (synthetic, random_rows(training, count, seed))
    )
    score = min(of_synthetic / of_random, 1.0) if of_random else math.nan
    return BaselineProtection(score, of_synthetic, of_random, count)


def overfitting_protection(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020
) -> OverfittingProtection:
    """``DCROverfittingProtection``: min(1, 2 · (1 − share of synthetic rows nearer to training than to control)).

    The larger of training and control is sampled to the other's size, because more rows are nearer by number alone.
    """
    training, control = equal_in_size(training, control, seed)
    nearer = float((_to_closest(synthetic, training) < _to_closest(synthetic, control)).mean())
    return OverfittingProtection(min(2 * (1 - nearer), 1.0), nearer, len(synthetic))


def random_rows(source: pd.DataFrame, count: int, seed: int = 2020) -> pd.DataFrame:
    """Rows whose columns are drawn alone: numbers and dates evenly between least and largest, codes evenly among those there."""
    rows = compared_columns(source, "training", WITHOUT_IDENTITIES)
    drawn: dict[str, np.ndarray] = {}
    for name in WITHOUT_IDENTITIES:
        rng, column = derive_rng(seed, "distance protection", purpose=name), rows[name]
        if name in LABELS:
            drawn[name] = rng.integers(int(column.min()), int(column.max()) + 1, count)
        elif name in NUMERICAL:
            least = column.min()
            drawn[name] = np.asarray(least + rng.random(count) * (column.max() - least))
        else:
            drawn[name] = rng.choice(np.unique(column.to_numpy(str)), count)
    return pd.DataFrame(drawn).astype({name: rows[name].dtype for name in WITHOUT_IDENTITIES if name in LABELS})


def _to_closest(rows: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
    """The distance of each row to its closest reference row, in columns."""
    queries, references = as_records([rows, reference], WITHOUT_IDENTITIES, scale="last")
    return nearest(queries, references).distances[:, 0]
