"""The account of parts: an honest disclosure has nothing wrong, and each thing that may not be is found where it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pandas as pd
import pytest

from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.parts import SafeParts
from customs_assets_tests.disclosure.small_trade import (
    DOMINANCE,
    NOMENCLATURE,
    PREFIX_LAW,
    K,
    Trade,
    importers_of,
    real_codes,
    trade_of,
)


@dataclass(frozen=True)
class Shown:
    """A trade and what is shown of it."""

    trade: Trade
    population: pd.DataFrame
    safe: pd.DataFrame
    tuples: pd.DataFrame

    @classmethod
    def of(cls, trade: Trade) -> Shown:
        safe = trade.safe()
        return cls(trade, trade.population(), safe, trade.disclosed(SafeParts(safe), 7))

    def account(self, dominance: Dominance = DOMINANCE, **changed: pd.DataFrame) -> pd.DataFrame:
        """The account, where some of the tables are others."""
        tables = {
            "population": self.population,
            "declarations": self.trade.inspected,
            "tuples": self.tuples,
            "safe": self.safe,
        }
        return parts_account(**(tables | changed), min_group=K, dominance=dominance)


def _wrong(account: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    """What is wrong, by part, level and what was counted."""
    wrong = account[account["wrong"] > 0][["part", "level", "what", "wrong"]]
    return {(part, level, what): count for part, level, what, count in wrong.to_numpy().tolist()}


@pytest.fixture(scope="module")
def shown() -> Shown:
    return Shown.of(trade_of())


def test_an_honest_disclosure_has_nothing_wrong_and_all_of_it_is_counted(shown: Shown):
    account = shown.account()
    assert _wrong(account) == {}
    counted = dict(
        zip(zip(account["part"], account["level"], account["what"], strict=True), account["counted"], strict=True)
    )
    cells = shown.safe[shown.safe["importer_id"] == ""]
    for (part, level), size in Counter(zip(cells["part"], cells["level"], strict=True)).items():
        assert counted[part, level, "cells"] == size
    for part in ("code", "origin", "departure", "claim"):
        levels, pools = shown.tuples[f"{part}_level"], shown.tuples[f"{part}_pool"]
        assert counted[part, CODE, "kept"] == (levels == CODE).sum()
        for level, size in Counter(pools[pools != ""].str.split("|").str[0]).items():
            assert counted[part, level, "pools"] == size


@pytest.mark.parametrize("law", [PREFIX_LAW, NOMENCLATURE], ids=["prefixes", "none"])
def test_so_has_one_under_other_laws(law):
    assert _wrong(Shown.of(trade_of(law, codes=real_codes())).account()) == {}


def test_a_code_of_fewer_than_k_importers_in_a_kept_row_is_found(shown: Shown):
    importers = importers_of(shown.trade.everyone, ["hs6_code"])
    few = importers.index[importers < K][0]
    whole = (shown.tuples[["code_level", "origin_level", "claim_level"]] == CODE).all(axis=1)
    straight = shown.tuples["country_of_origin"] == shown.tuples["country_of_departure"]
    row = shown.tuples.index[whole & straight][0]
    tuples = shown.tuples.copy()
    tuples.loc[row, "hs6_code"] = few
    # What was kept with the code is kept with one that is not safe.
    assert _wrong(shown.account(tuples=tuples)) == {(part, CODE, "kept"): 1 for part in ("code", "origin", "claim")}


@pytest.mark.parametrize(
    ("part", "column"), [("origin", "country_of_origin"), ("departure", "country_of_departure"), ("claim", "tax_type")]
)
def test_a_part_that_nobody_declared_with_its_code_is_found(shown: Shown, part: str, column: str):
    kept = shown.tuples[shown.tuples[f"{part}_level"] == CODE]
    tuples = shown.tuples.copy()
    tuples.loc[kept.index[0], column] = "ZZ"
    assert _wrong(shown.account(tuples=tuples))[part, CODE, "kept"] == 1


@pytest.mark.parametrize("part", ["code", "origin", "departure", "claim"])
def test_a_pool_that_is_left_with_fewer_than_k_importers_is_found(shown: Shown, part: str):
    pools = shown.tuples[f"{part}_pool"]
    name = pools[pools != ""].mode()[0]
    here = (pools == name).to_numpy()
    importers = shown.trade.inspected["importer_id"]
    stay = set(importers[here].unique()[: K - 1])
    gone = here & ~importers.isin(stay).to_numpy()
    assert gone.any()
    account = shown.account(tuples=shown.tuples.assign(**{f"{part}_pool": pools.mask(gone, "")}))
    assert _wrong(account) == {(part, name.split("|")[0], "pools"): int((here & ~gone).sum())}


@pytest.mark.parametrize(
    "same",
    [{"critical_fraud": 1}, {"seller_id": "the one seller"}, {"item_price": 70.0, "net_mass": 7.0}],
    ids=["label", "partner", "price"],
)
def test_a_pool_of_one_label_one_partner_or_one_price_is_found(shown: Shown, same: dict[str, str | float]):
    pools = shown.tuples["origin_pool"]
    # A pool of enough importers, so that equal amounts do not make one dominate.
    sizes = (
        pools[pools != ""]
        .groupby(pools)
        .agg(lambda rows: shown.trade.inspected.loc[rows.index, "importer_id"].nunique())
    )
    name = str(sizes.idxmax())
    here = pools == name
    declarations = shown.trade.inspected.copy()
    for column, value in same.items():
        declarations[column] = declarations[column].mask(here, value)
    wrong = _wrong(shown.account(declarations=declarations))
    assert wrong["origin", name.split("|", maxsplit=1)[0], "pools"] == here.sum()
    nobody = declarations.assign(seller_id=declarations["seller_id"].mask(here, ""))
    if "seller_id" in same:
        assert ("origin", name.split("|", maxsplit=1)[0], "pools") not in _wrong(shown.account(declarations=nobody))


def test_a_pool_that_one_importer_dominates_is_found(shown: Shown):
    pools = shown.tuples["origin_pool"]
    name = pools[pools != ""].mode()[0]
    row = pools.index[pools == name][0]
    declarations = shown.trade.inspected.copy()
    declarations.loc[row, "net_mass"] = 1e8
    assert (
        _wrong(shown.account(declarations=declarations))["origin", name.split("|")[0], "pools"] == (pools == name).sum()
    )
    # The rule may be switched off.
    assert ("origin", name.split("|")[0], "pools") not in _wrong(
        shown.account(Dominance(1, 1), declarations=declarations)
    )


def test_a_dominated_cell_that_is_declared_safe_is_found(shown: Shown):
    thinned = shown.safe[(shown.safe["importer_id"] != "") & (shown.safe["part"] == "code")]
    assert len(thinned), "some importer dominates a code"
    place = thinned["place"].iloc[0]
    safe = shown.safe[
        ~((shown.safe["importer_id"] != "") & (shown.safe["place"] == place) & (shown.safe["part"] == "code"))
    ]
    assert _wrong(shown.account(safe=safe)) == {("code", CODE, "cells"): 1}


def test_a_cell_of_fewer_than_k_importers_that_is_declared_safe_is_found(shown: Shown):
    importers = importers_of(shown.trade.everyone, ["hs6_code"])
    cell = shown.safe[shown.safe["part"] == "code"].iloc[[0]].assign(place=importers.index[importers < K][0])
    nobody = cell.assign(place="999999")
    safe = pd.concat([shown.safe, cell, nobody], ignore_index=True)
    assert _wrong(shown.account(safe=safe))["code", CODE, "cells"] == 2


def test_importers_of_the_population_are_counted_and_not_its_rows(shown: Shown):
    one = shown.population.assign(importer_id="the one importer")
    account = shown.account(population=one)
    cells = account[account["what"] == "cells"]
    assert (cells["wrong"] == cells["counted"]).all()
