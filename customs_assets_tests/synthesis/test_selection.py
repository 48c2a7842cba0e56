"""Selection: drafts that are chosen are distributed as the source is, and are drafts."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.synthesis.selection import select


@pytest.fixture(scope="module")
def tables() -> tuple[np.ndarray, np.ndarray]:
    """A source around 0 and four times as many drafts around 1, wider; two columns that hang together in the source alone."""
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, 1500)
    source = np.column_stack([first, first + rng.normal(0, 0.3, 1500)])
    return source, rng.normal(0.7, 1.5, (6000, 2))


def test_the_chosen_are_more_like_the_source_than_the_drafts(tables: tuple[np.ndarray, np.ndarray]):
    source, drafts = tables
    chosen = drafts[select(source, drafts, 1500, min_leaf=20, root=1)]
    distance = [np.abs(rows.mean(axis=0) - source.mean(axis=0)) for rows in (chosen, drafts)]
    assert (distance[0] < 0.6 * distance[1]).all()
    assert np.corrcoef(chosen.T)[0, 1] > 0.6
    assert abs(np.corrcoef(drafts.T)[0, 1]) < 0.1


def test_every_draft_is_chosen_once_at_most(tables: tuple[np.ndarray, np.ndarray]):
    source, drafts = tables
    chosen = select(source, drafts, 1500, min_leaf=20, root=1)
    assert len(chosen) == len(set(chosen.tolist())) == 1500
    assert (np.diff(chosen) > 0).all()
    assert len(select(source, drafts, 6000, min_leaf=20, root=1)) == 6000


def test_the_same_seed_chooses_the_same(tables: tuple[np.ndarray, np.ndarray]):
    source, drafts = tables
    one, two, other = (select(source, drafts, 500, min_leaf=20, root=seed) for seed in (1, 1, 2))
    assert one.tolist() == two.tolist() != other.tolist()


def test_more_than_there_are_cannot_be_chosen(tables: tuple[np.ndarray, np.ndarray]):
    with pytest.raises(ValueError, match="6001 rows are to be chosen of 6000 drafts"):
        select(*tables, 6001, min_leaf=20, root=1)
