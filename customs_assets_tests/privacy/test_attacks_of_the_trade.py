"""The attacks of this trade: each convicts a release that leaks what it looks for, and lets a release pass that does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.interval_coverage import clustered_rows
from customs_assets.claims import Claim
from customs_assets.disclosure.population import Population, count_population
from customs_assets.privacy import CannotBeMeasured, NothingToAttack
from customs_assets.privacy.cells import MONTH, PRICE_BAND, alike, column, numbered
from customs_assets.privacy.claims import attack_claims
from customs_assets.privacy.complementary import complementary
from customs_assets.privacy.declared import Declared, Half
from customs_assets.privacy.dominant_totals import dominant_totals, largest
from customs_assets.privacy.goals import TARGETS
from customs_assets.privacy.group_disclosure import group_disclosure
from customs_assets.privacy.inspected import inspected, weights_by_volume
from customs_assets.privacy.rehearsal import Rehearsal, halves_of
from customs_assets.privacy.replicated_uniques import disclosive, replicated_uniques
from customs_assets.privacy.risk import Guesses, Risk, risk_of_guesses, strongest

LIMIT, IMPORTERS, ROWS = 0.15, 200, 12

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def sides() -> Frames:
    """Rows of importers of one world, other ones each: a fresh table, training and control."""
    rng = np.random.default_rng(5)
    fresh, training, control = (clustered_rows(rng, IMPORTERS, ROWS, prefix) for prefix in "FAC")
    return fresh, training, control


def _instead(kept: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Kept rows, and fresh ones up to the size of the fresh table."""
    return pd.concat([kept, fresh.iloc[: max(len(fresh) - len(kept), 0)]], ignore_index=True)


# Cells and values.


def test_cells_are_numbered_alike_in_all_tables(declarations):
    first = declarations(rows=3, office_id=["10", "20", "10"], date=["2020-01-02", "2020-01-31", "2020-02-01"])
    second = declarations(rows=2, office_id=["20", "30"], date=["2020-01-15", "2020-01-15"])
    (one, two), count = numbered([first, second], ["office_id", MONTH])
    assert count == 4
    assert len(set(one)) == 3 and two[0] == one[1] and two[1] not in one
    priced = declarations(rows=4, item_price=[0.0, 4.0, 7.9, 8.0])
    assert column(priced, PRICE_BAND)[1:].tolist() == [2.0, 2.0, 3.0]


def test_one_value_of_a_cell_by_hand():
    one, which = alike(np.array([0, 0, 2, 2, 3]), np.array([4, 4, 1, 2, 0]), 5)
    assert one.tolist() == [True, False, False, True, False]
    assert which[[0, 3]].tolist() == [4, 0]


# Risks of several ways.


def test_the_strongest_way_has_the_highest_bound_of_all_and_ways_without_a_victim_are_left_out():
    importers = np.arange(100)

    def way(right: int, name: str) -> Risk:
        hit = Guesses.on_importers(importers, importers, importers < right)
        miss = Guesses.on_importers(importers, importers, importers < 5)
        return risk_of_guesses(hit, miss, 0, name, 2)

    nobody = Guesses(np.zeros(100), np.zeros(100))
    everybody = Guesses(np.ones(100), np.zeros(100))

    def no_victim() -> Risk:
        return risk_of_guesses(nobody, everybody, 0, "nobody", 2)

    def no_control() -> Risk:
        return risk_of_guesses(everybody, nobody, 0, "alone", 2)

    def leak() -> Risk:
        return risk_of_guesses(Guesses(np.ones(100), np.ones(100)), nobody, 10, "alone", 2)

    found = strongest([no_victim, lambda: way(5, "weak"), lambda: way(80, "strong")])
    assert found.way == "strong"
    assert found.clustered_upper == max(way(5, "").clustered_upper, way(80, "").clustered_upper)
    # All guesses are right, and the release shows nothing of other importers: no weaker way hides that.
    alone = strongest([no_victim, lambda: way(5, "weak"), leak])
    assert alone.way == "alone"
    assert alone.lower_bound > 0.5
    # Two guesses say nothing, whatever they hit.
    pair = Guesses.on_importers(importers, importers[:2], np.array([True, False]))
    few = strongest([lambda: way(5, "weak"), lambda: risk_of_guesses(pair, pair, 0, "two", 2)])
    assert few.clustered_upper == way(5, "").clustered_upper
    with pytest.raises(NothingToAttack, match="nobody: there is nobody"):
        strongest([no_victim])
    with pytest.raises(CannotBeMeasured, match="alone: 100 guesses, and none of other importers"):
        strongest([no_victim, no_control])


