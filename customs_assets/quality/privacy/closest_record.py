"""Distance to the closest record: does a synthetic row lie nearer to the rows it was made from than to others like them?

A synthesizer that learned the world and not its rows is as near to one half of the source as to the other. What belongs here is
that comparison; rows that are equal are counted by ``copies``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.quality.privacy.records import WITHOUT_IDENTITIES, as_records, nearest
from customs_assets.quality.references import equal_in_size

QUANTILES: tuple[float, ...] = (0.0, 0.01, 0.05, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class ClosestRecord:
    """How near synthetic rows lie to training and to control.

    Attributes:
        share_nearer_to_training: share of the synthetic rows that are nearer to training than to control, ties counting half;
            0.5 where the synthesizer kept no row, 1.0 where it copied.
        standard_error: of that share, were it 0.5 and rows independent.
        rows: synthetic rows.
        references: training rows, and as many control rows.
        ties: synthetic rows that are as near to one as to the other.
        identical_to_training: synthetic rows at distance 0 of a training row.
        identical_to_control: synthetic rows at distance 0 of a control row.
        quantiles: by quantile, the distances to training and to control.
    """

    share_nearer_to_training: float
    standard_error: float
    rows: int
    references: int
    ties: int
    identical_to_training: int
    identical_to_control: int
    quantiles: dict[float, tuple[float, float]]


def closest_record(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    columns: Sequence[str] = WITHOUT_IDENTITIES,
    seed: int = 2020,
) -> ClosestRecord:
    """Compare synthetic rows' distances to the nearest training row and to the nearest control row.

    Args:
        synthetic: synthetic declarations.
        training: the source's rows that they were made from.
        control: rows of the same source that were held out. The larger of both is cut to the other's size, for more rows
            would be nearer by number alone.
        columns: what is compared; ``records.EVERYTHING`` takes identities in, which only makes sense where training and
            control were split row by row (an importer's split leaves control's tokens unknown to the synthesizer).
        seed: base seed of the cut.
    """
    training, control = equal_in_size(training, control, seed)
    rows, training_rows, control_rows = as_records([synthetic, training, control], columns)
    to_training = nearest(rows, training_rows).distances[:, 0]
    to_control = nearest(rows, control_rows).distances[:, 0]
    ties = int((to_training == to_control).sum())
    return ClosestRecord(
        share_nearer_to_training=float(((to_training < to_control).sum() + ties / 2) / len(synthetic)),
        standard_error=float(0.5 / np.sqrt(len(synthetic))),
        rows=len(synthetic),
        references=len(training),
        ties=ties,
        identical_to_training=int((to_training == 0).sum()),
        identical_to_control=int((to_control == 0).sum()),
        quantiles={q: (float(np.quantile(to_training, q)), float(np.quantile(to_control, q))) for q in QUANTILES},
    )
