"""Attacks made of scores: each score beside what it is for the same target in the other shadows.

- *calibrated*: how far a score lies above its mean over all shadows, in standard deviations. It needs no knowledge of who was in
  which shadow: a target whose release looks more like it than usual is taken for a member.
- *likelihood ratio* (LiRA; Carlini, Chien, Nasr, Song, Terzis, Tramèr: *Membership Inference Attacks From First Principles*,
  2022): is the score likelier under the normal distribution of the shadows that the target was in, or of the others? The shadow
  that is attacked is left out of both. With few shadows one variance serves both (their section VI-A); it is drawn a little
  towards the variance over all shadows.
- *learned*: the scores together, weighed as the targets *other than this one* show that members differ from others (Fisher's
  linear discriminant), and LiRA of that.
"""

from __future__ import annotations

import numpy as np

# How many shadows' worth the variance over all shadows counts for in a target's own variance.
_PRIOR = 4.0

# Added to the diagonal of the correlations between scores, since some of them nearly say the same.
_RIDGE = 0.1

_LEAST = 1e-9


def calibrated(scores: np.ndarray) -> np.ndarray:
    """Each score less the target's mean over all shadows, in the target's standard deviations; 0 where it never differs.

    Args:
        scores: shape (..., targets, shadows).
    """
    centred = scores - scores.mean(axis=-1, keepdims=True)
    deviation = centred.std(axis=-1, keepdims=True)
    return np.where(deviation > _LEAST, centred / np.maximum(deviation, _LEAST), 0.0)


def likelihood_ratios(scores: np.ndarray, members: np.ndarray) -> np.ndarray:
    """LiRA: the logarithm of the ratio, of each target in each shadow, by the other shadows alone.

    Args:
        scores: shape (..., targets, shadows), calibrated.
        members: shape (targets, shadows), booleans; at least two of either kind in each row.

    Returns:
        Shape of ``scores``; above 0 says member.
    """
    sides = []
    for side in (members, ~members):
        # Sums over the side, without the shadow that is attacked.
        own, count = np.where(side, scores, 0.0), side.sum(axis=-1, keepdims=True) - side
        total = own.sum(axis=-1, keepdims=True) - own
        squares = (own**2).sum(axis=-1, keepdims=True) - own**2
        mean = total / count
        sides.append((mean, np.maximum(squares - count * mean**2, 0.0)))
    (inside, first), (outside, second) = sides
    freedom = max(members.shape[-1] - 3, 1)
    variance = (first + second + _PRIOR) / (freedom + _PRIOR)
    return ((scores - outside) ** 2 - (scores - inside) ** 2) / (2 * variance)


def learned(scores: np.ndarray, members: np.ndarray, weighing: np.ndarray) -> np.ndarray:
    """The scores together, weighed as other targets show; all 0 where there is no other target.

    Args:
        scores: shape (scores, targets, shadows), calibrated.
        members: shape (targets, shadows), booleans.
        weighing: :func:`weighing_of` the same scores.
    """
    gains = (scores * np.where(members, 1.0, -1.0)).mean(axis=-1)
    targets = gains.shape[1]
    of_others = (gains.sum(axis=1, keepdims=True) - gains) / max(targets - 1, 1)
    return np.einsum("ct,cts->ts", weighing @ of_others, scores)


def weighing_of(scores: np.ndarray) -> np.ndarray:
    """The inverse of the correlations between the scores, over all targets and shadows: who was a member does not enter.

    Args:
        scores: shape (scores, targets, shadows), calibrated.
    """
    flat = scores.reshape(len(scores), -1)
    return np.linalg.inv(flat @ flat.T / flat.shape[1] + _RIDGE * np.eye(len(scores)))
