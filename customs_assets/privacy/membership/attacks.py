"""The one list of the membership attacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from customs_assets.privacy.membership import (
    classifier,
    closest,
    closest_difference,
    crowd,
    density,
    density_ratio,
    domias,
    informed,
    likelihood_ratio,
    monte_carlo,
    neighbourhood,
    pooled,
)
from customs_assets.privacy.membership.scene import Scene

_RELEASE = "the release"
_REFERENCE = "the release, real declarations of others"
_MEMBERS = "the same, and of two thirds of the importers whether they were members"


class Attack(NamedTuple):
    """One attack.

    Attributes:
        name: for machines.
        title: what it looks at, with its paper, for people.
        knows: what the attacker has beside the row.
        scores: n scores of the attacked rows of a scene; higher says member. None for ``pooled``, which is made of the others.
        stretch: how many times further chance can move the attack than its scores, taken as fixed, show; 1 where it does not
            learn from labels.
    """

    name: str
    title: str
    knows: str
    scores: Callable[[Scene], np.ndarray] | None
    stretch: float = 1.0


ATTACKS: tuple[Attack, ...] = (
    Attack("closest", "distance to the closest record (Chen 2020)", _RELEASE, closest.scores),
    Attack("crowd", "mean distance to the five closest records", _RELEASE, crowd.scores),
    Attack("density", "density of the release (Houssiau 2022)", _RELEASE, density.scores),
    Attack("monte_carlo", "Monte Carlo: records within a radius (Hilprecht 2019)", _RELEASE, monte_carlo.scores),
    Attack("closest_difference", "difference of distances (Chen 2020)", _REFERENCE, closest_difference.scores),
    Attack("density_ratio", "ratio of distances to the five closest records", _REFERENCE, density_ratio.scores),
    Attack("domias", "DOMIAS: ratio of densities (van Breugel 2023)", _REFERENCE, domias.scores),
    Attack("likelihood_ratio", "Gen-LRA: local likelihood ratio (Ward 2025)", _REFERENCE, likelihood_ratio.scores),
    Attack("neighbourhood", "local neighbourhood: two counts (Houssiau 2022)", _REFERENCE, neighbourhood.scores),
    Attack("classifier", "LOGAN: a classifier (Hayes 2019)", _REFERENCE, classifier.scores),
    Attack("pooled", "the mean rank of all above", _REFERENCE, None),
    Attack("informed", "trees that know of other importers", _MEMBERS, informed.scores, informed.STRETCH),
)


def all_scores(scene: Scene) -> dict[str, np.ndarray]:
    """The n scores of each attack, by name, in the order of ``ATTACKS``."""
    outsiders = {
        attack.name: attack.scores(scene)
        for attack in ATTACKS
        if attack.scores is not None and attack.scores is not informed.scores
    }
    return {**outsiders, "pooled": pooled.scores(outsiders.values()), "informed": informed.scores(scene)}
