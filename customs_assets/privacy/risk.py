"""The risk of an attack: its rate of success against training less its rate against control.

Giomi, Boenisch, Wehmeyer, Tasnadi: *A Unified Framework for Quantifying Privacy Risk in Synthetic Data* (PoPETs 2023), section 3.
What belongs here is the arithmetic of rates and intervals. Value, ``lower`` and ``upper`` are those of ``anonymeter``, which that
paper's authors publish (``benchmarks/anonymeter_peer.py``); its interval treats guesses as independent. Beside it stands an
interval whose unit is the importer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from customs_assets.privacy.chance import Rate, effective_attacks, judging_quantile, too_few, wilson

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Risk:
    """How much better an attack works on training rows than on any rows.

    Attributes:
        value: the risk, in [0, 1]: which part of what control's rate leaves to gain the attack gains against training.
        lower: lower end of the interval of independent guesses, at ``CONFIDENCE``.
        upper: its upper end.
        attacks: guesses against training, and as many against control.
        successes: right guesses against training.
        control_successes: right guesses against control.
        baseline_successes: right guesses against training by an attacker who guesses at random.
        clustered_upper: upper end of the interval whose unit is the importer; NaN with too few importers on a side.
        lower_bound: lower bound of the risk, with the importer as the unit, for one of ``chance.CLAIMS`` claims; NaN as above.
        effective: independent guesses that the guesses on training and on control are worth; NaN where unknown.
    """

    value: float
    lower: float
    upper: float
    attacks: int
    successes: int
    control_successes: int
    baseline_successes: int
    clustered_upper: float = math.nan
    lower_bound: float = math.nan
    effective: tuple[float, float] = (math.nan, math.nan)


class Guesses(NamedTuple):
    """The guesses on each importer's rows, and how many of them were right: two arrays of shape (importers,).

    A guess that is on nobody's rows before it is right counts for each importer by its share of the rows.
    """

    attacks: np.ndarray
    successes: np.ndarray

    @classmethod
    def on_rows(cls, importers: np.ndarray, right: np.ndarray) -> Guesses:
        """One guess on each of n rows: whose row it is, and whether the guess was right."""
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


def residual_risk(attacks: int, successes: int, control_successes: int, baseline_successes: int) -> Risk:
    """The risk (a - c) / (1 - c) of an attack with the rates a against training and c against control.

    The errors of both rates are propagated to first order. Value and interval are cut to [0, 1].

    Raises:
        ValueError: as :func:`wilson_rate`.
    """
    lower, value, upper = _interval(wilson_rate(successes, attacks), wilson_rate(control_successes, attacks))
    return Risk(value, lower, upper, attacks, successes, control_successes, baseline_successes)


def with_importers(risk: Risk, training: Guesses, control: Guesses) -> Risk:
    """The same risk with the interval whose unit is the importer."""
    if too_few(len(training.attacks), len(control.attacks)):
        return risk
    numbers = effective_attacks((training, control), risk.attacks)
    shares = risk.successes / risk.attacks, risk.control_successes / risk.attacks
    usual, judged = (
        _interval(*(wilson(share, number, quantile) for share, number in zip(shares, numbers, strict=True)))
        for quantile in (_quantile(CONFIDENCE), judging_quantile())
    )
    return replace(risk, clustered_upper=usual[2], lower_bound=judged[0], effective=numbers)


def risk_of_rows(sides: Sequence[pd.DataFrame], right: Sequence[np.ndarray], baseline_successes: int) -> Risk:
    """The risk of an attack with one guess on each row.

    Args:
        sides: the training rows and as many control rows, with ``importer_id``.
        right: which guesses were right on either side.
        baseline_successes: as in :class:`Risk`.
    """
    risk = residual_risk(len(right[0]), int(right[0].sum()), int(right[1].sum()), baseline_successes)
    importers = [rows["importer_id"].to_numpy() for rows in sides]
    return with_importers(risk, *(Guesses.on_rows(*side) for side in zip(importers, right, strict=True)))


def _interval(training: Rate, control: Rate) -> tuple[float, float, float]:
    """Lower end, value and upper end of the risk."""
    left = 1 - control.value
    value = (training.value - control.value) / left
    error = math.hypot(training.error / left, control.error * (1 - training.value) / left**2)
    lower, value, upper = (min(max(bound, 0.0), 1.0) for bound in (value - error, value, value + error))
    return lower, value, upper
