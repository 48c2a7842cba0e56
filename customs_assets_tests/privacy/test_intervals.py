"""Intervals whose unit is the importer: by hand, by every throw of the coin, and on worlds where nothing leaks."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from benchmarks.interval_coverage import trial, verdicts
from customs_assets.fidelity.detection import auc, auc_standard_error
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.chance import (
    CLAIMS,
    auc_bound,
    auc_upper_bound,
    effective_attacks,
    judging_quantile,
    kish,
    usual_quantile,
    wilson,
)
from customs_assets.privacy.claims import attack_claims
from customs_assets.privacy.closest_record import closest_record
from customs_assets.privacy.linkage import linkage
from customs_assets.privacy.membership.measure import membership
from customs_assets.privacy.risk import Guesses, residual_risk, with_importers

# Half the width of a normal interval for one of all claims and the best of five attacks.
_OF_FIVE = judging_quantile(5)


def test_effective_numbers_by_hand():
    assert kish(np.array([7, 7, 7])) == pytest.approx(3)
    assert kish(np.array([2, 1, 1])) == pytest.approx(16 / 6)
    assert kish(np.array([])) == 0.0
    # One in twenty over twenty claims is one in 400, over five attacks in each one in 2,000.
    assert CLAIMS == 20
    assert (judging_quantile(), _OF_FIVE) == pytest.approx((2.8070, 3.2905), abs=1e-4)
    # Half a success of two trials is as good as one of four halves.
    assert wilson(0.25, 3.0, 1.96).value == pytest.approx((0.75 + 1.9208) / (3 + 3.8416))


def _sides(rng: np.random.Generator, importers: int, rows: int, alike: bool) -> tuple[Guesses, Guesses]:
    """Guesses that are right with a chance of 0.3; on all rows of an importer or on none where its rows are alike."""
    who = np.repeat(np.arange(importers), rows)
    right = [rng.random(importers)[who] < 0.3 if alike else rng.random(len(who)) < 0.3 for _ in range(2)]
    first, second = (Guesses.on_rows(who, hit) for hit in right)
    return first, second


def _worth(sides: tuple[Guesses, Guesses]) -> float:
    pairs = (sides[0].attacks, sides[0].successes), (sides[1].attacks, sides[1].successes)
    return float(np.mean(effective_attacks(pairs)))


def test_guesses_on_rows_that_are_alike_are_worth_their_importers_and_others_their_rows():
    rng = np.random.default_rng(1)
    alike = [_worth(_sides(rng, 50, 40, alike=True)) for _ in range(40)]
    assert np.mean(alike) == pytest.approx(50, rel=0.1)
    independent = [_worth(_sides(rng, 50, 40, alike=False)) for _ in range(40)]
    assert 0.6 * 2000 < np.mean(independent) <= 2000


def test_no_success_among_few_importers_is_worth_as_many_guesses_as_importers():
    none = Guesses(np.full(5, 100.0), np.zeros(5))
    assert _worth((none, none)) == pytest.approx(5, rel=0.1)
    risk = with_importers(residual_risk(500, 0, 0, 0), none, none)
    # Five importers without a success allow a rate of a third.
    assert risk.upper < 0.01 and risk.clustered_upper > 0.3
    many = Guesses(np.full(5000, 100.0), np.zeros(5000))
    assert with_importers(residual_risk(500_000, 0, 0, 0), many, many).clustered_upper < 0.001


@pytest.mark.parametrize("importers", [3, 5, 8, 20, 200])
def test_risks_of_importers_whose_rows_are_alike_convict_no_more_often_than_they_may(importers: int):
    rng = np.random.default_rng(importers)
    over, as_before = 0, 0
    for _ in range(600):
        ours, theirs = _sides(rng, importers, 30, alike=True)
        right = int(ours.successes.sum()), int(theirs.successes.sum())
        risk = with_importers(residual_risk(importers * 30, *right, 0), ours, theirs)
        over += risk.lower_bound > 0
        as_before += risk.lower > 0.15
    assert over <= 600 * 0.015, "five standard errors above one in 220"
    if importers <= 20:
        assert as_before > 600 * 0.05, "what takes guesses for independent convicts the innocent"


@pytest.mark.parametrize("importers", [10, 20, 100])
def test_a_risk_that_is_past_its_limit_is_rarely_said_to_be_within(importers: int):
    """Of importers whose rows are alike 30% are guessed right in control, and in training as many as the limit makes of it."""
    rng, excluded, limit = np.random.default_rng(importers), 0, 0.15
    past = 0.3 + limit * 0.7
    for _ in range(600):
        who = np.repeat(np.arange(importers), 30)
        right = [rng.random(importers)[who] < rate for rate in (past, 0.3)]
        ours, theirs = (Guesses.on_rows(who, hit) for hit in right)
        risk = with_importers(residual_risk(len(who), int(right[0].sum()), int(right[1].sum()), 0), ours, theirs)
        excluded += risk.upper_bound <= limit
    assert excluded <= 600 * 0.05


def _scores(rng: np.random.Generator, sizes: tuple[int, int], rows: int) -> tuple[np.ndarray, ...]:
    """Scores that are nearly all the importer's own, and say nothing of its side."""
    count = sum(sizes)
    importers = np.repeat(np.arange(count), rows)
    return rng.normal(size=count)[importers] + rng.normal(0, 0.05, len(importers)), importers < sizes[0], importers


