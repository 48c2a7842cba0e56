"""Disclosure by parts: what is kept rests on k importers of all, what is drawn says nobody's own, and every tuple is lawful."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.levels import ALL, CODE, LEVELS, with_levels
from customs_assets.disclosure.parts import NOWHERE, SafeParts, effective_law
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.law.law import Law
from customs_assets_tests.disclosure.small_trade import (
    CODE_LAW,
    CODES,
    DOMINANCE,
    NO_DOMINANCE,
    NO_ROUTES,
    NOMENCLATURE,
    PREFIX_LAW,
    K,
    Trade,
    importers_of,
    law_of,
    real_codes,
    trade_of,
)

PARTS = ("code", "origin", "departure", "claim")
WORLDS = ("codes", "prefixes", "none")


class World:
    """A trade, what is safe of it and what is shown of it."""

    def __init__(self, trade: Trade) -> None:
        self.trade = trade
        self.table = trade.safe()
        self.safe = SafeParts(self.table)
        self.tuples = trade.disclosed(self.safe, b"a secret")
        self.declared = trade.inspected.assign(hs6_code=trade.inspected["hs10_code"].str[:6])


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {
        "codes": World(trade_of()),
        "prefixes": World(trade_of(PREFIX_LAW, codes=real_codes())),
        "none": World(trade_of(NOMENCLATURE, codes=real_codes())),
    }


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, worlds: dict[str, World]) -> World:
    return worlds[request.param]


def test_every_declaration_has_a_tuple_and_its_own_id_in_its_place(world: World):
    assert world.tuples["declaration_id"].tolist() == world.trade.inspected["declaration_id"].tolist()
    assert not world.tuples[list(RELEASED_TUPLE)].isna().any(axis=None)


def test_the_small_trade_puts_every_part_to_every_use(worlds: dict[str, World]):
    levels = {part: Counter(worlds["codes"].tuples[f"{part}_level"]) for part in PARTS}
    for part in PARTS:
        assert levels[part][CODE] > 300, part
        assert len(levels[part]) >= 4, part
        assert (worlds["codes"].tuples[f"{part}_pool"] != "").sum() > 20, part


def test_what_is_kept_with_its_code_is_of_k_importers_of_all(world: World):
    behind = {
        "code": ["hs6_code"],
        "origin": ["hs6_code", "country_of_origin"],
        "departure": ["hs6_code", "country_of_origin", "country_of_departure"],
        "claim": ["hs6_code", "country_of_origin", "tax_type"],
    }
    few = 0
    for part, columns in behind.items():
        kept = world.tuples[world.tuples[f"{part}_level"] == CODE]
        if part == "departure":
            kept = kept[kept["country_of_departure"] != kept["country_of_origin"]]
        shown = list(kept[columns].drop_duplicates().itertuples(index=False, name=None))
        counted = [importers_of(trade, columns) for trade in (world.trade.everyone, world.trade.inspected)]
        everyone, inspected = (
            count.reindex(pd.MultiIndex.from_tuples(shown) if len(columns) > 1 else [one for (one,) in shown])
            for count in counted
        )
        assert len(shown) > 10
        assert (everyone >= K).all(), part
        few += int((inspected.fillna(0) < K).sum())
    assert few > 0, "the population decides, and not the inspected declarations"


def test_a_kept_part_is_the_declared_one(world: World):
    tuples, declared = world.tuples, world.declared
    code = tuples["code_level"] == CODE
    origin = code & (tuples["origin_level"] == CODE)
    departure = origin & (tuples["departure_level"] == CODE)
    claim = departure & (tuples["claim_level"] == CODE)
    assert claim.sum() > 150
    for kept, columns in (
        (code, ["hs6_code"]),
        (origin, ["country_of_origin"]),
        (departure, ["country_of_departure"]),
        (claim, ["tax_type", "tax_rate"]),
    ):
        pd.testing.assert_frame_equal(tuples.loc[kept, columns], declared.loc[kept, columns], check_dtype=False)


def test_codes_of_fewer_than_k_importers_are_kept_nowhere_and_safe_ones_change_owners_alone(world: World):
    importers = importers_of(world.trade.everyone, ["hs6_code"])
    few = world.declared["hs6_code"].map(importers).to_numpy() < K
    assert few.sum() > 10
    assert (world.tuples["code_level"][few] != CODE).all()
    shown_few = world.tuples["hs6_code"].map(importers) < K
    assert (world.tuples["code_level"][shown_few.to_numpy()] != CODE).all()


@pytest.mark.parametrize("name", ["codes", "prefixes"])
def test_every_tuple_is_lawful(worlds: dict[str, World], name: str):
    world = worlds[name]
    assert world.trade.law.is_lawful(world.trade.everyone).all()
    assert world.trade.law.is_lawful(world.tuples).all()
    replaced = world.tuples["code_pool"].str.startswith("replacement") | (world.tuples["code_level"] == ALL)
    assert replaced.sum() > 5
    assert set(world.tuples.loc[replaced, "hs6_code"]) <= set(world.trade.law.codes)


def test_without_a_law_rates_and_claims_are_those_that_k_importers_declared(worlds: dict[str, World]):
    world = worlds["none"]
    everyone, tuples = world.trade.everyone, world.tuples
    counted = everyone.assign(heading=everyone["hs10_code"].str[:4]).groupby(["heading", "tax_type", "tax_rate"])
    importers = counted["importer_id"].nunique()
    shown = tuples.assign(heading=tuples["hs6_code"].str[:4])[["heading", "tax_type", "tax_rate"]].drop_duplicates()
    assert (importers.reindex(pd.MultiIndex.from_frame(shown)) >= K).all()
    types = importers_of(everyone, ["tax_type", "country_of_origin"])
    shown = tuples[["tax_type", "country_of_origin"]].drop_duplicates()
    assert (types.reindex(pd.MultiIndex.from_frame(shown)) >= K).all()
    assert set(tuples["hs6_code"]) <= set(world.trade.law.codes)
    assert effective_law(world.trade.law, world.safe).is_lawful(tuples).all()


def test_a_pool_is_of_k_inspected_importers_and_of_several_labels_partners_and_prices(world: World):
    checked = 0
    for part in PARTS:
        pools = world.declared.assign(pool=world.tuples[f"{part}_pool"].to_numpy())
        for name, rows in pools[pools["pool"] != ""].groupby("pool"):
            checked += 1
            assert rows["importer_id"].nunique() >= K, name
            assert rows["critical_fraud"].nunique() > 1, name
            assert rows.loc[rows["seller_id"] != "", "seller_id"].nunique() != 1, name
            assert (rows["item_price"] / rows["net_mass"]).nunique() > 1, name
            for amount in ("item_price", "net_mass"):
                own = rows.groupby("importer_id")[amount].sum().sort_values(ascending=False)
                assert own.iloc[0] < DOMINANCE.one * own.sum(), name
                assert own.iloc[:2].sum() < DOMINANCE.two * own.sum(), name
    assert checked >= 10


def test_the_origins_of_a_pool_are_those_that_its_declarations_had(world: World):
    pools = world.tuples["origin_pool"]
    moved = 0
    for name in set(pools) - {""}:
        here = (pools == name).to_numpy()
        before, after = (rows["country_of_origin"].to_numpy()[here] for rows in (world.declared, world.tuples))
        assert sorted(before) == sorted(after), name
        moved += int((before != after).sum())
    assert moved > 20


def test_the_codes_that_a_pool_exchanges_are_those_that_it_had():
    trade = _with_giants(trade_of(rows=1200, importers=60))
    tuples = trade.tuples(5)
    exchanged = tuples["code_pool"].str.startswith("exchange").to_numpy()
    assert exchanged.sum() > 20
    for name in set(tuples.loc[exchanged, "code_pool"]):
        here = (tuples["code_pool"] == name).to_numpy()
        before = trade.inspected["hs10_code"].str[:6][here]
        assert Counter(before) == Counter(tuples["hs6_code"][here])
        assert max(Counter(before).values()) <= here.sum() / 2


def test_the_same_root_gives_the_same_and_another_root_another(worlds: dict[str, World]):
    world = worlds["codes"]
    again = world.trade.disclosed(SafeParts(world.trade.safe()), b"a secret")
    pd.testing.assert_frame_equal(again, world.tuples)
    columns = list(RELEASED_TUPLE)
    assert not world.trade.disclosed(world.safe, b"another")[columns].equals(world.tuples[columns])


def _with_giants(trade: Trade, codes: int = 8) -> Trade:
    """The trade where one importer has a hundred times the amounts of all others in each of some common codes."""
    common = trade.inspected["hs10_code"].value_counts().index[:codes]

    def with_giants(rows: pd.DataFrame) -> pd.DataFrame:
        turn = rows["declaration_id"].str[1:].astype(int) % 3 == 0
        giant = rows["hs10_code"].isin(common).to_numpy() & turn.to_numpy()
        return rows.assign(
            importer_id=np.where(giant, "giant of " + rows["hs10_code"], rows["importer_id"]),
            item_price=np.where(giant, 1e7, rows["item_price"]),
        )

    return replace(trade, everyone=with_giants(trade.everyone), inspected=with_giants(trade.inspected))


def test_a_dominating_importer_is_shown_elsewhere_and_the_others_stay():
    trade = _with_giants(trade_of(rows=1200, importers=60))
    table = trade.safe()
    tuples = trade.disclosed(SafeParts(table), 3)
    giant = trade.inspected["importer_id"].str.startswith("giant").to_numpy()
    code = trade.inspected["hs10_code"].str[:6]
    safe = set(table.loc[(table["part"] == "code") & (table["importer_id"] == ""), "place"])
    # A giant that would keep less than one declaration still leaves enough others.
    of_giants = code.isin(set(code[giant]) & safe).to_numpy()
    assert (of_giants & giant).sum() > 50
    assert (tuples["code_level"][of_giants & giant] == CODE).mean() < 0.1
    thinned = set(table.loc[(table["part"] == "code") & (table["share"] < 1), "importer_id"])
    honest = of_giants & ~trade.inspected["importer_id"].isin(thinned).to_numpy()
    assert honest.sum() > 100
    assert (tuples["code_level"][honest] == CODE).all()
    # Where the rule is switched off nobody is thinned.
    off = trade.tuples(3, NO_DOMINANCE)
    assert (off["code_level"][of_giants & giant] == CODE).all()


def _rows(groups: list[tuple[str, str, str]], start: int = 0) -> pd.DataFrame:
    """Declarations from (product code of six digits, origin, importer), each with a price, a partner and a label of its own."""
    code, origin, importer = (list(column) for column in zip(*groups, strict=True))
    numbers = np.arange(start, start + len(groups))
    return pd.DataFrame(
        {
            "declaration_id": [f"d{number}" for number in numbers],
            "importer_id": importer,
            "hs10_code": [f"{one}0000" for one in code],
            "country_of_origin": origin,
            "country_of_departure": origin,
            "tax_type": "A",
            "tax_rate": 8.0,
            "seller_id": [f"seller {number}" for number in numbers],
            "net_mass": 10.0,
            "item_price": 100.0 + numbers % 7,
            "fraud": numbers % 2,
            "critical_fraud": numbers % 2,
        }
    )


# As many places as one frame can hold, so that few secrets tell much: headings of four chapters.
# Each has twelve codes in the law.
_PLACES = [f"{chapter}{heading:02d}" for chapter in ("10", "28", "61", "85") for heading in range(1, 26)]
_SAFE, _DECLARED, _NEVER = range(2), range(2, 7), range(7, 12)


@pytest.fixture(scope="module")
def rare_codes() -> tuple[Trade, list[pd.DataFrame]]:
    """In each place two codes of many importers, five of one importer each, with two declarations, and five of nobody."""
    groups = []
    for place in _PLACES:
        groups += [(f"{place}{code:02d}", "CN", f"{place} importer {one}") for code in _SAFE for one in range(K)]
        groups += [(f"{place}{code:02d}", "CN", f"{place} rare {code}") for code in _DECLARED for _ in range(2)]
    law = law_of([(f"{place}{code:02d}", "A", 8.0) for place in _PLACES for code in range(12)], NO_ROUTES)
    trade = Trade(_rows(groups), _rows(groups), law)
    safe = SafeParts(trade.safe(NO_DOMINANCE))
    return trade, [trade.disclosed(safe, root, NO_DOMINANCE) for root in range(4)]


def _one_per_group(trade: Trade, tuples: pd.DataFrame) -> pd.DataFrame:
    """The replaced rows, and of each place: which code was declared and which came out."""
    rows = tuples.assign(own=trade.inspected["hs10_code"].str[:6].to_numpy())
    return rows[rows["code_level"] == "heading"].assign(
        place=rows["own"].str[:4], number=rows["hs6_code"].str[4:].astype(int)
    )


def test_codes_that_are_not_safe_are_replaced_by_others_of_their_place(rare_codes: tuple[Trade, list[pd.DataFrame]]):
    trade, draws = rare_codes
    for tuples in draws:
        replaced = _one_per_group(trade, tuples)
        assert len(replaced) == len(_PLACES) * len(_DECLARED) * 2
        assert (replaced["hs6_code"].str[:4] == replaced["place"]).all()
        assert set(replaced["number"]) == {*_DECLARED, *_NEVER}, "none of them is safe, and all of them come out"


def test_declared_codes_come_out_no_more_often_than_those_that_nobody_declared(
    rare_codes: tuple[Trade, list[pd.DataFrame]],
):
    """Each place of each secret is one trial: the share of its rows that got a declared code is one half on average."""
    trade, draws = rare_codes
    shares = np.concatenate(
        [
            _one_per_group(trade, tuples).groupby("place")["number"].apply(lambda code: code.isin(_DECLARED).mean())
            for tuples in draws
        ]
    )
    assert len(shares) == 4 * len(_PLACES)
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    assert error < 0.02, "the test would see a code that kept its own for one row in ten"
    assert abs(shares.mean() - 0.5) < 2.6 * error


def test_a_row_gets_its_own_code_no_more_often_than_any_other(rare_codes: tuple[Trade, list[pd.DataFrame]]):
    trade, draws = rare_codes
    replaced = pd.concat([_one_per_group(trade, tuples).assign(root=root) for root, tuples in enumerate(draws)])
    own = replaced["own"].eq(replaced["hs6_code"]).groupby([replaced["root"], replaced["place"]]).mean()
    error = own.std(ddof=1) / np.sqrt(len(own))
    assert error < 0.01
    assert abs(own.mean() - 0.1) < 2.6 * error
    # No code is likelier than the others of its kind either.
    trials = pd.get_dummies(replaced["number"]).groupby([replaced["root"], replaced["place"]]).mean()
    errors = trials.std(ddof=1) / np.sqrt(len(trials))
    assert (((trials.mean() - 0.1) / errors).abs() < 3.3).all()


def test_a_place_with_fewer_than_k_other_codes_gives_way_to_a_coarser_one():
    groups = []
    for heading in ("0901", "0902"):
        groups += [(f"{heading}{code:02d}", "CN", f"importer {one}") for code in range(2) for one in range(K)]
        groups += [(f"{heading}{code:02d}", "CN", f"rare {heading} {code} {n}") for code in (2, 3) for n in range(2)]
    # Each heading has K - 1 codes that are not safe; the two together have enough.
    law = law_of(
        [(f"{heading}{code:02d}", "A", 8.0) for heading in ("0901", "0902") for code in range(K + 1)], NO_ROUTES
    )
    trade = Trade(_rows(groups), _rows(groups), law)
    safe = SafeParts(trade.safe(NO_DOMINANCE))
    seen: set[str] = set()
    for root in range(5):
        tuples = trade.disclosed(safe, root, NO_DOMINANCE)
        rare = trade.inspected["importer_id"].str.startswith("rare").to_numpy()
        assert set(tuples["code_level"][rare]) == {"4 headings"}
        seen |= set(tuples["hs6_code"][rare])
    assert seen == {"090102", "090103", "090202", "090203"}


def test_a_code_that_is_in_no_law_does_not_come_out():
    trade = trade_of()
    strange = _rows([("096000", "CN", f"importer {one}") for one in range(6)], start=10_000)
    everyone = pd.concat([trade.everyone, strange], ignore_index=True)
    inspected = pd.concat([trade.inspected, strange], ignore_index=True)
    tuples = replace(trade, everyone=everyone, inspected=inspected).tuples(1)
    assert len(tuples) == len(inspected)
    assert CODE_LAW.is_lawful(tuples).all()
    assert (tuples["code_level"].iloc[-6:] != CODE).all()


def test_without_a_law_a_code_that_k_importers_declared_is_kept_though_the_nomenclature_has_it_not():
    trade = trade_of(NOMENCLATURE, codes=real_codes())
    strange = _rows([("090999", "CN", f"importer {one}") for one in range(6)], start=10_000)
    everyone = pd.concat([trade.everyone, strange], ignore_index=True)
    inspected = pd.concat([trade.inspected, strange], ignore_index=True)
    assert "090999" not in NOMENCLATURE.codes
    tuples = replace(trade, everyone=everyone, inspected=inspected).tuples(1)
    assert (tuples["code_level"].iloc[-6:] == CODE).all()
    assert (tuples["hs6_code"].iloc[-6:] == "090999").all()


def test_a_code_that_is_safe_among_all_declarations_is_kept_where_few_were_inspected():
    trade = trade_of()
    alone = CODES[-1]
    groups = [(alone, "CN", f"other {one}") for one in range(4)]
    everyone = pd.concat([trade.everyone[trade.everyone["hs10_code"] != f"{alone}0000"], _rows(groups, 10_000)])
    inspected = pd.concat(
        [trade.inspected[trade.inspected["hs10_code"] != f"{alone}0000"], _rows(groups[:1], 10_000)], ignore_index=True
    )
    asked = replace(trade, everyone=everyone, inspected=inspected)
    assert asked.tuples(1).iloc[-1][["hs6_code", "code_level"]].tolist() == [alone, CODE]
    # Were there but the inspected, it would go.
    assert replace(asked, everyone=inspected).tuples(1).iloc[-1]["code_level"] != CODE


def test_declarations_without_a_safe_code_are_refused():
    groups = [(code, "CN", f"importer {number}") for number, code in enumerate(CODES)]
    with pytest.raises(TooFewImporters, match=r"none of the 120 declarations .*\(CUSTOMS_MIN_GROUP\)"):
        Trade(_rows(groups), _rows(groups), CODE_LAW).tuples(1)


def test_a_combination_of_one_importer_comes_out_as_often_as_its_neighbours():
    """In each place, four of six codes have BR of one importer each and four have VN: each is in a pool of eight declarations."""
    groups, rare = [], {"BR": range(4), "VN": range(2, 6)}
    for place in _PLACES:
        groups += [(f"{place}{code:02d}", "CN", f"{place} {one}") for code in range(6) for one in range(K)]
        groups += [
            (f"{place}{code:02d}", origin, f"{place} {origin} {code}")
            for origin, codes in rare.items()
            for code in codes
        ]
    law = law_of([(f"{place}{code:02d}", "A", 8.0) for place in _PLACES for code in range(6)], NO_ROUTES)
    trade = Trade(_rows(groups), _rows(groups), law)
    safe = SafeParts(trade.safe(NO_DOMINANCE))
    seen = Counter()
    for root in range(3):
        tuples = trade.disclosed(safe, root, NO_DOMINANCE)
        pool = tuples[tuples["origin_level"] == "heading"]
        assert len(pool) == 8 * len(_PLACES)
        assert set(tuples["code_level"]) == {CODE}
        seen.update(zip(pool["hs6_code"].str[4:].astype(int), pool["country_of_origin"], strict=True))
    trials = 3 * len(_PLACES)
    # Codes 0 and 1 have one declaration in the pool, of BR; codes 4 and 5 one, of VN. Half of each comes out as BR.
    declared, never = seen[0, "BR"] + seen[1, "BR"], seen[4, "BR"] + seen[5, "BR"]
    error = np.sqrt(2 * trials * 0.25)
    assert abs(declared - trials) < 2.6 * error
    assert abs(never - trials) < 2.6 * error
    assert abs(declared - never) < 2.6 * np.sqrt(2) * error


def test_parts_that_find_no_pool_are_drawn_from_what_is_shown_nearby(worlds: dict[str, World]):
    tuples = pd.concat([world.tuples for world in worlds.values()], keys=list(worlds))
    for part, given_by in (("origin", []), ("departure", ["country_of_origin"])):
        nowhere = tuples[tuples[f"{part}_level"] == NOWHERE]
        column = f"country_of_{part}"
        placed = tuples[tuples[f"{part}_level"] != NOWHERE]
        for name, rows in nowhere.groupby(level=0):
            near = placed[placed.index.get_level_values(0) == name]
            known = set(near[[*given_by, column]].itertuples(index=False, name=None))
            shown = set(rows[[*given_by, column]].itertuples(index=False, name=None))
            straight = {pair for pair in shown if len(pair) == 2 and pair[0] == pair[1]}
            assert shown - straight <= known


def test_a_part_never_falls_to_a_finer_level_than_the_one_where_its_own_is_safe(world: World):
    """The origin was declared by k importers at the level it fell to, by a count written out."""
    everyone = with_levels(world.trade.everyone.assign(hs6_code=world.trade.everyone["hs10_code"].str[:6]))
    declared = with_levels(world.declared)
    fell = world.tuples["origin_level"]
    # A replaced code gives its rows another place, so only rows whose code stayed are looked at.
    stayed = (world.tuples["code_level"] == CODE).to_numpy()
    for level in set(fell) - {NOWHERE, ALL}:
        here = stayed & (fell == level).to_numpy()
        importers = everyone.groupby([level, "country_of_origin"])["importer_id"].nunique()
        keys = pd.MultiIndex.from_frame(declared[[level, "country_of_origin"]][here])
        assert (importers.reindex(keys) >= K).all(), level


def test_a_row_whose_new_origin_allows_no_claim_takes_a_whole_tuple_nearby():
    """Half of the codes are open to Europe alone. The origins of the others fall into one pool with theirs."""
    groups = []
    for place in _PLACES[:10]:
        for code, common, rare in ((0, "FR", "DE"), (1, "FR", "DE"), (2, "CN", "BR"), (3, "CN", "BR")):
            groups += [(f"{place}{code:02d}", common, f"{place} {one}") for one in range(K)]
            groups += [(f"{place}{code:02d}", rare, f"{place} {rare} {code} {one}") for one in range(2)]
    codes = [(f"{place}{code:02d}", code) for place in _PLACES[:10] for code in range(4)]
    law = law_of([(code, "FEU" if number < 2 else "A", 8.0) for code, number in codes])
    rows = _rows(groups)
    rows = rows.assign(tax_type=np.where(rows["hs10_code"].str[5].astype(int) < 2, "FEU", "A"))
    tuples = Trade(rows, rows, law).tuples(1, NO_DOMINANCE)
    assert law.is_lawful(rows).all()
    assert law.is_lawful(tuples).all()
    whole = (tuples["code_level"] == NOWHERE).to_numpy()
    assert whole.sum() > 10
    # A whole tuple is one that a row shows as it was declared.
    columns = list(RELEASED_TUPLE)
    kept = tuples[(tuples[[f"{part}_level" for part in PARTS]] == CODE).all(axis=1)][columns]
    assert set(tuples.loc[whole, columns].itertuples(index=False)) <= set(kept.itertuples(index=False))


def test_where_the_law_has_too_few_other_codes_a_code_that_is_kept_takes_the_place():
    groups = [(f"09010{code}", "CN", f"importer {one}") for code in range(2) for one in range(K)]
    groups += [("090102", "CN", f"rare {one}") for one in range(2)]
    law = law_of([(f"09010{code}", "A", 8.0) for code in range(3)], NO_ROUTES)
    tuples = Trade(_rows(groups), _rows(groups), law).tuples(1, NO_DOMINANCE)
    assert tuples["code_level"].tolist() == [CODE] * 2 * K + [NOWHERE] * 2
    assert set(tuples["hs6_code"]) == {"090100", "090101"}


_ONE = {"critical_fraud": 1, "seller_id": "the one seller", "item_price": 500.0, "country_of_origin": "BR"}


@pytest.mark.parametrize("defect", [None, *_ONE, "importer_id"])
def test_declarations_of_too_few_importers_or_of_one_kind_are_no_pool(defect: str | None):
    """In two headings, origins that are safe in the heading alone; in the first the inspected ones have a defect."""
    common, rare, others = [], [], []
    for place in ("0901", "6101"):
        common += [(f"{place}{code:02d}", "CN", f"{place} {one}") for code in range(6) for one in range(K)]
        rare += [(f"{place}{code:02d}", ("BR", "VN")[code % 2], f"{place} rare {code}") for code in range(6)]
        # Of those that are not inspected.
        others += [
            (f"{place}{code:02d}", origin, f"{place} other {code}") for origin in ("BR", "VN") for code in range(6)
        ]
    law = law_of([(f"{place}{code:02d}", "A", 8.0) for place in ("0901", "6101") for code in range(6)], NO_ROUTES)
    inspected = _rows(common + rare)
    first = (inspected.index >= len(common)) & inspected["hs10_code"].str.startswith("0901")
    if defect == "importer_id":
        inspected.loc[first, defect] = [f"0901 rare {number % (K - 1)}" for number in range(int(first.sum()))]
    elif defect is not None:
        inspected.loc[first, defect] = _ONE[defect]
    everyone = pd.concat([inspected, _rows(others, 1000)], ignore_index=True)
    tuples = Trade(everyone, inspected, law).tuples(1, NO_DOMINANCE)
    pools = set(tuples["origin_pool"]) - {""}
    assert "heading|6101" in pools
    assert ("heading|0901" in pools) == (defect is None)
    # Then they fall on: nothing is kept that only one of all importers has with its code.
    assert (tuples.loc[first, "origin_level"] != CODE).all()


@pytest.mark.parametrize("name", WORLDS)
def test_safe_cells_are_those_that_k_importers_declared_by_a_plain_count(worlds: dict[str, World], name: str):
    trade = worlds[name].trade
    table = trade.safe(NO_DOMINANCE)
    assert (table["importer_id"] == "").all(), "nobody is thinned where the rule is switched off"
    rows = with_levels(trade.everyone.assign(hs6_code=trade.everyone["hs10_code"].str[:6]))
    claim = ["tax_type"] if trade.law.has_rates else ["tax_type", "tax_rate"]
    columns = {
        "code": [],
        "origin": ["country_of_origin"],
        "departure": ["country_of_origin", "country_of_departure"],
        "claim": ["country_of_origin", *claim],
        "rate": ["tax_type", "tax_rate"],
    }
    cells = 0
    for part, of_part in columns.items():
        for level in LEVELS if part not in ("code", "rate") else LEVELS[:1]:
            counted = rows.groupby([level, *of_part])["importer_id"].agg(["nunique", "size"])
            expected = counted[counted["nunique"] >= K]
            here = table[(table["part"] == part) & (table["level"] == level)]
            found = here.set_index(["place", *of_part])[["importers", "declarations"]].sort_index()
            assert found.index.tolist() == expected.index.tolist(), (part, level)
            assert (found.to_numpy() == expected.to_numpy()).all()
            assert (
                here[[one for one in columns["departure"] + ["tax_type", "tax_rate"] if one not in of_part]]
                .isna()
                .all(axis=None)
            )
            cells += len(here)
    assert cells == len(table)


def test_thinned_importers_stand_beneath_their_cell_with_a_share_and_no_cell_is_theirs_alone():
    table = _with_giants(trade_of(rows=1200, importers=60)).safe()
    place = ["part", "level", "place", "country_of_origin", "country_of_departure", "tax_type", "tax_rate"]
    cells = table[table["importer_id"] == ""]
    thinned = table[table["importer_id"] != ""]
    assert not cells.duplicated(place).any()
    assert not thinned.duplicated([*place, "importer_id"]).any()
    assert (cells["share"] == 1).all() and (thinned["share"] < 1).all() and (thinned["share"] >= 0).all()
    assert thinned.merge(cells[place], how="left", on=place, indicator=True)["_merge"].eq("both").all()
    assert thinned["importer_id"].str.startswith("giant").sum() > 20
    assert (cells["importers"] >= K).all()


def test_an_importers_declarations_share_a_fold_and_its_token_does_not_decide_which(world: World):
    importers = world.trade.inspected["importer_id"]
    assert world.tuples["fold"].groupby(importers).nunique().max() == 1
    assert set(world.tuples["fold"]) == {0, 1, 2, 3}
    respelt = replace(world.trade, inspected=world.trade.inspected.assign(importer_id="X" + importers.str[::-1]))
    assert respelt.disclosed(world.safe, b"a secret")["fold"].tolist() == world.tuples["fold"].tolist()


def test_a_rate_that_is_a_part_of_the_claim_is_not_changed_when_the_claim_is_kept():
    """An importer may be thinned for its rates and not for its claims: then a kept claim used to get another rate."""
    codes = Law("nomenclature", pd.DataFrame({"hs_code": CODES, "tax_type": None, "tax_rate": np.nan}), NO_ROUTES)
    for seed in range(1, 5):
        trade = trade_of(seed=seed, rows=3000, importers=40)
        world = World(Trade(trade.everyone, trade.everyone, codes))
        kept = (world.tuples[[f"{part}_level" for part in PARTS]] == CODE).all(axis=1)
        for name in ("tax_type", "tax_rate"):
            assert (world.tuples[name] == trade.everyone[name])[kept].all(), name
