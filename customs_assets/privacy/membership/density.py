"""The density of the release at a row: where many synthetic rows lie, a member is likelier.

Houssiau et al.: *TAPAS* (2022), and equation 1 of van Breugel et al. (2023). Score: p_S(x), a Gaussian kernel density of the
synthetic rows in the reduced space (``scene.density``).
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene


def scores(scene: Scene) -> np.ndarray:
    """n densities."""
    return scene.synthetic_density
