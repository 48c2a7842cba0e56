"""Table 2 of the paper: how like their source the synthetic declarations are, in eight numbers and what they average.

What belongs here is which metric looks at which columns, its mean, and the table beside the paper's. The arithmetic is
in ``column_metrics``, ``pair_metrics`` and ``new_rows``; names and results are SDMetrics' own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from customs_assets.declaration import COMPARED, NUMERICAL
from customs_assets.fidelity.column_metrics import (
    boundary_adherence,
    category_coverage,
    ks_complement,
    range_coverage,
    tv_complement,
)
from customs_assets.fidelity.comparison import Codes, Comparison, Numbers, binned
from customs_assets.fidelity.new_rows import new_row_synthesis
from customs_assets.fidelity.pair_metrics import contingency_similarity, correlation_similarity

_Column = TypeVar("_Column", Numbers, Codes)


@dataclass(frozen=True, slots=True)
class Metric:
    """A line of Table 2: SDMetrics' class name, and what the paper prints of it."""

    name: str
    property: str
    title: str
    column_type: str
    paper_score: float


METRICS: tuple[Metric, ...] = (
    Metric("KSComplement", "Column Shape", "Kolmogorov-Smirnov test", "Num", 0.8268),
    Metric("TVComplement", "Column Shape", "Total variation distance", "Cat", 0.8919),
    Metric("CorrelationSimilarity", "Column Pair Trend", "Pearson correlation similarity", "Num & Num", 0.9569),
    Metric("ContingencySimilarity", "Column Pair Trend", "Contingency table similarity", "Cat & Cat or Num", 0.7633),
    Metric("RangeCoverage", "Coverage", "Range coverage", "Num", 0.8022),
    Metric("CategoryCoverage", "Coverage", "Category coverage", "Cat", 0.8801),
    Metric("BoundaryAdherence", "Boundary", "Boundary adherence", "Num", 0.9869),
    Metric("NewRowSynthesis", "Diversity", "New row synthesis", "All", 1.0),
)

PAPER_SCORES: dict[str, float] = {metric.name: metric.paper_score for metric in METRICS}

_BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class MetricScore:
    """The score of a metric and what it is the mean of.

    Attributes:
        metric: SDMetrics' class name.
        property: Table 2's first column.
        score: in [0, 1], 1 the best; the mean of ``columns`` without its NaN, itself NaN where nothing is left.
        columns: score by column, or by pair as ``first|second``; NaN where it is not defined (the source's column is
            constant). Empty for NewRowSynthesis, which looks at whole rows.
    """

    metric: str
    property: str
    score: float
    columns: dict[str, float]


def fidelity(source: pd.DataFrame, synthetic: pd.DataFrame) -> list[MetricScore]:
    """The eight metrics of Table 2, in the paper's order (section 3.2).

    Args:
        source: anonymized declarations, one or more rows, with ``hs10_code`` (compared by its first six digits) or
            ``hs6_code``, and every other attribute of the form but the key.
        synthetic: synthetic declarations in the same columns.

    Raises:
        ValueError: a frame has no rows, lacks a column, or holds an infinite number.
    """
    comparison = Comparison.of(source, synthetic)
    columns = {
        "KSComplement": _each(ks_complement, comparison.numbers),
        "TVComplement": _each(tv_complement, comparison.codes),
        "CorrelationSimilarity": _correlations(comparison),
        "ContingencySimilarity": contingency_scores(comparison),
        "RangeCoverage": _each(range_coverage, comparison.numbers),
        "CategoryCoverage": _each(category_coverage, comparison.codes),
        "BoundaryAdherence": _each(boundary_adherence, comparison.numbers),
    }
    scores = [MetricScore(name, _BY_NAME[name].property, _mean(each.values()), each) for name, each in columns.items()]
    diversity = new_row_synthesis(comparison)
    return [*scores, MetricScore("NewRowSynthesis", _BY_NAME["NewRowSynthesis"].property, diversity, {})]


def _each(metric: Callable[[_Column], float], columns: Mapping[str, _Column]) -> dict[str, float]:
    return {name: metric(values) for name, values in columns.items()}


def _correlations(comparison: Comparison) -> dict[str, float]:
    pairs = itertools.combinations(comparison.numbers.items(), 2)
    return {f"{first}|{second}": correlation_similarity(a, b) for (first, a), (second, b) in pairs}


