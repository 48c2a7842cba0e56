"""What one party's size makes unavoidable when new identities are dealt from the source's.

A new identity takes at most a ``k``-th of its rows from one source identity. Where one broker makes more than a ``k``-th of all
declarations, no dealing keeps that: its rows have to go somewhere. What belongs here is arithmetic.
"""

from __future__ import annotations

import numpy as np


def unavoidable_share(runs: np.ndarray, sources: np.ndarray, min_group: int) -> float:
    """The share of rows that any dealing to identities of these sizes would put where too many of one source identity are.

    Args:
        runs: n integers, the new identity of each row.
        sources: n integers, the source identity of each row.
        min_group: ``k``.
    """
    sizes, declared = np.bincount(runs), np.bincount(sources)
    room = (-(-sizes // min_group)).sum()
    return float(np.maximum(declared - room, 0).sum() / len(runs)) if len(runs) else 0.0


def rows_without_room(runs: np.ndarray, donors: np.ndarray, min_group: int) -> np.ndarray:
    """Which rows are of a party that declared more than new identities can take, and stand where an even spread puts them.

    A new identity of at least ``min_group`` rows takes at most half of them, rounded up, of one donor, and has ``min_group``
    donors; a smaller one takes one row of each (``identities.too_few_donors``). A party that declared more than all of them
    take is more than that of some, whatever the dealing. Where an identity holds clearly more of such a party than its share
    of all declarations (by over two standard deviations), that was avoidable.

    Args:
        runs: n integers, the new identity of each row.
        donors: n integers, who declared the goods of each row.
        min_group: ``k``.

    Returns:
        n booleans.
    """
    if not len(runs):
        return np.zeros(0, dtype=bool)
    sizes, declared = np.bincount(runs), np.bincount(donors)
    most = np.where(sizes < min_group, 1, np.minimum(-(-sizes // 2), sizes - min_group + 1))
    share = declared[donors] / len(runs)
    _, places, counts = np.unique(np.stack([runs, donors]), axis=1, return_inverse=True, return_counts=True)
    held, size = counts[places], sizes[runs]
    even = share * size + 2 * np.sqrt(share * (1 - share) * size)
    return (declared[donors] > most[sizes > 0].sum()) & (held <= even)
