"""Membership: each attack convicts a generator that memorizes and lets an honest one pass; what chance does is told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.fidelity.detection import auc
from customs_assets.fidelity.references import halves
from customs_assets.privacy.chance import auc_bound
from customs_assets.privacy.claims import attack_claims
from customs_assets.privacy.goals import ATTACK_CLAIMS
from customs_assets.privacy.membership import informed
from customs_assets.privacy.membership.attacks import ATTACKS, all_scores
from customs_assets.privacy.membership.curves import RATES, curves, null_band
from customs_assets.privacy.membership.likelihood_ratio import likelihood_ratios
from customs_assets.privacy.membership.measure import Membership, measured, membership, tpr_bounds
from customs_assets.privacy.membership.permutation import FEW, null, p_value, quantile, rates
from customs_assets.privacy.membership.scene import Scene, density
from customs_assets_tests.conftest import World, traders

NAMES = [attack.name for attack in ATTACKS]

# All attacks but the one that learns from labels.
OUTSIDERS = [name for name in NAMES if name != "informed"]


def memorized(training: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Each row once, with a hundredth more or less of mass and price."""
    rng = np.random.default_rng(seed)
    noisy = {
        name: (training[name] * np.exp(rng.normal(0, 0.01, len(training)))).round(2)
        for name in ("net_mass", "item_price")
    }
    return training.assign(**noisy)


@pytest.fixture(scope="module")
def leaking(world: World) -> Membership:
    return membership(memorized(world.training), world.training, world.control)


@pytest.fixture(scope="module")
def honest(world: World) -> Membership:
    return membership(world.fresh, world.training, world.control)


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene.of(world.fresh, world.training, world.control, seed=2020)


def test_there_are_twelve_attacks_of_three_kinds_of_knowledge():
    assert len(NAMES) == len(set(NAMES)) == 12
    assert len({attack.knows for attack in ATTACKS}) == 3
    assert {attack.name for attack in ATTACKS if attack.stretch != 1} == {"informed"}


def test_every_importer_is_attacked_once_in_one_of_two_scenes(world: World):
    first, second = Scene.both(world.fresh, world.training, world.control, seed=2020)
    attacked = [set(each.attacked["importer_id"]) for each in (first, second)]
    reference = [set(each.reference["importer_id"]) for each in (first, second)]
    assert not attacked[0] & attacked[1] and not reference[0] & reference[1]
    outsiders = [each - set(world.training["importer_id"]) for each in attacked]
    # The larger side is drawn from, so a few importers of one declaration may be missing.
    assert outsiders[0] <= reference[1] and outsiders[1] <= reference[0]
    everyone = set(world.training["importer_id"]) | set(world.control["importer_id"])
    assert len(attacked[0] | attacked[1]) > 0.9 * len(everyone)
    one = world.training[world.training["importer_id"] == world.training["importer_id"].iloc[0]]
    assert len(Scene.both(world.fresh, one, world.control, seed=2020)) == 1


