"""Dominance: what stays of a cell is dominated by nobody and of k importers, or nothing stays, by a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.disclosure.dominance import Dominance

# Some amounts are nothing, some are a thousand times others.
_AMOUNT = st.one_of(st.just(0.0), st.floats(0.5, 50), st.floats(1e3, 1e6))
_CONTRIBUTIONS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40), _AMOUNT, _AMOUNT), max_size=30)
_RULES = st.sampled_from(
    [Dominance(), Dominance(0.5, 0.7), Dominance(0.75, 1), Dominance(1, 0.85), Dominance(0.9, 0.5)]
)


def _columns(rows: list[tuple[int, int, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    cell, declarations, value, mass = (np.array([row[place] for row in rows]) for place in range(4))
    return cell.astype(int), declarations.astype(float), value.astype(float), mass.astype(float)


def _is_dominated(rule: Dominance, amounts: list[float]) -> bool:
    """Whether one has its limit, or any two have theirs, written out."""
    total = sum(amounts)
    ranked = sorted(amounts, reverse=True)
    one = rule.one < 1 and ranked[0] >= rule.one * total
    two = rule.two < 1 and sum(ranked[:2]) >= rule.two * total
    return total > 0 and (one or two)


@given(_CONTRIBUTIONS, _RULES, st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_what_stays_is_dominated_by_nobody_and_of_k_importers_or_nothing_stays(rows, rule: Dominance, k: int):
    cell, declarations, value, mass = _columns(rows)
    shares = rule.shown_shares(cell, declarations, value, mass, k)
    assert shares.shape == cell.shape
    assert ((shares >= 0) & (shares <= 1)).all()
    for one in set(cell.tolist()):
        here = cell == one
        if not shares[here].any():
            continue
        for amount in (value, mass):
            assert not _is_dominated(rule, (shares * amount)[here].tolist())
        assert ((shares * declarations)[here] >= 1).sum() >= k


@given(_CONTRIBUTIONS, _RULES, st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_a_cell_that_nobody_dominates_stays_whole_if_it_is_of_k_importers(rows, rule: Dominance, k: int):
    cell, declarations, value, mass = _columns(rows)
    shares = rule.shown_shares(cell, declarations, value, mass, k)
    for one in set(cell.tolist()):
        here = cell == one
        if here.sum() < k:
            assert (shares[here] == 0).all()
        elif not any(_is_dominated(rule, amount[here].tolist()) for amount in (value, mass)):
            assert (shares[here] == 1).all()


@given(_CONTRIBUTIONS, st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_limits_of_one_switch_the_rule_off(rows, k: int):
    cell, declarations, value, mass = _columns(rows)
    off = Dominance(1, 1)
    enough = np.array([(cell == one).sum() >= k for one in cell], dtype=bool)
    assert (off.shown_shares(cell, declarations, value, mass, k) == enough).all()
    assert (off.trimmed(cell, value, mass, k) == enough).all()
    assert not off.dominated(cell, (value, mass), 4).any()


@given(_CONTRIBUTIONS, _RULES, st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_trimmed_cells_are_dominated_by_nobody_and_lose_their_largest_alone(rows, rule: Dominance, k: int):
    cell, _, value, mass = _columns(rows)
    stay = rule.trimmed(cell, value, mass, k)
    for one in set(cell.tolist()):
        here = cell == one
        left = here & stay
        if left.any():
            assert left.sum() >= k
            assert not any(_is_dominated(rule, amount[left].tolist()) for amount in (value, mass))
            # Whoever left had as much value or mass as anybody who stayed.
            gone = here & ~stay
            assert ((value[gone] >= value[left].max()) | (mass[gone] >= mass[left].max())).all()
        if here.sum() >= k and not any(_is_dominated(rule, amount[here].tolist()) for amount in (value, mass)):
            assert stay[here].all()


@given(_CONTRIBUTIONS, _RULES)
@settings(max_examples=100, deadline=None)
def test_dominated_cells_are_those_of_a_plain_count(rows, rule: Dominance):
    cell, _, value, mass = _columns(rows)
    found = rule.dominated(cell, (value, mass), 5)
    for one in range(5):
        here = cell == one
        wanted = here.any() and any(_is_dominated(rule, amount[here].tolist()) for amount in (value, mass))
        assert found[one] == wanted


def test_a_dominating_importer_is_thinned_and_no_more_than_needed():
    value = np.array([900.0, 100.0, 100.0, 100.0])
    shares = Dominance(0.75, 1).shown_shares(np.zeros(4, int), np.array([90.0, 10, 10, 10]), value, np.ones(4), 3)
    # Of 300 besides, three times as much may stay: all of 900 is exactly 75%, which is too much.
    assert shares[0] == pytest.approx(0.999)
    assert (shares[1:] == 1).all()
    shares = Dominance(0.75, 1).shown_shares(
        np.zeros(4, int), np.array([90.0, 10, 10, 10]), value * [4, 1, 1, 1], np.ones(4), 3
    )
    assert shares[0] == pytest.approx(0.999 / 4)


def test_two_that_dominate_together_are_both_thinned():
    value = np.array([500.0, 500.0, 30.0, 30.0, 40.0])
    shares = Dominance().shown_shares(np.zeros(5, int), np.full(5, 20.0), value, np.ones(5), 5)
    # The others' 100 are more than 15% where the two have less than 100 * 85 / 15.
    assert shares[:2] == pytest.approx([0.999 * 100 * 0.85 / 0.15 / 2 / 500] * 2, rel=1e-6)
    assert (shares[2:] == 1).all()


def test_a_cell_whose_thinned_importer_keeps_no_declaration_does_not_count_it():
    value = np.array([1e6, 1.0, 1.0])
    shares = Dominance().shown_shares(np.zeros(3, int), np.array([5.0, 5, 5]), value, np.zeros(3), 3)
    assert (shares == 0).all()


def test_no_contributions_are_no_cells():
    nothing = np.zeros(0)
    assert Dominance().shown_shares(nothing.astype(int), nothing, nothing, nothing, 3).shape == (0,)
    assert Dominance().trimmed(nothing.astype(int), nothing, nothing, 3).shape == (0,)
