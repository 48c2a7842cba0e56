"""Precision at n by hand, and the run that leads to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.precision import INSPECTION_RATES, ROW_COLUMNS, evaluate, precision_at
from customs_assets.benchmark.split import split_months

SIX_MONTHS = split_months([f"2020-0{month}" for month in range(1, 7)])


def test_the_highest_scores_are_inspected() -> None:
    scores = np.array([0.1, 0.9, 0.8, 0.3, 0.7, 0.2, 0.0, 0.4, 0.5, 0.6])
    fraud = np.array([1, 1, 0, 0, 1, 0, 1, 0, 0, 0])

    assert precision_at(scores, fraud, 0.1) == 1.0
    assert precision_at(scores, fraud, 0.2) == 0.5
    assert precision_at(scores, fraud, 0.3) == pytest.approx(2 / 3)
    assert precision_at(scores, fraud, 1.0) == 0.4


def test_places_contested_by_equal_scores_count_as_if_drawn_at_random() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    fraud = np.array([0, 1, 0, 0, 0, 1, 1, 1, 1, 1])

    # One certain place without fraud, then two of four contenders of whom one is fraud.
    assert precision_at(scores, fraud, 0.3) == pytest.approx((0 + 2 * 1 / 4) / 3)
    assert precision_at(scores, fraud, 0.5) == pytest.approx(1 / 5)


def test_ties_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(3)
    scores, fraud = rng.integers(4, size=200) / 4, rng.integers(2, size=200)
    shuffled = rng.permutation(200)

    assert precision_at(scores, fraud, 0.05) == precision_at(scores[shuffled], fraud[shuffled], 0.05)


def test_equal_scores_everywhere_give_the_base_rate() -> None:
    assert precision_at(np.full(40, 0.5), np.repeat([1, 0, 0, 0], 10), 0.05) == 0.25


@pytest.mark.parametrize(("declarations_at_hand", "inspected"), [(3, 1), (29, 1), (30, 2), (50, 3), (70, 4), (100, 5)])
def test_the_number_inspected_is_rounded_halves_up_and_at_least_one(declarations_at_hand: int, inspected: int) -> None:
    scores = np.linspace(1, 0, declarations_at_hand)
    fraud = np.zeros(declarations_at_hand, dtype=np.int64)
    fraud[0] = 1

    assert precision_at(scores, fraud, 0.05) == 1 / inspected


@pytest.mark.parametrize(
    ("scores", "fraud", "rate", "message"),
    [
        ([0.5, 1.2], [0, 1], 0.05, r"score 1.2 in row 1 lies outside \[0, 1\]"),
        ([np.nan, 0.2], [0, 1], 0.05, "score nan in row 0"),
        ([0.5], [0, 1], 0.05, "one each per declaration"),
        ([], [], 0.05, "one each per declaration"),
        ([0.5, 0.2], [0, 2], 0.05, "labels must be 0 or 1"),
        ([0.5, 0.2], [0, 1], 0.0, "the inspection rate is 0.0"),
        ([0.5, 0.2], [0, 1], 5.0, "the inspection rate is 5.0"),
    ],
)
def test_what_cannot_be_measured_is_refused(scores: list, fraud: list, rate: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        precision_at(np.array(scores), np.array(fraud), rate)


def test_an_evaluation_has_a_row_for_each_inspection_rate(declarations: pd.DataFrame) -> None:
    rows = evaluate(declarations, "xgboost", "source", SIX_MONTHS, [1, 2])

    assert tuple(rows.columns) == ROW_COLUMNS
    assert rows.to_dict("list") == {
        "detector": ["xgboost", "xgboost"],
        "dataset": ["source", "source"],
        "inspection_rate": list(INSPECTION_RATES),
        "precision_mean": [1.0, 1.0],
        "precision_std": [0.0, 0.0],
        "seeds": [2, 2],
    }


def test_mean_and_deviation_are_those_of_the_runs_and_runs_repeat_exactly(declarations: pd.DataFrame) -> None:
    without_signal = declarations.assign(fraud=np.random.default_rng(5).permutation(declarations["fraud"]))

    rows = evaluate(without_signal, "random_forest", "source", SIX_MONTHS, [1, 2])

    first, second = (
        evaluate(without_signal, "random_forest", "source", SIX_MONTHS, [seed])["precision_mean"] for seed in (1, 2)
    )
    assert rows["precision_mean"].tolist() == ((first + second) / 2).tolist()
    assert rows["precision_std"].tolist() == pytest.approx(((first - second).abs() / np.sqrt(2)).tolist(), abs=1e-12)
    assert (rows["precision_std"] > 0).any()


def test_months_outside_the_test_part_do_not_touch_what_is_measured(declarations: pd.DataFrame) -> None:
    validated = declarations["date"].dt.strftime("%Y-%m") == "2020-05"
    later = declarations.assign(date=declarations["date"] + pd.Timedelta(days=366), fraud=0)
    changed = pd.concat([declarations.loc[~validated], later], ignore_index=True)

    pd.testing.assert_frame_equal(
        evaluate(changed, "decision_tree", "source", SIX_MONTHS, [1]),
        evaluate(declarations, "decision_tree", "source", SIX_MONTHS, [1]),
    )


def test_an_evaluation_trains_on_one_dataset_and_tests_on_the_other(declarations: pd.DataFrame) -> None:
    inverted = declarations.assign(fraud=1 - declarations["fraud"])
    synthetic = declarations.assign(hs6_code=declarations["hs10_code"].str[:6]).drop(columns="hs10_code")

    same_rule = evaluate(synthetic, "lightgbm", "synthetic to source", SIX_MONTHS, [1], test_on=declarations)
    other_rule = evaluate(inverted, "lightgbm", "synthetic to source", SIX_MONTHS, [1], test_on=declarations)

    assert same_rule["dataset"].tolist() == ["synthetic to source"] * 2
    assert same_rule["precision_mean"].tolist() == [1.0, 1.0]
    assert other_rule["precision_mean"].tolist() == [0.0, 0.0]


def test_a_dataset_that_cannot_be_benchmarked_is_named_with_its_months(declarations: pd.DataFrame) -> None:
    month = declarations["date"].dt.strftime("%Y-%m")

    with pytest.raises(ValueError, match=r"^synthetic: no declarations in the test part, 2020-06; make these"):
        evaluate(declarations.loc[month != "2020-06"], "xgboost", "synthetic", SIX_MONTHS, [1])
    with pytest.raises(ValueError, match=r"^source: no declarations in the training part, 2020-01 to 2020-04"):
        evaluate(declarations.loc[month == "2020-06"], "xgboost", "source", SIX_MONTHS, [1])
    with pytest.raises(ValueError, match=r"^source: all 1600 declarations .* 2020-01 to 2020-04 .* have fraud 0"):
        evaluate(declarations.assign(fraud=0), "xgboost", "source", SIX_MONTHS, [1])
    with pytest.raises(ValueError, match="xgboost on source has no seed"):
        evaluate(declarations, "xgboost", "source", SIX_MONTHS, [])
