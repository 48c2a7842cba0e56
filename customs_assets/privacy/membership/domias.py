"""DOMIAS: the density of the release at a row over that of the world. It looks for places where the synthesizer overfits.

Van Breugel, Sun, Qian, van der Schaar: *Membership Inference Attacks against Synthetic Data through Overfitting Detection*
(AISTATS 2023), equation 2. Score: p_S(x) / p_R(x), both Gaussian kernel densities in the reduced space.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene

# Added to the world's density, as the authors' package does, so that a row in an empty place has a score.
_LEAST = 1e-20


def scores(scene: Scene) -> np.ndarray:
    """n scores from 0 on."""
    return scene.synthetic_density / (scene.reference_density + _LEAST)
