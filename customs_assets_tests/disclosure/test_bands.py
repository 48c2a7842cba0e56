"""Bands: whatever one importer writes, no edge, extreme or draw is its amount, and the range of draws hardly moves.

The first tests are the attack that the even layout of earlier versions fell to: four amounts gave the four ends away.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.disclosure.bands import MOST_OF_A_BAND, Bands
from customs_assets.disclosure.too_few import TooFewImporters

K = 5
SECRET, ANOTHER = b"s" * 32, b"t" * 32
AMOUNTS = [103.7, 118.2, 131.9, 150.4, 177.3, 205.6, 219.9, 244.1, 290.8, 913.5]
OWNERS = [f"importer {number}" for number in range(10)]

# Who wrote what: up to 40 importers with up to 200 amounts over nine decades.
WRITTEN = st.lists(
    st.tuples(st.integers(0, 39), st.floats(-9, 12).map(lambda power: round(10.0**power, 4))), min_size=60, max_size=200
)


def _column(rows: list[tuple[int, float]]) -> tuple[pd.Series, pd.Series]:
    return pd.Series([max(amount, 1e-4) for _, amount in rows]), pd.Series([f"I{owner}" for owner, _ in rows])


def _edges(bands: Bands) -> np.ndarray:
    return np.unique([*bands.lows, *bands.highs])


def _log_ends(bands: Bands) -> np.ndarray:
    return np.log([bands.lows[0], bands.highs[-1]])


def _market(seed: int, rows: int = 900, importers: int = 300) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    amounts = pd.Series(np.exp(rng.normal(8, 2, rows)).round(2))
    return amounts, pd.Series([f"I{owner}" for owner in rng.integers(0, importers, rows)])


def test_draws_give_no_end_of_a_band_back():
    bands = Bands.fit(pd.Series(AMOUNTS), pd.Series(OWNERS), K, root=SECRET)
    source = np.array(AMOUNTS)
    seen = np.concatenate([bands.at_quantiles(source, source, seed) for seed in range(200)])
    for amount in AMOUNTS:
        assert np.abs(seen / amount - 1).min() > 1e-7
    steps = np.diff(np.log(np.sort(bands.at_quantiles(source, source, 1))))
    assert np.ptp(steps[:4]) > 0.01


def test_the_edges_are_another_secret_s_others_and_the_same_for_the_same():
    first, again, other = (
        Bands.fit(pd.Series(AMOUNTS), pd.Series(OWNERS), K, root=r) for r in (SECRET, SECRET, ANOTHER)
    )
    assert np.array_equal(_edges(first), _edges(again))
    assert not np.isclose(_edges(first), _edges(other), rtol=1e-4).any()


def test_without_a_root_nobody_can_draw_the_noise_again():
    first, second = (Bands.fit(pd.Series(AMOUNTS), pd.Series(OWNERS), K) for _ in range(2))
    assert not np.isclose(_edges(first), _edges(second), rtol=1e-6).any()


@given(WRITTEN)
@settings(deadline=None)
def test_no_edge_is_an_amount_that_fewer_than_k_importers_wrote(rows: list[tuple[int, float]]):
    amounts, owners = _column(rows)
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    loose = amounts[~amounts.isin(bands.heaps)]
    for edge in _edges(bands):
        assert np.abs(loose / edge - 1).min() > 1e-9


@given(WRITTEN)
@settings(deadline=None)
def test_behind_every_band_stand_k_importers_and_none_has_more_than_half(rows: list[tuple[int, float]]):
    amounts, owners = _column(rows)
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    loose = ~amounts.isin(bands.heaps)
    band = np.searchsorted(bands.largest, amounts[loose])
    if len(bands.largest) > 1:
        for _, behind in owners[loose].groupby(band):
            assert behind.nunique() >= K
            assert behind.value_counts().max() <= MOST_OF_A_BAND * len(behind)


@given(WRITTEN, st.integers(0, 39), st.sampled_from([1e-9, 0.01, 0.5, 3.0, 1e4, 1e9]))
@settings(deadline=None, max_examples=60)
def test_what_one_importer_writes_moves_the_range_of_draws_by_no_more_than_noise(
    rows: list[tuple[int, float]], owner: int, factor: float
):
    amounts, owners = _column(rows)
    mine = (owners == f"I{owner}").to_numpy()
    changed = amounts.where(~mine, amounts * factor)
    without = amounts[~mine], owners[~mine]
    if (~mine).sum() < 40 or without[1].nunique() < 4 * K:
        return
    fitted = [Bands.fit(amounts, owners, K, root=f"noise {n}".encode()) for n in range(20)]
    if not all(len(bands.lows) for bands in fitted):  # nothing but heaps: there is no band whose end could move
        return
    whole = [_log_ends(bands) for bands in fitted]
    noise = np.ptp(whole, axis=0)
    for other in (Bands.fit(changed, owners, K, root=SECRET), Bands.fit(*without, K, root=SECRET)):
        ends = _log_ends(other) if len(other.lows) else np.min(whole, axis=0)
        assert (ends > np.min(whole, axis=0) - 2 * noise).all()
        assert (ends < np.max(whole, axis=0) + 2 * noise).all()


@pytest.mark.parametrize("factor", [1e3, 1e6, 1e9])
def test_a_price_beyond_all_others_comes_back_neither_exactly_nor_nearly(factor: float):
    amounts, owners = _market(1)
    outlier = amounts.max() * factor
    amounts[7] = outlier
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    others = np.sort(amounts.to_numpy())[:-1]
    for seed in range(20):
        shown = bands.at_quantiles(amounts.to_numpy(), amounts.to_numpy(), seed)
        assert shown.max() < 10 * others[-1]
        assert shown.sum() < 2 * others.sum()


def test_draws_are_distributed_as_the_amounts_were():
    amounts, owners = _market(2, rows=3000)
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    shown = np.sort(bands.at_quantiles(amounts.to_numpy(), amounts.to_numpy(), 3))
    source = np.sort(amounts.to_numpy())
    below = np.searchsorted(source, shown, side="right") / len(source)
    assert np.abs(below - (np.arange(len(shown)) + 1) / len(shown)).max() < 0.01
    assert len(np.unique(shown)) == len(shown)


@pytest.mark.parametrize("seed", range(5))
def test_who_knows_all_amounts_behind_an_edge_but_one_learns_no_amount(seed: int):
    """The colluders solve each edge for the last amount; no answer is an amount."""
    amounts, owners = _market(seed)
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    logs = np.sort(np.log(amounts.to_numpy()))
    hits = guesses = 0
    for edge in np.log(bands.highs[:-1]):
        window = logs[np.argsort(np.abs(logs - edge))[:K]]
        for place in range(K):
            guess = K * edge - (window.sum() - window[place])
            hits += np.abs(np.expm1(guess - window[place])) < 1e-5
            guesses += 1
    assert guesses > 300
    assert hits == 0


def test_two_releases_that_differ_by_one_importer_differ_by_more_than_its_amount():
    """Had an edge the same noise in both, their difference would give the amount: it does not."""
    amounts, owners = _market(4)
    target = int(np.argsort(amounts.to_numpy())[450])
    fewer = amounts.drop(target), owners.drop(target)
    first, second = Bands.fit(amounts, owners, K, root=SECRET), Bands.fit(*fewer, K, root=SECRET)
    common = np.isin(first.highs, second.highs)
    # Edges far from what was taken away are the same to the bit (nothing to average); those near it are drawn anew.
    assert 0.2 < common.mean() < 1
    changed = np.log(first.highs[~common])
    nearest = np.log(second.highs[np.abs(np.log(second.highs)[:, None] - changed).argmin(axis=0)])
    solved = changed + K * (changed - nearest)
    assert np.abs(np.expm1(solved - np.log(amounts[target]))).min() > 1e-5


def test_what_fewer_than_k_importers_wrote_is_drawn_from_the_heaps():
    amounts = pd.Series([10.0] * 5 + [20.0] * 5 + [13.7, 15.2])
    owners = pd.Series([*OWNERS[:5], *OWNERS[5:], "one", "two"])
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    assert not len(bands.lows)
    shown = bands.blur(amounts.to_numpy(), np.random.default_rng(1))
    assert set(shown) == {10.0, 20.0}
    assert shown[:10].tolist() == amounts[:10].tolist()


def test_where_there_is_neither_band_nor_heap_nothing_is_shown():
    bands = Bands.fit(pd.Series([13.7, 15.2]), pd.Series(["one", "two"]), K, root=SECRET)
    with pytest.raises(TooFewImporters, match="fewer importers than may be shown"):
        bands.blur(np.array([13.7]), np.random.default_rng(1))
    with pytest.raises(TooFewImporters):
        bands.at_quantiles(np.array([1.0]), np.array([13.7]), 1)


def test_amounts_of_0_belong_to_the_lowest_band_and_residuals_may_be_negative():
    amounts = pd.Series([0.0, *AMOUNTS])
    owners = pd.Series(["zero", *OWNERS])
    shown = Bands.fit(amounts, owners, K, root=SECRET).blur(np.zeros(50), np.random.default_rng(1))
    assert (shown > 0).all()
    assert (shown < 250).all()
    residuals = Bands.fit(pd.Series(np.log(AMOUNTS)) - 6, pd.Series(OWNERS), K, root=SECRET, logarithmic=False)
    assert (residuals.lows < residuals.highs).all()
    assert residuals.lows[0] < 0 < residuals.highs[-1]


def test_equal_amounts_stay_in_one_band():
    amounts = pd.Series([*AMOUNTS, 150.4, 150.4, 150.4, *np.linspace(1000, 5000, 40)])
    owners = pd.Series([*OWNERS, *OWNERS[:3], *(f"other {n}" for n in range(40))])
    bands = Bands.fit(amounts, owners, K, root=SECRET)
    assert (np.diff(bands.largest) > 0).all()
    assert (np.searchsorted(amounts.sort_values(), bands.largest, side="right") > 0).all()


def test_in_the_tails_only_what_k_importers_of_these_rows_wrote_is_kept():
    """5,000 and 20 are safe over all months; here one importer wrote each, and they are the largest and the least."""
    amounts, owners = _market(6)
    middle = round(float(amounts.median()))
    amounts = pd.concat([amounts.clip(30, 4000), pd.Series([5000.0, 20.0, float(middle)])], ignore_index=True)
    owners = pd.concat([owners, pd.Series(["one", "two", "three"])], ignore_index=True)
    bands = Bands.fit(amounts, owners, K, np.array([20.0, float(middle), 5000.0]), root=SECRET)
    assert middle in bands.heaps
    assert 5000.0 not in bands.heaps
    assert 20.0 not in bands.heaps
    assert bands.in_tails(np.array([5000.0, 20.0, middle])).tolist() == [True, True, False]
    shown = bands.blur(np.array([5000.0, 20.0, middle]), np.random.default_rng(1))
    assert shown[2] == middle
    assert not np.isclose(shown[:2], [5000.0, 20.0], rtol=1e-5).any()


def test_importers_are_counted_by_their_place_whatever_the_index_of_the_amounts():
    """One importer wrote 777.7 six times. Where ten rows were left out before, it counted as six importers and was a heap."""
    amounts, owners = _market(7)
    mine = [50, 150, 250, 350, 450, 550]
    amounts[mine], owners[mine] = 777.7, "one"
    kept = amounts.index >= 10
    bands = Bands.fit(amounts[kept], owners[kept].reset_index(drop=True), K, root=SECRET)
    assert 777.7 not in bands.heaps
    assert 777.7 not in bands.at_quantiles(amounts[kept].to_numpy(), amounts[kept].to_numpy(), SECRET)


def test_how_often_a_heap_comes_out_does_not_tell_who_wrote_it():
    """An attacker who knows what all others wrote counts how often 250.0 comes out, with a seventh importer and without."""
    amounts, owners = _market(5, rows=400)
    amounts.iloc[:7] = 250.0
    owners.iloc[:7] = [f"writer {number}" for number in range(7)]
    counts: dict[bool, list[int]] = {True: [], False: []}
    for there, found in counts.items():
        kept = np.ones(len(amounts), dtype=bool)
        kept[0] = there
        column, who = amounts[kept].reset_index(drop=True), owners[kept].reset_index(drop=True)
        bands = Bands.fit(column, who, K, root=SECRET)
        shown = [bands.at_quantiles(column.to_numpy(), column.to_numpy(), seed) for seed in range(200)]
        found.extend(int((one == 250.0).sum()) for one in shown)
    # One more of seven is two fifths of the root of thirteen: an AUC of 0.61 at most. It was 1.
    with_it, without = (np.array(counts[there])[:, None] for there in (True, False))
    auc = np.mean(with_it > without.T) + np.mean(with_it == without.T) / 2
    assert 0.5 <= auc < 0.68, auc
    assert np.mean(counts[True]) == pytest.approx(7, abs=0.7), "heaps are as frequent as they were, on average"


@pytest.mark.parametrize("rows", [1, 2, 5, 20, 50])
def test_a_short_column_is_shown_evenly(rows: int):
    """Fewer rows than ranks to either side: each of the heaps comes out about as often as it was written."""
    heaps = np.arange(1.0, rows + 1)
    column = pd.Series(np.repeat(heaps, K))
    bands = Bands.fit(column, pd.Series([f"I{place % K}" for place in range(len(column))]), K, root=SECRET)
    shown = bands.at_quantiles(np.arange(4000.0), heaps, 3)
    counts = pd.Series(shown).value_counts().reindex(heaps).fillna(0)
    # The two ends turn back, so they have half of a share or more.
    assert counts.min() >= 0.35 * 4000 / rows and counts.max() <= 1.7 * 4000 / rows, counts