def test_a_limit_is_excluded_by_all_ways_together_and_by_each_that_finds_more_than_chance():
    importers = np.arange(1000)

    def hits(guesses: int, right: int) -> Guesses:
        return Guesses.on_importers(importers, importers[:guesses], importers[:guesses] < right)

    def way(guesses: int, right: int, right_of_control: int) -> Risk:
        return risk_of_guesses(hits(guesses, right), hits(guesses, right_of_control), 0, "", 3)

    wide, narrow = way(60, 21, 18), way(600, 180, 180)
    assert wide.upper_bound == wide.clustered_upper > LIMIT > narrow.upper_bound, (
        "sixty guesses exclude nothing by themselves"
    )
    together = strongest([lambda: wide, lambda: narrow])
    assert together.clustered_upper == wide.clustered_upper, "the goal is asked of each way"
    assert narrow.upper_bound < together.upper_bound + 0.01 < LIMIT
    leak = way(60, 50, 18)
    assert leak.lower_bound > 0
    found = strongest([lambda: leak, lambda: narrow, lambda: narrow])
    assert found.upper_bound == leak.clustered_upper > LIMIT, "no weaker way hides it"


def test_a_leak_of_ordinary_size_does_not_pass_beside_ways_of_many_guesses():
    """It lies above chance by the measure of its own claim, and not by that of all claims together, which convicts."""
    importers = np.arange(2000)

    def way(guesses: int, right: int, right_of_control: int) -> Risk:
        sides = [
            Guesses.on_importers(importers, importers[:guesses], importers[:guesses] < n)
            for n in (right, right_of_control)
        ]
        return risk_of_guesses(sides[0], sides[1], 0, "", 4)

    leak, harmless = way(246, 118, 86), way(760, 260, 255)
    assert leak.lower_bound == 0 and leak.beyond_chance and leak.value > LIMIT
    found = strongest([lambda: leak, lambda: harmless, lambda: harmless])
    assert found.upper_bound == leak.clustered_upper > LIMIT
    chance = way(246, 92, 86)
    assert not chance.beyond_chance
    assert strongest([lambda: chance, lambda: harmless, lambda: harmless]).upper_bound < LIMIT


@pytest.mark.parametrize(("own", "of_others"), [(6, 3), (3, 3), (3, 6)])
def test_what_one_importer_pays_is_not_usual_however_many_declarations_it_has(own: int, of_others: int):
    """Each of 200 products is one importer's on either side; the release shows what the one of training pays."""

    def side(rows: int, name: str, price: float) -> pd.DataFrame:
        products = np.repeat([f"{10_0000 + n}" for n in range(200)], rows)
        return pd.DataFrame(
            {
                "date": pd.Timestamp("2020-01-15"),
                "hs6_code": products,
                "country_of_origin": "CN",
                "importer_id": np.char.add(name, products.astype(str)),
                "seller_id": "",
                "office_id": np.tile(["020", "030"], len(products))[: len(products)],
                "critical_fraud": 0,
                "net_mass": 1.0,
                "item_price": price,
            }
        )

    training, control = side(own, "T", 1000.0), side(of_others, "C", 10.0)
    shown = pd.concat([side(1, name, 1000.0) for name in "XY"], ignore_index=True)
    found = group_disclosure(shown, training, control, 5)
    assert found.lower_bound > LIMIT and found.successes == found.attacks == 400


