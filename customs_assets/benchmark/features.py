"""Declarations as the matrix that a fraud detector sees: section 5.2's label encoding and min-max scaling.

What belongs here turns attributes into numbers, with what it learned from the training part alone.

Every released attribute is a feature but four: the declaration ID says nothing, the date cannot recur, and the two labels are the
answer. Net mass and item price are amounts and are scaled; the other 16 are label-encoded. The tax rate is one of the 16: it is a
term of the tariff, which takes a few dozen values (section 3.2, which compares distributions, counts it among the numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import HS6, RELEASED, RELEASED_TUPLE, Kind

_DESCRIBING = tuple(a for a in RELEASED if a.kind not in (Kind.KEY, Kind.DATE, Kind.LABEL))
_NUMBERS = frozenset(a.name for a in _DESCRIBING if a.kind is Kind.NUMBER)
SCALED: tuple[str, ...] = tuple(a.name for a in _DESCRIBING if a.name in _NUMBERS and a.name not in RELEASED_TUPLE)
CODED: tuple[str, ...] = tuple(a.name for a in _DESCRIBING if a.name not in SCALED)

# The columns of the matrix, in order.
FEATURES: tuple[str, ...] = CODED + SCALED


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a detector sees of declarations. The labels are not in it.

    Attributes:
        matrix: float64, one row per declaration, a column per name in :data:`FEATURES`, as ``FeatureEncoder.transform`` gives it.
        declarations: the same rows as they are declared: ``date``, and the attributes in :data:`FEATURES`; text, and float64 for
            the tax rate (%), the net mass (kg) and the item price. An absent seller or courier is the empty text. The index
            counts from 0.
    """

    matrix: np.ndarray
    declarations: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class FeatureEncoder:
    """What the training part says about values: the same encoder serves every part, so a code means one thing.

    Attributes:
        codes: per coded attribute, its distinct values in ascending order (tax rates as numbers, all others as text); a value's
            code is its place in it. An empty seller or courier is a value like any other.
        ranges: per scaled attribute, its minimum and maximum.
    """

    codes: Mapping[str, pd.Index]
    ranges: Mapping[str, tuple[float, float]]

    @classmethod
    def fit(cls, declarations: pd.DataFrame) -> FeatureEncoder:
        """Learn from training declarations, one row or more; the product code counts by its first six digits.

        Raises:
            ValueError: there are no rows, an attribute is missing, or one holds nulls.
        """
        if declarations.empty:
            raise ValueError("features cannot be learned from a training part without rows")
        columns = _declared(declarations)
        return cls(
            codes={name: pd.Index(np.sort(pd.unique(columns[name]))) for name in CODED},
            ranges={name: (float(columns[name].min()), float(columns[name].max())) for name in SCALED},
        )

    def transform(self, declarations: pd.DataFrame) -> np.ndarray:
        """The feature matrix of any declarations.

        Returns:
            float64, one row per declaration, one column per name in :data:`FEATURES`: codes from 0; amounts with training's
            minimum at 0 and maximum at 1. A value that training did not hold has a code halfway between its neighbours in the
            order. If all such values had one code, a tree could take a third of the test's importers for its first one.
            Amounts are not clipped, so that they stay in order. Where all of training's amounts were equal there is no scale,
            and all are 0.

        Raises:
            ValueError: an attribute is missing or holds nulls.
        """
        return self._matrix(_declared(declarations))

    def features(self, declarations: pd.DataFrame) -> Features:
        """What a detector sees of any declarations.

        Raises:
            ValueError: as :meth:`transform`.
        """
        declared = _declared(declarations)
        dates = {"date": pd.to_datetime(declarations["date"]).to_numpy()}
        return Features(self._matrix(declared), pd.DataFrame({**dates, **declared}))

    def _matrix(self, declared: Mapping[str, np.ndarray]) -> np.ndarray:
        coded = [_places(self.codes[name], declared[name]) for name in CODED]
        scaled = [self._scaled(declared[name], *self.ranges[name]) for name in SCALED]
        return np.column_stack(coded + scaled).astype(np.float64)

    @staticmethod
    def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
        return (values - low) / (high - low) if high > low else np.zeros(len(values))


def _places(distinct: pd.Index, values: np.ndarray) -> np.ndarray:
    """The place of each value among the distinct ones, which ascend; halfway between two where it is none of them."""
    places = distinct.get_indexer(pd.Index(values)).astype(np.float64)
    unseen = places < 0
    places[unseen] = np.searchsorted(distinct.to_numpy(), values[unseen]) - 0.5
    return places


def fraud_labels(declarations: pd.DataFrame) -> np.ndarray:
    """The target: int64, 1 where the inspection found fraud, 0 where it did not.

    Raises:
        ValueError: a row has no label, or another one than 0 or 1.
    """
    labels = declarations["fraud"]
    wrong = np.flatnonzero(~labels.isin([0, 1]).to_numpy())
    if wrong.size:
        raise ValueError(
            f"row {wrong[0]} has fraud {labels.iloc[wrong[0]]!r}, neither 0 nor 1 ({wrong.size} such rows); "
            "only inspected declarations can train or test a detector"
        )
    return labels.to_numpy(dtype=np.int64)


def _declared(declarations: pd.DataFrame) -> dict[str, np.ndarray]:
    """The values of every attribute in :data:`FEATURES`."""
    return {name: _column(declarations, name) for name in FEATURES}


def _column(declarations: pd.DataFrame, name: str) -> np.ndarray:
    """An attribute's values: float64 for numbers, text (object) for all else."""
    source = "hs10_code" if name == HS6.name and HS6.name not in declarations else name
    if source not in declarations:
        raise ValueError(
            f"the declarations have no column {source!r}, which the fraud detectors need; they have "
            f"{', '.join(map(str, declarations.columns))}"
        )
    values = declarations[source]
    missing = np.flatnonzero(values.isna().to_numpy())
    if missing.size:
        raise ValueError(
            f"row {missing[0]} has a null in {source} ({missing.size} such rows); an absent code is the empty text, "
            "and a row without one of its numbers belongs in quarantine"
        )
    if name == HS6.name:
        values = values.str[:6]
    return values.to_numpy(dtype=np.float64 if name in _NUMBERS else object)
