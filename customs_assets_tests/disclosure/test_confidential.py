"""Confidential trade: who looks for a withheld partner or quantity finds it without a request, and not with one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import FORM_CODES, RELEASED_TUPLE
from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.confidential import confidential_pairs, no_pairs, rounded_up, shown_masses
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.parts import NOWHERE, SafeParts, disclosed_tuples
from customs_assets.disclosure.population import Population, count_population
from customs_assets.disclosure.register import GRADES
from customs_assets.disclosure.safe_groups import SafeGroups
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets_tests.disclosure.small_trade import DOMINANCE, K, Trade, trade_of

ORIGIN = "country_of_origin"


@pytest.fixture(scope="module")
def trade() -> Trade:
    """A trade in which every declaration was inspected."""
    made = trade_of(rows=1200)
    return Trade(made.everyone, made.everyone, made.law)


@pytest.fixture(scope="module")
def safe(trade: Trade) -> SafeParts:
    return SafeParts(trade.safe())


@pytest.fixture(scope="module")
def product(trade: Trade, safe: SafeParts) -> str:
    """The safe product code of the most declarations."""
    codes = trade.inspected["hs10_code"].str[:6]
    return str(codes[codes.isin(safe.codes)].mode()[0])


def _register(*rows: dict[str, Any]) -> pd.DataFrame:
    nothing = {"hs_code": "", ORIGIN: "", "importer_id": "", "grade": "value only"}
    made = [{"row": number, **nothing, **row} for number, row in enumerate(rows, 2)]
    return pd.DataFrame(made, columns=["row", *nothing])


def _pairs(trade: Trade, *rows: dict[str, Any]) -> pd.DataFrame:
    return confidential_pairs(_register(*rows), Population.of_frames([trade.population()]))[0]


def _of(trade: Trade, code: str, origin: str | None = None) -> np.ndarray:
    rows = trade.inspected
    matches = (rows["hs10_code"].str[:6] == code) & ((rows[ORIGIN] == origin) | (origin is None))
    return matches.to_numpy()


def _disclosed(trade: Trade, safe: SafeParts, pairs: pd.DataFrame, root: bytes = b"a secret") -> pd.DataFrame:
    return disclosed_tuples(
        trade.inspected, safe, trade.law, min_group=K, dominance=DOMINANCE, root=root, confidential=pairs
    )


def test_a_row_of_the_register_is_about_the_whole_product_and_partner():
    declared = pd.DataFrame(
        [
            ("a", "850110", "DE"),
            ("a", "090111", "BR"),
            ("b", "850110", "DE"),
            ("b", "850110", "CN"),
            ("b", "850120", "DE"),
        ],
        columns=["importer_id", "hs10_code", ORIGIN],
    ).assign(country_of_departure="NL", tax_type="A", tax_rate=8.0, item_price=1.0, net_mass=1.0)
    population = Population.of_frames([count_population(declared)])

    def pairs(*rows: dict[str, Any]) -> set[tuple[str, str]]:
        found, _ = confidential_pairs(_register(*rows), population)
        return set(zip(found[CODE], found[ORIGIN], strict=True))

    assert pairs({"hs_code": "850110", ORIGIN: "DE"}) == {("850110", "DE")}
    assert pairs({"hs_code": "85"}) == {("850110", "DE"), ("850110", "CN"), ("850120", "DE")}
    assert pairs({ORIGIN: "DE"}) == {("850110", "DE"), ("850120", "DE")}
    assert pairs({"importer_id": "a"}) == {("850110", "DE"), ("090111", "BR")}
    assert pairs({"importer_id": "a", "hs_code": "8501"}) == {("850110", "DE")}, "what it trades, and of that all of it"
    assert confidential_pairs(_register({"importer_id": "c"}, {"hs_code": "85"}), population)[1] == [2]
    assert confidential_pairs(_register(), population)[0].empty


def test_of_several_grades_the_strictest_counts(trade: Trade, product: str):
    pairs = _pairs(
        trade, {"hs_code": product, "grade": "quantity by country"}, {"hs_code": product, "grade": "value and quantity"}
    )
    assert pairs["partner"].all() and set(pairs["quantity"]) == {"by country"}
    pairs = _pairs(trade, {"hs_code": product}, {"hs_code": product, "grade": "quantity by country"})
    assert set(pairs["quantity"]) == {"all"}


def test_a_withheld_partner_does_not_depend_on_who_the_partner_is(trade: Trade, safe: SafeParts, product: str):
    """The attack: read the product's origins off the release. With the request they are what they would be whatever they were."""
    at = _of(trade, product)
    kept = _disclosed(trade, safe, no_pairs())
    assert (kept.loc[at, ORIGIN].to_numpy() == trade.inspected.loc[at, ORIGIN].to_numpy()).mean() > 0.7, (
        "the attack works"
    )
    pairs = _pairs(trade, {"hs_code": product, "grade": "value and quantity"})
    shown = _disclosed(trade, safe, pairs)
    assert set(shown.loc[at & (shown["code_level"] == CODE), "origin_level"]) == {NOWHERE}
    # Another world, in which all of it comes from one other country.
    elsewhere = trade.inspected.assign(
        **{
            ORIGIN: np.where(at, "KR", trade.inspected[ORIGIN]),
            "country_of_departure": np.where(at, "KR", trade.inspected["country_of_departure"]),
        }
    )
    other = Trade(elsewhere, elsewhere, trade.law)
    same = _disclosed(other, safe, _pairs(other, {"hs_code": product, "grade": "value and quantity"}))
    assert shown.loc[at, ORIGIN].tolist() == same.loc[at, ORIGIN].tolist()
    assert trade.law.is_lawful(shown).all()


