"""The membership attacks, measured: how well each tells training rows from control rows, and what chance alone would reach."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.fidelity.detection import auc
from customs_assets.privacy.chance import (
    CLAIMS,
    CONFIDENCE,
    FALSE_ALARMS,
    auc_bound,
    auc_upper_bound,
    judging_quantile,
    usual_quantile,
    wilson,
)
from customs_assets.privacy.membership.attacks import ATTACKS, all_scores
from customs_assets.privacy.membership.curves import RATES, curves, null_band
from customs_assets.privacy.membership.permutation import FEW, PERMUTATIONS, null, p_value, quantile, rates
from customs_assets.privacy.membership.scene import Scene

# What the measures are compared with: chance reaches more once in twenty times.
USUAL = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How well one attack works.

    Attributes:
        auc: in [0, 1]; 0.5 tells nothing.
        tpr_01: share of the members that are found where 1 in 100 others is taken for one; 0.01 tells nothing.
        tpr_10: the same for 1 in 10; 0.10 tells nothing.
    """

    auc: float
    tpr_01: float
    tpr_10: float


@dataclass(frozen=True, slots=True)
class Strongest:
    """The largest measure over all attacks, beside what the largest reaches by chance.

    Attributes:
        attack: its name.
        measured: its measure.
        lower_bound: of the largest measure, for one of ``chance.CLAIMS`` claims; NaN with too few importers on a side.
        upper_bound: of the largest measure, at ``chance.CONFIDENCE``; NaN as above.
        by_chance: what the largest measure of all attacks exceeds once in twenty times if nothing leaked.
        p_value: how often it reaches as much if nothing leaked, in (0, 1].
    """

    attack: str
    measured: float
    lower_bound: float
    upper_bound: float
    by_chance: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Membership:
    """How well the attacks tell training rows from control rows.

    Attributes:
        outcomes: of each attack, in the order of ``attacks.ATTACKS``.
        by_auc: the attack with the largest AUC. Its lower bound is the highest of the attacks' own, each of which allows for the
            number of attacks and of claims.
        by_tpr: the attack with the most true positives at ``FEW`` false positives.
        standard_error: of the largest AUC, with the importer as the unit; NaN with too few importers on a side.
        members: training rows attacked, and as many control rows.
        curves: true positives at ``curves.RATES``, by attack.
        band: what the attack with the most true positives stays under at these rates in 95% of cases if nothing leaked.
    """

    outcomes: dict[str, Outcome]
    by_auc: Strongest
    by_tpr: Strongest
    standard_error: float
    members: int
    curves: dict[str, list[float]]
    band: list[float]

    @property
    def aucs(self) -> dict[str, float]:
        """The AUC of each attack."""
        return {name: outcome.auc for name, outcome in self.outcomes.items()}

    @property
    def strongest(self) -> str:
        """The attack with the largest AUC."""
        return self.by_auc.attack

    @property
    def auc(self) -> float:
        """The largest AUC."""
        return self.by_auc.measured

    def as_json(self) -> dict[str, Any]:
        """The measures of each attack, and of the strongest; NaN as None."""
        strongest = {"auc": asdict(self.by_auc), "tpr_01": asdict(self.by_tpr)}
        for measure in strongest.values():
            for bound in ("lower_bound", "upper_bound"):
                measure[bound] = None if math.isnan(measure[bound]) else measure[bound]
        attacks = [
            {"name": attack.name, "title": attack.title, "knows": attack.knows, **asdict(self.outcomes[attack.name])}
            for attack in ATTACKS
        ]
        return {
            "attacks": attacks,
            "strongest": strongest,
            "rows": self.members,
            "permutations": PERMUTATIONS,
            "curves": {"false_positives": RATES.tolist(), "true_positives": self.curves, "band": self.band},
        }


