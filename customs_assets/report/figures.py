"""The figures that only the evidence page shows: 3, 6 and 7 of the paper, and Table 2 month by month."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from customs_assets.fidelity.figures import HEADERS
from customs_assets.fidelity.table_two import METRICS, MetricScore, as_published
from customs_assets.figures import SIDES, Figure, bars, layout, lines, percent


def figure_three(explored: Mapping[str, Any]) -> dict[str, Figure]:
    """The most frequent values of representative attributes: a figure for each attribute."""
    figures = {}
    for name, shares in explored.items():
        categories = layout({**HEADERS, "chapter": "HS chapter"}[name])
        categories["xaxis"]["type"] = "category"
        traces = [bars(shares["values"], shares[side], side) for side in SIDES]
        figures[f"figure-3-{name}"] = {"data": traces, "layout": categories}
    return figures


def _ranked(values: Mapping[str, float], order: list[str], side: str, **more: Any) -> Figure:
    """Horizontal bars of attributes; Plotly draws the first one lowest."""
    y, x = [HEADERS[name] for name in order], [values[name] for name in order]
    return {"type": "bar", "orientation": "h", "name": side, "meta": side, "y": y, "x": x, **more}


def figure_six(importance: Mapping[str, Any]) -> Figure:
    """Importance of attributes for XGBoost, most important on the source first."""
    order = sorted(importance["source"], key=importance["source"].__getitem__)
    shares = {side: dict(zip(importance[side], percent(importance[side].values()), strict=True)) for side in SIDES}
    traces = [_ranked(shares[side], order, side) for side in reversed(SIDES)]
    legend = {"orientation": "h", "y": 1.1, "traceorder": "reversed"}
    return {"data": traces, "layout": layout("Share of splits (%)", "", height=560, legend=legend)}


def figure_seven(explanation: Mapping[str, Any]) -> dict[str, Figure]:
    """SHAP values of one decision, as a waterfall from the average output, and their mean size over many decisions."""
    contributions, summary = explanation["contributions"], explanation["summary"]
    order = sorted(contributions, key=lambda name: abs(contributions[name]))
    one = {
        "type": "waterfall",
        "orientation": "h",
        "base": explanation["base_value"],
        "y": [f"{HEADERS[name]} = {explanation['values'][name] or 'none'}" for name in order],
        "x": [contributions[name] for name in order],
        "increasing": {"marker": {"color": "#D55E00"}},
        "decreasing": {"marker": {"color": "#0072B2"}},
        "hovertemplate": "%{y}: %{delta:+.3f}<extra></extra>",
    }
    many = _ranked(summary, sorted(summary, key=summary.__getitem__), "synthetic")
    heading = f"log-odds; E[f(x)] = {explanation['base_value']:.3f}, f(x) = {explanation['output']:.3f}"
    more = {"height": 560, "showlegend": False}
    return {
        "figure-7-decision": {"data": [one], "layout": layout(heading, "", **more)},
        "figure-7-summary": {"data": [many], "layout": layout("mean |SHAP value|", "", **more)},
    }


def figure_by_month(scores: Mapping[str, Sequence[MetricScore]]) -> Figure:
    """Table 2 month by month, a line a metric, as it may be published."""
    by_metric: dict[str, list[float | None]] = {metric.title: [] for metric in METRICS}
    for of_month in scores.values():
        published = {score.metric: as_published(score.metric, score.score) for score in of_month}
        for metric in METRICS:
            score = published.get(metric.name, math.nan)
            by_metric[metric.title].append(None if math.isnan(score) else score)
    traces = [lines(list(scores), values, title, mode="lines+markers") for title, values in by_metric.items()]
    by_month = layout("Month", "Score", legend={"orientation": "h", "y": -0.25}, height=460)
    by_month["xaxis"]["type"] = "category"
    return {"data": traces, "layout": by_month}
