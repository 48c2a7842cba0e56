"""Attacks on amounts and seeds: even layouts, an importer's extreme, rare codes and public seeds are convicted; draws are not."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmarks.attack_amounts import rarely_written_extremes, reach
from customs_assets.fidelity.claims import Tables
from customs_assets.privacy.amounts import (
    AMOUNTS,
    Variation,
    extremes,
    solved_amounts,
    strongest,
)
from customs_assets.privacy.claims import rule_claims
from customs_assets.privacy.counts import group_account
from customs_assets.privacy.equal_steps import equal_steps
from customs_assets.privacy.guessed_seed import PUBLIC_SEEDS, GuessedSeed, guessed_seed

K = 5
MONTHS = ("2020-01", "2020-02")
_ROWS, _IMPORTERS = 900, 300

# How numbers are laid out between the two ends of a band: low, high, count.
Layout = Callable[[float, float, int], np.ndarray]


def _log_middles(low: float, high: float, count: int) -> np.ndarray:
    return low * (high / low) ** ((np.arange(count) + 0.5) / count)


def _plain_middles(low: float, high: float, count: int) -> np.ndarray:
    return low + (high - low) * (np.arange(count) + 0.5) / count


def _inside(low: float, high: float, count: int) -> np.ndarray:
    return low + (high - low) * np.arange(1, count + 1) / (count + 1)


def _drawn(rng: np.random.Generator) -> Layout:
    return lambda low, high, count: low * (high / low) ** rng.random(count)


def _written(amounts: np.ndarray) -> np.ndarray:
    return np.where(
        amounts >= 10, np.round(amounts, 1), np.where(amounts >= 1, np.round(amounts, 2), np.round(amounts, 3))
    )


def _banded(values: np.ndarray, importers: np.ndarray, layout: Layout) -> np.ndarray:
    """Different numbers in their order: bands of at least k importers, each laid out between its exact ends."""
    order = np.argsort(values)
    bands: list[list[int]] = [[]]
    for row in order:
        if len(set(importers[bands[-1]])) >= K:
            bands.append([])
        bands[-1].append(int(row))
    if len(bands) > 1 and len(set(importers[bands[-1]])) < K:
        bands[-2:] = [bands[-2] + bands[-1]]
    out = np.empty(len(values))
    for band in bands:
        out[band] = layout(float(values[band[0]]), float(values[band[-1]]), len(band))
    return out


def _source(seed: int) -> pd.DataFrame:
    """Two months of masses, prices and importers; a fifth of masses and prices is round, and many write those."""
    rng = np.random.default_rng(seed)
    rows = _ROWS * len(MONTHS)
    mass, price = np.round(rng.lognormal(8, 1.5, rows), 1), np.round(rng.lognormal(13, 2, rows))
    people_round = rng.random(rows) < 0.2
    return pd.DataFrame(
        {
            "date": np.repeat([f"{month}-15" for month in MONTHS], _ROWS),
            "importer_id": rng.integers(0, _IMPORTERS, rows).astype(str),
            "net_mass": np.where(people_round, rng.choice([100.0, 500.0, 1000.0, 2000.0, 3000.0, 4000.0], rows), mass),
            "item_price": np.where(people_round, rng.choice([1e5, 2e5, 3e5, 1e6, 5e6], rows), price),
        }
    )


def _released(source: pd.DataFrame, column: str, layout: Layout) -> pd.DataFrame:
    """The source with one kind of amount banded in each month, round ones kept; other amounts are drawn afresh."""
    rng = np.random.default_rng(len(column))
    parts = []
    for _, month in source.groupby("date"):
        mass, price = month["net_mass"].to_numpy(), month["item_price"].to_numpy()
        values = {"net_mass": mass, "item_price": price, "unit_price": price / mass}[column]
        loose = ~pd.Series(values).duplicated(keep=False).to_numpy()
        laid_out = values.copy()
        laid_out[loose] = _banded(values[loose], month["importer_id"].to_numpy()[loose], layout)
        new_mass = _written(mass * rng.lognormal(0, 0.3, len(mass)))
        new_price = _written(price * rng.lognormal(0, 0.3, len(price)))
        if column == "net_mass":
            new_mass = _written(laid_out)
        else:
            new_price = _written(laid_out if column == "item_price" else laid_out * new_mass)
        parts.append(month.assign(net_mass=new_mass, item_price=new_price))
    return pd.concat(parts, ignore_index=True)


def _of(variations: tuple[Variation, ...], *words: str) -> Variation:
    """The variation whose description holds all the words."""
    (found,) = [tried for tried in variations if all(word in tried.how for word in words)]
    return found


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize(("scale", "layout"), [("log", _log_middles), ("plain", _plain_middles)])
def test_the_ends_of_evenly_laid_out_amounts_are_solved(amount, scale, layout):
    source = _source(1)
    found = solved_amounts(_released(source, amount, layout), source, K)
    monthly = _of(found, f"{amount},", f"equal {scale} steps", "each month", "half a step")
    # Some 150 bands of five a month, two ends each.
    assert monthly.guesses > 150
    assert monthly.hits > 0.5 * monthly.guesses
    assert monthly.chance < 0.1 * monthly.hits
    assert strongest(found).amount == amount
    assert strongest(found).lower_bound > 0.4 and strongest(found).excess >= strongest(found).lower_bound
    assert _of(found, f"{amount},", f"equal {scale} steps", "whole release", "half a step").lower_bound > 0.3


def test_ends_are_solved_where_the_layout_keeps_a_whole_step_from_them():
    source = _source(2)
    found = solved_amounts(_released(source, "item_price", _inside), source, K)
    assert "a whole step beyond" in strongest(found).note and strongest(found).lower_bound > 0.4


def test_random_draws_within_bands_are_not_convicted():
    convicted = []
    for seed in range(20):
        source, layout = _source(100 + seed), _drawn(np.random.default_rng(seed))
        for column in ("net_mass", "item_price"):
            found = solved_amounts(_released(source, column, layout), source, K)
            convicted.append(strongest(found).lower_bound > 0)
            assert strongest(found).lower_bound < 0.01
    assert sum(convicted) <= 1


def test_round_amounts_at_equal_steps_are_nobody_s():
    # Ten importers write each full hundred to 2,900; nobody's own are the full hundreds above, of which the release shows none.
    hundreds = np.repeat(np.arange(100.0, 3000.0, 100.0), 10)
    above = np.arange(3000.0, 6000.0, 100.0)
    source = pd.DataFrame(
        {
            "date": "2020-01-15",
            "importer_id": [f"M{row}" for row in range(len(hundreds) + len(above))],
            "net_mass": np.concatenate([hundreds, above]),
            "item_price": 1e6,
        }
    )
    found = solved_amounts(source.iloc[: len(hundreds)], source, K)
    assert not any(tried.hits for tried in found if tried.amount == "net_mass")


def test_an_extreme_of_one_importer_is_convicted_and_a_drawn_one_not():
    source = _source(3)
    source.loc[10, "item_price"] = 8_123_456_789_012.0
    honest = _released(_source(3), "item_price", _drawn(np.random.default_rng(3)))
    read_off = extremes(honest, _source(3), K)
    assert sum(way.hits for way in read_off if "largest item_price" in way.how) == 0
    leaking = honest.copy()
    leaking.loc[20, "item_price"] = 8_123_456_789_012.0
    leaking.loc[30, "item_price"] = 5e12
    found = extremes(leaking, source, K)
    assert _of(found, "largest item_price", "seldom").hits == 1
    assert _of(found, "largest item_price", "seldom").lower_bound > 0 and strongest(found).lower_bound > 0
    before, of_month = rarely_written_extremes(honest, _source(3), K)
    assert rarely_written_extremes(leaking, source, K) == (before + 1, of_month)
    assert of_month == 2 * 2 * len(MONTHS)
    others = source["item_price"].drop(index=10).max()
    ratio, beyond = reach(leaking, source, "item_price")
    assert ratio == pytest.approx(8_123_456_789_012.0 / others)
    assert beyond == 2


def test_a_round_extreme_that_happens_to_be_somebody_s_convicts_nobody():
    """The least prices are sparse and whole; one month's least released price comes out whole, and one importer wrote it."""
    source = _source(3)
    for _, rows in source.groupby("date"):
        few = rows.index[:12]
        source.loc[few, "item_price"] = np.array([75, 98, 121, 130, 139, 150, 156, 163, 171, 180, 188, 194], float)
    released = _released(_source(3), "item_price", _drawn(np.random.default_rng(3)))
    least = released.groupby("date")["item_price"].idxmin().to_numpy()
    released.loc[least, "item_price"] = np.linspace(101.3, 127.7, len(least)).round(1)
    assert _of(extremes(released, source, K), "smallest item_price", "often").hits == 0
    released.loc[least[0], "item_price"] = 98.0
    found = _of(extremes(released, source, K), "smallest item_price", "often")
    assert (found.hits, found.lower_bound) == (1, 0.0), found
    # Were it so in every month, it would be no chance.
    released.loc[least, "item_price"] = 98.0
    assert _of(extremes(released, source, K), "smallest item_price", "often").lower_bound > 0