def membership(synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020) -> Membership:
    """Attack training and control rows, and measure how well each attack tells them apart.

    Half of control's importers are the attacker's reference sample. The other half and as many training rows are attacked. Then
    the halves of control change places, and the rows of other training importers are attacked. So every importer is attacked
    once, and chance moves the measures less. A score counts as its rank within its scene, divided by the scene's rows. 27,000
    synthetic rows and as many on either side take 50 seconds.

    Raises:
        CannotBeMeasured: control has too few importers to be halved.
    """
    from scipy.stats import rankdata

    scores: dict[str, list[np.ndarray]] = {attack.name: [] for attack in ATTACKS}
    scenes = Scene.both(synthetic, training, control, seed)
    for scene in scenes:
        for name, values in all_scores(scene).items():
            scores[name].append(rankdata(values) / len(values))
    offsets = np.cumsum([0, *(int(scene.importers.max()) + 1 for scene in scenes)])
    return measured(
        {name: np.concatenate(parts) for name, parts in scores.items()},
        np.concatenate([scene.is_member for scene in scenes]),
        np.concatenate([scene.importers + offset for scene, offset in zip(scenes, offsets[:-1], strict=True)]),
        seed,
    )


def measured(scores: dict[str, np.ndarray], is_member: np.ndarray, importers: np.ndarray, seed: int) -> Membership:
    """The measures of scores.

    Args:
        scores: n scores by attack, for all of ``attacks.ATTACKS`` or some of them.
        is_member: n booleans; both kinds occur.
        importers: n codes from 0.
        seed: of the permutations.
    """
    outcomes = {name: Outcome(auc(values, is_member), *rates(values, is_member)) for name, values in scores.items()}
    # An importer on both sides counts as two (only a split by rows puts one there).
    codes = importers * 2 + is_member
    stretch = {attack.name: attack.stretch for attack in ATTACKS}
    chance = null(scores, is_member, codes, stretch, seed)
    # Each attack has its part of the claim's rate of false alarms, so the highest lower bound holds for the claim.
    needed = judging_quantile(len(scores))
    bounds = {name: auc_bound(values, is_member, codes, needed * stretch[name]) for name, values in scores.items()}
    by_auc = max(outcomes, key=lambda name: outcomes[name].auc)
    by_tpr = max(outcomes, key=lambda name: outcomes[name].tpr_01)
    largest_auc, largest_tpr = outcomes[by_auc].auc, outcomes[by_tpr].tpr_01
    lower_auc, unit = max(lower for lower, _ in bounds.values()), bounds[by_auc][1]
    usual = usual_quantile()
    upper_auc = max(auc_upper_bound(s, is_member, codes, usual * stretch[name]) for name, s in scores.items())
    bounds_tpr = (math.nan, math.nan) if math.isnan(unit) else tpr_bounds(largest_tpr, chance.tpr)
    return Membership(
        outcomes,
        Strongest(
            by_auc, largest_auc, lower_auc, upper_auc, quantile(chance.auc, USUAL), p_value(largest_auc, chance.auc)
        ),
        Strongest(by_tpr, largest_tpr, *bounds_tpr, quantile(chance.tpr, USUAL), p_value(largest_tpr, chance.tpr)),
        unit * stretch[by_auc],
        int(is_member.sum()),
        curves(scores, is_member),
        null_band(scores[by_tpr], is_member, codes, stretch[by_tpr], seed),
    )


def tpr_bounds(largest: float, by_chance: np.ndarray) -> tuple[float, float]:
    """The lower and the upper bound of the largest rate of true positives at ``FEW`` false positives.

    How far the largest rate strays by chance, the permutations show: it exceeds q once in ``chance.CLAIMS`` / ``FALSE_ALARMS``
    times. This is the spread of a share of ``FEW`` among some number of independent rows. Wilson's interval of the measured
    share among that many rows gives the lower bound. It lies above ``FEW`` only where the measure lies above q. So an honest
    table is convicted no more often than it may be, whatever its attacks have in common; for a table that leaks the bound is an
    approximation. The upper bound is the same at ``chance.CONFIDENCE``.

    Args:
        largest: the measured rate, in [0, 1].
        by_chance: the largest rate under each permutation.
    """

    def ends(error: float, needed: float) -> tuple[float, float]:
        strays = max(quantile(by_chance, error) - FEW, 1e-6)
        share = wilson(largest, FEW * (1 - FEW) * (needed / strays) ** 2, needed)
        return max(share.value - share.error, 0.0), share.value + share.error

    return ends(FALSE_ALARMS / CLAIMS, judging_quantile())[0], ends((1 - CONFIDENCE) / 2, usual_quantile())[1]
