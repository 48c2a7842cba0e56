"""Figures: a small file with the same bytes twice that a browser draws, and the numbers that were counted."""

import json
import shutil
import subprocess
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from customs_assets import figures
from customs_assets.fidelity.distributions import counts_over_time, distributions
from customs_assets.fidelity.figures import figure_five, figure_four, quality_figures
from customs_assets.fidelity.table_two import fidelity

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def losses() -> pd.DataFrame:
    epochs = np.arange(300)
    return pd.DataFrame(
        {"epoch": epochs, "generator_loss": np.sin(epochs / 9), "discriminator_loss": -np.exp(-epochs / 50)}
    )


@pytest.fixture(scope="module")
def drawn(random_declarations, losses) -> dict[str, figures.Figure]:
    source, synthetic = random_declarations(300, seed=1), random_declarations(300, seed=2)
    compared = quality_figures(fidelity(source, synthetic), source, synthetic, min_group=5)
    return {**compared, "losses": figures.loss_curve(losses)}


def _shown(drawn: dict[str, figures.Figure], instance: dg.DagsterInstance) -> dict[str, dg.MetadataValue]:
    """The metadata of an asset that has these figures, from a run for one month."""

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2020-01"]))
    def quality_report(context: dg.AssetExecutionContext):
        return dg.Output(None, metadata=figures.metadata(context, drawn))

    done = dg.materialize([quality_report], instance=instance, partition_key="2020-01")
    return dict(done.asset_materializations_for_node("quality_report")[0].metadata)


def test_the_figures_lie_in_a_small_file_with_the_same_bytes_twice(drawn):
    with dg.DagsterInstance.ephemeral() as instance:
        shown = _shown(drawn, instance)
        path = Path(str(shown["figures"].value))
        content = path.read_bytes()
        assert path == Path(instance.storage_directory()) / "figures" / "quality_report-2020-01.html"
        assert len(content) < 60_000
        assert _shown(drawn, instance) == shown and path.read_bytes() == content
        assert [file.name.partition("-")[0] for file in sorted(path.parent.iterdir())] == ["plotly", "quality_report"]
        assert "http" not in content.decode()
    assert {*shown} == {"figures", *(name.replace("-", "_") for name in drawn)}


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_draws_every_figure_of_the_file_from_disk(drawn):
    with dg.DagsterInstance.ephemeral() as instance:
        path = Path(str(_shown(drawn, instance)["figures"].value))
        command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
        command += ["--virtual-time-budget=20000", "--dump-dom", path.as_uri()]
        opened = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    assert [line for line in opened.stderr.splitlines() if "CONSOLE" in line] == []
    assert opened.stdout.count("data-figure=") == len(drawn) == 6
    assert opened.stdout.count('class="main-svg"') >= len(drawn)


def test_every_figure_is_plain_json(drawn):
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn


def test_a_table_holds_the_figures_numbers(declarations, losses):
    month = declarations(date=["2020-01-01"] * 7 + ["2020-01-03"] * 3)
    table = figures.as_markdown(quality_figures([], month, month, min_group=1)["declarations_a_day"])
    assert table.splitlines() == [
        "Declarations a day:",
        "",
        "| Day | source | synthetic |",
        "| --- | ---: | ---: |",
        *("| 2020-01-01 | 7 | 7 |", "| 2020-01-02 | 0 | 0 |", "| 2020-01-03 | 3 | 3 |"),
    ]
    long = figures.as_markdown(figures.loss_curve(losses)).splitlines()
    assert long[0] == "Loss (Wasserstein), one row of 3:"
    assert long[-100:][:2] == ["| 0 | 0 | -1 |", "| 3 | 0.3272 | -0.9418 |"]
    assert len(long) == 104


