"""The one table of goals and limits: complete, with a reason for each, and the same in code, claims and documents."""

from __future__ import annotations

from pathlib import Path

from customs_assets.fidelity.claims import Tables
from customs_assets.privacy.claims import amount_claims, disclosure_claims, redraw_claim, rule_claims
from customs_assets.privacy.goals import ATTACK_CLAIMS, ATTACKS, GOALS, READ_OFF, REQUIRED, RULES, as_markdown
from customs_assets_tests.disclosing import disclosure_of

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"


def test_every_claim_that_a_release_is_judged_by_has_a_goal_within_its_limit_and_a_reason():
    assert tuple(GOALS) == REQUIRED == (*RULES, *READ_OFF, *ATTACKS)
    for goal in GOALS.values():
        assert goal.goal <= goal.limit, goal.key
        assert goal.because.endswith(".") and len(goal.because) > 20, goal.key
        assert goal.key not in ATTACKS or goal.goal < goal.limit, "an attack has room for what no method avoids"


def test_the_claims_that_are_made_have_the_goals_and_limits_of_the_table(world):
    tables = Tables(world.fresh, world.training)
    made = [*rule_claims(tables, 5), redraw_claim([]), *amount_claims(tables, 5)]
    made += disclosure_claims(tables, 5, disclosure_of(world.training, min_group=5))
    claims = {claim.key: claim for claim in (*made, *ATTACK_CLAIMS.values())}
    for goal in GOALS.values():
        claim = claims[goal.key]
        assert (claim.title, claim.at_most, claim.blocks_above) == (goal.title.format(k=5), goal.goal, goal.limit)
    for claim in made:
        assert claim.at_most is None or claim.lower_bound == claim.upper_bound == claim.measured, (
            "what is counted is certain"
        )


def test_the_document_has_the_table_of_the_code():
    assert as_markdown() in SECURITY.read_text(encoding="utf-8"), (
        "docs/security.md: paste what goals.as_markdown() gives"
    )
