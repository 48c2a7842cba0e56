"""Donor trees: like rows give donors, and no draw rests on fewer importers than the k rule asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.synthesis.donors import DonorTree, in_turns


def _tree(seed: int, target: str, min_group: int, importers: int = 12) -> tuple[DonorTree, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(200, 3))
    # Importers cling to regions, so that many leaves belong to one or two of them.
    owner = (np.argsort(np.argsort(features[:, 0])) * importers // 200).astype(int)
    values = features[:, 0] + features[:, 1]
    aim = (values > 0).astype(int) if target == "class" else values
    tree = DonorTree.fit(features, aim, owner, min_group=min_group, min_leaf=4, seed=seed)
    return tree, features, owner


@given(st.integers(0, 1000), st.sampled_from(["class", "number"]), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_every_leaf_is_served_by_a_node_of_k_importers(seed: int, target: str, min_group: int):
    tree, features, owner = _tree(seed, target, min_group)
    for leaf in np.unique(tree.tree.apply(features)):
        node = tree.node_of_leaf[leaf]
        donors = tree.order[tree.start[node] : tree.end[node]]
        assert len(np.unique(owner[donors])) >= min_group
        assert set(np.flatnonzero(tree.tree.apply(features) == leaf)) <= set(donors)


def test_a_leaf_of_enough_importers_serves_itself():
    tree, features, _owner = _tree(3, "number", 1)
    leaves = tree.tree.apply(features)
    assert (tree.node_of_leaf[leaves] == leaves).all()
    drawn = tree.draw(features, np.random.default_rng(0))
    assert (leaves[drawn] == leaves).all()


def test_every_row_stands_in_the_order_once_and_the_root_has_all():
    tree, features, _ = _tree(1, "class", 3)
    assert sorted(tree.order) == list(range(len(features)))
    assert (tree.start[0], tree.end[0]) == (0, len(features))


def test_all_donors_of_a_node_are_equally_likely():
    features, target = np.zeros((4, 1)), np.zeros(4)
    tree = DonorTree.fit(features, target, np.arange(4), min_group=2, min_leaf=2, seed=0)
    counts = np.bincount(tree.draw(np.zeros((8000, 1)), np.random.default_rng(0)), minlength=4)
    assert counts == pytest.approx([2000] * 4, abs=200)


def test_a_source_of_fewer_importers_than_k_serves_as_a_whole():
    tree, features, _ = _tree(2, "number", min_group=50)
    assert (tree.node_of_leaf == 0).all()
    assert len(set(tree.draw(features, np.random.default_rng(0)))) > 80


def test_the_same_generator_draws_the_same_donors():
    tree, features, _ = _tree(4, "number", 3)
    again, _, _ = _tree(4, "number", 3)
    drawn = [each.draw(features, np.random.default_rng(9)).tolist() for each in (tree, again)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != tree.draw(features, np.random.default_rng(10)).tolist()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_no_importer_gives_more_than_its_share_of_a_turn(rows: list[int], min_group: int, seed: int):
    owner = np.repeat(np.arange(len(rows)), rows)
    donors = np.arange(len(owner)) + 1000
    drawn = in_turns(donors, owner, min_group, 400, np.random.default_rng(seed))
    assert len(drawn) == 400
    assert set(drawn) <= set(donors)
    served = np.bincount(owner[drawn - 1000], minlength=len(rows)) / 400
    fair = max(1 / min_group, 1 / len(rows))
    # The last turn is cut short, and so may hold a few rows more of one than of another.
    assert served.max() <= fair + len(owner) / 400


def test_a_dominant_importer_is_held_to_a_kth_and_its_rows_still_take_turns():
    owner = np.array([0] * 16 + [1, 2, 3, 4])
    drawn = in_turns(np.arange(20), owner, 5, 5000, np.random.default_rng(0))
    assert (owner[drawn] == 0).mean() == pytest.approx(0.2, abs=1e-3)
    assert len(np.unique(drawn[owner[drawn] == 0])) == 16
    even = in_turns(np.arange(20), np.repeat(np.arange(5), 4), 5, 40, np.random.default_rng(0))
    assert (np.bincount(even) == 2).all()
