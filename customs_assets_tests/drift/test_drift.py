"""Drift: what is planted is told in its month, what is usual is not, and the first months have no history."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from customs_assets.declaration import NAMES, arrow_schema
from customs_assets.definitions import graph
from customs_assets.drift.counting import counted
from customs_assets.drift.month_counts import MonthCounts
from customs_assets.drift.verdicts import Standing, findings_of, verdict
from customs_assets.expectations.drift_suites import DRIFT_SUITES
from customs_assets.expectations.expect import Examined
from customs_assets.expectations.validation import validate_pieces
from customs_assets.lake import Lake
from customs_assets.months import month_range, months_earlier
from customs_assets.settings import Settings
from customs_assets.source.files import FileSource
from customs_assets.source.quarantine import SCHEMA
from customs_assets_tests.drift.faults import TWELVE, counts_of, planted, simulated_months, told

MONTHS = month_range("2020-01:2021-06")


@pytest.fixture(scope="module")
def months() -> Mapping[str, pd.DataFrame]:
    """Eighteen months of a small world, 1,500 declarations each."""
    return simulated_months(27_000, 11, inspected=0.15)


@pytest.fixture(scope="module")
def sound(months: Mapping[str, pd.DataFrame]) -> Mapping[str, MonthCounts]:
    """Their counts."""
    return {month: counts_of(month, frame) for month, frame in months.items()}


def test_twelve_faults_in_eighteen_months_are_told_in_their_months(
    months: Mapping[str, pd.DataFrame], sound: Mapping[str, MonthCounts]
):
    faults = dict(zip(MONTHS[6:], TWELVE, strict=True))
    delivered = planted(months, faults, np.random.default_rng(3))
    counts = [counts_of(month, delivered[month]) if month in faults else sound[month] for month in MONTHS]
    found = told(counts)
    assert {month: faults[month] for month in faults if month not in found} == {}
    assert len(found.keys() - faults.keys()) <= 1, "at most one false alarm"
    hints = {faults[month]: " ".join(finding.hint for finding in found[month]) for month in faults}
    assert "1,000 times too low" in hints["prices in thousands"]
    assert "1,000 times too high" in hints["kilograms in tonnes"], "of the price per kilogram"
    assert "an office delivered nothing" in hints["an office missing"]
    assert "delivered twice" in hints["the month before again"]


def test_sound_months_raise_at_most_one_alarm_a_year(sound: Mapping[str, MonthCounts]):
    assert len(told(list(sound.values()))) <= 1


def test_published_declarations_raise_at_most_one_alarm_a_year(published: Path, tmp_path: Path):
    source, lake, counts = FileSource(str(published)), Lake(str(tmp_path)), []
    for month in source.months():
        read = source.read_month(month)
        lake.write_table("raw_declarations", read.declarations, month)
        lake.write_table("quarantine", read.quarantine, month)
        counts.append(counts_in(lake, month))
    assert len(counts) == 15
    assert len(told(counts)) <= 1


def test_the_first_months_have_no_history(sound: Mapping[str, MonthCounts]):
    first = findings_of(list(sound.values())[:4])
    assert {finding.standing for findings in first[:3] for finding in findings} == {Standing.NO_HISTORY}
    assert {finding.standing for finding in first[3]} - {Standing.NO_HISTORY} == {Standing.AS_BEFORE}
    assert all(finding.expected is None for finding in first[0])


def test_a_fault_that_stays_is_told_when_it_begins_and_when_it_ends(
    months: Mapping[str, pd.DataFrame], sound: Mapping[str, MonthCounts]
):
    faults = dict.fromkeys(MONTHS[6:9], "prices in thousands")
    delivered = planted({month: months[month] for month in MONTHS[:11]}, faults, np.random.default_rng(1))
    counts = [counts_of(month, delivered[month]) if month in faults else sound[month] for month in MONTHS[:11]]
    prices = [
        next(finding.standing for finding in findings if finding.measure == "median of item_price")
        for findings in findings_of(counts)
    ]
    assert prices[6:] == [
        Standing.TOLD,
        Standing.NEW_LEVEL,
        Standing.AS_BEFORE,
        Standing.TOLD,
        Standing.NEW_LEVEL,
    ]


def volumes(numbers: list[int]) -> list[Standing]:
    """How the volume of each of some months stands."""
    counts = [
        MonthCounts(months_earlier("2023-12", len(numbers) - 1 - at), {"rows": {"": float(number)}})
        for at, number in enumerate(numbers)
    ]
    return [next(f.standing for f in findings if f.measure == "volume") for findings in findings_of(counts)]


def test_a_season_is_told_once_and_not_in_the_next_year():
    year = [1000, 1010, 990, 1020, 980, 1000, 1005, 995, 1010, 990, 1000]
    standings = volumes([*year, 3000, *year, 3000])
    assert standings[11] is Standing.TOLD
    assert set(standings[12:]) == {Standing.AS_BEFORE}


def test_few_months_make_wide_bounds():
    steady, changed = [1000, 1100, 950, 1050], 1450
    assert volumes([*steady[:3], changed])[-1] is Standing.AS_BEFORE
    assert volumes([*steady * 4, changed])[-1] is Standing.TOLD


def row(**of: object) -> dict[str, object]:
    """One declaration."""
    usual = dict.fromkeys(NAMES, "") | {
        "date": datetime.date(2020, 1, 5),
        "office_id": "10",
        "hs10_code": "0901210000",
        "country_of_departure": "HK",
        "country_of_origin": "CN",
        "importer_id": "I1",
        "tax_rate": 8.0,
        "net_mass": 2.0,
        "item_price": 100.0,
        "fraud": None,
        "critical_fraud": None,
    }
    return usual | of


def counts_in(lake: Lake, month: str) -> MonthCounts:
    """The counts of a month of a lake."""
    with lake.connect() as connection:
        paths = (lake.sql_path(asset, month) for asset in ("raw_declarations", "quarantine"))
        return MonthCounts.of(month, counted(connection, *paths).to_pandas())


def counted_rows(lake: Lake, rows: list[dict[str, object]], without: tuple[str, ...] = ()) -> MonthCounts:
    """The counts of some declarations."""
    table = pa.Table.from_pylist(rows, arrow_schema()).drop_columns(list(without))
    lake.write_table("raw_declarations", table, "2020-01")
    aside = pa.Table.from_pylist([{name: None for name in SCHEMA.names} | {"reason": "missing_value"}], SCHEMA)
    lake.write_table("quarantine", aside, "2020-01")
    return counts_in(lake, "2020-01")


def test_counts_are_those_of_the_rows(tmp_path: Path):
    counts = counted_rows(
        Lake(str(tmp_path)),
        [
            row(declaration_id="1", office_id="20", fraud=1, critical_fraud=2),
            row(declaration_id="2", importer_id="I2", seller_id="S", net_mass=0.0),
            row(declaration_id="3", date=datetime.date(2020, 1, 6), item_price=5000.0, country_of_departure="CN"),
        ],
    )
    assert counts.rows == 3
    assert counts.named("office_id") == {"10": 2, "20": 1}
    assert counts.named("fraud") == {"": 2, "1": 1}
    assert counts.named("day") == {"5": 2, "6": 1}
    assert counts.named("importer_id") == {"distinct": 2, "largest": 2, "none": 0}
    assert counts.named("seller_id") == {"distinct": 1, "largest": 1, "none": 2}
    assert counts.named("set aside") == {"missing_value": 1}
    assert counts.get("net_mass", "zeros") == 1
    assert counts.get("net_mass", "decade 0.0") == 2
    # 50 and 2,500 a kilogram; the row without mass has no price.
    assert counts.get("price_per_kilogram", "median") == 50
    assert counts.get("price_per_kilogram", "positive") == 2
    assert counts.named("departure from another country") == {"HK": 2}
    assert not any("I1" in code or code == "S" for of in counts.numbers.values() for code in of), "no name is counted"


def test_attributes_that_a_source_lacks_are_not_measured(tmp_path: Path):
    without = ("office_id", "critical_fraud", "seller_id", "net_mass")
    counts = counted_rows(Lake(str(tmp_path)), [row(declaration_id="1")], without)
    assert not counts.numbers.keys() & {*without, "price_per_kilogram"}
    measures = {finding.measure for finding in findings_of([counts])[0]}
    assert "volume" in measures
    assert not {measure for measure in measures if any(name in measure for name in without)}


def test_one_row_alone_and_a_month_of_few_rows_are_judged_without_an_error(tmp_path: Path):
    lake = Lake(str(tmp_path))
    few = [counted_rows(lake, [row(declaration_id=str(n)) for n in range(rows)]) for rows in (1, 5, 1, 2, 20, 1)]
    counts = [MonthCounts(month, of.numbers) for month, of in zip(MONTHS, few, strict=False)]
    assert len(findings_of(counts)) == 6


def test_what_an_alert_repeats_holds_no_value(sound: Mapping[str, MonthCounts], months: Mapping, tmp_path: Path):
    at = MONTHS[8]
    delivered = planted({m: months[m] for m in MONTHS[:9]}, {at: "a new list of offices"}, np.random.default_rng(1))
    counts = [*(sound[month] for month in MONTHS[:8]), counts_of(at, delivered[at])]
    lake = Lake(str(tmp_path))
    lake.write_json("drift", verdict(counts), at)
    suite = next(suite for suite in DRIFT_SUITES if suite.asset == "drift")
    assert not suite.is_error, "drift stops nothing"
    examined = Examined(lake, Settings(), "drift", at)  # pyright: ignore[reportCallIssue]
    findings = validate_pieces(suite.pieces(examined), suite.key).findings
    sentences = [finding.expectation for finding in findings]
    assert any("new codes of Office ID" in sentence for sentence in sentences)
    codes = {code for code in delivered[at]["office_id"].unique()}
    assert not {code for code in codes for sentence in sentences if code in sentence}


def test_a_month_is_built_from_the_months_before_it_and_none_after():
    of = [month for _, month in graph.inputs("drift", "2020-03", MONTHS)]
    assert of == ["2020-01", "2020-02", "2020-03"]
    assert len(graph.inputs("drift", "2024-01", month_range("2020-01:2024-12"))) == 25
    assert not graph["drift"].withdraws_release