def test_an_attack_that_hardly_finds_anybody_is_held_to_name_a_tenth_of_the_importers():
    importers = np.arange(1000)
    few = Guesses.on_importers(importers, importers[:30], importers[:30] < 10)
    lone = risk_of_guesses(few, few, 0, "", 2)
    found = strongest([lambda: lone])
    # Ten right of a hundred guesses, on either side.
    assert found.upper_bound == pytest.approx(0.11, abs=0.02) and lone.upper_bound > 0.3
    all_right = Guesses.on_importers(importers, importers[:30], importers[:30] < 30)
    leak = risk_of_guesses(all_right, few, 0, "", 2)
    assert strongest([lambda: leak]).lower_bound == leak.lower_bound > LIMIT, "what convicts is not thinned"
    small = Guesses.on_importers(np.arange(30), np.arange(6), np.arange(6) < 2)
    assert strongest([lambda: risk_of_guesses(small, small, 0, "", 2)]).upper_bound > 0.5, (
        "thirty importers exclude nothing"
    )


def test_guesses_need_not_be_as_many_on_control_as_on_training():
    many = Guesses.on_importers(np.arange(400), np.arange(400), np.arange(400) % 2 == 0)
    few = Guesses.on_importers(np.arange(40), np.arange(40), np.arange(40) % 4 == 0)
    found = risk_of_guesses(many, few, 0, "", 1)
    assert (found.attacks, found.control_attacks, found.successes, found.control_successes) == (400, 40, 200, 10)
    assert found.value == pytest.approx((0.5 - 0.27) / (1 - 0.27), abs=0.01), "Wilson draws a quarter of 40 to 0.27"


# Dominance.


def test_the_largest_importers_of_cells_by_hand():
    found = largest(np.array([3, 3, 1, 3, 3]), np.array([0, 1, 1, 0, 2]), np.array([4.0, 7.0, 2.0, 5.0, 1.0]))
    assert found.cell.tolist() == [1, 3]
    assert found.importer.tolist() == [1, 0]
    assert (found.first.tolist(), found.second.tolist()) == ([2.0, 9.0], [0.0, 7.0])
    assert (found.total.tolist(), found.importers.tolist()) == ([2.0, 17.0], [1, 3])


def test_sums_give_dominating_importers_away_where_their_rows_are_kept(sides: Frames):
    fresh, training, control = sides
    cells = training.groupby(["hs6_code", "country_of_origin"])["item_price"]
    own = training.groupby(["hs6_code", "country_of_origin", "importer_id"])["item_price"].transform("sum")
    kept = training[own >= 0.75 * cells.transform("sum")]
    codes = set(zip(kept["hs6_code"], kept["country_of_origin"], strict=True))
    others = [pair not in codes for pair in zip(fresh["hs6_code"], fresh["country_of_origin"], strict=True)]
    # As many rows as training has, because the attacker scales sums by the number of declarations.
    rest = fresh[others].sample(len(training) - len(kept), replace=True, random_state=1)
    leaking = pd.concat([kept, rest], ignore_index=True)
    found = dominant_totals(leaking, training, control)
    assert found.lower_bound > LIMIT, found
    honest = dominant_totals(fresh, training, control)
    assert honest.lower_bound == 0.0 and honest.value < 0.05, honest


def test_where_nobody_dominates_there_is_nobody_to_attack(declarations):
    rows = declarations(rows=12, importer_id=[f"I{n}" for n in range(12)])
    with pytest.raises(NothingToAttack, match="there is nobody to guess of"):
        dominant_totals(rows, rows, rows)


# Complementary disclosure.


