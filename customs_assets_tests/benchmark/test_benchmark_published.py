"""The published declarations: the reference measurements, reproduced by the detectors that cost little."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customs_assets.benchmark.precision import evaluate
from customs_assets.benchmark.split import split_months
from customs_assets.declaration import ATTRIBUTES, Kind

FILES = ("df_syn_train_eng.csv", "df_syn_valid_eng.csv")


@pytest.fixture(scope="module")
def published_declarations(published: Path) -> pd.DataFrame:
    parts = [pd.read_csv(published / name, dtype=str, keep_default_na=False) for name in FILES]
    frame = pd.concat(parts, ignore_index=True)
    frame.columns = pd.Index([attribute.name for attribute in ATTRIBUTES])
    types = {Kind.NUMBER: "float64", Kind.LABEL: "int8", Kind.DATE: "datetime64[ns]"}
    return frame.astype({a.name: types[a.kind] for a in ATTRIBUTES if a.kind in types})


@pytest.mark.parametrize(
    ("detector", "at_five", "at_ten"),
    [
        ("adaboost", 0.298, 0.271),
        ("decision_tree", 0.485, 0.391),
        ("xgboost", 0.837, 0.726),
        ("lightgbm", 0.798, 0.670),
    ],
)
def test_training_on_2020_finds_in_2021_what_the_reference_found(
    detector: str, at_five: float, at_ten: float, published_declarations: pd.DataFrame
) -> None:
    months = sorted(published_declarations["date"].dt.strftime("%Y-%m").unique())

    rows = evaluate(published_declarations, detector, "source", split_months(months), [1])

    assert rows["precision_mean"].tolist() == pytest.approx([at_five, at_ten], abs=0.02)
