"""Table 3 beside the paper's: its layout, its order and what it says of the two datasets."""

from __future__ import annotations

import pandas as pd
import pytest

from customs_assets.benchmark.detectors import OF_THE_PAPER
from customs_assets.benchmark.precision import ROW_COLUMNS
from customs_assets.benchmark.table_three import PAPER, dataset_gaps, paper_gaps, table_three


def rows(*cells: tuple[str, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame([(*cell, 0.0125, 5) for cell in cells], columns=pd.Index(ROW_COLUMNS))


def test_ours_stand_beside_the_papers_in_the_papers_order() -> None:
    table = table_three(
        rows(
            ("lightgbm", "source", 0.10, 0.66419), ("lightgbm", "source", 0.05, 0.5), ("adaboost", "synthetic", 0.05, 1)
        )
    ).splitlines()

    assert table[0] == (
        "| Model | Synthetic 5% | paper | Synthetic 10% | paper | Source 5% | paper | Source 10% | paper |"
    )
    assert (
        table[2]
        == "| Logistic Regression | not run | 0.2759 | not run | 0.2606 | not run | 0.3921 | not run | 0.3859 |"
    )
    assert table[3].startswith("| AdaBoost | 1.0000 ± 0.0125 | 0.3608 | not run | 0.3113 |")
    assert table[8] == (
        "| LightGBM | not run | 0.7783 | not run | 0.6462 | 0.5000 ± 0.0125 | 0.5313 | 0.6642 ± 0.0125 | 0.4913 |"
    )
    assert [line.split(" | ")[0].removeprefix("| ") for line in table[2:]] == [
        "Logistic Regression",
        "AdaBoost",
        "Decision Tree",
        "Random Forest",
        "CatBoost",
        "XGBoost",
        "LightGBM",
        "Risk Profiles",
        "XGBoost + LR",
    ]
    assert table[9] == "| Risk Profiles | not run |  | not run |  | not run |  | not run |  |"
    assert {line.count("|") for line in table} == {10}


def test_two_rows_for_one_cell_and_an_unknown_detector_are_refused() -> None:
    with pytest.raises(ValueError, match="two rows hold catboost on source at 5%"):
        table_three(rows(("catboost", "source", 0.05, 0.5), ("catboost", "source", 0.05, 0.6)))
    with pytest.raises(ValueError, match="'svm' is no detector of Table 3"):
        table_three(rows(("svm", "source", 0.05, 0.5)))


def test_the_papers_own_columns_stand_apart_by_what_its_table_says() -> None:
    gaps = paper_gaps()

    # |0.2759-0.3921| + |0.3608-0.4902| + |0.3561-0.5128| + |0.3608-0.5035| + |0.6698-0.5151| + ... over seven.
    assert gaps["mean_gap"].round(4).tolist() == [0.1570, 0.1319]
    assert gaps["detectors"].tolist() == [7, 7]
    assert len(PAPER) == len(OF_THE_PAPER) * 4


def test_gap_and_order_count_detectors_that_both_datasets_have() -> None:
    gaps = dataset_gaps(
        rows(
            ("adaboost", "source", 0.05, 0.30),
            ("adaboost", "synthetic", 0.05, 0.34),
            ("xgboost", "source", 0.05, 0.80),
            ("xgboost", "synthetic", 0.05, 0.70),
            ("catboost", "source", 0.05, 0.70),
            ("catboost", "synthetic", 0.05, 0.75),
            ("lightgbm", "source", 0.05, 0.99),
        )
    )

    at_five = gaps.iloc[0]
    assert at_five["mean_gap"] == pytest.approx((0.04 + 0.10 + 0.05) / 3)
    assert at_five["rank_correlation"] == pytest.approx(0.5)
    assert at_five["detectors"] == 3
    assert gaps["detectors"].tolist() == [3, 0]
