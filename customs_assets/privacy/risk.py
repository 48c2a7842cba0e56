"""The risk of an attack: its rate of success against training less its rate against control.

Giomi, Boenisch, Wehmeyer, Tasnadi: *A Unified Framework for Quantifying Privacy Risk in Synthetic Data* (PoPETs 2023), section 3.
What belongs here is the arithmetic of rates and intervals. Value, ``lower`` and ``upper`` are those of ``anonymeter``, which that
paper's authors publish (``benchmarks/anonymeter_peer.py``); its interval treats guesses as independent. Beside it stands an
interval whose unit is the importer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from customs_assets.privacy import CannotBeMeasured, NothingToAttack
from customs_assets.privacy.chance import (
    CONFIDENCE,
    Rate,
    effective_attacks,
    finding_quantile,
    judging_quantile,
    too_few,
    wilson,
)

ENOUGH_GUESSES = 20

# The share of the importers that several ways together are held to name, where an upper bound is asked for.
LEAST_REACH = 0.1


@dataclass(frozen=True, slots=True)
class Risk:
    """How much better an attack works on training rows than on any rows.

    Attributes:
        value: the risk, in [0, 1]: which part of what control's rate leaves to gain the attack gains against training.
        lower: lower end of the interval of independent guesses, at ``CONFIDENCE``.
        upper: its upper end.
        attacks: guesses against training.
        successes: right guesses against training.
        control_successes: right guesses against control.
        baseline_successes: right guesses against training by an attacker who guesses at random, or without the release.
        clustered_upper: upper end of the interval whose unit is the importer; NaN with too few importers on a side.
        lower_bound: lower bound of the risk, with the importer as the unit, for one of ``chance.CLAIMS`` claims; NaN as above.
        upper_bound: what the risk may be at most, at ``CONFIDENCE``, with the importer as the unit. Of one way to guess this is
            ``clustered_upper``; of the strongest of several ways see :func:`strongest`. NaN as above.
        effective: independent guesses that the guesses on training and on control are worth; NaN where unknown.
        control_attacks: guesses against control; 0 where they are as many as against training.
        way: which of several ways to guess this is; empty where there is one.
        sides: the guesses on training and on control, by importer, where this is one of several ways; None otherwise.
        beyond_chance: whether it finds more than chance, judged among the ways of its own claim alone.
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
    control_attacks: int = 0
    way: str = ""
    upper_bound: float = math.nan
    sides: tuple[Guesses, Guesses] | None = field(default=None, compare=False, repr=False)
    beyond_chance: bool = False


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

    @classmethod
    def on_importers(
        cls, everyone: np.ndarray, whom: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None
    ) -> Guesses:
        """One guess on each of n victims, out of all importers of a side.

        Args:
            everyone: the importers of the side, distinct. Those on whom nobody guesses count with no guess.
            whom: shape (n,), the importer that each guess is about, one of ``everyone``.
            right: booleans of shape (n,).
            weights: what each guess counts for, from 0, shape (n,); 1 by default.
        """
        place = pd.Index(everyone).get_indexer(pd.Index(whom))
        counts = np.ones(len(place)) if weights is None else weights
        attacks = np.bincount(place, counts, minlength=len(everyone))
        return cls(attacks, np.bincount(place, right * counts, minlength=len(everyone)))


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


def with_importers(risk: Risk, training: Guesses, control: Guesses, ways: int = 1) -> Risk:
    """The same risk with the interval whose unit is the importer.

    Args:
        risk: the risk.
        training: the guesses on training, by importer.
        control: those on control.
        ways: of so many ways to guess the claim takes the strongest.
    """
    if too_few(len(training.attacks), len(control.attacks)):
        return risk
    numbers = effective_attacks((training, control))
    shares = risk.successes / risk.attacks, risk.control_successes / (risk.control_attacks or risk.attacks)
    usual, judged, among_ways = (
        _interval(*(wilson(share, number, quantile) for share, number in zip(shares, numbers, strict=True)))
        for quantile in (_quantile(CONFIDENCE), judging_quantile(ways), finding_quantile(ways))
    )
    return replace(
        risk,
        clustered_upper=usual[2],
        upper_bound=usual[2],
        lower_bound=judged[0],
        effective=numbers,
        beyond_chance=among_ways[0] > 0,
    )


def risk_of_guesses(training: Guesses, control: Guesses, blind: int, way: str, ways: int) -> Risk:
    """The risk of one of several ways to guess, with as many guesses on either side as there are victims.

    Args:
        training: the guesses on training, by importer.
        control: those on control.
        blind: right guesses against training without the release.
        way: the way, in words.
        ways: how many ways the claim takes the strongest of.

    Raises:
        NothingToAttack: there is no guess on training.
        CannotBeMeasured: there is none on control, so nothing says what chance reaches.
    """
    attacks, control_attacks = (round(float(side.attacks.sum())) for side in (training, control))
    if not attacks:
        raise NothingToAttack(f"{way}: there is nobody to guess of")
    if not control_attacks:
        raise NothingToCompare(training, blind, way, ways)
    right, control_right = (round(float(side.successes.sum())) for side in (training, control))
    rates = wilson_rate(right, attacks), wilson_rate(control_right, control_attacks)
    lower, value, upper = _interval(*rates)
    risk = Risk(value, lower, upper, attacks, right, control_right, blind, control_attacks=control_attacks, way=way)
    return with_importers(replace(risk, sides=(training, control)), training, control, ways)


