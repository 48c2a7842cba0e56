"""Which privacy claims a release is judged by, and what each must reach.

What belongs here is the one list of them. The gate goes by its keys, ``claims`` fills it in, and ``chance`` divides by its length
what all attacks together may err by.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from customs_assets.claims import Claim, Subject

# Rules of the release's own rows, and what can be read off the release alone. The goal of each is 0.
RULES: tuple[str, ...] = ("copies", "tuples_under_k")
READ_OFF: tuple[str, ...] = ("codes_under_k", "amounts_solved", "extremes", "guessed_seed")

# What is claimed of each month by itself.
REQUIRED_OF_A_MONTH: tuple[str, ...] = ("copies",)

# The one claim that stands for all attacks where none could be made; its note says why.
NO_ATTACK = "attacks"

# What singling out makes its guesses from, one column or several; what inference guesses: what a trader would not have known.
Mode = Literal["univariate", "multivariate"]
MODES: tuple[Mode, ...] = get_args(Mode)
SECRETS: tuple[str, ...] = ("net_mass", "item_price", "hs6_code", "critical_fraud")

# Share of guesses that solve an amount beyond chance, past which nothing is published.
SOLVED_LIMIT = 0.01


def _attack(key: str, title: str, by_guessing: float, goal: float, limit: float) -> Claim:
    return Claim(key, Subject.PRIVACY, title, math.nan, ceiling=by_guessing, at_most=goal, limit=limit)


def _risk(attack: str) -> Claim:
    return _attack(attack, f"{attack[0].upper()}{attack[1:]}: upper bound of the risk", 0.0, 0.05, 0.15)


# The attacks on rows and importers, before they are measured. Past the limit nothing is published. Between goal and limit the
# page says that the goal is missed, and a person decides: rows that follow the frequencies of their source lie somewhat
# nearer to it than to other rows of the same world, whoever made them. Copies and memorized rows go far past these limits.
# Each line: what guessing reaches, goal, limit.
ATTACK_CLAIMS: dict[str, Claim] = {
    claim.key: claim
    for claim in (
        _attack("closest_record", "Synthetic rows nearer to training than to control", 0.5, 0.52, 0.60),
        _attack("membership", "Membership inference, AUC of the strongest attack", 0.5, 0.53, 0.60),
        _attack("linkage", "Linkage of importers by profile, training less control", 0.0, 0.02, 0.10),
        *(_risk(f"singling out, {mode}") for mode in MODES),
        _risk("linkability"),
        *(_risk(f"inference, {secret}") for secret in SECRETS),
    )
}
ATTACKS: tuple[str, ...] = tuple(ATTACK_CLAIMS)
REQUIRED: tuple[str, ...] = (*RULES, *READ_OFF, *ATTACKS)
