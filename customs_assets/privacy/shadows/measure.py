"""What the attacks on shadows find, pooled over targets and shadows, and what chance alone reaches.

Every target is in a random half of the shadows, dealt by itself. If nothing leaks, any other halves were as likely. So the halves
are dealt anew many times, every attack is made again under each, those that learn from labels included, and the largest measure
is kept (Fisher 1935, section 21; Westfall and Young 1993). Intervals resample the targets, each with all its shadows: the scores
of one target hang together.

A rate of false positives of 1 in 100 is over all targets and shadows together, with one threshold (Carlini et al. 2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from customs_assets.claims import Claim, as_json
from customs_assets.fidelity.detection import auc
from customs_assets.privacy.chance import CLAIMS, FALSE_ALARMS, judging_quantile, wilson
from customs_assets.privacy.deep_goals import DEEP_CLAIMS, LARGE_CLAIM
from customs_assets.privacy.membership.measure import USUAL, Outcome
from customs_assets.privacy.membership.permutation import FEW, p_value, quantile, rates
from customs_assets.privacy.shadows.exposed import Exposed
from customs_assets.privacy.shadows.likelihood import calibrated, learned, likelihood_ratios, weighing_of
from customs_assets.privacy.shadows.shadow import SCORES

ASSET = "deep_attacks"

# The version of the measures. Raise it when the same scores would get other measures.
VERSION = "2"

DEALINGS = 1000
_RESAMPLINGS = 1000

# Fewer targets have no interval, and fewer shadows no variance without the one that is attacked.
_LEAST_TARGETS, _LEAST_SHADOWS = 2, 4

LEARNED = "learned"
_RATIO = ", likelihood ratio"

# The scores of which a likelihood ratio is made, too. It learns from a target's few shadows, so it strays far by chance. Each
# more would raise what chance reaches, and the scores say much the same.
_OF_RATIOS = ("closest", "pooled", "shared_amounts")


class Interval(NamedTuple):
    """An interval at 95% confidence, in [0, 1], and the standard error."""

    lower: float
    upper: float
    error: float


@dataclass(frozen=True)
class Strongest:
    """The largest measure of all attacks.

    Attributes:
        attack: its name.
        measured: its measure.
        interval: over resampled targets.
        lower_bound: of the largest measure, as a claim judges it.
        upper_bound: the highest upper end of all attacks: whichever is truly the strongest, it holds for it.
        by_chance: what the largest of all attacks exceeds once in twenty times if nothing leaked.
        p_value: how often it reaches as much then, in (0, 1].
    """

    attack: str
    measured: float
    interval: Interval
    lower_bound: float
    upper_bound: float
    by_chance: float
    p_value: float


@dataclass(frozen=True)
class Found:
    """What the attacks find.

    Attributes:
        outcomes: of each attack.
        by_auc: the attack with the largest AUC.
        by_tpr: the attack with the most true positives at ``FEW`` false positives.
    """

    outcomes: dict[str, Outcome]
    by_auc: Strongest
    by_tpr: Strongest


def titles() -> dict[str, str]:
    """What each attack looks at, for people, by name."""
    single = {name: f"{title}, beside its mean over shadows" for name, title in SCORES.items()}
    ratios = {name + _RATIO: f"{SCORES[name]}, likelihood ratio (LiRA)" for name in _OF_RATIOS}
    both = {
        LEARNED: "all scores, weighed as other targets show",
        LEARNED + _RATIO: "the same, likelihood ratio (LiRA)",
    }
    return single | ratios | both


def measured(scores: Mapping[str, np.ndarray], members: np.ndarray, seed: int, dealings: int = DEALINGS) -> Found:
    """Make the attacks and measure them.

    Args:
        scores: of each name, shape (targets, shadows).
        members: shape (targets, shadows), booleans, true in half of each row; at least 2 targets and 4 shadows.
        seed: of the dealings and resamplings.
        dealings: how often the halves are dealt anew.
    """
    names = list(scores)
    table = calibrated(np.stack([scores[name] for name in names]))
    weighing = weighing_of(table)
    made = dict(_attacks(names, table, members, weighing))
    labels = members.ravel()
    outcomes = {name: Outcome(auc(of.ravel(), labels), *rates(of.ravel(), labels)) for name, of in made.items()}
    null_auc, null_tpr = _null(names, table, members, weighing, seed, dealings)
    by_auc = max(outcomes, key=lambda name: outcomes[name].auc)
    by_tpr = max(outcomes, key=lambda name: outcomes[name].tpr_01)
    weights = _resampled(len(members), seed)
    intervals = {name: _auc_interval(of, members, weights) for name, of in made.items()}
    of_tpr = {name: _tpr_interval(outcomes[name].tpr_01, of, members, weights) for name, of in made.items()}
    # Each attack has its part of the claim's rate of false alarms, so the highest lower bound holds for the claim.
    errors = _student(judging_quantile(len(made)), len(members))
    lower = max(max(outcomes[name].auc - errors * intervals[name].error, 0.0) for name in made)
    largest_auc, largest_tpr = outcomes[by_auc].auc, outcomes[by_tpr].tpr_01
    if largest_auc <= quantile(null_auc, FALSE_ALARMS / CLAIMS):
        # Of two targets in four shadows all may be told right by chance, and no resampling strays from that.
        lower = min(lower, 0.5)
    return Found(
        outcomes,
        Strongest(
            by_auc,
            largest_auc,
            intervals[by_auc],
            lower,
            max(interval.upper for interval in intervals.values()),
            quantile(null_auc, USUAL),
            p_value(largest_auc, null_auc),
        ),
        Strongest(
            by_tpr,
            largest_tpr,
            of_tpr[by_tpr],
            _tpr_bound(largest_tpr, null_tpr),
            max(interval.upper for interval in of_tpr.values()),
            quantile(null_tpr, USUAL),
            p_value(largest_tpr, null_tpr),
        ),
    )


def _attacks(
    names: Sequence[str], table: np.ndarray, members: np.ndarray, weighing: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Every attack's scores, shape (targets, shadows), by its name."""
    yield from zip(names, table, strict=True)
    places = [names.index(name) for name in _OF_RATIOS]
    yield from zip((name + _RATIO for name in _OF_RATIOS), likelihood_ratios(table[places], members), strict=True)
    together = learned(table, members, weighing)
    yield LEARNED, together
    yield LEARNED + _RATIO, likelihood_ratios(calibrated(together), members)