def _drawn_alike(
    rng: np.random.Generator,
    dates: np.ndarray,
    importers: int,
    masses: Callable[[int], np.ndarray],
    prices: Callable[[int], np.ndarray],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A source and a release that are drawn alike and know nothing of each other."""

    def drawn() -> pd.DataFrame:
        count = len(dates)
        whose = rng.integers(0, importers, count).astype(str)
        return pd.DataFrame(
            {"date": dates, "importer_id": whose, "net_mass": masses(count), "item_price": prices(count)}
        )

    return drawn(), drawn()


@pytest.mark.parametrize(("rows", "decimals"), [(40, 2), (300, 2), (300, 1), (1500, 0)])
def test_coarse_and_sparse_extremes_of_an_honest_draw_convict_nobody(rows: int, decimals: int):
    """Source and release are drawn alike and know nothing of each other; their least amounts are small multiples of a unit."""
    dates = np.repeat([f"{year}-{month:02}-15" for year in (2020, 2021) for month in range(1, 10)], rows)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        source, released = _drawn_alike(
            rng,
            dates,
            rows // 3,
            lambda count, rng=rng: np.maximum(rng.lognormal(2, 2, count).round(decimals), 10.0**-decimals),
            lambda count, rng=rng: np.maximum(rng.lognormal(6, 2, count).round(decimals), 10.0**-decimals),
        )
        found = extremes(released, source, K)
        assert strongest(found).lower_bound == 0.0, strongest(found)
        assert sum(way.hits for way in found) <= sum(way.chance for way in found) + 3


@pytest.mark.parametrize("rows", [40, 230])
def test_prices_per_kilogram_of_round_masses_and_prices_convict_nobody(rows: int):
    """A quotient of two round numbers looks odd, and yet there are few of them: honest draws have the same."""
    dates = np.repeat([f"2020-{month:02}-15" for month in range(1, 4)], rows)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        source, released = _drawn_alike(
            rng,
            dates,
            rows // 3,
            lambda count, rng=rng: np.maximum(rng.lognormal(7, 1.5, count).round(-2), 100.0),
            lambda count, rng=rng: np.maximum(rng.lognormal(9, 1.5, count).round(-3), 1000.0),
        )
        found = extremes(released, source, K)
        assert strongest(found).lower_bound == 0.0, (seed, strongest(found))


@pytest.mark.parametrize("end", ["max", "min"])
def test_odd_extremes_that_are_read_off_each_month_are_convicted(end: str):
    rng = np.random.default_rng(7)
    dates = np.repeat([f"2020-{month:02}-15" for month in range(1, 13)], 200)
    source, released = _drawn_alike(rng, dates, 60, np.ones, lambda count: rng.lognormal(13, 1, count).round(1))
    theirs, ours = (rows.groupby("date")["item_price"] for rows in (source, released))
    place = ours.idxmax() if end == "max" else ours.idxmin()
    beyond = theirs.max() if end == "max" else theirs.min()
    clipped = released["item_price"].clip(theirs.transform("min"), theirs.transform("max"))
    released = released.assign(item_price=clipped)
    released.loc[place.to_numpy(), "item_price"] = beyond.to_numpy()
    assert strongest(extremes(released, source, K)).lower_bound > 0.5


def test_an_odd_extreme_that_is_exactly_somebody_s_does_not_hide_among_round_ones():
    """In most months the least price is round and hits by chance; in one it is one importer's, to the last digit."""
    rng = np.random.default_rng(5)
    dates = [f"{year}-{month:02}-15" for year in (2020, 2021) for month in range(1, 7)]
    rows = pd.DataFrame({"date": np.repeat(dates, 60), "net_mass": 1.0, "importer_id": np.arange(720).astype(str)})
    source = rows.assign(item_price=np.tile(np.concatenate([np.arange(60, 110), np.full(10, 5000)]), 12).astype(float))
    last = np.flatnonzero(rows["date"] == dates[-1])
    source.loc[last, "item_price"] = np.round(rng.lognormal(13, 2, 60)) + 200_000
    source.loc[last[7], "item_price"] = 123_457.0
    released = rows.assign(item_price=rng.uniform(1e6, 2e6, len(rows)).round(1))
    for date in dates[:-1]:
        released.loc[np.flatnonzero(rows["date"] == date)[0], "item_price"] = float(rng.integers(60, 160))
    released.loc[last[0], "item_price"] = 131_313.0
    assert strongest(extremes(released, source, K)).lower_bound == 0.0
    released.loc[last[0], "item_price"] = 123_457.0
    found = strongest(extremes(released, source, K))
    assert "seldom" in found.how and found.lower_bound > 0


def test_an_extreme_that_k_importers_wrote_may_be_shown():
    source = _source(4)
    first = source[source["date"] == source["date"].min()]
    source.loc[first.drop_duplicates("importer_id").index[:K], "net_mass"] = 8e6
    released = _released(_source(4), "net_mass", _drawn(np.random.default_rng(4)))
    released.loc[0, "net_mass"] = 8e6
    assert _hits_of_largest_mass(extremes(released, source, K)) == 0
    assert _hits_of_largest_mass(extremes(released, source, K + 1)) == 1


def _hits_of_largest_mass(variations: tuple[Variation, ...]) -> int:
    return sum(way.hits for way in variations if "largest net_mass" in way.how)


def test_codes_of_few_importers_are_counted_with_their_cells(declarations):
    source = declarations(
        rows=6,
        importer_id=["I1", "I2", "I3", "I4", "I5", "I5"],
        office_id=["10", "10", "10", "10", "10", "77"],
        import_use=["21", "21", "21", "21", "21", "99"],
    )
    released = declarations(rows=4, office_id=["10", "77", "77", "66"], import_use=["21", "21", "21", "99"])
    # Office 66 is nobody's; the amounts and relations of the account are not codes.
    [claim] = [claim for claim in rule_claims(Tables(released, source), K) if claim.key == "codes_under_k"]
    assert (claim.measured, claim.note) == (2, "office_id 1, import_use 1; the original itself has fewer than 5")
    assert group_account(released, source, K)["office_id"].rows_under_k == 2
    [claim] = [claim for claim in rule_claims(Tables(released.iloc[:1], source), K) if claim.key == "codes_under_k"]
    assert (claim.measured, claim.note) == (0, "none in any column; the original itself has fewer than 5")


# The first three IDs of a month that the public formula gave for seeds 2020 and 42, kept as they were released.
@pytest.mark.parametrize(
    ("seed", "month", "ids"),
    [
        (2020, "2020-01", ["35660571", "79818380", "33976189"]),
        (2020, "2021-06", ["23910571", "68068380", "22226189"]),
        (42, "2020-03", ["41683438", "77343257", "23003076"]),
    ],
)
def test_a_public_seed_is_found_by_the_ids_it_made(seed, month, ids):
    released = pd.DataFrame({"date": [f"{month}-{day:02d}" for day in (3, 9, 27)], "declaration_id": ids})
    found = guessed_seed(released)
    assert found == GuessedSeed(len(PUBLIC_SEEDS), months=1, seeds=(seed,), months_reproduced=1)
    assert str(seed) not in found.note
    # The same numbers in another month are not its IDs.
    assert guessed_seed(released.assign(date="2020-05-01")).seeds == ()


def _ids_of(derived: int, month_number: int, count: int) -> list[str]:
    rng = np.random.default_rng(derived)
    factor = int(rng.integers(30_000_000, 45_000_000))
    while math.gcd(factor, 90_000_000) != 1:
        factor += 1
    offset = int(rng.integers(90_000_000))
    return [str(((month_number * 250_000 + n) * factor + offset) % 90_000_000 + 10_000_000) for n in range(count)]


def _release_of(derived: int) -> pd.DataFrame:
    ids = [_ids_of(derived, number, 200) for number in range(len(MONTHS))]
    return pd.DataFrame({"date": np.repeat([f"{m}-15" for m in MONTHS], 200), "declaration_id": np.concatenate(ids)})


def test_a_secret_root_gives_no_seed_away_and_shuffled_rows_hide_none():
    purpose = b"2020\x1fsynthetic_declarations\x1f\x1fdeclaration ids"
    public = int.from_bytes(hashlib.sha256(purpose).digest()[:8], "big") >> 1
    found = guessed_seed(_release_of(public).sample(frac=0.9, random_state=1))
    assert found.seeds == (2020,) and found.months_reproduced == len(MONTHS)
    for secret in (b"a" * 32, bytes(range(32))):
        derived = int.from_bytes(hmac.digest(secret, purpose, "sha256")[:8], "big") >> 1
        assert guessed_seed(_release_of(derived)).seeds == ()


@pytest.mark.parametrize(
    "amounts",
    [
        {"net_mass": [], "item_price": []},
        {"net_mass": [2.5], "item_price": [1000.0]},
        {"net_mass": [0.0] * 40, "item_price": [0.0] * 40},
        {"net_mass": [0.0, 1.0] * 20, "item_price": [500.0] * 40},
        {"net_mass": np.arange(1.0, 41.0) / 1000, "item_price": np.arange(40.0)},
    ],
    ids=["no rows", "one row", "zeros", "all the same", "thousandths"],
)
def test_what_holds_nothing_to_solve_is_measured_as_nothing(amounts):
    rows = len(amounts["net_mass"])
    source = pd.DataFrame({"date": pd.Series(["2020-01-15"] * rows, dtype=object), **amounts})
    source["importer_id"] = [f"M{row}" for row in range(rows)]
    for released, known in ((source, source), (source, source.iloc[:0]), (source.iloc[:0], source)):
        found = solved_amounts(released, known, K)
        assert len(found) == 24
        assert 0 <= strongest(found).lower_bound <= 1 and math.isfinite(strongest(found).excess)
        assert len(extremes(released, known, K)) == 12
    empty = strongest(solved_amounts(source.iloc[:0], source, K))
    assert (empty.excess, empty.lower_bound, empty.guesses) == (0.0, 0.0, 0)
    assert guessed_seed(source.assign(declaration_id="53968-2001-00000013M")).seeds == ()


def test_runs_are_found_among_other_numbers_and_do_not_overlap():
    run = 1000.0 * 1.01 ** np.arange(8)
    others = np.array([1003.3, 1014.7, 1031.2, 1055.5, 1500.0])
    numbers = np.sort(np.concatenate([np.round(run, 1), others]))
    found = equal_steps(np.log(numbers), 0.05 / numbers, window=6)
    assert found.steps.tolist() == [7]
    assert np.exp(found.ends(1)) == pytest.approx([1000.0 / 1.01, 1000.0 * 1.01**8], rel=1e-4)
    assert len(equal_steps(np.log(others), 0.05 / others, window=6).first) == 0
    assert len(equal_steps(np.array([1.0, 2.0]), np.full(2, 0.01), window=6).first) == 0
