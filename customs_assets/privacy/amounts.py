"""Attacks on amounts: what a release tells of a mass, a price or a price per kilogram that fewer than ``k`` importers wrote.

An attacker sees the released rows alone and knows the code. He solves for the ends of evenly laid out amounts, reads off the
largest and the smallest, and looks for codes that few declare. What belongs here makes such guesses and counts how many are
right, beside as many sham guesses: the same ones moved by a little, as round as before, so that what is right by chance is
known. No function of the synthesizer is called: a release is convicted by what it shows.

An amount is rare where somebody wrote it and fewer than ``k`` importers did, over all months given: one that ``k`` wrote may be
shown. (For a month's extremes the month alone counts.) A guess hits a rare amount where it is not further off than one part in
100,000.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.declaration import RELEASED, Kind
from customs_assets.months import MONTH_FORMAT
from customs_assets.privacy.equal_steps import Runs, Scale, equal_steps, nearest_within
from customs_assets.privacy.group_account import GroupAccount, group_account
from customs_assets.seeds import derive_rng

Scope = Literal["month", "release"]
End = Literal["largest", "smallest"]

AMOUNTS: tuple[str, ...] = ("net_mass", "item_price", "unit_price")
SCALES: tuple[Scale, ...] = ("log", "plain")
SCOPES: tuple[Scope, ...] = ("month", "release")

# How far beyond the outermost number of a run its end is guessed, in steps: amounts laid out at the middles of equal parts end
# half a step further, amounts laid out strictly inside two ends a whole one.
EXTENSIONS: tuple[float, ...] = (0.5, 1.0)

# A guess is right when it is not further off than this, as a share of the amount.
TOLERANCE = 1e-5

# Sham guesses are moved by at least and at most this share of the amount.
SHAM_SHIFTS = (2e-4, 2e-2)
SHAM_SETS = 40

# Quotients that are equal on paper differ by less than this share.
_EQUAL = 2e-7

# There are few extremes, so that each gets more sham guesses.
_SHAMS_AN_EXTREME = 2000

# Released amounts that may stand between two of a run: in a month, and for every month in all of a release.
_WINDOW, _WINDOW_A_MONTH = 6, 2

# Chance that a bound is wrong, over all variations of an attack together.
_ERROR = 0.05

# A released amount beyond this many times what all importers but one wrote shows that one.
_FAR = 10.0


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
    """All variations of an attack.

    Attributes:
        variations: in a fixed order, at least one.
    """

    variations: tuple[Variation, ...]

    @property
    def strongest(self) -> Variation:
        """The variation that says most for sure; where none does, the one with most hits beyond chance."""
        return max(self.variations, key=lambda tried: (tried.lower, tried.hits - tried.chance))

    @property
    def measured(self) -> float:
        """Share of the strongest variation's guesses that hit beyond chance, 0 where there was nothing to guess."""
        return self.strongest.excess

    @property
    def lower(self) -> float:
        """What that share is not below, with 95% confidence."""
        return self.strongest.lower

    @property
    def note(self) -> str:
        """The strongest variation in words."""
        return self.strongest.note


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the released amounts reach out beyond what all importers but one wrote.

    Attributes:
        amount: one of :data:`AMOUNTS`.
        largest: largest released amount.
        ratio: its ratio to the largest source amount below it; NaN where there is none.
        beyond: released rows above ten times the largest amount of all importers but the one who wrote the largest.
    """

    amount: str
    largest: float
    ratio: float
    beyond: int

    @property
    def note(self) -> str:
        """Ratio and rows in words."""
        return (
            f"largest {self.amount} {self.ratio:.3g} times the source's next below it, "
            f"{self.beyond} rows beyond ten times what all importers but one wrote"
        )


@dataclass(frozen=True, slots=True)
class Extremes(Guessed):
    """The months' largest and smallest amounts, taken as guesses, and how far the whole release reaches.

    Attributes:
        reaches: one for each of :data:`AMOUNTS` that the release has.
        of_month: largest and smallest masses and prices, one each a month.
        seldom_in_month: those of them that somebody wrote in that month, and fewer than ``k`` importers did; over all months
            ``k`` may have written them.
    """

    reaches: tuple[Reach, ...]
    of_month: int
    seldom_in_month: int


@dataclass(frozen=True, slots=True)
class RareCodes:
    """Released codes that somebody declared, and fewer than ``k`` importers did.

    Attributes:
        by_column: how many codes of each column; columns without any are left out.
        codes: how many, over all columns.
        rows: cells of the release that show one.
    """

    by_column: dict[str, int]
    codes: int
    rows: int

    @property
    def note(self) -> str:
        """The columns in words."""
        found = ", ".join(f"{column} {count}" for column, count in self.by_column.items())
        return f"{found or 'none'}; in {self.rows} cells"


def solved_amounts(
    released: pd.DataFrame, source: pd.DataFrame, min_group: int, sham_sets: int = SHAM_SETS, seed: int = 2020
) -> Guessed:
    """Solve for the ends of amounts that were laid out evenly.

    Runs of equal steps, on a logarithmic or a plain scale, are sought among the amounts of each month and of the whole
    release, and extended on both sides by half a step or a whole one (:data:`EXTENSIONS`).

    Args:
        released: released rows with ``date``, ``net_mass`` (kg) and ``item_price`` (KRW).
        source: source rows with these and ``importer_id``.
        min_group: ``k``.
        sham_sets: sham guesses for each guess.
        seed: of the sham guesses.

    Returns:
        Twenty-four variations; where a release has no runs, they have no guesses.
    """
    ways = [(a, s, w, e) for a in AMOUNTS for s in SCALES for w in SCOPES for e in EXTENSIONS]
    shown, known = _Released(released), _Source(source, min_group)
    found = {(a, s, w): _runs(shown, known, a, s, w) for a in AMOUNTS for s in SCALES for w in SCOPES}
    variations = []
    for amount, scale, scope, extension in ways:
        rng = derive_rng(seed, "solved amounts", amount, f"{scale} {scope} {extension}")
        score = _Score()
        for month, runs in found[amount, scale, scope].items():
            ends = runs.ends(extension)
            guesses = _written(np.exp(ends) if scale == "log" else ends[ends > 0], amount)
            score.add(guesses, shown.amounts(amount, month), known.rare(amount, month), sham_sets, rng)
        step = {0.5: "half a step", 1.0: "a whole step"}[extension]
        where = "each month" if scope == "month" else "the whole release"
        how = f"{amount}, equal {scale} steps in {where}, {step} beyond"
        variations.append(score.variation(amount, how, len(ways)))
    return Guessed(tuple(variations))


def extremes(released: pd.DataFrame, source: pd.DataFrame, min_group: int, seed: int = 2020) -> Extremes:
    """Take each month's largest and smallest positive amounts as guesses of somebody's own.

    Somebody's own is what fewer than ``k`` importers wrote in that month: who reads the largest amount of a month off a release
    learns what its one importer wrote, whoever wrote the same in other months.

    Those of the whole release are among the months', so that they are not counted again; how far they reach is said of the whole.

    Args:
        released: as in :func:`solved_amounts`.
        source: as there.
        min_group: ``k``.
        seed: of the sham guesses.

    Returns:
        Six variations, of two guesses for each kind of amount, one a month, and a reach for each amount.
    """
    shown, known = _Released(released), _Source(source, min_group)
    ends: tuple[End, ...] = ("largest", "smallest")
    variations = []
    for amount in AMOUNTS:
        for end in ends:
            rng = derive_rng(seed, "extremes", amount, end)
            score = _Score()
            for month in shown.months:
                found = shown.amounts(amount, month)
                guess = found[[-1 if end == "largest" else 0]] if len(found) else found
                score.add(guess, np.empty(0), known.seldom_in(amount, month), _SHAMS_AN_EXTREME, rng)
            variations.append(score.variation(amount, f"{end} {amount} of each month", len(AMOUNTS) * len(ends)))
    reaches = [_reach(shown, known, amount) for amount in AMOUNTS if len(shown.amounts(amount, None))]
    written = [
        known.writers(amount, month, shown.amounts(amount, month)[place])
        for amount in ("net_mass", "item_price")
        for month in shown.months
        for place in (0, -1)
        if len(shown.amounts(amount, month))
    ]
    return Extremes(tuple(variations), tuple(reaches), len(written), sum(0 < count < min_group for count in written))


def rare_codes(
    released: pd.DataFrame,
    source: pd.DataFrame,
    min_group: int,
    account: Mapping[str, GroupAccount] | None = None,
) -> RareCodes:
    """Count the released codes, of any coded column, that fewer than ``min_group`` importers declared, and somebody did.

    Args:
        released: synthetic declarations.
        source: anonymized declarations of all months at hand.
        min_group: ``k``.
        account: what :func:`group_account.group_account` said of the same rows, where that was asked before.
    """
    if account is None:
        if released.empty or source.empty:
            return RareCodes({}, 0, 0)
        account = group_account(released, source, min_group)
    coded = [account[a.name] for a in RELEASED if a.kind is Kind.CODE and a.name in account]
    by_column = {entry.kind: entry.under_k for entry in coded if entry.under_k}
    return RareCodes(by_column, sum(by_column.values()), sum(entry.rows_under_k for entry in coded))


class _Released:
    """Released amounts by month."""

    def __init__(self, released: pd.DataFrame) -> None:
        rows = _amounts(released)
        of_month = {str(month): own for month, own in rows.groupby("month")}
        self.months: tuple[str, ...] = tuple(of_month)
        self._columns = {
            month: {name: own[name].to_numpy(dtype=float) for name in AMOUNTS}
            for month, own in {**of_month, None: rows}.items()
        }

    def columns(self, amount: str, month: str | None) -> dict[str, np.ndarray]:
        """All amounts of the rows of a month, or (None) of all months, where this amount is positive."""
        columns = self._columns[month]
        positive = columns[amount] > 0
        return {name: values[positive] for name, values in columns.items()}

    def amounts(self, amount: str, month: str | None) -> np.ndarray:
        """The positive amounts, ascending."""
        return np.sort(self.columns(amount, month)[amount])


class _Source:
    """Source amounts and who wrote them."""

    def __init__(self, source: pd.DataFrame, min_group: int) -> None:
        rows = _amounts(source)
        self._importers = pd.factorize(source["importer_id"])[0]
        self._min_group = min_group
        self._months = rows["month"].to_numpy()
        self._amounts = {name: rows[name].to_numpy(dtype=float) for name in AMOUNTS}
        self._is_rare = {name: self._rarely_written(values, min_group) for name, values in self._amounts.items()}

    def rare(self, amount: str, month: str | None) -> np.ndarray:
        """The rare amounts that stand in a month, or (None) in any, ascending."""
        asked = self._is_rare[amount] if month is None else self._is_rare[amount] & (self._months == month)
        return np.unique(self._amounts[amount][asked])

    def seldom_in(self, amount: str, month: str) -> np.ndarray:
        """The positive amounts that fewer than ``k`` importers wrote in a month, whoever wrote them in others; ascending."""
        here = (self._months == month) & (self._amounts[amount] > 0)
        return np.unique(
            self._amounts[amount][here][self._rarely_written(self._amounts[amount][here], self._min_group, here)]
        )

    def common(self, amount: str) -> np.ndarray:
        """The positive amounts that at least ``k`` importers wrote, ascending."""
        values = self._amounts[amount]
        return np.unique(values[(values > 0) & ~self._is_rare[amount]])

    def writers(self, amount: str, month: str, value: float) -> int:
        """How many importers wrote an amount in a month, within the tolerance."""
        same = np.abs(self._amounts[amount] - value) <= TOLERANCE * value
        return len(np.unique(self._importers[same & (self._months == month)]))

    def largest_by_importer(self, amount: str) -> np.ndarray:
        """Each importer's largest positive amount, descending."""
        values = pd.Series(self._amounts[amount]).where(lambda column: column > 0)
        return np.sort(values.groupby(self._importers).max().dropna().to_numpy())[::-1]

    def positive(self, amount: str) -> np.ndarray:
        """All positive amounts."""
        return self._amounts[amount][self._amounts[amount] > 0]

    def _rarely_written(self, values: np.ndarray, min_group: int, chosen: np.ndarray | None = None) -> np.ndarray:
        """Which of some rows' amounts fewer than ``min_group`` importers of these rows wrote; the rows are all where None."""
        importers_of = self._importers if chosen is None else self._importers[chosen]
        # In single precision, quotients that are equal on paper are equal here.
        value = pd.factorize(values.astype(np.float32))[0]
        pairs = pd.DataFrame({"value": value, "importer": importers_of}).drop_duplicates()
        importers = np.bincount(pairs.loc[pairs["value"] >= 0, "value"], minlength=int(value.max(initial=-1)) + 1)
        return (values > 0) & (importers[value] < min_group) if len(importers) else np.zeros(len(values), dtype=bool)


