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
