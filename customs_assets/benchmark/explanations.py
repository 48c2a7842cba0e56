"""What a fraud detector looks at: the numbers behind figures 6 and 7 of the paper, source beside synthetic, by XGBoost.

What belongs here is the importance of attributes on either data set, how alike their orders are, and SHAP values. Drawing them is
the report's work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import build_detector, train_detector
from customs_assets.benchmark.features import FEATURES, FeatureEncoder, fraud_labels
from customs_assets.benchmark.split import ChronologicalSplit

# Decisions whose SHAP values are averaged for the summary.
_EXPLAINED = 1000


@dataclass(frozen=True)
class Importance:
    """Figure 6: how much XGBoost owes to each attribute, by number of splits (the library's ``weight``).

    Attributes:
        source: share of all splits by attribute, trained on the source.
        synthetic: the same, trained on the synthetic declarations.
        rank_correlation: Spearman's, of the two orders; NaN where one of them has no order.
    """

    source: dict[str, float]
    synthetic: dict[str, float]
    rank_correlation: float


@dataclass(frozen=True)
class Explanation:
    """Figure 7: why XGBoost decided as it did, in log-odds.

    Attributes:
        base_value: the average output of the model, E[f(x)].
        output: the output for the declaration explained, f(x): the base value plus all contributions.
        values: the declaration's attributes, as text. It is a synthetic one: no real declaration is shown.
        contributions: SHAP value by attribute, for this declaration.
        summary: mean absolute SHAP value by attribute over many test declarations.
    """

    base_value: float
    output: float
    values: dict[str, str]
    contributions: dict[str, float]
    summary: dict[str, float]


def importance(source: pd.DataFrame, synthetic: pd.DataFrame, split: ChronologicalSplit, seed: int = 0) -> Importance:
    """Train XGBoost on the training months of either data set and compare what it uses.

    Args:
        source: anonymized declarations of all the split's months.
        synthetic: synthetic declarations of the same.
        split: which months train.
        seed: given to the library.
    """
    shares = []
    for rows in (source, synthetic):
        model, _ = _trained(split.rows(rows, "train"), seed)
        counts = model.get_booster().get_score(importance_type="weight")  # pyright: ignore[reportAttributeAccessIssue]
        splits = np.array([counts.get(f"f{number}", 0.0) for number in range(len(FEATURES))])
        shares.append(dict(zip(FEATURES, (splits / max(splits.sum(), 1.0)).tolist(), strict=True)))
    ranks = [pd.Series(each).rank() for each in shares]
    return Importance(shares[0], shares[1], float(ranks[0].corr(ranks[1])))


def explain(synthetic: pd.DataFrame, split: ChronologicalSplit, seed: int = 0) -> Explanation:
    """Explain XGBoost, trained on the synthetic training months, on the synthetic test months.

    The declaration shown is the one that the model is surest is fraud.

    Args:
        synthetic: synthetic declarations of all the split's months.
        split: which months train and test.
        seed: given to the library.
    """
    import shap

    model, encoder = _trained(split.rows(synthetic, "train"), seed)
    test = split.rows(synthetic, "test").reset_index(drop=True).head(_EXPLAINED)
    explainer = shap.TreeExplainer(model)
    values = np.asarray(explainer.shap_values(encoder.transform(test)), dtype=np.float64)
    base = float(np.atleast_1d(explainer.expected_value)[0])
    surest = int(values.sum(axis=1).argmax())
    row = test.iloc[surest]
    return Explanation(
        base_value=base,
        output=base + float(values[surest].sum()),
        values={name: str(row[name]) for name in FEATURES},
        contributions=dict(zip(FEATURES, values[surest].tolist(), strict=True)),
        summary=dict(zip(FEATURES, np.abs(values).mean(axis=0).tolist(), strict=True)),
    )


def _trained(train: pd.DataFrame, seed: int):
    encoder = FeatureEncoder.fit(train)
    return train_detector(build_detector("xgboost", seed), encoder.transform(train), fraud_labels(train)), encoder
