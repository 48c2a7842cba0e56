"""Trade patterns on the evidence page: bars of partners, curves of concentration, chords, neighbourhoods of hubs, and seasons.

What belongs here draws what ``trade`` counted, rounded where the form rounds. Of the source nothing is here that fewer than ``k``
importers stand behind; the neighbourhoods are of the release's own rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from customs_assets.claims import Claim
from customs_assets.claims import from_json as claims_from_json
from customs_assets.figures import SIDES, Figure, bars, layout, lines, percent
from customs_assets.release.rounding import Rounding
from customs_assets.report.form import Form
from customs_assets.trade.pictures import BARS, LARGEST

# The claims on trade have a table of their own.
PREFIX = "trade_"

# The circle of a chord picture, and where its names stand; all numbers are whole tens, so that rounding has nothing to do.
_RADIUS, _NAMES, _EDGE = 1000.0, 1130.0, 1300
_GAP = 0.02

# Names of shorter arcs, in radians, would lie on each other.
_NAMED = 0.09

# Okabe and Ito's colours, which people with colour blindness tell apart.
_COLOURS = (
    *("0,114,178", "213,94,0", "0,158,115", "230,159,0"),
    *("204,121,167", "86,180,233", "128,128,128"),
)
_KINDS = {"hub": ("#D55E00", 20), "importer": ("#0072B2", 10), "seller": ("#808080", 10)}


def trade_claims_of(document: Mapping[str, Any] | None, form: Form | None = None) -> list[Claim]:
    """The claims of the document; for the outside form without those that say something of few traders."""
    if document is None:
        return []
    hidden = set(document["inside"]) if form is not None and form.rounding is not None else set()
    return [claim for claim in claims_from_json(document["claims"]) if claim.key not in hidden]


def outside_pictures(pictures: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """The pictures as they may leave the house: shares rounded, seasons and months left out; none where no share is told."""
    if rounding.step() is None:
        return {}

    def told(shares: Sequence[float | None]) -> list[float | None]:
        return [rounding.share(share) for share in shares]

    chord = pictures["chord"]
    return {
        "degrees": {
            name: {**of, **{side: told(of[side]) for side in SIDES}} for name, of in pictures["degrees"].items()
        },
        "largest": {name: {side: told(of[side]) for side in SIDES} for name, of in pictures["largest"].items()},
        "chord": chord and {**chord, **{side: [told(row) for row in chord[side]] for side in SIDES}},
        "hubs": pictures["hubs"],
    }


def trade_figures(document: Mapping[str, Any] | None, form: Form) -> dict[str, Figure]:
    """The figures that a form of the page has, by name."""
    if document is None:
        return {}
    pictures = document["pictures"]
    if form.rounding is not None:
        pictures = outside_pictures(pictures, form.rounding)
    figures: dict[str, Figure] = {}
    for name, of in pictures.get("degrees", {}).items():
        if sum(of["source"]) and sum(of["synthetic"]):
            first, second = name.split("|")
            figures[f"trade-partners-{first}-{second}"] = _partners(of, first, second, form)
    figures |= _largest(pictures.get("largest", {}), form)
    if chord := pictures.get("chord"):
        for side in SIDES:
            if any(map(any, chord[side])):
                figures[f"trade-chord-{side}"] = chord_figure(chord, side)
    for number, hub in enumerate(pictures.get("hubs", []), start=1):
        figures[f"trade-hub-{number}"] = _hub(hub, number, form)
    if form.has("trade-months"):
        figures |= _seasons(pictures["season"], form) | _coming(pictures["coming"], document["months"], form)
    return figures


def _partners(of: Mapping[str, Any], first: str, second: str, form: Form) -> Figure:
    words = form.words
    title = words("trade.partners", a=words(f"trade.{first}"), b=words(f"trade.{second}"))
    drawn = layout(title)
    drawn["xaxis"]["type"] = "category"
    return {"data": [bars(BARS, of[side], side) for side in SIDES], "layout": drawn}


def _largest(curves: Mapping[str, Any], form: Form) -> dict[str, Figure]:
    """Of each role, the share of the declarations that the largest traders have."""
    words, figures = form.words, {}
    labels = [words("form.percent", n=f"{100 * share:g}") for share in LARGEST]
    for name, of in curves.items():
        if not any(of["source"]):
            continue
        traces = []
        for side in SIDES:
            shares = [None if share is None else percent([share])[0] for share in of[side]]
            traces.append(lines(labels, shares, side, mode="lines+markers"))
        drawn = layout(words("trade.largest", a=words(f"trade.{name}")), words("trade.of_declarations"))
        drawn["xaxis"]["type"] = "category"
        drawn["yaxis"]["rangemode"] = "tozero"
        figures[f"trade-largest-{name}"] = {"data": traces, "layout": drawn}
    return figures


def chord_figure(chord: Mapping[str, Any], side: str) -> Figure:
    """A circle with offices at its left and countries at its right, and a ribbon as wide as the share of each pair.

    Ribbons are paths, and hold no numbers but those of the shares that they are drawn from.
    """
    table = [[share or 0.0 for share in row] for row in chord[side]]
    offices = _arcs([sum(row) for row in table], start=math.pi / 2, turn=1)
    countries = _arcs([sum(column) for column in zip(*table, strict=True)], start=math.pi / 2, turn=-1)
    taken_here, taken_there = [low for low, _ in offices], [low for low, _ in countries]
    whole = sum(map(sum, table))
    shapes, width = [], math.pi - _GAP * (len(offices) + 1)
    wide = math.pi - _GAP * (len(countries) + 1)
    for place, row in enumerate(table):
        for other, share in enumerate(row):
            if not share:
                continue
            here = taken_here[place], taken_here[place] + width * share / whole
            there = taken_there[other], taken_there[other] - wide * share / whole
            taken_here[place], taken_there[other] = here[1], there[1]
            shapes.append(_shape(_ribbon(here, there), f"rgba({_COLOURS[place % len(_COLOURS)]},0.55)"))
    names = _names(chord["offices"], offices) + _names(chord["countries"], countries)
    labels = {
        "type": "scatter",
        "mode": "text",
        "meta": "labels",
        "hoverinfo": "skip",
        "x": [x for x, _, _ in names],
        "y": [y for _, y, _ in names],
        "text": [name for _, _, name in names],
    }
    return {"data": [labels], "layout": _blank(side, shapes)}


def _arcs(sizes: Sequence[float], start: float, turn: int) -> list[tuple[float, float]]:
    """The angles at which each value's arc begins and ends, over half of the circle."""
    width, whole = math.pi - _GAP * (len(sizes) + 1), sum(sizes)
    arcs, at = [], start
    for size in sizes:
        begin = at + turn * _GAP
        at = begin + turn * width * (size / whole if whole else 0)
        arcs.append((begin, at))
    return arcs


