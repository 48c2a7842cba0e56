"""The one list of the privacy claims that a release is judged by, each with its goal and its limit.

The gate asks for every key of the list. ``claims`` measures them. ``chance`` divides the rate of false alarms by its length.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from customs_assets.claims import Claim, Subject

# Rules for the release's rows, and attacks that need nothing but the release. The goal of each is 0.
RULES: tuple[str, ...] = ("copies", "tuples_not_disclosed", "parts_under_k")
READ_OFF: tuple[str, ...] = ("codes_under_k", "amounts_solved", "extremes", "guessed_seed")

# Claimed of each month by itself.
REQUIRED_OF_A_MONTH: tuple[str, ...] = ("copies",)

# The one claim that stands for all attacks where none could be made. Its note says why.
NO_ATTACK = "attacks"

# Singling out guesses from one column or from several. Inference guesses what a competitor of the trader does not know.
Mode = Literal["univariate", "multivariate"]
MODES: tuple[Mode, ...] = get_args(Mode)
SECRETS: tuple[str, ...] = ("net_mass", "item_price", "hs6_code", "critical_fraud")

# What DiSCO (``replicated_uniques``) asks of: what the inspection found, the price, and who sold the goods.
TARGETS: tuple[str, ...] = ("critical_fraud", "item_price", "seller_id")

# Largest share of guesses beyond chance that may hit a rare amount.
SOLVED_LIMIT = 0.01


def _attack(key: str, title: str, by_guessing: float, goal: float, limit: float) -> Claim:
    return Claim(key, Subject.PRIVACY, title, math.nan, ceiling=by_guessing, at_most=goal, limit=limit)


def _risk(attack: str, title: str = "") -> Claim:
    words = title or f"{attack[0].upper()}{attack[1:]}"
    return _attack(attack, f"{words}: upper bound of the risk", 0.0, 0.05, 0.15)


# An AUC is a mean over all rows, and may hide that a few rows are known for certain (Carlini et al. 2022). The goal is what
# chance alone exceeds once in twenty times; the measure brings it, because it hangs on the importers and rows. At the limit one
# member in ten is found, and of guesses on as many members as others ten are right for one that is wrong.
_TPR_TITLE = "True positives at one false positive in a hundred, the strongest attack"

# The attacks on rows and importers, not yet measured. Nothing is published past a limit. Between goal and limit the page says
# that the goal is missed, and a person decides: rows with the frequencies of their source lie a little nearer to it than to other
# rows of the same world, whichever method made them. Copies and memorized rows go far past these limits.
# Each line: what guessing reaches, goal, limit.
ATTACK_CLAIMS: dict[str, Claim] = {
    claim.key: claim
    for claim in (
        _attack("closest_record", "Synthetic rows nearer to training than to control", 0.5, 0.52, 0.60),
        _attack("membership", "Membership inference, AUC of the strongest attack", 0.5, 0.53, 0.60),
        _attack("membership_tpr", _TPR_TITLE, 0.01, 0.01, 0.10),
        _attack("linkage", "Linkage of importers by profile, training less control", 0.0, 0.02, 0.10),
        *(_risk(f"singling out, {mode}") for mode in MODES),
        _risk("linkability"),
        *(_risk(f"inference, {secret}") for secret in SECRETS),
        _attack(
            "successive releases",
            "Which importers came in, from two releases one after the other: pairs named right beyond half",
            0.0,
            0.02,
            0.10,
        ),
        _risk("dominance", "Totals of dominating importers, read off the release's sums"),
        _risk("complementary disclosure", "An importer's total as the official total less the release's"),
        _risk("group disclosure", "What a whole group is shown with, said of its importers"),
        _risk("inspected or not", "Who was inspected, by what the release shows"),
        _risk("replicated uniques", "Replicated uniques (RepU) beyond control's"),
        *(
            _risk(
                f"DiSCO, {target}", f"Disclosive in synthetic, correct in original (DiSCO), {target}, beyond control's"
            )
            for target in TARGETS
        ),
    )
}
ATTACKS: tuple[str, ...] = tuple(ATTACK_CLAIMS)
REQUIRED: tuple[str, ...] = (*RULES, *READ_OFF, *ATTACKS)
