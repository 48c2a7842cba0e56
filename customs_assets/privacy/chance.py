"""What chance alone can do: intervals of attacks whose unit is the importer, right for few importers too.

The rows of one importer are like each other, so a thousand rows of five importers say little more than five rows. If nothing of
them was memorized, each importer could as well stand in control as in training; which of both it is was a coin's throw. What each
importer adds to a score then tells how far the score strays by chance: by the root of the sum of the squares of what they add,
each measured from its fair share. This is the spread of a randomization test (Fisher 1935, section 21). It is the same for
five importers and for five thousand, and it needs no model of how like an importer's rows are.

What belongs here is that arithmetic: how many independent throws a score is worth (its effective number), and the score intervals
that these numbers give. What is counted stands in the attacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Claims that are judged together, and how often any of them may convict where nothing leaked. Each claim gets its equal part
# (Bonferroni); a claim that takes the best of several attacks divides its part among them.
CLAIMS = 10
FALSE_CONVICTIONS = 0.05

# Importers added on whom all guesses are right, and as many on whom all are wrong. What no success at all is worth does not hang
# on how few they are, and the fewer they are, the less they take from guesses that are independent indeed.
_ADDED = 0.1

# With one importer on a side nothing tells chance from habit.
LEAST_IMPORTERS = 2


@dataclass(frozen=True, slots=True)
class Rate:
    """A share as Wilson (1927) estimates it.

    Attributes:
        value: the interval's middle, which is drawn towards 1/2 from the share of successes.
        error: half the interval's width.
    """

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class AucBound:
    """How far an AUC may be chance.

    Attributes:
        lower: what the AUC is not below but by chance, in [0, 1]; NaN with fewer than two importers on a side.
        standard_error: of the AUC; NaN as above.
    """

    lower: float
    standard_error: float


def judging_quantile(attacks: int = 1) -> float:
    """Standard errors that a lower end lies below its measure: the normal quantile for one of ``CLAIMS`` claims.

    Args:
        attacks: attacks of which the claim takes the best.
    """
    from scipy.stats import norm

    return float(norm.isf(FALSE_CONVICTIONS / (CLAIMS * attacks)))


def too_few(*sides: np.ndarray) -> bool:
    """Whether a side has too few importers for any interval.

    Args:
        sides: for each side an array with one element an importer.
    """
    return min(len(side) for side in sides) < LEAST_IMPORTERS


def kish(weights: np.ndarray) -> float:
    """Importers of equal weight that would be worth as much as these: (Σw)² / Σw² (Kish 1965, section 11.7).

    Args:
        weights: rows of each importer, or any weights, not negative; 0 for no importers.
    """
    squares = float(np.sum(np.square(weights, dtype=np.float64)))
    return float(np.sum(weights)) ** 2 / squares if squares else 0.0


def wilson(share: float, number: float, quantile: float) -> Rate:
    """The middle and half the width of Wilson's score interval.

    Args:
        share: of successes, in [0, 1].
        number: independent trials that the share is worth; above 0, need not be whole.
        quantile: of the normal distribution.
    """
    weight = number + quantile**2
    spread = number * share * (1 - share) + quantile**2 / 4
    return Rate((number * share + quantile**2 / 2) / weight, quantile * math.sqrt(spread) / weight)


def effective_attacks(
    sides: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]], guesses: int
) -> tuple[float, float]:
    """Independent guesses that as many guesses on either side's importers are worth.

    On each side the squares of (successes − rate · attacks) of its importers are summed, with the rate of both sides together, as
    it is where nothing leaked. Their sum over what independent guesses would give is the design effect (Kish 1965, section 8.2).
    A tenth of an importer is added on each side on whom all guesses are right, and a tenth of one on whom all are wrong, each of
    the side's usual size. So no success at all among five importers is worth five guesses and not five hundred.

    Args:
        sides: of training and of control: attacks and successes by importer, each an array with one element an importer. Attacks
            of a side sum to ``guesses``.
        guesses: on either side.

    Returns:
        Of training and of control, above 0 and at most ``guesses``.
    """
    usual = [guesses / kish(attacks) for attacks, _ in sides]
    successes = sum(float(right.sum()) for _, right in sides)
    rate = (successes + _ADDED * sum(usual)) / (2 * (guesses + _ADDED * sum(usual)))
    numbers = []
    for (attacks, right), added in zip(sides, usual, strict=True):
        squares = float(np.sum((right - rate * attacks) ** 2)) + _ADDED * added**2 * (rate**2 + (1 - rate) ** 2)
        effect = squares / ((guesses + 2 * _ADDED * added) * rate * (1 - rate))
        numbers.append(guesses / max(effect, 1.0))
    return numbers[0], numbers[1]


def auc_bound(scores: np.ndarray, positive: np.ndarray, importers: np.ndarray, quantile: float) -> AucBound:
    """The lower end of an AUC whose rows come from importers.

    Newcombe's (2006) method 5 with effective numbers: so many rows on either side that the AUC of independent rows would stray
    as far as this one does where a coin puts each importer on its side. Never nearer than Student's quantile of the clusters'
    own variance (Obuchowski 1997), which is larger where one side's importers differ much from each other.

    Args:
        scores: array of n numbers.
        positive: array of n booleans; both kinds occur.
        importers: array of n codes from 0; an importer's rows are all positive or all negative.
        quantile: of the normal distribution.
    """
    from scipy.stats import norm, rankdata, t

    sides = [_on_one_side(importers, positive), _on_one_side(importers, ~positive)]
    if too_few(*(rows for _, rows in sides)):
        return AucBound(math.nan, math.nan)
    count, members = len(scores), int(positive.sum())
    others = count - members
    ranks = rankdata(scores)
    auc = (ranks[positive].sum() - members * (members + 1) / 2) / (members * others)
    adds = np.bincount(importers, (ranks - (count + 1) / 2) / count)
    by_coin = (count / (2 * members * others)) ** 2 * float(np.sum(adds**2))
    variances, freedoms = [], []
    for side, size in ((positive, members), (~positive, others)):
        codes, rows = sides[0] if side is positive else sides[1]
        placements = (ranks[side] - rankdata(scores[side])) / (count - size)
        adds = np.bincount(codes, placements - placements.mean())
        variances.append(len(rows) / (len(rows) - 1) * float(np.sum(adds**2)) / size**2)
        freedoms.append(max(kish(rows) - 1, 0.1))
    own = sum(variances)
    # Welch and Satterthwaite, with an importer of the Kish number as one observation.
    freedom = own**2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True)) if own else math.inf
    own_quantile = float(t.isf(norm.sf(quantile), freedom))
    independent = (count + 1) / (12 * members * others)
    shrunk = max(by_coin / independent, 1.0)
    lower = _newcombe(float(auc), members / shrunk, others / shrunk, quantile)
    lower = min(lower, max(float(auc) - own_quantile * math.sqrt(own), 0.0)) if own else lower
    return AucBound(lower, math.sqrt(max(by_coin, own)))


def _on_one_side(importers: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows on a side: each one's importer as a code from 0, and each importer's rows."""
    _, codes, rows = np.unique(importers[side], return_inverse=True, return_counts=True)
    return codes, rows


def _newcombe(auc: float, members: float, others: float, quantile: float) -> float:
    """The lower end by Newcombe's method 5: the AUC that lies ``quantile`` of its own errors below the one measured."""
    from scipy.optimize import brentq

    middle = (members + others) / 2 - 1

    def short_of(value: float) -> float:
        shape = 1 + middle * (1 - value) / (2 - value) + middle * value / (1 + value)
        variance = value * (1 - value) * max(shape, 0.0) / (members * others)
        return auc - value - quantile * math.sqrt(variance)

    # At 1 the error is 0 too; that root is not the one.
    end = min(auc, 1 - 1e-9)
    return float(brentq(short_of, 0.0, end)) if auc > 0 else 0.0  # pyright: ignore[reportArgumentType]
