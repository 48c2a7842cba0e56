"""Fraud leaves its traces, the truth agrees with the labels, and law, parties and calendar are what the model says."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customs_assets.simulation import tariff
from customs_assets.simulation.fraud import Mechanism
from customs_assets.simulation.month import month_rows
from customs_assets.simulation.world import World, lane_factors, make_world, month_volume
from customs_assets.source.simulated import SimulatedSource

SOURCE = SimulatedSource(declarations=900_000)
MONTH = "2020-10"


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(SOURCE.seed, SOURCE.inspected)


@pytest.fixture(scope="module")
def form() -> pd.DataFrame:
    """The whole form of a month of 50,000 declarations, with the truth beside it."""
    table = SOURCE.read_month(MONTH).declarations
    truth = SOURCE.read_truth(MONTH)
    assert truth["declaration_id"].equals(table["declaration_id"])
    return table.append_column("mechanism", truth["mechanism"]).to_pandas()


def test_the_truth_agrees_with_every_label(form: pd.DataFrame):
    seen = form[form["fraud"].notna()]
    assert ((seen["fraud"] == 1) == (seen["mechanism"] != "none")).all()
    assert ((seen["critical_fraud"] == 2) == (seen["mechanism"] == "critical")).all()
    # Most fraud is never inspected, and the truth knows it all the same.
    assert (form.loc[form["fraud"].isna(), "mechanism"] != "none").mean() > 0.05
    assert set(form["mechanism"]) == {mechanism.name.lower() for mechanism in Mechanism}


def test_undervalued_goods_cost_far_less_per_kilogram_than_their_codes(form: pd.DataFrame):
    unit = pd.Series(np.log10((form["item_price"] / form["net_mass"]).to_numpy()), index=form.index)
    usual = unit[form["mechanism"] == "none"].groupby(form["hs10_code"]).median()
    below = unit - form["hs10_code"].map(usual)
    medians = below.groupby(form["mechanism"]).median()
    # The price is lower by a factor between 0.5 and 0.95: a quarter lower in the middle.
    assert 10 ** (medians["undervaluation"] - medians["none"]) == pytest.approx(0.72, abs=0.06)
    assert 10 ** medians["short_quantity"] == pytest.approx(1.0, abs=0.08)


def test_short_quantities_weigh_less_than_their_packages_hold(form: pd.DataFrame):
    tare = (form["gross_mass"] / form["net_mass"])[form["net_mass"] > 100].groupby(form["mechanism"]).median()
    assert tare["none"] < 1.15
    assert tare["short_quantity"] > 1.3


def test_misclassified_goods_pay_less_under_a_neighbouring_code(world: World):
    lanes = world.lanes
    law = tariff.schedule()
    wrong = lanes.mechanism == Mechanism.MISCLASSIFICATION
    assert wrong.sum() > 500
    honest = lanes.mechanism == Mechanism.NONE
    # An importer's honest lane from the same origin by the same broker in the same chapter pays more.
    place = list(zip(lanes.importer, lanes.origin, lanes.declarant, law.chapters[lanes.code], strict=True))
    dearest: dict[tuple, float] = {}
    for key, rate in zip((place[i] for i in np.flatnonzero(honest)), lanes.rate[honest], strict=True):
        dearest[key] = max(rate, dearest.get(key, 0.0))
    assert all(lanes.rate[i] < dearest[place[i]] for i in np.flatnonzero(wrong))
    assert set(np.unique(lanes.claim[wrong])) <= {0, 1}


def test_false_origins_claim_an_agreement_for_goods_that_left_elsewhere(form: pd.DataFrame):
    false = form[form["mechanism"] == "false_origin"]
    assert len(false) > 50
    agreements = {agreement.tax_type for agreement in tariff.AGREEMENTS}
    assert set(false["tax_type"]) <= agreements
    assert (false["country_of_origin"] != false["country_of_departure"]).all()
    claimed = form[form["tax_type"].isin(agreements) & (form["mechanism"] == "none")]
    assert (claimed["country_of_origin"] != claimed["country_of_departure"]).mean() < 0.3


def test_critical_frauds_keep_to_their_goods_and_lanes(form: pd.DataFrame):
    chapter = form["hs10_code"].str[:2].astype(int)
    typical = chapter.isin([12, 13, 21, 30, 33, 42, 61, 62, 64, 71, 85, 91, 94, 95])
    critical = form["mechanism"] == "critical"
    assert typical[critical].mean() > 0.9
    assert typical[~critical].mean() < 0.6


def test_importers_and_brokers_that_lean_to_fraud_commit_more(world: World):
    lanes = world.lanes
    honest = lanes.mechanism == Mechanism.NONE
    ordinary = lanes.risk[:, :2].sum(axis=1)
    dutiable = honest & (lanes.claim == 0) & (lanes.rate >= 8)
    lean = world.importers.propensity[lanes.importer]
    bold, meek = dutiable & (lean > 1), dutiable & (lean < -1)
    assert ordinary[bold].mean() > 1.15 * ordinary[meek].mean()
    brokers = pd.Series(ordinary[dutiable]).groupby(lanes.declarant[dutiable]).agg(["mean", "size"])
    assert brokers.loc[brokers["size"] >= 50, "mean"].std() > 0.02


def test_what_is_at_stake_decides_most(form: pd.DataFrame):
    fraud = form["mechanism"] != "none"
    dutiable = (form["tax_type"] == "A") & (form["tax_rate"] >= 8)
    machinery = form["hs10_code"].str[:2].astype(int).between(84, 92)
    air = form["mode_of_transport"].isin(["40", "50"])
    assert fraud[dutiable & machinery & air].mean() == pytest.approx(0.49, abs=0.05)
    assert fraud[dutiable & machinery & ~air].mean() == pytest.approx(0.38, abs=0.05)
    assert fraud[~dutiable & ~machinery].mean() < 0.06


def test_importers_enter_and_leave(world: World):
    trading = np.array([world.importers.trading(month) for month in range(18)])
    entered, left = (~trading[:-1] & trading[1:]).sum(axis=0), (trading[:-1] & ~trading[1:]).sum(axis=0)
    assert 0.02 < (entered > 0).mean() < 0.2
    assert 0.02 < (left > 0).mean() < 0.2
    assert 0.85 < trading.mean() < 0.97
    gone = np.flatnonzero(left > 0)[:50]
    weights = world.month_weights(17)
    silent = ~trading[17][world.lanes.importer]
    assert (weights[silent] == 0).all()
    assert len(gone) == 50


def test_a_seller_has_one_country_and_few_chapters(form: pd.DataFrame, world: World):
    named = form[form["seller_id"] != ""]
    assert named.groupby("seller_id")["seller_country"].nunique().max() == 1
    lanes = world.lanes
    pairs = pd.DataFrame({"seller": lanes.seller, "chapter": tariff.schedule().chapters[lanes.code]})
    honest = (lanes.mechanism == Mechanism.NONE) & (lanes.seller >= 0)
    assert pairs[honest].groupby("seller")["chapter"].nunique().max() == 1


def test_an_importer_has_few_headings_three_brokers_at_most_and_a_usual_office(world: World):
    lanes = world.lanes
    rows = pd.DataFrame(
        {"importer": lanes.importer, "broker": lanes.declarant, "office": lanes.office, "weight": lanes.labelled}
    )
    assert rows.groupby("importer")["broker"].nunique().max() <= 3
    by_office = rows.groupby(["importer", "office"])["weight"].sum()
    usual = by_office.groupby("importer").max().sum() / by_office.sum()
    assert usual > 0.85


def test_the_year_has_its_seasons_a_drift_and_one_shock(world: World):
    def share(month: int, rows: np.ndarray) -> float:
        weights = world.month_weights(month)
        return float(weights[rows].sum() / weights.sum())

    lanes, law = world.lanes, tariff.schedule()
    toys = law.chapters[lanes.code] == 95
    assert share(10, toys) > 1.4 * share(4, toys)
    china = lanes.departure == world.values["country"].index("CN")
    assert share(1, china) < 0.8 * share(12, china)
    assert share(2, china) < share(3, china)
    textiles = law.chapters[lanes.code] == 63
    assert share(4, textiles) > 1.7 * share(16, textiles)
    # Drift: the lanes of a later month are further from the first month's than those of the next one.
    quiet = [lane_factors(world.importers, lanes, world.values, month) for month in (9, 10, 17)]
    distance = [np.average(np.abs(quiet[0] - other), weights=lanes.weight) for other in quiet[1:]]
    assert distance[1] > 1.5 * distance[0]


def test_the_months_make_up_the_volume_that_was_asked_for():
    rows = [month_rows(24_700_000, month) for month in range(18)]
    assert sum(rows) == 24_700_000
    assert np.mean([month_volume(month) for month in range(18)]) == pytest.approx(1)


def test_goods_arrive_before_they_are_declared(form: pd.DataFrame):
    arrival, stored, declared = (pd.to_datetime(form[c]) for c in ("arrival_date", "warehousing_date", "date"))
    assert (arrival <= stored).all()
    assert (stored <= declared).all()
    waited = (declared - arrival).dt.days
    assert waited[form["mode_of_transport"] == "10"].mean() > waited[form["mode_of_transport"] == "40"].mean() + 1


def test_masses_heap_on_round_values(form: pd.DataFrame):
    mass = form["net_mass"]
    mantissa = mass / 10 ** np.floor(np.log10(mass))
    round_values = np.isin(np.round(mantissa, 3), [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8])
    # Written with two digits, the ten round ones of ninety mantissas would hold about a quarter of the masses.
    assert round_values.mean() > 0.4
    assert (mass == 24_000).sum() > 2.5 * (mass == 23_000).sum()


def test_taxes_follow_from_price_and_rate(form: pd.DataFrame):
    full = np.floor(form["item_price"] * form["tax_rate"] / 1000) * 10
    assert (form["duty"] + form["duty_reduction"] == full).all()
    cost = form["invoice_amount"] * form["exchange_rate"] + form["freight"] + form["insurance"]
    assert np.allclose(cost, form["item_price"], rtol=1e-3, atol=20)


def test_names_are_korean_and_english_and_unlike_one_another(form: pd.DataFrame):
    hangul = re.compile("[가-힣]")
    assert form["importer_id"].map(lambda name: bool(hangul.search(name))).all()
    assert form["declarant_id"].map(lambda name: bool(hangul.search(name))).all()
    sellers = form.loc[form["seller_id"] != "", "seller_id"]
    assert not sellers.map(lambda name: bool(hangul.search(name))).any()
    assert sellers.str.fullmatch(r".+ [A-Z]{2}\d{5}").all()


def test_names_are_unique_among_all_parties(world: World):
    for names in (world.importer_names.names, world.declarant_names, world.seller_names, world.courier_names):
        assert len(set(names)) == len(names)


def test_the_schedule_is_a_table_of_real_chapters_with_the_lower_rate_that_a_claim_brings():
    table = tariff.tariff_schedule().to_pandas()
    assert list(table.columns) == ["hs10_code", "tax_type", "tax_rate"]
    assert not table.duplicated(["hs10_code", "tax_type"]).any()
    assert set(table["hs10_code"].str[:2]) == {f"{n:02d}" for n in range(1, 98) if n != 77}
    rates = table.pivot(index="hs10_code", columns="tax_type", values="tax_rate")
    assert rates["A"].notna().all()
    lower = rates[["C", "FCN1", "FEU1", "FUS1", "FAS1", "FVN1", "FIN1"]]
    assert (lower.lt(rates["A"], axis=0) | lower.isna()).all().all()
    # Rates hang on the heading, not on the code.
    assert rates["A"].groupby(rates.index.str[:4]).nunique().max() == 1
    routes = tariff.claim_routes().to_pandas()
    assert set(routes.loc[routes["tax_type"] == "FCN1", "country_of_origin"]) == {"CN"}
    assert ("FVN1", "VN", "VN") in set(routes.itertuples(index=False, name=None))


def test_the_schedule_convicts_a_wrong_rate_claim_or_route():
    table = tariff.tariff_schedule().to_pandas()
    code, rate = table.loc[table["tax_type"] == "FVN1", ["hs10_code", "tax_rate"]].iloc[0]

    def lawful(**changed: object) -> bool:
        row = {
            "hs10_code": code, "tax_type": "FVN1", "tax_rate": rate,
            "country_of_origin": "VN", "country_of_departure": "VN",
        } | changed  # fmt: skip
        return bool(tariff.lawful_tuples(pa.table({name: [value] for name, value in row.items()}))[0])

    assert lawful()
    assert lawful(country_of_departure="HK")
    assert not lawful(tax_rate=rate + 0.1)
    assert not lawful(country_of_origin="CN")
    assert not lawful(country_of_departure="US")
    assert not lawful(hs10_code="7700000000")
