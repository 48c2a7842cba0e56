"""Distance to the closest synthetic row: the nearer it lies, the likelier a member.

Chen, Yu, Zhang, Fritz: *GAN-Leaks* (CCS 2020), section 4.1, without calibration. Score: −min d(x, s) over the synthetic rows s.
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene


def scores(scene: Scene) -> np.ndarray:
    """n scores of at most 0."""
    return -scene.to_synthetic[:, 0]
