"""Table 3 of the paper beside ours: which detector finds how much on the synthetic declarations and on their source.

What belongs here is the paper's numbers and the comparison of rows as ``precision.evaluate`` gives them.
"""

from __future__ import annotations

from itertools import product

import pandas as pd

from customs_assets.benchmark.detectors import DETECTORS, TITLES
from customs_assets.benchmark.precision import INSPECTION_RATES

# In the order of Table 3.
DATASETS: tuple[str, ...] = ("synthetic", "source")

# Columns of the table: data set and inspection rate, in the order of Table 3.
_COLUMNS: tuple[tuple[str, float], ...] = tuple(product(DATASETS, INSPECTION_RATES))

# What the paper prints: (detector, data set, inspection rate) -> precision, averaged over five runs.
PAPER: dict[tuple[str, str, float], float] = {
    (detector, *column): value
    for detector, values in {
        "logistic_regression": (0.2759, 0.2606, 0.3921, 0.3859),
        "adaboost": (0.3608, 0.3113, 0.4902, 0.4896),
        "decision_tree": (0.3561, 0.3196, 0.5128, 0.4600),
        "random_forest": (0.3608, 0.3420, 0.5035, 0.4739),
        "catboost": (0.6698, 0.5342, 0.5151, 0.4786),
        "xgboost": (0.6745, 0.6132, 0.5220, 0.4762),
        "lightgbm": (0.7783, 0.6462, 0.5313, 0.4913),
    }.items()
    for column, value in zip(_COLUMNS, values, strict=True)
}


def table_three(rows: pd.DataFrame) -> str:
    """The table as Markdown: a line per detector, and per data set and rate our mean ± deviation and the paper's mean.

    Detectors that the paper does not have stand last.

    Args:
        rows: columns as ``precision.ROW_COLUMNS``, in any order. A cell that no row fills reads ``not run``; rows of other
            data sets than :data:`DATASETS` are left aside.

    Raises:
        ValueError: two rows fill the same cell, or a row names no detector of Table 3.
    """
    ours = _cells(rows)
    headers = ["Model"] + [
        text for dataset, rate in _COLUMNS for text in (f"{dataset.capitalize()} {rate:.0%}", "paper")
    ]
    lines = [headers, ["---"] + ["---:"] * (len(headers) - 1)]
    for detector in DETECTORS:
        cells = [TITLES[detector]]
        for column in _COLUMNS:
            measured = ours.get((detector, *column))
            cells.append("not run" if measured is None else f"{measured[0]:.4f} ± {measured[1]:.4f}")
            paper = PAPER.get((detector, *column))
            cells.append("" if paper is None else f"{paper:.4f}")
        lines.append(cells)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def dataset_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """How far the synthetic column stands from the source column.

    Args:
        rows: columns as ``precision.ROW_COLUMNS``; only detectors measured on both data sets at a rate count there.

    Returns:
        One row per rate in ``INSPECTION_RATES``: ``inspection_rate``; ``mean_gap``, the mean over detectors of the absolute
        difference of the two precisions (0 is best); ``rank_correlation``, Spearman's, of the detectors' order in the two
        columns (1 is best; NaN for fewer than two detectors); and ``detectors``, their number.

    Raises:
        ValueError: as :func:`table_three`.
    """
    return _gaps({cell: mean for cell, (mean, _) in _cells(rows).items()})


def paper_gaps() -> pd.DataFrame:
    """What :func:`dataset_gaps` says of the paper's own Table 3."""
    return _gaps(PAPER)


def _gaps(means: dict[tuple[str, str, float], float]) -> pd.DataFrame:
    gaps = []
    for rate in INSPECTION_RATES:
        both = [d for d in DETECTORS if all((d, dataset, rate) in means for dataset in DATASETS)]
        synthetic, source = (
            pd.Series([means[(d, dataset, rate)] for d in both], dtype="float64") for dataset in DATASETS
        )
        gaps.append(
            {
                "inspection_rate": rate,
                "mean_gap": float((synthetic - source).abs().mean()),
                "rank_correlation": float(synthetic.rank().corr(source.rank())),
                "detectors": len(both),
            }
        )
    return pd.DataFrame(gaps)


def _cells(rows: pd.DataFrame) -> dict[tuple[str, str, float], tuple[float, float]]:
    """(detector, data set, inspection rate) -> mean and deviation."""
    cells: dict[tuple[str, str, float], tuple[float, float]] = {}
    columns = ("detector", "dataset", "inspection_rate", "precision_mean", "precision_std")
    for detector, dataset, rate, mean, deviation in zip(*(rows[name] for name in columns), strict=True):
        if detector not in DETECTORS:
            raise ValueError(f"{detector!r} is no detector of Table 3; those are {', '.join(DETECTORS)}")
        cell = (detector, dataset, rate)
        if cell in cells:
            raise ValueError(f"two rows hold {detector} on {dataset} at {rate:.0%}; keep one")
        cells[cell] = (mean, deviation)
    return cells
