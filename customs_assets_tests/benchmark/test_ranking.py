"""Cells with their errors, and the order of detectors that follows from them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.cells import KEYS, RATES, RESAMPLES, measure_cell
from customs_assets.benchmark.claims import table_three_claims
from customs_assets.benchmark.detectors import REGISTER
from customs_assets.benchmark.precision import INSPECTION_RATES, ROW_COLUMNS, evaluate
from customs_assets.benchmark.ranking import difference, order_at_random, rankings
from customs_assets.benchmark.split import split_months
from customs_assets.fidelity.references import halves
from customs_assets.seeds import derive_seed

SIX_MONTHS = split_months([f"2020-0{month}" for month in range(1, 7)])


def _cell(declarations: pd.DataFrame, detector: str, dataset: str = "source", seed: int = 1) -> pd.DataFrame:
    return measure_cell(declarations, REGISTER[detector], dataset, SIX_MONTHS, [1, 2], seed, dataset == "source")


@pytest.fixture(scope="module")
def noisy(declarations: pd.DataFrame) -> pd.DataFrame:
    """The planted world with a fifth of its labels turned round."""
    turned = np.random.default_rng(2).random(len(declarations)) < 0.2
    return declarations.assign(fraud=np.where(turned, 1 - declarations["fraud"], declarations["fraud"]).astype("int8"))


@pytest.mark.parametrize("detector", ["logistic_regression", "decision_tree", "lightgbm"])
def test_a_cell_has_the_rows_of_table_three_to_the_byte(noisy: pd.DataFrame, detector: str) -> None:
    cell = _cell(noisy, detector)
    assert cell["inspection_rate"].tolist() == list(RATES)

    of_table = cell.loc[cell["inspection_rate"].isin(INSPECTION_RATES), list(ROW_COLUMNS)].reset_index(drop=True)

    pd.testing.assert_frame_equal(of_table, evaluate(noisy, detector, "source", SIX_MONTHS, [1, 2]), check_exact=True)


def test_a_cell_says_what_it_would_vary_by(noisy: pd.DataFrame) -> None:
    at_ten = _at_ten(_cell(noisy, "decision_tree"))

    assert len(at_ten["by_key"]) == KEYS and len(at_ten["by_importers"]) == RESAMPLES
    # 400 test rows, 40 of them inspected, about 80% right: the deviation of a share of 40, more or less.
    assert np.mean(at_ten["by_importers"]) == pytest.approx(np.mean(at_ten["by_key"]), abs=0.03)
    assert np.std(at_ten["by_importers"]) == pytest.approx(math.sqrt(0.2 * 0.8 / 40), rel=0.5)
    assert math.isnan(at_ten["random_mean"]) and math.isnan(at_ten["recovered_recall_mean"])
    assert 0 < at_ten["duty_recall_mean"] < 1
    assert at_ten["recall_mean"] == pytest.approx(at_ten["precision_mean"] * 40 / _cell_frauds(noisy))


def test_either_half_of_the_importers_is_trained_and_tested_by_itself(declarations: pd.DataFrame) -> None:
    """Half of the importers keep the rule; whatever is found in the other half, where labels are drawn, is chance."""
    first, _ = halves(declarations, "importer_id", derive_seed(1, "fraud_benchmark", purpose="halves"))
    ruled = declarations.index.isin(first.index)
    drawn = np.random.default_rng(3).random(len(declarations)) < 0.2
    half_ruled = declarations.assign(fraud=np.where(ruled, declarations["fraud"], drawn).astype("int8"))

    at_ten = _at_ten(_cell(half_ruled, "decision_tree"))

    assert at_ten["first_half"] == 1.0
    assert at_ten["second_half"] < 0.5


def _at_ten(cell: pd.DataFrame) -> dict[Any, Any]:
    return cell.loc[cell["inspection_rate"] == 0.10].to_dict("records")[0]


def _cell_frauds(declarations: pd.DataFrame) -> int:
    return int(SIX_MONTHS.rows(declarations, "test")["fraud"].sum())


def test_the_order_of_tokens_moves_a_tree_and_no_profile_and_a_cell_repeats(noisy: pd.DataFrame) -> None:
    apart = {
        name: np.stack(_cell(noisy, name, "synthetic")["by_key"].tolist()) for name in ("xgboost", "risk_profiles")
    }

    assert (apart["xgboost"] != apart["xgboost"][:, :1]).any()
    # A history belongs to a token, wherever it stands in the order of all.
    assert (apart["risk_profiles"] == apart["risk_profiles"][:, :1]).all()
    again = _cell(noisy, "xgboost", "synthetic")
    assert np.array_equal(np.stack(again["by_key"].tolist()), apart["xgboost"])
    assert again["first_half"].isna().all(), "halves are those of the source"


def test_declarations_that_were_inspected_at_random_are_ranked_by_themselves(noisy: pd.DataFrame) -> None:
    """By the rule, inspection found nothing; at random it found what there was."""
    at_random = np.random.default_rng(0).random(len(noisy)) < 0.5
    biased = noisy.assign(
        fraud=np.where(at_random, noisy["fraud"], 0).astype("int8"),
        inspection_reason=np.where(at_random, "random", "rule"),
    )

    at_ten = _at_ten(_cell(biased, "decision_tree", "synthetic"))

    assert at_ten["random_mean"] > at_ten["precision_mean"] + 0.1


def test_too_few_importers_for_two_halves_leave_the_halves_open(noisy: pd.DataFrame) -> None:
    assert _cell(noisy.assign(importer_id="I000000"), "decision_tree")["first_half"].isna().all()


def _rows(source: dict[str, float], release: dict[str, float], halves: dict[str, tuple[float, float]], error: float):
    """Cells whose draws of importers lie at +- the error around the precision, all detectors alike independent."""
    frames = []
    for dataset, found in (("source", source), ("synthetic", release)):
        for number, (name, precision) in enumerate(found.items()):
            signs = np.random.default_rng(number).permutation(np.repeat([-1.0, 1.0], 100))
            first, second = halves[name] if dataset == "source" else (math.nan, math.nan)
            frames.append(
                pd.DataFrame(
                    {
                        "detector": name,
                        "dataset": dataset,
                        "inspection_rate": RATES,
                        "precision_mean": precision,
                        "precision_std": 0.0,
                        "by_key": [[precision] * 3] * len(RATES),
                        "by_importers": [(precision + error * signs).tolist()] * len(RATES),
                        "first_half": first,
                        "second_half": second,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


HALVES = {"adaboost": (0.3, 0.3), "xgboost": (0.5, 0.4), "lightgbm": (0.4, 0.5)}


def test_only_pairs_that_the_source_tells_apart_count() -> None:
    source = {"adaboost": 0.30, "xgboost": 0.50, "lightgbm": 0.51}
    release = {"adaboost": 0.35, "xgboost": 0.52, "lightgbm": 0.48}
    found = next(of for of in rankings(_rows(source, release, HALVES, 0.02)) if of.inspection_rate == 0.05)

    # xgboost and lightgbm are 0.01 apart, with an error of about 0.028.
    assert (found.pairs, found.significant, found.same_order, found.tau) == (3, 2, 2, 1.0)
    assert (found.halves, found.same_in_halves, found.tau_of_halves) == (2, 2, 1.0)
    assert (found.best_on_source, found.best_on_release) == ("lightgbm", "xgboost")
    assert found.behind == pytest.approx(0.01)
    assert found.standard_error == pytest.approx(0.02 * math.sqrt(2), rel=0.1)
    assert found.is_best_kept


def test_a_pair_that_the_source_is_sure_of_and_the_release_turns_round_is_counted_against_it() -> None:
    source = {"adaboost": 0.30, "xgboost": 0.50, "lightgbm": 0.60}
    release = {"adaboost": 0.55, "xgboost": 0.52, "lightgbm": 0.50}
    rows = _rows(source, release, HALVES, 0.01)
    found = next(of for of in rankings(rows) if of.inspection_rate == 0.10)

    assert (found.significant, found.same_order, found.tau) == (3, 0, -1.0)
    # The two halves disagree about the last pair.
    assert (found.same_in_halves, found.tau_of_halves) == (2, pytest.approx(1 / 3))
    assert found.behind == pytest.approx(0.30) and not found.is_best_kept
    claims = {claim.key: claim for claim in table_three_claims(rows)}
    assert claims["order@10%"].holds is False and claims["order@10%"].ceiling == pytest.approx(2 / 3)
    assert claims["best@10%"].holds is False
    assert set(claims) == {f"{of}@{rate}%" for of in ("gap", "kendall", "order", "best") for rate in (5, 10)}


def test_what_moves_both_detectors_alike_is_no_error_of_their_difference() -> None:
    shared = np.random.default_rng(0).normal(0, 0.1, 200)
    one = {"by_key": [0.5, 0.6, 0.7], "by_importers": 0.6 + shared}
    other = {"by_key": [0.4, 0.5, 0.6], "by_importers": 0.5 + shared}
    assert difference(one, other) == (pytest.approx(0.1), pytest.approx(0.0, abs=1e-9))
    apart = {"by_key": [0.6, 0.5, 0.4], "by_importers": 0.5 + shared}
    # Differences over the keys: -0.1, 0.1, 0.3; their deviation is 0.2, of a mean of three 0.2 / sqrt(3).
    assert difference(one, apart) == (pytest.approx(0.1), pytest.approx(0.2 / math.sqrt(3)))


def test_the_order_on_the_random_part_is_held_against_the_order_on_all() -> None:
    rows = pd.DataFrame(
        {
            "detector": ["adaboost", "xgboost", "lightgbm", "catboost"],
            "dataset": "source",
            "inspection_rate": 0.05,
            "precision_mean": [0.3, 0.4, 0.5, 0.6],
            "random_mean": [0.1, 0.3, 0.2, math.nan],
        }
    )
    # Of three pairs that were measured on both, one is turned round.
    assert order_at_random(rows, 0.05) == pytest.approx(1 / 3)
    assert math.isnan(order_at_random(rows, 0.10))


def test_cells_of_an_older_version_have_no_ranking() -> None:
    older = pd.DataFrame({"detector": ["xgboost"], "dataset": ["source"], "inspection_rate": [0.05]})
    assert rankings(older) == []
    found = {"adaboost": 0.3, "xgboost": 0.5, "lightgbm": 0.6}
    newer = _rows(found, found, HALVES, 0.01)
    assert {of.detectors for of in rankings(pd.concat([older, newer.query("detector != 'xgboost'")]))} == {2}
