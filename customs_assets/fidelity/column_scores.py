"""The metrics of one column, and of a pair of numbers, computed by SDMetrics.

What belongs here asks the library and says where a score is not defined (NaN): there is nothing to compare, or a column is
constant. The two metrics that the library is too slow for are in ``own_metrics``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

# TVComplement's time grows with the square of the values of a column: 2.5 s for 14,000 importers, hours for a million. A column
# with more values than this is handed over as two values; see :func:`in_two_values`.
MANY_VALUES = 5_000


def column_score(metric: str, source: pd.Series, synthetic: pd.Series) -> float:
    """A score of ``sdmetrics.single_column``; NaN where a column has no value, or the metric is not defined.

    Args:
        metric: the class's name: KSComplement, TVComplement, RangeCoverage, CategoryCoverage or BoundaryAdherence.
        source: the column in the source; a missing value is null.
        synthetic: the same column in the synthetic rows.
    """
    from sdmetrics import single_column

    if not (source.notna().any() and synthetic.notna().any()):
        return math.nan
    if metric == "TVComplement" and max(source.nunique(), synthetic.nunique()) > MANY_VALUES:
        source, synthetic = in_two_values(source, synthetic)
    with _quiet():
        return float(getattr(single_column, metric).compute(source, synthetic))


def correlation_score(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """CorrelationSimilarity of two columns of numbers or dates; NaN where a column is constant or has fewer than two values."""
    from sdmetrics.column_pairs import CorrelationSimilarity
    from sdmetrics.errors import ConstantInputError

    if min(len(source.dropna()), len(synthetic.dropna())) < 2:
        return math.nan
    try:
        with _quiet():
            return float(CorrelationSimilarity.compute(source, synthetic))
    except ConstantInputError:
        return math.nan


def in_two_values(source: pd.Series, synthetic: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Two columns with each value replaced by whether it has the larger share in the source.

    The total variation distance stays as it is: it is the difference of the shares, summed over the values that have the larger
    share in the source (Levin, Peres and Wilmer, *Markov Chains and Mixing Times*, proposition 4.2). Missing stays missing.
    """
    shares = [column.value_counts(normalize=True) for column in (source, synthetic)]
    larger = shares[0].sub(shares[1], fill_value=0) > 0
    return source.map(larger), synthetic.map(larger)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings: a constant column is a score that is not defined, which the caller says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
