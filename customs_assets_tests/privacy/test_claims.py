"""Claims: goals, verdicts, and what they say of the source's own half and of independent columns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.claims import kendall, table_three_claims
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.claims import Claim, Subject, as_table
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.fidelity.claims import Tables, World, relation_claims, table_two_claims, world_of
from customs_assets.fidelity.references import halves, independent_columns
from customs_assets.fidelity.relations import relations
from customs_assets.privacy.claims import attack_claims, disclosure_claims, rule_claims
from customs_assets_tests.disclosing import disclosure_of


@pytest.mark.parametrize(
    ("measured", "at_least", "at_most", "holds", "goal"),
    [
        (0.99, 0.99, None, True, "≥ 0.99"),
        (0.9899, 0.99, None, False, "≥ 0.99"),
        (0.05, None, 0.05, True, "≤ 0.05"),
        (0.051, None, 0.05, False, "≤ 0.05"),
        (1.16, 0.85, 1.15, False, "0.85 to 1.15"),
        (0.84, 0.85, 1.15, False, "0.85 to 1.15"),
        (1.0, 0.85, 1.15, True, "0.85 to 1.15"),
        (math.nan, 0.99, None, None, "≥ 0.99"),
        (0.5, None, None, None, ""),
    ],
)
def test_a_claim_holds_between_its_bounds_and_is_silent_where_nothing_was_measured(
    measured, at_least, at_most, holds, goal
):
    claim = Claim("any", Subject.FIDELITY, "Any", measured, at_least=at_least, at_most=at_most)
    assert (claim.holds, claim.goal) == (holds, goal)


def test_a_privacy_claim_that_was_not_measured_does_not_hold():
    silent = Claim("any", Subject.PRIVACY, "Any", math.nan)
    assert replace(silent, at_most=0.05).holds is False
    assert replace(silent, limit=0.1).holds is False
    assert replace(silent, at_least=0.9).holds is False
    assert silent.holds is None, "what has no goal informs"
    assert replace(silent, subject=Subject.UTILITY, at_least=0.9).holds is None


def test_the_table_shows_counts_whole_and_shares_with_four_decimals():
    claims = [
        Claim("copies", Subject.PRIVACY, "Copies", 3, at_most=0),
        Claim("KSComplement", Subject.FIDELITY, "KS", 0.99126, ceiling=0.9934, at_least=0.99, note="a note"),
    ]
    lines = as_table(claims).splitlines()
    assert lines[2] == "| Copies | 3 | – | – | ≤ 0 | FAILS |  |"
    assert lines[3] == "| KS | 0.9913 | 0.9934 | – | ≥ 0.99 | holds | a note |"


def _claims(claims: list[Claim]) -> dict[str, Claim]:
    return {claim.key: claim for claim in claims}


def test_a_fresh_half_scores_its_ceiling_and_the_floor_shows_in_pairs_and_law(world):
    first, second = halves(world.training, seed=7)
    found = _claims(table_two_claims(Tables(second, first), World.WITHOUT_RELATIONS))
    assert found["lawful_tuples"].measured > 0.9 > found["lawful_tuples"].floor
    contingency = found["ContingencySimilarity"]
    assert contingency.measured > contingency.floor
    assert contingency.at_least == 0.89
    held = _claims(table_two_claims(Tables(second, first), World.WITH_RELATIONS))["ContingencySimilarity"]
    assert held.at_least == held.ceiling, "with relations the goal is what two halves score"


def test_relations_are_asked_for_where_the_source_has_them(world):
    assert world_of(world.training) is World.WITH_RELATIONS
    shuffled = world.training.assign(hs6_code=np.random.default_rng(1).permutation(world.training["hs6_code"]))
    assert world_of(shuffled) is World.WITHOUT_RELATIONS
    found = _claims(relation_claims(Tables(world.training, world.training), World.WITH_RELATIONS))
    importer = found["importer_id|hs6_code"]
    assert (importer.measured, importer.holds, importer.goal) == (1.0, True, "0.85 to 1.15")
    assert importer.floor == pytest.approx(0.0, abs=0.05)
    assert found["mode_of_transport|courier_id"].holds is None
    assert importer.note == f"the source's own is {relations(world.training)['importer_id|hs6_code']:.3f}"
    floor = _claims(relation_claims(Tables(independent_columns(world.training), world.training), World.WITH_RELATIONS))
    assert floor["importer_id|hs6_code"].holds is False
    assert floor["importer_id|hs6_code"].measured == pytest.approx(0.0, abs=0.1)


def test_copied_rows_and_rare_tuples_break_the_rules(world):
    claims = _claims(rule_claims(Tables(world.training, world.training), min_group=5))
    assert claims["copies"].measured == len(world.training) and claims["copies"].holds is False
    rare = world.fresh.assign(tax_type=np.where(np.arange(len(world.fresh)) == 0, "RARE", world.fresh["tax_type"]))
    source = pd.concat([world.training, rare.head(1)])
    claims = _claims(rule_claims(Tables(rare, source), min_group=5))
    before = _claims(rule_claims(Tables(world.fresh, world.training), min_group=5))
    assert claims["tuples_under_k"].measured == before["tuples_under_k"].measured + 1
    assert claims["tuples_under_k"].holds is None, "safe parts may come together by chance: it informs"
    assert claims["codes_under_k"].measured == 0, "a tax type is a part of a tuple, and no code of the form"
    lonely = rare.assign(office_id=np.where(np.arange(len(rare)) == 3, "70", rare["office_id"]))
    source = pd.concat([world.training, lonely.iloc[[3]]])
    codes = _claims(rule_claims(Tables(lonely, source), min_group=5))["codes_under_k"]
    assert (codes.measured, codes.holds, codes.note) == (1, False, "office_id 1; the original itself has fewer than 5")


def test_a_tuple_that_was_not_disclosed_and_a_part_of_too_few_importers_break_the_rules(world):
    source = world.training.assign(tax_type=np.where(np.arange(len(world.training)) == 0, "RARE", "A"))
    disclosure = disclosure_of(source, min_group=5)
    columns = list(RELEASED_TUPLE)
    shown = world.fresh.assign(**{name: disclosure.tuples[name].to_numpy()[: len(world.fresh)] for name in columns})
    claims = _claims(disclosure_claims(Tables(shown, source), 5, disclosure))
    assert {key: (claim.measured, claim.holds) for key, claim in claims.items()} == {
        "tuples_not_disclosed": (0, True),
        "parts_under_k": (0, True),
    }
    shown.loc[[3, 8], "tax_type"] = "RARE"
    claims = _claims(disclosure_claims(Tables(shown, source), 5, disclosure))
    assert claims["tuples_not_disclosed"].measured == 2 and claims["tuples_not_disclosed"].holds is False
    assert claims["tuples_not_disclosed"].blocks_release

    # As if the lonely type had been kept as it was declared: then nobody's row is undisclosed, but a part is one importer's.
    leaky = disclosure.tuples.copy()
    leaky.loc[0, ["tax_type", "claim_level", "claim_pool"]] = ["RARE", "hs6_code", ""]
    claims = _claims(disclosure_claims(Tables(shown, source), 5, disclosure_of(source, min_group=5, tuples=leaky)))
    assert claims["parts_under_k"].measured == 1 and claims["parts_under_k"].holds is False
    assert claims["parts_under_k"].note == "claim at hs6_code: 1 kept"
    assert claims["parts_under_k"].blocks_release


def test_attacks_convict_copies_and_let_a_fresh_sample_pass(world):
    leaking = _claims(attack_claims(world.training, world.training, world.control, attacks=300))
    failing = {key for key, claim in leaking.items() if claim.holds is False}
    # All was inspected here, so nothing is told of who was, and the release shows the official totals themselves. No release was
    # before it.
    idle = {"complementary disclosure", "inspected or not", "successive releases"}
    assert failing == set(leaking) - idle, "every attack works on copies"
    convicting = {key for key, claim in leaking.items() if claim.blocks_release}
    # Few groups of this small world have one value, and few records keys of their own.
    few = {"group disclosure", "replicated uniques", "dominance", "DiSCO, critical_fraud", "DiSCO, item_price"}
    assert convicting >= failing - few
    honest = _claims(attack_claims(world.fresh, world.training, world.control, attacks=300))
    assert honest["linkability"].holds
    assert [key for key, claim in honest.items() if claim.blocks_release] == []
    assert honest["closest_record"].measured == pytest.approx(0.5, abs=0.04)


def _cells(synthetic: list[float], source: list[float]) -> pd.DataFrame:
    rows = [
        {
            "detector": detector,
            "dataset": dataset,
            "inspection_rate": rate,
            "precision_mean": value,
            "precision_std": 0.0,
        }
        for dataset, values in (("synthetic", synthetic), ("source", source))
        for detector, value in zip(DETECTORS, values, strict=False)
        for rate in (0.05, 0.10)
    ]
    return pd.DataFrame(rows)


def test_table_three_is_held_to_its_gap_and_its_order():
    source = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    same = _claims(table_three_claims(_cells(source, source)))
    assert same["gap@5%"].measured == 0.0 and same["kendall@10%"].measured == 1.0
    swapped = [0.2, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7]
    # One of 21 pairs is discordant: (20 - 1) / 21.
    assert kendall(_cells(swapped, source), 0.05) == pytest.approx(19 / 21)
    assert _claims(table_three_claims(_cells(swapped, source)))["gap@5%"].measured == pytest.approx(0.2 / 7)
    assert math.isnan(kendall(_cells([0.1], [0.1]), 0.05))
