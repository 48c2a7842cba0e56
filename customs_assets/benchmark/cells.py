"""One cell of Table 3 with all that ranking needs: a detector on a data set, under several keys, resamples and halves.

The order of detectors is compared between source and release. A difference has to be held against what it would vary by anyway:

- *Seeds.* The detector draws. Table 3 averages over its seeds.
- *Keys.* Identities are tokens of a keyed hash, and detectors see a token's place in the order of all. Under another key the
  places are others, and a tree cuts elsewhere. Each further run is under a new order of the tokens, and under a seed of its own.
- *Importers.* The test months have some importers, and might have had others: importers are drawn with replacement.

What belongs here measures a cell. What follows from all cells stands in ``ranking``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import Detector
from customs_assets.benchmark.inspection import Found, Ranked, found_by, resamples
from customs_assets.benchmark.precision import Encoded, encoded, mean_and_deviation
from customs_assets.benchmark.split import ChronologicalSplit
from customs_assets.declaration import IDENTITIES
from customs_assets.fidelity.references import halves
from customs_assets.seeds import derive_rng, derive_seed

RATES: tuple[float, ...] = (0.01, 0.02, 0.05, 0.10)

# Orders of the tokens that a cell is averaged over, the pipeline's own included; and draws of importers.
KEYS = 3
RESAMPLES = 200

_ASSET = "fraud_benchmark"


def measure_cell(
    declarations: pd.DataFrame,
    detector: type[Detector],
    dataset: str,
    split: ChronologicalSplit,
    seeds: Sequence[int],
    seed: int,
    with_halves: bool,
    keys: int = KEYS,
) -> pd.DataFrame:
    """Train a detector on the training months of a data set and measure it on the test months.

    Args:
        declarations: inspected declarations of all the split's months.
        detector: its class.
        dataset: what the rows are called.
        split: as ``split_months`` gives it.
        seeds: one run per seed under the tokens as they are; at least one.
        seed: public; orders of tokens, draws of importers and halves derive from it. The same in all cells that are compared.
        with_halves: whether to train and test on either half of the importers, too.
        keys: how many orders of the tokens, that of the rows as they are included; at least one.

    Returns:
        A row for each of :data:`RATES`: the columns of ``precision.ROW_COLUMNS``, then

        - ``recall_mean``, ``duty_recall_mean``, ``recovered_recall_mean``: as ``inspection.Found``, mean over the seeds;
        - ``random_mean``: precision among the test declarations that were inspected at random; NaN where the source does not say;
        - ``by_key``: precision under each of the ``keys`` orders of the tokens (list);
        - ``by_importers``: mean precision over the keys, for each of :data:`RESAMPLES` draws of importers (list);
        - ``first_half``, ``second_half``: precision on each half of the importers; NaN where it cannot be measured.

    Raises:
        ValueError: as ``precision.evaluate``.
    """
    parts = encoded(declarations, declarations, split, dataset)
    runs = parts.scores(detector, seeds)
    keyed = [runs[0]]
    for key in range(1, keys):
        rekeyed = _rekeyed(declarations, derive_rng(seed, _ASSET, purpose=f"key {key}"))
        own = derive_seed(seed, _ASSET, purpose=f"run under key {key}") % 2**31
        keyed += encoded(rekeyed, rekeyed, split, dataset).scores(detector, [own])
    mean, deviation = mean_and_deviation([[parts.precision(scores, rate) for rate in RATES] for scores in runs])
    found = [[found_by(scores, parts.test_fraud, parts.test_values, rate) for rate in RATES] for scores in runs]
    at_random = [[_at_random(parts, scores, rate) for rate in RATES] for scores in runs]
    first, second = _of_halves(declarations, detector, split, seeds, seed) if with_halves else (None, None)
    by_importers = _by_importers(parts, keyed, seed)
    return pd.DataFrame(
        {
            "detector": detector.name,
            "dataset": dataset,
            "inspection_rate": RATES,
            "precision_mean": mean,
            "precision_std": deviation,
            "seeds": len(seeds),
            "recall_mean": _mean_of(found, "recall"),
            "duty_recall_mean": _mean_of(found, "duty_recall"),
            "recovered_recall_mean": _mean_of(found, "recovered_recall"),
            "random_mean": np.mean(at_random, axis=0),
            "by_key": [[parts.precision(scores, rate) for scores in keyed] for rate in RATES],
            "by_importers": [by_importers[:, place].tolist() for place in range(len(RATES))],
            "first_half": first if first is not None else np.nan,
            "second_half": second if second is not None else np.nan,
        }
    )


# The columns of a cell that hold lists, and those that hold texts; all others but ``seeds`` hold numbers.
_LISTS, _TEXTS = ("by_key", "by_importers"), ("detector", "dataset")
_COLUMNS = (
    *("detector", "dataset", "inspection_rate", "precision_mean", "precision_std", "seeds"),
    *("recall_mean", "duty_recall_mean", "recovered_recall_mean", "random_mean"),
    *(*_LISTS, "first_half", "second_half"),
)


def no_rows() -> pd.DataFrame:
    """The result of a cell that was not measured: no row, with the columns of :func:`measure_cell`."""
    kinds = {name: "object" if name in _LISTS else "str" if name in _TEXTS else "float64" for name in _COLUMNS}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in {**kinds, "seeds": "int64"}.items()})


def _rekeyed(declarations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same declarations under other tokens, in another order; an absent identity stays absent."""
    columns = {}
    for role in IDENTITIES:
        codes, tokens = pd.factorize(declarations[role])
        names = np.array([f"{place:012d}" for place in rng.permutation(len(tokens))], dtype=object)
        names[tokens == ""] = ""
        columns[role] = names[codes]
    return declarations.assign(**columns)


