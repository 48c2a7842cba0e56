"""The date within its month as a week and a weekday. Trade has a weekly pattern that a day number hides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class CalendarEncoding:
    """Dates of one month as ``week`` ("1" to "5", days 1 to 7 being the first) and ``weekday`` ("Mon" to "Sun").

    Attributes:
        month: the month's first day.
    """

    month: pd.Timestamp

    @classmethod
    def fit(cls, dates: pd.Series) -> CalendarEncoding:
        """Learn the month from its dates.

        Raises:
            ValueError: the dates span more than one month.
        """
        months = dates.dt.to_period("M").unique()
        if len(months) != 1:
            raise ValueError(f"the dates lie in {len(months)} months instead of one: {', '.join(map(str, months))}")
        return cls(months[0].to_timestamp())

    def encode(self, dates: pd.Series) -> pd.DataFrame:
        """Frame of shape (n, 2): ``week`` and ``weekday``."""
        weekdays = np.array(WEEKDAYS, dtype=object)
        return pd.DataFrame(
            {"week": ((dates.dt.day - 1) // 7 + 1).astype(str), "weekday": weekdays[dates.dt.dayofweek.to_numpy()]},
            index=dates.index,
        )

    def decode(self, encoded: pd.DataFrame) -> pd.Series:
        """The dates. A week and a weekday name one day; a fifth week without that weekday is the fourth."""
        weeks = encoded["week"].astype(int).to_numpy() - 1
        numbers = {name: number for number, name in enumerate(WEEKDAYS)}
        offset = (encoded["weekday"].map(numbers).to_numpy(dtype=int) - self.month.dayofweek) % 7
        days = weeks * 7 + offset
        days = np.where(days >= self.month.days_in_month, days - 7, days)
        return pd.Series(self.month + pd.to_timedelta(days, unit="D"), index=encoded.index).astype("datetime64[ns]")
