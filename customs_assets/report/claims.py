"""Claims: for each thing that is promised of the synthetic declarations, its measure, ceiling, floor, goal and verdict.

A number never stands without what it is compared with: the ceiling is what a fresh honest sample of the truth scores (two halves
of the source against each other), the floor what a table of independent columns does. What belongs here is the list of claims
and their goals; how a thing is measured stands in ``quality`` and ``benchmark``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property, partial
from typing import Any, get_args

import pandas as pd

from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.table_three import dataset_gaps, paper_gaps
from customs_assets.benchmark.utility import precision_from, utility
from customs_assets.fidelity.detection import detection
from customs_assets.fidelity.fidelity import COARSE, METRICS, MetricScore, as_published, fidelity
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
from customs_assets.fidelity.references import Unit, halves, independent_columns
from customs_assets.fidelity.relations import RELATIONS, lawful_share, relations


class Subject(StrEnum):
    """What a claim is about."""

    FIDELITY = "similar"
    LAW = "lawful"
    UTILITY = "useful"
    PRIVACY = "private"


class World(StrEnum):
    """Which goals a source is held to: one that has relations between traders and goods, or one that has lost them."""

    WITH_RELATIONS = "with relations"
    WITHOUT_RELATIONS = "without relations"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim and what was measured.

    Attributes:
        key: a name for machines, the metric's own where it has one.
        subject: what it is about.
        title: what is measured, for people.
        measured: on the synthetic rows; NaN where it was not or could not be measured.
        ceiling: the same of two halves of the source (or, of an attack, what guessing reaches); NaN where there is none.
        floor: the same of independent columns; NaN where there is none.
        at_least: the smallest value that holds; None where there is no lower bound.
        at_most: the largest value that holds; None where there is no upper bound.
        note: one sentence more, where the number needs it.
        surely: of a claim with an upper bound, what the truth is not below but by chance (the lower end of an interval); NaN
            where nothing is said.
        limit: past which nothing may be published, where that is further than the goal; None where it is the goal itself.
    """

    key: str
    subject: Subject
    title: str
    measured: float
    ceiling: float = math.nan
    floor: float = math.nan
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""
    surely: float = math.nan
    limit: float | None = None

    @property
    def blocks_above(self) -> float | None:
        """What the lower end of the interval must not exceed if anything is to be published; None without an upper bound."""
        return self.at_most if self.limit is None else self.limit

    @property
    def convicts(self) -> bool:
        """Whether more than chance speaks against publishing: even the lower end of the interval exceeds the limit."""
        return self.blocks_above is not None and self.surely > self.blocks_above

    @property
    def holds(self) -> bool | None:
        """Whether the claim holds; None where it has no goal, or was not measured.

        Privacy is another matter: what was promised of it and not measured does not hold, and ``note`` says why.
        """
        if self.at_least is None and self.blocks_above is None:
            return None
        if math.isnan(self.measured):
            return False if self.subject is Subject.PRIVACY else None
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.measured >= self.at_least
        below = self.at_most is None or self.measured <= self.at_most
        return above and below

    @property
    def goal(self) -> str:
        """The goal in signs: ``≥ 0.99``, ``≤ 0.05``, ``0.85 to 1.15``."""
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g}" if self.at_least == self.at_most else f"{self.at_least:g} to {self.at_most:g}"
        if self.at_least is not None:
            return f"≥ {self.at_least:.4g}"
        return "" if self.at_most is None else f"≤ {self.at_most:.4g}"


# What Table 2 must reach on a source without relations, where these are hard enough. Range coverage has no goal: who reaches the
# source's least and largest amount shows one importer's own.
_TABLE_TWO_GOALS: dict[str, float] = {
    "KSComplement": 0.99,
    "TVComplement": 0.96,
    "CorrelationSimilarity": 0.985,
    "ContingencySimilarity": 0.89,
    "CategoryCoverage": 0.92,
    "BoundaryAdherence": 1.0,
    "NewRowSynthesis": 1.0,
}

# The metrics whose goal is not what two halves score.
_FIXED = {"KSComplement", "RangeCoverage", "BoundaryAdherence", "NewRowSynthesis"}

_DETECTION_GOALS = {World.WITHOUT_RELATIONS: 0.60, World.WITH_RELATIONS: 0.55}
_AMOUNTS = ("net_mass", "item_price")
_RELATION_BOUNDS = (0.85, 1.15)
_RISK, _MEMBERSHIP, _NEARER, _LINKAGE = 0.05, 0.53, 0.52, 0.02

