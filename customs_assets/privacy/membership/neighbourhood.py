"""Local neighbourhood: is the share of synthetic rows around a row larger than that of reference rows?

Houssiau et al.: *TAPAS* (2022) count synthetic rows within a radius; the reference's count stands beside it here, since places
are crowded or empty of themselves. Score: log (1 + rows s within r) / |S| − log (1 + rows of the reference within r) / |R|. The
radius r is the quarter of the attacked rows' distances to their closest reference row: small enough that most rows have none of
them within. Counts end at ``scene.NEAREST``.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene

_RADIUS_QUANTILE = 0.25


def scores(scene: Scene) -> np.ndarray:
    """n scores; above 0 where the synthetic rows crowd more than the reference does."""
    radius = np.quantile(scene.to_reference[:, 0], _RADIUS_QUANTILE)
    synthetic, reference = (
        np.log1p((distances <= radius).sum(axis=1)) for distances in (scene.to_synthetic, scene.to_reference)
    )
    return synthetic - reference - np.log(len(scene.synthetic) / len(scene.reference))
