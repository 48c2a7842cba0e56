"""A synthetic month made of drafts in which every column was drawn alone: what the steps after the model guarantee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import IDENTITIES, RELEASED_NAMES, RELEASED_TUPLE, consistent_labels
from customs_assets.release.files import redraw_tokens
from customs_assets.synthesis.month import IDS_A_MONTH, SyntheticMonth, declaration_ids

if TYPE_CHECKING:
    from conftest import RawMonth

MONTH, BUT_KEY_AND_DATE = "2020-03", [n for n in RELEASED_NAMES if n not in ("declaration_id", "date")]


@pytest.fixture(scope="module")
def made(raw_month: RawMonth) -> SyntheticMonth:
    return raw_month.synthesized()


@pytest.fixture(scope="module")
def source(raw_month: RawMonth) -> pd.DataFrame:
    anonymized = raw_month.anonymized()
    return anonymized.assign(hs6_code=anonymized["hs10_code"].str[:6])


def test_a_month_has_the_released_columns_and_types(made: SyntheticMonth):
    rows = made.declarations
    assert list(rows.columns) == list(RELEASED_NAMES)
    assert len(rows) == 400
    assert rows["date"].dtype == "datetime64[ns]"
    assert {str(rows[name].dtype) for name in ("fraud", "critical_fraud")} == {"int8"}
    assert {str(rows[name].dtype) for name in ("tax_rate", "net_mass", "item_price")} == {"float64"}
    assert not rows.isna().any().any()
    assert rows["hs6_code"].str.fullmatch(r"\d{6}").all()


def test_dates_lie_in_the_month_and_are_in_order(made: SyntheticMonth):
    dates = made.declarations["date"]
    assert dates.is_monotonic_increasing
    assert dates.between("2020-03-01", "2020-03-31").all()
    assert (dates == dates.dt.normalize()).all()


def test_labels_do_not_contradict_each_other(made: SyntheticMonth):
    pairs = made.declarations[["fraud", "critical_fraud"]].drop_duplicates().to_numpy().tolist()
    assert all(consistent_labels(*pair) for pair in pairs)
    assert len(pairs) == 3


def test_every_tariff_tuple_is_one_of_the_source(made: SyntheticMonth, source: pd.DataFrame):
    lawful = set(map(tuple, source[list(RELEASED_TUPLE)].to_numpy()))
    assert set(map(tuple, made.declarations[list(RELEASED_TUPLE)].to_numpy())) <= lawful
    assert (made.tuples_available, made.tuples_used) == (6, 6)


def test_codes_keep_their_leading_zeros(made: SyntheticMonth):
    assert "013" in set(made.declarations["office_id"])
    assert "090121" in set(made.declarations["hs6_code"])


def test_no_row_copies_a_source_row(made: SyntheticMonth, source: pd.DataFrame):
    pairs = made.declarations[BUT_KEY_AND_DATE].merge(source[BUT_KEY_AND_DATE].drop_duplicates(), how="inner")
    assert pairs.empty
    assert made.copies == 0


def test_an_optional_identity_is_a_source_identity_or_empty(made: SyntheticMonth, source: pd.DataFrame):
    for role in IDENTITIES:
        assert set(made.declarations[role]) <= set(source[role])
    assert (made.declarations["importer_id"] != "").all()
    assert 0 < (made.declarations["courier_id"] == "").mean() < 1


def test_numbers_keep_to_the_source_s_distribution_and_are_not_cut_at_its_least_and_largest(
    made: SyntheticMonth, source: pd.DataFrame
):
    for column in ("net_mass", "item_price"):
        least, largest = source[column].min(), source[column].max()
        assert made.declarations[column].between(least / 5, largest * 5).all()
        assert made.declarations[column].between(least, largest).mean() > 0.97
        counts = source.groupby(column)["importer_id"].nunique()
        own = counts.index[counts < 5]
        assert not set(made.declarations[column][made.declarations[column].isin([least, largest])]) & set(own)
    assert made.declarations["tax_rate"].isin(source["tax_rate"]).all()


@pytest.mark.parametrize("rows", [1, 37, 900])
def test_as_many_rows_are_made_as_were_asked_for(raw_month: RawMonth, rows: int):
    made = raw_month.synthesized(rows=rows).declarations
    assert len(made) == rows
    assert made["declaration_id"].nunique() == rows


def test_the_same_seed_makes_the_same_bytes_and_another_seed_other_ones(raw_month: RawMonth, made: SyntheticMonth):
    pd.testing.assert_frame_equal(raw_month.synthesized().declarations, made.declarations, check_exact=True)
    other = raw_month.synthesized(seed=2).declarations
    for column in ("declaration_id", "importer_id", "net_mass", "item_price"):
        assert other[column].tolist() != made.declarations[column].tolist()


def test_the_key_of_the_tokens_leaves_no_trace_in_what_is_released(raw_month: RawMonth, made: SyntheticMonth):
    other = raw_month.synthesized(key=b"another key, also of 32 bytes...").declarations
    assert not set(other["importer_id"]) & set(made.declarations["importer_id"])
    one, two = (redraw_tokens(rows, np.random.default_rng(5)) for rows in (made.declarations, other))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_price_as_unit_price_follows_from_mass_and_product_alone(raw_month: RawMonth, source: pd.DataFrame):
    rows = raw_month.synthesized(price="unit_price").declarations
    unit = raw_month.unit_prices.set_index("category")["unit_price"]
    base = rows["net_mass"].where(rows["net_mass"] > 0, 1.0) * rows["hs6_code"].map(unit)
    expected = base.clip(source["item_price"].min(), source["item_price"].max())
    priced = rows["item_price"] > 0
    assert priced.mean() > 0.8
    np.testing.assert_allclose(rows["item_price"][priced], expected[priced], atol=0.051, rtol=0)


def test_ids_have_eight_digits_and_belong_to_one_month_each():
    whole = [declaration_ids(month, IDS_A_MONTH, 2020) for month in ("2020-01", "2020-02")]
    numbers = np.concatenate(whole).astype(int)
    assert len(np.unique(numbers)) == 2 * IDS_A_MONTH
    assert (numbers.min() >= 10_000_000) and (numbers.max() <= 99_999_999)
    assert declaration_ids("2020-01", 9, 2021).tolist() != whole[0][:9].tolist()


def test_a_month_has_so_many_ids_and_thirty_years_have_their_own(raw_month: RawMonth):
    months = [f"{year}-01" for year in range(2020, 2051)]
    first, *others, after = (set(declaration_ids(month, 50, 1)) for month in months)
    assert not first & set().union(*others)
    assert after == first, "the numbers begin anew"
    with pytest.raises(ValueError, match="250001 rows were asked of 2020-03; a month has 250000"):
        raw_month.synthesized(rows=IDS_A_MONTH + 1)
