"""SDMetrics' measures of distance: ours are its numbers, and what they say of a copy."""

from __future__ import annotations

import pandas as pd
import pytest

from customs_assets.declaration import NUMERICAL
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.privacy.claims import distance_claims
from customs_assets.privacy.distance_protection import baseline_protection, overfitting_protection, random_rows


def _metadata() -> dict[str, object]:
    kinds = {name: "numerical" if name in NUMERICAL else "categorical" for name in WITHOUT_IDENTITIES}
    return {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}


def _as_theirs(frame: pd.DataFrame) -> pd.DataFrame:
    """The compared columns; dates as days, since the library takes numbers and dates alike."""
    rows = compared_columns(frame, "frame", WITHOUT_IDENTITIES).reset_index(drop=True)
    return rows.assign(date=(pd.to_datetime(rows["date"]) - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1))


def test_both_scores_are_sdmetrics_own(world, monkeypatch: pytest.MonkeyPatch):
    from sdmetrics.single_table import DCRBaselineProtection, DCROverfittingProtection

    training, control, synthetic = (
        frame.sample(250, random_state=3).reset_index(drop=True)
        for frame in (world.training, world.control, world.fresh)
    )
    # A synthetic amount beyond the range of training counts as one whole column, and no more.
    synthetic.loc[:20, "item_price"] *= 1000
    noise = random_rows(training, 250, seed=2020)
    monkeypatch.setattr(DCRBaselineProtection, "_generate_random_data", lambda *_: _as_theirs(noise))
    theirs = DCRBaselineProtection.compute_breakdown(
        _as_theirs(training), _as_theirs(synthetic), {"tables": {"rows": _metadata()}}, "rows"
    )
    ours, columns = baseline_protection(synthetic, training), len(WITHOUT_IDENTITIES)
    medians = theirs["median_DCR_to_real_data"]
    assert ours.score == pytest.approx(theirs["score"], abs=1e-9)
    assert ours.synthetic_median / columns == pytest.approx(medians["synthetic_data"], abs=1e-9)
    assert ours.random_median / columns == pytest.approx(medians["random_data_baseline"], abs=1e-9)
    told = DCROverfittingProtection.compute_breakdown(
        _as_theirs(training), _as_theirs(synthetic), _as_theirs(control), {"tables": {"rows": _metadata()}}, "rows"
    )
    nearer = overfitting_protection(synthetic, training, control)
    assert nearer.score == pytest.approx(told["score"], abs=1e-9)
    assert nearer.nearer_to_training == pytest.approx(told["synthetic_data_percentages"]["closer_to_training"])


def test_a_copy_has_no_protection_and_the_claims_judge_nothing(world):
    assert baseline_protection(world.training, world.training).score == 0.0
    assert overfitting_protection(world.training, world.training, world.control).score < 0.05
    assert overfitting_protection(world.fresh, world.training, world.control).score > 0.9
    for claim in distance_claims(world.fresh, world.training, world.control):
        assert (claim.at_least, claim.at_most, claim.limit, claim.holds) == (None, None, None, None)
        assert "informs only" in claim.note and "Yao" in claim.note


def test_random_rows_lie_within_the_ranges_of_their_source(world):
    drawn = random_rows(world.training, 500)
    assert set(drawn["office_id"]) <= set(world.training["office_id"])
    assert drawn["net_mass"].between(world.training["net_mass"].min(), world.training["net_mass"].max()).all()
    assert pd.to_datetime(drawn["date"]).between(world.training["date"].min(), world.training["date"].max()).all()
    assert drawn.equals(random_rows(world.training, 500)) and not drawn.equals(random_rows(world.training, 500, 7))
