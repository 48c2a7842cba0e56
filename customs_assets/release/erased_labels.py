"""A variant of the release with most labels erased, as if few goods had been inspected (section 6 of the paper).

What belongs here chooses the declarations that keep their labels: a random share, or those that an inspection would have chosen.
The file of the release and the benchmark of the evidence both use it, so they have the same labels.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from customs_assets.declaration import LABELS, RELEASED_TUPLE
from customs_assets.seeds import Root, derive_rng

Policy = Literal["random", "inspection"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


def partly_labelled(train: pd.DataFrame, rate: float, policy: Policy, root: Root) -> pd.DataFrame:
    """The training declarations with the labels of all but :func:`inspected` ones erased, the same ones for the same root."""
    rng = derive_rng(root, "synthetic_release", purpose=f"labels kept, {policy}")
    kept = inspected(train, rate, policy, rng)
    return train.assign(**{label: train[label].astype("Int8").where(kept) for label in LABELS})


def inspected(declarations: pd.DataFrame, rate: float, policy: Policy, rng: np.random.Generator) -> np.ndarray:
    """Which declarations keep their labels: booleans, ``rate`` of them true, at least one.

    Args:
        declarations: labelled declarations, in order of date.
        rate: share that is inspected, in (0, 1].
        policy: ``random``: each is as likely as the others. ``inspection``: an office inspects where it found fraud before. The
            chance of a declaration grows with the rate of fraud among declarations of the same chapter and origin. So the labels
            are a biased sample, as those of an administration are.
        rng: where draws come from.

    Raises:
        ValueError: the rate lies outside (0, 1].
    """
    if not 0 < rate <= 1:
        raise ValueError(f"the share of labels kept is {rate}; it must lie above 0 and at most at 1")
    wanted = max(round(rate * len(declarations)), 1)
    weights = np.ones(len(declarations)) if policy == "random" else _suspicion(declarations)
    # The largest of u^(1/w): a weighted draw without replacement (Efraimidis and Spirakis 2006).
    keys = np.log(rng.random(len(declarations))) / weights
    kept = np.zeros(len(declarations), dtype=bool)
    kept[np.argsort(-keys, kind="stable")[:wanted]] = True
    return kept


def _suspicion(declarations: pd.DataFrame) -> np.ndarray:
    """The smoothed rate of fraud among declarations of the same chapter and origin, squared, as a risk engine would use it."""
    fraud = declarations["fraud"].to_numpy(float)
    code = next(name for name in ("hs6_code", "hs10_code") if name in declarations)
    keys = declarations[code].str[:2] + declarations[RELEASED_TUPLE[2]]
    groups = pd.DataFrame({"key": keys, "fraud": fraud}).groupby("key")["fraud"]
    smoothed = (groups.transform("sum") + 5 * fraud.mean()) / (groups.transform("size") + 5)
    return np.maximum(smoothed.to_numpy(), 1e-3) ** 2
