"""How source and synthetic declarations are distributed: the numbers behind figure 4 and behind the declarations over time.

What belongs here counts. Of the source, a count under ``k`` is shown as 0: the evidence page may be published.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

# Two points of tax rate a bar, the last one for all rates above; four bars a decade of net mass.
_RATES = np.arange(0.0, 33.0, 2.0)
_MASSES = 10.0 ** np.arange(-2.0, 7.25, 0.25)


def distributions(source: pd.DataFrame, synthetic: pd.DataFrame, min_group: int) -> dict[str, Any]:
    """Figure 4: shares of the declarations by tax rate, net mass and critical fraud.

    Args:
        source: declarations with ``tax_rate`` (%), ``net_mass`` (kg) and ``critical_fraud``; one row or more.
        synthetic: likewise.
        min_group: ``k``.
    """
    shares = {"source": _shares(source, min_group), "synthetic": _shares(synthetic, 1)}

    def by_side(name: str) -> dict[str, list[float]]:
        return {side: counted[name] for side, counted in shares.items()}

    return {
        "tax_rate": {"edges": _RATES.tolist(), **by_side("tax_rate")},
        "net_mass": {
            "edges": _MASSES.tolist(),
            **by_side("net_mass"),
            "zero": {side: share for side, [share] in by_side("zero").items()},
        },
        "critical_fraud": by_side("critical_fraud"),
    }


def importers_behind(rows: pd.DataFrame) -> dict[str, list[int]]:
    """How many importers stand behind each bar of figure 4, by attribute; ``zero`` is a mass of 0 kg."""
    return {
        name: [int(rows.loc[inside, "importer_id"].nunique()) for inside in bars] for name, bars in _bars(rows).items()
    }


def _shares(rows: pd.DataFrame, least: int) -> dict[str, list[float]]:
    """Shares of the rows; a count under ``least`` is 0."""
    counts = {name: np.array([int(inside.sum()) for inside in bars]) for name, bars in _bars(rows).items()}
    return {name: (np.where(count >= least, count, 0) / len(rows)).tolist() for name, count in counts.items()}


def _bars(rows: pd.DataFrame) -> dict[str, list[np.ndarray]]:
    """Which rows each bar has: booleans, by attribute. The last bar of a histogram has its upper edge, too."""
    masses = rows["net_mass"].to_numpy(float)
    rates = np.minimum(rows["tax_rate"].to_numpy(float), 31.0)
    labels = rows["critical_fraud"].to_numpy()
    return {
        "tax_rate": _within(rates, _RATES),
        "net_mass": _within(masses, _MASSES),
        "zero": [masses == 0],
        "critical_fraud": [labels == label for label in (0, 1, 2)],
    }


def _within(values: np.ndarray, edges: np.ndarray) -> list[np.ndarray]:
    upper = [values < high for high in edges[1:-1]] + [values <= edges[-1]]
    return [(values >= low) & below for low, below in zip(edges[:-1], upper, strict=True)]


def counts_over_time(
    source: pd.DataFrame, synthetic: pd.DataFrame, unit: Literal["day", "week"], min_group: int
) -> dict[str, Any]:
    """Declarations a day or a week, with the first day of each: ``days`` or ``weeks``, ``source``, ``synthetic``."""
    period = unit[0].upper()
    counts = [rows["date"].dt.to_period(period).value_counts() for rows in (source, synthetic)]
    index = counts[0].index.union(counts[1].index)
    index = pd.period_range(index.min(), index.max(), freq=period)
    of_source, of_synthetic = (count.reindex(index, fill_value=0) for count in counts)
    return {
        f"{unit}s": index.start_time.strftime("%Y-%m-%d").tolist(),
        "source": of_source.where(of_source >= min_group, 0).tolist(),
        "synthetic": of_synthetic.tolist(),
    }