# Past these nothing is published; between goal and limit the page says that the goal is missed and a person decides. Rows that
# follow the frequencies of their own source lie somewhat nearer to it than to others of the same world, whoever made them; copies
# and memorized rows go far past these limits.
_SOLVED_LIMIT = 0.01
_RISK_LIMIT, _MEMBERSHIP_LIMIT, _NEARER_LIMIT, _LINKAGE_LIMIT = 0.15, 0.60, 0.60, 0.10
_PRECISION, _PRECISION_GAP = 0.75, 0.05
_TABLE_THREE_GAP, _KENDALL = 0.03, 0.9


@dataclass(frozen=True)
class Tables:
    """The rows that claims are measured on, and the references made of them.

    Attributes:
        synthetic: synthetic declarations of all months.
        source: anonymized declarations of the same months, in the same token space.
        seed: base seed of references, folds and guesses.
    """

    synthetic: pd.DataFrame
    source: pd.DataFrame
    seed: int = 2020

    def halves(self, unit: Unit = "declaration_id") -> tuple[pd.DataFrame, pd.DataFrame]:
        """The source in two parts."""
        return halves(self.source, unit, self.seed)

    def floor(self) -> pd.DataFrame:
        """Independent columns of the source."""
        return self._floor

    @cached_property
    def _floor(self) -> pd.DataFrame:
        return independent_columns(self.source, self.seed)


def world_of(source: pd.DataFrame, seed: int = 2020) -> World:
    """Whether a source has relations between importers and goods that can be kept."""
    strength = relations(source, seed, shuffles=1)["importer_id|hs6_code"]
    return World.WITH_RELATIONS if strength >= 0.05 else World.WITHOUT_RELATIONS


def table_two_claims(tables: Tables, world: World) -> list[Claim]:
    """The eight scores of Table 2, and the share of lawful tariff tuples."""
    first, second = tables.halves()
    floor_rows = tables.floor()
    measured = _by_metric(fidelity(tables.source, tables.synthetic))
    ceiling, floor = _by_metric(fidelity(first, second)), _by_metric(fidelity(tables.source, floor_rows))
    claims = []
    for metric in METRICS:
        of_halves = world is World.WITH_RELATIONS and metric.name not in _FIXED
        at_least = ceiling[metric.name] if of_halves else _TABLE_TWO_GOALS.get(metric.name)
        scores = measured[metric.name], ceiling[metric.name], floor[metric.name]
        claims.append(Claim(metric.name, Subject.FIDELITY, metric.title, *scores, at_least=at_least))
    law = [lawful_share(tables.source, rows) for rows in (tables.synthetic, second, floor_rows)]
    return [*claims, Claim("lawful_tuples", Subject.LAW, "Lawful tariff tuples", *law, at_least=1.0)]


def _by_metric(scores: Sequence[MetricScore]) -> dict[str, float]:
    """The scores; those that hang on single amounts of the source as they may be published."""
    coarse = {score.metric: as_published(score.metric, score.score) for score in scores if score.metric in COARSE}
    return {**{score.metric: score.score for score in scores}, **coarse}


def relation_claims(tables: Tables, world: World) -> list[Claim]:
    """How much of each relation of the source is kept, as a ratio; none is asked for where the source has none."""
    first, second = tables.halves()
    source, synthetic, floor = (
        relations(rows, tables.seed) for rows in (tables.source, tables.synthetic, tables.floor())
    )
    halved = relations(first, tables.seed), relations(second, tables.seed)
    claims = []
    for pair in RELATIONS:
        name = "|".join(pair)
        there = source[name] >= 0.05
        low, high = _RELATION_BOUNDS if there and world is World.WITH_RELATIONS else (None, None)
        pairs = (synthetic[name], source[name]), (halved[1][name], halved[0][name]), (floor[name], source[name])
        ratios = [kept / of if there else math.nan for kept, of in pairs]
        title = (
            f"Relation {pair[0].removesuffix('_id')}–{pair[1].removesuffix('_id').replace('_', ' ')}, of the source's"
        )
        note = f"the source's own is {source[name]:.3f}"
        claims.append(Claim(name, Subject.FIDELITY, title, *ratios, at_least=low, at_most=high, note=note))
    return claims


