"""The privacy claims, measured: rules that the release's rows keep, and what attacks gain.

What belongs here measures the list of ``goals`` and writes the documents ``release_privacy`` (all months) and ``privacy_report``
(one month). How each thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from customs_assets.claims import Claim, Subject, as_json
from customs_assets.declaration import FORM_CODES, RELEASED_TUPLE
from customs_assets.fidelity.claims import Tables
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, with_hs6
from customs_assets.months import months_of
from customs_assets.privacy import CannotBeMeasured, NothingToAttack
from customs_assets.privacy.amounts import extremes, solved_amounts, strongest
from customs_assets.privacy.closest_record import QUANTILES, closest_record
from customs_assets.privacy.complementary import complementary
from customs_assets.privacy.counts import (
    TARIFF_TUPLE_KIND,
    as_told,
    beside_original,
    copied_goods,
    copies,
    group_account,
    others_account,
)
from customs_assets.privacy.declared import Declared
from customs_assets.privacy.distance_protection import baseline_protection, overfitting_protection
from customs_assets.privacy.dominant_totals import dominant_totals, unsafe_cells
from customs_assets.privacy.goals import ATTACK_CLAIMS, GOALS, MODES, NO_ATTACK, SECRETS, TARGETS
from customs_assets.privacy.goals import ATTACKS as REQUIRED_ATTACKS
from customs_assets.privacy.group_disclosure import group_disclosure
from customs_assets.privacy.guessed_seed import guessed_seed
from customs_assets.privacy.inspected import inspected
from customs_assets.privacy.linkage import linkage
from customs_assets.privacy.membership.measure import Membership, Strongest, membership
from customs_assets.privacy.nearest_guesses import inference, linkability
from customs_assets.privacy.records import as_records, nearest
from customs_assets.privacy.rehearsal import Rehearsal
from customs_assets.privacy.replicated_uniques import disclosive, replicated_uniques
from customs_assets.privacy.risk import Risk
from customs_assets.privacy.singling_out import ATTACKS, singling_out
from customs_assets.privacy.successive import successive_releases

# Kinds of the group account that are amounts and not codes.
_AMOUNTS = ("net_mass", "item_price")

_Measure = tuple[float, float, float, str]  # measured, lower bound, upper bound, note
_Attacked = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]  # synthetic, training, control


class Disclosure(NamedTuple):
    """What may be shown of tariff tuples: ``disclosed_tuples``, and the account of it (``disclosure.account``)."""

    tuples: pd.DataFrame
    account: pd.DataFrame


def privacy(
    tables: Tables,
    min_group: int,
    rehearsal: Rehearsal | str,
    disclosure: Disclosure,
    published: Collection[str] = (),
    drawn_again: Sequence[str] = (),
) -> dict[str, Any]:
    """The document on all months.

    Args:
        tables: synthetic and source rows of all months.
        min_group: ``k``.
        rehearsal: what attacks are measured on, or why there is none. Then one unmeasured claim stands for all attacks, and
            withholds the release.
        disclosure: what may be shown of tariff tuples.
        published: months that were published before. What was counted of ``k`` and of their tuples then stands; it is not counted
            again in a source that may have been amended since.
        drawn_again: published months whose rows are others now (:func:`redrawn.months_drawn_again`).

    Returns:
        ``claims``: rules measured on the release's rows, attacks on the rehearsal's; ``trained_on``: what was made from what;
        ``rehearsal``: what attacks were measured on, in numbers: ``epochs``, and rows of ``training`` and ``control``; None where
        there was none; ``membership``: each membership attack's measures (``Membership.as_json``), None where none was made.
    """
    claims = [
        *rule_claims(tables, min_group, published),
        redraw_claim(drawn_again),
        *disclosure_claims(tables, min_group, disclosure, published),
        *amount_claims(tables, min_group),
    ]
    if isinstance(rehearsal, str):
        note = f"not measured: {rehearsal}"
        claims.append(Claim(NO_ATTACK, Subject.PRIVACY, "What attacks gain", math.nan, note=note, limit=0.0))
        return {
            "claims": as_json(claims),
            "trained_on": f"No attack was measured: {rehearsal}.",
            "rehearsal": None,
            "membership": None,
        }
    attacked = rehearsal.synthetic, rehearsal.training, rehearsal.control
    inferred = cache(partial(membership, *attacked, seed=tables.seed))
    claims += attack_claims(
        *attacked,
        seed=tables.seed,
        declared=rehearsal.declared,
        min_group=min_group,
        inferred=inferred,
        earlier=rehearsal.earlier,
    )
    claims += distance_claims(*attacked, seed=tables.seed)
    trained_on = (
        f"Rules are counted on the release's own {len(tables.synthetic):,} rows, made from all {len(tables.source):,} "
        f"declarations. Attacks are measured on a rehearsal: the same steps with the same settings but {rehearsal.epochs} CTGAN "
        f"epochs a month, on the {len(rehearsal.training):,} declarations of the half of the importers that a hash of their "
        f"tokens put into training; the {len(rehearsal.control):,} declarations of the other half were held out as control."
    )
    try:
        attacks = inferred().as_json()
    except CannotBeMeasured:  # the claim says so
        attacks = None
    on = {"epochs": rehearsal.epochs, "training": len(rehearsal.training), "control": len(rehearsal.control)}
    return {"claims": as_json(claims), "trained_on": trained_on, "rehearsal": on, "membership": attacks}


def month_privacy(source: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, Any]:
    """The document on one month: how many rows repeat a source row, and how near the others come.

    The distances of source rows to their nearest other source row stand beside it: a synthetic row that is no nearer gives
    nobody away.
    """
    rows, reference = as_records([synthetic, source], WITHOUT_IDENTITIES)
    to_source = nearest(rows, reference).distances[:, 0]
    among_source = nearest(reference, reference, min(2, len(source))).distances[:, -1]
    distance = Claim(
        "distance",
        Subject.PRIVACY,
        "Distance to the closest source row, median",
        float(np.median(to_source)),
        ceiling=float(np.median(among_source)),
        note=f"a source row's own distance to its nearest other is {np.median(among_source):.3f}",
    )
    quantiles = {f"{q:g}": [float(np.quantile(values, q)) for values in (to_source, among_source)] for q in QUANTILES}
    return {"claims": as_json([*_copy_claims(*copies(synthetic, source)), distance]), "quantiles": quantiles}


def _counted(key: str, measured: float, note: str = "", min_group: int = 0) -> Claim:
    """A claim on what is counted on the release itself: there is nothing to estimate, so its interval is the count."""
    asked = GOALS[key]
    return Claim(
        key,
        Subject.PRIVACY,
        asked.title.format(k=min_group),
        measured,
        ceiling=asked.by_guessing,
        # Counts are told whole.
        at_most=int(asked.goal),
        limit=asked.limit if asked.limit > asked.goal else None,
        note=note,
        lower_bound=measured,
        upper_bound=measured,
    )


def _copy_claims(with_identities: int, without_identities: int, note: str = "") -> list[Claim]:
    return [
        _counted("copies", with_identities, note),
        Claim("copies_without_identities", Subject.PRIVACY, "The same, identities left out", without_identities),
    ]


def _counted_now(rows: pd.DataFrame, published: Collection[str]) -> tuple[pd.DataFrame, str]:
    """The rows of months that were not published before, and a phrase on the others; empty where there are none."""
    if not published:
        return rows, ""
    now = rows[~months_of(rows["date"]).isin(list(published)).to_numpy()]
    return now, f"; {len(rows) - len(now):,} rows of {len(published)} published months stand as they were counted then"


def redraw_claim(drawn_again: Sequence[str]) -> Claim:
    """That no published month comes out in another draw. ``drawn_again`` are those that do."""
    return _counted("months_redrawn", len(drawn_again), ", ".join(drawn_again))


def rule_claims(tables: Tables, min_group: int, published: Collection[str] = ()) -> list[Claim]:
    """The rules that need no control: no copied row; every code of the form rests on ``k`` importers."""
    first, second = tables.halves()
    repeated_in_source = copies(second, first)
    note = f"{repeated_in_source[0]} of {len(second)} rows of one half of the source repeat a row of the other"
    copied, without_identities = _copy_claims(*copies(tables.synthetic, tables.source), note)
    agree = "two honest rows may agree where goods are few"
    counted, then = _counted_now(tables.synthetic, published)
    account = group_account(counted, tables.source, min_group)
    tuples = account.pop(TARIFF_TUPLE_KIND)
    codes = [account[kind] for kind in FORM_CODES]
    amounts = [account[kind] for kind in _AMOUNTS]
    of_original = group_account(tables.source, tables.source, min_group)
    of_others = others_account(tables.source, min_group, tables.seed)
    tuple_note = f"of {tuples.shown} shown; in {tuples.rows_under_k} rows; smallest group {tuples.smallest_group}"
    tuple_note += beside_original(of_original, of_others, (TARIFF_TUPLE_KIND,), min_group)
    by_column = ", ".join(f"{entry.kind} {entry.under_k}" for entry in codes if entry.under_k) or "none in any column"
    rare_codes = sum(entry.under_k for entry in codes)
    original_codes = sum(of_original[kind].under_k for kind in FORM_CODES)
    goods = copied_goods(tables.synthetic, tables.source, min_group, tables.seed)
    return [
        copied,
        replace(without_identities, ceiling=repeated_in_source[1], note=agree),
        Claim(
            "tuples_under_k",
            Subject.PRIVACY,
            f"Tariff tuples that 1 to {min_group - 1} inspected importers declared",
            tuples.under_k,
            note=f"{tuple_note}; a tuple that is put together from safe parts may be somebody's by chance",
        ),
        _counted(
            "goods_copied",
            goods.lower_bound,
            f"lower bound; {goods.rows} of {goods.of} rows, {goods.by_chance:.1f} by chance",
            min_group,
        ),
        _counted(
            "codes_under_k",
            rare_codes,
            f"{by_column}; the original itself has {as_told(original_codes, min_group)}{then}",
            min_group,
        ),
        Claim(
            "amounts_under_k",
            Subject.PRIVACY,
            f"Amounts that 1 to {min_group - 1} importers wrote",
            sum(entry.under_k for entry in amounts),
            note=f"of {sum(entry.shown for entry in amounts)} shown"
            + beside_original(of_original, of_others, _AMOUNTS, min_group)
            + "; an amount drawn at random may be somebody's by chance",
        ),
    ]


def disclosure_claims(
    tables: Tables, min_group: int, disclosure: Disclosure, published: Collection[str] = ()
) -> list[Claim]:
    """The rules of disclosure by parts: what is shown was disclosed, and what was disclosed rests on ``k`` importers."""
    columns = list(RELEASED_TUPLE)
    counted, then = _counted_now(tables.synthetic, published)
    shown = counted[columns].astype({"tax_rate": float})
    disclosed = disclosure.tuples[columns].drop_duplicates()
    strange = shown.merge(disclosed, how="left", on=columns, indicator=True)["_merge"] != "both"
    account = disclosure.account
    wrong = account[account["wrong"] > 0]
    where = ", ".join(f"{row.part} at {row.level}: {row.wrong} {row.what}" for row in wrong.itertuples())
    again = account.groupby("what")["counted"].sum()
    unsafe, cells = unsafe_cells(tables.source, min_group)
    itself = as_told(unsafe, min_group)
    return [
        _counted(
            "tuples_not_disclosed",
            int(strange.sum()),
            f"{len(disclosed)} tuples were disclosed; {shown.drop_duplicates().shape[0]} are shown{then}",
        ),
        _counted(
            "parts_under_k",
            int(wrong["wrong"].sum()),
            where
            or f"counted again: {again.get('cells', 0)} safe cells, {again.get('kept', 0)} parts kept, "
            f"{again.get('pools', 0)} exchanged or replaced; in the original itself {itself} of {cells} products and origins "
            f"have fewer than {min_group} inspected importers or a dominating one",
            min_group,
        ),
    ]


def amount_claims(tables: Tables, min_group: int) -> list[Claim]:
    """What an attacker who has the release and the code alone learns of amounts and of the seed behind all draws."""
    ways = [attack(tables.synthetic, tables.source, min_group, tables.seed) for attack in (solved_amounts, extremes)]
    solved, read_off = map(strongest, ways)
    solved_note = f"lower bound of {len(ways[0])} ways to guess together; the strongest is {solved.note}"
    seeds = guessed_seed(tables.synthetic)
    return [
        _counted("amounts_solved", solved.lower_bound, solved_note, min_group),
        _counted("extremes", read_off.lower_bound, f"lower bound; the strongest is {read_off.note}", min_group),
        _counted("guessed_seed", seeds.months_reproduced, seeds.note),
    ]


def attack_claims(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    attacks: int = ATTACKS,
    seed: int = 2020,
    declared: Declared | None = None,
    min_group: int = 5,
    inferred: Callable[[], Membership] | None = None,
    only: Collection[str] = REQUIRED_ATTACKS,
    earlier: Collection[str] = (),
) -> list[Claim]:
    """What attacks on rows and importers gain against training over control.

    Args:
        synthetic: rows made from ``training`` alone.
        training: the source's rows that they were made from.
        control: rows of other importers of the same source.
        attacks: guesses of the attack that singles out.
        seed: base seed of guesses and samples.
        declared: what both halves declared, inspected or not; None where all of it was inspected.
        min_group: ``k``.
        inferred: the membership attacks on these tables; made here where None.
        only: keys of the claims that are measured.
        earlier: the months of the release before this one, if there was one.

    Returns:
        All of ``goals.ATTACK_CLAIMS``, or those of ``only``. Where nobody is there to attack, ``measured`` and its bounds are 0,
        and the note says so. Where there are too few rows or importers for one, they are NaN and its note says why. Where a side
        has one importer alone, the bounds are NaN.
    """
    tables = with_hs6(synthetic), with_hs6(training), with_hs6(control)
    declares = Declared.of_inspected(training, control) if declared is None else declared
    inferred = inferred or cache(partial(membership, synthetic, training, control, seed=seed))
    measures: dict[str, Callable[[], _Measure]] = {
        "closest_record": lambda: _of_closest_record(tables, seed),
        "membership": lambda: _of_membership(inferred()),
        "membership_tpr": lambda: _of_true_positives(inferred()),
        "linkage": lambda: _of_linkage(tables),
        "successive releases": lambda: _of_successive_releases(tables, earlier),
        "linkability": lambda: _of_risk(linkability(*tables, seed=seed)),
        "dominance": lambda: _of_risk(dominant_totals(*tables), "if the sums were the source's own"),
        "complementary disclosure": lambda: _of_risk(complementary(synthetic, declares)),
        "group disclosure": lambda: _of_risk(group_disclosure(*tables, min_group), "with the most usual value"),
        "inspected or not": lambda: _of_risk(inspected(*tables, declares, min_group), "without the release"),
        "replicated uniques": lambda: _of_share(replicated_uniques(*tables, seed=seed), "RepU", "UiO"),
    }
    for target in TARGETS:
        measures[f"DiSCO, {target}"] = partial(
            lambda target: _of_share(disclosive(*tables, target, seed=seed), "DiSCO", "DiO"), target
        )
    for mode in MODES:
        measures[f"singling out, {mode}"] = partial(
            lambda mode: _of_risk(singling_out(*tables, mode, attacks, seed=seed)), mode
        )
    for secret in SECRETS:
        measures[f"inference, {secret}"] = partial(
            lambda secret: _of_risk(inference(*tables, secret, seed=seed)), secret
        )
    claims = [_measured(claim, measures[key]) for key, claim in ATTACK_CLAIMS.items() if key in only]
    return [_with_own_goal(claim, inferred) if claim.key == "membership_tpr" else claim for claim in claims]


def _with_own_goal(claim: Claim, inferred: Callable[[], Membership]) -> Claim:
    """The claim on true positives; where it was measured its goal is what chance exceeds once in twenty times."""
    return (
        claim
        if math.isnan(claim.measured)
        else replace(claim, at_most=inferred().by_tpr.by_chance, goal_is_measured=True)
    )


def distance_claims(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020
) -> list[Claim]:
    """SDMetrics' two measures of distance, for those who ask for them. They have no goal.

    Releases that such measures called private were open to membership inference (Yao, Krčo, Ganev, de Montjoye: *The DCR
    Delusion*, 2025). So they judge nothing here; the attacks do.
    """
    baseline = baseline_protection(synthetic, training, seed)
    nearer = overfitting_protection(synthetic, training, control, seed)
    return [
        Claim(
            "dcr_baseline_protection",
            Subject.PRIVACY,
            "SDMetrics' DCRBaselineProtection",
            baseline.score,
            note=f"informs only: medians {baseline.synthetic_median:.2f} columns from training, and "
            f"{baseline.random_median:.2f} of {baseline.random_rows:,} random rows; distances miss leaks that attacks "
            "find (Yao et al. 2025)",
        ),
        Claim(
            "dcr_overfitting_protection",
            Subject.PRIVACY,
            "SDMetrics' DCROverfittingProtection",
            nearer.score,
            note=f"informs only: {nearer.nearer_to_training:.1%} of {nearer.rows:,} rows are nearer to training than to control; "
            "distances miss leaks that attacks find (Yao et al. 2025)",
        ),
    ]


def _measured(claim: Claim, measure: Callable[[], _Measure]) -> Claim:
    """The claim with its measure, or with the reason why there is none. Any other error is a fault."""
    try:
        measured, lower_bound, upper_bound, note = measure()
    except NothingToAttack as reason:
        return replace(claim, measured=0.0, lower_bound=0.0, upper_bound=0.0, note=f"nobody to attack: {reason}")
    except CannotBeMeasured as reason:
        return replace(claim, note=f"not measured: {reason}")
    if math.isnan(lower_bound):
        note = f"no interval: training or control has one importer alone; {note}"
    return replace(claim, measured=measured, lower_bound=lower_bound, upper_bound=upper_bound, note=note)


def _of_closest_record(tables: _Attacked, seed: int) -> _Measure:
    nearer = closest_record(*tables, seed=seed)
    note = f"± {nearer.standard_error:.3f}; {nearer.identical_to_training} rows at distance 0 of training, "
    note += f"{nearer.identical_to_control} of control"
    return nearer.share_nearer_to_training, nearer.lower_bound, nearer.upper_bound, note


def _of_membership(inferred: Membership) -> _Measure:
    measured, lower_bound, upper_bound, note = _of_strongest(inferred, inferred.by_auc, 3)
    return measured, lower_bound, upper_bound, f"± {inferred.standard_error:.3f}; {note}"


def _of_true_positives(inferred: Membership) -> _Measure:
    return _of_strongest(inferred, inferred.by_tpr, 4)


def _of_strongest(inferred: Membership, found: Strongest, decimals: int) -> _Measure:
    """The strongest attack's measure beside what chance alone reaches, which is told to so many decimals."""
    note = (
        f"{found.attack} of {len(inferred.outcomes)} attacks; chance alone exceeds {found.by_chance:.{decimals}f} once in twenty "
        f"times, and reaches as much with p = {found.p_value:.4f}"
    )
    return found.measured, found.lower_bound, found.upper_bound, note


