"""Drift on the evidence page: a chart over months for a few measures, and a table of what was told of which month.

What belongs here is for the inside form alone: a month has few declarations, and months can be subtracted from each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customs_assets.drift.verdicts import Standing
from customs_assets.figures import Figure, layout, lines
from customs_assets.report.form import Form

# The measures that are drawn, with the words of their axis.
_DRAWN = {
    "volume": "volume",
    "median of price_per_kilogram": "price",
    "set aside": "set_aside",
    "inspected": "inspected",
    "rate of fraud": "fraud",
    "shares of office_id": "offices",
    "shares of chapter": "chapters",
    "new hs10_code": "new_codes",
}

_LOGARITHMIC = ("volume", "median of price_per_kilogram")


def drift_figures(documents: Mapping[str, Mapping[str, Any]], form: Form) -> dict[str, Figure]:
    """A figure for each measure that the months have: its values, what was expected, the bounds, and the months that were told.

    Args:
        documents: the asset ``drift``, by month.
        form: the form of the page.
    """
    by_measure = {month: {one["measure"]: one for one in of["measures"]} for month, of in documents.items()}
    return {
        f"drift-{words}": _figure({month: of.get(measure) for month, of in by_measure.items()}, measure, words, form)
        for measure, words in _DRAWN.items()
        if any(measure in of for of in by_measure.values())
    }


def _figure(series: Mapping[str, Mapping[str, Any] | None], measure: str, words: str, form: Form) -> Figure:
    months, told = list(series), form.words

    def numbers(name: str) -> list[float | None]:
        return [None if one is None else one[name] for one in series.values()]

    # A distance has no lower bound: its band stands on 0.
    low = [
        0.0 if bottom is None and top is not None else bottom
        for bottom, top in zip(numbers("low"), numbers("high"), strict=True)
    ]
    values = numbers("value")
    odd = [
        value if one is not None and one["standing"] == Standing.TOLD else None
        for value, one in zip(values, series.values(), strict=True)
    ]
    edge = {"color": "rgba(128,128,128,0.6)", "width": 1}
    drawn = layout(told("months_section.month"), told(f"drift.{words}"), legend={"orientation": "h", "y": -0.3})
    drawn["xaxis"]["type"] = "category"
    drawn["yaxis"] |= {"type": "log"} if measure in _LOGARITHMIC else {"rangemode": "tozero"}
    return {
        "data": [
            lines(months, low, told("drift.low"), line=edge, showlegend=False),
            lines(
                months,
                numbers("high"),
                told("drift.band"),
                line=edge,
                fill="tonexty",
                fillcolor="rgba(128,128,128,0.2)",
            ),
            lines(months, numbers("expected"), told("drift.expected"), line={"color": "#808080", "dash": "dot"}),
            lines(months, values, told("drift.value"), mode="lines+markers", line={"color": "#0072B2"}),
            lines(months, odd, told("drift.told"), mode="markers", marker={"color": "#D55E00", "size": 12}),
        ],
        "layout": drawn,
    }


def drift_sentences(documents: Mapping[str, Mapping[str, Any]], form: Form) -> list[tuple[str, str, str]]:
    """Month, what was told of it, and the language of that: English, as the checks word it."""
    rows = []
    for month, document in documents.items():
        told = [one for one in document["measures"] if one["standing"] == Standing.TOLD]
        if told:
            rows.append((month, "; ".join(_sentence(one) for one in told), "en"))
        elif all(one["standing"] == Standing.NO_HISTORY for one in document["measures"]):
            rows.append((month, form.words("drift.no_history"), form.words.language))
    return rows


def _sentence(one: Mapping[str, Any]) -> str:
    ends = [f"{end:.4g}" for end in (one["low"], one["high"]) if end is not None]
    bounds = f"usual {'up to ' if one['low'] is None else ''}{' to '.join(ends)}"
    hint = f"; {one['hint']}" if one["hint"] else ""
    return f"{one['title']}: {one['value']:.4g} ({bounds}{hint})"
