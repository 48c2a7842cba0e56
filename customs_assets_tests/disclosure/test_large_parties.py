"""A party that makes more than a k-th of all declarations is over its share by what has no room, and by no more."""

from __future__ import annotations

import numpy as np

from customs_assets.disclosure.identities import over_share, too_few_donors
from customs_assets.disclosure.large_parties import rows_without_room, unavoidable_share

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


def _avoidable(donors: np.ndarray) -> float:
    """The share of rows with goods of too few donors, beside those of parties that no dealing has room for."""
    goods = np.arange(len(donors))
    return (too_few_donors(RUNS, donors, goods, K) & ~rows_without_room(RUNS, donors, K)).mean()


def test_a_party_of_most_declarations_is_no_fault_where_it_is_spread_evenly():
    six_of_ten = _owners(np.flatnonzero(np.arange(100) % 10 < 6))
    assert too_few_donors(RUNS, six_of_ten, np.arange(100), K).mean() == 0.1
    assert _avoidable(six_of_ten) == 0.0


def test_a_party_of_most_declarations_that_fills_some_identities_is_a_fault():
    six_identities = _owners(np.arange(60))
    assert rows_without_room(RUNS, six_identities, K)[60:].sum() == 0
    assert _avoidable(six_identities) == too_few_donors(RUNS, six_identities, np.arange(100), K).mean() > 0.2


def test_a_party_that_has_room_excuses_nothing():
    three_identities = _owners(np.arange(30))
    assert not rows_without_room(RUNS, three_identities, K).any()
    assert _avoidable(three_identities) > 0.1
