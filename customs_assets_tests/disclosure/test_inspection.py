"""Who was inspected: a lane that few declared in a month must not show that one of them was inspected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.inspection import LANE, busy_lanes, changed_months, shared_by_few
from customs_assets.disclosure.population import Population, count_population

K = 3
MONTHS = [f"2020-{number:02d}" for number in range(1, 7)]
CODES = tuple(f"85{heading:02d}{code}0" for heading in range(1, 41) for code in range(1, 6))


def _declared(seed: int = 5, rows: int = 6000) -> pd.DataFrame:
    """Six months of a chapter: some codes are everybody's, most are of an importer or two a month; a tenth is inspected."""
    rng = np.random.default_rng(seed)
    importer = rng.integers(0, 600, rows)
    usual = rng.random(rows) < 0.3
    code = np.where(usual, rng.integers(0, 2, rows), 2 + importer % (len(CODES) - 2))
    origin = np.where(usual, "CN", np.array(["CN", "DE", "JP", "VN", "IT"])[importer % 5])
    return pd.DataFrame(
        {
            "declaration_id": [f"d{number}" for number in range(rows)],
            "importer_id": [f"importer {number}" for number in importer],
            "hs6_code": np.array(CODES)[code],
            "country_of_origin": origin,
            "country_of_departure": np.where(importer % 3 == 0, "HK", origin),
            "tax_type": "A",
            "tax_rate": 8.0,
            "item_price": 1000.0,
            "net_mass": 10.0,
            "month": np.array(MONTHS)[rng.integers(0, len(MONTHS), rows)],
            "inspected": rng.random(rows) < 0.1,
        }
    )


@pytest.fixture(scope="module")
def declared() -> pd.DataFrame:
    return _declared()


def _by_month(rows: pd.DataFrame) -> dict[str, Population]:
    rows = rows.assign(hs10_code=rows["hs6_code"] + "0000")
    return {str(month): Population.of_frames([count_population(part)]) for month, part in rows.groupby("month")}


