"""What an inspection of the most suspicious declarations finds: frauds, and the duty that is at stake in them.

What belongs here is the arithmetic on scores: who is inspected at a rate, the share of frauds and of duty that is found, and how
far it varies with the importers. Training is the work of ``precision`` and ``cells``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Optional columns of a source, beyond the form: what an inspection recovered, in the unit of the price; and why it took place.
RECOVERED_REVENUE = "amount_recovered"
INSPECTION_REASON = "inspection_reason"
AT_RANDOM = frozenset({"random", "at random", "aléatoire", "aleatoire", "au hasard", "aleatorio", "al azar", "무작위"})


class Ranked:
    """Declarations by their scores, the most suspicious first; equal scores share their places.

    Args:
        scores: finite numbers, shape (declarations,).

    Raises:
        ValueError: there are no scores, or one is no finite number.
    """

    def __init__(self, scores: np.ndarray) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        if scores.ndim != 1 or not scores.size:
            raise ValueError(f"scores {scores.shape} must be one each per declaration, one or more")
        strange = np.flatnonzero(~np.isfinite(scores))
        if strange.size:
            raise ValueError(
                f"score {scores[strange[0]]} in row {strange[0]} is no finite number ({strange.size} such rows)"
            )
        self._group = np.unique(-scores, return_inverse=True)[1]

    def inspected(self, inspection_rate: float) -> np.ndarray:
        """How surely each declaration is inspected: 1, 0, or the share of places left for those with equal scores.

        The number of places is rounded to the nearest whole one, halves up, and is 1 at least.
        """
        places = max(int(np.floor(inspection_rate * len(self._group) + 0.5)), 1)
        sizes = np.bincount(self._group)
        before = np.cumsum(sizes) - sizes
        return np.clip((places - before) / sizes, 0, 1)[self._group]

    def resampled_precision(self, fraud: np.ndarray, weights: np.ndarray, rates: Sequence[float]) -> np.ndarray:
        """Precision at some inspection rates where each declaration counts as often as it was drawn; NaN where none was."""
        drawn = np.bincount(self._group, weights)
        frauds = np.bincount(self._group, weights * fraud)
        until, found_until = np.cumsum(drawn), np.cumsum(frauds)
        if not until[-1]:
            return np.full(len(rates), np.nan)
        places = np.maximum(np.asarray(rates) * until[-1], 1.0)
        last = np.minimum(np.searchsorted(until, places), len(until) - 1)
        contested = places - (until[last] - drawn[last])
        found = found_until[last] - frauds[last] + contested * frauds[last] / drawn[last]
        return found / places


@dataclass(frozen=True, slots=True)
class Found:
    """What an inspection at one rate finds.

    Attributes:
        precision: share of frauds among the inspected; NaN where nothing is inspected.
        recall: share of all frauds that are inspected; NaN where there is none.
        duty_recall: share of the duty at stake in all frauds that is at stake in the inspected ones; NaN where none is.
        recovered_recall: the same of the revenue that inspections recovered; NaN where the source does not say it.
    """

    precision: float
    recall: float
    duty_recall: float
    recovered_recall: float


def found_by(scores: np.ndarray, fraud: np.ndarray, values: pd.DataFrame, inspection_rate: float) -> Found:
    """What an inspection of the highest scores finds.

    Args:
        scores: finite numbers, shape (declarations,).
        fraud: 0 or 1 per declaration.
        values: as :func:`values_at_stake`, a row a declaration.
        inspection_rate: share that is inspected, in (0, 1].
    """
    inspected = Ranked(scores).inspected(inspection_rate)

    def share(value: np.ndarray) -> float:
        return float(inspected @ value / value.sum()) if value.sum() > 0 else float("nan")

    recalls = [share(fraud * values[name].to_numpy()) for name in ("duty", RECOVERED_REVENUE)]
    return Found(float(inspected @ fraud / inspected.sum()), share(fraud.astype(np.float64)), *recalls)


def values_at_stake(declarations: pd.DataFrame) -> pd.DataFrame:
    """What is at stake in declarations.

    Returns:
        A row a declaration, in the unit of the price: ``duty``, item price x tax rate; ``amount_recovered``, as the source says
        it, 0 where it says nothing, NaN where it has no such column.
    """
    duty = declarations["item_price"].to_numpy(np.float64) * declarations["tax_rate"].to_numpy(np.float64) / 100
    recovered = np.full(len(declarations), np.nan)
    if RECOVERED_REVENUE in declarations:
        said = pd.to_numeric(declarations[RECOVERED_REVENUE], errors="coerce")
        recovered = said.fillna(0.0).to_numpy(np.float64)
    return pd.DataFrame({"duty": duty, RECOVERED_REVENUE: recovered})


def inspected_at_random(declarations: pd.DataFrame) -> np.ndarray:
    """Which declarations were inspected at random, by the column ``inspection_reason``; none where there is no such column."""
    if INSPECTION_REASON not in declarations:
        return np.zeros(len(declarations), dtype=bool)
    return declarations[INSPECTION_REASON].astype(str).str.strip().str.lower().isin(AT_RANDOM).to_numpy()


def resamples(importers: pd.Series, count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each declaration is drawn where importers are drawn with replacement, as many as there are.

    Returns:
        int64, shape (count, declarations); the declarations of one importer are drawn together.
    """
    codes, distinct = pd.factorize(importers)
    drawn = rng.multinomial(len(distinct), np.full(len(distinct), 1 / len(distinct)), size=count)
    return drawn[:, codes]
