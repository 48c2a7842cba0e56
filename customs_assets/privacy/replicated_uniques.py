"""RepU and DiSCO: the two measures of disclosure of ``synthpop``, which statistical offices use.

Raab, Nowok and Dibben: *Practical privacy metrics for synthetic data* (2024, version of ``synthpop`` 1.9). Somebody is known by
*keys*. Both are shares of the original records:

- *RepU*, replicated uniques: the record's keys are unique among the original records, and unique among the synthetic ones.
- *DiSCO*, disclosive in synthetic, correct in original: all synthetic records with the record's keys have one value of the
  target, and it is the record's own.

Beside them stand the shares that the original itself has: *UiO*, records that are unique by their keys; *DiO*, records whose keys
have one value of the target. A synthetic table that is like the original has some of both by chance. So each stands beside the
control half's own figure: the same synthetic rows, compared with originals that they were not made from. The risk is the excess,
(a - c) / (1 - c) with the shares a of training and c of control (``risk.py``), and the importer is its unit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.cells import MONTH, PRICE_BAND, alike, numbered
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

# What is known of a declaration by a competitor, and by whoever saw the goods arrive.
KEYS: dict[str, tuple[str, ...]] = {
    "code, origin, office and month": ("hs6_code", "country_of_origin", "office_id", MONTH),
    "code, origin, office and mode of transport": ("hs6_code", "country_of_origin", "office_id", "mode_of_transport"),
}

# What stands for a target where it is not the attribute itself: a price is known within a factor of two at most.
_IN_BANDS: dict[str, str] = {"item_price": PRICE_BAND}


def replicated_uniques(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020
) -> Risk:
    """RepU beyond the control half's; the stronger of :data:`KEYS`.

    The larger of training and control is sampled to the size of the other, because few rows are unique more easily.

    Returns:
        The risk. ``baseline_successes``: records of training that are unique among themselves (UiO).
    """
    sides = equal_in_size(training, control, seed)
    measures: list[Callable[[], Risk]] = [partial(_rep_u, synthetic, sides, keys) for keys in KEYS]
    return strongest(measures)


def _rep_u(synthetic: pd.DataFrame, sides: tuple[pd.DataFrame, pd.DataFrame], keys: str) -> Risk:
    (shown, *cells), count = numbered([synthetic, *sides], KEYS[keys])
    once = np.bincount(shown, minlength=count) == 1
    unique = [(np.bincount(cell, minlength=count) == 1)[cell] for cell in cells]
    right = [alone & once[cell] for alone, cell in zip(unique, cells, strict=True)]
    return _share(sides, right, int(unique[0].sum()), f"by {keys}")


def disclosive(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, target: str, seed: int = 2020
) -> Risk:
    """DiSCO of one of ``goals.TARGETS`` beyond the control half's; the stronger of :data:`KEYS`.

    Returns:
        The risk. ``baseline_successes``: records of training whose keys have one value of the target in training (DiO).
    """
    sides = equal_in_size(training, control, seed)
    measures: list[Callable[[], Risk]] = [partial(_disco, synthetic, sides, keys, target) for keys in KEYS]
    return strongest(measures)


def _disco(synthetic: pd.DataFrame, sides: tuple[pd.DataFrame, pd.DataFrame], keys: str, target: str) -> Risk:
    frames = [synthetic, *sides]
    (shown, *cells), count = numbered(frames, KEYS[keys])
    values, _ = numbered(frames, [_IN_BANDS.get(target, target)])
    one, which = alike(shown, values[0], count)
    right = [one[cell] & (which[cell] == own) for cell, own in zip(cells, values[1:], strict=True)]
    in_original, _ = alike(cells[0], values[1], count)
    return _share(sides, right, int(in_original[cells[0]].sum()), f"by {keys}")


def _share(sides: tuple[pd.DataFrame, pd.DataFrame], right: list[np.ndarray], of_the_original: int, way: str) -> Risk:
    training, control = (
        Guesses.on_rows(rows["importer_id"].to_numpy(), hit) for rows, hit in zip(sides, right, strict=True)
    )
    return risk_of_guesses(training, control, of_the_original, way, len(KEYS))
