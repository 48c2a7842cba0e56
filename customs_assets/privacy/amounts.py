"""Attacks on amounts: what a release tells of a mass, a price or a price per kilogram that fewer than ``k`` importers wrote.

The attacker has the released rows alone, and knows the code. He solves for the ends of evenly laid out amounts, and reads off the
largest and the smallest amounts. What belongs here makes such guesses and counts the hits. Beside them it counts the hits of sham
guesses: the same guesses moved by a little and as round as before, which hit by chance alone. No function of the synthesizer is
called, because a release is judged by its rows.

An amount is rare where at least one and fewer than ``k`` importers wrote it over all months. (For a month's extremes the month
alone counts.) A guess hits a rare amount where it is no further off than one part in 100,000.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from customs_assets.months import months_of
from customs_assets.privacy.equal_steps import Runs, Scale, equal_steps, nearest_within
from customs_assets.seeds import derive_rng

AMOUNTS: tuple[str, ...] = ("net_mass", "item_price", "unit_price")

# Where runs are sought: on which scale the steps are equal, and in each month or in the whole release.
_SCALES: tuple[Scale, ...] = ("log", "plain")
_SCOPES: dict[Literal["month", "release"], str] = {"month": "each month", "release": "the whole release"}

# How far beyond the outermost number of a run its end is guessed, in steps. Amounts at the middles of equal parts end half a step
# further. Amounts strictly inside two ends end a whole step further.
_EXTENSIONS: dict[float, str] = {0.5: "half a step", 1.0: "a whole step"}

# A guess is right when it is no further off than this share of the amount.
TOLERANCE = 1e-5

# Sham guesses are moved by at least and at most this share of the amount.
_SHAM_SHIFTS = (2e-4, 2e-2)

# What chance would hit of an extreme is looked for within this share of it. Amounts are sparse there: within a fiftieth of 98.0
# there may be none, and yet a draw that comes out round may well be somebody's.
_NEAR = 0.5

# Masses and prices that are divided by each other, to see how often quotients of such are rare.
_MULTIPLES = 64

# Sham guesses for each guess.
_SHAMS = 40

# Extremes that chance hits seldom, less often than this, are judged apart. Round ones often hit by chance. Beside these, an odd
# amount that is exactly somebody's would not stand out.
_KINDS, _SELDOM = ("seldom", "often"), 0.005

# Quotients that are equal on paper differ by less than this share.
_EQUAL = 2e-7

# Released amounts that may stand between two of a run: in one month, and for each further month of a whole release.
_WINDOW, _WINDOW_A_MONTH = 6, 2

# Chance that a bound is wrong, over all variations of an attack together.
_ERROR = 0.05


class Variation(NamedTuple):
    """One way of guessing, and its result.

    Attributes:
        amount: one of :data:`AMOUNTS`.
        how: the way of guessing, in words.
        guesses: different guesses. Amounts that stand in the release are not guessed.
        hits: guesses that hit a rare amount.
        chance: hits of as many sham guesses, on average.
        lower_bound: lower bound of the share of hits beyond chance, with 95% confidence for all variations of the attack
            together; 0 where chance explains the hits.
    """

    amount: str
    how: str
    guesses: int
    hits: int
    chance: float
    lower_bound: float

    @property
    def excess(self) -> float:
        """Share of guesses that hit beyond chance; 0 where there are no guesses, negative where chance hits more."""
        return (self.hits - self.chance) / self.guesses if self.guesses else 0.0

    @property
    def note(self) -> str:
        """The result in words."""
        return f"{self.how}: of {self.guesses} guesses {self.hits} hit, {self.chance:.1f} by chance"


def strongest(variations: Sequence[Variation]) -> Variation:
    """The variation with the highest lower bound. Where all are 0, the one with the most hits beyond chance."""
    return max(variations, key=lambda variation: (variation.lower_bound, variation.hits - variation.chance))


def solved_amounts(
    released: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020
) -> tuple[Variation, ...]:
    """Solve for the ends of amounts that were laid out evenly.

    Runs of equal steps, on a logarithmic or a plain scale, are sought among the amounts of each month and of the whole release,
    and extended on both sides by half a step or a whole one.

    Args:
        released: released rows with ``date``, ``net_mass`` (kg) and ``item_price`` (KRW).
        source: source rows with these and ``importer_id``.
        min_group: ``k``.
        seed: of the sham guesses.

    Returns:
        Twenty-four variations. Where a release has no runs, they have no guesses.
    """
    in_release, in_source = _Released(released), _Source(source, min_group)
    places = list(product(AMOUNTS, _SCALES, _SCOPES))
    variations = []
    for amount, scale, scope in places:
        runs_by_month = _runs(in_release, in_source, amount, scale, scope)
        for extension, step in _EXTENSIONS.items():
            rng = derive_rng(seed, "solved amounts", amount, f"{scale} {scope} {extension}")
            score = _Score(rng)
            for month, runs in runs_by_month.items():
                ends = runs.ends(extension)
                guesses = _as_written(np.exp(ends) if scale == "log" else ends[ends > 0], amount)
                score.add(guesses, in_release.amounts(amount, month), in_source.rare(amount, month))
            how = f"{amount}, equal {scale} steps in {_SCOPES[scope]}, {step} beyond"
            variations.append(score.variation(amount, how, len(places) * len(_EXTENSIONS)))
    return tuple(variations)


def extremes(released: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020) -> tuple[Variation, ...]:
    """Guess that each month's largest and smallest amounts are amounts that fewer than ``k`` importers wrote in that month.

    Whoever reads the largest amount of a month off a release learns what its one importer wrote, even if others wrote the same
    in other months. Amounts that chance hits seldom are judged apart from others (:data:`_SELDOM`). The arguments are those of
    :func:`solved_amounts`.

    Returns:
        Twelve variations: four for each kind of amount, together two guesses a month.
    """
    in_release, in_source = _Released(released), _Source(source, min_group)
    ways = list(product(AMOUNTS, {"largest": slice(-1, None), "smallest": slice(1)}.items()))
    variations = []
    for amount, (end, place) in ways:
        hits: list[int] = []
        chances: list[float] = []
        for month in in_release.months:
            guess, rare = in_release.amounts(amount, month)[place], in_source.rare_in(amount, month)
            hits += [_hits(guess, rare)] * len(guess)
            if amount == "unit_price":
                chances += [_chance_of_quotient(*in_release.written(float(one), month), rare) for one in guess]
            else:
                chances += [_chance_of(float(one), rare) for one in guess]
        hit, chance = np.array(hits, dtype=int), np.array(chances)
        for kind, taken in zip(_KINDS, (chance < _SELDOM, chance >= _SELDOM), strict=True):
            how = f"{end} {amount} of each month, where chance hits {kind}"
            error = _ERROR / (len(_KINDS) * len(ways))
            variations.append(_beside_chance(amount, how, hit[taken], chance[taken], error))
    return tuple(variations)


def _chance_of(guess: float, rare: np.ndarray) -> float:
    """How likely an amount near a guess, and as round, is rare by chance, in (0, 1].

    All amounts within half of the guess that are multiples of the same power of ten are equally likely. One more of them is
    taken to be rare than are: where none is, that is no proof. A guess whose tolerance spans several multiples has as many tries.
    The chance hangs on the guess's place, not on whether it hit.
    """
    unit = float(_roundness(np.array([guess]))[0])
    low, high = (1 - _NEAR) * guess, (1 + _NEAR) * guess
    near = rare[(rare >= low) & (rare <= high)]
    as_round = int((np.abs(near - np.round(near / unit) * unit) <= TOLERANCE * near).sum())
    multiples = math.floor(high / unit) - math.ceil(low / unit) + 1
    tries = max(2 * TOLERANCE * guess / unit, 1.0)
    return min((as_round + 1) * tries / max(multiples, 1), 1.0)


def _chance_of_quotient(mass: float, price: float, rare: np.ndarray) -> float:
    """How likely the price per kilogram of a mass and a price near these, and as round, is rare by chance, in (0, 1].

    A quotient looks odd, even of round numbers, of which there are few. So masses and prices within half of the given ones, as
    round as they are, are divided by each other, at most :data:`_MULTIPLES` of each. One more quotient is taken to be rare.
    """
    masses, prices = (_as_round_near(amount) for amount in (mass, price))
    quotients = np.divide.outer(prices, masses).ravel()
    return min((_hits(quotients, rare) + 1) / len(quotients), 1.0)


def _as_round_near(amount: float) -> np.ndarray:
    """Multiples of the amount's own power of ten within half of it, at most :data:`_MULTIPLES`, evenly spread."""
    unit = float(_roundness(np.array([amount]))[0])
    first, last = math.ceil((1 - _NEAR) * amount / unit), math.floor((1 + _NEAR) * amount / unit)
    return np.unique(np.linspace(first, last, min(last - first + 1, _MULTIPLES)).round()) * unit


