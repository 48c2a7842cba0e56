"""Labels of one kind: what cannot be learned is said to be not measured, and what does not rest on it goes on."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.cells import no_rows
from customs_assets.benchmark.claims import table_three_claims, utility_claims
from customs_assets.benchmark.detectors import DETECTORS, NothingToLearn, build_detector, train_detector
from customs_assets.benchmark.precision import evaluate
from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.table_three import table_three
from customs_assets.fidelity.claims import Tables, World
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets_tests.conftest import traders

MONTHS = ["2020-01", "2020-02", "2020-03"]


@pytest.fixture(scope="module")
def one_kind() -> pd.DataFrame:
    """Declarations in which no fraud was found."""
    return traders(1, "A", rows=240, importers=30).assign(fraud=np.int8(0), critical_fraud=np.int8(0))


def test_a_cell_that_cannot_be_measured_has_no_rows_and_the_table_says_so(one_kind: pd.DataFrame):
    with pytest.raises(NothingToLearn, match="have fraud 0; a detector needs both kinds"):
        evaluate(one_kind, "xgboost", "source", split_months(MONTHS), [1])
    with pytest.raises(NothingToLearn, match="one kind"):
        train_detector(build_detector("decision_tree", 1), np.zeros((3, 2)), np.zeros(3))
    cells = pd.concat([no_rows(), no_rows()], ignore_index=True)
    assert table_three(cells).count("not run") == 4 * len(DETECTORS)
    assert {claim.holds for claim in table_three_claims(cells)} == {None}


def test_utility_is_not_measured_and_says_why(one_kind: pd.DataFrame):
    [claim] = utility_claims(Tables(one_kind, one_kind), World.WITHOUT_RELATIONS, MONTHS)
    assert math.isnan(claim.measured)
    assert claim.holds is None
    assert "one kind" in claim.note


@pytest.mark.parametrize("label", [0, 1])
def test_without_a_fraud_model_every_declaration_has_the_one_label(label: int):
    model = FraudPropensity.from_json(FraudPropensity.constant(pd.Series([label] * 5)).as_json())
    assert model.rates_of(pd.DataFrame({"net_mass": [1.0, 2.0]})).tolist() == [label, label]
    with pytest.raises(ValueError, match="2 kinds"):
        FraudPropensity.constant(pd.Series([0, 1]))
