"""Attacks on amounts: what a release tells of a mass, a price or a price per kilogram that fewer than ``k`` importers wrote.

An attacker sees the released rows alone and knows the code. He solves for the ends of evenly laid out amounts, and reads off the
largest and the smallest. What belongs here makes such guesses and counts how many are right, beside as many sham guesses: the
same ones moved by a little, as round as before, which tell what is right by chance. No function of the synthesizer is called,
since a release is judged by what it shows.

An amount is rare where fewer than ``k`` importers wrote it over all months, and somebody did. (For a month's extremes the
month alone counts.) A guess hits a rare amount where it is not further off than one part in 100,000.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.months import MONTH_FORMAT
from customs_assets.privacy.equal_steps import Runs, Scale, equal_steps, nearest_within
from customs_assets.seeds import derive_rng

AMOUNTS: tuple[str, ...] = ("net_mass", "item_price", "unit_price")

# Where runs are sought: scale of the steps, and in each month or in the whole release.
_SCALES: tuple[Scale, ...] = ("log", "plain")
_SCOPES: dict[Literal["month", "release"], str] = {"month": "each month", "release": "the whole release"}

# How far beyond the outermost number of a run its end is guessed, in steps: amounts laid out at the middles of equal parts end
# half a step further, amounts laid out strictly inside two ends a whole one.
_EXTENSIONS: dict[float, str] = {0.5: "half a step", 1.0: "a whole step"}

# A guess is right when it is not further off than this, as a share of the amount.
TOLERANCE = 1e-5

# Sham guesses are moved by at least and at most this share of the amount.
_SHAM_SHIFTS = (2e-4, 2e-2)

# Sham guesses for each guess; there are few extremes, so that each gets more.
_SHAMS, _SHAMS_AN_EXTREME = 40, 2000

# Quotients that are equal on paper differ by less than this share.
_EQUAL = 2e-7

# Released amounts that may stand between two of a run: in a month, and for every further month in all of a release.
_WINDOW, _WINDOW_A_MONTH = 6, 2

# Chance that a bound is wrong, over all variations of an attack together.
_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Variation:
    """One way of guessing, and how it went.

    Attributes:
        amount: one of :data:`AMOUNTS`.
        how: in words, for people.
        guesses: different guesses; amounts that the release shows are none.
        hits: those that hit a rare amount.
        chance: hits that as many sham guesses make, on average.
        lower: what the share of hits beyond chance is not below, with 95% confidence for all variations of the attack together;
            0 where chance explains it.
    """

    amount: str
    how: str
    guesses: int
    hits: int
    chance: float
    lower: float

    @property
    def excess(self) -> float:
        """Share of guesses that hit beyond chance, 0 where there is nothing to guess, negative where chance hits more."""
        return (self.hits - self.chance) / self.guesses if self.guesses else 0.0

    @property
    def note(self) -> str:
        """Guesses, hits and chance in words."""
        return f"{self.how}: of {self.guesses} guesses {self.hits} hit, {self.chance:.1f} by chance"


@dataclass(frozen=True, slots=True)
class Guessed:
    """All variations of an attack, in a fixed order, at least one."""

    variations: tuple[Variation, ...]

    @property
    def strongest(self) -> Variation:
        """The variation with the highest lower bound; where all are 0, the one with most hits beyond chance."""
        return max(self.variations, key=lambda tried: (tried.lower, tried.hits - tried.chance))


def solved_amounts(released: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020) -> Guessed:
    """Solve for the ends of amounts that were laid out evenly.

    Runs of equal steps, on a logarithmic or a plain scale, are sought among the amounts of each month and of the whole release,
    and extended on both sides by half a step or a whole one.

    Args:
        released: released rows with ``date``, ``net_mass`` (kg) and ``item_price`` (KRW).
        source: source rows with these and ``importer_id``.
        min_group: ``k``.
        seed: of the sham guesses.

    Returns:
        Twenty-four variations; where a release has no runs, they have no guesses.
    """
    shown, written = _Released(released), _Source(source, min_group)
    places = list(product(AMOUNTS, _SCALES, _SCOPES))
    variations = []
    for amount, scale, scope in places:
        found = _runs(shown, written, amount, scale, scope)
        for extension, step in _EXTENSIONS.items():
            rng = derive_rng(seed, "solved amounts", amount, f"{scale} {scope} {extension}")
            score = _Score(_SHAMS, rng)
            for month, runs in found.items():
                ends = runs.ends(extension)
                guesses = _as_written(np.exp(ends) if scale == "log" else ends[ends > 0], amount)
                score.add(guesses, shown.amounts(amount, month), written.rare(amount, month))
            how = f"{amount}, equal {scale} steps in {_SCOPES[scope]}, {step} beyond"
            variations.append(score.variation(amount, how, len(places) * len(_EXTENSIONS)))
    return Guessed(tuple(variations))


def extremes(released: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020) -> Guessed:
    """Take each month's largest and smallest positive amounts as guesses of what fewer than ``k`` importers wrote in that month.

    Who reads the largest amount of a month off a release learns what its one importer wrote, whoever wrote the same in other
    months.

    Args:
        released: as in :func:`solved_amounts`.
        source: as there.
        min_group: ``k``.
        seed: of the sham guesses.

    Returns:
        Six variations: two for each kind of amount, one guess a month.
    """
    shown, written = _Released(released), _Source(source, min_group)
    ways = list(product(AMOUNTS, {"largest": slice(-1, None), "smallest": slice(1)}.items()))
    variations = []
    for amount, (end, place) in ways:
        score = _Score(_SHAMS_AN_EXTREME, derive_rng(seed, "extremes", amount, end))
        for month in shown.months:
            score.add(shown.amounts(amount, month)[place], np.empty(0), written.rare_in(amount, month))
        variations.append(score.variation(amount, f"{end} {amount} of each month", len(ways)))
    return Guessed(tuple(variations))


def amounts_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Month and :data:`AMOUNTS` of n rows; a price per kilogram is NaN where mass or price is not positive."""
    mass, price = (pd.to_numeric(rows[name]).to_numpy(dtype=float) for name in ("net_mass", "item_price"))
    priced = (mass > 0) & (price > 0)
    unit = np.where(priced, price / np.where(priced, mass, 1.0), np.nan)
    month = pd.to_datetime(rows["date"]).dt.strftime(MONTH_FORMAT).to_numpy(dtype=object)
    return pd.DataFrame({"month": month, "net_mass": mass, "item_price": price, "unit_price": unit})


