"""Pictures of a comparison, small enough to stand in an asset's metadata.

PNG by Matplotlib, whose canvas needs neither a browser nor a display; the page of the report has figures of its own.
What belongs here is drawing: numbers come from ``fidelity`` and the frames as they are. The same numbers give the same
bytes. Colours are apart for every kind of colour vision (Okabe and Ito's palette) and in grey.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME, COMPARED
from customs_assets.fidelity.fidelity import MetricScore

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCE_COLOUR = "#0072B2"
SYNTHETIC_COLOUR = "#D55E00"
_ORANGE = "#E69F00"

_INK = "#333333"
_UNKNOWN_GREY = 0.85
_DPI = 100
_PALETTE = 256
_SHADES = 25
_DAYS_SHOWN_SINGLY = 62
_HEADERS = {attribute.name: attribute.header for attribute in COMPARED}
_PAIR_METRICS = ("CorrelationSimilarity", "ContingencySimilarity")


def similarity_heatmap(scores: Sequence[MetricScore]) -> Figure:
    """Figure 5: how alike every pair of columns hangs together in both frames; white is alike, red is different.

    Args:
        scores: those of :func:`customs_assets.fidelity.fidelity.fidelity`; only the two pair metrics are drawn, in
            percent. A pair without a score (a constant column) is grey.
    """
    from matplotlib.colors import LinearSegmentedColormap

    names = list(_HEADERS.values())
    lower = np.tri(len(names), k=-1, dtype=bool)[1:, :-1]
    shown = np.where(lower, _pair_matrix(scores)[1:, :-1], np.nan)
    figure = _figure(8.6, 7.6, layout=None)
    axes = figure.add_axes((0.19, 0.16, 0.79, 0.79))
    colours = LinearSegmentedColormap.from_list("similarity", ["#67001f", "#d6604d", "#ffffff"], N=_SHADES)
    cells = np.ma.masked_array(np.nan_to_num(shown), ~lower | np.isnan(shown))
    axes.imshow(np.where(lower, _UNKNOWN_GREY, 1.0), cmap="gray", vmin=0, vmax=1, aspect="auto")
    image = axes.imshow(cells, cmap=colours, vmin=0, vmax=1, aspect="auto")
    _write_percentages(axes, shown, lower)
    axes.set_xticks(range(len(names) - 1), names[:-1], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names) - 1), names[1:])
    axes.tick_params(length=0, labelsize=7.5, labelcolor=_INK)
    axes.spines[:].set_visible(False)
    axes.set_title("Similarity of column pairs, source and synthetic (%)", fontsize=10, color=_INK, loc="left")
    bar = figure.colorbar(image, cax=axes.inset_axes((0.56, 0.9, 0.4, 0.03)), orientation="horizontal")
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0\ndifferent", "25", "50", "75", "100\nalike"], fontsize=7.5)
    return figure


def _pair_matrix(scores: Sequence[MetricScore]) -> np.ndarray:
    """Pair scores as a symmetric matrix in the order of the form, NaN where there is none."""
    positions = {name: position for position, name in enumerate(_HEADERS)}
    matrix = np.full((len(positions), len(positions)), np.nan)
    for score in scores:
        if score.metric in _PAIR_METRICS:
            for pair, value in score.columns.items():
                first, second = (positions[name] for name in pair.split("|"))
                matrix[first, second] = matrix[second, first] = value
    return matrix


def _write_percentages(axes: Axes, shown: np.ndarray, cells: np.ndarray) -> None:
    for row, column in np.argwhere(cells):
        value = float(shown[row, column])
        text = "\N{EN DASH}" if math.isnan(value) else f"{100 * value:.0f}"
        colour = "white" if value < 0.55 else _INK
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)


def distributions(source: pd.DataFrame, synthetic: pd.DataFrame) -> Figure:
    """Figure 4: tax rate, net mass (on a logarithmic scale) and critical fraud, source beside synthetic.

    Args:
        source: declarations with ``tax_rate`` (%), ``net_mass`` (kg) and ``critical_fraud``; one row or more.
        synthetic: likewise.
    """
    figure = _figure(9.6, 3.0)
    tax_rate, net_mass, critical_fraud = figure.subplots(1, 3, width_ratios=[1.15, 1.15, 0.9])
    _rates(tax_rate, *(frame["tax_rate"].to_numpy(dtype=float) for frame in (source, synthetic)))
    _masses(net_mass, *(frame["net_mass"].to_numpy(dtype=float) for frame in (source, synthetic)))
    _labels(critical_fraud, *(frame["critical_fraud"].to_numpy(dtype=float) for frame in (source, synthetic)))
    tax_rate.set_ylabel("Share of declarations (%)", fontsize=8, color=_INK)
    tax_rate.legend(fontsize=8, frameon=False, loc="upper right")
    return figure


def _rates(axes: Axes, source: np.ndarray, synthetic: np.ndarray) -> None:
    """Bars of two percentage points up to 30%; all higher rates together in the last one."""
    edges = np.arange(0.0, 33.0, 2.0)
    heights = [_shares(np.histogram(np.minimum(values, 31.0), edges)[0]) for values in (source, synthetic)]
    _paired_bars(axes, (edges[:-1] + edges[1:]) / 2, heights, width=1.8)
    axes.set_xticks([0, 10, 20, 31], ["0", "10", "20", "30+"])
    _dress(axes, f"{BY_NAME['tax_rate'].header} (%)")


def _masses(axes: Axes, source: np.ndarray, synthetic: np.ndarray) -> None:
    """Four steps a decade over both frames' masses; a mass of 0 has no logarithm and is told in words."""
    positive = np.concatenate([values[values > 0] for values in (source, synthetic)])
    least, most = np.log10([positive.min(), positive.max()]) if len(positive) else (0.0, 1.0)
    edges = 10.0 ** np.arange(math.floor(least), math.ceil(most + 1e-9) + 0.25, 0.25)
    for values, colour, style in ((source, SOURCE_COLOUR, "-"), (synthetic, SYNTHETIC_COLOUR, "--")):
        shares = 100 * np.histogram(values, edges)[0] / len(values)
        axes.stairs(shares, edges, color=colour, linewidth=1.5, linestyle=style)
    axes.set_xscale("log")
    zero = [100 * float((values == 0).mean()) for values in (source, synthetic)]
    note = f"0 kg: {zero[0]:.1f}% in source,\n{zero[1]:.1f}% in synthetic"
    axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=7, color=_INK)
    _dress(axes, f"{BY_NAME['net_mass'].header} (kg, logarithmic)")


