"""Gen-LRA: are the synthetic rows near a row likelier if the row is added to the world?

Ward, Wang, Cheng: *Privacy Auditing Synthetic Data Release through Local Likelihood Attacks* (2025). Score: the sum of
log p_{R+x}(s) − log p_R(s) over the ``NEIGHBOURS`` synthetic rows s nearest to x. Both are Gaussian kernel densities in the
reduced space, of the m reference rows R alone and with x among them.

With one bandwidth for both, p_{R+x}(s) = (m · p_R(s) + K(s − x)) / (m + 1), K being the kernel. So one density, of R at the
synthetic rows, serves all attacked rows. The authors estimate the bandwidth again with x; one row in m hardly moves it
(``benchmarks/membership_peers.py`` compares both).
"""

from __future__ import annotations

import numpy as np

from customs_assets.privacy.membership.scene import Scene, density

NEIGHBOURS = 5

# Added to likelihoods, so that a synthetic row in an empty place has a logarithm.
_LEAST = 1e-20


def scores(scene: Scene) -> np.ndarray:
    """n scores; above 0 where the nearest synthetic rows are likelier with the row in the world."""
    attacked, synthetic, reference = scene.space
    if not attacked.shape[1]:
        return np.zeros(len(attacked))
    return likelihood_ratios(attacked, synthetic, reference)


def likelihood_ratios(attacked: np.ndarray, synthetic: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The scores of points.

    Args:
        attacked: shape (n, axes).
        synthetic: shape (rows, axes).
        reference: shape (m, axes), in general position.
    """
    from scipy.spatial import KDTree
    from scipy.stats import gaussian_kde, multivariate_normal

    count = min(NEIGHBOURS, len(synthetic))
    places = np.reshape(KDTree(synthetic).query(attacked, count)[1], (len(attacked), count))
    alone = density(reference, synthetic)[places]
    kernel = multivariate_normal(cov=gaussian_kde(reference.T).covariance)
    added = np.reshape(kernel.pdf(synthetic[places] - attacked[:, None]), alone.shape)
    together = (len(reference) * alone + added) / (len(reference) + 1)
    return np.sum(np.log(together + _LEAST) - np.log(alone + _LEAST), axis=1)
