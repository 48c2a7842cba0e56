"""Trade patterns: statistics that can be counted by hand, claims that convict lost pairings, and nothing of fewer than k."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from customs_assets.claims import from_json
from customs_assets.release.rounding import Rounding
from customs_assets.report.trade import chord_figure, outside_pictures
from customs_assets.trade.document import trade_patterns
from customs_assets.trade.patterns import likenesses, statistics, together
from customs_assets.trade.pictures import largest, pictures

MIN_GROUP = 5


def _rows(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Declarations of importer, declarant, seller and month; the office and the country are the same in all."""
    frame = pd.DataFrame(rows, columns=["importer_id", "declarant_id", "seller_id", "date"])
    return frame.assign(
        date=pd.to_datetime(frame["date"]), courier_id="", office_id="20", country_of_origin="CN", hs6_code="610910"
    )


def _few() -> pd.DataFrame:
    return _rows(
        ("A", "x", "s", "2020-01-03"),
        ("A", "x", "s", "2020-02-03"),
        ("A", "y", "", "2020-03-03"),
        ("B", "y", "t", "2020-01-09"),
        ("B", "y", "t", "2020-02-09"),
        ("C", "y", "t", "2020-03-09"),
    )


def test_statistics_are_what_one_counts_by_hand():
    [trade] = together(_few())
    found = statistics(trade, seed=1)
    assert found["partners|importer_id|declarant_id"] == pytest.approx(4 / 3)
    assert found["partners|declarant_id|importer_id"] == 2.0
    assert found["partners|importer_id|seller_id"] == 1.0, "an absent seller is no partner"
    assert found["concentration|importer_id"] == pytest.approx((9 + 4 + 1) / 36)
    assert found["concentration|seller_id"] == pytest.approx((4 + 9) / 25)
    assert math.isnan(found["concentration|courier_id"]) and found["concentration|office_id"] == 1.0
    assert found["repeated|importer_id|declarant_id"] == pytest.approx(2 / 6)
    assert found["repeated|importer_id|seller_id"] == pytest.approx(2 / 5)
    # Of three months, one at either end says nothing: February has nobody new, March one of two.
    assert found["entry|importer_id"] == 0.25
    assert found["exit|importer_id"] == 0.25, "nobody leaves after January, B of A and B after February"
    assert found["one_month|importer_id"] == pytest.approx(1 / 3)
    # Two communities, {A, x} and {B, C, y}: within 2 and 3 of 6 declarations, with degrees of 5 and 7 of 12.
    assert found["communities|importer_id|declarant_id"] == pytest.approx(5 / 6 - (25 + 49) / 144)


def test_likeness_is_one_of_the_same_and_falls_with_what_moved():
    one, same, other = together(
        _few(), _few(), _few().assign(country_of_origin=["CN"] * 3 + ["DE"] * 3, declarant_id="x")
    )
    assert all(value == 1.0 or math.isnan(value) for value in likenesses(one, same).values())
    moved = likenesses(one, other)
    assert moved["chord"] == 0.5 and moved["season"] == 0.5
    assert moved["degrees|importer_id|declarant_id"] == pytest.approx(2 / 3), "one of three has two, then none has"


def _world(seed: int, importers: int = 300) -> pd.DataFrame:
    """Half a year of importers that each have a declarant, a seller and a country of their own."""
    rng = np.random.default_rng(seed)
    importer = rng.integers(importers, size=3000)
    return pd.DataFrame(
        {
            "importer_id": [f"I{number:04d}" for number in importer],
            "declarant_id": [f"D{number % 25:02d}" for number in importer],
            "seller_id": [f"S{number % 90:02d}" for number in importer],
            "courier_id": np.where(importer % 4 == 0, "C1", ""),
            "office_id": [f"{10 + number % 3}" for number in importer],
            "country_of_origin": np.array(["CN", "DE", "US", "VN"])[importer % 4],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(182, size=3000), unit="D"),
            "hs6_code": "610910",
        }
    )


@pytest.fixture(scope="module")
def source() -> pd.DataFrame:
    return _world(1)


def _claims(source: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, bool | None]:
    document = trade_patterns(source, synthetic, MIN_GROUP, (0.75, 0.85), 3)
    return {claim.key: claim.holds for claim in from_json(document["claims"])}


def test_a_fresh_sample_of_the_same_trade_holds_and_lost_pairings_fail(source: pd.DataFrame):
    fresh = _claims(source, _world(2))
    judged = [holds for holds in fresh.values() if holds is not None]
    assert len(judged) > 25 and sum(judged) > 0.85 * len(judged)
    rng = np.random.default_rng(4)
    lost = _claims(source, source.assign(declarant_id=rng.permutation(source["declarant_id"].to_numpy())))
    pairing = {
        key
        for key in lost
        if key.startswith(("trade_partners", "trade_repeated", "trade_communities", "trade_degrees"))
    }
    assert not any(
        lost[key]
        for key in pairing
        if key.split("|")[1:] in (["importer_id", "declarant_id"], ["declarant_id", "importer_id"])
    )
    assert lost["trade_partners|importer_id|seller_id"] and lost["trade_concentration|declarant_id"], "these were kept"
    assert lost["trade_season"] and lost["trade_chord"]


