"""The scores of finished rows, as a release has them, and of decoded drafts where a score needs whole declarations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from customs_assets.benchmark.utility import precision_from
from customs_assets.declaration import BY_NAME, HS6, IDENTITIES, Kind
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.fidelity.detection import classifier_features, detection
from customs_assets.fidelity.table_two import fidelity
from customs_assets.law.law import Law
from customs_assets.league.draft_scores import auc_of_regression
from customs_assets.privacy.counts import copied_goods
from customs_assets.privacy.records import as_records, nearest

# A detector is trained on the synthetic declarations up to this day of the month, and tested on the source's of later days.
LAST_DAY_OF_TRAINING = 21

# The features of the classifier that are numbers; all others are codes.
_NUMBERS = {"day", "day_of_month"} | {name for name in WITHOUT_IDENTITIES if BY_NAME.get(name, HS6).kind is Kind.NUMBER}


def polished_scores(source: pd.DataFrame, synthetic: pd.DataFrame, law: Law, min_group: int) -> dict[str, float]:
    """Scores of a synthetic month beside the month that it was made from.

    Returns:
        The eight scores of Table 2 by their names; ``auc_trees`` and ``auc_logistic`` of telling the two apart; ``lawful``;
        ``precision`` (:func:`precision`); ``distance`` and ``source_distance``: the median distance to the nearest source row of
        the synthetic rows, and of the source's own to others, in columns; ``copied_goods``: rows that are a source row in
        everything but key, date and identities.
    """
    table_two = {score.metric: score.score for score in fidelity(source, synthetic)}
    rows, reference = as_records([synthetic, source], WITHOUT_IDENTITIES)
    features = classifier_features(synthetic, source)
    is_synthetic = np.arange(len(features)) < len(synthetic)
    return {
        **table_two,
        "auc_trees": detection(synthetic, source).auc,
        "auc_logistic": auc_of_regression(_as_numbers(features), is_synthetic),
        "lawful": lawful(synthetic, law),
        "precision": precision(synthetic, source),
        "distance": float(np.median(nearest(rows, reference).distances[:, 0])),
        "source_distance": float(np.median(nearest(reference, reference, min(2, reference.rows)).distances[:, -1])),
        "copied_goods": copied_goods(synthetic, source, min_group).rows,
    }


def lawful(rows: pd.DataFrame, law: Law) -> float:
    """Share of rows with a lawful tariff tuple; NaN where the law says nothing of rates."""
    return float(law.is_lawful(rows).mean()) if law.has_rates else math.nan


def precision(synthetic: pd.DataFrame, source: pd.DataFrame) -> float:
    """Precision@5% on the source's last days of a month, trained on the synthetic declarations of the days before.

    NaN where a part has no rows, or training has one class only. The models have seen the whole month, so this compares
    synthesizers and is no estimate for the future.
    """
    train = synthetic[synthetic["date"].dt.day <= LAST_DAY_OF_TRAINING]
    test = source[source["date"].dt.day > LAST_DAY_OF_TRAINING]
    if test.empty or train["fraud"].nunique() < 2:
        return math.nan
    return float(precision_from(train, test))


def without_identities(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows all of whose parties are one."""
    return rows.assign(**dict.fromkeys(IDENTITIES, "-"))


def _as_numbers(features: pd.DataFrame) -> np.ndarray:
    """A classifier's features for a regression: numbers as the share of rows that have less, codes as zeros and ones."""
    columns = []
    for name in features.columns:
        values = features[name].to_numpy()
        if name in _NUMBERS:
            ordered = np.sort(values)
            columns.append(np.searchsorted(ordered, values, "right")[:, None] / len(values))
        else:
            codes = np.unique(values, return_inverse=True)[1]
            columns.append(np.eye(int(codes.max()) + 1, dtype=np.float32)[codes])
    return np.column_stack(columns)
