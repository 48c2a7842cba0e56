"""Successive releases: does the next release show which importers came in with it?

Who has a release and the one after it can take the one from the other. Where the whole release is made anew with every month,
each tariff tuple is there about as often as it was inspected, so the difference is what was inspected in the new month. The
attacker knows what importers declared in the new months, and of two of them names the one that came in: whose goods became more,
or whose declarations lie nearer to the later release than to the earlier one.

*Came in* are importers of the training half with inspected declarations in the new months. The control half has such importers,
too, but no release has seen them. Guessing is right in half of all pairs. So the measure is the share of pairs in which the
attacker is right, less one half: the area under the ROC curve, less 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, with_hs6
from customs_assets.fidelity.detection import auc
from customs_assets.privacy import CannotBeMeasured, NothingToAttack
from customs_assets.privacy.cells import numbered
from customs_assets.privacy.chance import auc_bound, auc_upper_bound, judging_quantile, usual_quantile
from customs_assets.privacy.records import as_records, nearest

_TUPLE = ("hs6_code", "country_of_origin", "country_of_departure", "tax_type", "tax_rate")

# The columns whose cells are counted in both releases.
CELLS: dict[str, tuple[str, ...]] = {
    "tariff tuples that became more": _TUPLE,
    "product codes and origins that became more": ("hs6_code", "country_of_origin"),
    "goods of an office that became more": ("hs6_code", "country_of_origin", "office_id"),
}
NEARER = "declarations that the later release comes nearer to"
WAYS: tuple[str, ...] = (*CELLS, NEARER)

# Fewer importers on a side tell nothing.
_FEWEST = 2


@dataclass(frozen=True)
class Gain:
    """What the attacker gains over guessing.

    Attributes:
        way: the way of :data:`WAYS` that gains most.
        value: the share of pairs named right less 0.5; it may be below 0.
        lower_bound: of the largest gain, for one of ``chance.CLAIMS`` claims.
        upper_bound: the highest of the ways' upper bounds, at ``chance.CONFIDENCE``.
        standard_error: of ``value``, with the importer as the unit.
        came_in: importers that came in.
        stayed_out: importers beside them that no release has seen.
        by_way: the gain of each way.
    """

    way: str
    value: float
    lower_bound: float
    upper_bound: float
    standard_error: float
    came_in: int
    stayed_out: int
    by_way: dict[str, float]


def successive_releases(
    earlier: pd.DataFrame, later: pd.DataFrame, came_in: pd.DataFrame, stayed_out: pd.DataFrame
) -> Gain:
    """Attack two releases, one after the other; the strongest of the ways.

    Args:
        earlier: the rows of one release.
        later: those of a release after it, which has the same months and new ones.
        came_in: declarations of the new months that the later release was made from.
        stayed_out: declarations of the new months of other importers, which no release was made from.

    Raises:
        NothingToAttack: nothing came in.
        CannotBeMeasured: a side has too few importers.
    """
    if came_in.empty or later.empty:
        raise NothingToAttack("no declarations came in with the new months")
    sides = with_hs6(came_in), with_hs6(stayed_out)
    counts = [int(side["importer_id"].nunique()) for side in sides]
    if min(counts) < _FEWEST:
        raise CannotBeMeasured(f"{counts[0]} importers came in and {counts[1]} are beside them: too few to compare")
    known = pd.concat(sides, ignore_index=True)
    importer = pd.factorize(known["importer_id"])[0]
    member = np.zeros(importer.max() + 1, dtype=bool)
    member[importer[: len(sides[0])]] = True
    scores: dict[str, Callable[[], np.ndarray]] = {
        way: lambda columns=columns: _grown(earlier, later, known, columns) for way, columns in CELLS.items()
    }
    scores[NEARER] = lambda: _nearer(earlier, later, known)
    measured, needed = {}, judging_quantile(len(WAYS))
    for way, score in scores.items():
        # What is known of an importer is the mean over what it declared.
        of_importer = np.bincount(importer, score()) / np.bincount(importer)
        bound, error = auc_bound(of_importer, member, np.arange(len(member)), needed)
        upper = auc_upper_bound(of_importer, member, np.arange(len(member)), usual_quantile())
        measured[way] = (auc(of_importer, member) - 0.5, bound - 0.5, upper - 0.5, error)
    strongest = max(measured, key=lambda way: measured[way][0])
    value, _, _, error = measured[strongest]
    lower, upper = (
        max((found[place] for found in measured.values() if not math.isnan(found[place])), default=math.nan)
        for place in (1, 2)
    )
    return Gain(
        strongest,
        value,
        lower,
        upper,
        error,
        counts[0],
        counts[1],
        {way: found[0] for way, found in measured.items()},
    )


def _grown(earlier: pd.DataFrame, later: pd.DataFrame, known: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """For each known declaration by how much its cell grew, in units of what the cell's size alone makes likely."""
    frames = [with_hs6(rows)[list(columns)] for rows in (earlier, later, known)]
    (before, after, own), count = numbered(frames, columns)
    had, has = np.bincount(before, minlength=count), np.bincount(after, minlength=count)
    usual = had / max(len(before), 1) * (len(after) - len(before))
    return ((has - had - usual) / np.sqrt(usual + 1))[own]


def _nearer(earlier: pd.DataFrame, later: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """For each known declaration how much nearer the closest row of the later release is than that of the earlier one.

    Rows that stand in both releases say nothing, so only what is new in the later one is compared.
    """
    both = later[earlier.columns].merge(earlier.drop_duplicates(), how="left", indicator=True)["_merge"] == "both"
    new = later[~both.to_numpy()]
    if new.empty:
        return np.zeros(len(known))
    records = as_records([known, earlier, new], WITHOUT_IDENTITIES)
    near_earlier, near_new = (nearest(records[0], other).distances[:, 0] for other in records[1:])
    return near_earlier - near_new
