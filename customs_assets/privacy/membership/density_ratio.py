"""The ratio of two densities by nearest rows, among all attributes.

The idea of DOMIAS (van Breugel et al. 2023) with the density that the distances to the nearest rows give, in place of a kernel's.
Score: log mean of the five smallest d(x, r) − log mean of the five smallest d(x, s).
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.crowd import CROWD
from customs_assets.privacy.membership.scene import Scene

# Added to distances, so that a copy has a logarithm.
_LEAST = 1e-3


def scores(scene: Scene) -> np.ndarray:
    """n scores; above 0 where the synthetic rows crowd more than the reference does."""
    to_reference, to_synthetic = (
        np.log(distances[:, :CROWD].mean(axis=1) + _LEAST) for distances in (scene.to_reference, scene.to_synthetic)
    )
    return to_reference - to_synthetic
