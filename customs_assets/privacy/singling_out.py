"""Singling out: can the synthetic rows be used to describe one real declaration and no other?

An attacker looks for conditions that exactly one synthetic row meets ("mass above 3,000 kg, origin PE, office 13") and guesses
that exactly one real row meets them too (Giomi et al. 2023, section 4.1). What belongs here makes such guesses, from one column
(values that are unique or extreme) or from several, and counts the rows that meet them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns, days
from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.goals import Mode
from customs_assets.privacy.risk import Guesses, Risk, residual_risk, with_importers
from customs_assets.seeds import derive_rng

ATTACKS = 4000
COLUMNS_A_GUESS = 4

# How many guesses the attacker tries for each one that is wanted, before he gives up.
_TRIES = 20

# The code of a value that no row has.
_IN_NO_ROW = -2

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {"==": np.equal, ">=": np.greater_equal, "<=": np.less_equal}


class Condition(NamedTuple):
    """One condition of a guess: ``column`` ``relation`` ``value``."""

    column: str
    relation: Literal["==", ">=", "<="]
    value: Any


Guess = tuple[Condition, ...]


def singling_out(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    mode: Mode,
    attacks: int = ATTACKS,
    seed: int = 2020,
) -> Risk:
    """The singling-out risk, with guesses from one column or from :data:`COLUMNS_A_GUESS`, at most ``attacks`` of them.

    Equal rows of a frame count as one row, of their first importer. The larger of training and control is sampled to the other's
    size, because a condition is met by exactly one of few rows more easily.

    Raises:
        CannotBeMeasured: not a single guess could be made.
    """
    synthetic_rows, *attacked = (as_attacked(frame) for frame in (synthetic, training, control))
    attacked = equal_in_size(attacked[0], attacked[1], seed)
    guesses = guesses_from(synthetic_rows, mode, attacks, seed)
    if not guesses:
        raise CannotBeMeasured(f"no {mode} condition fits exactly one of {len(synthetic_rows)} synthetic rows")
    baseline = _random_guesses(synthetic_rows, 1 if mode == "univariate" else COLUMNS_A_GUESS, len(guesses), seed)
    sides = []
    for rows, frame in zip(attacked, (training, control), strict=True):
        counts, first = _matched(rows, guesses)
        repeated = compared_columns(frame, "attacked", WITHOUT_IDENTITIES).duplicated().to_numpy()
        importers = frame["importer_id"].to_numpy(str)[~repeated][rows.index.to_numpy()]
        sides.append(_by_importer(importers, first[counts == 1], len(guesses)))
    right = [int(side.successes.sum()) for side in sides]
    blindly = int((matches(attacked[0], baseline) == 1).sum())
    return with_importers(residual_risk(len(guesses), right[0], right[1], blindly), sides[0], sides[1])


def _by_importer(importers: np.ndarray, hit: np.ndarray, guesses: int) -> Guesses:
    """The guesses on each importer, by its share of the rows, and those of them that exactly one row meets, which is its row.

    Args:
        importers: the importer of each attacked row.
        hit: for each guess that exactly one row meets, that row.
        guesses: the number of all guesses.
    """
    _, codes, rows = np.unique(importers, return_inverse=True, return_counts=True)
    return Guesses(rows * guesses / len(importers), np.bincount(codes[hit], minlength=len(rows)).astype(float))


def as_attacked(frame: pd.DataFrame) -> pd.DataFrame:
    """The distinct rows of a frame without identities; dates are days since 1970, which can be more or less."""
    rows = compared_columns(frame, "attacked", WITHOUT_IDENTITIES)
    if not pd.api.types.is_numeric_dtype(rows["date"]):
        rows = rows.assign(date=days(rows["date"]))
    return rows.drop_duplicates(ignore_index=True)


def guesses_from(rows: pd.DataFrame, mode: Mode, attacks: int, seed: int) -> list[Guess]:
    """Up to ``attacks`` distinct guesses that exactly one of some rows meets."""
    rng = derive_rng(seed, "singling_out", purpose=mode)
    if mode == "univariate":
        candidates = _univariate(rows)
        order = rng.permutation(len(candidates))
        return _new_and_unique(rows, [candidates[i] for i in order], attacks, set())
    guesses: list[Guess] = []
    tried = 0
    while len(guesses) < attacks and tried < attacks * _TRIES:
        batch = _multivariate(rows, attacks, rng)
        tried += len(batch)
        guesses += _new_and_unique(rows, batch, attacks - len(guesses), set(guesses))
    return guesses


def matches(rows: pd.DataFrame, guesses: Sequence[Guess]) -> np.ndarray:
    """How many rows meet each guess."""
    return _matched(rows, guesses)[0]


def _matched(rows: pd.DataFrame, guesses: Sequence[Guess]) -> tuple[np.ndarray, np.ndarray]:
    """How many rows meet each guess, and the place of the first of them; 0 where there is none."""
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    coded = {name: pd.factorize(values) for name, values in columns.items() if values.dtype == object}
    places = {name: {value: code for code, value in enumerate(distinct)} for name, (_, distinct) in coded.items()}
    counts, first = np.zeros(len(guesses), dtype=int), np.zeros(len(guesses), dtype=int)
    for number, guess in enumerate(guesses):
        fits = np.ones(len(rows), dtype=bool)
        for name, relation, value in guess:
            if name in places:
                fits &= coded[name][0] == places[name].get(value, _IN_NO_ROW)
            else:
                fits &= _RELATIONS[relation](columns[name], value)
        counts[number] = np.count_nonzero(fits)
        first[number] = fits.argmax() if len(fits) else 0
    return counts, first


def _new_and_unique(rows: pd.DataFrame, candidates: Sequence[Guess], wanted: int, old: set[Guess]) -> list[Guess]:
    """The first candidates that are new and that exactly one row meets."""
    new = [guess for guess in dict.fromkeys(candidates) if guess not in old]
    return [guess for guess, count in zip(new, matches(rows, new), strict=True) if count == 1][:wanted]


def _univariate(rows: pd.DataFrame) -> list[Guess]:
    """Values that occur once, and the ends of numerical columns."""
    guesses: list[Guess] = []
    for name in rows.columns:
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column):
            guesses += [(Condition(name, "<=", column.min()),), (Condition(name, ">=", column.max()),)]
        counts = column.value_counts()
        guesses += [(Condition(name, "==", value),) for value in counts.index[counts == 1]]
    return guesses


def _multivariate(rows: pd.DataFrame, count: int, rng: np.random.Generator) -> list[Guess]:
    """Conditions from rows drawn at random: an equal code; a number at least the row's above the median, else at most."""
    medians = {name: rows[name].median() for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])}
    values = {name: rows[name].to_numpy() for name in rows.columns}
    names = np.array(rows.columns)

    def condition(name: str, value: Any) -> Condition:
        if name not in medians:
            return Condition(name, "==", value)
        return Condition(name, ">=" if value > medians[name] else "<=", value)

    guesses: list[Guess] = []
    for row in rng.integers(len(rows), size=count):
        picked = sorted(rng.choice(names, size=min(COLUMNS_A_GUESS, len(names)), replace=False))
        guesses.append(tuple(condition(str(name), values[name][row]) for name in picked))
    return guesses


def _random_guesses(rows: pd.DataFrame, width: int, count: int, seed: int) -> list[Guess]:
    """Guesses of an attacker who draws columns, values and relations at random."""
    rng = derive_rng(seed, "singling_out", purpose=f"baseline {width}")
    values = {name: rows[name].unique() for name in rows.columns}
    numerical = {name for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])}
    guesses: list[Guess] = []
    for _ in range(count):
        picked = rng.choice(np.array(rows.columns), size=min(width, rows.shape[1]), replace=False)
        drawn = [(str(name), values[name][rng.integers(len(values[name]))]) for name in picked]
        relations: list[Any] = [str(rng.choice(list(_RELATIONS))) if name in numerical else "==" for name, _ in drawn]
        pairs = zip(drawn, relations, strict=True)
        guesses.append(tuple(Condition(name, relation, value) for (name, value), relation in pairs))
    return guesses