def detection_claims(tables: Tables, world: World) -> list[Claim]:
    """The AUC of a classifier told to tell synthetic rows from the source's."""
    first, second = tables.halves()
    found = detection(tables.synthetic, tables.source, tables.seed)
    of_halves, floor = detection(first, second, tables.seed), detection(tables.floor(), tables.source, tables.seed)
    gives_away = ", ".join(f"{name} {share:.0%}" for name, share in list(found.importance.items())[:3])
    note = f"± {found.standard_error:.3f}; what tells most: {gives_away}"
    aucs = found.auc, of_halves.auc, floor.auc
    return [
        Claim("detection", Subject.FIDELITY, "Detection AUC", *aucs, at_most=_DETECTION_GOALS[world], note=note),
    ]


def utility_claims(tables: Tables, world: World, months: Sequence[str]) -> list[Claim]:
    """Precision@5% of a forest trained on synthetic months, tested on the source's last months."""
    found = utility(tables.synthetic, tables.source, months)
    split = split_months(months)
    floor = precision_from(split.rows(tables.floor(), "train"), split.rows(tables.source, "test"))
    at_least = _PRECISION if world is World.WITHOUT_RELATIONS else found.from_source - _PRECISION_GAP
    note = f"drawing at random finds {found.base_rate:.3f}. {found.split}"
    scores = found.from_synthetic, found.from_source, floor
    return [
        Claim("utility", Subject.UTILITY, "Precision@5%, synthetic to source", *scores, at_least=at_least, note=note),
    ]


def table_three_claims(rows: pd.DataFrame) -> list[Claim]:
    """How far the synthetic column of Table 3 stands from the source column, and whether the detectors' order is the same.

    Args:
        rows: as ``precision.ROW_COLUMNS``, all cells of the benchmark.
    """
    claims = []
    for ours, paper in zip(dataset_gaps(rows).itertuples(), paper_gaps().itertuples(), strict=True):
        rate = f"@{ours.inspection_rate:.0%}"
        note = f"{ours.detectors} detectors; the paper's own is {paper.mean_gap:.3f}"
        title = f"Table 3, mean gap of the columns {rate}"
        gap = float(ours.mean_gap)  # pyright: ignore[reportArgumentType]
        claims.append(Claim(f"gap{rate}", Subject.UTILITY, title, gap, at_most=_TABLE_THREE_GAP, note=note))
        order = kendall(rows, float(ours.inspection_rate))  # pyright: ignore[reportArgumentType]
        title = f"Table 3, Kendall's τ of the detectors' order {rate}"
        claims.append(Claim(f"kendall{rate}", Subject.UTILITY, title, order, at_least=_KENDALL))
    return claims


def kendall(rows: pd.DataFrame, inspection_rate: float) -> float:
    """Kendall's τ-b of the detectors' precisions on both data sets; NaN for fewer than two detectors on both."""
    from scipy.stats import kendalltau

    at_rate = rows.loc[rows["inspection_rate"] == inspection_rate]
    table = at_rate.pivot(index="detector", columns="dataset", values="precision_mean").dropna()
    if len(table) < 2 or table.shape[1] < 2:
        return math.nan
    return float(kendalltau(table["source"], table["synthetic"]).statistic)


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


def as_json(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """One object per claim; a number that is not there is null. Goal and verdict stand beside the bounds, for readers."""
    rows = []
    for claim in claims:
        row = {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in asdict(claim).items()}
        rows.append({**row, "goal": claim.goal, "holds": claim.holds, "convicts": claim.convicts})
    return rows


def from_json(content: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """The claims that :func:`as_json` wrote."""
    numbers = ("measured", "ceiling", "floor", "surely")
    claims = []
    for row in content:
        fields = {name: value for name, value in row.items() if name not in ("goal", "holds", "convicts")}
        fields |= {name: math.nan if row[name] is None else row[name] for name in numbers}
        claims.append(Claim(**{**fields, "subject": Subject(row["subject"])}))
    return claims


def as_table(claims: Sequence[Claim]) -> str:
    """Claims as a Markdown table: measured, ceiling, floor, goal, verdict, and the note."""
    lines = [
        "| claim | measured | ceiling | floor | goal | verdict | note |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for claim in claims:
        numbers = [number(value) for value in (claim.measured, claim.ceiling, claim.floor)]
        verdict = {True: "holds", False: "FAILS", None: "–"}[claim.holds]
        lines.append(f"| {claim.title} | {' | '.join(numbers)} | {claim.goal} | {verdict} | {claim.note} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Four decimals for a share, none for a count, a dash for nothing."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if isinstance(value, int) else f"{value:.4f}"
