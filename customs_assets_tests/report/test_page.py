"""The page, opened in a real browser: every table and figure of the paper is there, and nothing goes wrong."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from customs_assets.benchmark.cells import RATES
from customs_assets.claims import as_json, from_json
from customs_assets.lake import Lake
from customs_assets.privacy.deep_goals import DEEP_CLAIMS
from customs_assets.privacy.gate import reasons_of_measures
from customs_assets.report.detectors_compared import at_stake_words
from customs_assets.report.page import page
from customs_assets.report.wording import Words
from customs_assets.settings import Settings
from customs_assets_tests.report.conftest import by_month, evidence_in

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")

PAPER = ["Table 2", "Table 3", "Figure 3", "Figure 4", "Figure 5", "Figure 6", "Figure 7"]


def _opened(path: Path, *options: str) -> tuple[str, str]:
    """The page's document after its script has run, and what the browser said on its console."""
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command += ["--virtual-time-budget=20000", "--window-size=1200,900", *options, "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)
    return done.stdout, done.stderr


def test_the_page_asks_for_nothing_from_outside(written: tuple[Path, Lake]):
    text = written[0].read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=\"https?:", text)
    assert "default-src 'none'" in text
    assert written[0].stat().st_size < 8e6


def test_a_browser_draws_every_table_and_figure_without_an_error(written: tuple[Path, Lake]):
    document, console = _opened(written[0])
    said = [line for line in console.splitlines() if "CONSOLE" in line]
    assert said == [], said
    headings = re.findall(r"<h2>([^<]+)</h2>", document)
    for name in PAPER:
        assert any(heading.startswith(name) for heading in headings), (name, headings)
    boxes = re.findall(r'data-figure="([^"]+)"', document)
    assert len(boxes) == len(set(boxes)) >= 15
    assert document.count('class="main-svg"') >= len(boxes), "Plotly drew into every box"


def test_the_page_says_what_the_lake_says(written: tuple[Path, Lake]):
    path, lake = written
    text = path.read_text(encoding="utf-8")
    claims = from_json(lake.read_json("release_evidence")["claims"])
    detection = next(claim for claim in claims if claim.key == "detection")
    assert f"{detection.measured:.4f}" in text
    score = next(entry for entry in lake.read_json("release_quality") if entry["metric"] == "TVComplement")["score"]
    assert f"{score:.4f}" in text and "0.8919" in text, "Table 2 beside the paper's"
    assert "0.7783" in text, "Table 3 beside the paper's"
    reports = lake.read_json("release_evidence")["sdmetrics"]
    assert f"Computed by SDMetrics {reports['made_by']['sdmetrics']}" in text
    assert all(f"{reports[name]['score']:.4f}" in text for name in ("quality", "diagnostic"))
    assert f"{reports['quality']['pairs']['with_trend']} of 136 pairs have a trend" in text
    assert "30 epochs a month" in text
    assert all(month in text for month in by_month(lake.read_frames("synthetic_declarations", ["2020-01"])))
    attacks = lake.read_json("release_privacy")["membership"]["attacks"]
    assert len(attacks) == 12
    for attack in attacks:
        assert f'<td class="name">{attack["title"]}</td>' in text and f"{attack['tpr_01']:.4f}" in text


def test_the_page_tells_of_the_deep_attacks_or_that_they_were_not_made(written: tuple[Path, Lake]):
    path, lake = written
    assert "They are made by <code>customs deep-attacks</code>" in path.read_text(encoding="utf-8")
    [by_auc, by_tpr] = DEEP_CLAIMS.values()
    claims = [replace(by_auc, measured=0.5123), replace(by_tpr, measured=0.0123, at_most=0.0155)]
    attack = {
        "name": "closest",
        "title": "distance <to> the closest row",
        "auc": 0.5123,
        "tpr_01": 0.0123,
        "tpr_10": 0.1031,
    }
    found = {"claims": as_json(claims), "attacks": [attack], "trained_on": "32 shadow syntheses of a sample."}
    text = page(replace(evidence_in(lake), deep_attacks=found)).decode()
    assert "32 shadow syntheses of a sample." in text and "Not made yet" not in text
    assert (
        '<td class="name">distance &lt;to&gt; the closest row</td><td class="n">0.5123</td><td class="n">0.1031</td>'
        in text
    )
    assert "≤ 0.0155" in text and by_tpr.title in text