def test_two_scenes_narrow_the_interval(scene: Scene, honest: Membership):
    """Twice the importers: the chance of one attack shrinks by a third or so, and at least by a tenth."""
    alone = measured(all_scores(scene), scene.is_member, scene.importers, seed=2020)
    assert honest.members > 1.5 * alone.members
    assert honest.by_auc.by_chance - 0.5 < 0.9 * (alone.by_auc.by_chance - 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_each_attack_finds_the_rows_that_a_generator_memorized(leaking: Membership, name: str):
    outcome = leaking.outcomes[name]
    assert outcome.auc > 0.7
    assert outcome.tpr_10 > 0.15 and outcome.tpr_10 >= outcome.tpr_01


@pytest.mark.parametrize("name", NAMES)
def test_each_attack_stays_within_chance_on_an_honest_sample(scene: Scene, honest: Membership, name: str):
    scores = all_scores(scene)[name]
    codes = scene.importers * 2 + scene.is_member
    error = auc_bound(scores, scene.is_member, codes, 3.0)[1]
    assert abs(honest.outcomes[name].auc - 0.5) < 3.5 * error * (informed.STRETCH if name == "informed" else 1)
    assert honest.outcomes[name].tpr_01 < 0.06


def test_the_strongest_of_a_generator_that_memorizes_is_beyond_chance_and_of_an_honest_one_is_not(leaking, honest):
    for found in (leaking.by_auc, leaking.by_tpr):
        assert found.p_value < 0.001 and found.measured > 0.95
    for found in (honest.by_auc, honest.by_tpr):
        assert found.p_value > 0.05 and found.measured < found.by_chance


def test_true_positives_convict_what_was_memorized_and_nothing_else(world: World):
    def claim(synthetic: pd.DataFrame):
        made = attack_claims(synthetic, world.training, world.control, attacks=50)
        return next(claim for claim in made if claim.key == "membership_tpr")

    goal = ATTACK_CLAIMS["membership_tpr"]
    convicted, acquitted = claim(memorized(world.training)), claim(world.fresh)
    assert convicted.blocks_release and convicted.holds is False
    assert not acquitted.blocks_release and acquitted.holds
    assert acquitted.at_most is not None and 0.01 < acquitted.at_most < 0.10
    assert convicted.limit == acquitted.limit == goal.limit == 0.10


def test_a_few_rows_that_are_known_for_certain_show_in_true_positives_and_not_in_the_auc(world: World):
    few = memorized(world.training).groupby("importer_id").head(2)
    mixed = pd.concat([few, world.fresh.head(len(world.training) - len(few))], ignore_index=True)
    found = membership(mixed, world.training, world.control)
    assert found.by_tpr.p_value < 0.001
    assert found.by_tpr.measured > 10 * FEW
    assert found.by_tpr.lower_bound > found.by_tpr.measured / 4


def _permuted(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Membership dealt anew among the importers."""
    members = np.zeros(scene.importers.max() + 1, dtype=bool)
    members[scene.importers[scene.is_member]] = True
    return rng.permutation(members)[scene.importers]


def test_under_permuted_labels_the_p_value_of_the_strongest_outsider_is_uniform(scene: Scene):
    from scipy.stats import kstest

    rng = np.random.default_rng(4)
    scores = {name: values for name, values in all_scores(scene).items() if name in OUTSIDERS}
    chance = null(scores, scene.is_member, scene.importers, {}, seed=1, permutations=1000)
    drawn = []
    for _ in range(300):
        labels = _permuted(scene, rng)
        largest = max(auc(values, labels) for values in scores.values())
        found = max(rates(values, labels)[0] for values in scores.values())
        drawn.append((p_value(largest, chance.auc), p_value(found, chance.tpr)))
    of_auc, of_tpr = np.array(drawn).T
    assert kstest(of_auc, "uniform").pvalue > 0.01
    assert kstest(of_tpr, "uniform").pvalue > 0.01
    assert 0.02 < (of_auc <= 0.05).mean() < 0.09


def test_worlds_in_which_nothing_leaked_are_called_beyond_chance_no_more_often_than_once_in_twenty():
    found = []
    for seed in range(24):
        training, control = halves(traders(seed, "A", rows=500, importers=60), unit="importer_id", seed=seed)
        fresh = traders(1000 + seed, "B", rows=len(training), importers=60)
        honest = membership(fresh, training, control, seed=seed)
        found.append((honest.by_auc.p_value, honest.by_tpr.p_value))
    for p_values in np.array(found).T:
        # Of 24, six or more at 0.05 come once in 700 times where p is uniform; a mean below 0.3 likewise.
        assert (p_values <= 0.05).sum() < 6
        assert 0.3 < p_values.mean() < 0.85


def test_models_refitted_under_permuted_labels_stray_further_than_their_scores_show_and_no_further_than_allowed_for(
    scene: Scene,
):
    rng = np.random.default_rng(5)
    features = informed.features(scene)
    scores = informed.learned(features, scene.is_member, scene.importers, seed=1)
    fixed = [auc(scores, _permuted(scene, rng)) for _ in range(200)]
    refitted = []
    for repetition in range(40):
        labels = _permuted(scene, rng)
        refitted.append(auc(informed.learned(features, labels, scene.importers, repetition), labels))
    # With 40 draws the ratio of the two is known to a quarter.
    assert 1.0 < np.std(refitted, ddof=1) / np.std(fixed, ddof=1) < 1.25 * informed.STRETCH
    assert abs(np.mean(refitted) - 0.5) < 0.02


def test_true_positives_are_those_of_the_roc_curve():
    from sklearn.metrics import roc_curve

    rng = np.random.default_rng(6)
    labels = rng.random(5000) < 0.4
    for scores in (rng.normal(size=5000) + labels, rng.integers(0, 30, 5000) + 3.0 * labels, np.zeros(5000)):
        false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
        expected = []
        for rate in (0.01, 0.10):
            # The last point that is allowed, and from there on the way to the next one.
            at = np.flatnonzero(false <= rate)[-1]
            share = (rate - false[at]) / (false[at + 1] - false[at])
            expected.append(true[at] + share * (true[at + 1] - true[at]))
        assert rates(scores, labels) == pytest.approx(expected, abs=1e-12)


def test_a_permutation_keeps_the_rows_of_an_importer_together():
    # One importer has half of the rows and all high scores: with it, a side wins in every permutation.
    importers = np.repeat(np.arange(11), [100] + [10] * 10)
    scores = np.where(importers == 0, 2.0, 0.0) + np.random.default_rng(7).normal(0, 0.01, 200)
    chance = null({"one": scores}, importers < 5, importers, {}, seed=1, permutations=400)
    assert np.mean(chance.auc > 0.8) == pytest.approx(5 / 11, abs=0.1)
    assert np.mean(chance.auc < 0.35) == pytest.approx(6 / 11, abs=0.1)


def test_the_bound_of_true_positives_says_no_more_than_the_permutations_do():
    rng = np.random.default_rng(8)
    chance = 0.01 + np.abs(rng.normal(0, 0.004, 2000))
    needed = quantile(chance, 0.05 / len(ATTACK_CLAIMS))
    assert tpr_bounds(needed, chance)[0] == pytest.approx(0.01)
    assert tpr_bounds(needed - 1e-6, chance)[0] < 0.01 < tpr_bounds(needed + 1e-6, chance)[0]
    assert 0.05 < tpr_bounds(0.10, chance)[0] < 0.10
    few_importers = rng.random(2000)
    assert tpr_bounds(1.0, few_importers)[0] < 0.02, "where chance reaches anything, nothing is proved"
    assert tpr_bounds(0.01, few_importers)[1] > 0.5, "and nothing is excluded"
    assert 0.10 < tpr_bounds(0.10, chance)[1] < 0.2 and tpr_bounds(0.01, chance)[1] < 0.03


def test_quantiles_and_p_values_by_hand():
    chance = np.arange(1, 100) / 100
    assert quantile(chance, 0.05) == 0.95
    assert (p_value(0.95, chance), p_value(2.0, chance)) == (0.06, 0.01)


def test_densities_are_scipys_and_the_likelihood_ratio_is_that_of_a_density_fitted_again(scene: Scene):
    from scipy.stats import gaussian_kde, spearmanr

    attacked, synthetic, reference = scene.space
    assert density(synthetic, attacked[:50]) == pytest.approx(gaussian_kde(synthetic.T).evaluate(attacked[:50].T))
    assert np.cov(np.vstack(scene.space).T) == pytest.approx(np.eye(8), abs=0.01)
    few, ours = attacked[:40], likelihood_ratios(attacked[:40], synthetic, reference)
    alone, again = gaussian_kde(reference.T), []
    for row in few:
        nearest = synthetic[np.argsort(np.square(synthetic - row).sum(axis=1))[:5]]
        together = gaussian_kde(np.vstack([reference, row]).T)
        again.append(np.sum(np.log(together.evaluate(nearest.T)) - np.log(alone.evaluate(nearest.T))))
    assert spearmanr(ours, again).statistic > 0.98


def test_a_handful_of_rows_or_a_flat_table_still_has_scores(world: World):
    few = world.control.groupby("importer_id").head(1).head(6)
    found = membership(world.fresh.head(3), world.training.head(40), few)
    assert all(0 <= value <= 1 for value in found.aucs.values())
    flat = world.fresh.assign(**{name: world.fresh[name].iloc[0] for name in world.fresh.columns})
    found = membership(flat, world.training.head(200), world.control)
    assert found.outcomes["density"].auc == found.outcomes["domias"].auc == 0.5
    assert found.by_auc.p_value > 0.001


def test_the_same_tables_and_seed_give_the_same_numbers(world: World, honest: Membership):
    assert honest == membership(world.fresh, world.training, world.control)
    shown = honest.as_json()
    assert [attack["name"] for attack in shown["attacks"]] == NAMES
    assert shown["strongest"]["auc"]["measured"] == honest.auc
    assert shown["rows"] == honest.members


def test_scores_that_say_nothing_have_no_strongest_beyond_chance():
    rng = np.random.default_rng(9)
    importers = np.repeat(np.arange(80), 12)
    scores = {name: rng.normal(size=960) for name in OUTSIDERS}
    found = measured(scores, importers < 40, importers, seed=3)
    assert found.by_auc.lower_bound < 0.5 < found.by_auc.by_chance
    assert found.by_auc.p_value > 0.01


def test_a_curve_passes_through_the_measured_rates_and_the_band_holds_chance():
    rng = np.random.default_rng(4)
    importers = np.repeat(np.arange(400), 5)
    is_member = importers % 2 == 0
    leaky = is_member * 0.9 + rng.normal(size=len(importers))
    blind = rng.normal(size=len(importers))
    drawn = curves({"leaky": leaky, "blind": blind}, is_member)
    few, more = rates(leaky, is_member)
    assert np.interp([0.01, 0.10], RATES, drawn["leaky"]) == pytest.approx([few, more], abs=0.02)
    assert RATES[0] == pytest.approx(1e-3) and RATES[-1] == 1 and drawn["leaky"][-1] == 1
    assert all(np.diff(drawn["leaky"]) >= 0)
    band = np.array(null_band(blind, is_member, importers, 1.0, seed=1))
    assert (np.array(drawn["leaky"]) > band)[20:50].all(), "an attack that works leaves the band"
    assert (np.array(drawn["blind"]) <= band).mean() > 0.9, "one that does not stays in it"
    inside = (RATES > 0.05) & (RATES < 0.5)
    assert (band > RATES)[inside].all() and (band < 2 * RATES)[inside].all()
    stretched = np.array(null_band(blind, is_member, importers, 2.0, seed=1))
    assert stretched[inside] - RATES[inside] == pytest.approx(2 * (band - RATES)[inside], abs=3e-4)
