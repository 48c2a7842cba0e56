"""Pictures: valid PNG of the size asked for, small, the same bytes twice, whatever the numbers."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle, StepPatch

from customs_assets.fidelity import figures
from customs_assets.fidelity.fidelity import fidelity


@pytest.fixture(scope="module")
def losses() -> pd.DataFrame:
    epochs = np.arange(300)
    return pd.DataFrame(
        {"epoch": epochs, "generator_loss": np.sin(epochs / 9), "discriminator_loss": -np.exp(-epochs / 50)}
    )


@pytest.fixture(scope="module")
def drawings(random_declarations, losses):
    source, synthetic = random_declarations(300, seed=1), random_declarations(300, seed=2)
    return {
        "heatmap": (lambda: figures.similarity_heatmap(fidelity(source, synthetic)), (860, 760)),
        "distributions": (lambda: figures.distributions(source, synthetic), (960, 300)),
        "days": (lambda: figures.daily_counts(source, synthetic), (860, 280)),
        "losses": (lambda: figures.loss_curve(losses), (860, 280)),
    }


@pytest.mark.parametrize("name", ["heatmap", "distributions", "days", "losses"])
def test_a_picture_is_a_small_png_with_the_same_bytes_twice(drawings, name):
    from PIL import Image

    draw, size = drawings[name]
    content = figures.as_png(draw())
    picture = Image.open(io.BytesIO(content))
    picture.load()
    assert (picture.format, picture.size) == ("PNG", size)
    assert picture.info == {}, "no date and no version in the file"
    assert len(content) < 60_000
    assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10, "something is drawn"
    assert figures.as_png(draw()) == content


def test_markdown_carries_the_picture_itself(losses):
    markdown = figures.as_png_markdown(figures.loss_curve(losses), "losses of 2020-01")
    head, _, encoded = markdown.removesuffix(")").partition("base64,")
    assert head == "![losses of 2020-01](data:image/png;"
    assert base64.b64decode(encoded) == figures.as_png(figures.loss_curve(losses))


def test_the_heatmap_writes_each_pairs_percentage(declarations):
    source = declarations(country_of_origin=["CN"] * 5 + ["US"] * 5)
    synthetic = declarations(country_of_origin=["CN"] * 9 + ["US"])
    texts = [text.get_text() for text in figures.similarity_heatmap(fidelity(source, synthetic)).axes[0].texts]
    assert len(texts) == 21 * 20 / 2
    assert texts.count("60") == 20, "the changed column against every other"
    assert texts.count("\N{EN DASH}") == 6, "constant numbers have no correlation"
    assert texts.count("100") == 210 - 26


def test_the_tallest_day_and_the_weekly_mean_are_what_was_counted(declarations):
    month = declarations(date=["2020-01-01"] * 7 + ["2020-01-03"] * 3)
    figure = figures.daily_counts(month, month)
    assert [list(values) for values in _steps(figure)] == [[7, 0, 3]] * 2
    year = declarations(date=["2020-01-01"] * 7 + ["2020-12-31"] * 3)
    weekly = _steps(figures.daily_counts(year, year))[0]
    assert (weekly[0], weekly[-1], len(weekly)) == (1.0, 1.5, 53), "366 days: 52 weeks and two days"


def _steps(figure) -> list[np.ndarray]:
    return [patch.get_data()[0] for patch in figure.axes[0].patches if isinstance(patch, StepPatch)]


def test_the_label_bars_are_shares_in_percent(declarations):
    source = declarations(critical_fraud=[0] * 7 + [1] * 2 + [2])
    axes = figures.distributions(source, declarations(critical_fraud=[0] * 5 + [1] * 5)).axes[2]
    assert [round(bar.get_height(), 9) for bar in axes.patches if isinstance(bar, Rectangle)] == [70, 20, 10, 50, 50, 0]


def test_frames_without_positive_mass_or_of_one_row_still_draw(declarations):
    weightless = declarations(rows=1, net_mass=[0.0])
    assert figures.as_png(figures.distributions(weightless, weightless)).startswith(b"\x89PNG")
    assert figures.as_png(figures.daily_counts(weightless, weightless)).startswith(b"\x89PNG")


def test_drawing_leaves_matplotlibs_global_state_alone(losses):
    figures.as_png(figures.loss_curve(losses))
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