class _Released:
    """Released amounts by month; None stands for all months."""

    def __init__(self, released: pd.DataFrame) -> None:
        rows = amounts_of(released)
        of_month = {str(month): own for month, own in rows.groupby("month")}
        self.months: tuple[str, ...] = tuple(of_month)
        self._rows: dict[str | None, pd.DataFrame] = {**of_month, None: rows}

    def columns(self, amount: str, month: str | None) -> dict[str, np.ndarray]:
        """All amounts of the rows of a month where this amount is positive."""
        rows = self._rows[month]
        return {name: rows[name].to_numpy()[(rows[amount] > 0).to_numpy()] for name in AMOUNTS}

    def amounts(self, amount: str, month: str | None) -> np.ndarray:
        """The positive amounts, ascending."""
        return np.sort(self.columns(amount, month)[amount])


class _Source:
    """Source amounts and who wrote them."""

    def __init__(self, source: pd.DataFrame, min_group: int) -> None:
        rows = amounts_of(source)
        self._importers = pd.factorize(source["importer_id"])[0]
        self._min_group = min_group
        self._months = rows["month"].to_numpy()
        self._amounts = {name: rows[name].to_numpy() for name in AMOUNTS}
        everywhere = np.ones(len(rows), dtype=bool)
        self._is_rare = {name: self._rarely_written(name, everywhere) for name in AMOUNTS}

    def rare(self, amount: str, month: str | None) -> np.ndarray:
        """The rare amounts that stand in a month, or (None) in any, ascending."""
        asked = self._is_rare[amount] if month is None else self._is_rare[amount] & (self._months == month)
        return np.unique(self._amounts[amount][asked])

    def rare_in(self, amount: str, month: str) -> np.ndarray:
        """The positive amounts that fewer than ``k`` importers wrote in a month, whoever wrote them in others; ascending."""
        here = self._months == month
        return np.unique(self._amounts[amount][here][self._rarely_written(amount, here)])

    def common(self, amount: str) -> np.ndarray:
        """The positive amounts that at least ``k`` importers wrote, ascending."""
        values = self._amounts[amount]
        return np.unique(values[(values > 0) & ~self._is_rare[amount]])

    def _rarely_written(self, amount: str, chosen: np.ndarray) -> np.ndarray:
        """Which of the chosen rows have a positive amount that fewer than ``k`` importers of the chosen rows wrote."""
        values = self._amounts[amount][chosen]
        # In single precision, quotients that are equal on paper are equal here.
        value = pd.factorize(values.astype(np.float32))[0]
        pairs = pd.DataFrame({"value": value, "importer": self._importers[chosen]}).drop_duplicates()
        importers = np.bincount(pairs.loc[pairs["value"] >= 0, "value"], minlength=int(value.max(initial=-1)) + 1)
        return (values > 0) & (importers[value] < self._min_group) if len(importers) else np.zeros(len(values), bool)


