"""Which labels a partly labelled variant keeps: as many as asked for, evenly, or where an inspection would look."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.release.erased_labels import inspected, partly_labelled


@pytest.fixture
def rows() -> pd.DataFrame:
    """4,000 declarations of two goods: half of one are frauds, a twentieth of the other."""
    rng = np.random.default_rng(3)
    risky = np.arange(4000) % 2 == 0
    fraud = (rng.random(4000) < np.where(risky, 0.5, 0.05)).astype("int8")
    return pd.DataFrame(
        {
            "hs6_code": np.where(risky, "610910", "847130"),
            "country_of_origin": "CN",
            "fraud": fraud,
            "critical_fraud": fraud,
        }
    )


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("policy", ["random", "inspection"])
def test_as_many_labels_stay_as_the_rate_says(rows, rate, policy):
    assert inspected(rows, rate, policy, np.random.default_rng(1)).sum() == round(rate * 4000)


def test_a_random_share_is_like_the_whole_and_an_inspection_looks_where_fraud_was(rows):
    risky = (rows["hs6_code"] == "610910").to_numpy()
    shares = {p: risky[inspected(rows, 0.1, p, np.random.default_rng(1))].mean() for p in ("random", "inspection")}
    # Five standard errors of 400 draws; the inspection's weights are a hundred to one.
    assert shares["random"] == pytest.approx(0.5, abs=0.125)
    assert shares["inspection"] > 0.95


def test_erased_labels_are_missing_and_the_rest_is_untouched(rows):
    erased = partly_labelled(rows, 0.3, "random", 1)
    kept = erased["fraud"].notna()
    assert kept.sum() == 1200
    assert erased["critical_fraud"].isna().equals(~kept)
    assert (erased.loc[kept, "fraud"] == rows.loc[kept, "fraud"]).all()
    assert (erased.loc[kept, "critical_fraud"] == rows.loc[kept, "critical_fraud"]).all()
    pd.testing.assert_series_equal(erased["hs6_code"], rows["hs6_code"])


def test_the_same_seed_keeps_the_same_labels_and_one_label_stays_at_least(rows):
    first, again, other = (partly_labelled(rows, 0.1, "random", seed)["fraud"].notna() for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
    assert partly_labelled(rows, 1e-6, "random", 1)["fraud"].notna().sum() == 1


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_that_is_no_share_is_refused(rows, rate):
    with pytest.raises(ValueError, match="must lie above 0 and at most at 1"):
        inspected(rows, rate, "random", np.random.default_rng(1))
