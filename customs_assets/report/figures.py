"""The figures of the page, as Plotly understands them: plain data, drawn by the page itself.

Named as in the paper. What belongs here is which numbers a figure shows and how its axes read; colours are the page's, since it
has a light and a dark face, and go by a trace's ``meta``: ``source`` or ``synthetic``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from customs_assets.declaration import BY_NAME, COMPARED, HS6
from customs_assets.fidelity.fidelity import METRICS, MetricScore

Figure = dict[str, Any]

_HEADERS = {a.name: a.header for a in COMPARED} | {"chapter": "HS chapter", HS6.name: HS6.header}
_SIDES = ("source", "synthetic")
_PAIR_METRICS = ("CorrelationSimilarity", "ContingencySimilarity")


def _bars(x: Sequence[Any], y: Sequence[float], side: str, **more: Any) -> Figure:
    return {"type": "bar", "name": side, "meta": side, "x": list(x), "y": [100 * value for value in y], **more}


def _layout(x: str = "", y: str = "Share (%)", **more: Any) -> Figure:
    axes = {"xaxis": {"title": {"text": x}, "automargin": True}, "yaxis": {"title": {"text": y}, "automargin": True}}
    return {**axes, "barmode": "group", "legend": {"orientation": "h", "y": 1.15}, **more}


def figure_three(explored: Mapping[str, Any]) -> dict[str, Figure]:
    """Representative attributes and their distribution: a figure an attribute."""
    figures = {}
    for name, shown in explored.items():
        traces = [_bars(shown["values"], shown[side], side) for side in _SIDES]
        layout = _layout(_HEADERS.get(name, name))
        layout["xaxis"]["type"] = "category"
        figures[f"figure-3-{name}"] = {"data": traces, "layout": layout}
    return figures


def figure_four(distributions: Mapping[str, Any]) -> dict[str, Figure]:
    """Tax rate, net mass and critical fraud."""
    rate, mass, label = (distributions[name] for name in ("tax_rate", "net_mass", "critical_fraud"))
    centres = [low + 1 for low in rate["edges"][:-1]]
    middles = [math.sqrt(low * high) for low, high in zip(mass["edges"], mass["edges"][1:], strict=False)]
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "line": {"shape": "hvh", "dash": "solid" if side == "source" else "dash"},
            "name": side,
            "meta": side,
            "x": middles,
            "y": [100 * share for share in mass[side]],
        }
        for side in _SIDES
    ]
    zero = ", ".join(f"{100 * mass['zero'][side]:.1f}% in {side}" for side in _SIDES)
    logarithmic = _layout(f"{BY_NAME['net_mass'].header} (kg); 0 kg: {zero}")
    logarithmic["xaxis"]["type"] = "log"
    names = ["0 none", "1 fraud", "2 critical"]
    return {
        "figure-4-tax_rate": {
            "data": [_bars(centres, rate[side], side) for side in _SIDES],
            "layout": _layout(f"{BY_NAME['tax_rate'].header} (%), the last bar 30 and more"),
        },
        "figure-4-net_mass": {"data": lines, "layout": logarithmic},
        "figure-4-critical_fraud": {
            "data": [_bars(names, label[side], side) for side in _SIDES],
            "layout": _layout(BY_NAME["critical_fraud"].header),
        },
    }


def figure_five(scores: Sequence[MetricScore]) -> Figure:
    """Similarity of column pairs: pale is alike, red is different; a pair without a score is left out."""
    names = [a.name for a in COMPARED]
    cells: dict[tuple[str, str], float] = {}
    for score in scores:
        if score.metric in _PAIR_METRICS:
            for pair, value in score.columns.items():
                first, second = pair.split("|")
                cells[second, first] = value
    rows = [[_percent(cells.get((low, high))) for high in names[:-1]] for low in names[1:]]
    trace = {
        "type": "heatmap",
        "x": [_HEADERS[name] for name in names[:-1]],
        "y": [_HEADERS[name] for name in names[1:]],
        "z": rows,
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[0, "#67001f"], [0.6, "#d6604d"], [0.85, "#fddbc7"], [1, "#f7f7f7"]],
        "colorbar": {"title": {"text": "%"}, "thickness": 12},
        "hovertemplate": "%{y} and %{x}: %{z:.1f}%<extra></extra>",
    }
    layout = {"yaxis": {"autorange": "reversed", "automargin": True}, "xaxis": {"tickangle": -45, "automargin": True}}
    return {"data": [trace], "layout": {**layout, "height": 620}}


def figure_six(importance: Mapping[str, Any]) -> Figure:
    """Importance of attributes for XGBoost, most important on the source first."""
    order = sorted(importance["source"], key=lambda name: importance["source"][name])
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": side,
            "meta": side,
            "y": [_HEADERS[name] for name in order],
            "x": [100 * importance[side][name] for name in order],
        }
        for side in reversed(_SIDES)
    ]
    return {"data": traces, "layout": {**_layout("Share of splits (%)", ""), "height": 560}}


def figure_seven(explanation: Mapping[str, Any]) -> dict[str, Figure]:
    """SHAP values of one decision, as a waterfall from the average output, and their mean size over many decisions."""
    contributions = explanation["contributions"]
    order = sorted(contributions, key=lambda name: abs(contributions[name]))
    labels = [f"{_HEADERS[name]} = {explanation['values'][name] or 'none'}" for name in order]
    one = {
        "type": "waterfall",
        "orientation": "h",
        "base": explanation["base_value"],
        "y": labels,
        "x": [contributions[name] for name in order],
        "increasing": {"marker": {"color": "#D55E00"}},
        "decreasing": {"marker": {"color": "#0072B2"}},
        "hovertemplate": "%{y}: %{delta:+.3f}<extra></extra>",
    }
    summary = explanation["summary"]
    ranked = sorted(summary, key=lambda name: summary[name])
    many = {
        "type": "bar",
        "orientation": "h",
        "meta": "synthetic",
        "y": [_HEADERS[name] for name in ranked],
        "x": [summary[name] for name in ranked],
    }
    heading = f"log-odds; E[f(x)] = {explanation['base_value']:.3f}, f(x) = {explanation['output']:.3f}"
    return {
        "figure-7-decision": {"data": [one], "layout": {**_layout(heading, ""), "height": 560, "showlegend": False}},
        "figure-7-summary": {
            "data": [many],
            "layout": {**_layout("mean |SHAP value|", ""), "height": 560, "showlegend": False},
        },
    }


def weeks(days: Mapping[str, Any]) -> Figure:
    """Declarations a week."""
    traces = [
        {"type": "scatter", "mode": "lines", "name": side, "meta": side, "x": days["weeks"], "y": days[side]}
        for side in _SIDES
    ]
    return {
        "data": traces,
        "layout": _layout("Week", "Declarations", yaxis={"rangemode": "tozero", "automargin": True}),
    }


def months(monthly: Mapping[str, Mapping[str, float]]) -> Figure:
    """Table 2 month by month, a line a metric."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": metric.title,
            "x": list(monthly),
            "y": [_null(scores.get(metric.name)) for scores in monthly.values()],
        }
        for metric in METRICS
    ]
    layout = _layout("Month", "Score", legend={"orientation": "h", "y": -0.25})
    layout["xaxis"]["type"] = "category"
    return {"data": traces, "layout": {**layout, "height": 460}}


def _percent(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else 100 * value


def _null(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
