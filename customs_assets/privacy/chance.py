"""What chance alone can do: intervals of attacks, with the importer as the unit, for few importers and for many.

The rows of one importer resemble each other, so a thousand rows of five importers say little more than five rows. If nothing was
memorized, each importer could as well be in control as in training: a coin decided. Then each importer's contribution to a
score tells how far the score strays by chance: subtract from each its fair share, and take the root of the sum of the squares.
This is the spread of a randomization test (Fisher 1935, section 21). It holds for five importers and for five thousand, and needs
no model of how much an importer's rows resemble each other.

What belongs here is that arithmetic. What is counted stands in the attacks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from customs_assets.privacy.goals import ATTACK_CLAIMS

# Claims that are judged together, and how often any of them may block a release where nothing leaked. Each claim gets an equal
# part of that rate (Bonferroni). A claim that takes the best of several attacks divides its part among them.
CLAIMS = len(ATTACK_CLAIMS)
FALSE_ALARMS = 0.05

# A limit is excluded where the upper end of an interval of this confidence does not reach it. Each claim answers for itself here:
# whoever asks whether one attack may be worse than its limit asks one question. Where a claim takes the strongest of several
# attacks the highest of their ends holds for all of them, because the truly strongest has an end of its own.
CONFIDENCE = 0.95

# Importers that are added with all guesses right, and as many with all wrong. Without them no success at all would count as
# certain. The fewer are added, the less they take from guesses that are independent.
_ADDED = 0.1

# With one importer on a side nothing separates chance from habit.
_LEAST_IMPORTERS = 2


class Rate(NamedTuple):
    """A share as Wilson (1927) estimates it: the middle of the interval, which is drawn towards 1/2, and half its width."""

    value: float
    error: float


def judging_quantile(attacks: int = 1) -> float:
    """How many standard errors a lower bound lies below its measure, for a claim that takes the best of ``attacks`` attacks."""
    from scipy.stats import norm

    return float(norm.isf(FALSE_ALARMS / (CLAIMS * attacks)))


def finding_quantile(ways: int = 1) -> float:
    """How many standard errors one of a claim's ways to guess must lie above chance to count by itself.

    By chance one of the claim's ways does so once in twenty times. That convicts nobody: its upper end has to exclude the limit.
    """
    from scipy.stats import norm

    return float(norm.isf(FALSE_ALARMS / ways))


def usual_quantile() -> float:
    """How many standard errors the ends of an interval of 95% confidence lie from its measure."""
    from scipy.stats import norm

    return float(norm.ppf((1 + CONFIDENCE) / 2))


def too_few(*importers: int) -> bool:
    """Whether a side has too few importers for any interval."""
    return min(importers) < _LEAST_IMPORTERS


def kish(weights: np.ndarray) -> float:
    """How many importers of equal weight are worth as much as importers of these weights: (Σw)² / Σw² (Kish 1965, 11.7)."""
    squares = float(np.sum(np.square(weights, dtype=np.float64)))
    return float(np.sum(weights)) ** 2 / squares if squares else 0.0


def wilson(share: float, number: float, quantile: float) -> Rate:
    """Wilson's score interval of a share of successes that is worth ``number`` independent trials (any number above 0)."""
    weight = number + quantile**2
    spread = number * share * (1 - share) + quantile**2 / 4
    return Rate((number * share + quantile**2 / 2) / weight, quantile * math.sqrt(spread) / weight)