class NothingToCompare(CannotBeMeasured):
    """There are guesses on training and none on control. ``beside_blind`` is the risk beside guesses without the release."""

    def __init__(self, training: Guesses, blind: int, way: str, ways: int) -> None:
        attacks = round(float(training.attacks.sum()))
        super().__init__(f"{way}: {attacks} guesses, and none of other importers to compare them with")
        blindly = Guesses(training.attacks, training.attacks * min(blind / attacks, 1.0))
        self.beside_blind = risk_of_guesses(training, blindly, blind, way, ways)


def strongest(measures: Sequence[Callable[[], Risk]]) -> Risk:
    """The strongest of some ways to guess: that with the highest lower bound, or else the highest risk.

    Its ``clustered_upper`` is the highest of the ways with :data:`ENOUGH_GUESSES` on either side, or of all where there is none:
    the interval of two guesses says nothing. Ways that have nobody to attack are left out. A way that has nothing to compare with
    stands beside guesses without the release, and counts where it finds more than these by more than chance.

    Its ``upper_bound`` is that of all ways together: what an attacker gains who makes every guess. A way that finds more than
    chance stands by itself, so its own upper end counts, too; whether it does is judged among the claim's own ways, because a
    limit is excluded by each claim for itself. The other ways show nothing one by one, and some have so few
    guesses that no interval of theirs excludes anything. They need not: a leak among a few guesses is a small part of all.
    Where all ways reach fewer than :data:`LEAST_REACH` of the importers, the guesses that cannot be made count as wrong ones on
    either side: an attack is not the more dangerous for hardly finding anybody.

    Raises:
        CannotBeMeasured: no way has anything to compare with.
        NothingToAttack: no way has anybody to attack.
    """
    risks: list[Risk] = []
    nobody: list[NothingToAttack] = []
    unknown: list[NothingToCompare] = []
    for measure in measures:
        try:
            risks.append(measure())
        except NothingToAttack as reason:
            nobody.append(reason)
        except NothingToCompare as reason:
            unknown.append(reason)
    if not risks:
        raise (unknown or nobody)[0]
    enough = [risk for risk in risks if min(risk.attacks, risk.control_attacks or risk.attacks) >= ENOUGH_GUESSES]
    highest = max(risk.clustered_upper for risk in enough or risks)
    blindly = [reason.beside_blind for reason in unknown]
    best = max([*risks, *blindly], key=lambda risk: (np.nan_to_num(risk.lower_bound, nan=-1.0), risk.value))
    beyond_chance = [risk.clustered_upper for risk in (*risks, *blindly) if risk.beyond_chance]
    upper_bound = max([_together(risks), *beyond_chance])
    return replace(best, clustered_upper=max(highest, best.lower_bound), upper_bound=upper_bound, sides=None)


def _together(risks: Sequence[Risk]) -> float:
    """The upper end of the risk of some ways together: the guesses of an importer are all that are made about it."""
    sides = [risk.sides for risk in risks if risk.sides is not None]
    training, control = (_added([pair[number] for pair in sides]) for number in (0, 1))
    return risk_of_guesses(training, control, 0, "all ways together", len(risks)).clustered_upper


def _added(ways: Sequence[Guesses]) -> Guesses:
    """Guesses on the importers of a side, added; where ways are about other importers than other ways, side by side."""
    by_size: dict[int, Guesses] = {}
    for guesses in ways:
        size = len(guesses.attacks)
        known = by_size.get(size, Guesses(np.zeros(size), np.zeros(size)))
        by_size[size] = Guesses(known.attacks + guesses.attacks, known.successes + guesses.successes)
    attacks, successes = (
        np.concatenate([getattr(guesses, part) for guesses in by_size.values()]) for part in Guesses._fields
    )
    return _reaching(Guesses(attacks, successes))


def _reaching(guesses: Guesses) -> Guesses:
    """The same with one wrong guess on each of as many further importers as lack to :data:`LEAST_REACH`."""
    missing = math.ceil(LEAST_REACH * len(guesses.attacks) - float(guesses.attacks.sum()))
    unnamed = np.flatnonzero(guesses.attacks == 0)[: max(missing, 0)]
    attacks = guesses.attacks.copy()
    attacks[unnamed] = 1.0
    return Guesses(attacks, guesses.successes)


def risk_of_rows(sides: Sequence[pd.DataFrame], right: Sequence[np.ndarray], baseline_successes: int) -> Risk:
    """The risk of an attack with one guess on each row.

    Args:
        sides: the training rows and as many control rows, with ``importer_id``.
        right: which guesses were right on either side.
        baseline_successes: as in :class:`Risk`.
    """
    risk = residual_risk(len(right[0]), int(right[0].sum()), int(right[1].sum()), baseline_successes)
    importers = [rows["importer_id"].to_numpy() for rows in sides]
    first, second = (Guesses.on_rows(*side) for side in zip(importers, right, strict=True))
    return with_importers(risk, first, second)


def _interval(training: Rate, control: Rate) -> tuple[float, float, float]:
    """Lower end, value and upper end of the risk."""
    left = 1 - control.value
    value = (training.value - control.value) / left
    error = math.hypot(training.error / left, control.error * (1 - training.value) / left**2)
    lower, value, upper = (min(max(bound, 0.0), 1.0) for bound in (value - error, value, value + error))
    return lower, value, upper