@pytest.mark.parametrize("sizes", [(3, 3), (5, 3), (5, 5), (8, 4), (20, 10), (100, 60)])
def test_an_auc_of_importers_whose_rows_are_alike_convicts_no_more_often_than_it_may(sizes: tuple[int, int]):
    rng = np.random.default_rng(sizes)
    above, as_before = 0, 0
    for _ in range(400):
        scores, members, importers = _scores(rng, sizes, 25)
        above += auc_bound(scores, members, importers, _OF_FIVE)[0] > 0.5
        as_before += auc(scores, members) - 3 * auc_standard_error(members.sum(), (~members).sum()) > 0.5
    assert above <= 400 * 0.01
    assert as_before > 400 * 0.2, "what takes rows for independent convicts the innocent"


@pytest.mark.parametrize("sizes", [(3, 3), (5, 3), (3, 5), (5, 5), (7, 7)])
def test_a_perfect_auc_on_few_importers_convicts_nobody(sizes: tuple[int, int]):
    # In one of 20 to 3432 ways to part the importers they part so by chance.
    assert math.comb(sum(sizes), sizes[0]) < 5000
    importers = np.repeat(np.arange(sum(sizes)), 200)
    scores, members = -importers.astype(float), importers < sizes[0]
    lower, standard_error = auc_bound(scores, members, importers, _OF_FIVE)
    assert auc(scores, members) == 1.0
    assert lower < 0.6
    assert auc_upper_bound(scores, members, importers, usual_quantile()) == pytest.approx(1.0), "and excludes nothing"
    assert standard_error > 0.1


def test_of_all_ways_to_part_ten_importers_none_convicts():
    rng = np.random.default_rng(4)
    scores, _, importers = _scores(rng, (5, 5), 40)
    for side in combinations(range(10), 5):
        assert auc_bound(scores, np.isin(importers, side), importers, _OF_FIVE)[0] <= 0.5


@pytest.mark.parametrize("count", [20, 60, 200])
def test_an_auc_past_its_limit_is_rarely_said_to_be_within_and_an_honest_one_is_if_importers_are_many(count: int):
    rng = np.random.default_rng(count)
    # Of normal scores that lie 0.358 apart a member's is the higher in six pairs of ten.
    apart, excluded = 0.3583, {0.5: 0, 0.6: 0}
    for _ in range(200):
        members = np.arange(count) < count // 2
        for truth, shift in ((0.5, 0.0), (0.6, apart)):
            scores = rng.normal(size=count) + shift * members
            excluded[truth] += auc_upper_bound(scores, members, np.arange(count), usual_quantile()) <= 0.6
    assert excluded[0.6] <= 200 * 0.06
    assert (excluded[0.5] > 200 * 0.5) == (count == 200)


