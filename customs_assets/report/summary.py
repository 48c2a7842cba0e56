"""The top of the page, for two minutes: what each attacker asks, what the release gives away, and whether that is too much.

What belongs here chooses, of the claims on one question, the one that speaks most against the release, and says it in a sentence
with one number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from customs_assets.claims import Claim, Subject
from customs_assets.privacy.goals import RULES
from customs_assets.report.form import Form


class Question(NamedTuple):
    """What an attacker asks.

    Attributes:
        key: of the words ``asks``.
        gain: of the words ``gain``: how the measure is said.
        claims: keys of the claims, or what they begin with.
    """

    key: str
    gain: str
    claims: tuple[str, ...]


QUESTIONS: tuple[Question, ...] = (
    Question("membership", "auc", ("membership",)),
    Question("membership_tpr", "tpr", ("membership_tpr",)),
    Question("closest_record", "nearer", ("closest_record",)),
    Question("linkage", "linkage", ("linkage",)),
    Question("singling out", "risk", ("singling out,",)),
    Question("linkability", "risk", ("linkability",)),
    Question("inference", "risk", ("inference,",)),
    Question("successive", "pairs", ("successive releases",)),
    Question("dominance", "risk", ("dominance",)),
    Question("complementary disclosure", "risk", ("complementary disclosure",)),
    Question("group disclosure", "risk", ("group disclosure",)),
    Question("inspected or not", "risk", ("inspected or not",)),
    Question("uniques", "risk", ("replicated uniques", "DiSCO,")),
    Question("solved", "beyond", ("amounts_solved", "extremes")),
    Question("copied", "beyond", ("goods_copied",)),
    Question("seed", "count", ("guessed_seed",)),
    Question("rules", "count", (*RULES, "codes_under_k")),
)

# What holds last; of two claims, the one further to the left speaks more against the release.
_VERDICTS = ("over_limit", "not_measured", "over_goal", "within")


class Answer(NamedTuple):
    """A row of the summary: question, sentence, verdict as words and as a class of the style sheet."""

    question: str
    gain: str
    verdict: str
    style: str


def answers(claims: Sequence[Claim], form: Form) -> list[Answer]:
    """A row for each question that privacy claims answer, what speaks most against the release first.

    A judged claim that no question names is a row of its own.
    """
    judged = [
        c for c in claims if c.subject is Subject.PRIVACY and (c.blocks_above is not None or c.at_least is not None)
    ]
    rows: list[tuple[Claim, str, str]] = []
    left = dict.fromkeys(claim.key for claim in judged)
    for question in QUESTIONS:
        asked = [c for c in judged if _is_asked(c.key, question)]
        if asked:
            rows.append((min(asked, key=_speaks_against), form.words(f"asks.{question.key}"), question.gain))
        for claim in asked:
            left.pop(claim.key)
    rows += [(c, form.words.title(c, form.min_group), "other") for c in judged if c.key in left]
    rows.sort(key=lambda row: _VERDICTS.index(_verdict(row[0])))
    return [Answer(asks, _gain(claim, gain, form), *_as_words(claim, form)) for claim, asks, gain in rows]


def _is_asked(key: str, question: Question) -> bool:
    return any(key.startswith(name) if name.endswith(",") else key == name for name in question.claims)


def _verdict(claim: Claim) -> str:
    # An interval that does not exclude the limit is no measurement: so the gate has it.
    if math.isnan(claim.measured) or (claim.is_too_wide and not claim.blocks_release):
        return "not_measured"
    if claim.blocks_release or (claim.at_most is None and claim.at_least is not None and claim.holds is False):
        return "over_limit"
    return "over_goal" if claim.holds is False else "within"


def _speaks_against(claim: Claim) -> tuple[int, float]:
    goal = claim.at_most if claim.at_most is not None else 0.0
    return _VERDICTS.index(_verdict(claim)), goal - claim.measured


def _as_words(claim: Claim, form: Form) -> tuple[str, str]:
    verdict = _verdict(claim)
    key = "form.not_measured" if verdict == "not_measured" else f"summary.{verdict}"
    return form.words(key), "holds" if verdict == "within" else "fails"


def _gain(claim: Claim, gain: str, form: Form) -> str:
    if math.isnan(claim.measured):
        return form.words("form.not_measured")
    if gain == "other":
        return form.words("gain.other", measured=form.number(claim.measured), guess=form.number(claim.ceiling))
    n = form.number(claim.measured) if gain == "count" else form.of_a_hundred(max(claim.measured, 0.0), gain == "risk")
    return form.words(f"gain.{gain}", n=n)
