"""The tables that a score is read beside: two halves of the source (ceiling), independent columns (floor), the control half.

Independent columns beat the paper's Table 2 and hold no relation at all; two halves of the truth do not score 1.0 against each
other. What belongs here makes those tables, the same ones every time.
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
    """Which rows are of the control half: the hash of a row's identifier decides, so rows of one identifier fall together.

    Args:
        identifiers: text, one a row: declaration IDs to split rows, importers to split importers.
        seed: base seed; another one splits otherwise.

    Returns:
        Booleans, one a row.
    """
    distinct, place = np.unique(identifiers.to_numpy(str), return_inverse=True)
    coins = np.array([hashlib.sha256(f"{seed}\x1fcontrol\x1f{name}".encode()).digest()[0] & 1 for name in distinct])
    return coins.astype(bool)[place] if len(distinct) else np.zeros(0, dtype=bool)


def halves(source: pd.DataFrame, unit: Unit = "declaration_id", seed: int = 2020) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The source in two parts by :func:`in_control`; rows of one ``unit`` fall together.

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

    def sampled(frame: pd.DataFrame) -> pd.DataFrame:
        if len(frame) == size:
            return frame
        rng = derive_rng(seed, "references", purpose="equal size")
        return frame.iloc[np.sort(rng.choice(len(frame), size, replace=False))]

    return sampled(first), sampled(second)


def independent_columns(source: pd.DataFrame, seed: int = 2020) -> pd.DataFrame:
    """The floor: as many rows, every column drawn with replacement from its own values alone; product codes of six digits.

    The two labels are drawn as one, since the form does not allow them to disagree; declaration IDs are new.
    """
    rows = source.rename(columns={TARIFF_TUPLE[0]: HS6.name})
    rows = rows.assign(**{HS6.name: rows[HS6.name].str[:6]})
    drawn: dict[str, np.ndarray] = {}
    for column in rows.columns:
        purpose = LABELS[0] if column in LABELS else column
        picked = derive_rng(seed, "references", purpose=f"independent {purpose}").integers(len(rows), size=len(rows))
        drawn[column] = rows[column].to_numpy()[picked]
    floor = pd.DataFrame(drawn).astype(rows.dtypes.to_dict())
    return floor.assign(declaration_id=[f"{number:08d}" for number in range(len(floor))])
