"""Table 2 of the paper: eight scores of likeness to the source, what each is the mean of, and the table beside the paper's.

What belongs here is which metric looks at which columns, as SDV's metadata tells them apart, and how a score is published. The
scores are SDMetrics' (``column_scores``), but for two that it is too slow for (``own_metrics``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from customs_assets.fidelity.column_scores import column_score, correlation_score
from customs_assets.fidelity.comparison import COMPARED_NAMES, Comparison, binned
from customs_assets.fidelity.own_metrics import contingency_similarity, new_row_synthesis
from customs_assets.sdv_metadata import categorical_columns, declaration_metadata, numerical_columns


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


@dataclass(frozen=True)
class MetricScore:
    """The score of a metric and what it is the mean of.

    Attributes:
        metric: SDMetrics' class name.
        score: in [0, 1], 1 is best; the mean of ``columns`` without NaN, itself NaN where nothing is left.
        columns: score by column, or by pair as ``first|second``; NaN where it is not defined. Empty for NewRowSynthesis.
    """

    metric: str
    score: float
    columns: dict[str, float]


def fidelity(source: pd.DataFrame, synthetic: pd.DataFrame) -> list[MetricScore]:
    """The eight scores of Table 2, in the paper's order.

    Args:
        source: anonymized declarations with every attribute of the form but the key; ``hs10_code`` is compared by six digits.
        synthetic: synthetic declarations in the same columns.

    Raises:
        ValueError: a frame has no rows, lacks a column, or holds an infinite number.
    """
    metadata = declaration_metadata()
    numerical, categorical = numerical_columns(metadata), categorical_columns(metadata)
    comparison = Comparison.of(source, synthetic, numerical, categorical)

    def of_columns(metric: str, names: Sequence[str]) -> dict[str, float]:
        return {name: column_score(metric, comparison.source[name], comparison.synthetic[name]) for name in names}

    columns = {
        "KSComplement": of_columns("KSComplement", numerical),
        "TVComplement": of_columns("TVComplement", categorical),
        "CorrelationSimilarity": {
            "|".join(pair): correlation_score(comparison.source[list(pair)], comparison.synthetic[list(pair)])
            for pair in itertools.combinations(numerical, 2)
        },
        "ContingencySimilarity": contingency_scores(comparison),
        "RangeCoverage": of_columns("RangeCoverage", numerical),
        "CategoryCoverage": of_columns("CategoryCoverage", categorical),
        "BoundaryAdherence": of_columns("BoundaryAdherence", numerical),
    }
    scores = [MetricScore(name, _mean(each.values()), each) for name, each in columns.items()]
    return [*scores, MetricScore("NewRowSynthesis", new_row_synthesis(comparison), {})]


def contingency_scores(comparison: Comparison) -> dict[str, float]:
    """ContingencySimilarity of every pair with a category in it, in the order of the form."""
    codes = comparison.codes | {name: binned(numbers) for name, numbers in comparison.numbers.items()}
    pairs = itertools.combinations([name for name in COMPARED_NAMES if name in codes], 2)
    crossed = [pair for pair in pairs if not set(pair) <= comparison.numbers.keys()]
    return {f"{first}|{second}": contingency_similarity(codes[first], codes[second]) for first, second in crossed}


def _mean(values: Iterable[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def as_json(scores: Sequence[MetricScore]) -> list[dict[str, Any]]:
    """One object per metric, ``{"metric", "score", "columns"}``; a score that is not defined is null."""

    def null(value: float) -> float | None:
        return None if math.isnan(value) else value

    return [
        {
            "metric": score.metric,
            "score": null(score.score),
            "columns": {name: null(value) for name, value in score.columns.items()},
        }
        for score in scores
    ]


def from_json(content: Iterable[Mapping[str, Any]]) -> list[MetricScore]:
    """The scores that :func:`as_json` wrote.

    Raises:
        ValueError: an object names no metric of Table 2.
    """

    def nan(value: float | None) -> float:
        return math.nan if value is None else value

    scores = []
    for entry in content:
        if entry["metric"] not in PAPER_SCORES:
            raise ValueError(f"{entry['metric']!r} is no metric of Table 2; known are {', '.join(PAPER_SCORES)}")
        columns = {name: nan(value) for name, value in entry["columns"].items()}
        scores.append(MetricScore(entry["metric"], nan(entry["score"]), columns))
    return scores


# Range coverage is a function of the source's least and largest amounts, which are mostly one importer's own: with the released
# amounts at hand, an exact score gives them back. Boundary adherence says a little of them as well. Both are published with fewer
# decimals than the other scores, and rounded down, so that neither reaches a goal by rounding.
COARSE_DECIMALS = {"RangeCoverage": 1, "BoundaryAdherence": 2}
_DECIMALS = 4


def as_published(metric: str, score: float) -> float:
    """A score as it may be published: to four decimals, or fewer for those in ``COARSE_DECIMALS``."""
    if math.isnan(score) or metric not in COARSE_DECIMALS:
        return round(score, _DECIMALS)
    scale = 10 ** COARSE_DECIMALS[metric]
    return math.floor(score * scale) / scale


def score_text(metric: str, score: float) -> str:
    """A score as text, as :func:`as_published`; a dash where there is none."""
    decimals = COARSE_DECIMALS.get(metric, _DECIMALS)
    return "\N{EN DASH}" if math.isnan(score) else f"{as_published(metric, score):.{decimals}f}"


def table_two_rows(
    scores: Sequence[MetricScore],
    beside: Mapping[str, Sequence[MetricScore]] | None = None,
    as_text: Callable[[str, float], str] = score_text,
) -> list[dict[str, str]]:
    """Table 2 as text: property, metric, column type, our score, other scores, the paper's.

    Args:
        scores: ours, any number of the eight metrics.
        beside: further scores of the same metrics by column heading (a ceiling, a floor, another month).
        as_text: how a metric's score is told.

    Returns:
        A row per metric, in the paper's order, by column heading.
    """
    by_heading = {
        heading: {score.metric: score.score for score in table}
        for heading, table in {"Ours": scores, **(beside or {})}.items()
    }
    return [
        {
            "Property": metric.property,
            "Metric": metric.title,
            "Columns": metric.column_type,
            **{name: as_text(metric.name, table.get(metric.name, math.nan)) for name, table in by_heading.items()},
            "Paper": f"{metric.paper_score:.{_DECIMALS}f}",
        }
        for metric in METRICS
    ]


def table_two(
    scores: Sequence[MetricScore],
    beside: Mapping[str, Sequence[MetricScore]] | None = None,
    as_text: Callable[[str, float], str] = score_text,
) -> str:
    """:func:`table_two_rows` as a Markdown table, aligned so that a terminal shows it as well."""
    rows = table_two_rows(scores, beside, as_text)
    headings = list(rows[0])
    widths = {heading: max(len(heading), *(len(row[heading]) for row in rows)) for heading in headings}
    numeric = set(headings[3:])

    def line(cells: Mapping[str, str]) -> str:
        padded = (cells[h].rjust(widths[h]) if h in numeric else cells[h].ljust(widths[h]) for h in headings)
        return f"| {' | '.join(padded)} |"

    rule = {h: "-" * (widths[h] - 1) + (":" if h in numeric else "-") for h in headings}
    return "\n".join([line({h: h for h in headings}), line(rule), *(line(row) for row in rows)])
