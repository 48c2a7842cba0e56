"""Distance to the closest record: do synthetic rows lie nearer to the rows that they were made from than to others like them?

A synthesizer that learned the world and not its rows comes as near to one half of the source as to the other. What belongs here
is that comparison. ``counts`` counts equal rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.chance import judging_quantile, too_few, usual_quantile, wilson
from customs_assets.privacy.records import as_records, nearest

QUANTILES: tuple[float, ...] = (0.0, 0.01, 0.05, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class ClosestRecord:
    """How near synthetic rows lie to training and to control.

    Attributes:
        share_nearer_to_training: share of the synthetic rows that are nearer to training than to control, ties counting half;
            0.5 where the synthesizer memorized no row, 1.0 where it copied.
        standard_error: of that share, if it were 0.5 and a coin had put each importer on its side.
        lower_bound: of that share, for one of ``chance.CLAIMS`` claims; NaN with too few importers on a side.
        upper_bound: of that share, at ``chance.CONFIDENCE``; NaN as above.
        identical_to_training: synthetic rows at distance 0 of a training row.
        identical_to_control: synthetic rows at distance 0 of a control row.
    """

    share_nearer_to_training: float
    standard_error: float
    lower_bound: float
    upper_bound: float
    identical_to_training: int
    identical_to_control: int


def closest_record(
    synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int = 2020
) -> ClosestRecord:
    """Compare synthetic rows' distances to the nearest training row and to the nearest control row.

    The larger of training and control is sampled to the other's size, because more rows are nearer by number alone.
    """
    training, control = equal_in_size(training, control, seed)
    rows, *references = as_records([synthetic, training, control], WITHOUT_IDENTITIES)
    sides = [nearest(rows, reference) for reference in references]
    to_training, to_control = (side.distances[:, 0] for side in sides)
    won = (to_training < to_control) + (to_training == to_control) / 2
    importers = [np.unique(side["importer_id"].to_numpy(str), return_inverse=True)[1] for side in (training, control)]
    share = float(won.mean())
    number = _effective_rows(won, [side.rows[:, 0] for side in sides], importers)
    return ClosestRecord(
        share,
        float(0.5 / np.sqrt(number)),
        *_bounds(share, number, *(int(codes.max()) + 1 for codes in importers)),
        identical_to_training=int((to_training == 0).sum()),
        identical_to_control=int((to_control == 0).sum()),
    )


def _effective_rows(won: np.ndarray, closest: Sequence[np.ndarray], importers: Sequence[np.ndarray]) -> float:
    """How many synthetic rows would stray as far if a coin of its own put each nearer to one side or the other.

    An importer draws the synthetic rows that lie nearest to its rows, all to the side on which it stands. Its fair share of
    them is its share of the rows. How much more or less it draws is what its coin is worth.

    Args:
        won: for each synthetic row 1 where training is nearer, 0 where control is, 1/2 where both are as near.
        closest: for training and control the place of the row nearest to each synthetic row.
        importers: for training and control the importer of each row, as a code from 0.
    """
    squares = 0.0
    for part, place, codes in zip((won, 1 - won), closest, importers, strict=True):
        drawn = np.bincount(codes[place], part, minlength=codes.max() + 1) / len(won)
        fair = np.bincount(codes) / (2 * len(codes))
        squares += float(np.sum((drawn - fair) ** 2))
    return min(float(len(won)), 1 / squares) if squares else float(len(won))


def _bounds(share: float, number: float, training_importers: int, control_importers: int) -> tuple[float, float]:
    """The ends of Wilson's intervals, the lower less what training gains where it has more importers, the upper more where fewer.

    Where an importer's rows are much alike, the nearest importer counts and not the nearest row. Then the side with more
    importers is nearer more often, even with equally many rows.
    """
    if too_few(training_importers, control_importers):
        return math.nan, math.nan
    judged, usual = (wilson(share, number, quantile) for quantile in (judging_quantile(), usual_quantile()))
    by_number = training_importers / (training_importers + control_importers) - 0.5
    lower = max(judged.value - judged.error - max(by_number, 0.0), 0.0)
    return lower, min(usual.value + usual.error + max(-by_number, 0.0), 1.0)