def _beside_chance(amount: str, how: str, hit: np.ndarray, chance: np.ndarray, error: float) -> Variation:
    """A variation of guesses that each have their own chance.

    The hits of guesses with different chances vary no more than as many with the mean of these (Hoeffding 1956). So the lower
    bound of the share of hits (Clopper and Pearson 1934) stands beside the mean.
    """
    from scipy.special import betaincinv

    guesses, hits, mean = len(hit), int(hit.sum()), float(chance.mean()) if len(chance) else 0.0
    lowest = float(betaincinv(hits, guesses - hits + 1, error)) if hits else 0.0
    return Variation(amount, how, guesses, hits, float(chance.sum()), max(lowest - mean, 0.0))


def amounts_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Month and :data:`AMOUNTS` of n rows; a price per kilogram is NaN where mass or price is not positive."""
    mass, price = (pd.to_numeric(rows[name]).to_numpy(dtype=float) for name in ("net_mass", "item_price"))
    priced = (mass > 0) & (price > 0)
    unit = np.where(priced, price / np.where(priced, mass, 1.0), np.nan)
    month = months_of(pd.to_datetime(rows["date"])).to_numpy(dtype=object)
    return pd.DataFrame({"month": month, "net_mass": mass, "item_price": price, "unit_price": unit})


class _Released:
    """Released amounts by month; None stands for all months."""

    def __init__(self, released: pd.DataFrame) -> None:
        rows = amounts_of(released)
        by_month = {str(month): month_rows for month, month_rows in rows.groupby("month")}
        self.months: tuple[str, ...] = tuple(by_month)
        self._rows: dict[str | None, pd.DataFrame] = {**by_month, None: rows}

    def columns(self, amount: str, month: str | None) -> dict[str, np.ndarray]:
        """All amounts of the rows of a month where this amount is positive."""
        rows = self._rows[month]
        return {name: rows[name].to_numpy()[(rows[amount] > 0).to_numpy()] for name in AMOUNTS}

    def written(self, unit_price: float, month: str) -> tuple[float, float]:
        """Mass and price of the first row of a month with this price per kilogram."""
        rows = self._rows[month]
        row = rows[rows["unit_price"] == unit_price].iloc[0]
        return float(row["net_mass"]), float(row["item_price"])

    def amounts(self, amount: str, month: str | None) -> np.ndarray:
        """The positive amounts, ascending."""
        return np.sort(self.columns(amount, month)[amount])


class _Source:
    """Source amounts and the importers who wrote them."""

    def __init__(self, source: pd.DataFrame, min_group: int) -> None:
        rows = amounts_of(source)
        self._importers = pd.factorize(source["importer_id"])[0]
        self._min_group = min_group
        self._months = rows["month"].to_numpy()
        self._amounts = {name: rows[name].to_numpy() for name in AMOUNTS}
        everywhere = np.ones(len(rows), dtype=bool)
        self._is_rare = {name: self._rarely_written(name, everywhere) for name in AMOUNTS}

    def rare(self, amount: str, month: str | None) -> np.ndarray:
        """The rare amounts of a month, or (None) of any month, ascending."""
        is_rare = self._is_rare[amount] if month is None else self._is_rare[amount] & (self._months == month)
        return np.unique(self._amounts[amount][is_rare])

    def rare_in(self, amount: str, month: str) -> np.ndarray:
        """The positive amounts that fewer than ``k`` importers wrote in this month, ascending; other months do not count."""
        in_month = self._months == month
        return np.unique(self._amounts[amount][in_month][self._rarely_written(amount, in_month)])

    def common(self, amount: str) -> np.ndarray:
        """The positive amounts that at least ``k`` importers wrote, ascending."""
        values = self._amounts[amount]
        return np.unique(values[(values > 0) & ~self._is_rare[amount]])

    def _rarely_written(self, amount: str, rows: np.ndarray) -> np.ndarray:
        """Which of some rows have a positive amount that fewer than ``k`` importers of these rows wrote."""
        values = self._amounts[amount][rows]
        # Single precision makes quotients equal that are equal on paper.
        value = pd.factorize(values.astype(np.float32))[0]
        pairs = pd.DataFrame({"value": value, "importer": self._importers[rows]}).drop_duplicates()
        importers = np.bincount(pairs.loc[pairs["value"] >= 0, "value"], minlength=int(value.max(initial=-1)) + 1)
        return (values > 0) & (importers[value] < self._min_group) if len(importers) else np.zeros(len(values), bool)


class _Score:
    """Hits of guesses and of sham guesses, added up over months."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._guesses = self._hits = self._shams = self._sham_hits = 0

    def add(self, guesses: np.ndarray, released: np.ndarray, rare: np.ndarray) -> None:
        """Count guesses and their sham guesses. Neither counts where the amount itself stands in the release."""
        ascending = np.sort(guesses[guesses > 0])
        apart = np.append(True, np.diff(ascending) > TOLERANCE * ascending[1:])[: len(ascending)]
        guesses = _not_in_release(ascending[apart], released)
        shams = _not_in_release(_sham_guesses(guesses, self._rng), released)
        self._guesses += len(guesses)
        self._hits += _hits(guesses, rare)
        self._shams += len(shams)
        self._sham_hits += _hits(shams, rare)

    def variation(self, amount: str, how: str, variations: int) -> Variation:
        """The result, with a bound that is right for so many variations together."""
        chance = self._guesses * self._sham_hits / self._shams if self._shams else 0.0
        return Variation(amount, how, self._guesses, self._hits, chance, self._lower_bound(_ERROR / variations))

    def _lower_bound(self, error: float) -> float:
        """Lower bound of the share of hits, less upper bound of the share of sham hits, each exact (Clopper and Pearson 1934)."""
        from scipy.special import betaincinv

        if not self._hits or not self._shams:
            return 0.0
        lowest = betaincinv(self._hits, self._guesses - self._hits + 1, error / 2)
        missed = self._shams - self._sham_hits
        highest = betaincinv(self._sham_hits + 1, missed, 1 - error / 2) if missed else 1.0
        return max(float(lowest - highest), 0.0)