def _amounts(rows: pd.DataFrame) -> pd.DataFrame:
    """Month and amounts of n rows; a price per kilogram is NaN where mass or price is not positive."""
    mass, price = (pd.to_numeric(rows[name]).to_numpy(dtype=float) for name in ("net_mass", "item_price"))
    priced = (mass > 0) & (price > 0)
    unit = np.where(priced, price / np.where(priced, mass, 1.0), np.nan)
    month = pd.to_datetime(rows["date"]).dt.strftime(MONTH_FORMAT).to_numpy(dtype=object)
    return pd.DataFrame({"month": month, "net_mass": mass, "item_price": price, "unit_price": unit})


class _Score:
    """Hits of guesses and of shams, added up over months."""

    def __init__(self) -> None:
        self.guesses = self.hits = self.shams = self.sham_hits = 0

    def add(
        self, guesses: np.ndarray, shown: np.ndarray, rare: np.ndarray, sham_sets: int, rng: np.random.Generator
    ) -> None:
        """Count guesses and their shams; neither counts where the release shows the amount itself."""
        guesses = _hidden(_distinct(guesses), shown)
        shams = _hidden(_moved(guesses, sham_sets, rng), shown)
        self.guesses += len(guesses)
        self.hits += _hits(guesses, rare)
        self.shams += len(shams)
        self.sham_hits += _hits(shams, rare)

    def variation(self, amount: str, how: str, variations: int) -> Variation:
        """The result, its bound corrected for so many variations."""
        chance = self.guesses * self.sham_hits / self.shams if self.shams else 0.0
        return Variation(amount, how, self.guesses, self.hits, chance, self._lower(_ERROR / variations))

    def _lower(self, error: float) -> float:
        """Lower bound of the share of hits less upper bound of that of shams, each exact (Clopper and Pearson 1934)."""
        from scipy.special import betaincinv

        if not self.hits or not self.shams:
            return 0.0
        lowest = betaincinv(self.hits, self.guesses - self.hits + 1, error / 2)
        missed = self.shams - self.sham_hits
        highest = betaincinv(self.sham_hits + 1, missed, 1 - error / 2) if missed else 1.0
        return max(float(lowest - highest), 0.0)