def _of_linkage(tables: _Attacked) -> _Measure:
    linked = linkage(*tables)
    note = (
        f"named {linked.named_training:.3f} and {linked.named_control:.3f}, recognised "
        f"{linked.recognised_training:.3f} and {linked.recognised_control:.3f} "
        f"of {linked.training_importers} and {linked.control_importers} importers; AUC {linked.auc:.3f} "
        f"± {linked.standard_error:.3f}"
    )
    return linked.advantage, linked.lower_bound, linked.upper_bound, note


def successive_releases_claim(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, earlier: Collection[str]
) -> Claim:
    """The claim on two releases, one after the other: ``earlier`` are the months of the first one."""
    tables = with_hs6(synthetic), with_hs6(training), with_hs6(control)
    return _measured(ATTACK_CLAIMS["successive releases"], lambda: _of_successive_releases(tables, earlier))


def _of_successive_releases(tables: _Attacked, earlier: Collection[str]) -> _Measure:
    if not earlier:
        raise NothingToAttack("there is no published predecessor, so there are no two releases to compare")
    before = tables[0][months_of(tables[0]["date"]).isin(list(earlier)).to_numpy()]
    came_in, stayed_out = (rows[~months_of(rows["date"]).isin(list(earlier)).to_numpy()] for rows in tables[1:])
    gain = successive_releases(before, tables[0], came_in, stayed_out)
    note = (
        f"± {gain.standard_error:.3f}; strongest of {len(gain.by_way)} ways: {gain.way}; {gain.came_in} importers came in, "
        f"{gain.stayed_out} beside them did not"
    )
    return gain.value, gain.lower_bound, gain.upper_bound, note


