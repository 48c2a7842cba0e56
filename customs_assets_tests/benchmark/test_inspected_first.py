"""What an inspection finds, by hand: frauds, the duty in them, and how it varies with the importers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.inspection import (
    Ranked,
    found_by,
    inspected_at_random,
    resamples,
    values_at_stake,
)
from customs_assets.benchmark.precision import precision_at


def _values(prices: list[float], rates: list[float], **more: list) -> pd.DataFrame:
    return values_at_stake(pd.DataFrame({"item_price": prices, "tax_rate": rates, **more}))


def test_recall_counts_frauds_and_the_duty_that_is_at_stake_in_them() -> None:
    scores, fraud = np.array([4.0, 3.0, -2.0, 1.0]), np.array([1, 0, 1, 1])
    values = _values([100.0, 900.0, 1000.0, 50.0], [8.0, 8.0, 10.0, 0.0])
    assert values["duty"].tolist() == [8.0, 72.0, 100.0, 0.0]

    found = found_by(scores, fraud, values, 0.5)

    # Inspected are the first two: one of three frauds, and 8 of the 108 at stake in frauds.
    assert (found.precision, found.recall) == (0.5, pytest.approx(1 / 3))
    assert found.duty_recall == pytest.approx(8 / 108)
    assert np.isnan(found.recovered_recall)


def test_revenue_that_was_recovered_is_counted_where_the_source_says_it() -> None:
    values = _values([1.0, 1.0, 1.0], [0.0, 0.0, 0.0], amount_recovered=[30.0, None, 70.0])

    found = found_by(np.array([0.9, 0.5, 0.1]), np.array([1, 0, 1]), values, 0.34)

    assert found.recovered_recall == pytest.approx(0.3)
    assert np.isnan(found.duty_recall), "no duty is at stake"


def test_equal_scores_share_their_places_as_precision_has_it() -> None:
    rng = np.random.default_rng(1)
    scores, fraud = rng.integers(5, size=300) / 5, rng.integers(2, size=300)
    values = _values([1.0] * 300, [100.0] * 300)

    for rate in (0.01, 0.05, 0.1, 0.33):
        found = found_by(scores, fraud, values, rate)
        assert found.precision == pytest.approx(precision_at(scores, fraud, rate))
        assert found.recall == pytest.approx(found.duty_recall)


def test_one_draw_of_every_importer_is_the_measure_itself_and_a_doubled_importer_counts_twice() -> None:
    scores, fraud = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0])
    ranked = Ranked(scores)

    once = ranked.resampled_precision(fraud, np.ones(4), [0.25, 0.5, 0.75])
    assert once.tolist() == pytest.approx([1.0, 0.5, 2 / 3])
    # Two of the second, none of the first: the first half of four is the two that are no fraud.
    assert ranked.resampled_precision(fraud, np.array([0, 2, 1, 1]), [0.5]).tolist() == [0.0]
    assert np.isnan(ranked.resampled_precision(fraud, np.zeros(4), [0.5])).all()


def test_declarations_of_an_importer_are_drawn_together() -> None:
    drawn = resamples(pd.Series(["a", "b", "a", "c"]), 500, np.random.default_rng(0))

    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all(), "as many importers as there are"
    assert drawn[:, 1].var() == pytest.approx(3 * 1 / 3 * 2 / 3, abs=0.1)


def test_the_reason_of_an_inspection_is_read_where_it_is_there() -> None:
    assert not inspected_at_random(pd.DataFrame({"fraud": [1, 0]})).any()
    reasons = pd.DataFrame({"inspection_reason": ["Random", "rule", None, "au hasard"]})
    assert inspected_at_random(reasons).tolist() == [True, False, False, True]


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"score inf in row 1 is no finite number \(1 such rows\)"):
        Ranked(np.array([0.0, np.inf]))
    with pytest.raises(ValueError, match="one each per declaration"):
        Ranked(np.zeros((2, 2)))
