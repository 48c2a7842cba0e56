"""What a month is measured by: each measure says how a month compares with months before it.

A measure knows no verdict: whether a month outside its bounds is told, or goes on at a level that was told before, says
``verdicts``.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from customs_assets.declaration import ATTRIBUTES, BY_NAME, FORM_CODES, IDENTITIES, LABELS, Kind
from customs_assets.drift.history import Bounds, Scale, amounts, at_most, bounds, shares, width
from customs_assets.drift.month_counts import MonthCounts, Months

# Standard error of a median, in standard deviations of a normal distribution over the root of the rows, by its quartiles' ratio.
_ERROR_OF_MEDIAN = 1.2533 / 1.349

# Declarations of one importer come together, so months differ more than independent rows would.
_TOGETHER = 1.5

# Offices with fewer priced rows are not compared.
_LEAST_PRICED = 30


class Measure(Protocol):
    """One thing that months are compared by."""

    @property
    def key(self) -> str:
        """Its name in the document."""
        ...

    @property
    def title(self) -> str:
        """Its name in a sentence."""
        ...

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The value of a month beside what other months let expect; None where the month or the others do not have it."""
        ...


@dataclass(frozen=True)
class Value:
    """A measure that is one number of each month.

    Attributes:
        key: its name in the document.
        title: its name in a sentence.
        scale: how values are compared.
        value: the number of a month with its standard error on the scale; None where a month has none.
        together: how many times the error of independent rows the true one is: declarations of one importer come together.
        is_seasonal: whether the same month of the year before lets expect something else than the months between.
    """

    key: str
    title: str
    scale: Scale
    value: Callable[[MonthCounts], tuple[float, float] | None]
    is_seasonal: bool = False
    together: float = _TOGETHER

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The value of a month beside its bounds."""
        now = self.value(months.counts[at])
        found = {place: value for place in before if (value := self.value(months.counts[place])) is not None}
        if now is None or not found:
            return None
        known = {place: value for place, (value, _) in found.items()}
        errors = [self.together * error for _, error in found.values()]
        year_before = self._year_before(months, at, known) if self.is_seasonal else None
        return bounds(self.scale, now[0], self.together * now[1], list(known.values()), errors, year_before)

    def _year_before(self, months: Months, at: int, known: dict[int, float]) -> float | None:
        """What the month differed from its neighbours by a year ago, added to what is expected now."""
        place = months.year_before(at)
        if place is None or (then := self.value(months.counts[place])) is None:
            return None
        around = [value for other, value in known.items() if abs(other - place) <= 6 and other != place]
        if len(around) < 6:
            return None
        forward = self.scale.forward
        season = forward(then[0]) - float(np.median([forward(value) for value in around]))
        return self.scale.back(float(np.median([forward(value) for value in known.values()])) + season)


@dataclass(frozen=True)
class Shares:
    """How far the shares of an attribute's codes are from those of other months: half the sum of their differences.

    That is their total variation distance, less what so few rows differ by chance.
    """

    attribute: str
    least: float = 0.10
    spread: float = 0.02

    @property
    def key(self) -> str:
        """Its name in the document."""
        return f"shares of {self.attribute}"

    @property
    def title(self) -> str:
        """Its name in a sentence."""
        return f"the distance of the shares of {told(self.attribute)}"

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The distance of a month from the other ones, beside the distance of each of those from the rest."""
        rows, totals, _ = months.table(self.attribute)
        before = [place for place in before if totals[place] > 0]
        if not before or totals[at] == 0:
            return None
        of, total = rows[before], totals[before]
        shares_before = of / total[:, None]
        together = shares_before.mean(axis=0)
        distance, chance = _distance(rows[at] / totals[at], together, totals[at], total.sum())
        if (year := months.year_before(at)) is not None and totals[year] > 0:
            distance = min(
                distance, _distance(rows[at] / totals[at], rows[year] / totals[year], totals[at], totals[year])[0]
            )
        apart = []
        for place in range(len(before)) if len(before) > 1 else ():
            others = (together * len(before) - shares_before[place]) / (len(before) - 1)
            apart.append(_distance(shares_before[place], others, total[place], total.sum() - total[place])[0])
        return at_most(distance, chance / 2, apart, self.least, self.spread)


