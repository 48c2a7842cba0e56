"""Would a detector that was developed on the synthetic declarations find the real frauds?

Train on the synthetic months of the split, test on the source's later ones, beside the same trained on the source. What belongs
here is that one comparison, with enough boosted trees to learn what there is; Table 3's detectors are in ``precision``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from customs_assets.benchmark.detectors import NothingToLearn, fraud_scores, train_detector
from customs_assets.benchmark.features import FeatureEncoder, fraud_labels
from customs_assets.benchmark.precision import precision_at
from customs_assets.benchmark.split import split_months
from customs_assets.boosted_trees import boosted_trees

TREES = 1000
INSPECTION_RATE = 0.05


class Utility(NamedTuple):
    """What a detector finds on the source's test months.

    Attributes:
        from_synthetic: precision at the inspection rate when trained on the synthetic training months.
        from_source: when trained on the source's.
        base_rate: share of frauds in the test months: what drawing at random finds.
    """

    from_synthetic: float
    from_source: float
    base_rate: float


def utility(synthetic: pd.DataFrame, source: pd.DataFrame, months: Sequence[str]) -> Utility:
    """Precision@5% of LightGBM (1,000 trees), synthetic to source beside source to source.

    Args:
        synthetic: synthetic declarations of all months, identities in the source's tokens.
        source: anonymized declarations of the same months.
        months: the months, split as the benchmark splits them (``split.split_months``).

    Raises:
        NothingToLearn: a part of the split has no rows, or the training part one class only.
    """
    split = split_months(months)
    test = split.rows(source, "test")
    trained_on = {"synthetic": split.rows(synthetic, "train"), "source": split.rows(source, "train")}
    for name, part in {**trained_on, "test": test}.items():
        if part.empty:
            raise NothingToLearn(f"the {name} part has no rows; make its months first ({split.note})")
    from_synthetic, from_source = (precision_from(part, test) for part in trained_on.values())
    return Utility(from_synthetic, from_source, float(fraud_labels(test).mean()))


def precision_from(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Precision@5% on ``test`` of LightGBM (1,000 trees) trained on ``train``.

    Raises:
        NothingToLearn: the training part has one class only.
    """
    encoder = FeatureEncoder.fit(train)
    trained = train_detector(boosted_trees(n_estimators=TREES), encoder.transform(train), fraud_labels(train))
    return precision_at(fraud_scores(trained, encoder.transform(test)), fraud_labels(test), INSPECTION_RATE)
