"""Histories of goods and lanes: what they say, of whom, and that no row finds its own label in its history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.synthesis.fraud_propensity import _Past
from customs_assets.synthesis.histories import PROFILES, Histories

ROWS, K = 4000, 5


def _rows(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Of what chapter 61 brings from VN four in five are frauds, of all else one in ten; 200 importers."""
    rng = np.random.default_rng(seed)
    chapter, origin = rng.choice(["09", "61", "84"], ROWS), rng.choice(["CN", "VN", "US"], ROWS)
    rows = pd.DataFrame(
        {
            "hs10_code": pd.Series(chapter) + rng.choice(["0110", "0990"], ROWS),
            "country_of_origin": origin,
            "country_of_departure": origin,
            "office_id": rng.choice(["020", "030"], ROWS),
            "tax_type": "A",
        }
    )
    fraud = (rng.random(ROWS) < np.where((chapter == "61") & (origin == "VN"), 0.8, 0.1)).astype(int)
    return rows, fraud, np.arange(ROWS) % 200


def test_a_history_is_the_smoothed_share_above_the_general_one():
    rows, fraud, importers = _rows()
    table = Histories.of_declarations(rows, fraud, importers, K).tables[
        PROFILES.index(("chapter", "country_of_origin"))
    ]
    of_cell = ((rows["hs10_code"].str[:2] == "61") & (rows["country_of_origin"] == "VN")).to_numpy()
    general = (fraud.sum() + 1) / (ROWS + 2)
    share = (fraud[of_cell].sum() + 10 * general) / (of_cell.sum() + 10)
    odds = np.log(share / (1 - share)) - np.log(general / (1 - general))
    assert table["61|VN"] == pytest.approx(odds, abs=1e-6)
    assert table["61|VN"] > 2 and table["09|CN"] < 0


def test_what_few_importers_have_has_no_history():
    rows, fraud, importers = _rows()
    few, place = 4 * K - 1, PROFILES.index(("chapter",))
    rows.loc[:few, "hs10_code"] = "990110"
    importers, fraud = importers.copy(), fraud.copy()
    importers[: few + 1] = [*range(few), 0]
    fraud[: few + 1] = 1
    found = Histories.of_declarations(rows, fraud, importers, K)
    assert all(not value.startswith("99") for table in found.tables for value in table)
    assert found.of(rows.iloc[:1])[0, place] == 0
    importers[few] = few
    assert "99" in Histories.of_declarations(rows, fraud, importers, K).tables[place]


def test_no_history_tells_goods_of_a_chapter_apart():
    rows, fraud, importers = _rows()
    other = rows.assign(hs10_code=rows["hs10_code"].str[:2] + "0000")
    found = Histories.of_declarations(rows, fraud, importers, K)
    assert np.array_equal(found.of(rows), found.of(other)) and np.ptp(found.of(rows)) > 0


def test_no_label_is_in_the_history_of_its_own_fold():
    rows, fraud, importers = _rows()
    folds = importers % 4
    before = _Past(rows, fraud, importers, folds, K).in_training(left_out=3)
    assert np.all(before[folds == 3] == 0) and np.any(before[folds != 3] != 0)
    changed = np.where(folds == 1, 1 - fraud, fraud)
    after = _Past(rows, changed, importers, folds, K).in_training(left_out=3)
    assert np.array_equal(before[folds == 1], after[folds == 1]), "its own labels change nothing"
    assert not np.array_equal(before[folds == 0], after[folds == 0])
    hidden = np.where(folds == 3, 1 - fraud, fraud)
    assert np.array_equal(before, _Past(rows, hidden, importers, folds, K).in_training(left_out=3))


def test_a_file_gives_the_same_histories_back():
    rows, fraud, importers = _rows()
    found = Histories.of_declarations(rows, fraud, importers, K)
    again = Histories.from_json(found.as_json())
    assert again == found and np.array_equal(again.of(rows), found.of(rows))
