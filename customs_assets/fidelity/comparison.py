"""Two frames of declarations brought to the same terms, once, for all metrics that compare them.

What belongs here: which columns are compared, numbers as floats, categories as integers that mean the same in both frames. The
metrics are in ``column_scores`` and ``own_metrics``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import CATEGORICAL, COMPARED, HELD_RELEASED, HS6, NUMERICAL, Kind

COMPARED_NAMES: tuple[str, ...] = tuple(a.name for a in COMPARED)
# The same with the stand-ins of what the form has not, for statements that name every column.
HELD_NAMES: tuple[str, ...] = tuple(a.name for a in HELD_RELEASED if a.kind is not Kind.KEY)

# What can be compared with a release: its identity tokens are drawn anew, so they mean nothing outside it.
WITHOUT_IDENTITIES: tuple[str, ...] = tuple(a.name for a in COMPARED if a.kind is not Kind.IDENTITY)

# SDMetrics cuts numbers into this many bins of equal width before it crosses them with a category.
BINS = 10

_EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A numerical column of both frames: float64, a missing value as NaN, a date as days since 1970-01-01."""

    source: np.ndarray
    synthetic: np.ndarray


@dataclass(frozen=True, slots=True)
class Codes:
    """A categorical column of both frames as int64 codes below ``size``; 0 is the missing value, not the empty text."""

    source: np.ndarray
    synthetic: np.ndarray
    size: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared columns of a source and a synthetic frame.

    Attributes:
        source: the source's columns as they are.
        synthetic: the synthetic ones.
        numbers: the numerical columns.
        codes: the categorical columns.
    """

    source: pd.DataFrame
    synthetic: pd.DataFrame
    numbers: dict[str, Numbers]
    codes: dict[str, Codes]

    @classmethod
    def of(
        cls,
        source: pd.DataFrame,
        synthetic: pd.DataFrame,
        numerical: Sequence[str] = NUMERICAL,
        categorical: Sequence[str] = CATEGORICAL,
    ) -> Comparison:
        """Prepare two frames; columns that are not named are ignored.

        Raises:
            ValueError: a frame has no rows, lacks a column, or holds an infinite number.
        """
        columns = [*numerical, *categorical]
        source = compared_columns(source, "source", columns)
        synthetic = compared_columns(synthetic, "synthetic", columns)
        both = pd.concat([source, synthetic], ignore_index=True)
        numbers = {
            name: Numbers(_floats(source, name, "source"), _floats(synthetic, name, "synthetic")) for name in numerical
        }
        codes = {name: _codes(both[name].to_numpy(), len(source)) for name in categorical}
        return cls(source, synthetic, numbers, codes)


def with_hs6(declarations: pd.DataFrame) -> pd.DataFrame:
    """The declarations with ``hs6_code``, cut from ``hs10_code`` where it is not there."""
    if HS6.name in declarations or "hs10_code" not in declarations:
        return declarations
    return declarations.assign(**{HS6.name: declarations["hs10_code"].str[:6]})


def compared_columns(frame: pd.DataFrame, role: str, columns: Sequence[str]) -> pd.DataFrame:
    """The named columns of a frame; ``hs6_code`` is cut from ``hs10_code`` where needed.

    Args:
        frame: declarations.
        role: what the frame is, for messages: "source" or "synthetic".
        columns: names as in the released schema.

    Raises:
        ValueError: the frame has no rows or lacks a column.
    """
    if frame.empty:
        raise ValueError(f"the {role} frame has no rows, so nothing can be compared; make its partition first")
    if HS6.name in columns:
        frame = with_hs6(frame)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise ValueError(f"the {role} frame lacks the columns {', '.join(missing)}; it has {', '.join(frame.columns)}")
    return frame.filter(items=list(columns))


def days(dates: pd.Series) -> pd.Series:
    """Dates as days since 1970-01-01."""
    return (pd.to_datetime(dates) - _EPOCH) / pd.Timedelta(days=1)


def binned(numbers: Numbers) -> Codes:
    """A numerical column as ten bins of equal width over the source's range, open at both ends; NaN is a bin too.

    SDMetrics' ``ContingencySimilarity`` does this with its ``continuous_column_names``. (Its ``QualityReport`` gives each frame
    bins of its own, which hides a shift of the whole column, so that reading is not followed.)
    """
    edges = np.histogram_bin_edges(numbers.source[~np.isnan(numbers.source)], bins=BINS)
    edges[0], edges[-1] = -np.inf, np.inf
    return Codes(np.digitize(numbers.source, edges), np.digitize(numbers.synthetic, edges), size=BINS + 2)


def _floats(frame: pd.DataFrame, name: str, role: str) -> np.ndarray:
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column):
        column = days(column)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise ValueError(
            f"the {role} frame holds an infinite {name} in row {row} (counted from 0); quarantine that row"
        )
    return values


def _codes(values: np.ndarray, source_rows: int) -> Codes:
    codes, categories = pd.factorize(values)
    codes = codes.astype(np.int64) + 1
    return Codes(codes[:source_rows], codes[source_rows:], size=len(categories) + 1)
