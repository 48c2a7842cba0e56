"""The figures of the evidence page. Those that only the page shows are made here: 3, 6 and 7 of the paper, the ROC curves of the
attacks on membership, and Table 2 month by month."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from customs_assets.fidelity.figures import HEADERS, figure_five, figure_four, figure_over_time
from customs_assets.fidelity.table_two import METRICS, MetricScore, as_published
from customs_assets.figures import SIDES, Figure, bars, layout, lines, percent
from customs_assets.report.form import Form

# The ROC curves begin here, on both axes.
_LEAST_RATE = 1e-3


def all_figures(
    scores: Sequence[MetricScore],
    evidence: Mapping[str, Any],
    quality: Mapping[str, Sequence[MetricScore]],
    membership: Mapping[str, Any] | None,
    form: Form,
) -> dict[str, Figure]:
    """The figures that a form of the page has, by name.

    Args:
        scores: Table 2 over all months.
        evidence: as ``evidence.evidence`` or, for the outside form, ``outside.outside_evidence``.
        quality: Table 2 by month.
        membership: the measures of the attacks on membership; None where none was made.
        form: the form.
    """
    figures = figure_three(evidence["figure_3"])
    if evidence["figure_4"]:
        figures |= {**figure_four(evidence["figure_4"]), "figure-5": figure_five(scores)}
    if evidence["figure_6"]:
        figures["figure-6"] = figure_six(evidence["figure_6"])
    if evidence["figure_7"]:
        if form.has("figure-7-decision"):
            figures["figure-7-decision"] = figure_seven_decision(evidence["figure_7"])
        figures["figure-7-summary"] = figure_seven_summary(evidence["figure_7"])
    if form.has("months-compared"):
        figures |= {"months": figure_by_month(quality), "weeks": figure_over_time(evidence["days"], "week")}
    if membership and form.has("roc"):
        figures["roc"] = figure_roc(membership, form)
    return figures


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


def figure_seven_decision(explanation: Mapping[str, Any]) -> Figure:
    """SHAP values of one decision, as a waterfall from the average output."""
    contributions = explanation["contributions"]
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
    heading = f"log-odds; E[f(x)] = {explanation['base_value']:.3f}, f(x) = {explanation['output']:.3f}"
    return {"data": [one], "layout": layout(heading, "", height=560, showlegend=False)}


def figure_seven_summary(explanation: Mapping[str, Any]) -> Figure:
    """The mean size of SHAP values over many decisions."""
    summary = explanation["summary"]
    many = _ranked(summary, sorted(summary, key=summary.__getitem__), "synthetic")
    return {"data": [many], "layout": layout("mean |SHAP value|", "", height=560, showlegend=False)}


def figure_roc(membership: Mapping[str, Any], form: Form) -> Figure:
    """ROC curves of the attacks on membership, both axes logarithmic, with the diagonal and the strongest's band of chance.

    The strongest attack is drawn last and wide. What lies under one in a thousand is not drawn.
    """
    words, strongest = form.words, membership["strongest"]["tpr_01"]["attack"]
    rates, drawn = membership["curves"]["false_positives"], membership["curves"]["true_positives"]
    titles = {attack["name"]: words.attack(attack["name"], attack["title"]) for attack in membership["attacks"]}
    guessing = lines(rates, rates, words("privacy.guessing"), line={"color": "#808080", "dash": "dot"})
    band = lines(
        rates,
        _on_log_axis(membership["curves"]["band"]),
        words("privacy.band"),
        line={"color": "rgba(128,128,128,0.6)", "width": 1},
        fill="tonexty",
        fillcolor="rgba(128,128,128,0.25)",
    )
    order = sorted(drawn, key=lambda name: name == strongest)
    widths = {name: {"width": 3.5, "color": "#D55E00"} if name == strongest else {"width": 1.2} for name in order}
    curves = [lines(rates, _on_log_axis(drawn[name]), titles[name], line=widths[name]) for name in order]
    legend = {"orientation": "h", "y": -0.15, "traceorder": "reversed"}
    both = layout(words("privacy.false_positives"), words("privacy.true_positives"), height=760, legend=legend)
    for axis in ("xaxis", "yaxis"):
        both[axis] |= {"type": "log", "range": [math.log10(_LEAST_RATE), 0], "dtick": 1, "tickformat": "~g"}
    return {"data": [guessing, band, *curves], "layout": both}


def _on_log_axis(shares: Sequence[float]) -> list[float | None]:
    return [share if share >= _LEAST_RATE else None for share in shares]


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