def effective_attacks(
    sides: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[float, float]:
    """How many independent guesses the guesses on the importers of each side are worth.

    On each side the squares of (successes − rate · attacks) are summed over the importers. The rate is that of both sides
    together, because they have the same rate where nothing leaked. The sum, divided by what independent guesses would give,
    is the design effect (Kish 1965, section 8.2). To each side ``_ADDED`` of an importer of the usual size is added with all
    guesses right, and as much with all wrong: no success at all among five importers is worth five guesses and not five
    hundred.

    Args:
        sides: attacks and successes by importer, for training and for control. Each side has at least one attack.

    Returns:
        The number for training and for control, each above 0 and at most the side's attacks.
    """
    totals = [float(attacks.sum()) for attacks, _ in sides]
    usual = [guesses / kish(attacks) for guesses, (attacks, _) in zip(totals, sides, strict=True)]
    successes = sum(float(right.sum()) for _, right in sides)
    rate = (successes + _ADDED * sum(usual)) / (sum(totals) + 2 * _ADDED * sum(usual))
    numbers = []
    for (attacks, right), guesses, added in zip(sides, totals, usual, strict=True):
        squares = float(np.sum((right - rate * attacks) ** 2)) + _ADDED * added**2 * (rate**2 + (1 - rate) ** 2)
        effect = squares / ((guesses + 2 * _ADDED * added) * rate * (1 - rate))
        numbers.append(guesses / max(effect, 1.0))
    return numbers[0], numbers[1]


def auc_bound(scores: np.ndarray, positive: np.ndarray, importers: np.ndarray, quantile: float) -> tuple[float, float]:
    """The lower bound of an AUC, in [0, 1], and its standard error; both NaN with too few importers on a side.

    Newcombe's (2006) method 5 with effective numbers of rows: an AUC of so many independent rows strays as far as this one does
    where a coin puts each importer on its side. Where the importers of one side differ much from each other, the variance between
    clusters (Obuchowski 1997) is larger; the bound is never nearer than Student's quantile of that variance.

    Args:
        scores: n numbers.
        positive: n booleans; both kinds occur.
        importers: n codes from 0; an importer's rows are all positive or all negative.
        quantile: of the normal distribution.
    """
    from scipy.stats import norm, rankdata, t

    sides = [np.unique(importers[side], return_inverse=True, return_counts=True)[1:] for side in (positive, ~positive)]
    if too_few(*(len(rows) for _, rows in sides)):
        return math.nan, math.nan
    count, members = len(scores), int(positive.sum())
    others = count - members
    ranks = rankdata(scores)
    auc = float((ranks[positive].sum() - members * (members + 1) / 2) / (members * others))
    adds = np.bincount(importers, (ranks - (count + 1) / 2) / count)
    by_coin = (count / (2 * members * others)) ** 2 * float(np.sum(adds**2))
    variances, freedoms = [], []
    for side, size, (codes, rows) in zip((positive, ~positive), (members, others), sides, strict=True):
        placements = (ranks[side] - rankdata(scores[side])) / (count - size)
        adds = np.bincount(codes, placements - placements.mean())
        variances.append(len(rows) / (len(rows) - 1) * float(np.sum(adds**2)) / size**2)
        freedoms.append(max(kish(rows) - 1, 0.1))
    between_clusters = sum(variances)
    independent = (count + 1) / (12 * members * others)
    shrunk = max(by_coin / independent, 1.0)
    lower = _newcombe(auc, members / shrunk, others / shrunk, quantile)
    if between_clusters:
        # Welch and Satterthwaite. The Kish number says how many observations the importers are.
        freedom = between_clusters**2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
        lower = min(lower, max(auc - float(t.isf(norm.sf(quantile), freedom)) * math.sqrt(between_clusters), 0.0))
    return lower, math.sqrt(max(by_coin, between_clusters))


def auc_upper_bound(scores: np.ndarray, positive: np.ndarray, importers: np.ndarray, quantile: float) -> float:
    """The upper bound of an AUC: one less the lower bound of the attack that guesses the other way round (:func:`auc_bound`)."""
    return 1 - auc_bound(-scores, positive, importers, quantile)[0]


def _newcombe(auc: float, members: float, others: float, quantile: float) -> float:
    """The lower bound by Newcombe's method 5: the AUC that lies ``quantile`` of its own errors below the one measured."""
    from scipy.optimize import brentq

    middle = (members + others) / 2 - 1

    def short_of(value: float) -> float:
        shape = 1 + middle * (1 - value) / (2 - value) + middle * value / (1 + value)
        variance = value * (1 - value) * max(shape, 0.0) / (members * others)
        return auc - value - quantile * math.sqrt(variance)

    # At 1 the error is 0 too, but that root is not the bound.
    end = min(auc, 1 - 1e-9)
    return float(brentq(short_of, 0.0, end)) if auc > 0 else 0.0  # pyright: ignore[reportArgumentType]