def test_an_auc_of_independent_rows_is_bounded_as_narrowly_as_before():
    rng = np.random.default_rng(5)
    count = 2000
    members = np.arange(2 * count) < count
    scores = rng.normal(size=2 * count) + 0.2 * members
    _, standard_error = auc_bound(scores, members, np.arange(2 * count), _OF_FIVE)
    assert standard_error == pytest.approx(auc_standard_error(count, count), rel=0.05)
    found = auc(rng.normal(size=2 * count), members)
    assert found == pytest.approx(0.5, abs=0.05)


def test_more_importers_on_trainings_side_are_not_taken_for_a_leak():
    found = [closest_record(*trial(seed, 100, 15, False, control_importers=25)) for seed in range(6)]
    assert np.mean([one.share_nearer_to_training for one in found]) > 0.65, "four times as many importers are nearer"
    assert max(one.lower_bound for one in found) < 0.5


def test_one_importer_on_a_side_has_no_interval_and_the_claim_says_so():
    synthetic, training, control = trial(1, 6, 20, copies=True)
    one = training[training["importer_id"] == training["importer_id"].iloc[0]]
    claims = {claim.key: claim for claim in attack_claims(synthetic, one, control, attacks=50)}
    assert len(claims) == CLAIMS
    assert math.isnan(closest_record(synthetic, one, control).lower_bound)
    assert math.isnan(linkage(synthetic, one, control).lower_bound)
    for key, claim in claims.items():
        assert not claim.blocks_release
        if claim.note.startswith("nobody to attack"):
            assert claim.measured == claim.lower_bound == 0.0, key
            continue
        assert math.isnan(claim.lower_bound)
        assert "one importer alone" in claim.note or "not measured" in claim.note, key
    assert math.isnan(claims["linkability"].measured)
    assert claims["closest_record"].measured > 0


def test_what_cannot_be_measured_says_why_and_takes_nothing_else_with_it():
    synthetic, training, control = trial(2, 6, 20, copies=False)
    one = control[control["importer_id"] == control["importer_id"].iloc[0]]
    with pytest.raises(CannotBeMeasured, match="control has 1 importers"):
        membership(synthetic, training, one)
    thin = control.groupby("importer_id").head(4)
    claims = {claim.key: claim for claim in attack_claims(synthetic, training, thin, attacks=50)}
    linked = claims["linkage"]
    assert math.isnan(linked.measured) and math.isnan(linked.lower_bound)
    assert linked.note == "not measured: no importer of control has 5 declarations, so there is nothing to match"
    assert (linked.at_most, linked.limit) == (0.02, 0.10)
    others = [claim for key, claim in claims.items() if key != "linkage"]
    assert len(others) == CLAIMS - 1
    assert not any(math.isnan(claim.measured) for claim in others)


def test_a_fault_of_the_tables_is_not_taken_for_too_few_importers():
    synthetic, training, control = trial(3, 6, 20, copies=False)
    broken = training.assign(net_mass=np.where(np.arange(len(training)) == 0, np.nan, training["net_mass"]))
    with pytest.raises(ValueError, match="no finite net_mass"):
        attack_claims(synthetic, broken, control, attacks=50)


@pytest.mark.parametrize(("importers", "repetitions"), [(5, 9), (8, 5), (20, 3)])
def test_a_table_that_leaks_nothing_is_not_convicted_for_its_few_importers(importers: int, repetitions: int):
    found = verdicts(importers, repetitions, 25, copies=False, attacks=200)
    assert found.convicted == 0, found.by_claim
    assert found.unmeasured == repetitions, "and none is let through: so few importers exclude no limit"


# All was inspected, so nothing is told of who was; few records have keys of their own, so few can be replicated; and no release
# was before this one.
_NOT_BY_COPIES = ("complementary disclosure", "inspected or not", "replicated uniques", "successive releases")


@pytest.mark.parametrize(("importers", "least"), [(6, 1), (20, 8), (200, CLAIMS - len(_NOT_BY_COPIES))])
def test_a_table_that_copies_is_convicted_by_the_more_attacks_the_more_importers(importers: int, least: int):
    # Of six importers linkage alone can convict: that it knows all six again and none of control has one chance in 924.
    claims = attack_claims(*trial(0, importers, 15, copies=True), attacks=300)
    convicting = [claim.key for claim in claims if claim.blocks_release]
    assert len(convicting) >= least, {claim.key: claim.lower_bound for claim in claims}
