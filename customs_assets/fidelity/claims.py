"""The claims of fidelity: the scores of Table 2, relations, detection, and the law.

What belongs here is the list of claims and their goals; how a thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import pandas as pd

from customs_assets.claims import Claim, Subject
from customs_assets.fidelity.detection import detection
from customs_assets.fidelity.fidelity import COARSE, METRICS, MetricScore, as_published, fidelity
from customs_assets.fidelity.references import Unit, halves, independent_columns
from customs_assets.fidelity.relations import RELATIONS, lawful_share, relations


class World(StrEnum):
    """Which goals a source is held to: one that has relations between traders and goods, or one that has lost them."""

    WITH_RELATIONS = "with relations"
    WITHOUT_RELATIONS = "without relations"


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


_RELATION_BOUNDS = (0.85, 1.15)


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
