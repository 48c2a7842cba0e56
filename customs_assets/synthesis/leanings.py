"""How much importers, sellers, declarants and couriers lean to fraud, beyond what their goods explain.

In a source some parties are found out more often than their goods would have it, and a detector that knows them by their tokens
makes use of it. A release needs parties that lean as much, and not those that lean. So the labels have a second level, as in a
generalized linear mixed model (Breslow and Clayton 1993). How widely a role's parties differ is a variance, estimated from the
source. How much a new party leans is drawn at random with that variance, whichever declarations it was composed of. So a leaning
is nobody's, and each role's relation to fraud is as strong as the source's.

The variances are estimated by moments. A residual is a label less its rate by a model that has not seen the importer. Of two
declarations the product of residuals is on average ``v1 * v2`` times the sum of the variances of the roles in which they have the
same party, with ``v = rate * (1 - rate)``. So each role's pairs give an equation, and the variances that fit them best, none of
them negative, are those of non-negative least squares (Lawson and Hanson 1974).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.declaration import IDENTITIES
from customs_assets.seeds import Root, derive_seed

ASSET = "fraud_propensity"

# A party with more declarations counts as if it had so many, so that no large one alone sets the variance.
_MOST_ROWS = 50

_LARGEST_VARIANCE = 4.0


def estimated_leanings(parties: pd.DataFrame, fraud: np.ndarray, rates: np.ndarray) -> dict[str, float]:
    """The variance of each role's leanings.

    Args:
        parties: n rows with :data:`declaration.IDENTITIES`; empty where nobody is named.
        fraud: n labels, 0 or 1.
        rates: n rates in [0, 1], by models that have not seen the row's importer.

    Returns:
        By role, in squared log-odds, from 0 to 4. What is found where two roles always go together is divided between them.
    """
    from scipy.optimize import nnls

    codes = {role: _codes(parties[role]) for role in IDENTITIES}
    residual, spread = fraud - rates, rates * (1 - rates)
    equations, products = np.zeros((len(IDENTITIES), len(IDENTITIES))), np.zeros(len(IDENTITIES))
    for place, role in enumerate(IDENTITIES):
        weight = _weights(codes[role])
        own = _pairs(spread, codes[role], weight)
        if own <= 0:
            continue
        products[place] = _pairs(residual, codes[role], weight) / own
        for other, of_other in enumerate(IDENTITIES):
            both = np.where(
                (codes[role] < 0) | (codes[of_other] < 0),
                -1,
                codes[role] * (codes[of_other].max() + 1) + codes[of_other],
            )
            equations[place, other] = _pairs(spread, both, weight) / own
    variances = nnls(equations, products)[0]
    return {role: float(min(variance, _LARGEST_VARIANCE)) for role, variance in zip(IDENTITIES, variances, strict=True)}


def _codes(tokens: pd.Series) -> np.ndarray:
    """The party of each row, integers; -1 where nobody is named."""
    return pd.factorize(tokens.replace("", None))[0].astype(np.int64)


def _weights(party: np.ndarray) -> np.ndarray:
    """How much a pair of each row's party counts."""
    size = np.bincount(party[party >= 0])
    each = np.minimum(1.0, (_MOST_ROWS / np.maximum(size, 1)) ** 2)
    return np.where(party >= 0, each[np.maximum(party, 0)], 0.0) if len(each) else np.zeros(len(party))


def _pairs(values: np.ndarray, group: np.ndarray, weight: np.ndarray) -> float:
    """The sum of the products of the values of all pairs of rows of one group, each times the weight of the rows."""
    named = group >= 0
    place = np.unique(group[named], return_inverse=True)[1].ravel()
    value, factor = values[named], np.sqrt(weight[named])
    # The square of a sum has all pairs, and the squares of what was summed.
    summed = np.bincount(place, value * factor)
    return float((summed**2).sum() - ((value * factor) ** 2).sum())


def leaning_of(identities: pd.DataFrame, leanings: Mapping[str, float], root: Root) -> np.ndarray:
    """How much the parties of each of m rows lean together, in log-odds.

    Args:
        identities: m rows with the roles of ``leanings``; empty where nobody is named.
        leanings: the variance of each role.
        root: what leanings derive from. A party leans alike wherever it is named.
    """
    total = np.zeros(len(identities))
    for role, variance in leanings.items():
        if variance > 0:
            places, tokens = pd.factorize(identities[role])
            key = derive_seed(root, ASSET, purpose=f"leaning of {role}").to_bytes(32, "big")
            total += np.sqrt(variance) * np.where(tokens == "", 0.0, _standard_normal(list(tokens), key))[places]
    return total


def _standard_normal(tokens: Sequence[str], key: bytes) -> np.ndarray:
    """A number for each token, drawn from the standard normal distribution by a keyed hash."""
    from scipy.special import ndtri

    hashes = [hashlib.blake2b(token.encode(), key=key, digest_size=8).digest() for token in tokens]
    return ndtri((np.array([int.from_bytes(each, "big") >> 11 for each in hashes], dtype=float) + 0.5) / 2**53)