def _distance(one: np.ndarray, other: np.ndarray, rows: float, rows_other: float) -> tuple[float, float]:
    """The total variation distance less what chance makes of it, and what chance makes of it."""
    variance = np.clip(other * (1 - other), 0, None) * (1 / rows + 1 / rows_other)
    chance = float(np.sqrt(2 / math.pi * variance).sum()) / 2
    return max(float(np.abs(one - other).sum()) / 2 - chance, 0.0), chance


@dataclass(frozen=True)
class FallenAway:
    """The share of the earlier rows whose code, usual in every month, has all but gone: an office that sent nothing."""

    attribute: str
    least: float = 0.0

    @property
    def key(self) -> str:
        """Its name in the document."""
        return f"fallen away of {self.attribute}"

    @property
    def title(self) -> str:
        """Its name in a sentence."""
        return f"the share of {told(self.attribute)} that occur in every month before and not in this one"

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The share of a month."""
        rows, totals, _ = months.table(self.attribute)
        before = [place for place in before if totals[place] > 0]
        if not before or totals[at] == 0:
            return None
        least_shares = (rows[before] / totals[before][:, None]).min(axis=0)
        expected = totals[at] * least_shares
        gone = (expected >= 8 + 24 / len(before)) & (rows[at] < 0.1 * expected)
        share = float((rows[before].sum(axis=0) / totals[before].sum())[gone].sum())
        return Bounds(share, 0.0, None, self.least)


@dataclass(frozen=True)
class New:
    """The share of rows whose code occurs in no month before, beside the share of each of those that was in no other."""

    attribute: str
    least: float = 0.02

    @property
    def key(self) -> str:
        """Its name in the document."""
        return f"new {self.attribute}"

    @property
    def title(self) -> str:
        """Its name in a sentence."""
        return f"the share of rows with new codes of {told(self.attribute)}"

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The share of a month."""
        rows, totals, _ = months.table(self.attribute)
        before = [place for place in before if totals[place] > 0]
        if not before or totals[at] == 0:
            return None
        of = rows[before]
        known_in = (of > 0).sum(axis=0)
        share = float(rows[at][known_in == 0].sum() / totals[at])
        alone = of[:, known_in == 1].sum(axis=1) / totals[before] if len(before) > 1 else np.zeros(0)
        expected = float(np.median(alone)) if len(alone) else 0.0
        error = math.sqrt(max(expected * (1 - expected), 1 / totals[at]) / totals[at])
        return at_most(share, _TOGETHER * error, list(alone), self.least, spread=self.least / 2)