def contingency_scores(comparison: Comparison) -> dict[str, float]:
    """Every pair with a category in it, in the order of the form."""
    codes = comparison.codes | {name: binned(numbers) for name, numbers in comparison.numbers.items()}
    names = [attribute.name for attribute in COMPARED]
    pairs = [pair for pair in itertools.combinations(names, 2) if not set(pair) <= set(NUMERICAL)]
    return {f"{first}|{second}": contingency_similarity(codes[first], codes[second]) for first, second in pairs}


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def as_json(scores: Sequence[MetricScore]) -> list[dict[str, Any]]:
    """One object per metric, ``{"metric", "score", "columns"}``; a score that is not defined is null."""
    return [
        {
            "metric": score.metric,
            "score": _null_for_nan(score.score),
            "columns": {name: _null_for_nan(value) for name, value in score.columns.items()},
        }
        for score in scores
    ]


def from_json(content: Iterable[Mapping[str, Any]]) -> list[MetricScore]:
    """The scores that :func:`as_json` wrote.

    Raises:
        ValueError: an object names no metric of Table 2.
    """
    scores = []
    for entry in content:
        metric = _BY_NAME.get(entry["metric"])
        if metric is None:
            raise ValueError(f"{entry['metric']!r} is no metric of Table 2; known are {', '.join(_BY_NAME)}")
        columns = {name: _nan_for_null(value) for name, value in entry["columns"].items()}
        scores.append(MetricScore(metric.name, metric.property, _nan_for_null(entry["score"]), columns))
    return scores


def _null_for_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan_for_null(value: float | None) -> float:
    return math.nan if value is None else value


# Decimals of the scores that hang on single amounts of the source; with more of them its least and largest could be solved.
_PUBLISHED_DECIMALS = {"RangeCoverage": 1, "BoundaryAdherence": 2}
COARSE = frozenset(_PUBLISHED_DECIMALS)


def as_published(metric: str, score: float) -> float:
    """A score as it may leave the house.

    Range coverage is a function of the source's least and largest amounts, which are mostly one importer's own: with the released
    amounts at hand, an exact one gives them back. It is told to one decimal, boundary adherence to two, both rounded down, so
    that neither reaches a goal by rounding; all others to four.
    """
    if math.isnan(score):
        return score
    decimals = _PUBLISHED_DECIMALS.get(metric)
    return round(score, 4) if decimals is None else math.floor(score * 10**decimals) / 10**decimals


def table_two_rows(
    scores: Sequence[MetricScore], beside: Mapping[str, Sequence[MetricScore]] | None = None
) -> list[dict[str, str]]:
    """Table 2 as text: property, metric, column type, our score, any other scores to read it by, the paper's.

    Args:
        scores: ours, any number of the eight metrics.
        beside: further scores of the same metrics by column heading (a ceiling, a floor, another month).

    Returns:
        A row a metric, in the paper's order, by column heading; scores as they may be published (:func:`as_published`), a dash
        where there is none.
    """
    tables = {"Ours": scores, **(beside or {})}
    found = {heading: {score.metric: score.score for score in table} for heading, table in tables.items()}
    return [
        {
            "Property": metric.property,
            "Metric": metric.title,
            "Columns": metric.column_type,
            **{
                heading: _published(metric.name, scores.get(metric.name, math.nan)) for heading, scores in found.items()
            },
            "Paper": _four_decimals(metric.paper_score),
        }
        for metric in METRICS
    ]


def table_two(scores: Sequence[MetricScore], beside: Mapping[str, Sequence[MetricScore]] | None = None) -> str:
    """:func:`table_two_rows` as a Markdown table, its columns aligned so that a terminal shows it as well."""
    rows = table_two_rows(scores, beside)
    headings = list(rows[0])
    widths = {heading: max(len(heading), *(len(row[heading]) for row in rows)) for heading in headings}
    numeric = set(headings[3:])

    def line(cells: Mapping[str, str]) -> str:
        padded = (cells[h].rjust(widths[h]) if h in numeric else cells[h].ljust(widths[h]) for h in headings)
        return f"| {' | '.join(padded)} |"

    rule = {h: "-" * (widths[h] - 1) + (":" if h in numeric else "-") for h in headings}
    return "\n".join([line({h: h for h in headings}), line(rule), *(line(row) for row in rows)])


def _published(metric: str, score: float) -> str:
    """A score with the decimals that it is published with."""
    return (
        "\N{EN DASH}" if math.isnan(score) else f"{as_published(metric, score):.{_PUBLISHED_DECIMALS.get(metric, 4)}f}"
    )


def _four_decimals(score: float) -> str:
    return "\N{EN DASH}" if math.isnan(score) else f"{score:.4f}"