def _runs(in_release: _Released, in_source: _Source, amount: str, scale: Scale, scope: str) -> dict[str | None, Runs]:
    """The runs of equal steps of each month, or of the whole release under None.

    The attacker may leave out the amounts that ``k`` importers wrote. People like round amounts, which stand at equal steps.
    """
    common = in_source.common(amount)
    window = _WINDOW if scope == "month" else _WINDOW + _WINDOW_A_MONTH * (len(in_release.months) - 1)
    runs = {}
    for month in in_release.months if scope == "month" else (None,):
        numbers, errors = _distinct(in_release.columns(amount, month), amount)
        uncommon = nearest_within(common, numbers, _EQUAL * numbers) < 0
        numbers, errors = numbers[uncommon], errors[uncommon]
        if scale == "log":
            # A logarithm loses its last bits too.
            numbers, errors = np.log(numbers), errors / numbers + 1e-13
        runs[month] = equal_steps(numbers, errors, window)
    return runs


def _distinct(columns: Mapping[str, np.ndarray], amount: str) -> tuple[np.ndarray, np.ndarray]:
    """The distinct amounts, ascending, and the rounding error of each. Amounts that rounding cannot tell apart count as one."""
    numbers, places = np.unique(columns[amount], return_index=True)
    if amount == "unit_price":
        price, mass = (columns[name][places] for name in ("item_price", "net_mass"))
        errors = _rounding_error(price) / mass
    else:
        errors = _rounding_error(numbers)
    apart = np.append(True, np.diff(numbers) > errors[1:])[: len(numbers)]
    return numbers[apart], errors[apart]


