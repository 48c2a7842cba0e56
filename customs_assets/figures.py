"""Figures as Plotly reads them, the HTML that draws them, and their numbers as a table.

What belongs here knows numbers and labels only; which columns a figure shows is for its own room to say. A trace names its side
in ``meta``, ``source`` or ``synthetic``, by which ``figures.js`` colours it, for light and dark screens.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from dagster import AssetExecutionContext

Figure = dict[str, Any]

SIDES = ("source", "synthetic")

# A longer table in Dagster's UI shows every second row, every third, and so on.
_TABLE_ROWS = 100


def percent(shares: Sequence[float]) -> list[float]:
    """Shares in percent; a rounded share stays rounded."""
    return [round(100 * share, 10) for share in shares]


def bars(x: Sequence[Any], shares: Sequence[float], side: str) -> Figure:
    """The bars of one side, in percent."""
    return {"type": "bar", "name": side, "meta": side, "x": list(x), "y": percent(shares)}


def lines(x: Sequence[Any], y: Sequence[float | None], name: str, **more: Any) -> Figure:
    """One line."""
    return {"type": "scatter", "mode": "lines", "name": name, "meta": name, "x": list(x), "y": list(y), **more}


def layout(x: str = "", y: str = "Share (%)", **more: Any) -> Figure:
    """Titles of the axes, and the legend above the figure."""
    axes = {"xaxis": {"title": {"text": x}, "automargin": True}, "yaxis": {"title": {"text": y}, "automargin": True}}
    return {**axes, "barmode": "group", "legend": {"orientation": "h", "y": 1.15}, **more}


def loss_curve(losses: pd.DataFrame) -> Figure:
    """The losses of a model over its training: ``epoch``, and ``generator_loss`` and ``discriminator_loss``, or ``loss``."""
    epochs = losses["epoch"].tolist()
    names = [str(name) for name in losses.columns if name != "epoch"]
    traces = [lines(epochs, losses[name].tolist(), name.removesuffix("_loss")) for name in names]
    return {"data": traces, "layout": layout("Epoch", "Loss (Wasserstein)" if len(names) > 1 else "Loss")}


def as_markdown(figure: Figure) -> str:
    """The numbers of bars and lines over the same x, or of a heatmap, as a Markdown table."""
    traces = figure["data"]
    if traces[0]["type"] == "heatmap":
        head = ["", *traces[0]["x"]]
        rows = [[y, *z] for y, z in zip(traces[0]["y"], traces[0]["z"], strict=True)]
    else:
        head = [figure["layout"]["xaxis"]["title"]["text"].replace("<br>", "; "), *(trace["name"] for trace in traces)]
        rows = list(zip(traces[0]["x"], *(trace["y"] for trace in traces), strict=True))
    step = -(-len(rows) // _TABLE_ROWS)
    table = [head, ["---", *["---:"] * (len(head) - 1)], *([_text(cell) for cell in row] for row in rows[::step])]
    unit = figure["layout"]["yaxis"].get("title", {}).get("text", "Percent")
    caption = f"{unit}{f', one row of {step}' if step > 1 else ''}:\n\n"
    return caption + "\n".join(f"| {' | '.join(row)} |" for row in table)


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def rendered(template: str, **context: Any) -> bytes:
    """A template of this package as UTF-8; what it is given is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template(template).render(context).encode()


def metadata(context: AssetExecutionContext, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """What Dagster's UI shows of an asset's figures: the numbers of each as a table, and where the drawn figures lie.

    The UI draws Markdown without HTML and opens no link to a file. So the figures are drawn by an HTML file in Dagster's storage,
    one for each asset and partition, which a person opens in a browser. It needs the copy of Plotly beside it and no network.
    """
    import dagster as dg
    from plotly.offline import get_plotlyjs, get_plotlyjs_version

    title = context.asset_key.to_user_string() + (f" {context.partition_key}" if context.has_partition_key else "")
    folder = Path(context.instance.storage_directory()) / "figures"
    plotly, page = folder / f"plotly-{get_plotlyjs_version()}.js", folder / f"{title.replace(' ', '-')}.html"
    if not plotly.exists():
        _write(plotly, get_plotlyjs().encode())
    _write(page, rendered("figures.html", title=title, figures=figures, plotly=plotly.name))
    tables = {name.replace("-", "_"): dg.MetadataValue.md(as_markdown(figure)) for name, figure in figures.items()}
    return {"figures": dg.MetadataValue.path(page), **tables}


def _write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it: other runs see all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
