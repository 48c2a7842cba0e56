"""Difficulty: labels that are drawn are as hard to find as the source's, for shallow detectors and for deep ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import FORM_CODES, IDENTITIES
from customs_assets.disclosure.parts import FOLD, FOLDS
from customs_assets.synthesis.boosted_trees import parameters, scores
from customs_assets.synthesis.difficulty import (
    detector_table,
    found_in_drawn,
    found_in_source,
    matching_stretch,
    precision,
    spans_of,
)
from customs_assets.synthesis.fraud_propensity import FraudPropensity, draw_frauds

ROWS, PLACES = 12_000, 14


@given(st.floats(0.3, 3.8), st.floats(0.05, 0.9), st.floats(0.05, 2.0))
@settings(max_examples=60, deadline=None)
def test_the_stretch_at_which_as_much_is_found_is_found(wanted: float, base: float, rise: float):
    def found_at(stretch: float) -> float:
        return base + rise * np.log(stretch)

    stretch = matching_stretch(found_at, found_at(wanted))
    assert stretch == pytest.approx(wanted, rel=0.03)


def test_a_stretch_stays_within_its_bounds():
    assert matching_stretch(lambda _: 0.1, 0.5) == 4.0
    assert matching_stretch(lambda _: 0.9, 0.5) == 1 / 4


def test_spans_follow_one_another_and_no_day_is_in_two():
    rng = np.random.default_rng(0)
    dates = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, 3000), unit="D"))
    spans = spans_of(dates)
    assert sorted(set(spans)) == [0, 1, 2]
    assert (dates.groupby(spans).max().iloc[:-1].to_numpy() < dates.groupby(spans).min().iloc[1:].to_numpy()).all()
    assert np.bincount(spans).min() > 800
    assert set(spans_of(pd.Series([pd.Timestamp("2020-01-01")] * 5))) == {2}, "one day is in one span"


def test_a_share_of_the_best_scores_is_counted_at_five_and_at_ten_per_cent():
    fraud = np.zeros(200)
    fraud[:10] = 1
    # All of the first twentieth are frauds, and half of the first tenth.
    assert precision(-np.arange(200.0), fraud) == pytest.approx((1.0 + 0.5) / 2)


def _world(seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Declarations whose fraud hangs on origin and departure together, on neither alone, and beside it on the price."""
    rng = np.random.default_rng(seed)
    origin, departure = rng.integers(0, PLACES, ROWS), rng.integers(0, PLACES, ROWS)
    residual = rng.normal(0, 1, ROWS)
    pair = np.where(np.random.default_rng(7).random((PLACES, PLACES)) < 0.12, 2.6, -0.5)
    odds = -2.0 + pair[origin, departure] - 0.8 * residual
    rows = pd.DataFrame({name: "1" for name in (*FORM_CODES, "tax_type", "price_given")}, index=range(ROWS)).assign(
        hs10_code="6101100000",
        country_of_origin=[f"A{place:02d}" for place in origin],
        country_of_departure=[f"A{place:02d}" for place in departure],
        tax_rate=8.0,
        net_mass=np.exp(rng.normal(3, 1, ROWS)),
        residual=residual,
        item_price=np.exp(residual + rng.normal(4, 0.1, ROWS)),
        seller_id_named="yes",
        courier_id_named="yes",
        date=pd.Timestamp("2020-03-02") + pd.to_timedelta(rng.integers(0, 60, ROWS), unit="D"),
        fraud=(rng.random(ROWS) < 1 / (1 + np.exp(-odds))).astype(int),
    )
    rows["critical_fraud"] = rows["fraud"]
    importers = rng.integers(0, 800, ROWS)
    rows[FOLD] = rng.integers(0, FOLDS, 800)[importers]
    parties = pd.DataFrame({role: importers.astype(str) for role in IDENTITIES})
    return rows, parties, importers


def _finds(table: np.ndarray, labels: np.ndarray, spans: np.ndarray, leaves: int, trees: int) -> float:
    """What trees of one depth find on the days of each span, trained on the others."""
    import lightgbm

    found = []
    for span in range(3):
        train = lightgbm.Dataset(table[spans != span], labels[spans != span])
        model = lightgbm.train(parameters(1, 20, num_leaves=leaves), train, num_boost_round=trees)
        found.append(precision(scores(model, table[spans == span]), labels[spans == span]))
    return float(np.mean(found))


def test_deep_detectors_keep_their_lead_and_find_as_much_as_in_the_source():
    rows, _, importers = _world()
    fitted = FraudPropensity.fit(rows, importers, codes=["610110"], min_group=5, root=1)
    table, spans = detector_table(rows, None), spans_of(rows["date"])
    fraud = rows["fraud"].to_numpy()
    drawn = [draw_frauds(fitted.rates_of(rows), np.random.default_rng(seed)).astype(int) for seed in range(4)]

    def both(leaves: int, trees: int) -> tuple[float, float]:
        return _finds(table, fraud, spans, leaves, trees), float(
            np.mean([_finds(table, labels, spans, leaves, trees) for labels in drawn])
        )

    shallow, deep = both(2, 30), both(31, 100)
    assert deep[0] - shallow[0] > 0.1, "in the source the deep one leads"
    assert deep[1] - shallow[1] > 0.5 * (deep[0] - shallow[0])
    assert deep[1] == pytest.approx(deep[0], abs=0.05)


def test_what_is_found_in_drawn_labels_is_measured_by_their_rates():
    rows, parties, _ = _world()
    table, spans, fraud = detector_table(rows, parties), spans_of(rows["date"]), rows["fraud"].to_numpy()
    assert table.shape == (ROWS, 18)
    in_source = found_in_source(table, fraud, spans, 1)
    assert in_source > fraud.mean() + 0.15
    level = np.full(ROWS, fraud.mean())
    by_chance = draw_frauds(level, np.random.default_rng(0)).astype(int)
    # Where all rates are alike, whatever is picked is fraud at that rate, and exactly so, for labels play no part.
    assert found_in_drawn(table, by_chance, level, spans, 1) == pytest.approx(fraud.mean())