def test_withheld_quantities_do_not_depend_on_what_was_weighed(trade: Trade, product: str):
    """The attack: add up the masses of the pair. Without the request the sum is the quantity itself."""
    origin = str(trade.inspected.loc[_of(trade, product), ORIGIN].mode()[0])
    at = _of(trade, product, origin)
    pairs = _pairs(trade, {"hs_code": product, ORIGIN: origin, "grade": "all quantity"})

    def masses(declarations: pd.DataFrame) -> np.ndarray:
        return shown_masses(declarations, pairs, min_group=K, dominance_one=0.75, root=b"a secret")

    shown = masses(trade.inspected)
    assert np.array_equal(np.isfinite(shown), at), "of others nothing changes"
    heavier = trade.inspected.assign(
        net_mass=np.where(at, 50 * trade.inspected["net_mass"], trade.inspected["net_mass"])
    )
    assert np.array_equal(shown, masses(heavier), equal_nan=True)
    assert np.unique(shown[at]).size > at.sum() / 2, "masses, not one mass"


def test_quantities_by_country_are_withheld_and_the_product_keeps_its_total(trade: Trade, product: str):
    """The attack: what a kilogram from each country costs. Goods of one country are a hundred times as heavy here."""
    rows, at = trade.inspected, _of(trade, product)
    origins = rows.loc[at, ORIGIN].value_counts()
    one = at & (rows[ORIGIN] == origins.index[0]).to_numpy()
    heavy = rows.assign(net_mass=np.where(one, 3 * rows["net_mass"], rows["net_mass"]))
    totals = heavy[at].groupby(ORIGIN)["net_mass"].sum()
    limit = float(totals.to_numpy().max() / totals.to_numpy().sum()) + 0.01
    pairs = _pairs(trade, {"hs_code": product, ORIGIN: origins.index[0], "grade": "quantity by country"})
    errors = []
    for number in range(20):
        shown = shown_masses(heavy, pairs, min_group=K, dominance_one=limit, root=bytes([number]))
        assert np.array_equal(np.isfinite(shown), at), (
            "all partners of the product, for one alone would be told by the rest"
        )
        assert shown[at].sum() == pytest.approx(heavy["net_mass"].to_numpy()[at].sum(), rel=0.01)
        errors.append(abs(np.log(shown[one].sum() / heavy["net_mass"].to_numpy()[one].sum())))
    assert np.median(errors) > 0.15, "the country's own quantity is not what comes out"
    # One country that has nearly all of a product is its total.
    alone = shown_masses(heavy, pairs, min_group=K, dominance_one=limit - 0.02, root=b"a secret")
    assert np.array_equal(np.isfinite(alone), one), "then all of its quantity is withheld"


def test_a_request_for_everything_is_told_as_such(trade: Trade):
    pairs = _pairs(trade, *({"hs_code": f"{chapter:02d}", "grade": "all quantity"} for chapter in range(1, 98)))
    with pytest.raises(TooFewImporters, match="CUSTOMS_CONFIDENTIAL"):
        shown_masses(trade.inspected, pairs, min_group=K, dominance_one=0.75, root=1)


def test_goods_with_a_withheld_mass_are_never_shown_as_declared(trade: Trade, safe: SafeParts, product: str):
    pairs = _pairs(trade, {"hs_code": product, "grade": "all quantity"})
    tuples = _disclosed(trade, safe, pairs)
    at = _of(trade, product)
    goods = trade.inspected.assign(
        hs6_code=trade.inspected["hs10_code"].str[:6],
        label=trade.inspected["critical_fraud"],
        kind="goods",
        importers=K,
    )
    written = goods.assign(
        kind="unit price", written_unit_price=[f"{u:.3e}" for u in goods["item_price"] / goods["net_mass"]]
    )
    written = written.assign(unit_price=written["written_unit_price"].astype(float)).drop_duplicates(
        ["hs6_code", "written_unit_price"]
    )
    codes = pd.DataFrame([{"kind": column, "code": "X"} for column in FORM_CODES])
    goods = goods.drop_duplicates([*RELEASED_TUPLE, "net_mass", "label"])
    table = pd.concat([goods, written, codes], ignore_index=True)
    declarations = trade.inspected.assign(**dict.fromkeys(FORM_CODES, "X"))
    made = SafeGroups(table).generalize(declarations, tuples, np.random.default_rng(0))
    assert made.masses_withheld == at.sum()
    assert (
        not made.declarations.loc[at, "safe_as_declared"].any() and made.declarations.loc[at, "unit_price"].isna().all()
    )
    assert made.declarations.loc[~at, "safe_as_declared"].any()
    assert made.declarations.loc[at, "net_mass"].tolist() == tuples.loc[at, "net_mass"].tolist()


def test_the_account_finds_a_partner_or_a_mass_that_is_shown_all_the_same(trade: Trade, safe: SafeParts, product: str):
    pairs = _pairs(trade, {"hs_code": product, "grade": "value only"})

    def wrong(tuples: pd.DataFrame) -> dict[str, int]:
        account = parts_account(trade.population(), trade.inspected, tuples, trade.safe(), K, DOMINANCE, pairs)
        of_requests = account[account["what"] == "confidential"]
        assert set(of_requests["counted"]) == {_of(trade, product).sum()}
        return dict(zip(of_requests["part"], of_requests["wrong"], strict=True))

    assert wrong(_disclosed(trade, safe, pairs)) == {"origin": 0, "mass": 0}
    found = wrong(_disclosed(trade, safe, no_pairs()))
    assert found["mass"] == _of(trade, product).sum() and found["origin"] > 0.7 * found["mass"]


def test_the_page_gives_a_rounded_count():
    assert [rounded_up(pairs) for pairs in (0, 1, 10, 11)] == [0, 10, 10, 20]
    assert len(GRADES) == 4
