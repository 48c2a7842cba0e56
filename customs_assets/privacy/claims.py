"""The claims of privacy: the rules that the release's own rows keep, and what attacks gain, each with its goal and its limit.

What belongs here is the list of claims and their goals; how a thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import get_args

import pandas as pd

from customs_assets.claims import Claim, Subject
from customs_assets.fidelity.claims import Tables
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.amounts import extremes, solved_amounts
from customs_assets.privacy.closest_record import ClosestRecord, closest_record
from customs_assets.privacy.copies import copies
from customs_assets.privacy.group_account import TARIFF_TUPLE_KIND, group_account
from customs_assets.privacy.guessed_seed import guessed_seed
from customs_assets.privacy.inference import SECRETS, inference
from customs_assets.privacy.linkability import linkability
from customs_assets.privacy.linkage import Linkage, linkage
from customs_assets.privacy.membership import Membership, membership
from customs_assets.privacy.risk import Risk
from customs_assets.privacy.singling_out import ATTACKS, Mode, singling_out

_AMOUNTS = ("net_mass", "item_price")


_RISK, _MEMBERSHIP, _NEARER, _LINKAGE = 0.05, 0.53, 0.52, 0.02


# Past these nothing is published; between goal and limit the page says that the goal is missed and a person decides. Rows that
# follow the frequencies of their own source lie somewhat nearer to it than to others of the same world, whoever made them; copies
# and memorized rows go far past these limits.
_SOLVED_LIMIT = 0.01


_RISK_LIMIT, _MEMBERSHIP_LIMIT, _NEARER_LIMIT, _LINKAGE_LIMIT = 0.15, 0.60, 0.60, 0.10


_PRECISION, _PRECISION_GAP = 0.75, 0.05


_TABLE_THREE_GAP, _KENDALL = 0.03, 0.9


def rule_claims(tables: Tables, min_group: int) -> list[Claim]:
    """What needs no control: no copied row, and every tariff tuple on ``k`` importers."""
    first, second = tables.halves()
    copied, fresh = copies(tables.synthetic, tables.source), copies(second, first)
    account = group_account(tables.synthetic, tables.source, min_group)
    tuples = account[TARIFF_TUPLE_KIND]
    single = [entry for kind, entry in account.items() if "|" not in kind and kind != TARIFF_TUPLE_KIND]
    codes = [entry for entry in single if entry.kind not in _AMOUNTS]
    amounts = [entry for entry in single if entry.kind in _AMOUNTS]
    note = f"{fresh.with_identities} of {fresh.rows} rows of one half of the source repeat a row of the other"
    return [
        Claim(
            "copies",
            Subject.PRIVACY,
            "Rows equal to a source row but for the date",
            copied.with_identities,
            at_most=0,
            note=note,
            surely=copied.with_identities,
        ),
        Claim(
            "copies_without_identities",
            Subject.PRIVACY,
            "The same, identities left out",
            copied.without_identities,
            ceiling=fresh.without_identities,
            note="two honest rows may agree where goods are few",
        ),
        Claim(
            "tuples_under_k",
            Subject.PRIVACY,
            f"Tariff tuples on fewer than {min_group} importers",
            tuples.under_k,
            at_most=0,
            surely=tuples.under_k,
            note=f"of {tuples.shown} shown; in {tuples.rows_under_k} rows; smallest group {tuples.smallest_group}",
        ),
        Claim(
            "codes_under_k",
            Subject.PRIVACY,
            f"Codes on fewer than {min_group} importers",
            sum(entry.under_k for entry in codes),
            at_most=0,
            surely=sum(entry.under_k for entry in codes),
            note=", ".join(f"{entry.kind} {entry.under_k}" for entry in codes if entry.under_k) or "none in any column",
        ),
        Claim(
            "amounts_under_k",
            Subject.PRIVACY,
            f"Amounts that 1 to {min_group - 1} importers wrote",
            sum(entry.under_k for entry in amounts),
            note=f"of {sum(entry.shown for entry in amounts)} shown; an amount drawn at random may be somebody's by chance",
        ),
    ]


def amount_claims(tables: Tables, min_group: int) -> list[Claim]:
    """What an attacker who sees the release alone, and knows the code, solves of amounts and of the seed behind all draws."""
    solved = solved_amounts(tables.synthetic, tables.source, min_group, seed=tables.seed)
    read_off = extremes(tables.synthetic, tables.source, min_group, seed=tables.seed)
    seeds = guessed_seed(tables.synthetic)
    return [
        Claim(
            "amounts_solved",
            Subject.PRIVACY,
            f"Amounts of fewer than {min_group} importers solved from equal steps, share of guesses beyond chance",
            solved.lower,
            ceiling=0.0,
            at_most=0.0,
            limit=_SOLVED_LIMIT,
            surely=solved.lower,
            note=f"lower bound of {len(solved.variations)} ways to guess together; the strongest is {solved.note}",
        ),
        Claim(
            "extremes",
            Subject.PRIVACY,
            f"Months' largest and smallest amounts that fewer than {min_group} importers wrote there, beyond chance",
            read_off.lower,
            ceiling=0.0,
            at_most=0.0,
            surely=read_off.lower,
            note=f"lower bound; the strongest is {read_off.note}",
        ),
        Claim(
            "guessed_seed",
            Subject.PRIVACY,
            "Months whose declaration IDs a public seed draws again",
            seeds.months_reproduced,
            at_most=0,
            surely=seeds.months_reproduced,
            note=seeds.note,
        ),
    ]


def attack_claims(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    made_from: Mapping[str, str] | None = None,
    attacks: int = ATTACKS,
    seed: int = 2020,
) -> list[Claim]:
    """What attacks on rows and importers gain against training over control.

    Args:
        synthetic: rows made from ``training`` alone.
        training: the source's rows that they were made from.
        control: rows of other importers of the same source.
        made_from: as ``linkage.linkage`` takes it.
        attacks: guesses of the attack that singles out.
        seed: base seed of guesses and samples.

    Returns:
        ``chance.CLAIMS`` claims, whatever happens: one for which there are too few rows or importers has NaN for ``measured`` and
        ``surely``, and a note that says why. ``surely`` is NaN too where a side has one importer alone.
    """
    tables = synthetic, training, control
    risks: dict[str, Callable[[], Risk]] = {
        f"singling out, {mode}": partial(singling_out, *tables, mode, attacks, seed=seed) for mode in get_args(Mode)
    }
    risks["linkability"] = partial(linkability, *tables, seed=seed)
    risks |= {f"inference, {secret}": partial(inference, *tables, secret, seed=seed) for secret in SECRETS}
    return [
        _attempt(_CLOSEST, lambda: _closest_claim(closest_record(*tables, seed=seed))),
        _attempt(_MEMBER, lambda: _membership_claim(membership(*tables, seed=seed))),
        _attempt(_LINKED, lambda: _linkage_claim(linkage(*tables, made_from))),
        *(_risk_attempt(key, measure) for key, measure in risks.items()),
    ]


_CLOSEST = Claim(
    "closest_record",
    Subject.PRIVACY,
    "Synthetic rows nearer to training than to control",
    math.nan,
    ceiling=0.5,
    at_most=_NEARER,
    limit=_NEARER_LIMIT,
)


_MEMBER = Claim(
    "membership",
    Subject.PRIVACY,
    "Membership inference, AUC of the strongest attack",
    math.nan,
    ceiling=0.5,
    at_most=_MEMBERSHIP,
    limit=_MEMBERSHIP_LIMIT,
)


_LINKED = Claim(
    "linkage",
    Subject.PRIVACY,
    "Linkage of importers by profile, training less control",
    math.nan,
    ceiling=0.0,
    at_most=_LINKAGE,
    limit=_LINKAGE_LIMIT,
)


def _attempt(unmeasured: Claim, measure: Callable[[], Claim]) -> Claim:
    """The claim with what was measured, or why there are too few rows or importers to; any other error is a fault."""
    try:
        return measure()
    except CannotBeMeasured as reason:
        return replace(unmeasured, note=f"not measured: {reason}")


def _risk_attempt(attack: str, measure: Callable[[], Risk]) -> Claim:
    title = f"{attack[0].upper()}{attack[1:]}: upper bound of the risk"
    claim = Claim(attack, Subject.PRIVACY, title, math.nan, ceiling=0.0, at_most=_RISK, limit=_RISK_LIMIT)
    return _attempt(claim, lambda: _risk_claim(claim, measure()))


def _judged(claim: Claim, measured: float, surely: float, note: str) -> Claim:
    """The claim with its numbers; where there is no interval the note says why."""
    if math.isnan(surely):
        note = f"no interval: training or control has one importer alone; {note}"
    return replace(claim, measured=measured, surely=surely, note=note)


def _closest_claim(nearer: ClosestRecord) -> Claim:
    note = f"± {nearer.standard_error:.3f}; {nearer.identical_to_training} rows at distance 0 of training, "
    note += f"{nearer.identical_to_control} of control"
    return _judged(_CLOSEST, nearer.share_nearer_to_training, nearer.surely, note)


def _membership_claim(told: Membership) -> Claim:
    note = f"± {told.standard_error:.3f}; " + ", ".join(f"{name} {auc:.3f}" for name, auc in told.aucs.items())
    return _judged(_MEMBER, told.auc, told.surely, note)


def _linkage_claim(linked: Linkage) -> Claim:
    note = (
        f"named {linked.named_training:.3f} and {linked.named_control:.3f}, recognised "
        f"{linked.recognised_training:.3f} and {linked.recognised_control:.3f} "
        f"of {linked.training_importers} and {linked.control_importers} importers; AUC {linked.auc:.3f} "
        f"± {linked.standard_error:.3f}"
    )
    return _judged(_LINKED, linked.advantage, linked.surely, note)


def _risk_claim(claim: Claim, risk: Risk) -> Claim:
    """The upper end of the risk's interval; both ends have the importer for their unit."""
    note = f"risk {risk.value:.4f}, surely {risk.surely:.4f}: of {risk.attacks} guesses {risk.successes} right on training, "
    note += f"{risk.control_successes} on control, {risk.baseline_successes} blindly; "
    note += f"worth {risk.effective[0]:.0f} and {risk.effective[1]:.0f} independent guesses"
    return _judged(claim, risk.clustered_upper, risk.surely, note)
