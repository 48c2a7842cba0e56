"""A party that makes more than a k-th of all declarations is over its share by what has no room, and by no more."""

from __future__ import annotations

import numpy as np

from customs_assets.disclosure.identities import over_share
from customs_assets.disclosure.large_parties import unavoidable_share

K = 5

# Ten new identities of ten rows: each has room for two rows of one source identity.
RUNS = np.repeat(np.arange(10), 10)


def _owners(of_the_largest: np.ndarray) -> np.ndarray:
    owners = np.arange(1, 101)
    owners[of_the_largest] = 0
    return np.unique(owners, return_inverse=True)[1]


def test_what_has_no_room_is_what_the_best_dealing_leaves():
    evenly = np.flatnonzero(np.isin(np.arange(100) % 10, (0, 1, 2)) | (np.arange(100) % 20 == 3))
    owners = _owners(evenly)
    assert (owners == 0).sum() == 35
    assert unavoidable_share(RUNS, owners, K) == 0.15
    assert over_share(RUNS, owners, K).mean() == 0.15


def test_a_bad_dealing_is_told_from_what_cannot_be_helped():
    together = np.arange(35)
    assert unavoidable_share(RUNS, _owners(together), K) == 0.15
    assert over_share(RUNS, _owners(together), K).mean() == 0.27


def test_parties_of_at_most_a_kth_excuse_nothing():
    owners = np.repeat(np.arange(5), 20)
    assert unavoidable_share(RUNS, owners, K) == 0.0
    assert over_share(RUNS, owners, K).mean() == 0.8
