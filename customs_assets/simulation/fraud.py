"""Fraud and inspection: which mechanisms there are, who leans to them, what trace they leave, and what is inspected.

What belongs here is how a declaration departs from the truth and how customs choose what to look at. The standing trade
that it departs from is the world's (``world.py``).

Five mechanisms, each with its trace. Misclassification (a neighbouring code with a lower rate) and false origin (an
agreement's origin, from a departure elsewhere) are standing frauds: lanes of their own, whose declared tuple is lawful and
untrue. Undervaluation (a unit price far under the goods'), short quantity (less mass declared than the packages hold) and
critical fraud (safety, counterfeits, drugs: in its goods and lanes) happen to single declarations of a lane by chance. The
chance grows with the goods, the route, the claim, and with what importer and broker lean to; most of it nobody can see.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from customs_assets.seeds import derive_rng
from customs_assets.simulation import published_shares, tariff

if TYPE_CHECKING:
    from customs_assets.simulation.lanes import Lanes


class Mechanism(IntEnum):
    """What is untrue in a declaration."""

    NONE = 0
    UNDERVALUATION = 1
    SHORT_QUANTITY = 2
    CRITICAL = 3
    MISCLASSIFICATION = 4
    FALSE_ORIGIN = 5


ROW_MECHANISMS = (Mechanism.UNDERVALUATION, Mechanism.SHORT_QUANTITY, Mechanism.CRITICAL)

# Shares of the labelled declarations that are standing frauds.
STANDING = {Mechanism.MISCLASSIFICATION: 0.008, Mechanism.FALSE_ORIGIN: 0.0035}

# Of the other frauds, how many declare the quantity short; the rest undervalue, critical ones apart.
_SHORT = 0.6

# An honest unit price scatters by this much (log10) about its lane's; an undervalued one is lower by a factor between.
PRICE_SCATTER = 0.18
UNDERVALUED_TO = (0.5, 0.95)
SHORT_TO = (0.5, 0.9)

# A price lower than this part of the usual one makes inspection more likely by this factor.
LOW_PRICE = 0.5
LOW_PRICE_LIFT = 1.25

# The chance of an ordinary fraud by what is at stake, before importer, broker and lane lean one way or the other. Duty is at
# stake where the basic rate is claimed and is at least 8%. Dear and small goods (machinery, instruments, clothing) that come
# by air under it are the worst sort; where there is no duty to save, hardly anyone lies.
_DUTY_AT_STAKE = 8.0
_NOTHING_AT_STAKE = 0.008
_MACHINERY_UNDER_A_LOW_RATE = 0.34
_DUTIABLE = {"sea": 0.31, "air": 0.26}
_DUTIABLE_DEAR = {"sea": 0.35, "air": 0.45}
_DUTIABLE_SUNDRIES = 0.12
_MACHINERY = (84, 92)
_CLOTHING = (61, 67)

# What the goods of a chapter add to the log odds beside, which nobody has written down.
_CHAPTER_LEAN = 0.06 * derive_rng(0, "fraud_by_chapter").standard_normal(98)

# Goods of the rules and of the frauds.
_COUNTERFEIT = (42, 61, 62, 64, 71, 91, 33)
_DRUGS = (12, 13, 21, 30)
_SAFETY = (85, 94, 95)

# False claims of origin: where the goods are said to come from, and under which claim.
_CLAIMED = (
    ("VN", "FAS1"),
    ("VN", "FVN1"),
    ("DE", "FEU1"),
    ("IT", "FEU1"),
    ("US", "FUS1"),
    ("TH", "FAS1"),
    ("FR", "FEU1"),
)


def misdeclared(lanes: Lanes, propensity: np.ndarray, rng: np.random.Generator, values: dict[str, list[str]]) -> Lanes:
    """The standing frauds beside the honest lanes, with their expected share of the labelled declarations."""
    wrong_code = _misclassified(lanes, rng)
    wrong_origin = _falsely_originating(lanes, rng, values)
    weighted = []
    for found, share in zip((wrong_code, wrong_origin), STANDING.values(), strict=True):
        lean = np.sqrt(found.labelled) * np.exp(0.8 * propensity[found.importer])
        weighted.append(replace(found, labelled=share * lean / lean.sum()))
    return type(lanes).join(*weighted)


def _misclassified(lanes: Lanes, rng: np.random.Generator) -> Lanes:
    """Lanes under a neighbouring code of the chapter whose basic or WTO rate is lower."""
    law = tariff.schedule()
    general = lanes.claim < len(tariff.GENERAL_TAX_TYPES)
    base = lanes.take(np.flatnonzero(general & (lanes.rate >= 5) & (rng.random(len(lanes.code)) < 0.35)))
    code = tariff.neighbouring_codes(rng, law.chapters, base.code)
    wto = tariff.TAX_TYPES.index("C")
    claim = np.where(law.rates[code, wto] < law.rates[code, 0], wto, 0)
    rate = law.rates[code, claim]
    kept = np.flatnonzero(rate < base.rate)
    mechanism = np.full(len(base.code), Mechanism.MISCLASSIFICATION, dtype=np.int64)
    return replace(base, code=code, claim=claim, rate=rate, mechanism=mechanism).take(kept)


def _falsely_originating(lanes: Lanes, rng: np.random.Generator, values: dict[str, list[str]]) -> Lanes:
    """Lanes under an agreement to whose origin the goods do not belong, from a departure that the law lets pass."""
    law = tariff.schedule()
    chosen = rng.integers(0, len(_CLAIMED), len(lanes.code))
    origin = np.array([values["country"].index(country) for country, _ in _CLAIMED])[chosen]
    claim = np.array([tariff.TAX_TYPES.index(kind) for _, kind in _CLAIMED])[chosen]
    rate = law.rates[lanes.code, claim]
    open_route = tariff.route_matrix(values["country"])[claim, origin, lanes.departure]
    kept = open_route & (rate < lanes.rate) & (origin != lanes.origin) & (lanes.departure != origin)
    mechanism = np.full(len(lanes.code), Mechanism.FALSE_ORIGIN, dtype=np.int64)
    return replace(lanes, origin=origin, claim=claim, rate=rate, mechanism=mechanism).take(np.flatnonzero(kept))


def _is(values: dict[str, list[str]], attribute: str, column: np.ndarray, *wanted: str) -> np.ndarray:
    """Whether a coded column holds one of some values."""
    return np.isin(column, [values[attribute].index(value) for value in wanted])


def rule_scores(lanes: Lanes, values: dict[str, list[str]]) -> np.ndarray:
    """How much likelier than a declaration without any mark a lane is to be inspected: customs' risk rules.

    The rules know goods, routes and claims, not the importer's heart: an agreement's claim over a third country, goods
    that are often counterfeit by air or post, high rates, express parcels.
    """
    chapter = tariff.schedule().chapters[lanes.code]
    agreement = lanes.claim >= len(tariff.GENERAL_TAX_TYPES)
    score = np.ones(len(lanes.code))
    score += 1.5 * (agreement & (lanes.origin != lanes.departure))
    score += 1.0 * (np.isin(chapter, _COUNTERFEIT) & _is(values, "mode_of_transport", lanes.mode, "40", "50"))
    score += 0.8 * (lanes.rate >= 8)
    score += 0.7 * _is(values, "country", lanes.departure, "HK", "GB")
    return score + 0.5 * (lanes.courier >= 0)


def _incentive(lanes: Lanes, values: dict[str, list[str]]) -> np.ndarray:
    """The usual chance of an ordinary fraud in each lane, by what is at stake in it."""
    chapter = tariff.schedule().chapters[lanes.code]
    dutiable = (lanes.claim == 0) & (lanes.rate >= _DUTY_AT_STAKE)
    machinery = (chapter >= _MACHINERY[0]) & (chapter <= _MACHINERY[1])
    dear = machinery | ((chapter >= _CLOTHING[0]) & (chapter <= _CLOTHING[1]))
    by_air = _is(values, "mode_of_transport", lanes.mode, "40", "50")
    return np.select(
        [dutiable & dear, dutiable & (chapter > _MACHINERY[1]), dutiable, machinery],
        [
            np.where(by_air, _DUTIABLE_DEAR["air"], _DUTIABLE_DEAR["sea"]),
            np.full(len(chapter), _DUTIABLE_SUNDRIES),
            np.where(by_air, _DUTIABLE["air"], _DUTIABLE["sea"]),
            np.full(len(chapter), _MACHINERY_UNDER_A_LOW_RATE),
        ],
        _NOTHING_AT_STAKE,
    )


def _critical(lanes: Lanes, values: dict[str, list[str]]) -> np.ndarray:
    """The relative chance of critical fraud: by goods, route and mode."""
    chapter = tariff.schedule().chapters[lanes.code]
    small = _is(values, "mode_of_transport", lanes.mode, "40", "50")
    near = _is(values, "country", lanes.departure, "CN", "HK", "VN", "TH")
    counterfeit = np.isin(chapter, _COUNTERFEIT) & near & small
    drugs = np.isin(chapter, _DRUGS) & small
    safety = np.isin(chapter, _SAFETY) & near
    return 0.02 + 3.0 * counterfeit + 2.0 * drugs + 1.0 * safety


def risks(lanes: Lanes, lean: np.ndarray, labelled: np.ndarray, values: dict[str, list[str]]) -> np.ndarray:
    """The chance of each mechanism of :data:`ROW_MECHANISMS` in a declaration of each lane: lanes × 3.

    ``lean`` is what importer, broker and lane add to the log odds, ``labelled`` the lanes' shares of the labelled rows.

    The level is solved so that the labelled declarations hold the published share of fraud and of critical fraud.
    """
    honest = lanes.mechanism == Mechanism.NONE
    critical = np.where(honest, _critical(lanes, values), 0.0)
    critical *= published_shares.CRITICAL_FRAUD / 100 / (critical * labelled).sum()
    incentive = _incentive(lanes, values)
    score = np.log(incentive / (1 - incentive)) + _CHAPTER_LEAN[tariff.schedule().chapters[lanes.code]] + lean
    goal = published_shares.FRAUD / 100 - published_shares.CRITICAL_FRAUD / 100 - labelled[~honest].sum()
    low, high = -6.0, 6.0
    for _ in range(50):
        middle = (low + high) / 2
        seen = _seen_fraud(np.where(honest, _chance(score + middle), 0.0))
        low, high = (middle, high) if (seen * labelled).sum() < goal else (low, middle)
    ordinary = np.where(honest, _chance(score + low), 0.0)
    return np.column_stack([ordinary * (1 - _SHORT), ordinary * _SHORT, critical])


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _low_price_chance(factor: float) -> float:
    """The chance that a price that was multiplied by ``factor`` falls under :data:`LOW_PRICE` of the usual one."""
    from statistics import NormalDist

    return NormalDist().cdf(float(np.log10(LOW_PRICE / factor)) / PRICE_SCATTER)


def _lifts() -> tuple[float, float]:
    """How much likelier than by the rules alone an honestly and an undervalued price is inspected."""
    factors = np.linspace(*UNDERVALUED_TO, 41)
    undervalued = float(np.mean([_low_price_chance(float(factor)) for factor in factors]))
    return 1 + (LOW_PRICE_LIFT - 1) * _low_price_chance(1.0), 1 + (LOW_PRICE_LIFT - 1) * undervalued


def _seen_fraud(ordinary: np.ndarray) -> np.ndarray:
    """The chance of an ordinary fraud among the inspected declarations of a lane, from that among all of them."""
    honest, undervalued = _lifts()
    under = ordinary * (1 - _SHORT)
    total = under * undervalued + (1 - under) * honest
    return (under * undervalued + ordinary * _SHORT * honest) / total


def selection_lift(mechanism: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """How much likelier than by the rules alone a declaration of each lane is inspected, prices taken into account."""
    honest, undervalued = _lifts()
    under = np.where(mechanism == Mechanism.NONE, risk[:, 0], 0.0)
    return under * undervalued + (1 - under) * honest
