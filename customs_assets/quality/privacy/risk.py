"""The risk that an attack's successes amount to: its rate against training less what it achieves against control.

Giomi, Boenisch, Wehmeyer, Tasnadi: *A Unified Framework for Quantifying Privacy Risk in Synthetic Data* (PoPETs 2023), section 3.
What belongs here is the arithmetic of rates and intervals; the attacks are in ``singling_out``, ``linkability`` and
``inference``. Results are those of ``anonymeter``, which that paper's authors publish (``benchmarks/anonymeter_peer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """An attack's success rate as Wilson (1927) estimates it.

    Attributes:
        value: the interval's middle, which is drawn towards 1/2 from the share of successes.
        error: half the interval's width.
    """

    value: float
    error: float


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
        confidence: of the interval.
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


def wilson_rate(successes: int, attacks: int, confidence: float = CONFIDENCE) -> Rate:
    """The rate of successes and its error by Wilson's score interval.

    Raises:
        ValueError: there was no attack, more successes than attacks, or the confidence lies outside (0, 1).
    """
    from scipy.stats import norm

    if not 0 <= successes <= attacks or attacks < 1:
        raise ValueError(f"{successes} successes of {attacks} attacks have no rate")
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence is {confidence}; it must lie between 0 and 1")
    z = float(norm.ppf((1 + confidence) / 2))
    weight = attacks + z**2
    spread = successes * (attacks - successes) / attacks + z**2 / 4
    return Rate((successes + z**2 / 2) / weight, z * sqrt(spread) / weight)


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
    training, control = (wilson_rate(count, attacks, confidence) for count in (successes, control_successes))
    left = 1 - control.value
    value = (training.value - control.value) / left
    error = sqrt((training.error / left) ** 2 + (control.error * (1 - training.value) / left**2) ** 2)
    risk, lower, upper = (min(max(bound, 0.0), 1.0) for bound in (value, value - error, value + error))
    return Risk(attack, risk, lower, upper, attacks, successes, control_successes, baseline_successes, confidence)