@dataclass(frozen=True)
class PriceOfOffice:
    """The factor by which the prices per kilogram of one office, the farthest from its own history, differ from it."""

    key: str = "price_per_kilogram of one office"
    title: str = "the price per kilogram of the office that changed most, beside its own months before"

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The factor of a month."""
        found: list[tuple[float, Bounds]] = []
        for office, price in months.counts[at].named("price of office").items():
            past = [math.log(of.get("price of office", office)) for of in _priced(months, before, office)]
            if not past or months.counts[at].get("priced in office", office) < _LEAST_PRICED:
                continue
            away = math.log(price) - float(np.median(past))
            error = _ERROR_OF_MEDIAN * 2 / math.sqrt(months.counts[at].get("priced in office", office))
            half = max(width(0.3, np.array(past), _TOGETHER * error), math.log(5))
            found.append((abs(away) / half, Bounds(math.exp(away), 1.0, math.exp(-half), math.exp(half))))
        return max(found, key=lambda pair: pair[0])[1] if found else None


def _priced(months: Months, before: Sequence[int], office: str) -> list[MonthCounts]:
    return [
        months.counts[place]
        for place in before
        if months.counts[place].get("priced in office", office) >= _LEAST_PRICED
    ]


@dataclass(frozen=True)
class SameRows:
    """The share of rows that an earlier month has, too, by the samples of both: a file that was delivered twice."""

    key: str = "rows of an earlier month"
    title: str = "the share of rows that an earlier month has, too"
    least: float = 0.2

    def compared(self, months: Months, at: int, before: Sequence[int]) -> Bounds | None:
        """The share of a month, beside what earlier months shared with those before them."""
        if at == 0 or not months.samples[at]:
            return None
        usual = [self._most_shared(months, place) for place in before if place > 0]
        return Bounds(self._most_shared(months, at), 0.0, None, self.least + max(usual, default=0.0))

    def _most_shared(self, months: Months, at: int) -> float:
        return max((_resemblance(months.samples[at], months.samples[place]) for place in range(at)), default=0.0)


def _resemblance(one: frozenset[int], other: frozenset[int]) -> float:
    size = min(len(one), len(other))
    if size == 0:
        return 0.0
    smallest = sorted(one | other)[:size]
    return sum(content in one and content in other for content in smallest) / size


def told(attribute: str) -> str:
    """What an attribute is called in a sentence."""
    if attribute in BY_NAME:
        return BY_NAME[attribute].header
    return {"chapter": "HS chapter", "digits": "digits of the product code"}.get(attribute, attribute.replace("_", " "))


# Measures of single numbers.


def _share(part: Callable[[MonthCounts], float], whole: Callable[[MonthCounts], float], attribute: str = "rows"):
    """A share of rows, of the months that have an attribute."""

    def value(counts: MonthCounts) -> tuple[float, float] | None:
        total = whole(counts) if counts.named(attribute) else 0.0
        return (part(counts) / total, 0.5 / math.sqrt(total)) if total > 0 else None

    return value


def _set_aside(counts: MonthCounts) -> float:
    return sum(counts.named("set aside").values())


def _all_rows(counts: MonthCounts) -> float:
    return counts.rows + _set_aside(counts)


def _volume(counts: MonthCounts) -> tuple[float, float] | None:
    rows = _all_rows(counts)
    return (rows, 1 / math.sqrt(rows)) if rows else None


def _inspected(counts: MonthCounts) -> float:
    label = next((name for name in LABELS if counts.named(name)), "")
    return sum(number for code, number in counts.named(label).items() if code)


def _days_without_rows(counts: MonthCounts) -> tuple[float, float] | None:
    """The longest run of days without a row, with one more, so that it is never 0."""
    days = sorted(int(day) for day in counts.named("day"))
    if not days:
        return None
    end = monthrange(int(counts.month[:4]), int(counts.month[5:]))[1] + 1
    gaps = [later - earlier - 1 for earlier, later in pairwise([0, *days, end])]
    return 1.0 + max(gaps), 4 / math.sqrt(counts.rows)


def _first_half(counts: MonthCounts) -> float:
    return sum(number for day, number in counts.named("day").items() if int(day) <= 15)


def _largest_day(counts: MonthCounts) -> float:
    return max(counts.named("day").values(), default=0.0)


def _median(number: str):
    def value(counts: MonthCounts) -> tuple[float, float] | None:
        rows, spread = counts.get(number, "positive"), counts.get(number, "spread")
        return (counts.get(number, "median"), _ERROR_OF_MEDIAN * max(spread, 0.2) / math.sqrt(rows)) if rows else None

    return value


def _rows_a_party(role: str):
    def value(counts: MonthCounts) -> tuple[float, float] | None:
        parties, rows = counts.get(role, "distinct"), counts.rows - counts.get(role, "none")
        # More rows are of the same parties, so the ratio grows with the volume.
        return (rows / parties, 1 / math.sqrt(parties)) if parties and rows > 0 else None

    return value


_OF_ROLE = {role: BY_NAME[role].header.removesuffix(" ID").lower() for role in IDENTITIES}
_NUMBERS = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.NUMBER)
_CODES = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.CODE and a.name != "hs10_code")
_DECADES = tuple(f"decades of {number}" for number in (*_NUMBERS, "price_per_kilogram"))

_VALUES = (
    Value("volume", "the number of rows", amounts(1.4, 0.08), _volume, is_seasonal=True),
    Value("set aside", "the share of rows that were set aside", shares(0.02, 1.6, 0.02), _share(_set_aside, _all_rows)),
    Value(
        "inspected",
        "the share of inspected rows",
        shares(0.01, 1.6, 0.008),
        _share(_inspected, lambda counts: counts.rows),
        is_seasonal=True,
        together=1.0,
    ),
    *(
        Value(
            f"rate of {label}",
            f"the share of inspected rows with {BY_NAME[label].header.lower()}",
            shares(0.03, 1.8, 0.04),
            _share(
                lambda counts, label=label: sum(n for code, n in counts.named(label).items() if code not in ("", "0")),
                lambda counts, label=label: sum(n for code, n in counts.named(label).items() if code),
            ),
            is_seasonal=True,
            together=1.0,
        )
        for label in LABELS
    ),
    Value("days without rows", "the longest run of days without a row", amounts(3.0, 0.15), _days_without_rows),
    Value(
        "first half",
        "the share of rows of the first 15 days",
        shares(0.25, 1.6, 0.04),
        _share(_first_half, lambda counts: counts.rows),
    ),
    Value(
        "largest day",
        "the share of rows of the largest day",
        shares(0.20, 1.6, 0.03),
        _share(_largest_day, lambda counts: counts.rows),
    ),
    *(
        Value(f"median of {number}", f"the median of {told(number)}", amounts(1.5, 0.12), _median(number))
        for number in (*_NUMBERS, "price_per_kilogram")
    ),
    *(
        Value(
            f"zeros of {number}",
            f"the share of rows whose {told(number)} is 0",
            shares(0.05, 1.6, 0.02),
            _share(
                lambda counts, number=number: counts.get(number, "zeros"),
                lambda counts, number=number: counts.get(number, "zeros") + counts.get(number, "positive"),
            ),
        )
        for number in _NUMBERS
    ),
    *(
        Value(f"rows a {role}", f"the rows for each {name}", amounts(1.4, 0.06), _rows_a_party(role))
        for role, name in _OF_ROLE.items()
    ),
    *(
        Value(
            f"largest {role}",
            f"the share of rows of the largest {name}",
            shares(0.10, 1.6, 0.03),
            _share(lambda counts, role=role: counts.get(role, "largest"), lambda counts: counts.rows, role),
        )
        for role, name in _OF_ROLE.items()
    ),
    *(
        Value(
            f"without {role}",
            f"the share of rows without a {name}",
            shares(0.10, 1.6, 0.03),
            _share(lambda counts, role=role: counts.get(role, "none"), lambda counts: counts.rows, role),
        )
        for role, name in _OF_ROLE.items()
        if BY_NAME[role].optional
    ),
)

MEASURES: tuple[Measure, ...] = (
    *_VALUES,
    *(Shares(attribute) for attribute in (*_CODES, "chapter", "digits", *_DECADES)),
    *(Shares(attribute, 0.15) for attribute in ("departure from another country", "origin in another country")),
    *(FallenAway(attribute) for attribute in (*FORM_CODES, "tax_type")),
    *(FallenAway(attribute, 0.02) for attribute in ("country_of_departure", "country_of_origin", "chapter")),
    *(New(attribute) for attribute in _CODES),
    New("hs10_code", 0.05),
    PriceOfOffice(),
    SameRows(),
)