def _null(
    names: Sequence[str], table: np.ndarray, members: np.ndarray, weighing: np.ndarray, seed: int, dealings: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest AUC, and the largest rate of true positives, under each dealing."""
    rng = np.random.default_rng(seed)
    largest = np.empty((dealings, 2))
    for number in range(dealings):
        dealt = rng.permuted(members, axis=1)
        labels = dealt.ravel()
        found = [of.ravel() for _, of in _attacks(names, table, dealt, weighing)]
        largest[number] = max(auc(of, labels) for of in found), max(rates(of, labels)[0] for of in found)
    return largest[:, 0], largest[:, 1]


def _resampled(targets: int, seed: int) -> np.ndarray:
    """How often each target is drawn: shape (resamplings, targets)."""
    rng = np.random.default_rng(seed + 1)
    return rng.multinomial(targets, np.full(targets, 1 / targets), size=_RESAMPLINGS).astype(np.float64)


def _auc_interval(scores: np.ndarray, members: np.ndarray, weights: np.ndarray) -> Interval:
    """The AUC of resampled targets: pairs of cells are counted once, by the two targets that they are of."""
    inside, outside = (scores[side].reshape(len(scores), -1) for side in (members, ~members))
    above = inside[:, :, None, None] > outside[None, None]
    equal = inside[:, :, None, None] == outside[None, None]
    pairs = above.mean(axis=(1, 3)) + 0.5 * equal.mean(axis=(1, 3))
    return _interval(
        float(pairs.mean()), np.einsum("rt,tu,ru->r", weights, pairs, weights) / len(scores) ** 2, len(scores)
    )


def _tpr_interval(measure: float, scores: np.ndarray, members: np.ndarray, weights: np.ndarray) -> Interval:
    """The rate of true positives at ``FEW`` false positives, of resampled targets."""
    order = np.argsort(-scores.ravel(), kind="stable")
    falling, labels = scores.ravel()[order], members.ravel()[order]
    target = np.repeat(np.arange(len(scores)), scores.shape[1])[order]
    # A threshold cannot part equal scores.
    ends = np.flatnonzero(np.r_[falling[1:] != falling[:-1], True])
    found = []
    for weight in weights:
        hits, misses = (np.cumsum(np.where(side, weight[target], 0.0)) for side in (labels, ~labels))
        rate, share = np.r_[0.0, misses[ends] / misses[-1]], np.r_[0.0, hits[ends] / hits[-1]]
        # Of several thresholds with one rate of false positives, the best.
        last = np.r_[rate[1:] != rate[:-1], True]
        found.append(float(np.interp(FEW, rate[last], share[last])))
    return _interval(measure, np.array(found), len(scores))


def _tpr_bound(largest: float, by_chance: np.ndarray) -> float:
    """The lower bound of the largest rate of true positives: Wilson's, of as many independent trials as stray as dealings do."""
    strays = max(quantile(by_chance, FALSE_ALARMS / CLAIMS) - FEW, 1e-6)
    needed = judging_quantile()
    share = wilson(largest, FEW * (1 - FEW) * (needed / strays) ** 2, needed)
    return max(share.value - share.error, 0.0)


def _interval(measure: float, resampled: np.ndarray, targets: int) -> Interval:
    """What 95% of the resampled measures lie in, and no narrower than Student's interval: few targets resample too narrowly."""
    from scipy.stats import t

    lower, upper = np.quantile(resampled, [USUAL / 2, 1 - USUAL / 2])
    error = float(resampled.std(ddof=1))
    half = float(t.isf(USUAL / 2, targets - 1)) * error
    return Interval(max(min(float(lower), measure - half), 0.0), min(max(float(upper), measure + half), 1.0), error)


def _student(normal_quantile: float, targets: int) -> float:
    """Student's quantile at the level of a normal quantile: few targets tell little of their spread."""
    from scipy.stats import norm, t

    return float(t.isf(norm.sf(normal_quantile), targets - 1))


def deep_attacks(
    targets: Exposed, shadows: Sequence[Mapping[str, Any]], rows: int, seed: int, dealings: int = DEALINGS
) -> dict[str, Any]:
    """The document of the deep attacks.

    Args:
        targets: the targets.
        shadows: what :func:`shadow.shadow` returned, in order.
        rows: declarations of the whole source.
        seed: of dealings and resamplings.
        dealings: how often the halves are dealt anew.

    Returns:
        ``claims`` (``claims.as_json``), ``attacks`` (each with its measures), ``strongest``, ``targets``, ``shadows``, and
        ``trained_on``: what was made from what, for people. All but the last claim are on the targets that are not large.
    """
    reason = _too_few(targets, shadows)
    base = {"targets": len(targets.importers), "shadows": len(shadows), "dealings": dealings}
    if reason:
        claims = [replace(claim, note=f"not measured: {reason}") for claim in DEEP_CLAIMS.values()]
        return {
            **base,
            "claims": as_json(claims),
            "attacks": [],
            "strongest": None,
            "trained_on": f"Nothing was measured: {reason}.",
        }
    scores = {name: np.array([made["scores"][name] for made in shadows]).T for name in SCORES}
    is_large = np.array(targets.large)
    found = _of_some(scores, targets, ~is_large, seed, dealings)
    claims = _claims(found, int((~is_large).sum()), len(shadows))
    if is_large.sum() >= _LEAST_TARGETS:
        of_large = _of_some(scores, targets, is_large, seed, dealings).by_auc
        note = f"{_note(of_large, int(is_large.sum()), len(shadows))}; informs, and keeps nobody from publishing"
        bounds = {"lower_bound": of_large.lower_bound, "upper_bound": of_large.interval.upper}
        claims.append(replace(LARGE_CLAIM, measured=of_large.measured, note=note, **bounds))
    named = titles()
    return {
        **base,
        "claims": as_json(claims),
        "attacks": [{"name": name, "title": named[name], **asdict(of)} for name, of in found.outcomes.items()],
        "strongest": {
            name: {**asdict(of), "interval": [of.interval.lower, of.interval.upper]}
            for name, of in (("auc", found.by_auc), ("tpr_01", found.by_tpr))
        },
        "trained_on": _trained_on(targets, shadows, rows),
    }


def _too_few(targets: Exposed, shadows: Sequence[Mapping[str, Any]]) -> str:
    """Why nothing can be measured; empty where it can."""
    for number, made in enumerate(shadows, 1):
        if made["reason"]:
            return f"shadow {number}: {made['reason']}"
    if (count := targets.large.count(False)) < _LEAST_TARGETS:
        return f"there are {count} targets, and an interval needs {_LEAST_TARGETS}"
    if len(shadows) < _LEAST_SHADOWS:
        return f"there are {len(shadows)} shadows, and a variance needs {_LEAST_SHADOWS}"
    return ""


def _of_some(scores: Mapping[str, np.ndarray], targets: Exposed, wanted: np.ndarray, seed: int, dealings: int) -> Found:
    """What is found of some targets."""
    return measured({name: of[wanted] for name, of in scores.items()}, targets.members[wanted], seed, dealings)


def _claims(found: Found, targets: int, shadows: int) -> list[Claim]:
    """The claims of ``deep_goals.DEEP_CLAIMS`` with their measures. The goal on true positives is what chance exceeds."""
    claims = []
    for claim, strongest in zip(DEEP_CLAIMS.values(), (found.by_auc, found.by_tpr), strict=True):
        goal = strongest.by_chance if strongest is found.by_tpr else claim.at_most
        bounds = {"lower_bound": strongest.lower_bound, "upper_bound": strongest.upper_bound}
        note = _note(strongest, targets, shadows)
        claims.append(
            replace(
                claim,
                measured=strongest.measured,
                at_most=goal,
                note=note,
                goal_is_measured=strongest is found.by_tpr,
                **bounds,
            )
        )
    return claims


def _note(strongest: Strongest, targets: int, shadows: int) -> str:
    lower, upper, _ = strongest.interval
    return (
        f"the strongest attack is {titles()[strongest.attack]}; {targets} targets in {shadows} shadows; by targets {lower:.3f} "
        f"to {upper:.3f} at 95%; chance alone exceeds {strongest.by_chance:.4f} once in twenty times, and reaches as much with "
        f"p = {strongest.p_value:.4f}"
    )


def _trained_on(targets: Exposed, shadows: Sequence[Mapping[str, Any]], rows: int) -> str:
    first = shadows[0]
    return (
        f"{len(shadows)} shadow syntheses by the release's own function, with {first['epochs']} CTGAN epochs a month, each on "
        f"about {first['rows']:,} of the {rows:,} declarations: those of {first['share']:.0%} of the importers, the same in "
        f"every shadow, and of half of the {targets.large.count(False)} most exposed importers, and of half of "
        f"{targets.large.count(True)} large ones, dealt at random."
    )
