"""The law's answers: the longest prefix of each tax type, routes, product codes, and the simulated law on simulated rows."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.declaration import COUNTRIES, HS6, TARIFF_TUPLE
from customs_assets.law.law import Law
from customs_assets.law.nomenclature import product_codes, sections
from customs_assets.law.reading import read_law, stated_origin
from customs_assets.settings import Settings
from customs_assets.simulation.tariff import claim_routes, lawful_tuples, tariff_schedule
from customs_assets.source.address import open_source

NOMENCLATURE = Path(__file__).parents[3] / "shared" / "data" / "harmonized-system" / "harmonized-system.csv"

Line = tuple[str, str, float]


def law_of(lines: list[Line], routes: list[tuple[str, str, str]] = ()) -> Law:  # pyright: ignore[reportArgumentType]
    """A law that was given."""
    tariff = pd.DataFrame(lines, columns=["hs_code", "tax_type", "tax_rate"])
    columns = ["tax_type", "country_of_origin", "country_of_departure"]
    return Law("given", tariff, pd.DataFrame(list(routes), columns=columns, dtype=object))


def claims(rows: list[tuple[str, str, float]], column: str = "hs10_code") -> pd.DataFrame:
    """Declared claims on goods that come straight from China."""
    frame = pd.DataFrame(rows, columns=[column, "tax_type", "tax_rate"])
    return frame.assign(country_of_origin="CN", country_of_departure="CN")


@pytest.fixture(scope="module")
def simulated() -> Law:
    """The law of the simulated administration."""
    tables = read_law(Settings(source="simulated"))  # pyright: ignore[reportCallIssue]
    return Law.of(tables.tariff, tables.routes)


def test_the_longest_prefix_governs_each_tax_type_by_itself():
    law = law_of([("85", "A", 8.0), ("8542", "A", 0.0), ("854231", "C", 3.0), ("85", "FCN1", 1.5)])
    judged = {
        ("8542310000", "A", 0.0): True,
        ("8542310000", "A", 8.0): False,  # the chapter's rate gives way to the heading's
        ("8542310000", "C", 3.0): True,
        ("8542310000", "FCN1", 1.5): True,  # no longer line of this type
        ("8542390000", "C", 3.0): False,  # no line of this type covers the code
        ("8541100000", "A", 8.0): True,
        ("8641100000", "A", 8.0): False,
    }
    assert law.is_lawful(claims(list(judged))).tolist() == list(judged.values())


def test_a_code_of_six_digits_stands_for_all_goods_beneath_it_and_for_the_line_above():
    law = law_of([("8542", "A", 5.0), ("8542310000", "A", 0.0), ("8542319000", "A", 8.0), ("854232", "A", 2.0)])
    assert law.rates_of(np.array(["854231", "854232", "854239", "010121"])).to_numpy().tolist() == [
        ["854231", "A", 0.0],
        ["854231", "A", 5.0],
        ["854231", "A", 8.0],
        ["854232", "A", 2.0],
        ["854239", "A", 5.0],
    ]
    rows = claims([("854231", "A", 8.0), ("854231", "A", 5.0), ("854232", "A", 5.0), ("854239", "A", 8.0)], "hs6_code")
    assert law.is_lawful(rows).tolist() == [True, True, False, False]


def test_a_declared_code_is_judged_by_longer_lines_where_the_tariff_has_more_digits_than_the_form():
    law = law_of([("854231000010", "A", 0.0), ("854231000090", "A", 8.0)])
    rows = claims([("8542310000", "A", 8.0), ("8542310000", "A", 5.0), ("854231000010", "A", 8.0)])
    assert law.is_lawful(rows).tolist() == [True, False, False]


def test_rates_are_one_where_they_differ_by_rounding_alone():
    law = law_of([("85", "A", 0.1), ("86", "A", 0.0)])
    rates = [0.1 + 1e-12, 0.1 + 1e-9, float("nan")]
    rows = claims([*(("8542310000", "A", rate) for rate in rates), ("8601100000", "A", 1e-15)])
    assert law.is_lawful(rows).tolist() == [True, False, False, False]


def test_of_both_codes_the_longer_counts():
    law = law_of([("8542310000", "A", 0.0), ("8542319000", "A", 8.0)])
    rows = claims([("8542310000", "A", 8.0)]).assign(hs6_code="854231")
    assert law.is_lawful(rows).tolist() == [False]
    assert law.is_lawful(rows.drop(columns="hs10_code")).tolist() == [True]


def test_a_tax_type_without_routes_is_open_to_all_and_another_to_its_own_alone():
    law = law_of([("85", "A", 8.0), ("85", "FCN1", 0.0)], [("FCN1", "CN", "CN"), ("FCN1", "CN", "HK")])
    asked = [("A", "US", "DE"), ("FCN1", "CN", "HK"), ("FCN1", "HK", "CN"), ("FCN1", "CN", "US"), ("A", "CN", "HK")]
    assert law.open_routes(*map(np.array, zip(*asked, strict=True))).tolist() == [True, True, False, False, True]
    rows = claims([("8542310000", "FCN1", 0.0)] * 2).assign(country_of_departure=["HK", "VN"])
    assert law.is_lawful(rows).tolist() == [True, False]


def test_product_codes_are_those_of_the_lines_and_beneath_a_short_line_those_of_the_nomenclature():
    law = law_of(
        [("0102", "A", 8.0), ("85", "A", 8.0), ("8542310000", "A", 0.0), ("8542319000", "A", 3.0), ("9801", "A", 0.0)]
    )
    under_0102 = [code for code in product_codes() if code.startswith("0102")]
    assert under_0102 == ["010221", "010229", "010231", "010239", "010290"]
    # The chapter's line governs what the longer lines leave, and 9801 is a national chapter.
    under_85 = [code for code in product_codes() if code.startswith("85")]
    assert law.codes.tolist() == [*under_0102, *under_85] and "854231" in under_85
    assert set(law.lines()["hs6_code"]) == {*law.codes}
    assert law.rates_of(np.array(["850110"])).to_numpy().tolist() == [["850110", "A", 8.0]]


def test_nothing_beneath_a_line_gives_no_code():
    assert law_of([("0199", "A", 8.0)]).codes.tolist() == []
    assert law_of([("010121000", "A", 8.0), ("01012", "A", 0.0)]).codes.tolist() == ["010121", "010129"]


_digits = st.text("01", min_size=0, max_size=10)
_lines = st.lists(
    st.tuples(
        st.builds(lambda chapter, rest: chapter + rest, st.sampled_from(["84", "85"]), _digits),
        st.sampled_from(["A", "C", "FCN1"]),
        st.sampled_from([0.0, 3.0, 6.5]),
    ),
    min_size=1,
    max_size=12,
    unique=True,
)
_claims = st.lists(
    st.tuples(
        st.builds(lambda c, r: c + r, st.sampled_from(["84", "85"]), st.text("01", min_size=4, max_size=10)),
        st.sampled_from(["A", "C", "FCN1"]),
        st.sampled_from([0.0, 3.0, 6.5]),
    ),
    max_size=30,
)


def lawful_rates(lines: list[Line], code: str, tax_type: str) -> set[float]:
    """The rule read aloud: the lines strictly beneath the code, and the longest line that the code begins with."""
    of_type = [(line, rate) for line, kind, rate in lines if kind == tax_type]
    over = [line for line, _ in of_type if code.startswith(line)]
    longest = max(map(len, over), default=0)
    governing = {rate for line, rate in of_type if line in over and len(line) == longest}
    return governing | {rate for line, rate in of_type if line.startswith(code) and line != code}


@given(lines=_lines, declared=_claims)
@settings(max_examples=80, deadline=None)
def test_any_claim_is_judged_as_the_rule_says(lines: list[Line], declared: list[Line]):
    law = law_of(lines)
    expected = [rate in lawful_rates(lines, code, kind) for code, kind, rate in declared]
    assert law.is_lawful(claims(declared)).tolist() == expected
    short = [(code[:6], kind, rate) for code, kind, rate in declared]
    expected = [rate in lawful_rates(lines, code, kind) for code, kind, rate in short]
    assert law.is_lawful(claims(short, "hs6_code")).tolist() == expected
    codes = sorted({code for code, _, _ in short})
    rates = {tuple(row) for row in law.rates_of(np.array(codes, dtype=object)).to_numpy().tolist()}
    assert rates == {
        (code, kind, rate) for code in codes for kind in ("A", "C", "FCN1") for rate in lawful_rates(lines, code, kind)
    }


@given(lines=_lines)
@settings(max_examples=60, deadline=None)
def test_any_laws_codes_are_those_that_the_rule_says(lines: list[Line]):
    expected = set()
    for line, _, _ in lines:
        if len(line) >= 6:
            expected.add(line[:6])
        else:
            expected |= {code for code in product_codes() if code.startswith(line)}
    law = law_of(lines)
    assert law.codes.tolist() == sorted(expected)
    assert set(law.lines()["hs6_code"]) == expected, "every code has a rate"


_countries = st.sampled_from(["CN", "HK", "US"])


@given(
    routes=st.lists(st.tuples(st.sampled_from(["A", "C"]), _countries, _countries), max_size=8, unique=True),
    asked=st.lists(st.tuples(st.sampled_from(["A", "C", "F"]), _countries, _countries), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_any_route_is_open_where_the_rule_says(routes: list[tuple[str, str, str]], asked: list[tuple[str, str, str]]):
    expected = [kind not in {of for of, _, _ in routes} or (kind, a, b) in routes for kind, a, b in asked]
    assert law_of([("85", "A", 8.0)], routes).open_routes(*map(np.array, zip(*asked, strict=True))).tolist() == expected


def test_the_simulated_law_judges_a_simulated_month_as_the_simulation_does(simulated: Law):
    month = open_source("simulated?declarations=40000").read_month("2020-03").declarations.select(list(TARIFF_TUPLE))
    declared = month.to_pandas()
    assert simulated.is_lawful(declared).all()
    released = declared.assign(hs6_code=declared["hs10_code"].str[:6]).drop(columns="hs10_code")
    assert simulated.is_lawful(released).all()

    # Cells of other rows, so that rates, types and routes are wrong by and by.
    rng = np.random.default_rng(5)
    for column in TARIFF_TUPLE:
        other = rng.random(len(declared)) < 0.25
        declared.loc[other, column] = declared[column].to_numpy()[rng.integers(len(declared), size=int(other.sum()))]
    expected = lawful_tuples(pa.Table.from_pandas(declared, month.schema, preserve_index=False))
    assert 0.1 < expected.mean() < 0.9
    assert np.array_equal(simulated.is_lawful(declared), expected)


def test_the_simulated_law_holds_every_line_and_every_route_of_the_simulation(simulated: Law):
    schedule = tariff_schedule().to_pandas().set_axis(["hs_code", "tax_type", "tax_rate"], axis=1)
    assert simulated.origin == "simulated" and simulated.has_rates
    assert {*simulated.tariff.itertuples(index=False, name=None)} == {*schedule.itertuples(index=False, name=None)}
    assert {*simulated.routes.itertuples(index=False, name=None)} == {
        *claim_routes().to_pandas().itertuples(index=False, name=None)
    }
    assert simulated.codes.tolist() == sorted({code[:6] for code in schedule["hs_code"]})


def test_the_nomenclature_knows_codes_and_no_rates():
    tables = read_law(Settings(source="/no/matter"))  # pyright: ignore[reportCallIssue]
    law = Law.of(tables.tariff, tables.routes)
    assert law.origin == "nomenclature" and not law.has_rates
    assert law.codes.tolist() == product_codes().tolist()
    assert len(law.codes) == 5612 and "854231" in law.codes
    assert law.lines().empty and list(law.lines().columns) == ["hs6_code", "tax_type", "tax_rate"]
    assert law.open_routes(np.array(["A"]), np.array(["CN"]), np.array(["HK"])).tolist() == [True]
    with pytest.raises(ValueError, match="has no rates; name a tariff"):
        law.is_lawful(claims([("8542310000", "A", 0.0)]))


def test_two_tables_of_different_laws_are_no_law(simulated: Law):
    one = read_law(Settings(source="simulated"))  # pyright: ignore[reportCallIssue]
    other = read_law(Settings(source="/no/matter"))  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match="simulated law and its routes are of the nomenclature one"):
        Law.of(one.tariff, other.routes)
    with pytest.raises(ValueError, match="does not say which law it is"):
        stated_origin(one.tariff.replace_schema_metadata(None))


def test_the_shipped_nomenclature_is_the_public_list():
    if not NOMENCLATURE.is_file():
        pytest.skip(f"the Harmonized System is not at {NOMENCLATURE}")
    listed = pd.read_csv(NOMENCLATURE, dtype=str, keep_default_na=False)
    six = listed[(listed["level"] == "6") & (listed["section"] != "TOTAL")]
    assert product_codes().tolist() == sorted(six["hscode"])
    assert pd.Series(product_codes()).str.fullmatch(HS6.pattern or "").all()
    roman = {name: number for number, name in enumerate(dict.fromkeys(six["section"]), start=1)}
    assert list(roman)[:4] == ["I", "II", "III", "IV"] and len(roman) == 21
    assert sections(six["hscode"].str[:2].astype(int).to_numpy()).tolist() == six["section"].map(roman).tolist()
    assert (
        (Path(str(sections.__globals__["__file__"])).parent / "harmonized_system.md").read_text().count("ODC-PDDL 1.0")
    )


def test_a_hundred_thousand_rows_under_a_hundred_thousand_lines_take_little_time():
    rng = np.random.default_rng(3)
    national = pd.Series(np.repeat(product_codes(), 6)) + np.tile(
        ["0000", "1000", "2000", "3000", "8000", "9000"], 5612
    )
    lines = pd.concat(
        [
            pd.DataFrame({"hs_code": national, "tax_type": kind, "tax_rate": rng.integers(0, 40, len(national)) / 2})
            for kind in "ACF"
        ]
    )
    countries = sorted(COUNTRIES)[:60]
    routes = pd.DataFrame(
        [("F", origin, departure) for origin in countries for departure in countries],
        columns=["tax_type", "country_of_origin", "country_of_departure"],
    )
    law = Law("given", lines.reset_index(drop=True), routes)
    rows = lines.sample(100_000, random_state=4, ignore_index=True).rename(columns={"hs_code": "hs10_code"})
    rows = rows.assign(country_of_origin=countries[0], country_of_departure=countries[1])
    rows.loc[::2, "tax_rate"] += 0.25
    start = time.perf_counter()
    lawful = law.is_lawful(rows)
    took = time.perf_counter() - start
    assert lawful.tolist() == [False, True] * 50_000
    assert len(law.lines()) > 3 * 5612
    assert took < 5, "vectorised: a loop over rows would take minutes"
