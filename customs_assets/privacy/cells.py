"""Cells: the same combinations of some columns in several tables, numbered alike.

The attacks of this trade ask of a cell, such as a product code and a country of origin, what a release shows of it and what was
declared. What belongs here numbers the cells. What is guessed of them stands in the attacks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import with_hs6
from customs_assets.months import months_of

MONTH = "month"
CHAPTER = "chapter"

# Two amounts are in one band where both lie between the same two powers of two.
PRICE_BAND = "price band"
UNIT_PRICE_BAND = "band of prices per kilogram"


def numbered(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> tuple[list[np.ndarray], int]:
    """Number the cells that some columns make.

    Args:
        frames: declarations with ``hs6_code`` or ``hs10_code``.
        columns: names as in the released schema, :data:`MONTH`, :data:`CHAPTER`, :data:`PRICE_BAND` or :data:`UNIT_PRICE_BAND`.

    Returns:
        For each frame the cell of each of its rows, integers from 0; and the number of cells of all frames.
    """
    place = np.zeros(sum(map(len, frames)), dtype=np.int64)
    for name in columns:
        codes, distinct = pd.factorize(np.concatenate([column(frame, name) for frame in frames]))
        place = pd.factorize(place * max(len(distinct), 1) + codes)[0]
    cuts = np.cumsum([len(frame) for frame in frames])[:-1]
    return np.split(place, cuts), int(place.max(initial=-1)) + 1


def column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column of n declarations: of the form, or one of the four that are derived from it; shape (n,)."""
    if name == MONTH:
        return months_of(pd.to_datetime(frame["date"])).to_numpy(dtype=object)
    if name in (PRICE_BAND, UNIT_PRICE_BAND):
        amount = frame["item_price"].to_numpy(dtype=float)
        if name == UNIT_PRICE_BAND:
            amount = amount / np.maximum(frame["net_mass"].to_numpy(dtype=float), 1e-9)
        return np.floor(np.log2(np.maximum(amount, 1e-9)))
    if name == CHAPTER and name not in frame:
        return with_hs6(frame)["hs6_code"].str[:2].to_numpy()
    return with_hs6(frame)[name].to_numpy()


def alike(cell: np.ndarray, value: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Which cells have one value alone.

    Args:
        cell: the cell of each of n rows, integers.
        value: of each row, integers from 0.
        cells: how many cells there are.

    Returns:
        Booleans of shape (cells,), false where a cell has no row; and the least value of each cell, which is its only one there.
    """
    order = np.lexsort([value, cell])
    sorted_value = value[order]
    size = np.bincount(cell, minlength=cells)
    begin = np.cumsum(size) - size
    some = size > 0
    least, most = np.full(cells, -1), np.full(cells, -2)
    least[some] = sorted_value[begin[some]]
    most[some] = sorted_value[(begin + size - 1)[some]]
    return least == most, least