class _Score:
    """Hits of guesses and of shams, added up over months."""

    def __init__(self, sham_sets: int, rng: np.random.Generator) -> None:
        self._sham_sets, self._rng = sham_sets, rng
        self._guesses = self._hits = self._shams = self._sham_hits = 0

    def add(self, guesses: np.ndarray, shown: np.ndarray, rare: np.ndarray) -> None:
        """Count guesses and their shams; neither counts where the release shows the amount itself."""
        ascending = np.sort(guesses[guesses > 0])
        apart = np.append(True, np.diff(ascending) > TOLERANCE * ascending[1:])[: len(ascending)]
        guesses = _hidden(ascending[apart], shown)
        shams = _hidden(_moved(guesses, self._sham_sets, self._rng), shown)
        self._guesses += len(guesses)
        self._hits += _hits(guesses, rare)
        self._shams += len(shams)
        self._sham_hits += _hits(shams, rare)

    def variation(self, amount: str, how: str, variations: int) -> Variation:
        """The result, its bound corrected for so many variations."""
        chance = self._guesses * self._sham_hits / self._shams if self._shams else 0.0
        return Variation(amount, how, self._guesses, self._hits, chance, self._lower(_ERROR / variations))

    def _lower(self, error: float) -> float:
        """Lower bound of the share of hits less upper bound of that of shams, each exact (Clopper and Pearson 1934)."""
        from scipy.special import betaincinv

        if not self._hits or not self._shams:
            return 0.0
        lowest = betaincinv(self._hits, self._guesses - self._hits + 1, error / 2)
        missed = self._shams - self._sham_hits
        highest = betaincinv(self._sham_hits + 1, missed, 1 - error / 2) if missed else 1.0
        return max(float(lowest - highest), 0.0)


def _runs(shown: _Released, written: _Source, amount: str, scale: Scale, scope: str) -> dict[str | None, Runs]:
    """The runs of equal steps of each month, or of the whole release under None.

    The attacker is given what ``k`` importers wrote: round amounts stand at equal steps by people's habit, and between others.
    """
    common = written.common(amount)
    window = _WINDOW if scope == "month" else _WINDOW + _WINDOW_A_MONTH * (len(shown.months) - 1)
    found = {}
    for month in shown.months if scope == "month" else (None,):
        numbers, errors = _told_apart(shown.columns(amount, month), amount)
        loose = nearest_within(common, numbers, _EQUAL * numbers) < 0
        numbers, errors = numbers[loose], errors[loose]
        if scale == "log":
            # The last bits of a logarithm are lost too.
            numbers, errors = np.log(numbers), errors / numbers + 1e-13
        found[month] = equal_steps(numbers, errors, window)
    return found


def _told_apart(columns: Mapping[str, np.ndarray], amount: str) -> tuple[np.ndarray, np.ndarray]:
    """The different amounts of rows, ascending, and by how much rounding may have moved each; closer ones count as one."""
    numbers, places = np.unique(columns[amount], return_index=True)
    if amount == "unit_price":
        price, mass = (columns[name][places] for name in ("item_price", "net_mass"))
        errors = _rounding_error(price) / mass
    else:
        errors = _rounding_error(numbers)
    apart = np.append(True, np.diff(numbers) > errors[1:])[: len(numbers)]
    return numbers[apart], errors[apart]


def _rounding_error(amounts: np.ndarray) -> np.ndarray:
    """Half the last decimal of amounts as they are released: one decimal from 10, two from 1, three below."""
    return np.where(amounts >= 10, 0.05, np.where(amounts >= 1, 0.005, 0.0005))


def _as_written(guesses: np.ndarray, amount: str) -> np.ndarray:
    """Guesses as people write amounts; a price per kilogram is not written."""
    if amount == "unit_price":
        return guesses
    unit = 2 * _rounding_error(guesses)
    return np.round(guesses / unit) * unit


def _hidden(guesses: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return guesses[nearest_within(shown, guesses, TOLERANCE * guesses) < 0]


def _hits(guesses: np.ndarray, rare: np.ndarray) -> int:
    return int((nearest_within(rare, guesses, TOLERANCE * guesses) >= 0).sum())


def _moved(guesses: np.ndarray, sets: int, rng: np.random.Generator) -> np.ndarray:
    """Sham guesses, ``sets`` for each: moved up or down by a random share, and as round as they were.

    Round amounts are written more often than others, and runs of round amounts point at round ones. A sham that was less round
    would hit less often, and honest round amounts would be taken for a leak.
    """
    if not len(guesses):
        return guesses
    unit = np.tile(_roundness(guesses), sets)
    guesses = np.tile(guesses, sets)
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
