"""Each encoding at its edges: rare values, values that nobody wrote, columns of one value, and the k rule in exact numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import TARIFF_TUPLE
from customs_assets.synthesis.encodings.calendar import WEEKDAYS, CalendarEncoding
from customs_assets.synthesis.encodings.categorical import RARE, CategoricalEncoding
from customs_assets.synthesis.encodings.label import LabelEncoding
from customs_assets.synthesis.encodings.mass import MassEncoding
from customs_assets.synthesis.encodings.price import PriceEncoding
from customs_assets.synthesis.encodings.tariff import PARTS, TariffEncoding

UNIT_PRICES = pd.DataFrame({"category": ["", "0901210000", "84"], "unit_price": [80.0, 5000.0, 0.37]})


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rare_codes_return_in_their_own_proportions():
    values = pd.Series(["a"] * 50 + ["x"] * 3 + ["y"])
    importers = pd.Series([f"I{n}" for n in range(50)] + ["I1", "I1", "I1", "I2"])
    encoding = CategoricalEncoding.fit(values, importers, 5)
    assert (encoding.common, encoding.rare, encoding.rare_weights) == (("a",), ("x", "y"), (0.75, 0.25))
    decoded = encoding.decode(pd.Series([RARE] * 4000), _rng())
    assert set(decoded) == {"x", "y"}
    assert (decoded == "x").mean() == pytest.approx(0.75, abs=0.03)


def test_a_code_of_under_half_a_percent_of_a_large_month_is_rare_however_many_use_it():
    values = pd.Series(["a"] * 1992 + ["b"] * 10 + ["c"] * 9)
    encoding = CategoricalEncoding.fit(values, pd.Series([f"I{n}" for n in range(len(values))]), 5)
    assert (encoding.common, encoding.rare) == (("a",), ("b", "c"))
    fewer = CategoricalEncoding.fit(
        values[12:], pd.Series([f"I{n}" for n in range(12, len(values))], values[12:].index), 5
    )
    assert (fewer.common, fewer.rare) == (("a", "b"), ("c",))


def test_a_rare_draft_where_nothing_is_rare_becomes_a_common_code():
    encoding = CategoricalEncoding.fit(pd.Series(["07", "7"] * 3), pd.Series(list("AABBCC")), 3)
    assert encoding.rare == ()
    assert set(encoding.decode(pd.Series([RARE] * 200), _rng())) == {"07", "7"}


def test_many_declarations_of_one_importer_do_not_make_a_code_common():
    encoding = CategoricalEncoding.fit(pd.Series(["11"] * 100), pd.Series(["A"] * 100), 2)
    assert encoding.common == ()
    assert encoding.encode(pd.Series(["11"])).tolist() == [RARE]


@given(st.dates(pd.Timestamp("2000-01-01").date(), pd.Timestamp("2100-12-31").date()))
def test_every_week_and_weekday_is_a_day_of_the_month_and_every_day_has_its_own(day):
    first = pd.Timestamp(day).replace(day=1)
    encoding = CalendarEncoding.fit(pd.Series([first]))
    cells = pd.DataFrame([(str(week), name) for week in range(1, 6) for name in WEEKDAYS], columns=["week", "weekday"])
    decoded = encoding.decode(cells)
    assert set(decoded) == set(pd.date_range(first, periods=first.days_in_month))
    assert [WEEKDAYS[number] for number in decoded.dt.dayofweek] == cells["weekday"].tolist()


def test_labels_become_three_words():
    labels = pd.DataFrame({"fraud": [0, 1, 1], "critical_fraud": [0, 1, 2]})
    assert LabelEncoding.fit(labels).encode(labels).tolist() == ["normal", "fraud", "critical"]


@given(st.floats(-5, 40), st.integers(0, 2**32))
def test_whatever_the_model_says_a_mass_lies_in_a_band_of_the_month(drafted: float, seed: int):
    masses = pd.Series([0.013, 0.5, 0.5, 7.77, 123.45, 98765.4])
    encoding = MassEncoding.fit(masses, pd.Series(list("ABCDEF")), 2, root=b"secret")
    decoded = encoding.decode(pd.Series([drafted]), np.random.default_rng(seed))
    lowest, highest = encoding.bands.lows[0], encoding.bands.highs[-1]
    assert decoded[0] == 0.5 or lowest * 0.9 <= decoded[0] <= highest * 1.1
    assert decoded[0] > 0


def test_a_draft_goes_to_the_nearest_heap_and_a_month_of_one_mass_has_no_other():
    masses = pd.Series([0.0, 0.0, 1.0, 1.0, 10.0, 10.0])
    encoding = MassEncoding.fit(masses, pd.Series(list("ABABAB")), 2)
    drafts = pd.Series(np.log1p(np.array([0.0, 0.9, 1.2, 8.0, 1e9]) / 0.1))
    assert encoding.decode(drafts, _rng()).tolist() == [0.0, 1.0, 1.0, 10.0, 10.0]
    single = MassEncoding.fit(pd.Series([2.5, 2.5]), pd.Series(list("AB")), 2)
    assert single.decode(drafts, _rng()).tolist() == [2.5] * 5


@given(
    st.lists(st.tuples(st.floats(0.001, 1e5), st.integers(0, 10**9), st.booleans()), min_size=1, max_size=30),
    st.sampled_from(["0901210000", "8471300000", "8703230000"]),
)
@settings(deadline=None)
def test_a_price_comes_back_to_a_twentieth_of_a_won(rows: list[tuple[float, int, bool]], code: str):
    declarations = pd.DataFrame(
        {
            "net_mass": [0.0 if massless else mass for mass, _, massless in rows],
            "item_price": [price / 10 for _, price, _ in rows],
            "hs10_code": code,
            "importer_id": [f"I{n % 3}" for n in range(len(rows))],
        }
    )
    encoding = PriceEncoding.fit(declarations, UNIT_PRICES, 2)
    decoded = encoding.decode(encoding.encode(declarations), declarations)
    assert (decoded - declarations["item_price"]).abs().max() <= 0.05
    assert (decoded == 0).tolist() == (declarations["item_price"] == 0).tolist()


def test_the_residual_is_the_log_of_price_over_mass_times_unit_price():
    row = pd.DataFrame({"net_mass": [2.0], "item_price": [5000.0], "hs10_code": ["0901210000"], "importer_id": ["A"]})
    encoded = PriceEncoding.fit(row, UNIT_PRICES, 1).encode(row)
    assert encoded["residual"][0] == pytest.approx(-np.log(2))
    assert encoded["price_given"].tolist() == ["yes"]


def _goods() -> pd.DataFrame:
    rows = [
        ("0901210000", "BR", "BR", 8.0, "A"),
        ("0901210000", "BR", "BR", 2.0, "C"),
        ("0902100000", "CN", "CN", 40.0, "A"),
        ("8471300000", "CN", "CN", 0.0, "C"),
        ("8471300000", "JP", "CN", 0.0, "C"),
    ]
    goods = pd.DataFrame(rows * 6, columns=list(TARIFF_TUPLE))
    return goods.assign(importer_id=[f"I{n // 5}" for n in range(len(goods))])


def test_the_parts_of_a_tuple_are_section_origin_directness_type_and_band_of_the_rate():
    encoded = TariffEncoding.fit(_goods(), 3).encode(_goods())
    assert encoded.iloc[0].tolist() == ["2", "BR", "yes", "A", "3"]
    assert encoded.iloc[2].tolist() == ["2", "CN", "yes", "A", "5"]
    assert encoded.iloc[3].tolist() == ["16", "CN", "yes", "C", "0"]
    assert encoded.iloc[4].tolist() == ["16", "CN", "no", "C", "0"]


@pytest.mark.parametrize(
    ("draft", "codes", "departures"),
    [
        (("2", "BR", "yes", "A", "0"), {"0901210000"}, {"BR"}),
        (("16", "CN", "no", "A", "3"), {"8471300000"}, {"JP"}),
        (("2", "US", "no", "C", "0"), {"0901210000", "0902100000"}, {"BR", "CN"}),
        (("99", "YY", "no", "Z", "9"), {"0901210000", "0902100000", "8471300000"}, {"BR", "CN", "JP"}),
    ],
)
def test_a_draft_shares_as_many_parts_as_any_lawful_tuple_can(draft: tuple[str, ...], codes: set, departures: set):
    encoding = TariffEncoding.fit(_goods(), 3)
    decoded = encoding.decode(pd.DataFrame([draft] * 300, columns=list(PARTS)), _rng())
    assert set(decoded["hs10_code"]) == codes
    assert set(decoded["country_of_departure"]) == departures
    assert set(map(tuple, decoded.to_numpy())) <= set(map(tuple, _goods()[list(TARIFF_TUPLE)].to_numpy()))


def test_tuples_of_the_same_parts_are_drawn_as_often_as_they_occur():
    goods = pd.concat([_goods(), *[_goods().iloc[[0]].assign(hs10_code="0901110000")] * 18], ignore_index=True)
    encoding = TariffEncoding.fit(goods, 3)
    decoded = encoding.decode(pd.DataFrame([("2", "BR", "yes", "A", "3")] * 4000, columns=list(PARTS)), _rng())
    assert (decoded["hs10_code"] == "0901110000").mean() == pytest.approx(18 / 24, abs=0.03)
