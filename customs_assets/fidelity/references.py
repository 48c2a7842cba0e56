"""What a score is read by: the ceiling (two halves of the source), the floor (independent columns), and the held-out half.

A number alone says little: a table of independent columns beats the paper's Table 2 and holds no relation at all, and two
halves of the truth do not score 1.0 against each other. What belongs here makes those tables, the same ones every time.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.declaration import HS6, LABELS, TARIFF_TUPLE
from customs_assets.seeds import derive_rng

Unit = Literal["declaration_id", "importer_id"]


def in_control(identifiers: pd.Series, seed: int = 2020) -> np.ndarray:
    """Which rows are of the control half: a coin for each identifier, thrown by its hash.

    Rows of one identifier fall together, whatever month or order they come in.

    Args:
        identifiers: text, one a row: the declaration ID for a split of rows, the importer for one of importers.
        seed: base seed; another one splits otherwise.

    Returns:
        Booleans, one a row.
    """
    distinct, place = np.unique(identifiers.to_numpy(str), return_inverse=True)
    coins = np.array([hashlib.sha256(f"{seed}\x1fcontrol\x1f{name}".encode()).digest()[0] & 1 for name in distinct])
    return coins.astype(bool)[place] if len(distinct) else np.zeros(0, dtype=bool)


def halves(source: pd.DataFrame, unit: Unit = "declaration_id", seed: int = 2020) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The source in two parts, told apart by :func:`in_control`.

    Args:
        source: declarations.
        unit: what falls together: single rows, or all rows of an importer.
        seed: base seed.

    Raises:
        ValueError: a part would be empty.
    """
    control = in_control(source[unit], seed)
    if control.all() or not control.any():
        raise ValueError(f"{len(source)} rows of {source[unit].nunique()} {unit} values cannot be split into two parts")
    return source.loc[~control], source.loc[control]


def equal_in_size(first: pd.DataFrame, second: pd.DataFrame, seed: int = 2020) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both frames with as many rows as the smaller has, the larger one's drawn without replacement, order kept."""
    size = min(len(first), len(second))
    return _sampled(first, size, seed), _sampled(second, size, seed)


def _sampled(frame: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    if len(frame) == size:
        return frame
    rng = derive_rng(seed, "references", purpose="equal size")
    return frame.iloc[np.sort(rng.choice(len(frame), size, replace=False))]


def independent_columns(source: pd.DataFrame, seed: int = 2020) -> pd.DataFrame:
    """The floor: as many rows, every column drawn from its own values alone, with replacement.

    The two labels are drawn as one, since no form allows them to disagree; the key is new. The product code is cut to six
    digits, as a synthetic table's is.
    """
    drawn: dict[str, np.ndarray] = {}
    rows = source.rename(columns={TARIFF_TUPLE[0]: HS6.name})
    rows = rows.assign(**{HS6.name: rows[HS6.name].str[:6]})
    for column in rows.columns:
        purpose = LABELS[0] if column in LABELS else column
        picked = derive_rng(seed, "references", purpose=f"independent {purpose}").integers(len(rows), size=len(rows))
        drawn[column] = rows[column].to_numpy()[picked]
    floor = pd.DataFrame(drawn).astype(rows.dtypes.to_dict())
    return floor.assign(declaration_id=[f"{number:08d}" for number in range(len(floor))])
