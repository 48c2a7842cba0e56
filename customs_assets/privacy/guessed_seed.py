"""The attack on the seed: can anybody repeat the draws of a release?

Declaration IDs stand in every release. If nothing secret goes into them, whoever finds the seed of the IDs has the seed of every
other draw. What belongs here tries seeds by the public formula, written down once more: no function of the pipeline is called,
because a release is judged by its rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from customs_assets.months import FIRST_MONTH, first_day, months_of

# Seeds that an attacker tries first: all of up to four digits, years and dates, and what programmers like to type.
PUBLIC_SEEDS: tuple[int, ...] = (
    *range(10_000),
    *(12345, 31337, 65535, 65536, 123456, 1234567, 12345678, 123456789, 1234567890, 987654321, 20200101, 20210101),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 0xDEADBEEF, 0xCAFE, 0xC0FFEE, 3141592653, 2718281828),
)

# The public formula of declaration IDs: of 90 million numbers of 8 digits, each month has this many to itself.
_FIRST_ID, _IDS, _IDS_A_MONTH = 10_000_000, 90_000_000, 250_000

# About how many IDs of a month are tried with a seed.
_IDS_TRIED = 20


class GuessedSeed(NamedTuple):
    """How many seeds and months were tried; the seeds that reproduce a month's IDs, ascending; how many months they reproduce."""

    candidates: int
    months: int
    seeds: tuple[int, ...]
    months_reproduced: int

    @property
    def note(self) -> str:
        """The result in words. The seed itself must not stand on a page."""
        months = f"{self.months_reproduced} of {self.months} months"
        return f"{len(self.seeds)} of {self.candidates} public seeds make the IDs of {months}"


def guessed_seed(released: pd.DataFrame, candidates: Iterable[int] = PUBLIC_SEEDS) -> GuessedSeed:
    """Try public seeds on the declaration IDs of a release.

    The public formula numbers each month's declarations and scatters the numbers by an affine permutation that depends on the
    seed alone. A seed reproduces a month where it takes most of its IDs back to the first numbers of that month.

    Args:
        released: released rows with ``date`` and ``declaration_id``; IDs that are not eight digits are left out.
        candidates: seeds to try.
    """
    rows = released[released["declaration_id"].astype(str).str.fullmatch(r"[1-9]\d{7}")]
    month = months_of(pd.to_datetime(rows["date"]))
    start, tables, tried = first_day(FIRST_MONTH), [], tuple(dict.fromkeys(candidates))
    for place, (name, column) in enumerate(rows["declaration_id"].astype(np.int64).groupby(month)):
        day = first_day(str(name))
        first = ((day.year - start.year) * 12 + day.month - start.month) * _IDS_A_MONTH % _IDS
        ids = column.to_numpy()[:: max(len(column) // _IDS_TRIED, 1)]
        tables.append(np.column_stack(np.broadcast_arrays(place, ids, first, len(column))))
    if not tables:
        return GuessedSeed(len(tried), 0, (), 0)
    place, ids, first, count = np.concatenate(tables).T
    seeds: set[int] = set()
    reproduced: set[int] = set()
    for seed in tried:
        factor, offset = _permutation_of_ids(seed)
        numbers = (ids - _FIRST_ID - offset) * pow(factor, -1, _IDS) % _IDS - first
        in_range = np.bincount(place, weights=(numbers >= 0) & (numbers < count))
        if (months := np.flatnonzero(2 * in_range > np.bincount(place))).size:
            seeds.add(seed)
            reproduced.update(months.tolist())
    return GuessedSeed(len(tried), len(tables), tuple(sorted(seeds)), len(reproduced))


def _permutation_of_ids(seed: int) -> tuple[int, int]:
    """Factor and offset of the affine permutation that the public formula draws from a seed."""
    text = "\x1f".join((str(seed), "synthetic_declarations", "", "declaration ids"))
    derived = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    rng = np.random.default_rng(derived)
    factor = int(rng.integers(_IDS // 3, _IDS // 2))
    while math.gcd(factor, _IDS) != 1:
        factor += 1
    return factor, int(rng.integers(_IDS))