def test_what_is_left_of_an_official_total_gives_an_importer_away_whose_rows_were_taken_out(world):
    training, control = world.training, world.control
    declared = Declared.of_inspected(training, control)
    cell = ["hs6_code", "country_of_origin"]
    own = training.groupby([*cell, "importer_id"])["net_mass"].sum()
    giant = own.groupby(cell).idxmax().tolist()
    taken_out = pd.MultiIndex.from_frame(training[[*cell, "importer_id"]]).isin(giant)
    found = complementary(training[~taken_out], declared)
    assert found.lower_bound > LIMIT, found
    honest = complementary(world.fresh, declared)
    assert honest.lower_bound == 0.0, honest


def test_that_a_release_shows_much_of_what_is_declared_much_leaves_nobody_over():
    """Rows drawn from the population know how much was declared of a cell, and of no importer in particular."""
    rng = np.random.default_rng(3)
    everyone = [_of_many_volumes(rng, prefix, most=4) for prefix in "AC"]
    declared = Declared(_half(everyone[0]), _half(everyone[1]))
    drawn = everyone[0][rng.random(len(everyone[0])) < 0.5]
    found = complementary(drawn, declared)
    assert found.lower_bound == 0 and found.value < 0.05, found
    assert found.upper_bound < LIMIT, found


# Groups.


def test_groups_that_are_kept_with_one_value_give_their_importers_away(sides: Frames):
    fresh, training, control = sides
    found = group_disclosure(training, training, control)
    assert found.lower_bound > LIMIT, found
    cell = training.groupby(["hs6_code", "country_of_origin"])["office_id"]
    kept = training[(cell.transform("nunique") == 1)]
    found = group_disclosure(_instead(kept, fresh), training, control)
    assert found.way == "office of all of a group" and found.lower_bound > LIMIT, found
    honest = group_disclosure(fresh, training, control)
    assert honest.lower_bound <= LIMIT, honest


def test_the_usual_price_of_goods_is_no_news_of_a_group_and_another_is(declarations):
    """Rows of one code in two months: 10 a kilogram is usual, and February is shown with 90."""
    rows = declarations(
        rows=7,
        importer_id=["I1", "I2", "I3", "I4", "I5", "I6", "I7"],
        date=["2020-01-03"] * 5 + ["2020-02-03"] * 2,
        net_mass=1.0,
        item_price=[10.0] * 5 + [90.0] * 2,
        country_of_origin=["CN", "DE", "US", "JP", "VN", "FR", "IT"],
        seller_id=[f"S{number}" for number in range(7)],
        office_id=["10", "20", "10", "20", "10", "20", "10"],
    )
    found = group_disclosure(rows, rows, rows)
    assert (found.way, found.attacks, found.successes) == ("price of all of a group", 2, 2)


def test_a_release_of_unusual_prices_alone_does_not_make_them_usual(declarations):
    """Of thirty codes four importers paid 10 and two 1,000, from elsewhere; the release shows the two alone."""
    codes = [f"85{number:04d}" for number in range(30)]
    training = pd.concat(
        [
            declarations(
                rows=6,
                hs10_code=code + "0000",
                importer_id=[f"I{code}{place}" for place in range(6)],
                country_of_origin=["CN"] * 4 + ["VN"] * 2,
                country_of_departure=["CN"] * 4 + ["VN"] * 2,
                date=["2020-01-03"] * 4 + ["2020-02-03"] * 2,
                net_mass=1.0,
                item_price=[10.0] * 4 + [1000.0] * 2,
            )
            for code in codes
        ],
        ignore_index=True,
    )
    control = training.assign(importer_id="C" + training["importer_id"], item_price=10.0)
    found = group_disclosure(training[training["country_of_origin"] == "VN"], training, control)
    assert (found.way, found.attacks, found.successes, found.control_successes) == (
        "price of all of a group",
        120,
        120,
        0,
    )


def test_that_nothing_was_found_and_that_nobody_sold_is_no_news_of_a_group(declarations):
    rows = declarations(
        rows=4,
        importer_id=["I1", "I2", "I1", "I2"],
        seller_id="",
        office_id=["10", "20", "10", "20"],
        item_price=[1.0, 900.0, 1.0, 900.0],
    )
    with pytest.raises(NothingToAttack):
        group_disclosure(rows, rows, rows)
    caught = rows.assign(critical_fraud=2)
    found = group_disclosure(caught, caught, rows)
    assert (found.way, found.attacks, found.successes, found.control_successes) == ("fraud of all of a group", 4, 4, 0)