def _labels(axes: Axes, source: np.ndarray, synthetic: np.ndarray) -> None:
    heights = [_shares(np.array([(values == label).sum() for label in (0, 1, 2)])) for values in (source, synthetic)]
    _paired_bars(axes, np.arange(3.0), heights, width=0.8, annotated=True)
    axes.set_xticks([0, 1, 2], ["0 none", "1 fraud", "2 critical"])
    _dress(axes, BY_NAME["critical_fraud"].header)


def _shares(counts: np.ndarray) -> np.ndarray:
    return 100 * counts / max(int(counts.sum()), 1)


def _paired_bars(
    axes: Axes, centres: np.ndarray, heights: Sequence[np.ndarray], width: float, annotated: bool = False
) -> None:
    names = (("source", SOURCE_COLOUR, -0.25), ("synthetic", SYNTHETIC_COLOUR, 0.25))
    for (name, colour, offset), values in zip(names, heights, strict=True):
        bars = axes.bar(centres + offset * width, values, width / 2, color=colour, label=name)
        if annotated:
            axes.bar_label(bars, fmt="%.1f", fontsize=7, color=_INK, padding=1)


def daily_counts(source: pd.DataFrame, synthetic: pd.DataFrame) -> Figure:
    """Declarations a day, source beside synthetic; over more than two months the mean of every seven days.

    Args:
        source: declarations with ``date``; one row or more.
        synthetic: likewise.
    """
    from matplotlib.dates import AutoDateLocator, DateFormatter, date2num

    dates = pd.concat([source["date"], synthetic["date"]])
    days = pd.date_range(dates.min(), dates.max())
    step = 7 if len(days) > _DAYS_SHOWN_SINGLY else 1
    edges = date2num(days[::step].append(days[-1:] + pd.Timedelta(days=1)))
    counts = [np.histogram(date2num(frame["date"]), edges)[0] / np.diff(edges) for frame in (source, synthetic)]
    figure = _figure(8.6, 2.8)
    axes = figure.add_subplot()
    axes.stairs(counts[0], edges, fill=True, color=SOURCE_COLOUR, alpha=0.4, linewidth=0, label="source")
    axes.stairs(counts[1], edges, color=SYNTHETIC_COLOUR, linewidth=1.2, label="synthetic")
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))
    axes.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))
    axes.set_ylim(bottom=0, top=1.2 * max(float(values.max()) for values in counts))
    axes.set_ylabel("Declarations a day" if step == 1 else "Declarations a day, weekly mean", fontsize=8, color=_INK)
    axes.legend(fontsize=8, frameon=False, loc="upper right", ncols=2)
    _dress(axes, BY_NAME["date"].header)
    return figure


def loss_curve(losses: pd.DataFrame) -> Figure:
    """The two losses of a CTGAN over its training.

    Args:
        losses: ``epoch``, ``generator_loss``, ``discriminator_loss``, a row an epoch.
    """
    figure = _figure(8.6, 2.8)
    axes = figure.add_subplot()
    axes.axhline(0, color="#bbbbbb", linewidth=0.8)
    for network, colour in (("generator", SOURCE_COLOUR), ("discriminator", _ORANGE)):
        axes.plot(losses["epoch"], losses[f"{network}_loss"], color=colour, linewidth=1.2, label=network)
    axes.set_ylabel("Loss (Wasserstein)", fontsize=8, color=_INK)
    axes.legend(fontsize=8, frameon=False, loc="best", ncols=2)
    _dress(axes, "Epoch")
    return figure


def as_png(figure: Figure) -> bytes:
    """A figure as PNG, 100 pixels to its inch, of few enough colours to be small; neither date nor version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(_PALETTE)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def as_png_markdown(figure: Figure, caption: str = "figure") -> str:
    """A figure as a Markdown image that carries its own bytes."""
    return f"![{caption}](data:image/png;base64,{base64.b64encode(as_png(figure)).decode()})"


def _figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of a size in inches, outside Matplotlib's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DPI, facecolor="white", layout=layout)


def _dress(axes: Axes, label: str) -> None:
    axes.set_xlabel(label, fontsize=8, color=_INK)
    axes.tick_params(labelsize=7.5, colors=_INK)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
