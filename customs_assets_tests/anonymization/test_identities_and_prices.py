"""Identities become tokens that nobody can undo without the key; prices become averages that rest on k importers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from customs_assets.anonymization.identities import anonymize, token
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.lake import Lake

KEY = b"k" * 32


def test_tokens_have_the_published_shape_and_are_the_same_in_every_month():
    assert re.fullmatch("[A-Z0-9]{7}", token("주식회사 한국", "importer_id", KEY))
    assert re.fullmatch("[A-Z0-9]{6}", token("DHL", "courier_id", KEY))
    assert token("Kim  Trading", "importer_id", KEY) == token(" Kim Trading ", "importer_id", KEY)
    assert token("Kim Trading", "importer_id", KEY) != token("Kim Trading", "importer_id", b"x" * 32)
    assert token("Kim Trading", "importer_id", KEY) != token("Kim Trading", "seller_id", KEY)
    assert token("", "seller_id", KEY) == ""


def test_anonymizing_changes_identities_alone():
    rows = pd.DataFrame(
        {
            "declarant_id": ["A", "A"],
            "importer_id": ["B", "C"],
            "seller_id": ["", "D"],
            "courier_id": ["", ""],
            "net_mass": [1.0, 2.0],
        }
    )
    made = anonymize(rows, KEY)
    assert made["declarant_id"].nunique() == 1
    assert made["importer_id"].nunique() == 2
    assert made["seller_id"].tolist() == ["", token("D", "seller_id", KEY)]
    assert made["net_mass"].equals(rows["net_mass"])
    assert rows["importer_id"].tolist() == ["B", "C"]


def _averages(tmp_path: Path, rows: list[tuple[str, str, float, float]], min_group: int = 2) -> pd.DataFrame:
    lake = Lake(str(tmp_path))
    lake.write_table(
        "labelled", pd.DataFrame(rows, columns=["hs10_code", "importer_id", "net_mass", "item_price"]), "2020-01"
    )
    return average_prices(duckdb.connect(), lake.sql_path("labelled", "2020-01"), min_group).set_index("hs10_code")


def test_a_rare_code_takes_the_average_of_the_longest_shorter_code_that_enough_importers_declared(tmp_path: Path):
    rows = [
        ("0901210000", "A", 1.0, 100.0),
        ("0901210000", "B", 2.0, 800.0),
        ("0901220000", "A", 1.0, 1000.0),
        ("0902300000", "C", 1.0, 10.0),
        ("8471300000", "C", 0.0, 10.0),
    ]
    averages = _averages(tmp_path, rows)
    assert averages.loc["0901210000", "category"] == "0901210000"
    assert averages.loc["0901210000", "average_price"] == pytest.approx(math.sqrt(100 * 400))
    assert averages.loc["0901220000", "category"] == "0901"
    assert averages.loc["0901220000", "average_price"] == pytest.approx(math.sqrt(math.sqrt(100 * 1000) * 400))
    assert averages.loc["0902300000", "category"] == "09"
    assert averages.loc["0902300000", "importers"] == 3
    assert averages.loc["8471300000", "category"] == ""
    assert averages.loc["8471300000", "average_price"] == pytest.approx((math.sqrt(100 * 1000) * 400 * 10) ** (1 / 3))


def test_an_importer_weighs_the_same_however_often_it_declares(tmp_path: Path):
    often = [("0901210000", "A", 1.0, 100.0)] * 9
    averages = _averages(tmp_path, [*often, ("0901210000", "B", 1.0, 400.0)])
    assert averages.loc["0901210000", "average_price"] == pytest.approx(math.sqrt(100 * 400))
    assert averages.loc["0901210000", "declarations"] == 10


def test_noise_is_seeded_shared_by_a_category_and_hides_the_average(tmp_path: Path):
    rows = [(f"09012{n}0000", f"I{n}", 1.0, 100.0 + n) for n in range(5)]
    averages = _averages(tmp_path, rows, min_group=5).reset_index()
    noisy = noisy_prices(averages, np.random.default_rng(1))
    assert "average_price" not in noisy.columns
    assert noisy["unit_price"].nunique() == 1
    assert noisy.equals(noisy_prices(averages, np.random.default_rng(1)))
    ratio = noisy["unit_price"] / averages["average_price"]
    assert ratio.between(0.85, 1.15).all()
    assert (ratio != 1).all()
