"""Would a detector that was developed on the synthetic declarations find the real frauds?

Train on the synthetic months of the split, test on the source's later ones, beside the same trained on the source. What belongs
here is that one comparison, with a forest large enough to learn what there is; Table 3's detectors at their defaults are in
``precision``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.benchmark.features import FeatureEncoder, fraud_labels
from customs_assets.benchmark.precision import precision_at
from customs_assets.benchmark.split import split_months

TREES = 1000
INSPECTION_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Utility:
    """What a detector finds on the source's test months.

    Attributes:
        from_synthetic: precision at the inspection rate when trained on the synthetic training months.
        from_source: when trained on the source's.
        base_rate: share of frauds in the test months: what drawing at random finds.
        test_rows: declarations in the test months.
        split: which months trained and tested, in words.
    """

    from_synthetic: float
    from_source: float
    base_rate: float
    test_rows: int
    split: str


def utility(
    synthetic: pd.DataFrame, source: pd.DataFrame, months: Sequence[str], inspection_rate: float = INSPECTION_RATE
) -> Utility:
    """Precision at an inspection rate of LightGBM (1,000 trees), synthetic to source beside source to source.

    Args:
        synthetic: synthetic declarations of all months, identities in the source's token space.
        source: anonymized declarations of the same months.
        months: the months, split as the benchmark splits them (``split.split_months``).
        inspection_rate: share of the test declarations that is inspected.

    Raises:
        ValueError: a part of the split has no rows, or the training part one class only.
    """
    split = split_months(months)
    test = split.rows(source, "test")
    trained = {"synthetic": split.rows(synthetic, "train"), "source": split.rows(source, "train")}
    for name, part in {**trained, "test": test}.items():
        if part.empty:
            raise ValueError(f"the {name} part has no rows; make its months first ({split.note})")
    precisions = {name: precision_from(part, test, inspection_rate) for name, part in trained.items()}
    return Utility(
        precisions["synthetic"], precisions["source"], float(fraud_labels(test).mean()), len(test), split.note
    )


def precision_from(train: pd.DataFrame, test: pd.DataFrame, inspection_rate: float = INSPECTION_RATE) -> float:
    """Precision on ``test`` of LightGBM (1,000 trees) trained on ``train``.

    Raises:
        ValueError: the training part has one class only.
    """
    from lightgbm import LGBMClassifier

    fraud = fraud_labels(train)
    if np.unique(fraud).size != 2:
        raise ValueError(f"a detector needs frauds and others to learn from, but all {len(fraud)} rows are of one kind")
    encoder = FeatureEncoder.fit(train)
    forest = LGBMClassifier(n_estimators=TREES, n_jobs=1, deterministic=True, force_row_wise=True, verbosity=-1)
    forest.fit(encoder.transform(train), fraud)
    scores = np.asarray(forest.predict_proba(encoder.transform(test)))[:, 1]
    return precision_at(scores, fraud_labels(test), inspection_rate)
