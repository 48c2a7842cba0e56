"""How much importers, sellers, declarants and couriers lean to fraud, beyond what their goods explain.

In a source some parties are found out more often than their goods would have it, and a detector that knows them by their tokens
makes use of it. A release needs parties that lean as much, and not those that lean. So the labels have a second level, as in a
generalized linear mixed model (Breslow and Clayton 1993). How widely a role's parties differ is a variance, estimated from the
source. How much a new party leans is drawn at random with that variance, whichever declarations it was composed of. So a leaning
is nobody's, and each role's relation to fraud is as strong as the source's.

The variance is estimated by moments. A residual is a label less its rate by a model that has not seen the importer. The residuals
of two declarations of one party have a product of ``variance * v1 * v2`` on average, with ``v = rate * (1 - rate)``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.declaration import IDENTITIES
from customs_assets.seeds import Root, derive_seed

ASSET = "fraud_propensity"

_IMPORTER = "importer_id"

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
        By role, in squared log-odds, 0 or more. For sellers, declarants and couriers it comes from declarations of different
        importers. What an importer's own declarations have in common beyond its partners is the importer's.
    """
    residual, spread = fraud - rates, rates * (1 - rates)
    variances = {
        role: _variance(*_pairs(parties, residual, spread, role, apart=True))
        for role in IDENTITIES
        if role != _IMPORTER
    }
    own, of_own = _pairs(parties, residual, spread, _IMPORTER)
    for role, variance in variances.items():
        shared = _pairs(parties, residual, spread, _IMPORTER, together=role)[1]
        own -= variance * shared
    return {role: variances.get(role, _variance(own, of_own)) for role in IDENTITIES}


def _variance(products: float, expected: float) -> float:
    return min(max(products / expected, 0.0), _LARGEST_VARIANCE) if expected > 0 else 0.0


def _pairs(
    parties: pd.DataFrame,
    residual: np.ndarray,
    spread: np.ndarray,
    role: str,
    *,
    apart: bool = False,
    together: str | None = None,
) -> tuple[float, float]:
    """Sums over all pairs of declarations of one party: of the products of residuals, and of those of spreads.

    Args:
        parties, residual, spread: n rows.
        role: whose pairs.
        apart: whether both declarations must be of different importers.
        together: another role in which both must have the same party.
    """
    groups = [role] if together is None else [role, together]
    rows = pd.DataFrame({"residual": residual, "spread": spread}).assign(
        **{name: parties[name].to_numpy() for name in dict.fromkeys([*groups, _IMPORTER])}
    )
    rows = rows[(rows[groups] != "").all(axis=1)]
    sizes = rows.groupby(role)[role].transform("size")
    weight = pd.Series(np.minimum(1.0, (_MOST_ROWS / sizes.to_numpy()) ** 2), rows.index)
    # The square of a sum has all pairs and the squares of what was summed, which are taken away.
    parts = rows.groupby([*groups, _IMPORTER])[["residual", "spread"]].sum() if apart else rows.set_index(groups)
    values = parts[["residual", "spread"]]
    level = list(range(len(groups)))
    squares, summed = (values**2).groupby(level=level).sum(), values.groupby(level=level).sum()
    weights = weight.groupby([rows[name] for name in groups]).first()
    pairs = (summed**2 - squares).mul(weights, axis=0).sum()
    return float(pairs["residual"]), float(pairs["spread"])


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
