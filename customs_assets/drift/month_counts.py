"""The counts of a month as measures ask for them, and the counts of many months as tables of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customs_assets.months import previous_month


@dataclass(frozen=True)
class MonthCounts:
    """The counts of one month.

    Attributes:
        month: the month.
        numbers: by attribute and code, as ``counting.counted`` has them.
    """

    month: str
    numbers: Mapping[str, Mapping[str, float]]

    @staticmethod
    def of(month: str, table: pd.DataFrame) -> MonthCounts:
        """The counts of a table of ``attribute``, ``code`` and ``number``."""
        found: dict[str, dict[str, float]] = {}
        for attribute, code, number in zip(table["attribute"], table["code"], table["number"], strict=True):
            found.setdefault(attribute, {})[code] = number
        return MonthCounts(month, found)

    @property
    def rows(self) -> float:
        """The declarations of the month that were not set aside."""
        return self.get("rows", "")

    def get(self, attribute: str, code: str) -> float:
        """One number; 0 where nothing was counted."""
        return self.numbers.get(attribute, {}).get(code, 0.0)

    def named(self, attribute: str) -> Mapping[str, float]:
        """All numbers of an attribute by code; empty where the month does not have it."""
        return self.numbers.get(attribute, {})


class Months:
    """The counts of some months in order, the last of which is judged."""

    def __init__(self, counts: Sequence[MonthCounts]) -> None:
        self.counts = sorted(counts, key=lambda of: of.month)
        self._at = {of.month: at for at, of in enumerate(self.counts)}
        self._tables: dict[str, tuple[np.ndarray, np.ndarray, list[str]]] = {}

    def __len__(self) -> int:
        return len(self.counts)

    def year_before(self, at: int) -> int | None:
        """The place of the same month of the year before, where it is at hand."""
        month = self.counts[at].month
        return self._at.get(f"{int(month[:4]) - 1:04d}{month[4:]}")

    def follows(self, at: int, earlier: int) -> bool:
        """Whether a month is the one after another in the calendar, or the next that there is."""
        return earlier == at - 1 or self.counts[earlier].month == previous_month(self.counts[at].month)

    def table(self, attribute: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Rows by month and code, the rows of each month, and the codes."""
        if attribute not in self._tables:
            named = [self._grouped(of, attribute) for of in self.counts]
            codes = sorted({code for of in named for code in of})
            at = {code: place for place, code in enumerate(codes)}
            rows = np.zeros((len(named), len(codes)))
            for month, of in enumerate(named):
                for code, number in of.items():
                    rows[month, at[code]] = number
            self._tables[attribute] = rows, rows.sum(axis=1), codes
        return self._tables[attribute]

    def _grouped(self, counts: MonthCounts, attribute: str) -> Mapping[str, float]:
        source, group = _GROUPS.get(attribute, (attribute, None))
        named = counts.named(source)
        if group is None:
            return named
        found: dict[str, float] = {}
        for code, number in named.items():
            if (key := group(code)) is not None:
                found[key] = found.get(key, 0.0) + number
        return found

    @cached_property
    def samples(self) -> list[frozenset[int]]:
        """The sampled contents of each month, as hashes."""
        return [frozenset(int(code) for code in of.named("sample")) for of in self.counts]


def _decade(code: str) -> str | None:
    return code if code.startswith("decade ") else None


# Codes that are made of others: what they are counted from, and the group of each code.
_GROUPS = {
    "chapter": ("hs10_code", lambda code: code[:2]),
    "digits": ("hs10_code", lambda code: str(len(code))),
    **{
        f"decades of {number}": (number, _decade)
        for number in ("item_price", "net_mass", "tax_rate", "price_per_kilogram")
    },
}
