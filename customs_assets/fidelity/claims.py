"""The claims of fidelity: the scores of Table 2, the law, relations, detection.

What belongs here is which claims there are, and their goals. How a thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import pandas as pd

from customs_assets.claims import Claim, Subject
from customs_assets.declaration import HS6, IDENTITIES
from customs_assets.fidelity.comparison import with_hs6
from customs_assets.fidelity.detection import detection
from customs_assets.fidelity.references import Unit, halves, independent_columns
from customs_assets.fidelity.relations import RELATIONS, lawful_share, relations
from customs_assets.fidelity.table_two import COARSE_DECIMALS, METRICS, MetricScore, as_published, fidelity
from customs_assets.law.law import Law


class World(StrEnum):
    """Which goals a source is held to: a source with relations between traders and goods, or one that lost them."""

    WITH_RELATIONS = "with relations"
    WITHOUT_RELATIONS = "without relations"


# Goals of Table 2. On a source with relations, the goal of a metric that is not in the second list is what two halves of the
# source score. Range coverage has no goal: whoever reaches the source's least and largest amounts shows one importer's own.
_TABLE_TWO_GOALS: dict[str, float] = {
    "KSComplement": 0.99,
    "TVComplement": 0.96,
    "CorrelationSimilarity": 0.985,
    "ContingencySimilarity": 0.89,
    "CategoryCoverage": 0.92,
    "BoundaryAdherence": 1.0,
    "NewRowSynthesis": 1.0,
}
_SAME_GOAL_IN_EVERY_WORLD = {"KSComplement", "RangeCoverage", "BoundaryAdherence", "NewRowSynthesis"}

# Every tuple is lawful. Where no law is at hand, the tuples of the source are all that is known to be lawful.
_LAWFUL = 1.0

# A weaker relation of the source is chance: there is nothing to keep. What is kept is a share of the source's; more than all of
# it means that trade is more concentrated than in the source.
_RELATION_EXISTS = 0.05
_RELATION_KEPT = (0.85, 1.15)

# Of what a form's codes are, a release shows nearly all.
_CODES_COVERED = 0.92

# Floors of use. Past these limits a release is of no use, whatever else holds: it shows less than half of what was declared, or
# every row gives itself away.
_NOT_SHOWN, _NOT_SHOWN_LIMIT = 0.15, 0.5
_DETECTION_LIMIT = 0.9

# 95%, two-sided.
_Z = 1.96

# Largest AUC: 0.5 is a coin. Rows of a source without relations are harder to imitate, since nothing explains them.
_DETECTION_GOALS = {World.WITHOUT_RELATIONS: 0.60, World.WITH_RELATIONS: 0.55}


@dataclass(frozen=True)
class Tables:
    """The rows that claims are measured on, and the references made of them.

    Attributes:
        synthetic: synthetic declarations of all months.
        source: anonymized declarations of the same months, identities in the same tokens.
        seed: base seed of references, folds and guesses.
        law: the law that tuples are under, with rates, if one is at hand.
    """

    synthetic: pd.DataFrame
    source: pd.DataFrame
    seed: int = 2020
    law: Law | None = None

    def halves(self, unit: Unit = "declaration_id") -> tuple[pd.DataFrame, pd.DataFrame]:
        """The source in two parts."""
        return halves(self.source, unit, self.seed)

    def lawful_share(self, rows: pd.DataFrame) -> float:
        """Share of rows with a lawful tariff tuple, in [0, 1]."""
        return lawful_share(self.source, rows) if self.law is None else float(self.law.is_lawful(rows).mean())

    @cached_property
    def floor(self) -> pd.DataFrame:
        """Independent columns of the source."""
        return independent_columns(self.source, self.seed)

    @cached_property
    def table_two(self) -> tuple[list[MetricScore], list[MetricScore], list[MetricScore]]:
        """Table 2 of the synthetic rows, of the ceiling (one half of the source against the other), and of the floor."""
        return fidelity(self.source, self.synthetic), fidelity(*self.halves()), fidelity(self.source, self.floor)


def world_of(source: pd.DataFrame, seed: int = 2020) -> World:
    """Whether a source has relations between importers and goods that can be kept."""
    strength = relations(source, seed, shuffles=1)["importer_id|hs6_code"]
    return World.WITH_RELATIONS if strength >= _RELATION_EXISTS else World.WITHOUT_RELATIONS


def table_two_claims(tables: Tables, world: World) -> list[Claim]:
    """The eight scores of Table 2, the coverage of codes, what is not shown, and the share of lawful tariff tuples."""
    first, second = tables.halves()
    pairs = (tables.source, tables.synthetic), (first, second), (tables.source, tables.floor)
    scores = tables.table_two
    measured, ceiling, floor = map(_by_metric, scores)
    claims = []
    for metric in METRICS:
        by_halves = world is World.WITH_RELATIONS and metric.name not in _SAME_GOAL_IN_EVERY_WORLD
        at_least = ceiling[metric.name] if by_halves else _TABLE_TWO_GOALS.get(metric.name)
        own = measured[metric.name], ceiling[metric.name], floor[metric.name]
        claims.append(Claim(metric.name, Subject.FIDELITY, metric.title, *own, at_least=at_least))
    coverage = map(_coverage_of_codes, scores)
    law = [tables.lawful_share(rows) for rows in (tables.synthetic, second, tables.floor)]
    return [
        *claims,
        Claim(
            "coverage_of_codes",
            Subject.FIDELITY,
            "Category coverage, identities left out",
            *coverage,
            at_least=_CODES_COVERED,
        ),
        _codes_not_shown(*pairs),
        Claim("lawful_tuples", Subject.LAW, "Lawful tariff tuples", *law, at_least=_LAWFUL),
    ]


def _coverage_of_codes(scores: Sequence[MetricScore]) -> float:
    """Mean category coverage of the columns that are no identities: their many tokens would outweigh the codes."""
    columns = next(score.columns for score in scores if score.metric == "CategoryCoverage")
    covered = [share for name, share in columns.items() if name not in IDENTITIES and not math.isnan(share)]
    return math.fsum(covered) / len(covered) if covered else math.nan


def _codes_not_shown(*pairs: tuple[pd.DataFrame, pd.DataFrame]) -> Claim:
    """The share of declarations whose product code does not occur, of source and synthetic rows and of the references."""
    shares = [float((~with_hs6(source)[HS6.name].isin(with_hs6(rows)[HS6.name])).mean()) for source, rows in pairs]
    codes = [with_hs6(rows)[HS6.name].nunique() for rows in pairs[0]]
    error = math.sqrt(shares[0] * (1 - shares[0]) / len(pairs[0][0]))
    return Claim(
        "codes_not_shown",
        Subject.FIDELITY,
        "Declarations of the source whose product code does not occur",
        *shares,
        at_most=_NOT_SHOWN,
        note=f"{codes[1]} codes are shown, the source has {codes[0]}",
        lower_bound=shares[0] - _Z * error,
        limit=_NOT_SHOWN_LIMIT,
    )


def _by_metric(scores: Sequence[MetricScore]) -> dict[str, float]:
    """The scores; those that depend on single amounts of the source only as they may be published."""
    return {
        score.metric: as_published(score.metric, score.score) if score.metric in COARSE_DECIMALS else score.score
        for score in scores
    }


def relation_claims(tables: Tables, world: World) -> list[Claim]:
    """How much of each relation of the source is kept, as a ratio; NaN and no goal where the source has no such relation."""
    first, second = (relations(rows, tables.seed) for rows in tables.halves())
    source, synthetic, floor = (
        relations(rows, tables.seed) for rows in (tables.source, tables.synthetic, tables.floor)
    )
    claims = []
    for pair in RELATIONS:
        name = "|".join(pair)
        exists = source[name] >= _RELATION_EXISTS
        low, high = _RELATION_KEPT if exists and world is World.WITH_RELATIONS else (None, None)
        pairs = (synthetic[name], source[name]), (second[name], first[name]), (floor[name], source[name])
        ratios = [kept / whole if exists else math.nan for kept, whole in pairs]
        parties = f"{pair[0].removesuffix('_id')}–{pair[1].removesuffix('_id').replace('_', ' ')}"
        title, note = f"Relation {parties}, of the source's", f"the source's own is {source[name]:.3f}"
        claims.append(Claim(name, Subject.FIDELITY, title, *ratios, at_least=low, at_most=high, note=note))
    return claims


def detection_claims(tables: Tables, world: World) -> list[Claim]:
    """The AUC of a classifier that tells synthetic rows from the source's."""
    first, second = tables.halves()
    found = detection(tables.synthetic, tables.source, tables.seed)
    references = detection(first, second, tables.seed), detection(tables.floor, tables.source, tables.seed)
    gives_away = ", ".join(f"{name} {share:.0%}" for name, share in list(found.importance.items())[:3])
    note = f"± {found.standard_error:.3f}; what tells most: {gives_away}"
    aucs = found.auc, *(reference.auc for reference in references)
    goal = _DETECTION_GOALS[world]
    bound = found.auc - _Z * found.standard_error
    return [
        Claim(
            "detection",
            Subject.FIDELITY,
            "Detection AUC",
            *aucs,
            at_most=goal,
            note=note,
            lower_bound=bound,
            limit=_DETECTION_LIMIT,
        )
    ]