def test_the_page_tells_of_the_networks_or_that_they_were_not_measured(written: tuple[Path, Lake]):
    path, lake = written
    assert "To measure them: <code>customs deep-detectors</code>" in path.read_text(encoding="utf-8")
    made_from = evidence_in(lake)
    beside = [made_from.fraud_benchmark[f"{dataset}|xgboost"] for dataset in ("source", "synthetic")]
    # Better than all of Table 3 on the source, by more than chance.
    networks = pd.concat(
        [of.assign(detector="date_revenue", precision_mean=0.9123) for of in beside], ignore_index=True
    )
    networks["by_key"] = [[0.9123] * 3] * len(networks)
    found = replace(made_from, deep_detectors=networks)
    section = page(found).decode().partition('<section id="networks">')[2].partition("</section>")[0]
    assert section.count('<td class="name">DATE, by revenue</td>') >= 2 and "0.9123" in section
    assert "were not measured" not in section
    rows = section.partition("ranked as on the source?")[2]
    assert rows.count("DATE, by revenue") == 2 * len(RATES), "it is the best on both at every rate"
    assert "DATE, par recettes" in page(found, "fr").decode()
    assert 'id="networks"' not in page(found, outside=True).decode()


def test_the_page_says_at_its_top_what_the_gate_says(written: tuple[Path, Lake]):
    path, lake = written
    reasons = reasons_of_measures(lake, lake.partitions("privacy_report", "json"))
    head = html.unescape(path.read_text(encoding="utf-8").partition("<nav")[0])
    said = f"withheld: {'; '.join(reasons)}" if reasons else "released"
    assert f">{said}</p>" in head
    made_from = evidence_in(lake)
    withheld = page(replace(made_from, withheld=["Membership was not measured: <too few>"])).decode()
    assert '<p class="gate fails">withheld: Membership was not measured: &lt;too few&gt;</p>' in withheld
    assert '<p class="gate holds">released</p>' in page(replace(made_from, withheld=[])).decode()


def test_the_page_says_which_law_there_is_and_how_tuples_are_shown(written: tuple[Path, Lake]):
    path, lake = written
    text = path.read_text(encoding="utf-8")
    assert "No tariff law was given." in text
    assert "details of up to 10 pairs of product and partner country are withheld" in text
    assert "Harmonized System 2022 (datasets/harmonized-system, under ODC-PDDL 1.0)" in text
    assert (
        "no importer may be expected to have 75% or more, and no two importers together may be expected to have 85%"
        in text
    )
    settings = Settings(min_group=8, dominance_one=0.5)  # pyright: ignore[reportCallIssue]
    other = page(replace(evidence_in(lake), law="simulated", settings=settings)).decode()
    assert "The law is that of the simulated administration" in other
    assert "No tariff law was given." not in other
    assert "A part is kept where at least 8 importers declared it" in other
    assert "no importer may be expected to have 50% or more" in other


def test_the_page_names_nobody(written: tuple[Path, Lake]):
    path, lake = written
    text = path.read_text(encoding="utf-8")
    rows = lake.read_frames("anonymized_declarations", lake.partitions("anonymized_declarations"))
    synthetic = lake.read_frames("synthetic_declarations", lake.partitions("synthetic_declarations"))
    for role in ("importer_id", "declarant_id", "seller_id"):
        assert not [token for token in {*rows[role], *synthetic[role]} - {""} if token in text]


def test_the_same_evidence_gives_the_same_bytes(written: tuple[Path, Lake]):
    path, lake = written
    assert page(evidence_in(lake)) == path.read_bytes()


