"""What a history lets expect of the next month: bounds that few months make wide and that single odd months do not move.

All bounds are robust: a median, and the median absolute deviation from it (P. J. Rousseeuw and C. Croux 1993, "Alternatives to
the median absolute deviation"). Amounts are compared on a log scale, shares as arcsines of their roots, whose error hangs on the
number of rows alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Fewer months before say too little: of such a month it is said that it has no history.
LEAST_HISTORY = 3

# How many deviations lie between the median and a bound where the history is long. One month has some sixty measures, and a false
# alarm a year is to be the most: bounds of three deviations would be crossed by chance every few months.
_DEVIATIONS = 3.3
_FEW_MONTHS = 1.5

# What is known before there is a history counts like this many months.
_PRIOR_MONTHS = 3

# Makes a median absolute deviation that of a normal distribution's standard deviation.
_CONSISTENT = 1.4826


@dataclass(frozen=True)
class Scale:
    """How the values of a measure are compared.

    Attributes:
        forward: from a value to the scale.
        back: from the scale to a value.
        change: the values that differ from an expected one by so little that nobody needs to look, as a function of it.
        spread: how far months differ where nothing is known yet, on the scale.
    """

    forward: Callable[[float], float]
    back: Callable[[float], float]
    change: Callable[[float], tuple[float, float]]
    spread: float


def amounts(factor: float, spread: float) -> Scale:
    """A scale of positive amounts, on which less than a factor is no news."""
    return Scale(math.log, math.exp, lambda expected: (expected / factor, expected * factor), spread)


def shares(difference: float, odds: float, spread: float) -> Scale:
    """A scale of shares, on which a small difference or a small factor of the odds is no news."""

    def change(expected: float) -> tuple[float, float]:
        low, high = (_with_odds(expected, of) for of in (1 / odds, odds))
        return min(low, expected - difference), max(high, expected + difference)

    return Scale(_arcsine, lambda on: math.sin(min(max(on, 0.0), math.pi / 2)) ** 2, change, spread)


def _with_odds(share: float, factor: float) -> float:
    odds = factor * share
    return odds / (1 - share + odds) if odds else 0.0


def _arcsine(share: float) -> float:
    return math.asin(math.sqrt(min(max(share, 0.0), 1.0)))


@dataclass(frozen=True)
class Bounds:
    """A month's value of a measure beside what its history lets expect.

    Attributes:
        value: the measure.
        expected: what the months before let expect.
        low: the lowest value that is nothing unusual; None where every low value is usual.
        high: the highest one, in the same way.
    """

    value: float
    expected: float
    low: float | None
    high: float | None

    @property
    def is_outside(self) -> bool:
        """Whether the value lies outside the bounds."""
        return (self.low is not None and self.value < self.low) or (self.high is not None and self.value > self.high)


def bounds(
    scale: Scale,
    value: float,
    error: float,
    before: Sequence[float],
    errors: Sequence[float],
    year_before: float | None = None,
) -> Bounds:
    """The bounds of a value.

    Args:
        scale: the scale.
        value: the month's value.
        error: standard error of the value by its number of rows alone, on the scale.
        before: the values of the months before, at least one.
        errors: their standard errors in the same way.
        year_before: what the same month of last year lets expect, where it is known. A value between it and what the other months
            let expect is usual.
    """
    on = np.array([scale.forward(one) for one in before])
    expected, half = float(np.median(on)), width(scale.spread, on, error, errors)
    ends = [expected] if year_before is None else [expected, scale.forward(year_before)]
    news = [scale.change(scale.back(end)) for end in ends]
    low, high = scale.back(min(ends) - half), scale.back(max(ends) + half)
    return Bounds(value, scale.back(expected), min(low, *(n[0] for n in news)), max(high, *(n[1] for n in news)))


def at_most(value: float, error: float, before: Sequence[float], least: float, spread: float) -> Bounds:
    """The upper bound of a distance that is about 0 in a usual month.

    Args:
        value: the month's distance.
        error: its standard error by the number of rows alone.
        before: the distance of each month before from the other ones; may be empty.
        least: a smaller distance is no news.
        spread: how far distances differ where nothing is known yet.
    """
    on = np.array(before, float)
    expected = float(np.median(on)) if len(on) else 0.0
    return Bounds(value, expected, None, max(least, expected + width(spread, on, error)))


def width(spread: float, before: np.ndarray, error: float, errors: Sequence[float] = ()) -> float:
    """How far from the expected value a bound lies, on the scale.

    The months before differ because the trade does and because each has a limited number of rows. Where the errors of the latter
    kind are known, they are taken away, and that of the month at hand is added.

    Args:
        spread: how far months differ where nothing is known yet.
        before: the values of the months before, on the scale.
        error: standard error of the month's value by its number of rows.
        errors: those of the months before; none where they are not known.
    """
    months = len(before)
    deviation = _CONSISTENT * float(np.median(np.abs(before - np.median(before)))) if months else 0.0
    of_rows = float(np.median(np.square(errors))) if len(errors) else 0.0
    between = max(deviation**2 - of_rows, 0.0)
    variance = (_PRIOR_MONTHS * spread**2 + months * between) / (_PRIOR_MONTHS + months)
    return _DEVIATIONS * (1 + _FEW_MONTHS / max(months, 1)) * math.sqrt(variance + error**2)
