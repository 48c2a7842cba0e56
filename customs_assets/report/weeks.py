"""Weeks of inspection on the evidence page: what each strategy finds, whether exploring pays, and charts over the weeks.

What belongs here is for the inside form alone: a week has few declarations, and the duty at stake may rest on few importers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from customs_assets.figures import Figure, layout, lines
from customs_assets.report.form import Form
from customs_assets.weeks.comparison import Documents, advantage, in_order, passes_from, regimes_of
from customs_assets.weeks.strategies import STRATEGIES

# What is drawn over the weeks, and what of it stands in the table.
_DRAWN = ("precision", "recall", "revenue", "optimum")
_TOLD = ("precision", "revenue", "optimum")

# The charts show the mean of so many weeks: a week has a few dozen inspections.
_SMOOTHED = 8

# What hybrid is compared with, and where drift is measured: an inspection at random is not biased by what it looks for.
_HYBRID, _GREEDY, _UNBIASED = "hybrid", "exploitation", "random"


def weeks_section(documents: Documents, form: Form) -> dict[str, Any]:
    """What the section tells; empty where nothing was simulated.

    Returns:
        ``intro``; ``heads`` and ``rows`` of the table; ``sentences`` on hybrid and exploitation.
    """
    cells = in_order(documents)
    if not cells:
        return {}
    words, regimes = form.words, regimes_of(cells)
    return {
        "intro": words(
            "weeks.intro",
            rate=words("form.percent", n=words.digits(f"{100 * cells[0]['rate']:g}")),
            initial=cells[0]["initial_weeks"],
            falls=cells[0]["decays_over"],
            weeks=len(cells[0]["starts"]),
        ),
        "heads": [
            words("weeks.of_regime", measure=words(f"weeks.{measure}"), regime=words(f"weeks.{regime}"))
            for regime in regimes
            for measure in _TOLD
        ],
        "rows": [
            [
                words.translated(STRATEGIES[of["strategy"]].title),
                words(f"table_three.{of['dataset']}"),
                *(form.number(_mean_of(of, regime, measure)) for regime in regimes for measure in _TOLD),
            ]
            for of in cells
        ],
        "sentences": [
            sentence
            for regime in regimes
            for dataset in ("source", "synthetic")
            if (sentence := _of_hybrid(cells, dataset, regime, form))
        ],
    }


def _mean_of(of: Mapping[str, Any], regime: str, measure: str) -> float:
    """Over all weeks together; of what is no share of the whole, the mean over the weeks."""
    if measure in of["regimes"][regime]["over_all"]:
        values = of["regimes"][regime]["over_all"][measure]["by_key"]
    else:
        values = of["regimes"][regime]["by_week"][measure]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


def _of_hybrid(cells: Documents, dataset: str, regime: str, form: Form) -> str:
    """Whether hybrid finds more frauds than exploitation, in a sentence; empty where one of them was not simulated."""
    words = form.words
    found = advantage(cells, _HYBRID, _GREEDY, dataset, regime, "precision")
    if found is None:
        return ""
    week = passes_from(cells, _HYBRID, _GREEDY, dataset, regime, "precision")
    ahead = words("weeks.never_ahead") if week is None else words("weeks.ahead_from", week=week)
    return words(
        f"weeks.hybrid_{found.verdict}",
        data=words(f"table_three.{dataset}"),
        regime=words(f"weeks.{regime}"),
        difference=form.number(abs(found.difference)),
        error=form.number(found.standard_error),
        ahead=ahead,
    )


def weeks_figures(documents: Documents, form: Form) -> dict[str, Figure]:
    """For each regime, measure and data set, a line for each strategy; then drift, and what the adaptive strategy explores."""
    cells = in_order(documents)
    figures = {}
    for regime in regimes_of(cells):
        for measure in _DRAWN:
            for dataset in ("source", "synthetic"):
                own = [of for of in cells if of["dataset"] == dataset and regime in of["regimes"]]
                if own:
                    name = f"simulated-{regime}-{measure}-{dataset}"
                    figures[name] = _over_weeks(own, regime, measure, _title(measure, dataset, regime, form), form)
    return figures | _of_drift(cells, form)


def _title(measure: str, dataset: str, regime: str, form: Form) -> str:
    words = form.words
    return f"{words(f'weeks.{measure}')}<br>({words(f'table_three.{dataset}')}, {words(f'weeks.{regime}')})"


def _over_weeks(cells: Documents, regime: str, measure: str, title: str, form: Form) -> Figure:
    traces = []
    for of in cells:
        values = smoothed(of["regimes"][regime]["by_week"][measure])
        strategy = form.words.translated(STRATEGIES[of["strategy"]].title)
        traces.append(lines(of["starts"], values, strategy, line=_line(of["strategy"])))
    drawn = layout("", title, legend={"orientation": "h", "y": -0.2}, height=380)
    drawn["yaxis"]["rangemode"] = "tozero"
    return {"data": traces, "layout": drawn}


# Colours that people with colour blindness tell apart (Okabe and Ito), and the dash of those that explore.
_COLOURS = ("#0072B2", "#808080", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def _line(strategy: str) -> dict[str, Any]:
    place = list(STRATEGIES).index(strategy)
    return {"color": _COLOURS[place % len(_COLOURS)], "width": 2, "dash": "dot" if strategy == _UNBIASED else "solid"}


def _of_drift(cells: Documents, form: Form) -> dict[str, Figure]:
    """How far each week is from those before it, and by chance; and the adaptive strategy's share of exploration."""
    words, figures = form.words, {}
    drift, explored = [], []
    for of in cells:
        if "constant" not in of["regimes"]:
            continue
        by_week, data = of["regimes"]["constant"]["by_week"], words(f"table_three.{of['dataset']}")
        colour = _COLOURS[0] if of["dataset"] == "source" else _COLOURS[5]
        if of["strategy"] == _UNBIASED:
            for measure, dash in (("drift", "solid"), ("drift_by_chance", "dot")):
                name = f"{data}: {words(f'weeks.{measure}')}"
                drift.append(
                    lines(of["starts"], smoothed(by_week[measure]), name, line={"color": colour, "dash": dash})
                )
        if of["strategy"] == "adapt":
            explored.append(lines(of["starts"], smoothed(by_week["explored"]), data, line={"color": colour}))
    for name, traces in (("drift", drift), ("explored", explored)):
        if traces:
            drawn = layout("", words(f"weeks.{name}"), legend={"orientation": "h", "y": -0.2}, height=380)
            drawn["yaxis"]["rangemode"] = "tozero"
            figures[f"simulated-{name}"] = {"data": traces, "layout": drawn}
    return figures


def smoothed(values: Sequence[float | None], weeks: int = _SMOOTHED) -> list[float | None]:
    """The mean of each week and those before it, up to ``weeks``; None where none of them has a value."""
    means: list[float | None] = []
    for place in range(len(values)):
        known = [value for value in values[max(place - weeks + 1, 0) : place + 1] if value is not None]
        means.append(float(np.mean(known)) if known else None)
    return means
