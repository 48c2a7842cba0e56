"""How much nearer the closest synthetic row is than the closest reference row.

Chen et al. (2020), section 4.2, calibrate ``closest`` so: a row in a crowded place is near to everything. They train a second
model for the second distance. A sample of real rows of others serves as well (van Breugel et al. 2023). Score: min d(x, r) −
min d(x, s) over the reference rows r and the synthetic rows s.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene


def scores(scene: Scene) -> np.ndarray:
    """n scores; above 0 where a synthetic row is nearer."""
    return scene.to_reference[:, 0] - scene.to_synthetic[:, 0]
