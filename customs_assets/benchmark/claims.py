"""The claims of utility: detectors learn from synthetic months what they learn from the source's, and rank alike.

What belongs here is which claims there are, and their goals. How a thing is measured stands in the other modules of this folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from customs_assets.benchmark.detectors import NothingToLearn
from customs_assets.benchmark.precision import INSPECTION_RATES
from customs_assets.benchmark.ranking import Ranking, rankings
from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.table_three import dataset_gaps, paper_gaps
from customs_assets.benchmark.utility import precision_from, utility
from customs_assets.claims import Claim, Subject, number
from customs_assets.fidelity.claims import Tables, World

# Precision@5% from synthetic to source: of a source without relations the least, else how much less than from source to source.
_PRECISION, _PRECISION_GAP = 0.75, 0.04

# Table 3: the largest mean gap of its two columns, and the least agreement of the detectors' order (1 is the same order).
_TABLE_THREE_GAP, _KENDALL = 0.03, 0.9

# Of the pairs that differ on the source by two standard errors, the least share that the release orders alike.
_SAME_ORDER = 0.9


def utility_claims(tables: Tables, world: World, months: Sequence[str]) -> list[Claim]:
    """Precision@5% of boosted trees trained on synthetic months, tested on the source's last months."""
    title, split = "Precision@5%, synthetic to source", split_months(months)
    try:
        found = utility(tables.synthetic, tables.source, months)
        floor = precision_from(split.rows(tables.floor, "train"), split.rows(tables.source, "test"))
    except NothingToLearn as reason:
        return [Claim("utility", Subject.UTILITY, title, math.nan, at_least=0.0, note=f"not measured: {reason}")]
    is_set = world is World.WITHOUT_RELATIONS
    at_least = _PRECISION if is_set else found.from_source - _PRECISION_GAP
    note = f"drawing at random finds {found.base_rate:.3f}. {split.note}"
    scores = found.from_synthetic, found.from_source, floor
    return [
        Claim("utility", Subject.UTILITY, title, *scores, at_least=at_least, note=note, goal_is_measured=not is_set)
    ]


def table_three_claims(rows: pd.DataFrame) -> list[Claim]:
    """How far the synthetic column of Table 3 stands from the source column, and whether the detectors' order is the same.

    Args:
        rows: as ``precision.ROW_COLUMNS``, all cells of the benchmark.
    """
    claims = []
    for ours, paper in zip(dataset_gaps(rows).to_dict("records"), paper_gaps().to_dict("records"), strict=True):
        rate = f"@{ours['inspection_rate']:.0%}"
        note = f"{ours['detectors']} detectors; the paper's own is {paper['mean_gap']:.3f}"
        title = f"Table 3, mean gap of the columns {rate}"
        claims.append(
            Claim(f"gap{rate}", Subject.UTILITY, title, ours["mean_gap"], at_most=_TABLE_THREE_GAP, note=note)
        )
        order = kendall(rows, ours["inspection_rate"])
        title = f"Table 3, Kendall's τ of the detectors' order {rate}"
        claims.append(Claim(f"kendall{rate}", Subject.UTILITY, title, order, at_least=_KENDALL))
    return [*claims, *(claim for ranking in rankings(rows) for claim in _ranking_claims(ranking))]


def _ranking_claims(ranking: Ranking) -> list[Claim]:
    """Whether pairs of detectors keep the order that the source is sure of, and what choosing on the release costs."""
    if ranking.inspection_rate not in INSPECTION_RATES:
        return []
    rate = f"@{ranking.inspection_rate:.0%}"
    note = (
        f"{ranking.significant} of {ranking.pairs} pairs differ; Kendall's τ over them is {number(ranking.tau)}, of two halves "
        f"of the source {number(ranking.tau_of_halves)}"
    )
    title = f"Table 3, pairs that differ on the source by two standard errors: in the same order {rate}"
    best = f"Table 3, how much less than the source's best the release's best detector finds on the source {rate}"
    return [
        Claim(
            f"order{rate}",
            Subject.UTILITY,
            title,
            ranking.share_in_same_order,
            ranking.share_in_halves,
            at_least=_SAME_ORDER,
            note=note,
        ),
        Claim(
            f"best{rate}",
            Subject.UTILITY,
            best,
            ranking.behind,
            at_most=ranking.standard_error,
            goal_is_measured=True,
            note=f"best on the source: {ranking.best_on_source}; on the release: {ranking.best_on_release}. The goal is one "
            "standard error of the difference",
        ),
    ]


def kendall(rows: pd.DataFrame, inspection_rate: float) -> float:
    """Kendall's τ-b of the detectors' precisions on both data sets; NaN for fewer than two detectors on both."""
    from scipy.stats import kendalltau

    at_rate = rows.loc[rows["inspection_rate"] == inspection_rate]
    table = at_rate.pivot(index="detector", columns="dataset", values="precision_mean").dropna()
    if len(table) < 2 or table.shape[1] < 2:
        return math.nan
    return float(kendalltau(table["source"], table["synthetic"]).statistic)