def _rounding_error(amounts: np.ndarray) -> np.ndarray:
    """Half the last decimal of released amounts, which have one decimal from 10, two from 1, three below."""
    return np.where(amounts >= 10, 0.05, np.where(amounts >= 1, 0.005, 0.0005))


def _as_written(guesses: np.ndarray, amount: str) -> np.ndarray:
    """Guesses rounded as people write amounts. Nobody writes a price per kilogram."""
    if amount == "unit_price":
        return guesses
    unit = 2 * _rounding_error(guesses)
    return np.round(guesses / unit) * unit


def _not_in_release(guesses: np.ndarray, released: np.ndarray) -> np.ndarray:
    return guesses[nearest_within(released, guesses, TOLERANCE * guesses) < 0]


def _hits(guesses: np.ndarray, rare: np.ndarray) -> int:
    return int((nearest_within(rare, guesses, TOLERANCE * guesses) >= 0).sum())


def _sham_guesses(guesses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """:data:`_SHAMS` sham guesses for each guess: moved up or down by a random share between two, and as round as before.

    People write round amounts more often than others, and runs of round amounts point at round ones. Sham guesses that were less
    round would hit less often, and honest round amounts would look like a leak.
    """
    if not len(guesses):
        return guesses
    unit = np.tile(_roundness(guesses), _SHAMS)
    guesses = np.tile(guesses, _SHAMS)
    shift = guesses * np.exp(rng.uniform(math.log(_SHAM_SHIFTS[0]), math.log(_SHAM_SHIFTS[1]), len(guesses)))
    units = np.where(shift >= unit, np.round(shift / unit), rng.integers(1, 4, len(guesses)))
    moved = guesses + rng.choice([-1.0, 1.0], len(guesses)) * units * unit
    return np.where(moved > unit / 2, moved, guesses + units * unit)


def _roundness(guesses: np.ndarray) -> np.ndarray:
    """The largest power of ten of which a multiple lies within the tolerance of a guess."""
    exponent = np.floor(np.log10(guesses))
    unit = 10.0 ** (exponent - 6)
    for digits in range(5, -1, -1):
        larger = 10.0 ** (exponent - digits)
        fits = np.abs(guesses - np.round(guesses / larger) * larger) <= TOLERANCE * guesses
        unit = np.where(fits, larger, unit)
    return unit