def test_the_heatmap_writes_each_pairs_percentage(declarations):
    source = declarations(country_of_origin=["CN"] * 5 + ["US"] * 5)
    synthetic = declarations(country_of_origin=["CN"] * 9 + ["US"])
    heatmap = figure_five(fidelity(source, synthetic))
    trace = heatmap["data"][0]
    assert trace["texttemplate"] == "%{z:.0f}"
    cells = [value for at, row in enumerate(trace["z"]) for value in row[: at + 1]]
    assert [value for at, row in enumerate(trace["z"]) for value in row[at + 1 :] if value is not None] == []
    assert len(cells) == 21 * 20 / 2
    assert [round(value) for value in cells if value is not None].count(60) == 20, "the changed column, and every other"
    assert cells.count(None) == 6, "constant numbers have no correlation"
    assert cells.count(100) == 210 - 26
    at = trace["y"].index("Tax Type"), trace["x"].index("Country of Origin")
    assert trace["z"][at[0]][at[1]] == pytest.approx(60)
    assert figures.as_markdown(heatmap).splitlines()[4] == f"| Office ID | 100 |{' – |' * 19}"


def test_days_and_weeks_are_what_was_counted(declarations):
    month = declarations(date=["2020-01-01"] * 7 + ["2020-01-03"] * 3)
    days = counts_over_time(month, month, "day", 1)
    assert days == {
        "days": ["2020-01-01", "2020-01-02", "2020-01-03"],
        "source": [7, 0, 3],
        "synthetic": [7, 0, 3],
    }
    year = declarations(date=["2020-01-01"] * 7 + ["2020-12-31"] * 3)
    weekly = quality_figures([], year, year, min_group=1)["declarations_a_week"]["data"][0]
    assert (weekly["x"][0], weekly["x"][-1]) == ("2019-12-30", "2020-12-28"), "Mondays"
    assert (weekly["y"][0], weekly["y"][-1], len(weekly["y"]), sum(weekly["y"])) == (7, 3, 53, 10)


def test_the_label_bars_are_shares_in_percent(declarations):
    source = declarations(critical_fraud=[0] * 7 + [1] * 2 + [2])
    shares = distributions(source, declarations(critical_fraud=[0] * 5 + [1] * 5), min_group=1)
    bars = figure_four(shares)["figure-4-critical_fraud"]["data"]
    assert [round(height, 9) for trace in bars for height in trace["y"]] == [70, 20, 10, 50, 50, 0]


def test_of_the_source_no_count_under_k_is_shown(declarations):
    columns = {
        "critical_fraud": [0] * 7 + [1] * 2 + [2],
        "net_mass": [0.0] * 2 + [3.0] * 3 + [900.0] * 5,
        "tax_rate": [0.0] * 4 + [8.0] * 6,
        "date": ["2020-01-01"] * 8 + ["2020-01-02"] * 2,
    }
    rows = declarations(**columns)
    shares, counts = distributions(rows, rows, min_group=5), counts_over_time(rows, rows, "day", 5)
    assert shares["critical_fraud"] == {"source": [0.7, 0, 0], "synthetic": [0.7, 0.2, 0.1]}
    assert shares["net_mass"]["zero"] == {"source": 0, "synthetic": 0.2}
    assert sorted(shares["net_mass"]["source"])[-2:] == [0, 0.5]
    assert sorted(shares["net_mass"]["synthetic"])[-2:] == [0.3, 0.5]
    assert sum(shares["tax_rate"]["source"]) == 0.6 and sum(shares["tax_rate"]["synthetic"]) == 1
    assert (counts["source"], counts["synthetic"]) == ([8, 0], [8, 2])


def test_frames_without_positive_mass_or_of_one_row_still_draw(declarations):
    weightless = declarations(rows=1, net_mass=[0.0])
    few = quality_figures(fidelity(weightless, weightless), weightless, weightless, min_group=1)
    assert "0 kg: 100.0% in source, 100.0% in synthetic" in few["figure-4-net_mass"]["layout"]["xaxis"]["title"]["text"]
    assert few["declarations_a_day"]["data"][0]["y"] == [1]
    assert all(figures.as_markdown(figure) for figure in few.values())
