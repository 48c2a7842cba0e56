"""The figures that compare source and synthetic declarations: 4 and 5 of the paper, and the declarations over time.

What belongs here says which numbers a figure shows and how its axes read. Dagster's UI and the evidence page show the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from customs_assets.declaration import BY_NAME, COMPARED, STAND_INS
from customs_assets.fidelity.distributions import counts_over_time, distributions
from customs_assets.fidelity.table_two import MetricScore
from customs_assets.figures import SIDES, Figure, bars, layout, lines, percent

HEADERS = {attribute.name: attribute.header for attribute in COMPARED}
_PAIR_METRICS = ("CorrelationSimilarity", "ContingencySimilarity")
_DAYS_SHOWN_SINGLY = 62


def quality_figures(
    scores: Sequence[MetricScore], source: pd.DataFrame, synthetic: pd.DataFrame, min_group: int
) -> dict[str, Figure]:
    """Figures 4 and 5, and the declarations a day, or a week where there are more than two months."""
    dates = pd.concat([source["date"], synthetic["date"]])
    unit = "day" if (dates.max() - dates.min()).days < _DAYS_SHOWN_SINGLY else "week"
    return {
        **figure_four(distributions(source, synthetic, min_group)),
        "figure-5": figure_five(scores),
        f"declarations_a_{unit}": figure_over_time(counts_over_time(source, synthetic, unit, min_group), unit),
    }


def figure_four(shares: Mapping[str, Any]) -> dict[str, Figure]:
    """Tax rate, net mass and critical fraud, from ``distributions``."""
    rate, mass, label = (shares[name] for name in ("tax_rate", "net_mass", "critical_fraud"))
    centres = [low + 1 for low in rate["edges"][:-1]]
    middles = [math.sqrt(low * high) for low, high in zip(mass["edges"], mass["edges"][1:], strict=False)]
    steps = [
        lines(
            middles, percent(mass[side]), side, line={"shape": "hvh", "dash": "solid" if side == "source" else "dash"}
        )
        for side in SIDES
    ]
    zero = ", ".join(f"{100 * mass['zero'][side]:.1f}% in {side}" for side in SIDES)
    logarithmic = layout(f"{BY_NAME['net_mass'].header} (kg)<br>0 kg: {zero}")
    logarithmic["xaxis"]["type"] = "log"
    labels = ["0 none", "1 fraud", "2 critical"]
    figures: dict[str, Figure] = {
        "figure-4-tax_rate": {
            "data": [bars(centres, rate[side], side) for side in SIDES],
            "layout": layout(f"{BY_NAME['tax_rate'].header} (%), the last bar 30 and more"),
        },
        "figure-4-net_mass": {"data": steps, "layout": logarithmic},
        "figure-4-critical_fraud": {
            "data": [bars(labels, label[side], side) for side in SIDES],
            "layout": layout(BY_NAME["critical_fraud"].header),
        },
    }
    return {name: figure for name, figure in figures.items() if name.removeprefix("figure-4-") not in STAND_INS}


def figure_five(scores: Sequence[MetricScore]) -> Figure:
    """Similarity of column pairs in percent: pale is alike, red is different. A pair without a score is left out."""
    similarity = {
        frozenset(pair.split("|")): value
        for score in scores
        if score.metric in _PAIR_METRICS
        for pair, value in score.columns.items()
        if not math.isnan(value)
    }
    names = list(HEADERS)
    rows = [
        [
            round(100 * similarity[pair], 10) if (pair := frozenset((row, column))) in similarity else None
            for column in names[:at]
        ]
        + [None] * (len(names) - 1 - at)
        for at, row in enumerate(names[1:], start=1)
    ]
    trace = {
        "type": "heatmap",
        "x": list(HEADERS.values())[:-1],
        "y": list(HEADERS.values())[1:],
        "z": rows,
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[0, "#67001f"], [0.6, "#d6604d"], [0.85, "#fddbc7"], [1, "#f7f7f7"]],
        "colorbar": {"title": {"text": "%"}, "thickness": 12},
        "texttemplate": "%{z:.0f}",
        "hovertemplate": "%{y} and %{x}: %{z:.1f}%<extra></extra>",
    }
    axes = {
        "yaxis": {"autorange": "reversed", "automargin": True, "showgrid": False},
        "xaxis": {"tickangle": -45, "automargin": True, "showgrid": False},
    }
    return {"data": [trace], "layout": {**axes, "height": 620}}


def figure_over_time(counts: Mapping[str, Any], unit: Literal["day", "week"]) -> Figure:
    """Declarations a day or a week, from ``counts_over_time``."""
    over_time = layout(unit.capitalize(), f"Declarations a {unit}")
    over_time["yaxis"]["rangemode"] = "tozero"
    return {"data": [lines(counts[f"{unit}s"], counts[side], side) for side in SIDES], "layout": over_time}
