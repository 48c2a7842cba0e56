"""The league's scores convict a draft that copies and one that knows no relation; its page says what its numbers come to."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.definitions import graph
from customs_assets.generator.checkpoint import from_bytes
from customs_assets.league.alone import FitFailed, fit_alone
from customs_assets.league.cell import SCORES
from customs_assets.league.draft_scores import distances, draft_scores, nearer_to_training
from customs_assets.league.page import page, standings

CODES = ["first", "second"]


def _table(seed: int, rows: int = 900) -> pd.DataFrame:
    """Two codes that agree and a number that follows from them."""
    rng = np.random.default_rng(seed)
    first = rng.choice(list("abcdef"), rows)
    number = rng.normal(size=rows) + np.array([ord(letter) for letter in first]) * 3
    return pd.DataFrame({"first": first, "second": first, "number": number})


def _independent(table: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    return pd.DataFrame({name: rng.permutation(column.to_numpy()) for name, column in table.items()})


def test_scores_tell_a_copy_from_an_honest_draft_and_both_from_independent_columns():
    source = _table(1)
    honest, copied, floor = (draft_scores(source, rows, CODES) for rows in (_table(2), source, _independent(source)))
    assert honest["auc_trees"] == pytest.approx(0.5, abs=0.06) and floor["auc_trees"] > 0.9
    assert floor["auc_logistic"] == pytest.approx(0.5, abs=0.06), "a regression sees no relation between columns"
    assert floor["ks"] == floor["tv"] == 1.0 and floor["pairs"] < 0.6 < honest["pairs"]
    assert copied["copies"] == len(source) and copied["distance"] == 0.0
    assert honest["copies"] == 0 and floor["distance"] > 5 * honest["distance"]
    assert 0 < honest["distance"] <= honest["source_distance"] < 0.01, "a source row's own place is not its nearest"


def test_distances_are_gowers_in_columns():
    source = pd.DataFrame({"first": ["a", "a"], "second": ["x", "y"], "number": [1.0, 2.0]})
    rows = pd.DataFrame({"first": ["a", "b"], "second": ["y", "z"], "number": [2.0, 9.0]})
    # As shares of the source's rows: 1.0 is at a quarter, 2.0 at three quarters, 9.0 at 1.
    assert distances(source, rows, CODES).tolist() == [0.0, 2.25]
    assert distances(source, source, CODES, second=True).tolist() == [1.5, 1.5]


def test_rows_that_were_learned_by_heart_are_nearer_to_training():
    training, control = _table(1), _table(2)
    assert nearer_to_training(training, training, control, CODES) > 0.99
    assert nearer_to_training(_table(3), training, control, CODES) == pytest.approx(0.5, abs=0.06)
    assert nearer_to_training(control, training, control, CODES) < 0.01


def test_a_model_is_fitted_alone_with_what_it_took():
    table = _table(1, rows=80)
    seeds = {"seed": 2**200, "sample_seed": 3}
    stored, draft, costs = fit_alone(table, CODES, "trees", epochs=1, rows=30, **seeds)
    pd.testing.assert_frame_equal(from_bytes(stored).sample(30, 3), draft)
    assert costs.device == "cpu" and costs.file_bytes == len(stored) and costs.peak_mebibytes > 50
    with pytest.raises(
        FitFailed, match=r"trees could not be fitted to 80 rows: ValueError: .*'number' is of type object"
    ):
        fit_alone(table.astype({"number": str}), CODES, "trees", epochs=1, rows=30, **seeds)


def test_an_entry_is_built_from_its_month_and_from_wholes_and_no_run_makes_it():
    entry = graph.with_on_demand()
    months = ["2020-01", "2020-02"]
    inputs = entry.inputs("synthesizer_league", "2020-02|trees", months)
    assert {of for _, of in inputs} == {"2020-02", ""}
    assert ("anonymized_declarations", "2020-02") in inputs and ("tariff", "") in inputs
    assert "synthesizer_league" not in graph.assets
    narrowed = graph.narrowed("synthesizer_league", ["trees", "ctgan"])
    assert narrowed.partitions("synthesizer_league", months) == [
        *("2020-01|trees", "2020-01|ctgan"),
        *("2020-02|trees", "2020-02|ctgan"),
    ]


def _entry(name: str, month: str, auc: float, nearer: float | None, **more: Any) -> dict[str, Any]:
    costs = {**dict.fromkeys(SCORES["costs"], 8.0), "device": "cpu", "file_bytes": 2048}
    draft = {**dict.fromkeys(SCORES["draft"], 0.9), "auc_trees": auc, "nearer_to_training": nearer, "distance": 3.0}
    polished = {**dict.fromkeys(SCORES["polished"], 0.8), "auc_trees": 0.5 + (auc - 0.5) / 10}
    parts = {"costs": costs, "draft": {**draft, "source_distance": 2.0}, "polished": polished}
    return {"synthesizer": name, "month": month, "rows": 100, "epochs": 3, "reason": "", **parts, **more}


def _text(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


def test_the_page_says_what_its_numbers_come_to():
    entries = [
        *(_entry("ctgan", month, auc, 0.55) for month, auc in (("2020-01", 0.96), ("2020-02", 0.94))),
        *(_entry("trees", month, 0.54, 0.70) for month in ("2020-01", "2020-02")),
        *(_entry("independent", month, 0.90, None) for month in ("2020-01", "2020-02")),
    ]
    text = _text(page(entries, 5))
    assert "hardest to tell the drafts of trees from the source (AUC 0.54) and easiest those of ctgan (0.95)" in text
    assert "Worse than independent columns: ctgan." in text
    assert (
        "Before the polish the AUC spans 0.41, after it 0.04" in text and "decides little of what is released" in text
    )
    assert "drafts of trees keep most of the rows that they were made from (0.70" in text
    assert "2 months under one secret" in text
    means = {of.name: of for of in standings(entries)}
    assert list(means) == ["ctgan", "trees", "independent"], "in the order of the registry"
    assert means["ctgan"].number("draft", "auc_trees") == pytest.approx(0.95)
    assert means["ctgan"].number("draft", "distance_share") == 1.5
    assert means["ctgan"].number("costs", "file_kibibytes") == 2.0


def test_the_page_names_what_could_not_be_fitted_and_needs_no_network():
    failed = {"reason": "tgan could not be fitted to 100 rows: <b>", "costs": {}, "draft": {}, "polished": {}}
    entries = [_entry("trees", "2020-01", 0.54, 0.70), _entry("tgan", "2020-01", 0.6, 0.5, **failed)]
    content = page(entries, 5).decode()
    assert "tgan, 2020-01: tgan could not be fitted to 100 rows: &lt;b&gt;" in content
    assert "One synthesizer alone cannot be compared" in content
    assert not re.search(r"https?://", content) and "<script" not in content
    with pytest.raises(ValueError, match="no entry"):
        page([], 5)