def test_figure_data_are_plain_json(written: tuple[Path, Lake]):
    text = written[0].read_text(encoding="utf-8")
    found = re.search(r'id="figures">(.*?)</script>', text)
    assert found is not None
    drawn = json.loads(found.group(1))
    assert set(drawn["figure-7-decision"]["data"][0]) >= {"x", "y", "base"}
    waterfall = drawn["figure-7-decision"]["data"][0]
    assert sum(waterfall["x"]) + waterfall["base"] == pytest.approx(
        float(re.findall(r"f\(x\) = (-?[\d.]+)", str(drawn["figure-7-decision"]["layout"]))[-1]), abs=1e-2
    )


def _tables(content: str, after: str) -> list[list[str]]:
    """The cells of the first table after a heading, a list a row."""
    body = content.split(f">{html.escape(after)}<", 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows]


def test_duty_at_stake_is_spoken_of_where_there_are_rates_alone():
    without = pd.DataFrame({"recall_mean": [0.5], "duty_recall_mean": [float("nan")]})
    assert at_stake_words(without) == at_stake_words(without[["recall_mean"]]) == "found"
    assert at_stake_words(without.assign(duty_recall_mean=0.25)) == "at_stake"
    assert "dut" not in Words("en")("table_three.found_intro").lower()


def test_the_order_of_detectors_and_what_is_at_stake_stand_on_the_page(written: tuple[Path, Lake]):
    """The lake's cells rise by 0.05 from detector to detector, so release and source agree on all that the source tells apart."""
    made_from = evidence_in(written[1])
    content = page(made_from).decode()
    rows = _tables(content, "Are detectors ranked as on the source?")
    assert [row[0] for row in rows] == ["1%", "2%", "5%", "10%"]
    assert {row[2] for row in rows} == {row[4] for row in rows} == {"1.0000"}
    assert all(row[6] == row[7] == "XGBoost + LR" and row[8] == row[9] == "0.0000" for row in rows)
    at_stake = _tables(content, "What inspections would find, and the duty at stake")
    assert len(at_stake) == 18 and at_stake[0][:2] == ["Logistic Regression", "synthetic"]
    assert at_stake[0][6:] == ["0.0370", "0.0712", "0.1698", "0.3141", "0.0137", "0.0212", "0.0598", "0.1141"]
    assert "Declarations that were inspected at random" not in content, "the source does not say it"
    outside = page(made_from, outside=True).decode()
    assert "Are detectors ranked as on the source?" in outside and 'id="at-stake"' not in outside


def test_the_part_that_was_inspected_at_random_stands_beside_all_and_stays_in_the_house(written: tuple[Path, Lake]):
    made_from = evidence_in(written[1])
    cells = {
        key: rows.assign(random_mean=0.9 - rows["precision_mean"], recovered_recall_mean=0.2345)
        for key, rows in made_from.fraud_benchmark.items()
    }
    content = page(replace(made_from, fraud_benchmark=cells)).decode()
    rows = _tables(content, "Declarations that were inspected at random")
    assert [row[0] for row in rows][-1] == "XGBoost + LR" and len(rows) == 9
    assert all(float(row[1]) + float(row[2]) == pytest.approx(0.9, abs=2e-4) for row in rows)
    # The order on the random part is the other way round.
    assert "Kendall's τ of the two orders: -1.0000 at 5%, -1.0000 at 10%." in html.unescape(content)
    assert "Recovered 10%" in content
    assert "inspected at random" not in page(replace(made_from, fraud_benchmark=cells), outside=True).decode()


@pytest.mark.parametrize(
    ("epochs", "synthesizer", "said"), [(300, "ctgan", True), (30, "ctgan", False), (300, "trees", False)]
)
def test_a_rehearsal_of_fewer_epochs_says_what_that_changes(
    written: tuple[Path, Lake], epochs: int, synthesizer: str, said: bool
):
    made_from = evidence_in(written[1])
    rehearsal = {**made_from.release_privacy["rehearsal"], "epochs": 30}
    settings = made_from.settings.model_copy(update={"epochs": epochs, "synthesizer": synthesizer})
    changed = replace(
        made_from, settings=settings, release_privacy={**made_from.release_privacy, "rehearsal": rehearsal}
    )
    assert ("Fewer epochs change little of what attacks find" in page(changed).decode()) is said