def _places(inspected: pd.DataFrame, busy: pd.DataFrame, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return changed_months(inspected, inspected["month"], inspected["importer_id"], busy, K, rng)


def _shown(inspected: pd.DataFrame, busy: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    place = _places(inspected, busy, seed)
    return (
        inspected[list(RELEASED_TUPLE)].iloc[place].reset_index(drop=True).assign(month=inspected["month"].to_numpy())
    )


def _gain(declared: pd.DataFrame, shown: pd.DataFrame) -> float:
    """The attack: of those who declared a lane of few in a month that is shown, how many more were inspected than of all such."""
    lane = ["month", *LANE]
    few = declared.groupby(lane)["importer_id"].transform("nunique") < K
    is_shown = declared.merge(shown[lane].drop_duplicates(), how="left", on=lane, indicator=True)["_merge"] == "both"
    guessed = few.to_numpy() & is_shown.to_numpy()
    return float(declared.loc[guessed, "inspected"].mean() - declared.loc[few, "inspected"].mean())


def test_who_was_inspected_shows_in_tuples_as_declared_and_hardly_in_those_that_changed_months(declared: pd.DataFrame):
    inspected = declared[declared["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(declared), len(inspected), K)
    assert busy is not None
    as_declared = _gain(declared, inspected)
    assert as_declared > 0.3, "the attack works"
    # What is left: that a lane is shown in one month says that somebody who trades it was inspected in one of six.
    gains = [_gain(declared, _shown(inspected, busy, seed)) for seed in range(5)]
    assert np.mean(gains) < as_declared / 3


def test_a_lane_stays_in_its_month_where_and_only_where_enough_importers_declared_it_then(declared: pd.DataFrame):
    busy = busy_lanes(_by_month(declared), int(declared["inspected"].sum()), K)
    assert busy is not None
    counts = declared.groupby(["month", *LANE])["importer_id"].nunique()
    expected = set(counts[counts >= K].index)
    lanes = busy[busy["level"] == 0]
    assert set(lanes[["month", *LANE]].itertuples(index=False, name=None)) == expected
    inspected = declared[declared["inspected"]].reset_index(drop=True)
    place = _places(inspected, busy, 1)
    stays = [row in expected for row in inspected[["month", *LANE]].itertuples(index=False, name=None)]
    assert (place[stays] == np.flatnonzero(stays)).all()
    assert 0 < np.mean(stays) < 1
    assert (inspected["month"].to_numpy()[place] != inspected["month"].to_numpy())[~np.array(stays)].mean() > 0.7


def test_over_all_months_every_tuple_is_there_as_often_as_before(declared: pd.DataFrame):
    inspected = declared[declared["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(declared), len(inspected), K)
    assert busy is not None
    shown = _shown(inspected, busy)
    tuples = list(RELEASED_TUPLE)
    pd.testing.assert_series_equal(
        shown[tuples].value_counts().sort_index(), inspected[tuples].value_counts().sort_index()
    )


def test_where_all_is_inspected_nothing_is_hidden(declared: pd.DataFrame):
    assert busy_lanes(_by_month(declared), len(declared), K) is None


def _without_lanes(busy: pd.DataFrame) -> pd.DataFrame:
    return busy[busy["level"] > 0]


def test_rows_of_a_rare_origin_change_months_with_those_of_others(declared: pd.DataFrame):
    """A lone row has nobody of its chapter and origin to exchange with. It must not stay in its month."""
    inspected = declared[declared["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(declared), len(inspected), K)
    assert busy is not None
    rare = inspected.index[inspected["country_of_origin"] == "IT"][:5]
    inspected.loc[rare, "country_of_origin"] = ["NP", "BT", "LA", "MM", "KH"]
    month = inspected["month"].to_numpy()
    places = [_places(inspected, busy, seed) for seed in range(20)]
    came_out = np.concatenate([month[np.argsort(place)[rare]] != month[rare] for place in places])
    assert came_out.mean() > 0.6


def test_a_chapter_and_origin_that_one_declared_in_a_month_does_not_show_in_that_month(declared: pd.DataFrame):
    """The same leak, one level coarser: 88 from France is declared by one importer in March, by many in other months."""
    rng = np.random.default_rng(6)
    rare = declared.sample(60, random_state=1).assign(
        hs6_code="880240", country_of_origin="FR", country_of_departure="FR"
    )
    rare = rare.assign(month=rng.choice(["2020-01", "2020-02"], 60), inspected=True)
    rare["declaration_id"] = [f"r{number}" for number in range(60)]
    rare.loc[rare["declaration_id"] == "r0", "month"] = "2020-03"
    everybody = pd.concat([declared, rare], ignore_index=True)
    inspected = everybody[everybody["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(everybody), len(inspected), K)
    assert busy is not None
    in_march = [
        int(((shown["month"] == "2020-03") & (shown["hs6_code"] == "880240")).sum())
        for shown in (_shown(inspected, busy, seed) for seed in range(30))
    ]
    assert len(set(in_march)) > 1, "as declared, and within the chapter and origin, it is always one row"
    assert np.mean(np.array(in_march) == 1) < 0.7


def test_rows_of_one_importer_or_one_month_do_not_exchange_among_themselves():
    months, owners = np.array([0] * 20 + [1] * 20), np.arange(40)
    pool = np.zeros(40, dtype=int)
    assert not shared_by_few(pool, months, owners, K).any()
    assert shared_by_few(pool, months, np.zeros(40, dtype=int), K).all(), "one importer"
    assert shared_by_few(pool, np.array([0] * 21 + [1] * 19), owners, K).all(), "mostly one month"
    assert shared_by_few(pool[:11], months[15:26], owners[:11], K).all(), "few rows"


def test_with_one_month_nothing_is_exchanged(declared: pd.DataFrame):
    one = declared[declared["month"] == "2020-01"]
    inspected = one[one["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(one), len(inspected), K)
    assert busy is not None
    assert (_places(inspected, busy, 1) == np.arange(len(inspected))).all()
    nobody = inspected.iloc[:0]
    assert len(_places(nobody, busy, 1)) == 0


def test_where_no_lane_is_busy_all_change(declared: pd.DataFrame):
    inspected = declared[declared["inspected"]].reset_index(drop=True)
    busy = busy_lanes(_by_month(declared), len(inspected), K)
    assert busy is not None
    place = _places(inspected, _without_lanes(busy), 1)
    assert sorted(place) == list(range(len(inspected)))
    assert (inspected["month"].to_numpy()[place] != inspected["month"].to_numpy()).mean() > 0.7
