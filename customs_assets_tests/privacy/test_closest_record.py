"""Nearest rows, found exactly, and the share of synthetic rows that lie nearer to training than to control."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.fidelity.comparison import COMPARED_NAMES, WITHOUT_IDENTITIES
from customs_assets.privacy.closest_record import closest_record
from customs_assets.privacy.records import Records, as_records, nearest


def _distances(queries: Records, references: Records) -> np.ndarray:
    """All distances, the slow way."""
    codes = (queries.codes.T[:, None, :] != references.codes.T[None, :, :]).sum(axis=2)
    numbers = np.abs(queries.numbers.T[:, None, :] - references.numbers.T[None, :, :])
    return codes + numbers.sum(axis=2)


@pytest.mark.parametrize("codes", [0, 1, 3, 17])
@pytest.mark.parametrize("neighbours", [1, 4])
def test_nearest_rows_are_those_of_a_full_search(codes: int, neighbours: int):
    rng = np.random.default_rng(codes)
    queries, references = (
        Records(rng.integers(0, 3, (codes, rows)).astype(np.uint16), rng.random((4, rows)).astype(np.float32))
        for rows in (60, 90)
    )
    everything = _distances(queries, references)
    found = nearest(queries, references, neighbours)
    np.testing.assert_allclose(found.distances, np.sort(everything, axis=1)[:, :neighbours], rtol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(everything, found.rows, axis=1), found.distances, rtol=1e-5)


def test_of_equally_near_rows_the_first_is_found():
    references = Records(np.array([[1, 0, 0, 1]], dtype=np.uint16), np.zeros((1, 4), dtype=np.float32))
    queries = Records(np.array([[0, 1, 2]], dtype=np.uint16), np.zeros((1, 3), dtype=np.float32))
    assert nearest(queries, references).rows[:, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("codes", "values"), [(2, 3), (6, 2), (9, 4)])
def test_among_many_ties_the_rows_are_those_of_a_stable_sort(codes: int, values: int):
    rng = np.random.default_rng(codes)
    queries, references = (
        Records(rng.integers(0, values, (codes, rows)).astype(np.uint16), rng.integers(0, 5, (2, rows)) / 4)
        for rows in (80, 300)
    )
    everything = _distances(queries, references)
    found = nearest(queries, references, 7)
    expected = np.argsort(everything, axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(found.rows, expected)
    np.testing.assert_array_equal(found.distances, np.take_along_axis(everything, expected, axis=1))


def test_more_neighbours_than_rows_are_refused():
    rows = Records(np.zeros((1, 2), dtype=np.uint16), np.zeros((0, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="3 neighbours were asked for among 2 rows"):
        nearest(rows, rows, 3)


def test_distance_counts_codes_that_differ_and_shares_of_ranks(declarations):
    source = declarations(rows=4, net_mass=[1.0, 10.0, 100.0, 1e6])
    other = declarations(rows=1, net_mass=[10.0], office_id=["99"], importer_id=["ANOTHER"])
    for columns, expected in ((COMPARED_NAMES, 2.0), (WITHOUT_IDENTITIES, 1.0)):
        first, second = as_records([other, source], columns)
        assert nearest(first, second).distances[0, 0] == expected
    # The heaviest of five rows has four below it, itself half: rank 0.9; 1 kg has rank 0.1.
    ranks = as_records([source, other], ["net_mass"])[0].numbers[0]
    np.testing.assert_allclose(ranks, [0.1, 0.4, 0.7, 0.9], atol=1e-6)
    scaled = as_records([source, other], ["net_mass"], scale="range")[0].numbers[0]
    np.testing.assert_allclose(scaled, [0.0, 9e-6, 99e-6, 1.0], atol=1e-6)


def test_a_missing_number_is_refused(declarations):
    with pytest.raises(ValueError, match="1 rows have no finite net_mass"):
        as_records([declarations(rows=2, net_mass=[1.0, np.nan])])


def test_copies_lie_nearer_to_training_and_a_fresh_sample_does_not(random_declarations):
    world = random_declarations(1200, seed=3).dropna()
    parts = [world.iloc[start::3].head(200) for start in range(3)]
    copied = closest_record(parts[0], parts[0], parts[1])
    assert copied.identical_to_training == 200 > copied.identical_to_control
    assert copied.share_nearer_to_training == pytest.approx(1.0, abs=0.01)
    fresh = closest_record(parts[2], parts[0], parts[1])
    assert fresh.share_nearer_to_training == pytest.approx(0.5, abs=4 * fresh.standard_error)


def test_the_larger_side_is_cut_so_that_numbers_alone_do_not_decide(random_declarations):
    world = random_declarations(1200, seed=4).dropna()
    result = closest_record(world.iloc[:150], world.iloc[150:650], world.iloc[650:750])
    assert result.share_nearer_to_training == pytest.approx(0.5, abs=4 * result.standard_error)
    assert result == closest_record(world.iloc[:150], world.iloc[150:650], world.iloc[650:750])


def test_a_tie_counts_half(declarations):
    row = declarations(rows=1)
    shifted = declarations(rows=1, office_id=["20"])
    result = closest_record(pd.concat([row, shifted]), row, row)
    assert result.share_nearer_to_training == 0.5, "a tie counts half"
