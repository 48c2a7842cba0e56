"""A classifier told to tell two tables apart, and the tables that its answer is read by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.fidelity.detection import auc, classifier_features, detection
from customs_assets.fidelity.references import equal_in_size, halves, in_control, independent_columns


def test_auc_by_hand():
    positive = np.array([True, True, False, False])
    assert auc(np.array([4.0, 3.0, 2.0, 1.0]), positive) == 1.0
    assert auc(np.array([1.0, 2.0, 3.0, 4.0]), positive) == 0.0
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert auc(np.array([4.0, 2.0, 3.0, 1.0]), positive) == 0.75


def test_halves_of_one_table_cannot_be_told_apart_and_a_shifted_one_can(random_declarations):
    world = random_declarations(1500, seed=8).dropna()
    first, second = halves(world)
    fair = detection(first, second)
    assert fair.auc == pytest.approx(0.5, abs=5 * fair.standard_error)
    heavier = second.assign(net_mass=second["net_mass"] * 100)
    found = detection(heavier, first)
    assert found.auc > 0.85
    assert next(iter(found.importance)) in ("net_mass", "item_price")
    assert found == detection(heavier, first)


def test_a_broken_relation_gives_rows_away_where_every_column_is_right(declarations):
    rng = np.random.default_rng(1)
    origin = rng.choice(["CN", "DE", "US", "VN"], 800)
    source = declarations(rows=800, country_of_origin=origin, country_of_departure=origin)
    shuffled = source.assign(country_of_origin=rng.permutation(origin))
    assert detection(shuffled, source).auc > 0.75


def test_rows_in_any_order_and_neither_key_nor_identities_say_anything(declarations):
    first = declarations(rows=60, importer_id=["A"] * 60, seller_id=["A"] * 60)
    second = declarations(rows=60, importer_id=["B"] * 60, seller_id=["B"] * 60)
    assert detection(first, second).auc == 0.5
    assert set(classifier_features(first)) >= {"day", "day_of_month", "weekday", "hs6_code", "critical_fraud"}
    assert not {"importer_id", "declaration_id"} & set(classifier_features(first))


def test_too_few_rows_are_refused(declarations):
    with pytest.raises(ValueError, match="the source frame has 2 rows"):
        detection(declarations(rows=10), declarations(rows=2))


def test_the_control_half_is_the_same_in_any_order_and_keeps_importers_whole():
    importers = pd.Series([f"IMP{n % 400:04d}" for n in range(2000)])
    control = in_control(importers)
    assert 0.4 < control.mean() < 0.6
    assert pd.Series(control).groupby(importers).nunique().max() == 1
    shuffled = importers.sample(frac=1, random_state=1)
    assert (in_control(shuffled) == control[shuffled.index]).all()
    assert (in_control(importers, seed=1) != control).any()


def test_one_importer_cannot_be_halved(declarations):
    with pytest.raises(ValueError, match="10 rows of 1 importer_id values"):
        halves(declarations(rows=10), unit="importer_id")


def test_equal_sizes_keep_the_smaller_whole_and_draw_from_the_larger(random_declarations):
    large, small = random_declarations(300, seed=1), random_declarations(100, seed=2)
    cut, kept = equal_in_size(large, small)
    assert len(cut) == 100 and kept is small
    assert cut.index.is_monotonic_increasing and cut.index.is_unique


def test_independent_columns_keep_every_column_and_no_relation(random_declarations):
    world = random_declarations(3000, seed=5).dropna()
    world["office_id"] = world["process_type"]
    floor = independent_columns(world)
    assert list(floor.columns) == list(world.columns)
    assert floor.dtypes.equals(world.dtypes)
    assert floor["declaration_id"].is_unique
    for column in ("process_type", "hs6_code"):
        shares = pd.concat([frame[column].value_counts(normalize=True) for frame in (world, floor)], axis=1).fillna(0)
        assert (shares.iloc[:, 0] - shares.iloc[:, 1]).abs().max() < 0.05
    assert (floor["office_id"] != floor["process_type"]).mean() > 0.3
    assert ((floor["critical_fraud"] > 0) == (floor["fraud"] == 1)).all(), "the labels are drawn as one"


def test_independent_columns_take_ten_digit_codes(declarations):
    tens = declarations(rows=20).rename(columns={"hs6_code": "hs10_code"}).assign(hs10_code="0901210000")
    assert set(independent_columns(tens)["hs6_code"]) == {"090121"}
