"""The claims of privacy, measured: the rules that the release's own rows keep, and what attacks gain.

What belongs here fills in the list of ``goals``. How a thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pandas as pd

from customs_assets.claims import Claim, Subject
from customs_assets.fidelity.claims import Tables
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.amounts import Guessed, extremes, solved_amounts
from customs_assets.privacy.closest_record import ClosestRecord, closest_record
from customs_assets.privacy.counts import TARIFF_TUPLE_KIND, Copies, copies, group_account
from customs_assets.privacy.goals import ATTACK_CLAIMS, MODES, SECRETS, SOLVED_LIMIT
from customs_assets.privacy.guessed_seed import guessed_seed
from customs_assets.privacy.linkage import Linkage, linkage
from customs_assets.privacy.membership import Membership, membership
from customs_assets.privacy.nearest_guesses import inference, linkability
from customs_assets.privacy.risk import Risk
from customs_assets.privacy.singling_out import ATTACKS, singling_out

# Kinds of the account that are amounts and not codes.
_AMOUNTS = ("net_mass", "item_price")


def must_be_zero(key: str, title: str, measured: float, note: str = "") -> Claim:
    """A claim on what can be counted without a doubt: the goal is 0, and anything more blocks the release."""
    return Claim(key, Subject.PRIVACY, title, measured, at_most=0, note=note, lower_bound=measured)


def copy_claims(copied: Copies, note: str = "") -> list[Claim]:
    """The rows that repeat a source row, with their identities and without."""
    return [
        must_be_zero("copies", "Rows equal to a source row but for the date", copied.with_identities, note),
        Claim(
            "copies_without_identities",
            Subject.PRIVACY,
            "The same, identities left out",
            copied.without_identities,
        ),
    ]


def rule_claims(tables: Tables, min_group: int) -> list[Claim]:
    """What needs no control: no copied row, every tariff tuple and code on ``k`` importers."""
    first, second = tables.halves()
    honest = copies(second, first)
    repeated = f"{honest.with_identities} of {len(second)} rows of one half of the source repeat a row of the other"
    copied, without_identities = copy_claims(copies(tables.synthetic, tables.source), repeated)
    agree = "two honest rows may agree where goods are few"
    account = group_account(tables.synthetic, tables.source, min_group)
    tuples = account.pop(TARIFF_TUPLE_KIND)
    codes = [entry for kind, entry in account.items() if "|" not in kind and kind not in _AMOUNTS]
    amounts = [account[kind] for kind in _AMOUNTS]
    shown = f"of {tuples.shown} shown; in {tuples.rows_under_k} rows; smallest group {tuples.smallest_group}"
    by_column = ", ".join(f"{entry.kind} {entry.under_k}" for entry in codes if entry.under_k) or "none in any column"
    return [
        copied,
        replace(without_identities, ceiling=honest.without_identities, note=agree),
        must_be_zero("tuples_under_k", f"Tariff tuples on fewer than {min_group} importers", tuples.under_k, shown),
        must_be_zero(
            "codes_under_k",
            f"Codes on fewer than {min_group} importers",
            sum(entry.under_k for entry in codes),
            by_column,
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

    def guessed(key: str, title: str, found: Guessed, of: str) -> Claim:
        lower, note = found.strongest.lower, f"lower bound{of}; the strongest is {found.strongest.note}"
        return replace(must_be_zero(key, title, lower, note), ceiling=0.0, at_most=0.0)

    solved = solved_amounts(tables.synthetic, tables.source, min_group, tables.seed)
    of_extremes = extremes(tables.synthetic, tables.source, min_group, tables.seed)
    seeds = guessed_seed(tables.synthetic)
    title = f"Amounts of fewer than {min_group} importers solved from equal steps, share of guesses beyond chance"
    together = f" of {len(solved.variations)} ways to guess together"
    return [
        replace(guessed("amounts_solved", title, solved, together), limit=SOLVED_LIMIT),
        guessed(
            "extremes",
            f"Months' largest and smallest amounts that fewer than {min_group} importers wrote there, beyond chance",
            of_extremes,
            "",
        ),
        must_be_zero(
            "guessed_seed",
            "Months whose declaration IDs a public seed draws again",
            seeds.months_reproduced,
            seeds.note,
        ),
    ]


def attack_claims(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    attacks: int = ATTACKS,
    seed: int = 2020,
) -> list[Claim]:
    """What attacks on rows and importers gain against training over control.

    Args:
        synthetic: rows made from ``training`` alone.
        training: the source's rows that they were made from.
        control: rows of other importers of the same source.
        attacks: guesses of the attack that singles out.
        seed: base seed of guesses and samples.

    Returns:
        ``goals.ATTACK_CLAIMS``, whatever happens: one for which there are too few rows or importers has NaN for ``measured`` and
        ``lower_bound``, and a note that says why. ``lower_bound`` is NaN too where a side has one importer alone.
    """
    tables = synthetic, training, control
    measures: dict[str, Callable[[], tuple[float, float, str]]] = {
        "closest_record": lambda: _of_closest_record(closest_record(*tables, seed=seed)),
        "membership": lambda: _of_membership(membership(*tables, seed=seed)),
        "linkage": lambda: _of_linkage(linkage(*tables)),
        "linkability": lambda: _of_risk(linkability(*tables, seed=seed)),
    }
    for mode in MODES:
        measures[f"singling out, {mode}"] = partial(
            lambda mode: _of_risk(singling_out(*tables, mode, attacks, seed=seed)), mode
        )
    for secret in SECRETS:
        measures[f"inference, {secret}"] = partial(
            lambda secret: _of_risk(inference(*tables, secret, seed=seed)), secret
        )
    return [_measured(claim, measures[key]) for key, claim in ATTACK_CLAIMS.items()]


def _measured(claim: Claim, measure: Callable[[], tuple[float, float, str]]) -> Claim:
    """The claim with its measure, lower bound and note, or with why there are too few rows or importers.

    Any other error is a fault.
    """
    try:
        measured, lower_bound, note = measure()
    except CannotBeMeasured as reason:
        return replace(claim, note=f"not measured: {reason}")
    if math.isnan(lower_bound):
        note = f"no interval: training or control has one importer alone; {note}"
    return replace(claim, measured=measured, lower_bound=lower_bound, note=note)


def _of_closest_record(nearer: ClosestRecord) -> tuple[float, float, str]:
    note = f"± {nearer.standard_error:.3f}; {nearer.identical_to_training} rows at distance 0 of training, "
    note += f"{nearer.identical_to_control} of control"
    return nearer.share_nearer_to_training, nearer.lower_bound, note


def _of_membership(told: Membership) -> tuple[float, float, str]:
    note = f"± {told.standard_error:.3f}; " + ", ".join(f"{name} {auc:.3f}" for name, auc in told.aucs.items())
    return told.auc, told.lower_bound, note


def _of_linkage(linked: Linkage) -> tuple[float, float, str]:
    note = (
        f"named {linked.named_training:.3f} and {linked.named_control:.3f}, recognised "
        f"{linked.recognised_training:.3f} and {linked.recognised_control:.3f} "
        f"of {linked.training_importers} and {linked.control_importers} importers; AUC {linked.auc:.3f} "
        f"± {linked.standard_error:.3f}"
    )
    return linked.advantage, linked.lower_bound, note


def _of_risk(risk: Risk) -> tuple[float, float, str]:
    """The upper end of the risk's interval and its lower end; both have the importer for their unit."""
    note = (
        f"risk {risk.value:.4f}, at least {risk.lower_bound:.4f}: of {risk.attacks} guesses {risk.successes} right on "
    )
    note += f"training, {risk.control_successes} on control, {risk.baseline_successes} blindly; "
    note += f"worth {risk.effective[0]:.0f} and {risk.effective[1]:.0f} independent guesses"
    return risk.clustered_upper, risk.lower_bound, note
