"""The codec's encodings: what is decoded again is what was encoded, as far as the k rule lets it be shown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import LABEL_PAIRS, TARIFF_TUPLE
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.synthesis.encodings.calendar import CalendarEncoding
from customs_assets.synthesis.encodings.categorical import RARE, CategoricalEncoding
from customs_assets.synthesis.encodings.label import LabelEncoding
from customs_assets.synthesis.encodings.mass import MassEncoding
from customs_assets.synthesis.encodings.price import PriceEncoding
from customs_assets.synthesis.encodings.tariff import PARTS, TariffEncoding

K = 3

CODES = st.lists(st.sampled_from(["11", "12", "43", "87", "94"]), min_size=1, max_size=60)
MASSES = st.lists(
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, 10.0]), st.floats(0.001, 1e6).map(lambda mass: round(mass, 3))),
    min_size=1,
    max_size=80,
)


def _importers(count: int, distinct: int = 7) -> pd.Series:
    return pd.Series([f"I{n % distinct}" for n in range(count)])


@given(CODES, st.integers(0, 2**32))
def test_common_codes_come_back_and_rare_ones_come_back_rare(codes: list[str], seed: int):
    values, importers = pd.Series(codes), _importers(len(codes))
    encoding = CategoricalEncoding.fit(values, importers, K)
    encoded = encoding.encode(values)
    decoded = encoding.decode(encoded, np.random.default_rng(seed))
    rests_on = importers.groupby(values).nunique()
    for before, shown, after in zip(values, encoded, decoded, strict=True):
        if rests_on[before] >= K:
            assert (shown, after) == (before, before)
        else:
            assert shown == RARE
            assert rests_on[after] < K


@given(st.integers(0, 600), st.data())
def test_every_day_of_a_month_comes_back(month: int, data: st.DataObject):
    start = pd.Timestamp("2020-01-01") + pd.DateOffset(months=month)
    days = data.draw(st.lists(st.integers(0, start.days_in_month - 1), min_size=1, max_size=40))
    dates = pd.Series(start + pd.to_timedelta(days, unit="D")).astype("datetime64[ns]")
    encoding = CalendarEncoding.fit(dates)
    pd.testing.assert_series_equal(encoding.decode(encoding.encode(dates)), dates, check_names=False)


def test_a_fifth_week_without_that_weekday_is_the_fourth():
    encoding = CalendarEncoding.fit(pd.Series(pd.to_datetime(["2021-02-01"])))
    decoded = encoding.decode(pd.DataFrame({"week": ["5"], "weekday": ["Wed"]}))
    assert decoded[0] == pd.Timestamp("2021-02-24")


def test_dates_of_two_months_are_refused():
    with pytest.raises(ValueError, match="2 months instead of one"):
        CalendarEncoding.fit(pd.Series(pd.to_datetime(["2020-01-31", "2020-02-01"])))


@given(st.lists(st.sampled_from(sorted(LABEL_PAIRS.values())), min_size=1, max_size=30))
def test_labels_come_back(pairs: list[tuple[int, int]]):
    labels = pd.DataFrame(pairs, columns=["fraud", "critical_fraud"]).astype("int8")
    encoding = LabelEncoding.fit(labels)
    pd.testing.assert_frame_equal(encoding.decode(encoding.encode(labels)), labels)


def test_contradicting_labels_are_refused():
    with pytest.raises(ValueError, match="must be one of"):
        LabelEncoding.fit(pd.DataFrame({"fraud": [0], "critical_fraud": [2]}))


@given(MASSES, st.integers(0, 2**32))
@settings(deadline=None)
def test_heaps_come_back_exactly_and_other_masses_within_their_band(values: list[float], seed: int):
    masses, importers = pd.Series(values), _importers(len(values))
    encoding = MassEncoding.fit(masses, importers, K)
    if not len(encoding.bands.lows) and not len(encoding.bands.heaps):
        with pytest.raises(TooFewImporters):
            encoding.decode(encoding.encode(masses), np.random.default_rng(seed))
        return
    decoded = encoding.decode(encoding.encode(masses), np.random.default_rng(seed))
    rests_on = importers.groupby(masses).nunique()
    for before, after in zip(masses, decoded, strict=True):
        if rests_on[before] >= K:
            assert after == before
        elif len(encoding.bands.lows):
            band = min(int(np.searchsorted(encoding.bands.largest, before)), len(encoding.bands.largest) - 1)
            low, high = encoding.bands.lows[band], encoding.bands.highs[band]
            assert low * 0.94 - 0.1 <= after <= high * 1.06 + 0.1
        else:
            assert after in encoding.bands.heaps


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e9), st.sampled_from(["0901210000", "847130"])), min_size=1))
@settings(deadline=None)
def test_prices_come_back_and_a_price_of_zero_stays_zero(rows: list[tuple[float, float, str]]):
    declarations = pd.DataFrame(rows, columns=["net_mass", "item_price", "hs10_code"]).round(1)
    declarations["importer_id"] = _importers(len(rows))
    unit_prices = pd.DataFrame({"category": ["", "0901210000", "847130"], "unit_price": [7.0, 4000.0, 90000.0]})
    encoding = PriceEncoding.fit(declarations, unit_prices, K)
    decoded = encoding.decode(encoding.encode(declarations), declarations)
    np.testing.assert_allclose(decoded, declarations["item_price"], rtol=1e-9, atol=0.051)
    assert (decoded[declarations["item_price"] == 0] == 0).all()


def test_the_papers_form_is_mass_times_unit_price():
    declarations = pd.DataFrame(
        {"net_mass": [2.0, 0.0], "item_price": [1.0, 1e9], "hs10_code": ["847130"] * 2, "importer_id": ["A", "B"]}
    )
    unit_prices = pd.DataFrame({"category": ["", "847130"], "unit_price": [7.0, 90000.0], "importers": K})
    encoding = PriceEncoding.fit(declarations, unit_prices, K, "unit_price")
    assert encoding.decode(encoding.encode(declarations), declarations).tolist() == [180000.0, 90000.0]
    other = PriceEncoding.fit(declarations.assign(hs10_code="010121"), unit_prices, K, "unit_price")
    assert other.decode(other.encode(declarations), declarations.assign(hs10_code="010121")).tolist() == [14.0, 7.0]
    with pytest.raises(ValueError, match="no unit price"):
        PriceEncoding.fit(declarations, unit_prices[unit_prices["category"] != ""], K)


def _declarations(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "hs10_code": rng.choice(["0901210000", "0902300000", "8471300000"], count),
            "country_of_departure": rng.choice(["CN", "JP", "US"], count),
            "country_of_origin": rng.choice(["CN", "JP", "US"], count),
            "tax_rate": rng.choice([0.0, 6.5, 8.0], count),
            "tax_type": rng.choice(["A", "C", "FCN1"], count),
            "importer_id": rng.choice([f"I{n}" for n in range(9)], count),
        }
    )


@given(st.integers(1, 80), st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_tuples_come_back_lawful_and_with_their_parts(count: int, seed: int):
    declarations = _declarations(count, seed)
    encoding = TariffEncoding.fit(declarations, K)
    encoded = encoding.encode(declarations)
    decoded = encoding.decode(encoded, np.random.default_rng(seed))
    lawful = set(map(tuple, declarations[list(TARIFF_TUPLE)].to_numpy()))
    assert set(map(tuple, decoded[list(TARIFF_TUPLE)].to_numpy())) <= lawful
    pd.testing.assert_frame_equal(encoding.encode(decoded), encoded)


def test_a_draft_that_no_tuple_has_still_becomes_a_lawful_one_of_its_section():
    declarations = _declarations(60, 1)
    encoding = TariffEncoding.fit(declarations, K)
    draft = pd.DataFrame([("16", "US", "no", "none", "9")] * 20, columns=list(PARTS))
    decoded = encoding.decode(draft, np.random.default_rng(0))
    lawful = set(map(tuple, declarations[list(TARIFF_TUPLE)].to_numpy()))
    assert set(map(tuple, decoded[list(TARIFF_TUPLE)].to_numpy())) <= lawful
    assert (decoded["hs10_code"] == "8471300000").all()


def test_the_papers_form_is_refused_where_a_unit_price_rests_on_too_few_importers():
    declarations = pd.DataFrame({"net_mass": [2.0], "item_price": [1.0], "hs10_code": ["847130"], "importer_id": ["A"]})
    unit_prices = pd.DataFrame({"category": ["", "847130"], "unit_price": [7.0, 90000.0], "importers": [K, K - 1]})
    with pytest.raises(TooFewImporters, match="the unit price of a product code"):
        PriceEncoding.fit(declarations, unit_prices, K, "unit_price")