def _point(angle: float, radius: float = _RADIUS) -> str:
    return f"{radius * math.cos(angle):.0f},{radius * math.sin(angle):.0f}"


def _along(begin: float, end: float) -> str:
    """The points of an arc, as the lines of a path."""
    steps = max(int(abs(end - begin) / 0.05), 1)
    return " ".join(f"L {_point(begin + (end - begin) * step / steps)}" for step in range(1, steps + 1))


def _ribbon(here: tuple[float, float], there: tuple[float, float]) -> str:
    return f"M {_point(here[0])} {_along(*here)} Q 0,0 {_point(there[0])} {_along(*there)} Q 0,0 {_point(here[0])} Z"


def _shape(path: str, colour: str) -> dict[str, Any]:
    return {"type": "path", "path": path, "fillcolor": colour, "line": {"width": 0}, "layer": "below"}


def _names(names: Sequence[str], arcs: Sequence[tuple[float, float]]) -> list[tuple[int, int, str]]:
    """Where the names stand, in whole tens; one whose arc is short has none."""
    return [
        (
            10 * round(_NAMES * math.cos((begin + end) / 2) / 10),
            10 * round(_NAMES * math.sin((begin + end) / 2) / 10),
            name,
        )
        for name, (begin, end) in zip(names, arcs, strict=True)
        if abs(end - begin) >= _NAMED
    ]


