"""Local neighbourhood: is the share of synthetic rows around a row larger than that of reference rows?

Houssiau et al.: *TAPAS* (2022) count synthetic rows within a radius; the reference's count stands beside it here, since places
are crowded or empty of themselves. Score: ((1 + synthetic rows within r) / |S|) / ((1 + reference rows within r) / |R|). The
radius r is the lower quartile of the attacked rows' distances to their closest reference row: so small that most rows have no
reference row within. Counts end at ``scene.NEAREST``.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene

_RADIUS_QUANTILE = 0.25


def scores(scene: Scene) -> np.ndarray:
    """n scores; above 1 where the synthetic rows crowd more than the reference does."""
    radius = np.quantile(scene.to_reference[:, 0], _RADIUS_QUANTILE)
    synthetic, reference = (
        1 + (distances <= radius).sum(axis=1) for distances in (scene.to_synthetic, scene.to_reference)
    )
    return synthetic / reference * (len(scene.reference) / len(scene.synthetic))
