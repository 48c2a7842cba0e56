"""Does the release rank detectors as the source does? Only where the source itself can tell them apart.

Two detectors whose precisions differ by less than chance have no order that could be kept. So pairs count that differ on the
source by two standard errors. Of these: how many does the release order the same way, and how many do two halves of the source?
What belongs here reads the cells that ``cells.measure_cell`` made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.benchmark.cells import RATES

# Standard errors by which a pair has to differ on the source.
SIGNIFICANT = 2.0

_NEEDED = ("by_key", "by_importers", "first_half", "second_half")


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order of detectors at one inspection rate, release beside source.

    Attributes:
        inspection_rate: the rate.
        detectors: how many were measured on both data sets.
        pairs: pairs of them.
        significant: pairs that differ on the source by two standard errors.
        same_order: of these, those that the release orders the same way.
        tau: Kendall's tau over these pairs: share in the same order less share in the other; NaN without a pair.
        halves: significant pairs that both halves of the source tell apart in some way or other.
        same_in_halves: of these, those that both halves order the same way.
        tau_of_halves: Kendall's tau over these pairs, of one half and the other.
        best_on_source: name of the detector that finds most on the source.
        best_on_release: of the one that finds most on the release.
        behind: by how much the release's best finds less on the source than the source's best.
        standard_error: of that difference; 0 where both are the same.
        errors: standard error of each detector's precision on the source, by name.
    """

    inspection_rate: float
    detectors: int
    pairs: int
    significant: int
    same_order: int
    tau: float
    halves: int
    same_in_halves: int
    tau_of_halves: float
    best_on_source: str
    best_on_release: str
    behind: float
    standard_error: float
    errors: dict[str, float]

    @property
    def share_in_same_order(self) -> float:
        """Of the significant pairs, the share that the release orders as the source does; NaN without a pair."""
        return self.same_order / self.significant if self.significant else math.nan

    @property
    def share_in_halves(self) -> float:
        """Of the significant pairs, the share that two halves of the source order alike; NaN without a pair."""
        return self.same_in_halves / self.halves if self.halves else math.nan

    @property
    def is_best_kept(self) -> bool:
        """Whether the release's best is within one standard error of the source's best, on the source."""
        return self.behind <= self.standard_error


def rankings(rows: pd.DataFrame) -> list[Ranking]:
    """The ranking at each rate of ``cells.RATES`` at which two detectors or more were measured on both data sets.

    Args:
        rows: as ``cells.measure_cell``, all cells, of the data sets ``source`` and ``synthetic``; others are left aside. Cells
            that were made without what ranking needs give no ranking.
    """
    if any(column not in rows for column in _NEEDED):
        return []
    found = (_ranking(rows.loc[rows["inspection_rate"] == rate], rate) for rate in RATES)
    return [ranking for ranking in found if ranking is not None]


def ranking_of(rows: pd.DataFrame, rate: float) -> Ranking | None:
    """The ranking of what was measured once, at any rate: of detectors, or of whatever the column ``detector`` names.

    Args:
        rows: ``detector``, ``dataset``, ``by_key``, ``by_importers``, ``first_half``, ``second_half``, as ``cells.measure_cell``.
        rate: what the ranking says of itself.

    Returns:
        None where fewer than two were measured on both data sets.
    """
    return _ranking(rows, rate)


def order_at_random(rows: pd.DataFrame, inspection_rate: float) -> float:
    """Kendall's tau-b of the source's detectors: their order on all test declarations, and on those inspected at random.

    Args:
        rows: as ``cells.measure_cell``.
        inspection_rate: one of ``cells.RATES``.

    Returns:
        In [-1, 1]; NaN for fewer than two detectors that were measured on both.
    """
    from scipy.stats import kendalltau

    cells = rows.loc[(rows["dataset"] == "source") & (rows["inspection_rate"] == inspection_rate)]
    both = cells.dropna(subset=["precision_mean", "random_mean"])
    if len(both) < 2:
        return math.nan
    return float(kendalltau(both["precision_mean"], both["random_mean"]).statistic)


def difference(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> tuple[float, float]:
    """How much more one detector finds than another on the same data set, mean over the keys, and the standard error of that.

    The error has two parts. That of keys and seeds is the deviation of the differences over the keys, by the root of their
    number. That of importers is the deviation of the differences over the draws of importers, which both detectors share.

    Args:
        one: a row of a cell.
        other: the row of another cell of the same data set and rate.
    """
    over_keys = np.asarray(one["by_key"], dtype=np.float64) - np.asarray(other["by_key"], dtype=np.float64)
    over_importers = np.asarray(one["by_importers"], dtype=np.float64) - np.asarray(
        other["by_importers"], dtype=np.float64
    )
    of_keys = _deviation(over_keys) ** 2 / len(over_keys)
    return float(over_keys.mean()), math.sqrt(of_keys + _deviation(over_importers) ** 2)


def _deviation(values: np.ndarray) -> float:
    """Of the sample; 0 where there are fewer than two values."""
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if len(known) > 1 else 0.0


def _ranking(rows: pd.DataFrame, rate: float) -> Ranking | None:
    measured = rows.loc[rows[["by_key", "by_importers"]].notna().all(axis=1)]
    cells = {(row["detector"], row["dataset"]): row for row in measured.to_dict("records")}
    names = [name for name, dataset in cells if dataset == "source" and (name, "synthetic") in cells]
    if len(names) < 2:
        return None
    source, release = ({name: cells[name, dataset] for name in names} for dataset in ("source", "synthetic"))
    orders, halves = [], []
    pairs = list(combinations(names, 2))
    for one, other in pairs:
        apart, error = difference(source[one], source[other])
        if apart == 0 or abs(apart) < SIGNIFICANT * error:
            continue
        orders.append(float(np.sign(apart) * np.sign(difference(release[one], release[other])[0])))
        first, second = (source[one][half] - source[other][half] for half in ("first_half", "second_half"))
        if math.isfinite(first) and math.isfinite(second):
            halves.append(float(np.sign(first) * np.sign(second)))
    best = {key: max(names, key=lambda name: _mean(of[name])) for key, of in (("source", source), ("release", release))}
    nothing = [0.0] * len(source[names[0]]["by_importers"])
    zero = {"by_key": [0.0] * len(source[names[0]]["by_key"]), "by_importers": nothing}
    behind, error = difference(source[best["source"]], source[best["release"]])
    return Ranking(
        inspection_rate=rate,
        detectors=len(names),
        pairs=len(pairs),
        significant=len(orders),
        same_order=sum(order > 0 for order in orders),
        tau=_tau(orders),
        halves=len(halves),
        same_in_halves=sum(order > 0 for order in halves),
        tau_of_halves=_tau(halves),
        best_on_source=best["source"],
        best_on_release=best["release"],
        behind=behind,
        standard_error=error,
        errors={name: difference(source[name], zero)[1] for name in names},
    )


def _mean(row: Mapping[Any, Any]) -> float:
    return float(np.mean(row["by_key"]))


def _tau(orders: Sequence[float]) -> float:
    return float(np.mean(orders)) if orders else math.nan
