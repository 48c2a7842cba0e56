"""The k rule over all months: what is safe is counted right, and a month that is generalised has what is shown and safe codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import FORM_CODES, RELEASED_TUPLE, TARIFF_TUPLE
from customs_assets.disclosure.levels import CODE
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
        declaration_id=[f"d{number}" for number in range(len(groups))],
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
    second = second.assign(declaration_id="e" + second["declaration_id"])
    return SafeGroups(_counted(tmp_path, {"2020-01": first, "2020-02": second}, 3)), pd.concat([first, second])


def test_importers_are_counted_over_all_months_and_each_once(two_months: tuple[SafeGroups, pd.DataFrame]):
    safe, rows = two_months
    assert safe.codes("office_id") == ["11"]
    # Coffee at 10 kg is of two importers, tea at 3 kg of one, four times.
    assert not safe.are_safe_goods(rows).any()
    assert safe.masses.size == 0


def test_goods_and_masses_need_k_importers_of_their_own(tmp_path: Path):
    rows = _rows(
        *[(COFFEE, name, 10.0, 0, 500.0) for name in "abc"], *[(COFFEE, name, 10.0, 1, 500.0) for name in "ab"]
    )
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.are_safe_goods(rows).tolist() == [True, True, True, False, False]
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


def _shown(rows: pd.DataFrame, replaced: dict[int, tuple[str, tuple]] | None = None) -> pd.DataFrame:
    """Disclosed tuples that keep every part, but for some rows: by number, which part fell, and the tuple that is shown."""
    tuples = rows[["declaration_id", *TARIFF_TUPLE[1:]]].assign(
        hs6_code=rows["hs10_code"].str[:6], of_declaration=rows["declaration_id"]
    )
    tuples = tuples.assign(
        net_mass=np.nan, **{f"{part}_level": CODE for part in ("code", "origin", "departure", "claim")}
    )
    tuples = tuples.assign(**{f"{part}_pool": "" for part in ("code", "origin", "departure", "claim")})
    for number, (part, shown) in (replaced or {}).items():
        tuples.loc[number, list(RELEASED_TUPLE)] = [shown[0][:6], *shown[1:]]
        tuples.loc[number, f"{part}_level"] = "heading"
    return tuples


def test_a_month_that_is_generalised_has_the_tuples_that_are_shown_and_keeps_all_else(two_months):
    safe, rows = two_months
    month = rows.reset_index(drop=True)
    tuples = _shown(month, {2: ("code", DECAF), 4: ("origin", ("0902200000", "IN", "IN", 40.0, "A"))})
    # The tuples of other months, and their order, make no difference.
    others = tuples.assign(declaration_id="x" + tuples["declaration_id"], of_declaration="x", hs6_code="999999")
    generalized = safe.generalize(month, pd.concat([others, tuples.iloc[::-1]]), np.random.default_rng(0))
    made = generalized.declarations
    assert made["hs10_code"].tolist() == ["090121", "090121", "090122", "090121", "090220", "090220", "090220"]
    assert made["country_of_origin"].tolist() == ["BR", "BR", "BR", "BR", "IN", "CN", "CN"]
    assert made["country_of_departure"].tolist() == ["BR", "BR", "BR", "BR", "IN", "CN", "CN"]
    assert made["tax_rate"].tolist() == [8.0, 8.0, 8.0, 8.0, 40.0, 40.0, 40.0]
    assert generalized.parts_kept == {"code": 6, "origin": 6, "departure": 7, "claim": 7}
    assert generalized.codes_replaced == {}
    kept = ["declaration_id", "importer_id", "net_mass", "item_price", "critical_fraud", *FORM_CODES]
    pd.testing.assert_frame_equal(made[kept], month[kept])


def test_only_what_kept_its_whole_tuple_is_safe_as_declared(tmp_path: Path):
    rows = _rows(*[(COFFEE, name, 10.0, 0, 500.0) for name in "abcdef"], (COFFEE, "a", 10.0, 1, 500.0))
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    tuples = _shown(rows, {part: (name, COFFEE) for part, name in enumerate(("code", "origin", "departure", "claim"))})
    made = safe.generalize(rows, tuples, np.random.default_rng(0)).declarations
    assert made["safe_as_declared"].tolist() == [False, False, False, False, True, True, False]


def test_a_unit_price_goes_with_the_product_code_and_with_no_other(tmp_path: Path):
    rows = _rows(*[(COFFEE, name, 10.0, 0, 500.0) for name in "abcd"], *[(TEA, name, 10.0, 0, 900.0) for name in "abc"])
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    tuples = _shown(rows, {0: ("code", TEA), 1: ("origin", COFFEE)})
    prices = safe.generalize(rows, tuples, np.random.default_rng(0)).declarations["unit_price"]
    assert prices.isna().tolist() == [True, False, False, False, False, False, False]
    assert prices.dropna().tolist() == [50.0, 50.0, 50.0, 90.0, 90.0, 90.0]


def test_a_declaration_without_a_disclosed_tuple_is_refused(two_months):
    safe, rows = two_months
    month = rows.reset_index(drop=True)
    with pytest.raises(ValueError, match="2 of 7 declarations have no disclosed tuple"):
        safe.generalize(month, _shown(month).iloc[2:], np.random.default_rng(0))


def test_a_declaration_with_two_disclosed_tuples_is_refused(two_months):
    safe, rows = two_months
    month = rows.reset_index(drop=True)
    twice = pd.concat([_shown(month), _shown(month).iloc[:1]])
    with pytest.raises(pd.errors.MergeError):
        safe.generalize(month, twice, np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["price", "tuple"])
def test_a_table_of_unknown_kinds_is_refused(kind: str):
    with pytest.raises(ValueError, match="holds the kinds"):
        SafeGroups(pd.DataFrame({"kind": [kind]}))


@given(st.integers(0, 10_000), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_what_is_safe_is_what_a_plain_count_says(tmp_path_factory: pytest.TempPathFactory, seed: int, k: int):
    rng = np.random.default_rng(seed)
    codes = [f"{chapter:02d}{heading:02d}100000" for chapter in (9, 61) for heading in (1, 2)]
    groups = [
        (
            (codes[rng.integers(4)], *rng.choice(["CN", "DE"], 2), 8.0, rng.choice(["A", "C"])),
            f"importer {rng.integers(12)}",
            float(rng.integers(1, 4)),
            int(rng.integers(3)),
            float(rng.integers(1, 5) * 100),
        )
        for _ in range(200)
    ]
    rows = _rows(*groups).assign(office_id=rng.choice(["01", "02", "03"], 200, p=[0.9, 0.07, 0.03]))
    safe = SafeGroups(
        _counted(tmp_path_factory.mktemp("lake"), {"2020-01": rows.iloc[:90], "2020-02": rows.iloc[90:]}, k)
    )
    behind: dict[tuple, set[str]] = {}
    for row in rows.to_dict("records"):
        price = f"{row['item_price'] / row['net_mass']:.3e}"
        keys = (
            tuple(row[name] for name in (*TARIFF_TUPLE, "net_mass", "critical_fraud")),
            ("mass", row["net_mass"]),
            ("unit price", row["hs10_code"], price),
            ("office_id", row["office_id"]),
        )
        for key in keys:
            behind.setdefault(key, set()).add(row["importer_id"])
    enough = {key for key, importers in behind.items() if len(importers) >= k}
    prices = safe.unit_prices(rows)
    for row, is_safe, price in zip(rows.to_dict("records"), safe.are_safe_goods(rows), prices, strict=True):
        assert is_safe == (tuple(row[name] for name in (*TARIFF_TUPLE, "net_mass", "critical_fraud")) in enough)
        written = f"{row['item_price'] / row['net_mass']:.3e}"
        assert np.isnan(price) == (("unit price", row["hs10_code"], written) not in enough)
        assert np.isnan(price) or price == float(written)
    assert safe.masses.tolist() == sorted(mass for kind, mass, *_ in enough if kind == "mass")
    assert safe.codes("office_id") == sorted(code for kind, code, *_ in enough if kind == "office_id")


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
    made = safe.generalize(rows, _shown(rows), np.random.default_rng(1))
    # An office of the same mode of transport and chapter takes the place of one that a single importer used.
    assert made.declarations["office_id"].tolist() == ["01"] * 4 + ["02"] * 4 + ["01", "02"]
    assert set(made.declarations["payment_type"]) == {"5"}
    assert made.codes_replaced == {"office_id": 2, "payment_type": 1}


def test_a_column_without_any_safe_code_is_refused(tmp_path: Path):
    rows = _rows(*((COFFEE, name, 10.0, 0, 500.0) for name in "abcd"))
    rows = rows.assign(office_id=["01", "02", "03", "04"])
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    with pytest.raises(TooFewImporters, match="no code of office_id in the 4 declarations"):
        safe.generalize(rows, _shown(rows), np.random.default_rng(1))


def test_a_unit_price_is_shown_as_k_importers_wrote_it_and_not_as_one_of_them_did(tmp_path: Path):
    prices = [500.01, 500.02, 500.03, 500.04]
    rows = _rows(*((COFFEE, name, 10.0, 0, price) for name, price in zip("abcd", prices, strict=True)))
    safe = SafeGroups(_counted(tmp_path, {"2020-01": rows}, 3))
    assert safe.unit_prices(rows).tolist() == [50.0] * 4