def test_the_document_is_json_and_the_same_twice(source: pd.DataFrame):
    made = [json.dumps(trade_patterns(source, _world(2), MIN_GROUP, (0.75, 0.85), 3)) for _ in range(2)]
    assert made[0] == made[1]
    assert json.loads(made[0])["months"] == [f"2020-0{month}" for month in range(1, 7)]


def test_what_a_few_traders_have_stays_inside(source: pd.DataFrame):
    document = trade_patterns(source, _world(2), MIN_GROUP, (0.75, 0.85), 3)
    assert {key for key in document["inside"]} == {c["key"] for c in document["claims"] if "courier_id" in c["key"]}
    greedy = source.assign(seller_id=np.where(np.arange(len(source)) % 5 < 4, "S00", source["seller_id"]))
    assert "trade_concentration|seller_id" in trade_patterns(greedy, _world(2), MIN_GROUP, (0.75, 0.85), 3)["inside"]


def test_of_the_source_nothing_is_drawn_that_fewer_than_k_stand_behind(source: pd.DataFrame):
    # Four importers alone trade through an office with a country of its own, with partners as nobody else has.
    few = source.head(40).assign(
        importer_id=[f"J{number % 4}" for number in range(40)],
        declarant_id=[f"D{number % 12:02d}" for number in range(40)],
        office_id="99",
        country_of_origin="QA",
    )
    own, made = together(pd.concat([source, few], ignore_index=True), pd.concat([_world(2), few], ignore_index=True))
    drawn = pictures(own, made, MIN_GROUP, 1)
    assert "99" not in drawn["chord"]["offices"] and "QA" not in drawn["chord"]["countries"]
    assert "QA" not in drawn["season"]["origins"]
    bars = drawn["degrees"]["importer_id|declarant_id"]
    assert bars["source"][4] == 0.0 == bars["source"][3] and sum(bars["synthetic"][1:]) > 0
    assert all(count == 0 or count >= MIN_GROUP for of in drawn["degrees"].values() for count in of["behind"])
    # In an office of many, their country is not told either.
    mixed = together(pd.concat([source, few.assign(office_id="10")], ignore_index=True), source)
    assert "QA" not in pictures(mixed[0], mixed[1], MIN_GROUP, 1)["chord"]["countries"]


def test_the_largest_are_told_by_groups_of_k(source: pd.DataFrame):
    [trade] = together(source)
    shares = largest(trade, "declarant_id", MIN_GROUP)
    assert shares[:4] == [None] * 4, "1 to 3 of 25 are fewer than k"
    assert shares[4] is not None and 0.2 < shares[4] < 0.3 and shares[5] is not None
    assert largest(trade, "courier_id", 1) == [None] * 6, "one is all"
    assert [share is None for share in largest(trade, "importer_id", MIN_GROUP)] == [
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_hubs_are_the_releases_own(source: pd.DataFrame):
    other = _world(2).assign(
        declarant_id=lambda rows: "R" + rows["declarant_id"], importer_id=lambda rows: "R" + rows["importer_id"]
    )
    own, made = together(source, other)
    hubs = pictures(own, made, MIN_GROUP, 1)["hubs"]
    assert len(hubs) == 3 and all(hub["name"].startswith("RD") for hub in hubs)
    assert all(node["x"] % 10 == node["y"] % 10 == 0 for hub in hubs for node in hub["nodes"])
    assert [hub["importers"] for hub in hubs] == sorted((hub["importers"] for hub in hubs), reverse=True)
    assert hubs[0]["importers"] == other.groupby("declarant_id")["importer_id"].nunique().max()


def test_pictures_that_leave_are_rounded_and_a_chord_is_drawn_of_rounded_shares(source: pd.DataFrame):
    own, made = together(source, _world(2))
    rounding = Rounding(MIN_GROUP, 300)
    told = outside_pictures(pictures(own, made, MIN_GROUP, 1), rounding)
    assert set(told) == {"degrees", "largest", "chord", "hubs"}, "seasons and months stay"
    step = rounding.step()
    assert step == 0.02
    shares = [share for row in told["chord"]["source"] for share in row]
    assert shares and all(abs(share / step - round(share / step)) < 1e-9 for share in shares)
    figure = chord_figure(told["chord"], "source")
    assert len(figure["layout"]["shapes"]) == sum(share > 0 for share in shares)
    assert outside_pictures(pictures(own, made, MIN_GROUP, 1), Rounding(MIN_GROUP, 40)) == {}
