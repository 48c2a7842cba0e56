"""The attacks of Giomi et al. 2023: rates by hand, risks as ``anonymeter`` 1.1.0 gives them, and what leaks."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.privacy.nearest_guesses import GOODS, JOURNEY, guessed_right, inference, linkability, linked
from customs_assets.privacy.risk import residual_risk, wilson_rate
from customs_assets.privacy.singling_out import Condition, as_attacked, guesses_from, matches, singling_out


def test_wilsons_interval_by_hand():
    # 7 of 10 with z = 1.96: middle (7 + 1.9207) / 13.8415, half width 1.96 * sqrt(2.1 + 0.9604) / 13.8415.
    rate = wilson_rate(7, 10)
    assert rate.value == pytest.approx(0.6445, abs=1e-4)
    assert rate.error == pytest.approx(0.2477, abs=1e-4)
    assert wilson_rate(0, 10).value - wilson_rate(0, 10).error == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("attacks", "successes", "control", "risk", "lower", "upper"),
    [
        (1200, 452, 42, 0.353472, 0.324203, 0.382742),
        (1200, 430, 117, 0.288500, 0.255642, 0.321359),
        (600, 135, 16, 0.203099, 0.167058, 0.239140),
        (600, 512, 388, 0.579654, 0.487829, 0.671479),
    ],
)
def test_risks_are_those_that_anonymeter_gives_for_the_same_counts(attacks, successes, control, risk, lower, upper):
    ours = residual_risk(attacks, successes, control, 0)
    assert (ours.value, ours.lower, ours.upper) == pytest.approx((risk, lower, upper), abs=1e-6)


def test_a_risk_is_never_negative_and_impossible_counts_are_refused():
    ours = residual_risk(500, 10, 100, 0)
    assert (ours.value, ours.lower) == (0.0, 0.0)
    with pytest.raises(ValueError, match="11 successes of 10 attacks"):
        wilson_rate(11, 10)
    with pytest.raises(ValueError, match="the confidence is 1"):
        wilson_rate(1, 10, 1)


def test_conditions_are_counted_by_hand(declarations):
    rows = as_attacked(declarations(rows=4, office_id=["10", "10", "20", "30"], net_mass=[1.0, 2.0, 3.0, 4.0]))
    guesses = [
        (Condition("office_id", "==", "10"),),
        (Condition("office_id", "==", "10"), Condition("net_mass", ">=", 2.0)),
        (Condition("net_mass", "<=", 3.0), Condition("net_mass", ">=", 2.0)),
        (Condition("office_id", "==", "77"),),
        (Condition("date", "==", 18262),),
    ]
    assert matches(rows, guesses).tolist() == [2, 1, 2, 0, 4]


def test_equal_rows_count_once(declarations):
    assert len(as_attacked(declarations(rows=5, importer_id=list("ABCDE")))) == 1


@pytest.mark.parametrize("mode", ["univariate", "multivariate"])
def test_every_guess_fits_one_synthetic_row_and_none_is_made_twice(mode, world):
    own = as_attacked(world.fresh)
    guesses = guesses_from(own, mode, 100, seed=1)
    assert 20 < len(guesses) == len(set(guesses)) <= 100
    assert (matches(own, guesses) == 1).all()
    assert guesses == guesses_from(own, mode, 100, seed=1)


def test_a_table_without_a_unique_row_gives_no_guess(declarations):
    paired = declarations(rows=4, office_id=["10", "10", "20", "20"], import_type=["11", "12", "11", "12"])
    with pytest.raises(ValueError, match="no univariate condition fits exactly one of 4"):
        singling_out(paired, paired, paired, "univariate")


@pytest.mark.parametrize("mode", ["univariate", "multivariate"])
def test_singling_out_succeeds_on_copies_and_fails_on_a_fresh_sample(mode, world):
    assert singling_out(world.training, world.training, world.control, mode, attacks=400).lower > 0.5
    assert singling_out(world.fresh, world.training, world.control, mode, attacks=400).value < 0.05


def test_linking_halves_by_hand(declarations):
    synthetic = declarations(rows=3, office_id=["10", "20", "30"], hs6_code=["010110", "020210", "030310"])
    rows = declarations(rows=3, office_id=["10", "20", "30"], hs6_code=["010110", "010110", "030310"])
    # The second row's journey is like the second synthetic row, its goods like the first.
    assert linked(synthetic, rows, (JOURNEY, GOODS), neighbours=1).tolist() == [True, False, True]
    assert linked(synthetic, rows, (JOURNEY, GOODS), neighbours=2).tolist() == [True, True, True]


def test_linkability_and_inference_see_copies_and_let_a_fresh_sample_pass(world):
    copied = linkability(world.training, world.training, world.control)
    assert copied.lower > 0.2
    fresh = linkability(world.fresh, world.training, world.control)
    assert fresh.upper < 0.05
    assert inference(world.training, world.training, world.control, "item_price").lower > 0.95
    assert inference(world.fresh, world.training, world.control, "item_price").value < 0.05


def test_a_label_is_not_inferred_from_the_other_label(world):
    # Fraud says most of critical fraud; had the attacker been given it, control would be guessed nearly always.
    risk = inference(world.fresh, world.training, world.control, "critical_fraud")
    assert risk.control_successes / risk.attacks < 0.85
    known = inference(world.fresh, world.training, world.control, "critical_fraud", known=["fraud"])
    assert known.control_successes > risk.control_successes


def test_a_number_is_guessed_within_five_percent_of_the_guess_and_a_code_exactly():
    guesses, secrets = np.array([100.0, 100.0, 0.0]), np.array([105.0, 106.0, 0.0])
    assert guessed_right(guesses, secrets, "net_mass").tolist() == [True, False, True]
    assert guessed_right(np.array(["090121"]), np.array(["090122"]), "hs6_code").tolist() == [False]