# Inspected or not.


def _half(rows: pd.DataFrame) -> Half:
    by_month = {str(name): part for name, part in rows.groupby(rows["date"].dt.strftime("%Y-%m"))}
    counted = {name: count_population(part.assign(hs10_code=part["hs6_code"])) for name, part in by_month.items()}
    return Half(
        Population.of_frames(counted.values()), {name: Population.of_frames([one]) for name, one in counted.items()}
    )


def test_a_release_that_keeps_rare_tuples_in_their_month_shows_who_was_inspected():
    rng = np.random.default_rng(9)
    everyone = [clustered_rows(rng, 300, 12, prefix) for prefix in "AC"]
    training, control = (rows[rng.random(len(rows)) < 0.2].reset_index(drop=True) for rows in everyone)
    declared = Declared(_half(everyone[0]), _half(everyone[1]))
    found = inspected(training, training, control, declared)
    assert found.lower_bound > LIMIT, found
    # The same importers, whichever of their declarations were inspected.
    independent = everyone[0][rng.random(len(everyone[0])) < 0.2]
    honest = inspected(independent, training, control, declared)
    assert honest.lower_bound <= 0.05, honest
    assert inspected(training, training, control, declared) == found


def _of_many_volumes(rng: np.random.Generator, prefix: str, most: int = 60) -> pd.DataFrame:
    """Declarations of 1,500 importers, each of four cells of few importers: 1 to ``most`` declarations a cell."""
    rows = pd.DataFrame({"importer_id": [f"{prefix}{i}" for i in range(1500) for _ in range(4)]})
    goods = rng.integers(0, 2000, len(rows))
    rows["hs6_code"] = np.char.add("85", np.char.zfill(goods.astype(str), 4))
    rows["country_of_origin"] = rows["country_of_departure"] = "CN"
    rows["date"] = pd.Timestamp("2020-01-15")
    rows["tax_type"], rows["tax_rate"] = "A", 8.0
    rows["net_mass"] = rows["item_price"] = 10.0
    rows = rows.loc[np.repeat(rows.index, np.exp(rng.uniform(0, np.log(most + 1), len(rows))).astype(int))]
    return rows.reset_index(drop=True)


def test_that_who_declares_much_is_inspected_and_shown_is_no_news():
    """A release of declarations drawn from the population shows what is declared often, and knows nothing of inspections."""
    rng = np.random.default_rng(12)
    everyone = [_of_many_volumes(rng, prefix) for prefix in "AC"]
    training, control = (rows[rng.random(len(rows)) < 0.03].reset_index(drop=True) for rows in everyone)
    declared = Declared(_half(everyone[0]), _half(everyone[1]))
    drawn = everyone[0][rng.random(len(everyone[0])) < 0.03]
    found = inspected(drawn, training, control, declared)
    assert found.lower_bound == 0 and found.value < 0.03, found
    assert found.upper_bound < LIMIT, found
    assert inspected(training, training, control, declared).lower_bound > 0.1


def test_guesses_are_weighed_to_the_volumes_of_others():
    like = np.array([1, 1, 1, 2, 50])
    own = np.array([1, 1, 2, 9, 9, 9])
    weights = weights_by_volume(like, own)
    # Three of five are of one declaration, one of two; fifty are nearest to nine.
    assert weights == pytest.approx([1.8, 1.8, 1.2, 0.4, 0.4, 0.4])
    assert weights_by_volume(np.zeros(0), own).tolist() == [1.0] * 6


def test_where_everything_was_inspected_that_one_was_is_no_news(world):
    declared = Declared.of_inspected(world.training, world.control)
    with pytest.raises(NothingToAttack, match="every declaration was inspected"):
        inspected(world.training, world.training, world.control, declared)


