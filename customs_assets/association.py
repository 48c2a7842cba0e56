"""How strongly two columns of categories hang together. A measure that any room may use belongs here."""

from __future__ import annotations

import numpy as np


def normalized_mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Mutual information over the mean of the two entropies, in [0, 1], as ``sklearn.metrics`` has it by default.

    Args:
        first: non-negative integer codes, shape (rows,).
        second: likewise.
    """
    joint = first.astype(np.int64) * (int(second.max()) + 1) + second
    entropies = [_entropy(np.bincount(first)), _entropy(np.bincount(second))]
    if entropies == [0.0, 0.0]:
        return 1.0
    joint_entropy = _entropy(np.unique(joint, return_counts=True)[1])
    mutual = max(sum(entropies) - joint_entropy, 0.0)
    return mutual / (sum(entropies) / 2)


def _entropy(counts: np.ndarray) -> float:
    """Entropy in nats of a distribution given as counts."""
    counts = counts[counts > 0]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if len(counts) > 1 else 0.0
