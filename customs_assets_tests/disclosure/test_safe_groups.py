"""The k rule over all months: what is safe is counted right, and nothing unsafe is left once a month is generalised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import FORM_CODES, RELEASED_TUPLE, TARIFF_TUPLE
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.lake import Lake

COFFEE = ("0901210000", "BR", "BR", 8.0, "A")
TEA = ("0902200000", "CN", "CN", 40.0, "A")
DECAF = ("0901220000", "BR", "BR", 8.0, "A")


def _rows(*groups: tuple[tuple, str, float, int, float]) -> pd.DataFrame:
    """Declarations from (tuple, importer, mass, label, price)."""
    made = pd.DataFrame([group[0] for group in groups], columns=list(TARIFF_TUPLE))
    return made.assign(
        importer_id=[group[1] for group in groups],
        net_mass=[group[2] for group in groups],
        critical_fraud=[group[3] for group in groups],
        item_price=[group[4] for group in groups],
        **dict.fromkeys(FORM_CODES, "11"),
    )


def _counted(folder: Path, months: dict[str, pd.DataFrame], min_group: int) -> pd.DataFrame:
    lake = Lake(str(folder))
    for month, rows in months.items():
        lake.write_table("anonymized_declarations", rows, month)
    return count_safe_groups(lake, months, min_group)


@pytest.fixture
def two_months(tmp_path: Path) -> tuple[SafeGroups, pd.DataFrame]:
    """Coffee of three importers over two months (two of them at 10 kg and no fraud), tea of one importer four times."""
    first = _rows((COFFEE, "a", 10.0, 0, 500.0), (COFFEE, "b", 10.0, 0, 500.0), (TEA, "t", 3.0, 0, 90.0))
    second = _rows((COFFEE, "c", 7.0, 1, 350.0), *[(TEA, "t", 3.0, 0, 90.0)] * 3)
    return SafeGroups(_counted(tmp_path, {"2020-01": first, "2020-02": second}, 3)), pd.concat([first, second])


def test_importers_are_counted_over_all_months_and_each_once(two_months: tuple[SafeGroups, pd.DataFrame]):
    safe, rows = two_months
    assert safe.is_safe(rows, "tuple").tolist() == [True, True, False, True, False, False, False]


def test_goods_and_masses_need_k_importers_of_their_own(tmp_path: Path):
    rows = _rows(
        *[(COFFEE, name, 10.0, 0, 500.0) for name in "abc"], *[(COFFEE, name, 10.0, 1, 500.0) for name in "ab"]
    )
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.is_safe(rows, "goods").tolist() == [True, True, True, False, False]
    assert safe.masses.tolist() == [10.0]


def test_a_unit_price_is_shown_where_k_importers_wrote_it(two_months: tuple[SafeGroups, pd.DataFrame]):
    safe, rows = two_months
    shown = safe.unit_prices(rows)
    assert shown[[0, 1, 3]].tolist() == [50.0, 50.0, 50.0]
    assert np.isnan(shown[[2, 4, 5, 6]]).all()


def test_what_is_not_safe_stands_in_no_table(tmp_path: Path):
    rows = _rows(*[(COFFEE, name, 10.0, 0, 500.0) for name in "abc"], (TEA, "t", 3.0, 0, 90.0))
    table = _counted(tmp_path, {"2020-01": rows}, 3)
    assert (table["importers"] >= 3).all()
    assert "090220" not in set(table["hs6_code"].dropna())
    assert 3.0 not in set(table["net_mass"].dropna())


def test_a_month_that_is_generalised_holds_safe_tuples_only_and_keeps_all_else(two_months):
    safe, rows = two_months
    month = rows.reset_index(drop=True)
    generalized = safe.generalize(month, np.random.default_rng(0))
    assert month["hs10_code"].eq(COFFEE[0]).tolist() == [True, True, False, True, False, False, False]
    assert set(generalized.declarations["hs10_code"]) == {COFFEE[0]}
    assert sum(generalized.tuples_replaced.values()) == 4
    kept = ["importer_id", "net_mass", "item_price"]
    pd.testing.assert_frame_equal(generalized.declarations[kept], month[kept])


def test_the_nearest_safe_tuple_takes_the_place_of_an_unsafe_one(tmp_path: Path):
    rows = _rows(
        *[(COFFEE, name, 10.0, 0, 500.0) for name in "abc"],
        *[(TEA, name, 10.0, 0, 500.0) for name in "def"],
        (DECAF, "g", 10.0, 0, 500.0),
    )
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    for seed in range(20):
        replaced = safe.generalize(rows, np.random.default_rng(seed)).declarations.iloc[-1]
        assert tuple(replaced[list(TARIFF_TUPLE)]) == COFFEE, "decaffeinated coffee shares its heading with coffee"


def test_of_tuples_that_share_as_much_the_one_of_the_nearest_price_is_taken(tmp_path: Path):
    cheap, dear = ("0901110000", *COFFEE[1:]), ("0901120000", *COFFEE[1:])
    rows = _rows(
        *[(cheap, name, 10.0, 0, 100.0) for name in "abc"],
        *[(dear, name, 10.0, 0, 9000.0) for name in "abc"],
        (DECAF, "g", 2.0, 0, 1500.0),
        (DECAF, "h", 2.0, 0, 30.0),
    )
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.generalize(rows, np.random.default_rng(0)).declarations["hs10_code"].tolist()[-2:] == [
        dear[0],
        cheap[0],
    ]


def test_a_month_without_any_safe_tuple_is_refused(tmp_path: Path):
    rows = _rows((COFFEE, "a", 10.0, 0, 500.0), (TEA, "b", 3.0, 0, 90.0))
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    with pytest.raises(TooFewImporters, match=r"none of the 2 declarations .*\(CUSTOMS_MIN_GROUP\)"):
        safe.generalize(rows, np.random.default_rng(0))


def test_a_table_of_unknown_kinds_is_refused():
    with pytest.raises(ValueError, match="holds the kinds"):
        SafeGroups(pd.DataFrame({"kind": ["price"]}))


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_every_tuple_that_is_left_rests_on_k_importers(tmp_path_factory: pytest.TempPathFactory, seed: int, k: int):
    rng = np.random.default_rng(seed)
    codes = [f"{chapter:02d}{heading:02d}100000" for chapter in (9, 61) for heading in (1, 2, 3)]
    groups = [
        (
            (codes[rng.integers(6)], *rng.choice(["CN", "DE"], 2), float(rng.integers(3)), rng.choice(["A", "C"])),
            f"importer {rng.integers(12)}",
            float(rng.integers(1, 4)),
            int(rng.integers(3)),
            100.0,
        )
        for _ in range(150)
    ]
    rows = _rows(*groups)
    safe = SafeGroups(_counted(tmp_path_factory.mktemp("lake"), {"2020-01": rows}, k))
    distinct = rows.assign(hs6_code=rows["hs10_code"].str[:6]).groupby(list(RELEASED_TUPLE))["importer_id"].nunique()
    try:
        known = safe.generalize(rows, rng).declarations
    except TooFewImporters:
        assert distinct.max() < k
        return
    left = known.assign(hs6_code=known["hs10_code"].str[:6])[list(RELEASED_TUPLE)].drop_duplicates()
    assert (distinct.loc[list(left.itertuples(index=False, name=None))] >= k).all()


def test_a_code_that_fewer_than_k_importers_declared_gives_way_to_that_of_a_declaration_like_it(tmp_path: Path):
    groups = [(COFFEE, name, 10.0, 0, 500.0) for name in "abcd"] + [(TEA, name, 3.0, 0, 90.0) for name in "efgh"]
    rows = _rows(*groups, (COFFEE, "a", 10.0, 0, 500.0), (TEA, "e", 3.0, 0, 90.0))
    rows = rows.assign(
        office_id=["01"] * 4 + ["02"] * 4 + ["97", "98"],
        mode_of_transport=["1"] * 4 + ["2"] * 4 + ["1", "2"],
        payment_type=["5"] * 9 + ["9"],
    )
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.codes("office_id") == ["01", "02"]
    assert safe.codes("payment_type") == ["5"]
    made = safe.generalize(rows, np.random.default_rng(1))
    # An office of the same mode of transport and chapter takes the place of one that a single importer used.
    assert made.declarations["office_id"].tolist() == ["01"] * 4 + ["02"] * 4 + ["01", "02"]
    assert set(made.declarations["payment_type"]) == {"5"}
    assert made.codes_replaced == {"office_id": 2, "payment_type": 1}


def test_a_column_without_any_safe_code_is_refused(tmp_path: Path):
    rows = _rows(*((COFFEE, name, 10.0, 0, 500.0) for name in "abcd"))
    rows = rows.assign(office_id=["01", "02", "03", "04"])
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    with pytest.raises(TooFewImporters, match="no code of office_id in the 4 declarations"):
        safe.generalize(rows, np.random.default_rng(1))


def test_a_unit_price_is_shown_as_k_importers_wrote_it_and_not_as_one_of_them_did(tmp_path: Path):
    prices = [500.01, 500.02, 500.03, 500.04]
    rows = _rows(*((COFFEE, name, 10.0, 0, price) for name, price in zip("abcd", prices, strict=True)))
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.unit_prices(rows).tolist() == [50.0] * 4