def test_declared_is_halved_by_importer(world):
    both = pd.concat([world.training, world.control], ignore_index=True)
    whole = _half(both)
    control = set(world.control["importer_id"])
    declared = Declared.of(whole.together, whole.by_month, lambda importers: importers.isin(control).to_numpy())
    assert set(declared.control.together.importers) == control
    assert set(declared.training.together.importers) == set(world.training["importer_id"])
    months = [
        population.contributions([])[1]["declarations"].sum() for population in declared.control.by_month.values()
    ]
    assert sum(months) == len(world.control)


def test_a_rehearsals_population_is_halved_as_its_declarations_are(world):
    both = pd.concat([world.training, world.control], ignore_index=True)
    training, control = halves_of(both, b"a secret")
    rehearsal = Rehearsal(world.fresh, training, control, epochs=1)
    whole = _half(both)
    declared = rehearsal.beside(whole.together, whole.by_month, b"a secret").declared
    assert declared is not None
    for half, rows in ((declared.training, training), (declared.control, control)):
        assert set(half.together.importers) == set(rows["importer_id"])
        assert half.together.contributions([])[1]["declarations"].sum() == len(rows)


# RepU and DiSCO.


def test_replicated_uniques_and_disclosive_records_by_hand(declarations):
    keys = {"office_id": ["1", "2", "2", "3", "4"], "importer_id": ["I1", "I2", "I3", "I4", "I5"]}
    original = declarations(rows=5, critical_fraud=[0, 1, 1, 2, 0], **keys)
    # Office 1 is unique in both; 2 is not in the original; 3 is not in the synthetic; 4 is in the original alone.
    synthetic = declarations(rows=5, office_id=["1", "2", "3", "3", "9"], critical_fraud=[1, 1, 2, 2, 0])
    found = replicated_uniques(synthetic, original, original)
    assert (found.attacks, found.successes, found.baseline_successes) == (5, 1, 3)
    # All synthetic rows of office 2 and of office 3 have one label each, the original's own; of office 1 another one.
    found = disclosive(synthetic, original, original, "critical_fraud")
    assert (found.successes, found.baseline_successes) == (3, 5)


def _with_own_keys(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return rows.assign(office_id=rng.integers(10, 100, len(rows)).astype(str).astype(object))


def test_copied_uniques_and_their_secrets_are_convicted_and_fresh_rows_are_not(sides: Frames):
    fresh, training, control = (_with_own_keys(rows, seed) for seed, rows in enumerate(sides))
    cell = training.groupby(["hs6_code", "country_of_origin", "office_id"])["date"]
    uniques = training[cell.transform("size") == 1]
    leaking = _instead(uniques, fresh.iloc[:0])
    assert replicated_uniques(leaking, training, control).lower_bound > LIMIT
    honest = replicated_uniques(fresh, training, control)
    assert honest.lower_bound == 0.0 and honest.clustered_upper < 0.05, honest
    for target in TARGETS:
        assert disclosive(leaking, training, control, target).lower_bound > LIMIT, target
        passed = disclosive(fresh, training, control, target)
        assert passed.lower_bound == 0.0, (target, passed)


# As claims.


def _claims(claims: list[Claim]) -> dict[str, Claim]:
    return {claim.key: claim for claim in claims}


def test_a_share_stands_beside_controls_and_the_originals_own(sides: Frames):
    fresh, training, control = sides
    claims = _claims(attack_claims(fresh, training, control, attacks=50))
    note = claims["replicated uniques"].note
    assert "RepU" in note and "of training" in note and "of control" in note and "(UiO)" in note
    assert "(DiO)" in claims["DiSCO, item_price"].note
    assert claims["inspected or not"].note.startswith("nobody to attack: every declaration was inspected")
    assert claims["inspected or not"].holds
    assert (claims["dominance"].at_most, claims["dominance"].limit) == (0.05, LIMIT)
