"""Trade patterns and weeks of inspection on the page: what fails is marked, what is of few stays inside, in every language."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from customs_assets.lake import Lake
from customs_assets.report.page import Evidence, page
from customs_assets.report.weeks import smoothed
from customs_assets.trade.document import trade_patterns
from customs_assets.weeks.cell import Plan, cell
from customs_assets_tests.report.conftest import MIN_GROUP, Made, evidence_in
from customs_assets_tests.report.reading import figures_of


@pytest.fixture(scope="module")
def simulated(written: tuple[Path, Lake], honest: Made) -> Evidence:
    """The evidence with two strategies on both data sets, on the first six weeks."""
    last = honest.source["date"].min() + pd.Timedelta(days=41)
    cells = [
        cell(rows.loc[rows["date"] <= last], strategy, dataset, Plan(0.1, 2, 1), False, runs=1)
        for strategy in ("exploitation", "random", "hybrid")
        for dataset, rows in (("source", honest.source), ("synthetic", honest.synthetic))
    ]
    return replace(evidence_in(written[1]), inspection_weeks=cells)


def _section(content: bytes, name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', content.decode(), re.DOTALL)
    assert found is not None, name
    return found.group()


def test_weeks_stand_on_the_inside_form_alone(simulated: Evidence):
    inside, outside = page(simulated), page(simulated, outside=True)
    section = _section(inside, "inspection-weeks")
    assert "of each later week, 10% are" in section and section.count("<td") > 20
    assert len(re.findall("hybrid 90/10 (?:finds|and exploitation)", section)) == 4, "two data sets, two rates"
    figures = figures_of(inside)
    drawn = figures["simulated-constant-precision-source"]["data"]
    assert [trace["name"] for trace in drawn] == ["Exploitation", "Random", "Hybrid 90/10"]
    assert len(figures["simulated-drift"]["data"]) == 4, "two data sets, and chance"
    assert b"inspection-weeks" not in outside.partition(b"<script>")[0]
    assert "Exploitation" not in outside.decode().partition("<script>")[0]


def test_weeks_and_trade_are_worded_in_french(simulated: Evidence):
    section = _section(page(simulated, "fr"), "inspection-weeks")
    assert "Au hasard" in section and "taux constant" in section
    assert not re.search("Random|constant rate|finds|Precision", section)
    trade = _section(page(simulated, "fr"), "trade")
    assert "Paires répétées importateur–déclarant" in trade and "Repeated" not in trade


def test_without_cells_the_page_says_how_they_are_made(written: tuple[Path, Lake]):
    section = _section(page(evidence_in(written[1])), "inspection-weeks")
    assert "<code>customs weeks</code>" in section and "<table>" not in section


def test_lost_pairings_are_marked_as_failed_and_lead_from_the_first_lines(written: tuple[Path, Lake], honest: Made):
    lost = honest.synthetic.assign(
        declarant_id=honest.synthetic["declarant_id"].sample(frac=1, random_state=1).to_numpy()
    )
    document = trade_patterns(honest.source, lost, MIN_GROUP, (0.75, 0.85), 7)
    content = page(replace(evidence_in(written[1]), trade_patterns=document))
    row = re.search(r"<tr><td>Declarants an importer has.*?</tr>", _section(content, "trade"), re.DOTALL)
    assert row is not None and '<b class="fails">' in row.group()
    cards = content.decode().partition('<div class="cards">')[2].partition("</header>")[0]
    assert cards.count("Patterns of trade: some of their statistics") == 1 and "Declarants an importer has" not in cards
    assert "Declarants an importer has" not in _section(content, "claims"), "they have a table of their own"


def test_claims_on_few_traders_do_not_leave(written: tuple[Path, Lake]):
    made_from = evidence_in(written[1])
    assert made_from.trade_patterns is not None
    few = {**made_from.trade_patterns, "inside": ["trade_concentration|seller_id"]}
    inside, outside = (page(replace(made_from, trade_patterns=few), outside=out) for out in (False, True))
    assert "Concentration on few sellers" in _section(inside, "trade")
    assert "Concentration on few sellers" not in outside.decode()
    assert "Concentration on few importers" in _section(outside, "trade")


def test_a_week_is_drawn_as_the_mean_of_those_before_it():
    assert smoothed([1.0, None, 3.0, 5.0], weeks=2) == [1.0, 1.0, 3.0, 4.0]
    assert smoothed([None, 2.0], weeks=2) == [None, 2.0]