def _blank(title: str, shapes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A square without axes."""
    axis = {"visible": False, "range": [-_EDGE, _EDGE], "fixedrange": True}
    return {
        "xaxis": {**axis, "title": {"text": title}},
        "yaxis": {**axis, "scaleanchor": "x"},
        "annotations": [{"text": title, "showarrow": False, "x": 0, "y": _EDGE}],
        "shapes": list(shapes),
        "showlegend": False,
        "height": 480,
    }


def _hub(hub: Mapping[str, Any], number: int, form: Form) -> Figure:
    """The neighbourhood of one hub of the release. The page names nobody, not even who was composed."""
    words, nodes = form.words, hub["nodes"]
    across: list[int | None] = []
    up: list[int | None] = []
    for one, other in hub["edges"]:
        across += [nodes[one]["x"], nodes[other]["x"], None]
        up += [nodes[one]["y"], nodes[other]["y"], None]
    lines_between = {
        "type": "scatter",
        "mode": "lines",
        "meta": "edges",
        "hoverinfo": "skip",
        "showlegend": False,
        "x": across,
        "y": up,
        "line": {"color": "rgba(128,128,128,0.5)"},
    }
    traces = [lines_between]
    for kind, (colour, size) in _KINDS.items():
        own = [node for node in nodes if node["kind"] == kind]
        if own:
            role = {"hub": "declarant_id"}.get(kind, f"{kind}_id")
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": words(f"trade.{role}"),
                    "meta": kind,
                    "hoverinfo": "name",
                    "x": [node["x"] for node in own],
                    "y": [node["y"] for node in own],
                    "marker": {"color": colour, "size": size},
                }
            )
    drawn = _blank(words("trade.hub", number=number))
    return {"data": traces, "layout": {**drawn, "showlegend": True, "legend": {"orientation": "h", "y": -0.05}}}


def _seasons(season: Mapping[str, Any], form: Form) -> dict[str, Figure]:
    """Origins by calendar month, in percent of the origin's declarations, a picture a side."""
    months = form.words("trade.calendar").split(" ")
    figures = {}
    for side in SIDES:
        rows = [[None if share is None else round(100 * share, 2) for share in row] for row in season[side]]
        if not rows:
            continue
        trace = {
            "type": "heatmap",
            "x": months,
            "y": season["origins"],
            "z": rows,
            "zmin": 0,
            "zmax": 20,
            "colorscale": [[0, "#f7fbff"], [0.5, "#6baed6"], [1, "#08306b"]],
            "colorbar": {"title": {"text": "%"}, "thickness": 12},
            "hovertemplate": "%{y}, %{x}: %{z:.1f}%<extra></extra>",
        }
        axes = {"yaxis": {"autorange": "reversed", "automargin": True, "type": "category"}}
        figures[f"trade-season-{side}"] = {
            "data": [trace],
            "layout": {**axes, "xaxis": {"title": {"text": side}, "type": "category"}, "height": 380},
        }
    return figures


def _coming(coming: Mapping[str, Any], months: Sequence[str], form: Form) -> dict[str, Figure]:
    """Of each role, the share of a month's traders that were in no month before."""
    words, figures = form.words, {}
    for name, of in coming.items():
        traces = [
            lines(months[: len(of[side])], [None if s is None else round(100 * s, 2) for s in of[side]], side)
            for side in SIDES
        ]
        drawn = layout("", words("trade.new", a=words(f"trade.{name}")))
        drawn["xaxis"]["type"] = "category"
        drawn["yaxis"]["rangemode"] = "tozero"
        figures[f"trade-new-{name}"] = {"data": traces, "layout": drawn}
    return figures
