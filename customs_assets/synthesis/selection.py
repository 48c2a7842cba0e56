"""Selection: the drafts that make the synthetic rows as dense everywhere as the source is.

A GAN makes too many rows here and too few there. A classifier that tells source rows from drafts estimates the ratio of their
densities (Bickel, Brückner and Scheffer 2009), and drafts are chosen in proportion to it (Azadi et al. 2019 do the like with the
discriminator). Rows are chosen, never changed. Each is a draft of the GAN, and nothing is copied from the source.
"""

from __future__ import annotations

import numpy as np

from customs_assets.seeds import Root, derive_rng, derive_seed
from customs_assets.synthesis.boosted_trees import parameters, scores

# Drafts for each row that is needed, and the rounds in which they are reduced to that number.
DRAFTS = 4
ROUNDS = 2

_FOLDS = 3
_TREES = 60
_LEAVES = 15

# A draft counts at most this much more than the average one.
_LARGEST_RATIO = 20.0


def select(source: np.ndarray, drafts: np.ndarray, count: int, *, min_leaf: int, root: Root) -> np.ndarray:
    """Choose drafts that are distributed as the source is.

    Args:
        source: features of n source rows, floats, shape (n, f).
        drafts: features of m drafts, floats, shape (m, f).
        count: how many to choose, at most m.
        min_leaf: source rows and drafts that each estimate rests on at least.
        root: what folds, trees and draws derive from.

    Returns:
        ``count`` different places among the drafts, ascending.

    Raises:
        ValueError: there are fewer drafts than are to be chosen.
    """
    if count > len(drafts):
        raise ValueError(f"{count} rows are to be chosen of {len(drafts)} drafts; sample more of them")
    kept = np.arange(len(drafts))
    for number in range(ROUNDS):
        left = ROUNDS - number
        wanted = round(count ** (1 / left) * len(kept) ** (1 - 1 / left))
        rng = derive_rng(root, "selection", str(number))
        ratio = _density_ratio(source, drafts[kept], min_leaf, rng, derive_seed(root, "selection trees", str(number)))
        # Efraimidis and Spirakis (2006): the largest log(u) / w are a draw without replacement in proportion to w.
        kept = np.sort(kept[np.argsort(-np.log(rng.random(len(kept))) / ratio, kind="stable")[:wanted]])
    return kept


def _density_ratio(
    source: np.ndarray, drafts: np.ndarray, min_leaf: int, rng: np.random.Generator, seed: int
) -> np.ndarray:
    """Density of the source over that of the drafts at each draft, by models that did not see it."""
    import lightgbm

    features = np.concatenate([source, drafts])
    real = np.repeat([1, 0], [len(source), len(drafts)])
    weight = np.where(real == 1, len(drafts) / len(source), 1.0)
    folds = rng.integers(0, _FOLDS, len(features))
    share = np.empty(len(features))
    for fold in range(_FOLDS):
        seen = folds != fold
        dataset = lightgbm.Dataset(features[seen], real[seen], weight=weight[seen])
        model = lightgbm.train(parameters(seed, min_leaf, num_leaves=_LEAVES), dataset, num_boost_round=_TREES)
        if not seen.all():
            share[~seen] = scores(model, features[~seen])
    inside = np.clip(share[len(source) :], 1e-6, 1 - 1e-6)
    return np.minimum(inside / (1 - inside), _LARGEST_RATIO)