def _mean_of(found: Sequence[Sequence[Found]], measure: str) -> np.ndarray:
    """A measure's mean over the runs, at each rate."""
    return np.mean([[getattr(at_rate, measure) for at_rate in run] for run in found], axis=0)


def _at_random(parts: Encoded, scores: np.ndarray, rate: float) -> float:
    """Precision among the declarations that were inspected at random."""
    chosen = parts.test_at_random
    if not chosen.any():
        return float("nan")
    return found_by(scores[chosen], parts.test_fraud[chosen], parts.test_values.loc[chosen], rate).precision


def _by_importers(parts: Encoded, keyed: Sequence[np.ndarray], seed: int) -> np.ndarray:
    """Precision for each draw of importers at each rate, mean over the keys. All detectors of a data set have the same draws."""
    importers = parts.test_features.declarations["importer_id"]
    weights = resamples(importers, RESAMPLES, derive_rng(seed, _ASSET, purpose="importers"))
    ranked = [Ranked(scores) for scores in keyed]
    return np.array(
        [
            np.mean([of.resampled_precision(parts.test_fraud, drawn, RATES) for of in ranked], axis=0)
            for drawn in weights
        ]
    )


def _of_halves(
    declarations: pd.DataFrame, detector: type[Detector], split: ChronologicalSplit, seeds: Sequence[int], seed: int
) -> tuple[list[float] | None, list[float] | None]:
    """Precision at each rate on either half of the importers, trained and tested there; None where that cannot be done."""
    try:
        both = halves(declarations, "importer_id", derive_seed(seed, _ASSET, purpose="halves"))
    except ValueError:
        return None, None
    return _of_half(both[0], detector, split, seeds), _of_half(both[1], detector, split, seeds)


def _of_half(
    half: pd.DataFrame, detector: type[Detector], split: ChronologicalSplit, seeds: Sequence[int]
) -> list[float] | None:
    train, test = split.rows(half, "train"), split.rows(half, "test")
    if test.empty or train["fraud"].nunique() < 2:
        return None
    parts = encoded(half, half, split, "half of the source")
    scores = parts.scores(detector, seeds[:1])[0]
    return [parts.precision(scores, rate) for rate in RATES]
