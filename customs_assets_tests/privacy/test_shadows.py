"""Shadow models convict a synthesizer that copies, and acquit one that has not looked; every target is in half of the shadows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.claims import Claim, as_json, from_json
from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.population import Population, count_population
from customs_assets.expectations.checks import judge
from customs_assets.expectations.deep_suites import DEEP_SUITES
from customs_assets.fidelity.comparison import with_hs6
from customs_assets.lake import Lake
from customs_assets.privacy.deep_goals import DEEP, DEEP_CLAIMS
from customs_assets.privacy.gate import accepted_claims, reasons_of_claims, reasons_of_deep_claims
from customs_assets.privacy.shadows.exposed import Exposed, distance_to_others, most_exposed, sampled
from customs_assets.privacy.shadows.likelihood import calibrated, likelihood_ratios
from customs_assets.privacy.shadows.measure import deep_attacks, measured
from customs_assets.privacy.shadows.shadow import SCORES, World, epochs_of, shadow, share_of
from customs_assets.resources import Pipeline
from customs_assets.settings import Settings, shadow_keys
from customs_assets_tests.conftest import traders
from customs_assets_tests.disclosing import law_that_allows

SECRET = b"s" * 32
SHADOWS, TARGETS = 8, 15
SETTINGS = Settings(shadows=SHADOWS, shadow_targets=TARGETS, min_group=3)  # pyright: ignore[reportCallIssue]


def _source(rows: int = 600, importers: int = 80) -> dict[str, pd.DataFrame]:
    """Three months of declarations; product codes of ten digits, tokens as long as those of the pipeline."""
    made = traders(11, "A", rows=rows, importers=importers).rename(columns={"hs6_code": "hs10_code"})
    made = made.assign(hs10_code=made["hs10_code"] + "0000")
    made = made.assign(**{r: made[r].where(made[r] == "", made[r].str.ljust(20, "0")) for r in IDENTITIES})
    months = made["date"].dt.strftime("%Y-%m")
    return {str(month): part.reset_index(drop=True) for month, part in made.groupby(months)}


@pytest.fixture(scope="module")
def world() -> World:
    """A world of which every declaration was inspected."""
    source = _source()
    law = law_that_allows(pd.concat(source.values()))
    return World(source, Population.of_frames(map(count_population, source.values())), {}, law)


@pytest.fixture(scope="module")
def targets(world: World) -> Exposed:
    return most_exposed(world.source, TARGETS, SHADOWS, SECRET)


def _copies(source: Mapping[str, pd.DataFrame], *_: object) -> dict[str, pd.DataFrame]:
    """A synthesizer that learned its input by heart."""
    return {month: with_hs6(rows).drop(columns="hs10_code") for month, rows in source.items()}


def _honest(source: Mapping[str, pd.DataFrame], _: object, __: object, ___: object, root: bytes, *____: object):
    """A synthesizer that draws declarations of other traders, and looks at nothing but how many it is asked for."""
    seed = int.from_bytes(root[:4], "big")
    return {month: traders(seed + place, "B", rows=len(rows)) for place, (month, rows) in enumerate(source.items())}


def _attacked(world: World, targets: Exposed, synthesizer: Any) -> tuple[dict[str, Any], list[Claim]]:
    made = [shadow(world, targets, place, SETTINGS, SECRET, synthesizer) for place in range(SHADOWS)]
    found = deep_attacks(targets, made, world.rows, seed=7, dealings=500)
    return found, from_json(found["claims"])


def test_a_synthesizer_that_copies_is_convicted(world: World, targets: Exposed):
    found, [by_auc, by_tpr, of_large] = _attacked(world, targets, _copies)
    assert of_large.measured > 0.99 and of_large.holds is False
    assert by_auc.measured > 0.99 and by_auc.blocks_release
    assert by_tpr.measured > 0.95 and by_tpr.blocks_release
    assert found["strongest"]["tpr_01"]["p_value"] < 0.01
    reasons = reasons_of_deep_claims([by_auc, by_tpr, of_large], {})
    assert len(reasons) == 2 and all("goes past its limit" in reason for reason in reasons)
    by_name = {attack["name"]: attack for attack in found["attacks"]}
    assert by_name["closest_of_all"]["auc"] > 0.99, "the nearest row tells it alone"


def test_a_synthesizer_that_did_not_look_is_not_convicted(world: World, targets: Exposed):
    found, [by_auc, by_tpr, _] = _attacked(world, targets, _honest)
    assert not by_auc.blocks_release and not by_tpr.blocks_release
    assert found["strongest"]["auc"]["p_value"] > 0.05 and found["strongest"]["tpr_01"]["p_value"] > 0.05
    assert by_tpr.at_most is not None and by_tpr.measured <= by_tpr.at_most, "chance exceeds that once in twenty times"
    assert by_tpr.at_most == pytest.approx(found["strongest"]["tpr_01"]["by_chance"])


def test_every_target_is_in_half_of_the_shadows_and_out_of_the_others(world: World, targets: Exposed):
    assert len(targets.importers) == len(set(targets.importers)) == TARGETS + TARGETS // 5
    assert targets.large == [False] * TARGETS + [True] * (TARGETS // 5)
    assert (targets.members.sum(axis=1) == SHADOWS // 2).all()
    assert len({tuple(row) for row in targets.members}) > TARGETS // 2, "each dealt by itself"
    everyone = set(pd.concat(world.source.values())["importer_id"])
    for place in range(SHADOWS):
        there = world.with_some(targets, place, 1.0, SECRET)
        declared = set(pd.concat(there.source.values())["importer_id"])
        chosen = {name for name, is_in in zip(targets.importers, targets.members[:, place], strict=True) if is_in}
        assert declared & set(targets.importers) == chosen
        assert declared - set(targets.importers) == everyone - set(targets.importers)
        assert set(there.population.importers) == declared, "who is out is out of the population, too"
    again = Exposed.from_json(json.loads(json.dumps(targets.as_json())))
    assert again.importers == targets.importers and (again.members == targets.members).all()


def test_the_most_exposed_stand_furthest_from_declarations_of_others():
    source = _source(rows=300, importers=40)
    rows = pd.concat(source.values(), ignore_index=True)
    strange, large = rows["importer_id"].iloc[0], rows["importer_id"].iloc[1]
    alone = rows["importer_id"] == strange
    odd = {"office_id": "99", "country_of_origin": "XX", "country_of_departure": "XX", "mode_of_transport": "90"}
    rows.loc[alone, list(odd)] = list(odd.values())
    # Sixty declarations alike: nearest to each other, and far from those of all others.
    many = pd.concat([rows[rows["importer_id"] == large].iloc[:1]] * 60, ignore_index=True)
    rows = pd.concat([rows, many.assign(office_id="98", import_use="77")], ignore_index=True)
    found = most_exposed({"2020-01": rows}, 5, 4, SECRET)
    distances = distance_to_others(rows)
    assert found.importers[:2] == [strange, large], "by the mean"
    sums = pd.Series(distances).groupby(rows["importer_id"].to_numpy()).sum()
    assert found.importers[5:] == [sums.drop(found.importers[:5]).idxmax()], "of the others by the sum"
    assert found.large == [False] * 5 + [True]
    of_others = rows["importer_id"] != large
    brute = [
        np.sort(_distances(rows, number)[of_others])[:5].mean() for number in np.flatnonzero(rows["office_id"] == "98")
    ]
    assert distances[rows["office_id"] == "98"] == pytest.approx(brute)


def _distances(rows: pd.DataFrame, number: int) -> np.ndarray:
    """Distances of one row to all, by the definition."""
    from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
    from customs_assets.privacy.records import as_records

    [records] = as_records([rows], WITHOUT_IDENTITIES)
    differing = (records.codes != records.codes[:, [number]]).sum(axis=0)
    return differing + np.abs(records.numbers - records.numbers[:, [number]]).sum(axis=0)


def test_few_importers_have_few_targets_and_one_alone_has_none():
    few = most_exposed(_source(rows=120, importers=12), 100, 4, SECRET)
    assert len(few.importers) == 3
    rows = traders(11, "A", rows=20, importers=1)
    nobody = most_exposed({"2020-01": rows}, 100, 4, SECRET)
    assert nobody.importers == [] and nobody.members.shape == (0, 4)
    assert Exposed.from_json(nobody.as_json()).members.shape[0] == 0
    rows = _ten(rows)
    alone = World({"2020-01": rows}, Population.of_frames([count_population(rows)]), {}, law_that_allows(rows))
    made = shadow(alone, nobody, 0, SETTINGS, SECRET, _copies)
    claims = from_json(deep_attacks(nobody, [made], 20, seed=1)["claims"])
    assert [claim.key for claim in claims] == list(DEEP)
    assert all(math.isnan(claim.measured) and claim.holds is False for claim in claims)
    reasons = reasons_of_deep_claims(claims, {})
    assert len(reasons) == 2 and all("too few importers to choose targets from" in reason for reason in reasons)


def _ten(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(hs10_code=rows["hs6_code"] + "0000")


def test_two_targets_in_four_shadows_are_told_right_by_chance_and_convict_nobody():
    members = np.array([[True, True, False, False], [False, True, True, False]])
    told_right = {name: members + 0.0 for name in SCORES}
    found = measured(told_right, members, seed=3, dealings=200)
    assert found.by_auc.measured == 1.0
    assert found.by_auc.lower_bound <= 0.5, "one dealing in 36 is told right by chance"
    assert found.by_auc.p_value > 0.01


def test_a_likelihood_ratio_does_not_see_the_shadow_that_is_attacked():
    rng = np.random.default_rng(5)
    scores = calibrated(rng.normal(size=(6, 10)))
    members = rng.permuted(np.tile(np.arange(10) < 5, (6, 1)), axis=1)
    ratios = likelihood_ratios(scores, members)
    first, place = scores[0], 3
    others = np.arange(10) != place
    inside, outside = (first[others & side] for side in (members[0], ~members[0]))
    squares = ((inside - inside.mean()) ** 2).sum() + ((outside - outside.mean()) ** 2).sum()
    variance = (squares + 4) / (10 - 3 + 4)
    expected = ((first[place] - outside.mean()) ** 2 - (first[place] - inside.mean()) ** 2) / (2 * variance)
    assert ratios[0, place] == pytest.approx(expected)


def test_a_sample_of_importers_is_the_same_in_all_months_and_as_large_as_asked():
    importers = pd.Series([f"importer {number}" for number in range(4000)])
    kept = sampled(importers, 0.3, SECRET)
    assert 0.27 < kept.mean() < 0.33
    assert (sampled(importers[::-1], 0.3, SECRET)[::-1] == kept).all()
    assert sampled(importers, 0.3, b"o" * 32).tolist() != kept.tolist()
    assert share_of(54_000, Settings(shadow_rows=18_000)) == pytest.approx(1 / 3)  # pyright: ignore[reportCallIssue]
    assert share_of(5_000, Settings(shadow_rows=18_000)) == 1.0  # pyright: ignore[reportCallIssue]


def test_a_shadow_trains_a_hundredth_of_the_epochs_and_an_odd_number_of_shadows_is_refused():
    assert epochs_of(Settings(epochs=300)) == 3  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=20)) == 1  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=300, shadow_epochs=30)) == 30  # pyright: ignore[reportCallIssue]
    assert epochs_of(Settings(epochs=300, synthesizer="trees")) == 300  # pyright: ignore[reportCallIssue]
    assert shadow_keys(Settings(shadows=12))[-1] == "12"  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match="multiple of 2"):
        Settings(shadows=7)  # pyright: ignore[reportCallIssue]


def test_a_month_that_is_too_small_for_a_shadow_is_told(world: World, targets: Exposed):
    [first, *_] = world.source
    rows = world.source[first]
    of_targets = rows[rows["importer_id"].isin(targets.importers[:1])]
    thin = World({**world.source, first: of_targets.iloc[:1]}, world.population, {}, world.law)
    made = shadow(thin, targets, 0, SETTINGS, SECRET, _copies)
    assert made["reason"] == f"a shadow has fewer than 2 declarations in {first}" and not made["scores"]
    claims = from_json(deep_attacks(targets, [made] * SHADOWS, world.rows, seed=1)["claims"])
    assert all(claim.note.startswith("not measured: shadow 1: a shadow has fewer") for claim in claims)


def test_a_claim_of_the_deep_attacks_is_set_aside_by_name():
    failed = [
        Claim(**{**_fields(claim), "measured": 0.9, "lower_bound": 0.8, "upper_bound": 0.95})
        for claim in DEEP_CLAIMS.values()
    ]
    despite = {"deep_membership": "decision 3/2027"}
    assert len(reasons_of_deep_claims(failed, {})) == 2
    [left] = reasons_of_deep_claims(failed, despite)
    assert left.startswith(DEEP_CLAIMS["deep_membership_tpr"].title)
    assert not [reason for reason in reasons_of_claims([], {}, despite) if "no privacy claim" in reason]
    [entry] = accepted_claims([], despite)
    assert entry["title"] == DEEP_CLAIMS["deep_membership"].title
    assert reasons_of_deep_claims(failed[:1], despite) == ["nothing is claimed of deep_membership_tpr"]


def _fields(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in claim.__slots__}


def test_targets_or_scores_that_are_not_whole_are_not_built_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_SHADOWS", "4")
    lake = Lake(str(tmp_path / "lake"))

    def passes(asset: str, partition: str = "") -> bool:
        [suite] = [suite for suite in DEEP_SUITES if suite.asset == asset and suite.is_error]
        return judge(suite, Pipeline(), partition).passed

    members = np.array([[True, True, False, False], [False, True, False, True]])
    dealt = Exposed(["a", "b"], [2.0, 1.0], [1, 1], [False, False], members)
    lake.write_json("exposed_importers", replace(dealt, members=members | members[:, ::-1]).as_json())
    assert not passes("exposed_importers"), "a target is in all shadows"
    lake.write_json("exposed_importers", dealt.as_json())
    assert passes("exposed_importers")
    scores = {name: [1.0, 2.0] for name in SCORES}
    for content, whole in (
        ({"scores": scores, "reason": ""}, True),
        ({"scores": {**scores, "closest": [1.0]}, "reason": ""}, False),
        ({"scores": {**scores, "closest": [1.0, math.nan]}, "reason": ""}, False),
        ({"scores": {}, "reason": "too few importers"}, True),
    ):
        lake.write_json("shadow_scores", content, "02")
        assert passes("shadow_scores", "02") is whole, content
    for claims, whole in ((DEEP_CLAIMS, False), ({**DEEP_CLAIMS, "deep_membership": None}, False)):
        lake.write_json("deep_attacks", {"claims": as_json([claim for claim in claims.values() if claim is not None])})
        assert passes("deep_attacks") is whole, "a claim that was not measured says why"
    lake.write_json("deep_attacks", deep_attacks(dealt, [{"reason": "too few importers"}] * 4, 10, seed=1))
    assert passes("deep_attacks")
