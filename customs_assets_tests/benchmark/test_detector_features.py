"""Label encoding and min-max scaling: fitted on the training part, and on nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.benchmark.features import CODED, FEATURES, SCALED, FeatureEncoder, fraud_labels


def column(matrix: np.ndarray, name: str) -> list[float]:
    return matrix[:, FEATURES.index(name)].tolist()


@pytest.fixture
def three(declarations: pd.DataFrame) -> pd.DataFrame:
    """Three declarations, alike but for what a test sets."""
    return declarations.iloc[[0, 0, 0]].reset_index(drop=True)


def test_sixteen_attributes_are_coded_and_two_scaled_and_no_label_key_or_date_is_seen() -> None:
    assert CODED == (
        "office_id",
        "process_type",
        "import_type",
        "import_use",
        "payment_type",
        "mode_of_transport",
        "declarant_id",
        "importer_id",
        "seller_id",
        "courier_id",
        "hs6_code",
        "country_of_departure",
        "country_of_origin",
        "tax_rate",
        "tax_type",
        "country_of_origin_indicator",
    )
    assert SCALED == ("net_mass", "item_price")


def test_codes_follow_the_order_of_text_and_the_empty_identity_is_a_value(three: pd.DataFrame) -> None:
    train = three.assign(seller_id=["ZZZZZZZ", "", "AAAAAAA"], payment_type=["33", "4", "11"])

    matrix = FeatureEncoder.fit(train).transform(train)

    assert column(matrix, "seller_id") == [2, 0, 1]
    assert column(matrix, "payment_type") == [1, 2, 0]


def test_tax_rates_are_coded_in_the_order_of_numbers(three: pd.DataFrame) -> None:
    train = three.assign(tax_rate=[13.0, 8.0, 6.5])

    assert column(FeatureEncoder.fit(train).transform(train), "tax_rate") == [2, 1, 0]


def test_values_that_training_did_not_hold_stand_between_their_neighbours(three: pd.DataFrame) -> None:
    train = three.assign(importer_id=["B000000", "D000000", "F000000"], tax_rate=[0.0, 8.0, 13.0])
    test = three.assign(importer_id=["A000000", "D000000", "E000000"], tax_rate=[8.0, 7.9, 20.0])

    matrix = FeatureEncoder.fit(train).transform(test)

    assert column(matrix, "importer_id") == [-0.5, 1, 1.5]
    assert column(matrix, "tax_rate") == [1, 0.5, 2.5]


def test_a_tree_does_not_take_all_new_importers_for_the_first_one(declarations: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    train = declarations.sample(600, replace=True, random_state=1).assign(
        importer_id=[f"{number:07d}" for number in rng.integers(0, 10**7, 600)]
    )
    test = train.assign(importer_id=[f"{number:07d}" for number in rng.integers(0, 10**7, 600)])
    codes = np.array(column(FeatureEncoder.fit(train).transform(test), "importer_id"))
    assert pd.Series(codes).value_counts(normalize=True).iloc[0] < 0.05
    assert abs(np.mean(codes < 300) - 0.5) < 0.1


def test_amounts_are_scaled_by_the_range_of_training_alone_and_not_clipped(three: pd.DataFrame) -> None:
    train = three.assign(net_mass=[10.0, 20.0, 30.0], item_price=[5.0, 5.0, 5.0])
    test = three.assign(net_mass=[0.0, 15.0, 70.0], item_price=[4.0, 5.0, 6.0])

    matrix = FeatureEncoder.fit(train).transform(test)

    assert column(matrix, "net_mass") == [-0.5, 0.25, 3.0]
    assert column(matrix, "item_price") == [0.0, 0.0, 0.0]


def test_six_digits_of_the_product_code_count_whatever_it_is_called(declarations: pd.DataFrame) -> None:
    source = declarations.assign(hs10_code=declarations["hs10_code"].str[:6] + "9999")
    synthetic = declarations.assign(hs6_code=declarations["hs10_code"].str[:6]).drop(columns="hs10_code")

    encoder = FeatureEncoder.fit(declarations)

    assert np.array_equal(encoder.transform(source), encoder.transform(declarations))
    assert np.array_equal(encoder.transform(synthetic), encoder.transform(declarations))


def test_a_missing_column_and_a_null_are_named(three: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no column 'courier_id'"):
        FeatureEncoder.fit(three.drop(columns="courier_id"))
    with pytest.raises(ValueError, match="no column 'hs10_code'"):
        FeatureEncoder.fit(three.drop(columns="hs10_code"))
    with pytest.raises(ValueError, match=r"row 1 has a null in net_mass \(2 such rows\)"):
        FeatureEncoder.fit(three.assign(net_mass=[1.0, np.nan, np.nan]))
    with pytest.raises(ValueError, match="without rows"):
        FeatureEncoder.fit(three.iloc[:0])


def test_an_uninspected_declaration_is_no_target(three: pd.DataFrame) -> None:
    labels = pd.array([1, 0, None], dtype="Int8")

    assert fraud_labels(three.assign(fraud=[1, 0, 1])).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="row 2 has fraud <NA>, neither 0 nor 1"):
        fraud_labels(three.assign(fraud=labels))
