"""Monte Carlo: how many synthetic rows lie within a small radius of a row?

Hilprecht, Härterich, Bernau: *Monte Carlo and Reconstruction Membership Inference Attacks against Generative Models* (PoPETs
2019), section 4. Score: the share of the synthetic rows s with d(x, s) ≤ ε. The radius ε is the median, over the attacked rows,
of the distance to the closest synthetic row (their median heuristic). Counts end at ``scene.NEAREST``.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene


def scores(scene: Scene) -> np.ndarray:
    """n shares in [0, 1]."""
    radius = np.median(scene.to_synthetic[:, 0])
    return (scene.to_synthetic <= radius).sum(axis=1) / len(scene.synthetic)
