"""SDMetrics' own reports: what they say of themselves, what lowers them, and that the same rows give the same bytes."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import IDENTITIES, RELEASED
from customs_assets.fidelity import library_reports as module
from customs_assets.fidelity.library_reports import MOST_ROWS, library_reports

ROWS = 200


@pytest.fixture(scope="module")
def lawful(declarations: Any) -> Callable[..., pd.DataFrame]:
    """A maker of lawful declarations in which the origin tells the tax type, and the mass tells the price."""

    def make(seed: int, **columns: Any) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        origin = rng.choice(["CN", "US", "JP"], ROWS)
        critical = rng.choice([0, 1, 2], ROWS, p=[0.7, 0.2, 0.1])
        mass = rng.integers(1, 1000, ROWS).astype(float)
        made = {
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(ROWS) % 31, unit="D"),
            "country_of_origin": origin,
            "tax_type": np.where(origin == "CN", "A", "C"),
            "net_mass": mass,
            "item_price": mass * 50,
            "fraud": np.minimum(critical, 1),
            "critical_fraud": critical,
        }
        return declarations(ROWS, **(made | columns))

    return make


def test_the_reports_say_that_sdv_s_metadata_and_sdmetrics_made_them(lawful):
    found = library_reports(lawful(1), lawful(2))
    versions = {name: importlib.metadata.version(name) for name in ("sdv", "sdmetrics")}
    assert found["made_by"] == {**versions, "metadata": "V2"}
    assert (found["quality"]["report"], found["diagnostic"]["report"]) == ("QualityReport", "DiagnosticReport")
    assert [row["property"] for row in found["quality"]["properties"]] == ["Column Shapes", "Column Pair Trends"]
    assert found["diagnostic"]["properties"] == [
        {"property": "Data Validity", "score": 1.0},
        {"property": "Data Structure", "score": 1.0},
        {"property": "Constraint Validity", "score": 1.0},
    ]
    assert found["diagnostic"]["columns"] == []
    assert found["quality"]["rows"] == {"source": ROWS, "synthetic": ROWS}
    described = len(RELEASED) - 1 - len(IDENTITIES)
    assert found["quality"]["pairs"]["all"] == described * (described - 1) // 2, "IDs are in no pair"


def test_only_pairs_with_a_trend_in_the_source_count(lawful):
    """Origin and tax type, mass and price, fraud and critical fraud: of all pairs that vary, these alone hang together."""
    source = lawful(1)
    found = library_reports(source, source)
    assert found["quality"]["pairs"]["with_trend"] == 3
    assert found["quality"]["score"] == 1.0
    torn = source.assign(item_price=source["item_price"].to_numpy()[::-1])
    pairs = library_reports(source, torn)["quality"]["properties"][1]["score"]
    correlation = np.corrcoef(torn["net_mass"], torn["item_price"])[0, 1]
    assert pairs == pytest.approx((2 + 1 - (1 - correlation) / 2) / 3)


def test_codes_that_the_form_has_not_and_labels_that_disagree_lower_the_diagnosis(lawful):
    process = ["Z"] * 20 + ["B"] * (ROWS - 20)
    disagreeing = lawful(2).assign(fraud=lambda rows: rows["fraud"].where(np.arange(ROWS) >= 50, 0))
    disagreeing["critical_fraud"] = disagreeing["critical_fraud"].where(np.arange(ROWS) >= 50, 2)
    found = library_reports(lawful(1), disagreeing.assign(process_type=process, net_mass=-1.0))["diagnostic"]
    scores = {row["property"]: row["score"] for row in found["properties"]}
    assert scores["Constraint Validity"] == pytest.approx(0.75)
    assert found["columns"] == [
        {"column": "process_type", "metric": "CategoryAdherence", "score": 0.9},
        {"column": "net_mass", "metric": "BoundaryAdherence", "score": 0.0},
    ], "the form has no process Z and no mass below 0"
    codes = lawful(2, hs6_code=["010121"] * ROWS)
    [below] = library_reports(lawful(1), codes)["diagnostic"]["columns"]
    assert below == {"column": "hs6_code", "metric": "CategoryAdherence", "score": 0.0}, (
        "no list: the source's own codes"
    )


def test_the_same_rows_give_the_same_bytes_and_a_sample_is_drawn_by_the_seed(lawful, monkeypatch: pytest.MonkeyPatch):
    from sdmetrics.reports.utils import DEFAULT_NUM_ROWS_SUBSAMPLE

    assert MOST_ROWS <= DEFAULT_NUM_ROWS_SUBSAMPLE, "of more rows the library draws a sample without a seed"
    monkeypatch.setattr(module, "MOST_ROWS", 80)
    source, synthetic = lawful(1), lawful(2)
    first, again, other = (json.dumps(library_reports(source, synthetic, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert json.loads(first)["quality"]["rows"] == {"source": 80, "synthetic": 80}


def test_a_table_of_one_row_has_scores_where_they_are_defined(declarations):
    found = library_reports(declarations(rows=1), declarations(rows=1))
    assert found["quality"]["properties"] == [
        {"property": "Column Shapes", "score": 1.0},
        {"property": "Column Pair Trends", "score": None},
    ]
    assert found["diagnostic"]["score"] == 1.0
    json.dumps(found, allow_nan=False)
    with pytest.raises(ValueError, match="the synthetic frame has no rows"):
        library_reports(declarations(), declarations().head(0))
