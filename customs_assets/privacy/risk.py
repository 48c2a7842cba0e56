"""The risk that an attack's successes amount to: its rate against training less what it achieves against control.

Giomi, Boenisch, Wehmeyer, Tasnadi: *A Unified Framework for Quantifying Privacy Risk in Synthetic Data* (PoPETs 2023), section 3.
What belongs here is the arithmetic of rates and intervals; the attacks are in ``singling_out``, ``linkability`` and
``inference``. Value, lower and upper end are those of ``anonymeter``, which that paper's authors publish
(``benchmarks/anonymeter_peer.py``). That interval takes guesses for independent; beside it stands one whose unit is the importer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from customs_assets.privacy.chance import Rate, effective_attacks, judging_quantile, too_few, wilson

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Risk:
    """What an attack on the synthetic rows tells of training rows beyond what it tells of any row.

    Attributes:
        attack: which attack, and on what.
        value: the risk, in [0, 1]: how much of what control's rate leaves to gain the attack gains against training.
        lower: lower end of its interval.
        upper: upper end.
        attacks: guesses against training, and as many against control.
        successes: right guesses against training.
        control_successes: right guesses against control.
        baseline_successes: right guesses against training by an attacker who does not look at the synthetic rows together; an
            attack that does no better says little.
        confidence: of both intervals.
        clustered_upper: upper end of the interval whose unit is the importer; NaN with fewer than two importers on a side.
        surely: what the risk is not below but by chance, the importer being the unit, one of ``chance.CLAIMS`` claims being
            judged; NaN as above.
        effective: independent guesses that those on training and on control are worth; NaN where not known.
    """

    attack: str
    value: float
    lower: float
    upper: float
    attacks: int
    successes: int
    control_successes: int
    baseline_successes: int
    confidence: float = CONFIDENCE
    clustered_upper: float = math.nan
    surely: float = math.nan
    effective: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Guesses:
    """One attack on one side, importer by importer.

    Attributes:
        attacks: array of shape (importers,): guesses on each one's rows; where a guess is on no importer's rows before it is
            right, each one's part by its rows. They sum to all guesses.
        successes: array of shape (importers,): how many were right.
    """

    attacks: np.ndarray
    successes: np.ndarray

    @classmethod
    def on_rows(cls, importers: np.ndarray, right: np.ndarray) -> Guesses:
        """One guess on each of n rows.

        Args:
            importers: whose row each is, array of shape (n,).
            right: whether the guess was right, array of shape (n,).
        """
        _, codes, rows = np.unique(importers.astype(str), return_inverse=True, return_counts=True)
        return cls(rows.astype(float), np.bincount(codes, right.astype(float)))


def wilson_rate(successes: int, attacks: int, confidence: float = CONFIDENCE) -> Rate:
    """The rate of successes and its error by Wilson's score interval.

    Raises:
        ValueError: there was no attack, more successes than attacks, or the confidence lies outside (0, 1).
    """
    if not 0 <= successes <= attacks or attacks < 1:
        raise ValueError(f"{successes} successes of {attacks} attacks have no rate")
    return wilson(successes / attacks, attacks, _quantile(confidence))


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    if not 0 < confidence < 1:
        raise ValueError(f"the confidence is {confidence}; it must lie between 0 and 1")
    return float(norm.ppf((1 + confidence) / 2))


def residual_risk(
    attack: str,
    attacks: int,
    successes: int,
    control_successes: int,
    baseline_successes: int,
    confidence: float = CONFIDENCE,
) -> Risk:
    """The risk (a - c) / (1 - c) of an attack whose rates are a against training and c against control.

    The errors of both rates are propagated to first order; value and interval are cut to [0, 1].

    Raises:
        ValueError: as :func:`wilson_rate`.
    """
    rates = [wilson_rate(count, attacks, confidence) for count in (successes, control_successes)]
    lower, risk, upper = _interval(*rates)
    return Risk(attack, risk, lower, upper, attacks, successes, control_successes, baseline_successes, confidence)


def with_importers(risk: Risk, ours: Guesses, theirs: Guesses) -> Risk:
    """The same risk with the interval whose unit is the importer.

    Args:
        risk: as :func:`residual_risk` gives it.
        ours: its guesses on training, importer by importer.
        theirs: on control.
    """
    if too_few(ours.attacks, theirs.attacks):
        return risk
    sides = (ours.attacks, ours.successes), (theirs.attacks, theirs.successes)
    numbers = effective_attacks(sides, risk.attacks)
    shares = risk.successes / risk.attacks, risk.control_successes / risk.attacks
    usual, judged = (
        _interval(*(wilson(share, number, quantile) for share, number in zip(shares, numbers, strict=True)))
        for quantile in (_quantile(risk.confidence), judging_quantile())
    )
    return replace(risk, clustered_upper=usual[2], surely=judged[0], effective=numbers)


def _interval(training: Rate, control: Rate) -> tuple[float, float, float]:
    """Lower end, value and upper end of the risk that two rates amount to."""
    left = 1 - control.value
    value = (training.value - control.value) / left
    error = math.hypot(training.error / left, control.error * (1 - training.value) / left**2)
    lower, value, upper = (min(max(bound, 0.0), 1.0) for bound in (value - error, value, value + error))
    return lower, value, upper