def _runs(shown: _Released, known: _Source, amount: str, scale: Scale, scope: Scope) -> dict[str | None, Runs]:
    """The runs of equal steps of each month, or of the whole release under None.

    The attacker is given what ``k`` importers wrote: round amounts stand at equal steps by people's habit, and between others.
    """
    common = known.common(amount)
    months: Sequence[str | None] = shown.months if scope == "month" else (None,)
    window = _WINDOW if scope == "month" else _WINDOW + _WINDOW_A_MONTH * (len(shown.months) - 1)
    found = {}
    for month in months:
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


def _written(guesses: np.ndarray, amount: str) -> np.ndarray:
    """Guesses as people write amounts; a price per kilogram is not written."""
    if amount == "unit_price":
        return guesses
    unit = 2 * _rounding_error(guesses)
    return np.round(guesses / unit) * unit


def _distinct(guesses: np.ndarray) -> np.ndarray:
    """Guesses that differ by more than the tolerance, ascending."""
    ascending = np.sort(guesses[guesses > 0])
    return ascending[np.append(True, np.diff(ascending) > TOLERANCE * ascending[1:])[: len(ascending)]]


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
    shift = guesses * np.exp(rng.uniform(math.log(SHAM_SHIFTS[0]), math.log(SHAM_SHIFTS[1]), len(guesses)))
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


def _reach(shown: _Released, known: _Source, amount: str) -> Reach:
    amounts, theirs = shown.amounts(amount, None), known.positive(amount)
    largest = float(amounts[-1])
    below = theirs[theirs < largest * (1 - TOLERANCE)]
    by_importer = known.largest_by_importer(amount)
    beyond = int((amounts > _FAR * by_importer[1]).sum()) if len(by_importer) > 1 else 0
    return Reach(amount, largest, largest / float(below.max()) if len(below) else math.nan, beyond)