def _of_risk(risk: Risk, blindly: str = "blindly") -> _Measure:
    """The upper and the lower end of the interval whose unit is the importer; ``blindly`` says what the baseline is."""
    if risk.control_attacks:
        right = f"of {risk.attacks} guesses {risk.successes} right on training, of {risk.control_attacks} beside it "
        right += f"{risk.control_successes}"
    else:
        right = f"of {risk.attacks} guesses {risk.successes} right on training, {risk.control_successes} on control"
    if not risk.control_attacks or risk.baseline_successes:
        right += f", {risk.baseline_successes} {blindly}"
    note = (
        f"risk {risk.value:.4f}, at least {risk.lower_bound:.4f}: {right}; "
        f"worth {risk.effective[0]:.0f} and {risk.effective[1]:.0f} independent guesses"
    )
    note = f"{risk.way}: {note}; against the limit stands {risk.upper_bound:.4f}" if risk.way else note
    return risk.clustered_upper, risk.lower_bound, risk.upper_bound, note


def _of_share(risk: Risk, name: str, of_original: str) -> _Measure:
    """The same of a share of the original records, beside the control half's share and the original's own."""
    ours, theirs = risk.successes / risk.attacks, risk.control_successes / risk.control_attacks
    note = (
        f"{risk.way}: {name} {ours:.2%} of training, {theirs:.2%} of control, where the original itself has "
        f"{risk.baseline_successes / risk.attacks:.2%} ({of_original}); risk {risk.value:.4f}, at least {risk.lower_bound:.4f}"
    )
    return risk.clustered_upper, risk.lower_bound, risk.upper_bound, note
