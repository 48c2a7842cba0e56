"""ROC curves of the attacks, thinned for a page with logarithmic axes, and the band that chance alone stays in.

An attack that finds a few members for certain hides in an AUC and shows at the left end of a logarithmic axis (Carlini et al.,
*Membership Inference Attacks From First Principles*, 2022). What belongs here is the curve; ``permutation`` measures its points.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# The false positive rates of a curve, from one in a thousand to one.
_LEAST_RATE, _POINTS = 1e-3, 60
RATES = np.logspace(np.log10(_LEAST_RATE), 0.0, _POINTS)

# A page rounds a point to this many decimals; what a page does not show is not kept.
_DECIMALS = 4

# The band is of one attack, and wide: few permutations are enough.
_PERMUTATIONS, _IN_BAND = 400, 0.95


def curves(scores: Mapping[str, np.ndarray], is_member: np.ndarray) -> dict[str, list[float]]:
    """True positives at each of ``RATES``, by attack.

    Args:
        scores: n scores by attack; higher says member.
        is_member: n booleans; both kinds occur.
    """
    return {name: _rounded(_curve(_falling(values), values, is_member)) for name, values in scores.items()}


def null_band(
    scores: np.ndarray, is_member: np.ndarray, importers: np.ndarray, stretch: float, seed: int
) -> list[float]:
    """What one attack stays under at each of ``RATES`` in 95% of cases if nothing leaked: membership is dealt among importers.

    Args:
        scores: n scores of the attack.
        is_member: n booleans; both kinds occur.
        importers: n codes; an importer's rows are all of members or all of others.
        stretch: as :class:`attacks.Attack`.
        seed: of the permutations.
    """
    codes = np.unique(importers, return_inverse=True)[1]
    members = np.zeros(codes.max() + 1, dtype=bool)
    members[codes[is_member]] = True
    rng, order = np.random.default_rng(seed), _falling(scores)
    dealt = [_curve(order, scores, rng.permutation(members)[codes]) for _ in range(_PERMUTATIONS)]
    band = np.quantile(dealt, _IN_BAND, axis=0)
    return _rounded(np.clip(RATES + (band - RATES) * stretch, 0.0, 1.0))


def _falling(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind="stable")


def _curve(order: np.ndarray, scores: np.ndarray, is_member: np.ndarray) -> np.ndarray:
    """True positives at each of ``RATES``; between two thresholds the curve is interpolated."""
    falling, labels = scores[order], is_member[order]
    ends = np.flatnonzero(np.r_[falling[1:] != falling[:-1], True])
    hits, misses = np.cumsum(labels)[ends], np.cumsum(~labels)[ends]
    return np.interp(RATES, np.r_[0, misses / misses[-1]], np.r_[0, hits / hits[-1]])


def _rounded(values: np.ndarray) -> list[float]:
    return np.round(values, _DECIMALS).tolist()
