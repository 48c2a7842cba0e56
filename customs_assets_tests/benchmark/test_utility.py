"""What a forest trained on synthetic months finds on the source's later ones."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.benchmark.utility import precision_from, utility

MONTHS = [f"2020-0{month}" for month in range(1, 7)]


def test_a_faithful_table_trains_as_well_as_the_source_and_shuffled_labels_train_nothing(declarations):
    faithful = utility(declarations, declarations, MONTHS)
    assert faithful.from_synthetic == faithful.from_source > 0.9
    assert faithful.base_rate == pytest.approx(declarations.loc[declarations["date"] >= "2020-06-01", "fraud"].mean())
    rng = np.random.default_rng(0)
    shuffled = declarations.assign(fraud=rng.permutation(declarations["fraud"]))
    assert utility(shuffled, declarations, MONTHS).from_synthetic < 0.6


def test_one_class_and_missing_months_are_refused(declarations):
    with pytest.raises(ValueError, match="all 2400 rows are of one kind"):
        precision_from(declarations.assign(fraud=0), declarations)
    with pytest.raises(ValueError, match="the synthetic part has no rows"):
        utility(declarations.iloc[:0], declarations, MONTHS)
