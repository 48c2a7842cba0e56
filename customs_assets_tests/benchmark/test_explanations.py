"""Figures 6 and 7: what XGBoost looks at is what the frauds hang on, and its decision is the sum of what is shown."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.benchmark.detectors import build_detector, train_detector
from customs_assets.benchmark.explanations import explain, importance
from customs_assets.benchmark.features import FEATURES, FeatureEncoder, fraud_labels
from customs_assets.benchmark.split import split_months

SPLIT = split_months([f"2020-0{month}" for month in range(1, 7)])

# What the frauds of these declarations hang on; the price follows the mass.
REASONS = {"hs6_code", "country_of_origin", "country_of_departure", "net_mass", "item_price"}


def test_importance_is_a_share_of_splits_and_the_same_table_has_the_same_order(declarations):
    found = importance(declarations, declarations, SPLIT)
    assert found.source == found.synthetic
    assert sum(found.source.values()) == pytest.approx(1.0)
    assert set(found.source) == set(FEATURES)
    assert found.rank_correlation == pytest.approx(1.0)
    assert max(found.source, key=found.source.__getitem__) in REASONS


def test_a_table_without_the_rule_has_another_order(declarations):
    shuffled = declarations.assign(fraud=np.random.default_rng(0).permutation(declarations["fraud"]))
    found = importance(declarations, shuffled, SPLIT)
    weight = {name: sum(shares[reason] for reason in REASONS) for name, shares in _sides(found)}
    assert weight["synthetic"] < weight["source"] - 0.2
    assert found.rank_correlation < 0.95


def _sides(found):
    return (("source", found.source), ("synthetic", found.synthetic))


@pytest.fixture(scope="module")
def synthetic(declarations):
    """The declarations as a release has them."""
    return declarations.rename(columns={"hs10_code": "hs6_code"}).assign(hs6_code=declarations["hs10_code"].str[:6])


def test_contributions_add_up_to_the_models_own_output_for_the_declaration_shown(synthetic):
    found = explain(synthetic, SPLIT)
    assert found.output == pytest.approx(found.base_value + sum(found.contributions.values()))
    train, test = (SPLIT.rows(synthetic, part) for part in ("train", "test"))
    encoder = FeatureEncoder.fit(train)
    model = train_detector(build_detector("xgboost", 0), encoder.transform(train), fraud_labels(train))
    margins = model.predict(encoder.transform(test), output_margin=True)  # pyright: ignore[reportAttributeAccessIssue]
    assert found.output == pytest.approx(margins.max(), abs=1e-3)
    shown = test.iloc[int(margins.argmax())]
    assert found.values == {name: str(shown[name]) for name in FEATURES}
    assert shown["fraud"] == 1


def test_the_summary_puts_the_reasons_first(synthetic):
    summary = explain(synthetic, SPLIT).summary
    assert min(summary.values()) >= 0
    assert set(sorted(summary, key=summary.__getitem__)[-2:]) <= REASONS
