"""Declarations as they come in, week by week, and what a learner sees of them.

A week has seven days, and the first begins with the first declaration. What is left of days at the end is no week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import NothingToLearn
from customs_assets.benchmark.features import CODED, FeatureEncoder, Features, fraud_labels
from customs_assets.benchmark.inspection import values_at_stake
from customs_assets.declaration import IDENTITIES

_DAYS = 7


@dataclass(frozen=True)
class Stream:
    """All declarations of a data set in the order of their weeks.

    Attributes:
        features: what a learner sees of them.
        fraud: 0 or 1 a declaration.
        duty: duty at stake a declaration, item price x tax rate, in the unit of the price.
        week: number of its week, from 0 and without gaps.
        starts: first day of each week, ``2020-01-01``.
    """

    features: Features
    fraud: np.ndarray
    duty: np.ndarray
    week: np.ndarray
    starts: tuple[str, ...]

    @classmethod
    def of(cls, declarations: pd.DataFrame) -> Stream:
        """The stream of inspected declarations, in any order.

        Values are coded by their place among those of all weeks. A tree asks only for the order of values, so it learns the same
        as from their places among the values seen so far. A value that is new is between its neighbours in either case.

        Raises:
            NothingToLearn: there are fewer than two whole weeks.
            ValueError: an attribute or a label is missing.
        """
        if declarations.empty:
            raise NothingToLearn("there are no declarations, so there are no weeks")
        rows = declarations.sort_values(["date", "declaration_id"], kind="stable", ignore_index=True)
        dates = pd.to_datetime(rows["date"])
        days = (dates - dates.min()).dt.days.to_numpy()
        week = days // _DAYS
        whole = week < (days.max() + 1) // _DAYS
        rows, week = rows.loc[whole].reset_index(drop=True), week[whole]
        numbers, place = np.unique(week, return_inverse=True)
        if len(numbers) < 2:
            raise NothingToLearn(f"{len(numbers)} whole weeks of declarations are too few: there must be two at least")
        starts = dates.min() + pd.to_timedelta(numbers * _DAYS, unit="D")
        return cls(
            FeatureEncoder.fit(rows).features(rows),
            fraud_labels(rows),
            values_at_stake(rows)["duty"].to_numpy(),
            place,
            tuple(day.strftime("%Y-%m-%d") for day in starts),
        )

    @property
    def importers(self) -> pd.Series:
        """The importer of each declaration."""
        return self.features.declarations["importer_id"]

    @cached_property
    def of_week(self) -> list[np.ndarray]:
        """The places of each week's declarations."""
        ends = np.searchsorted(self.week, np.arange(len(self.starts) + 1))
        return [np.arange(first, last) for first, last in pairwise(ends)]

    def rekeyed(self, rng: np.random.Generator) -> Stream:
        """The same declarations under other tokens, in another order; an absent identity stays absent, and first."""
        matrix = self.features.matrix.copy()
        for role in IDENTITIES:
            column = CODED.index(role)
            codes = matrix[:, column].astype(np.int64)
            places = rng.permutation(int(codes.max()) + 1).astype(np.float64)
            if (self.features.declarations[role] == "").any():
                places[1:] = 1 + rng.permutation(int(codes.max()))
                places[0] = 0
            matrix[:, column] = places[codes]
        return replace(self, features=Features(matrix, self.features.declarations))

    def part(self, rows: np.ndarray) -> Features:
        """What a learner sees of some declarations."""
        return Features(self.features.matrix[rows], self.features.declarations.iloc[rows].reset_index(drop=True))

    def weeks_before(self, week: int, count: int) -> np.ndarray:
        """The places of all declarations of up to ``count`` weeks before a week."""
        return np.concatenate(self.of_week[max(week - count, 0) : week])


def initial_weeks(weeks: int, most: int) -> int:
    """How many weeks are inspected in full before the first choice: ``most``, or a quarter of a short stream, one at least."""
    return max(min(most, weeks // 4), 1)


def inspection_rates(weeks: int, rate: float, decays_over: int) -> Sequence[float]:
    """The share of each week that is inspected.

    Args:
        weeks: how many weeks are chosen from.
        rate: the share that is inspected at last, in (0, 1].
        decays_over: weeks over which the share falls, by the same step each week, from 1 to ``rate``; 0: it is ``rate`` at once.
    """
    falling = [1 - (1 - rate) * week / decays_over for week in range(min(decays_over, weeks))]
    return [*falling, *[rate] * (weeks - len(falling))]
