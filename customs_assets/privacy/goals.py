"""The one list of the privacy claims that a release is judged by, each with its goal, its limit and the reason for both.

The gate asks for every key of the list. ``claims`` measures them. ``chance`` divides the rate of false alarms by the number of
attacks. ``docs/security.md`` has the table of :func:`as_markdown`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from customs_assets.claims import Claim, Subject
from customs_assets.declaration import STAND_INS

# Claimed of each month by itself.
REQUIRED_OF_A_MONTH: tuple[str, ...] = ("copies",)

# The one claim that stands for all attacks where none could be made. Its note says why.
NO_ATTACK = "attacks"

# Singling out guesses from one column or from several. Inference guesses what a competitor of the trader does not know.
Mode = Literal["univariate", "multivariate"]
MODES: tuple[Mode, ...] = get_args(Mode)
SECRETS: tuple[str, ...] = ("net_mass", "item_price", "hs6_code", "critical_fraud")

# What DiSCO (``replicated_uniques``) asks of: what the inspection found, the price, and, where declarations name it, who sold the
# goods. The second label of a form with one label is the first.
TARGETS: tuple[str, ...] = ("critical_fraud", "item_price", *({"seller_id"} - STAND_INS.keys()))


class Goal(NamedTuple):
    """What is asked of one claim.

    Attributes:
        key: of the claim.
        title: what is measured, for people. ``{k}`` stands for the least number of importers.
        by_guessing: what guessing reaches; NaN for what is counted.
        goal: what is aimed at. A miss is a warning and stands on the page.
        limit: what may not be passed. Where the interval exceeds it or does not exclude it, nothing is released.
        because: the reason for both numbers.
    """

    key: str
    title: str
    by_guessing: float
    goal: float
    limit: float
    because: str


def _none(key: str, title: str, because: str) -> Goal:
    return Goal(key, title, math.nan, 0.0, 0.0, because)


# Rules for the release's rows.
_RULES = (
    _none("copies", "Rows equal to a source row but for the date", "A copied row is a real declaration."),
    _none(
        "tuples_not_disclosed",
        "Rows whose tariff tuple was not disclosed",
        "Synthesis must show nothing that disclosure by parts did not clear.",
    ),
    _none(
        "parts_under_k",
        "Parts of tariff tuples that fewer than {k} importers, or a dominating one, stand behind",
        "The rules of k importers and of dominance have no exception.",
    ),
    _none(
        "months_redrawn",
        "Published months that stand in another draw than the published one",
        "Whoever has two draws of a month compares them. Drawing again takes a stated reason.",
    ),
)

# Counted on the release alone, beside what chance reads off.
_READ_OFF = (
    Goal(
        "goods_copied",
        "Rows with the goods of source rows of fewer than {k} importers, whoever is named; share beyond chance",
        0.0,
        0.0,
        0.0,
        "Another importer's name hides nobody's consignment: goods, mass and price are its own.",
    ),
    _none(
        "codes_under_k",
        "Codes of the form on fewer than {k} importers",
        "A code that one importer declared names that importer.",
    ),
    Goal(
        "amounts_solved",
        "Amounts of fewer than {k} importers solved from equal steps, share of guesses beyond chance",
        0.0,
        0.0,
        0.01,
        "Nothing should be solved. Sham guesses are not quite as round as true ones, so one in a hundred may still be chance.",
    ),
    Goal(
        "extremes",
        "Months' largest and smallest amounts that fewer than {k} importers wrote there, beyond chance",
        0.0,
        0.0,
        0.0,
        "An exact extreme is one importer's amount.",
    ),
    _none(
        "guessed_seed",
        "Months whose declaration IDs a public seed draws again",
        "Whoever has the seed can undo every draw.",
    ),
)

# An AUC is a mean over all rows, and may hide that a few rows are known for certain (Carlini et al. 2022). Its goal is what
# chance alone exceeds once in twenty times; the measure brings it, because it hangs on the importers and rows.
_TPR_TITLE = "True positives at one false positive in a hundred, the strongest attack"

_OF_TWENTY = "Of guesses that fail on other importers, the release makes one in twenty right; or one in seven."


def _risk(attack: str, title: str = "") -> Goal:
    words = title or f"{attack[0].upper()}{attack[1:]}"
    return Goal(attack, f"{words}: upper bound of the risk", 0.0, 0.05, 0.15, _OF_TWENTY)


def _told(attribute: str) -> str:
    """An attribute in a title: where declarations have one label, it stands for the second."""
    return "fraud" if attribute == "critical_fraud" and attribute in STAND_INS else attribute


# Attacks on the rehearsal, on rows and importers. Between goal and limit the page says that the goal is missed, and a person
# decides: rows with the frequencies of their source lie a little nearer to it than to other rows of the same world, whichever
# method made them. Copies and memorized rows go far past these limits.
_ATTACKS = (
    Goal(
        "closest_record",
        "Synthetic rows nearer to training than to control",
        0.5,
        0.52,
        0.60,
        "Rows with their source's frequencies are a little nearer to it. At 0.60 one row in five owes its place to a real one.",
    ),
    Goal(
        "membership",
        "Membership inference, AUC of the strongest attack",
        0.5,
        0.53,
        0.60,
        "Chance alone takes the strongest of twelve to 0.52. At 0.60 an attacker ranks six pairs of ten rightly.",
    ),
    Goal(
        "membership_tpr",
        _TPR_TITLE,
        0.01,
        0.01,
        0.10,
        "The goal is what chance exceeds once in twenty times. At 0.10 ten accusations are right for one that is wrong.",
    ),
    Goal(
        "linkage",
        "Linkage of importers by profile, training less control",
        0.0,
        0.02,
        0.10,
        "Two importers in a hundred are within what chance recognises. Past ten, tokens no longer hide who is who.",
    ),
    *(_risk(f"singling out, {mode}") for mode in MODES),
    _risk("linkability"),
    *(_risk(f"inference, {secret}", f"Inference, {_told(secret)}") for secret in SECRETS),
    Goal(
        "successive releases",
        "Which importers came in, from two releases one after the other: pairs named right beyond half",
        0.0,
        0.02,
        0.10,
        "Two pairs in a hundred are within what chance names. Past ten, a release tells who is new in the one after it.",
    ),
    _risk("dominance", "Totals of dominating importers, read off the release's sums"),
    _risk("complementary disclosure", "An importer's total as the official total less the release's"),
    _risk("group disclosure", "What a whole group is shown with, said of its importers"),
    _risk("inspected or not", "Who was inspected, by what the release shows"),
    _risk("replicated uniques", "Replicated uniques (RepU) beyond control's"),
    *(
        _risk(
            f"DiSCO, {target}",
            f"Disclosive in synthetic, correct in original (DiSCO), {_told(target)}, beyond control's",
        )
        for target in TARGETS
    ),
)

GOALS: dict[str, Goal] = {goal.key: goal for goal in (*_RULES, *_READ_OFF, *_ATTACKS)}

# The attacks' claims, not yet measured.
ATTACK_CLAIMS: dict[str, Claim] = {
    goal.key: Claim(
        goal.key,
        Subject.PRIVACY,
        goal.title,
        math.nan,
        ceiling=goal.by_guessing,
        at_most=goal.goal,
        limit=goal.limit,
    )
    for goal in _ATTACKS
}


def _keys(goals: Sequence[Goal]) -> tuple[str, ...]:
    return tuple(goal.key for goal in goals)


RULES: tuple[str, ...] = _keys(_RULES)
READ_OFF: tuple[str, ...] = _keys(_READ_OFF)
ATTACKS: tuple[str, ...] = _keys(_ATTACKS)
REQUIRED: tuple[str, ...] = (*RULES, *READ_OFF, *ATTACKS)


def as_markdown() -> str:
    """All goals and limits as a Markdown table."""
    lines = ["| claim | goal | limit | because |", "| --- | ---: | ---: | --- |"]
    for goal in GOALS.values():
        aimed = "chance" if goal.key == "membership_tpr" else f"{goal.goal:g}"
        lines.append(f"| `{goal.key}`: {goal.title.format(k='k')} | {aimed} | {goal.limit:g} | {goal.because} |")
    return "\n".join(lines)
