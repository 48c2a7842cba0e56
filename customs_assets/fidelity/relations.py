"""The relations that a release must keep: who trades what with whom, and what the tariff allows.

Table 2 does not see them: the paper's release scores well there and lost every trading relation. What belongs here is
their measure on one frame, or on a frame against the law; the comparison of two measures is the reader's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from customs_assets.association import normalized_mutual_information
from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.seeds import derive_rng

RELATIONS: tuple[tuple[str, str], ...] = (
    ("importer_id", "hs6_code"),
    ("seller_id", "country_of_origin"),
    ("declarant_id", "office_id"),
    ("importer_id", "seller_id"),
    ("mode_of_transport", "courier_id"),
)


# A relation weaker than this is none: shuffles differ by about as much.
_NO_RELATION = 0.01


def relations(frame: pd.DataFrame, seed: int = 2020, shuffles: int = 3) -> dict[str, float]:
    """How strongly the parties and the goods of a frame hang together.

    Many rare values share information by chance alone, so each relation is the normalized mutual information of its two
    columns less the mean of what remains when the second is shuffled. An empty seller or courier is a value.

    Args:
        frame: declarations with the columns of :data:`RELATIONS` (``hs10_code`` is cut to six digits).
        seed: base seed of the shuffles.
        shuffles: number of shuffles, at least 1.

    Returns:
        A number by ``first|second``: about 0 for unrelated columns, towards 1 for columns that determine each other.

    Raises:
        ValueError: the frame has no rows or lacks a column.
    """
    names = list(dict.fromkeys(name for pair in RELATIONS for name in pair))
    columns = compared_columns(frame, "compared", names)
    codes = {name: pd.factorize(columns[name], use_na_sentinel=False)[0] for name in names}
    return {f"{a}|{b}": _above_chance(codes[a], codes[b], f"{a}|{b}", seed, shuffles) for a, b in RELATIONS}


def relation_ratios(
    source: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 2020, shuffles: int = 3
) -> dict[str, float]:
    """How much of each relation of the source the synthetic rows keep: 1 is all of it, more is concentration.

    Args:
        source: declarations, as :func:`relations` takes them.
        synthetic: synthetic declarations.
        seed: base seed of the shuffles.
        shuffles: number of shuffles, at least 1.

    Returns:
        A ratio by ``first|second``; NaN where the source's relation is no stronger than chance explains (under 0.01), since
        there is nothing to keep.
    """
    kept, there = (relations(frame, seed, shuffles) for frame in (synthetic, source))
    return {name: kept[name] / there[name] if there[name] >= _NO_RELATION else math.nan for name in there}


def _above_chance(first: np.ndarray, second: np.ndarray, name: str, seed: int, shuffles: int) -> float:
    rng = derive_rng(seed, "relations", purpose=name)
    chance = [normalized_mutual_information(first, rng.permutation(second)) for _ in range(shuffles)]
    return normalized_mutual_information(first, second) - float(np.mean(chance))


def lawful_share(source_tuples: pd.DataFrame | Iterable[tuple], synthetic: pd.DataFrame) -> float:
    """Share of synthetic rows whose tariff tuple the law is known to allow, in [0, 1].

    Args:
        source_tuples: the lawful (HS6, departure, origin, tax rate, tax type), as tuples in that order or as a frame of
            declarations (``hs10_code`` is cut to six digits). Tax rates are compared exactly.
        synthetic: synthetic declarations.

    Raises:
        ValueError: a frame has no rows or lacks a column of the tuple, or no tuple is given.
    """
    columns = list(RELEASED_TUPLE)
    if not isinstance(source_tuples, pd.DataFrame):
        source_tuples = pd.DataFrame.from_records(list(source_tuples), columns=columns)
    lawful = compared_columns(source_tuples, "lawful tuples'", columns).drop_duplicates()
    rows = compared_columns(synthetic, "synthetic", columns)
    found = rows.merge(lawful, how="left", on=columns, indicator=True)["_merge"]
    return float((found == "both").mean())
