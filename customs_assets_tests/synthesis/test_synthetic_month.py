"""A synthetic month from a file of declarations and a trained CTGAN: lawful, consistent, private to the k rule."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customs_assets.anonymization.identities import anonymize
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices, unit_prices_of
from customs_assets.declaration import RELEASED_NAMES, RELEASED_TUPLE
from customs_assets.disclosure.confidential import confidential_pairs, no_pairs
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population, count_population
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.lake import Lake, to_frame
from customs_assets.source.address import open_source
from customs_assets.synthesis.month import SyntheticMonth, synthesize_month
from customs_assets.synthesis.releasable import Disclosed, releasable_month
from customs_assets.synthesis.steps import fit_model
from customs_assets_tests.disclosing import DOMINANCE, law_that_allows

MONTH, K = "2020-02", 5


@pytest.fixture(scope="module")
def declarations(small_source: Path) -> pd.DataFrame:
    labelled = to_frame(open_source(str(small_source)).read_month(MONTH).declarations)
    return anonymize(labelled.astype({"fraud": "int8", "critical_fraud": "int8"}), b"k" * 32)


@pytest.fixture(scope="module")
def made(declarations: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory, learned) -> SyntheticMonth:
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(str(folder))
    lake.write_table("labelled_declarations", declarations, MONTH)
    averages = average_prices(lake.connect(), lake.sql_path("labelled_declarations", MONTH), K)
    unit_prices = noisy_prices(averages, 0)
    model = fit_model(declarations, unit_prices, month=MONTH, min_group=K, epochs=2, root=1)
    all_months = learned(declarations, unit_prices, folder, 1, MONTH)
    return synthesize_month(model, declarations, unit_prices, all_months, month=MONTH, min_group=K, root=1, rows=400)


def test_the_month_is_lawful_and_consistent_and_copies_nobody(made: SyntheticMonth, declarations: pd.DataFrame):
    rows = made.declarations
    assert list(rows.columns) == list(RELEASED_NAMES)
    assert (len(rows), made.drafts, made.copies) == (400, 1600, 0)
    assert rows["date"].dt.strftime("%Y-%m").eq(MONTH).all()
    source = declarations.assign(hs6_code=declarations["hs10_code"].str[:6])
    lawful = set(map(tuple, source[list(RELEASED_TUPLE)].to_numpy()))
    assert set(map(tuple, rows[list(RELEASED_TUPLE)].to_numpy())) <= lawful
    for column in ("net_mass", "item_price"):
        assert rows[column].between(source[column].min() / 5, source[column].max() * 5).all()


def test_every_tuple_rests_on_k_importers(made: SyntheticMonth, declarations: pd.DataFrame):
    source = declarations.assign(hs6_code=declarations["hs10_code"].str[:6])
    columns = list(RELEASED_TUPLE)
    distinct = source.groupby(columns)["importer_id"].nunique().rename("importers").reset_index()
    shown = made.declarations[columns].drop_duplicates().merge(distinct, on=columns, how="left")
    assert (shown["importers"] >= K).all()


def test_what_is_made_of_confidential_goods_does_not_depend_on_what_they_weighed(raw_month, tmp_path: Path):
    """The attack: what a kilogram of the goods costs in the release. Without the request it is what it costs in the source."""
    declared = raw_month.anonymized()
    codes = declared["hs10_code"].str[:6]
    goods = codes == codes.mode()[0]
    heavier = declared.assign(net_mass=declared["net_mass"].where(~goods, 50 * declared["net_mass"]))
    law, k = law_that_allows(declared), 3
    population = Population.of_frames([count_population(declared)])
    parts = SafeParts(count_safe_parts(population, law, k, DOMINANCE))
    lake = Lake(str(tmp_path))
    lake.write_table("anonymized_declarations", declared, MONTH)
    safe = SafeGroups(count_safe_groups(lake, [MONTH], k))
    request = {
        "row": 2,
        "hs_code": codes.mode()[0],
        "country_of_origin": "",
        "importer_id": "",
        "grade": "all quantity",
    }
    asked, _ = confidential_pairs(pd.DataFrame([request]), population)

    def shown(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        tuples = disclosed_tuples(rows, parts, law, min_group=k, dominance=DOMINANCE, root=1, confidential=pairs)
        prices = unit_prices_of(rows, k, 1)
        month = releasable_month(rows, prices, Disclosed(safe, tuples), month=MONTH, min_group=k, root=1)
        return month.codec.with_prices(month.model_rows)

    of_goods = goods.to_numpy()
    plain = [shown(rows, no_pairs())[of_goods] for rows in (declared, heavier)]
    per_kilogram = [float((rows["item_price"] / rows["net_mass"]).median()) for rows in plain]
    assert per_kilogram[0] / per_kilogram[1] == pytest.approx(50, rel=0.3), "the attack works"
    pd.testing.assert_frame_equal(shown(declared, asked), shown(heavier, asked), check_exact=True)


def test_what_few_importers_of_the_month_paid_and_what_was_found_do_not_stay_though_others_had_it_in_other_months(
    raw_month, tmp_path: Path
):
    """All who declared some goods in this month paid the dearer price and were found out. In two other months many did, and paid
    either price."""
    declared, k = raw_month.anonymized(), 3
    usual = declared["hs10_code"].str[:6] == declared["hs10_code"].str[:6].mode()[0]
    goods = declared[usual].iloc[0]
    same = ["hs10_code", "country_of_origin", "country_of_departure", "tax_type", "tax_rate"]
    cheap = declared.assign(**{name: declared[name].where(~usual, goods[name]) for name in same})
    # Neither is among the least or largest of the month.
    price = round(float((declared["item_price"] / declared["net_mass"])[~usual].median()), -1)
    other = round(1.1 * price, -1)
    cheap.loc[usual, ["net_mass", "item_price", "fraud", "critical_fraud"]] = [10.0, 10 * price, 0, 0]
    dear = cheap.copy()
    dear.loc[usual, ["item_price", "fraud", "critical_fraud"]] = [10 * other, 1, 1]
    assert declared.loc[usual, "importer_id"].nunique() > k
    law, lake = law_that_allows(dear), Lake(str(tmp_path))
    parts = SafeParts(count_safe_parts(Population.of_frames([count_population(dear)]), law, k, DOMINANCE))
    of_two = dear["importer_id"].where(~usual, dear["importer_id"].mode()[0])
    first_two = dear.loc[usual, "importer_id"].unique()[: k - 1]
    of_two[usual] = [first_two[place % len(first_two)] for place in range(int(usual.sum()))]
    now = dear.assign(importer_id=of_two)
    for month, rows in (("2020-03", cheap), ("2020-04", dear), (MONTH, now)):
        lake.write_table("anonymized_declarations", rows, month)
    safe = SafeGroups(count_safe_groups(lake, [MONTH, "2020-03", "2020-04"], k))

    def shown(rows: pd.DataFrame, root: int) -> pd.DataFrame:
        tuples = disclosed_tuples(rows, parts, law, min_group=k, dominance=DOMINANCE, root=1)
        disclosed, prices = Disclosed(safe, tuples), unit_prices_of(rows, k, 1)
        return releasable_month(rows, prices, disclosed, month=MONTH, min_group=k, root=root).model_rows[
            usual.to_numpy()
        ]

    for_many = shown(dear, 1)
    kept = for_many["unit_price"].notna().to_numpy()
    assert kept.any() and for_many["unit_price"][kept].eq(other).all(), "k importers of the month paid it"
    for_few = pd.concat([shown(now, root) for root in range(4)])
    assert not for_few["safe_as_declared"].any(), "the label would come with the goods"
    drawn = for_few["unit_price"].dropna()
    # As likely as all declarations of the three months had it: one in three.
    assert 0.2 < (drawn == price).mean() < 0.5 and drawn.isin([price, other]).all()
