"""What follows from all cells: whether the release orders strategies as the source does, and whether exploring pays.

What a cell holds stands in ``cell``. The arithmetic of pairs is that of the benchmark's ranking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.benchmark.ranking import SIGNIFICANT, Ranking, difference, ranking_of
from customs_assets.claims import Claim, Subject, number
from customs_assets.weeks.cell import MEASURES
from customs_assets.weeks.strategies import STRATEGIES

# Of the pairs that differ on the source by two standard errors, the least share that the release orders alike.
_SAME_ORDER = 0.9

_DATASETS = ("source", "synthetic")
_TITLES = {"precision": "precision", "revenue": "revenue"}

Documents = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Advantage:
    """By how much one strategy finds more than another on a data set, over all weeks.

    Attributes:
        difference: mean over the runs.
        standard_error: over runs and draws of importers.
    """

    difference: float
    standard_error: float

    @property
    def verdict(self) -> str:
        """``more``, ``less``, or ``alike`` where it is under two standard errors."""
        if abs(self.difference) < SIGNIFICANT * self.standard_error or self.difference == 0:
            return "alike"
        return "more" if self.difference > 0 else "less"


def regimes_of(documents: Documents) -> list[str]:
    """The regimes that some cell has, in order."""
    return list(dict.fromkeys(name for of in documents for name in of["regimes"]))


def strategy_order(documents: Documents, regime: str, measure: str) -> Ranking | None:
    """How the release orders the pairs of strategies that differ on the source; None with fewer than two on both data sets."""
    rows = [
        {
            "detector": of["strategy"],
            "dataset": of["dataset"],
            "inspection_rate": of["rate"],
            **_over_all(of, regime, measure),
            **{half: _half(of, regime, half, measure) for half in ("first_half", "second_half")},
        }
        for of in documents
        if regime in of["regimes"] and _is_measured(of, regime, measure)
    ]
    return ranking_of(pd.DataFrame(rows), rows[0]["inspection_rate"]) if rows else None


def advantage(documents: Documents, one: str, other: str, dataset: str, regime: str, measure: str) -> Advantage | None:
    """By how much a strategy finds more than another; None where one was not measured."""
    cells = {of["strategy"]: of for of in documents if of["dataset"] == dataset and regime in of["regimes"]}
    if one not in cells or other not in cells:
        return None
    return Advantage(*difference(_over_all(cells[one], regime, measure), _over_all(cells[other], regime, measure)))


def passes_from(documents: Documents, one: str, other: str, dataset: str, regime: str, measure: str) -> int | None:
    """The week, counted from 1, from which on a strategy's mean over the weeks so far stays above another's.

    None where it is not above at the end, or one was not measured.
    """
    cells = {of["strategy"]: of for of in documents if of["dataset"] == dataset and regime in of["regimes"]}
    if one not in cells or other not in cells:
        return None
    ahead = running_mean(cells[one]["regimes"][regime]["by_week"][measure]) > running_mean(
        cells[other]["regimes"][regime]["by_week"][measure]
    )
    if not len(ahead) or not ahead[-1]:
        return None
    behind = np.flatnonzero(~ahead)
    return int(behind[-1]) + 2 if len(behind) else 1


def running_mean(values: Sequence[float | None]) -> np.ndarray:
    """The mean of all weeks so far; weeks without a value are left out, NaN before the first with one."""
    known = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    counts = np.cumsum(np.isfinite(known))
    sums = np.cumsum(np.nan_to_num(known))
    return np.divide(sums, counts, out=np.full(len(known), np.nan), where=counts > 0)


def weeks_claims(documents: Documents) -> list[Claim]:
    """Whether the release orders strategies as the source does: a claim for each regime and measure."""
    claims = []
    for regime in regimes_of(documents):
        for measure in MEASURES:
            order = strategy_order(documents, regime, measure)
            if order is None:
                continue
            note = (
                f"{order.significant} of {order.pairs} pairs differ on the source; best on the source: "
                f"{order.best_on_source}; on the release: {order.best_on_release}. Kendall's τ over the pairs is "
                f"{number(order.tau)}, of two halves of the source {number(order.tau_of_halves)}"
            )
            claims.append(
                Claim(
                    f"weeks_{measure}_{regime}",
                    Subject.UTILITY,
                    f"Weeks of inspection, {regime} rate: strategies that differ on the source by two standard errors of "
                    f"{_TITLES[measure]}, in the same order",
                    order.share_in_same_order,
                    order.share_in_halves,
                    at_least=_SAME_ORDER,
                    note=note,
                )
            )
    return claims


def in_order(documents: Documents) -> list[Mapping[str, Any]]:
    """The cells by strategy as the register has them, source before release; those without a result are left out."""
    places = {name: place for place, name in enumerate(STRATEGIES)}
    known = [of for of in documents if of["regimes"]]
    return sorted(known, key=lambda of: (places[of["strategy"]], _DATASETS.index(of["dataset"])))


def _over_all(of: Mapping[str, Any], regime: str, measure: str) -> dict[str, list[float]]:
    found = of["regimes"][regime]["over_all"][measure]
    return {key: [math.nan if value is None else value for value in values] for key, values in found.items()}


def _is_measured(of: Mapping[str, Any], regime: str, measure: str) -> bool:
    """Whether there was anything to find: no duty is at stake where the form has no rate."""
    return None not in of["regimes"][regime]["over_all"][measure]["by_key"]


def _half(of: Mapping[str, Any], regime: str, half: str, measure: str) -> float:
    found = of["regimes"][regime].get(half)
    return math.nan if not found or found[measure] is None else found[measure]


def findings_table(cells: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: what each strategy found on each data set over all weeks, mean over the runs."""
    regimes = regimes_of(cells)
    head = [f"{measure}, {regime} rate" for regime in regimes for measure in MEASURES]
    lines = [
        f"| strategy | data | {' | '.join(head)} |",
        f"| --- | --- |{' ---: |' * len(head)}",
    ]
    for of in cells:
        values = [
            float(np.mean(_over_all(of, regime, measure)["by_key"])) for regime in regimes for measure in MEASURES
        ]
        title = STRATEGIES[of["strategy"]].title
        lines.append(f"| {title} | {of['dataset']} | {' | '.join(map(number, values))} |")
    return "\n".join(lines)
