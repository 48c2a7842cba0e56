"""The population: every importer counts once, in however many spellings and months, and order is nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from customs_assets.anonymization.business_numbers import BusinessNumberError
from customs_assets.anonymization.identities import anonymize, token
from customs_assets.declaration import IDENTITIES, TARIFF_TUPLE
from customs_assets.disclosure.population import (
    COLUMNS,
    KEY,
    Population,
    SeveralTokens,
    count_population,
    month_population,
)
from customs_assets.expectations.checks import judge
from customs_assets.expectations.suites import SUITES
from customs_assets.lake import Lake, Record
from customs_assets.resources import Pipeline
from customs_assets.settings import Settings
from customs_assets.source.address import open_source
from customs_assets.source.labelled import extract_labelled
from customs_assets_tests.lakes import out_of_date

SECRET = b"k" * 32
MONTH = "2020-02"
COFFEE = ("0901210000", "BR", "DE", 8.0, "A")


def _rows(*declared: tuple[str, tuple, float, float]) -> pd.DataFrame:
    """Declarations from (importer, tuple, price, mass)."""
    made = pd.DataFrame([row[1] for row in declared], columns=list(TARIFF_TUPLE))
    return made.assign(
        importer_id=[row[0] for row in declared],
        item_price=[row[2] for row in declared],
        net_mass=[row[3] for row in declared],
    )


def _token(name: str) -> str:
    return token(name, "importer_id", SECRET)


def _counted(folder: Path, rows: pd.DataFrame, number: str | None = None) -> pd.DataFrame:
    lake = Lake(str(folder))
    lake.write_table("raw_declarations", rows, MONTH)
    return month_population(lake, MONTH, SECRET, number).to_pandas()


def _cells(population: Population, columns: Sequence[str]) -> pd.DataFrame:
    """What the importers of each cell have together."""
    keys, has = population.contributions(columns)
    assert not has.duplicated(["cell", "importer"]).any(), "an importer has one row in a cell"
    added = has.groupby("cell")[["declarations", "value", "mass"]].sum()
    added["importers"] = has.groupby("cell").size()
    return keys.join(added).dropna(subset=["importers"]).reset_index(drop=True)


# An oracle that knows nothing of SQL: exact fractions, rounded as the statement says, in plain dictionaries.
def _whole(amount: float, unit: int) -> int:
    return int(np.floor(np.float64(amount) * unit + 0.5))


def _expected_cells(months: Sequence[pd.DataFrame], columns: Sequence[str]) -> dict[tuple, dict[str, Any]]:
    starts = [1, 6, 15, 16, 25, 28, 39, 41, 44, 47, 50, 64, 68, 71, 72, 84, 86, 90, 93, 94, 97]
    parties: dict[tuple, dict[str, list[int]]] = {}
    for row in pd.concat(months).to_dict("records"):
        if not row["importer_id"].strip():
            continue  # Nobody is no importer.
        code = row["hs10_code"]
        levels = {"hs6_code": code[:6], "heading": code[:4], "chapter": code[:2], "all goods": ""}
        levels |= {f"{run} headings": f"{code[:2]}/{int(code[2:4]) // run}" for run in (2, 4, 8, 16)}
        section = str(sum(start <= int(code[:2]) for start in starts))
        cell = tuple({**row, **levels, "section": section}[name] for name in columns)
        own = parties.setdefault(cell, {}).setdefault(_token(row["importer_id"]), [0, 0, 0])
        for place, amount in enumerate((1, _whole(row["item_price"], 10**4), _whole(row["net_mass"], 10**9))):
            own[place] += amount
    expected = {}
    for cell, of_parties in parties.items():
        declarations, values, masses = zip(*of_parties.values(), strict=True)
        expected[cell] = {
            "importers": len(of_parties),
            "declarations": sum(declarations),
            "value": sum(values) / 10**4,
            "mass": sum(masses) / 10**9,
        }
    return expected


NAMES = ("Hanbit Trading Co., Ltd.", "HANBIT TRADING", "주식회사 한빛", "(주)한빛", "Lee", "Lee & Sons", "Park", " ")
declared_rows = st.builds(
    lambda name, *rest: {
        "importer_id": name,
        **dict(zip((*TARIFF_TUPLE, "item_price", "net_mass"), rest, strict=True)),
    },
    st.sampled_from(NAMES),
    st.sampled_from(["0901210000", "0901220000", "0902200000", "847130", "9701210000", "1501100000"]),
    st.sampled_from(["CN", "DE"]),
    st.sampled_from(["BR", "CN"]),
    st.sampled_from([0.0, 8.0]),
    st.sampled_from(["A", "FEU1"]),
    st.one_of(st.just(0.0), st.integers(0, 10**13).map(float), st.floats(0, 1e6)),
    st.one_of(st.just(0.0), st.floats(0, 1e4), st.just(1e9)),
)


@given(
    st.lists(st.lists(declared_rows, min_size=1, max_size=30), min_size=1, max_size=3),
    st.lists(st.sampled_from(COLUMNS), unique=True, max_size=4),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_cells_are_those_of_a_count_by_hand(
    tmp_path_factory: pytest.TempPathFactory, months: list[list[dict]], columns: list[str]
):
    lake, frames = Lake(str(tmp_path_factory.mktemp("lake"))), [pd.DataFrame(rows) for rows in months]
    names = [f"2020-{number:02d}" for number in range(1, len(frames) + 1)]
    for month, rows in zip(names, frames, strict=True):
        lake.write_table("raw_declarations", rows, month)
        counted = month_population(lake, month, SECRET)
        assert counted["declarations"].to_pandas().sum() == len(rows)
        lake.write_table("population", counted, month)
    expected = _expected_cells(frames, columns)
    for population in (
        Population.of(lake, names),
        Population.of_frames(lake.read_frame("population", month) for month in reversed(names)),
    ):
        cells = _cells(population, columns)
        keys = [tuple(row[name] for name in columns) for row in cells.to_dict("records")]
        assert keys == sorted(expected)
        for name in ("importers", "declarations"):
            assert cells[name].tolist() == [expected[key][name] for key in keys]
        for name in ("value", "mass"):
            wanted = [expected[key][name] for key in keys]
            np.testing.assert_allclose(cells[name], wanted, rtol=1e-12, err_msg=name)


def test_an_importer_in_two_months_and_three_spellings_counts_once():
    names = [["Hanbit Co., Ltd.", "HANBIT CO LTD", "Lee"], ["주식회사 Hanbit", "Park"]]
    months = [
        anonymize(_rows(*((name, COFFEE, 1.0, 1.0) for name in month)).assign(**_others()), SECRET) for month in names
    ]
    months = [count_population(month) for month in months]
    assert [month["importer_id"].nunique() for month in months] == [2, 2]
    [cell] = _cells(Population.of_frames(months), ["hs6_code"]).to_dict("records")
    assert (cell["importers"], cell["declarations"], cell["value"]) == (3, 5, 5.0)


def _others() -> dict[str, str]:
    return dict.fromkeys(set(IDENTITIES) - {"importer_id"}, "")


def test_a_month_has_a_row_for_each_importer_and_tuple_sorted_with_exact_sums(tmp_path: Path):
    decaf = ("0901220000", *COFFEE[1:])
    counted = _counted(
        tmp_path,
        _rows(
            ("Lee", COFFEE, 0.1, 1.5),
            ("LEE", COFFEE, 0.2, 2.25),
            ("Lee", decaf, 7.0, 0.0),
            ("Kim", ("0901219999", *COFFEE[1:]), 1e13, 1e9),
            ("Kim", ("090121", *COFFEE[1:]), 1e13, 1e9),
        ),
    )
    assert counted.columns.tolist() == [*KEY, "declarations", "value", "mass"]
    assert counted.dtypes.astype(str).tolist() == ["object"] * 5 + ["float64", "int64", "float64", "float64"]
    wanted = [
        (_token("Kim"), "090121", "DE", "BR", "A", 8.0, 2, 2e13, 2e9),
        (_token("Lee"), "090121", "DE", "BR", "A", 8.0, 2, 0.3, 3.75),
        (_token("Lee"), "090122", "DE", "BR", "A", 8.0, 1, 7.0, 0.0),
    ]
    assert list(counted.itertuples(index=False, name=None)) == sorted(wanted)


@pytest.mark.parametrize("number", [None, "no"])
def test_tokens_are_those_that_anonymize_gives(
    tmp_path: Path, small_declarations: Callable[[str], pd.DataFrame], number: str | None
):
    rows = small_declarations(MONTH).assign(no="")
    rows["no"] = pd.Series({0: "214-86-10472", 1: "２１４８６１０４７２", 3: "000-00-00000", 4: " - "}).reindex(
        rows.index, fill_value=""
    )
    rows.loc[rows.index % 3 == 2, ["Fraud", "Critical Fraud"]] = ""
    rows.to_csv(tmp_path / f"{MONTH}.csv", index=False)
    lake = Lake(str(tmp_path / "lake"))
    raw = open_source(str(tmp_path / f"{MONTH}.csv")).read_month(MONTH).declarations
    lake.write_table("raw_declarations", raw, MONTH)
    labelled = extract_labelled(lake, MONTH).to_pandas()
    frame = raw.to_pandas()
    numbers = None if number is None else frame[[number]].set_axis(["importer_id"], axis=1)
    everyone = set(anonymize(frame, SECRET, numbers)["importer_id"])
    assert set(month_population(lake, MONTH, SECRET, number)["importer_id"].to_pylist()) == everyone
    inspected = None if numbers is None else numbers.loc[frame["fraud"].notna()].reset_index(drop=True)
    assert set(anonymize(labelled, SECRET, inspected)["importer_id"]) < everyone, "not everyone was inspected"
    assert (token("2148610472", "importer_id", SECRET) in everyone) == (number is not None)


def test_a_business_number_counts_before_a_name(tmp_path: Path):
    rows = _rows(*((name, COFFEE, 1.0, 1.0) for name in ("Kim", "Lee", "Park", "PARK", "Choi")))
    rows["no"] = pd.Series(["1-1", "11", "", None, "000"], dtype=object)
    by_name, by_number = _counted(tmp_path / "names", rows), _counted(tmp_path / "numbers", rows, "no")
    assert sorted(by_name["declarations"]) == [1, 1, 1, 2]
    assert dict(zip(by_number["importer_id"], by_number["declarations"], strict=True)) == {
        _token("11"): 2,
        _token("Park"): 2,
        _token("Choi"): 1,
    }


def test_a_column_of_numbers_that_is_missing_or_no_text_is_refused(tmp_path: Path):
    rows = _rows(("Kim", COFFEE, 1.0, 1.0)).assign(no=7)
    with pytest.raises(
        BusinessNumberError, match="no column taxpayer in 2020-02, which CUSTOMS_BUSINESS_NUMBERS names"
    ):
        _counted(tmp_path, rows, "taxpayer")
    with pytest.raises(BusinessNumberError, match="holds int64 in 2020-02; a business number is text"):
        _counted(tmp_path, rows, "no")


def _many_rows(seed: int, count: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = rng.choice(["Kim", "KIM", "Lee Ltd", "Lee", "Park", *(f"Firm {n}" for n in range(40))], count)
    tuples = {
        "hs10_code": rng.choice(["0901210000", "0901220000", "8471300000"], count),
        "country_of_departure": rng.choice(["CN", "DE"], count),
        "country_of_origin": rng.choice(["BR", "DE"], count),
        "tax_type": rng.choice(["A", "C"], count),
        "tax_rate": rng.choice([0.0, -0.0, 8.0], count),
    }
    prices = np.round(10 ** rng.uniform(-4, 13, count), 3)
    return pd.DataFrame(
        {"importer_id": names, **tuples, "item_price": prices, "net_mass": 10 ** rng.uniform(-6, 9, count)}
    )


def test_the_order_of_the_rows_makes_no_difference_to_any_byte(tmp_path: Path):
    rows = _many_rows(3)
    # The sums of floating-point numbers do depend on the order: otherwise this test would show nothing.
    assert len({sum(rows["item_price"].sample(frac=1, random_state=seed)) for seed in range(5)}) > 1
    found = set()
    for seed in range(3):
        lake = Lake(str(tmp_path / str(seed)))
        for month, part in (("2020-01", rows.iloc[:2000]), ("2020-02", rows.iloc[2000:])):
            lake.write_table("raw_declarations", part.sample(frac=1, random_state=seed), month)
            lake.write_table("population", month_population(lake, month, SECRET), month)
        files = [Path(lake.path("population", month)).read_bytes() for month in ("2020-01", "2020-02")]
        population = Population.of_frames(
            lake.read_frame("population", month).sample(frac=1, random_state=seed) for month in ("2020-01", "2020-02")
        )
        cells = [
            pd.util.hash_pandas_object(_cells(population, columns)).to_numpy().tobytes()
            for columns in (["hs6_code"], ["heading", "tax_type"], [])
        ]
        found.add(hashlib.sha256(b"".join([*files, *cells])).hexdigest())
    assert len(found) == 1


def test_sums_beyond_64_bits_are_exact():
    rows = _rows(*((name, COFFEE, 1e13, 1e9) for name in "ab" for _ in range(600)))
    [cell] = _cells(Population.of_frames([count_population(rows)] * 3), []).to_dict("records")
    assert (cell["value"], cell["mass"]) == (3.6e16, 3.6e12)


def test_sections_are_those_of_the_harmonized_system_and_levels_are_cut_from_the_code():
    codes = {"050400": "1", "060110": "2", "150110": "3", "271012": "5", "840110": "16", "852713": "16", "970121": "21"}
    rows = _rows(*(("a", (code, *COFFEE[1:]), 1.0, 1.0) for code in codes))
    cells = _cells(Population.of_frames([count_population(rows)]), ["hs6_code", "heading", "chapter", "section"])
    assert dict(zip(cells["hs6_code"], cells["section"], strict=True)) == codes
    assert cells["heading"].tolist() == [code[:4] for code in codes]
    assert cells["chapter"].tolist() == [code[:2] for code in codes]


def test_half_of_the_importers_has_a_population_of_its_own():
    rows = _many_rows(5).assign(importer_id=lambda frame: frame["importer_id"].str.upper())
    months = [rows.iloc[:2000], rows.iloc[2000:]]
    whole = Population.of_frames(map(count_population, months))
    assert whole.importers.tolist() == sorted(rows["importer_id"].unique())
    half = whole.importers[::2]
    own = whole.restricted_to(pd.Series([*half, "nobody", ""]))
    alone = Population.of_frames(count_population(month[month["importer_id"].isin(half)]) for month in months)
    assert own.importers.tolist() == half.tolist() == alone.importers.tolist()
    for columns in (["hs6_code", "country_of_origin"], ["tax_rate"], []):
        pd.testing.assert_frame_equal(_cells(own, columns), _cells(alone, columns), check_exact=True)
    quarter = own.restricted_to(half[1::2])
    assert _cells(quarter, [])["declarations"].item() == rows["importer_id"].isin(half[1::2]).sum()
    assert not _cells(own.restricted_to(whole.importers[1::2]), ["hs6_code"]).size, "the other half has nothing here"


def test_declarations_of_nobody_are_in_no_half():
    whole = Population.of_frames([count_population(_rows(("", COFFEE, 1.0, 1.0), ("a", COFFEE, 1.0, 1.0)))])
    assert whole.importers.tolist() == ["a"]
    assert _cells(whole.restricted_to(np.array(["a", ""])), [])["declarations"].tolist() == [1]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path):
    lake = Lake(str(tmp_path))
    population = Population.of(lake, [MONTH])
    half = population.restricted_to(np.array(["a"]))
    lake.write_table("population", count_population(_rows(("a", COFFEE, 1.0, 1.0), ("b", COFFEE, 1.0, 1.0))), MONTH)
    assert _cells(half, [])["importers"].tolist() == [1]
    assert population.importers.tolist() == ["a", "b"]


def test_columns_that_no_cell_has_and_populations_of_nothing_are_refused(tmp_path: Path):
    population = Population.of_frames([count_population(_rows(("a", COFFEE, 1.0, 1.0)))])
    with pytest.raises(
        ValueError, match="a cell has no importer_id, hs2; it is made of hs6_code, heading, 2 headings, "
    ):
        _cells(population, ["importer_id", "hs6_code", "hs2"])
    with pytest.raises(ValueError, match="there is no month"):
        Population.of(Lake(str(tmp_path)), [])
    with pytest.raises(ValueError, match="there is no table"):
        Population.of_frames([])


def test_months_of_different_keys_are_not_merged(tmp_path: Path):
    lake = Lake(str(tmp_path))
    counted = count_population(_rows(("a", COFFEE, 1.0, 1.0)))
    for month, key in (("2020-01", "01234567"), ("2020-02", "89abcdef"), ("2020-03", "01234567")):
        checksum = lake.write_table("population", counted, month)
        made_with = {"identity_key": key, "business_numbers": "{}"}
        lake.save_record(Record("population", month, f"population/{month}.parquet", "1", checksum, made_with))
    assert _cells(Population.of(lake, ["2020-01", "2020-03"]), [])["importers"].item() == 1
    with pytest.raises(SeveralTokens, match=r"key 01234567.*: 2020-01, 2020-03; key 89abcdef.*: 2020-02"):
        Population.of(lake, ["2020-01", "2020-02", "2020-03"])


@pytest.mark.parametrize("value", ["0", "1.01", "-0.5", "nan", "75%"])
@pytest.mark.parametrize("setting", ["CUSTOMS_DOMINANCE_ONE", "CUSTOMS_DOMINANCE_TWO"])
def test_a_limit_is_a_share(monkeypatch: pytest.MonkeyPatch, setting: str, value: str):
    monkeypatch.setenv(setting, value)
    with pytest.raises(ValidationError):
        Settings()  # pyright: ignore[reportCallIssue]


def test_limits_are_the_handbooks_unless_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUSTOMS_DOMINANCE_TWO", "1")
    settings = Settings()  # pyright: ignore[reportCallIssue]
    assert (settings.dominance_one, settings.dominance_two) == (0.75, 1.0)


# The asset and its check.


@pytest.fixture
def lake(tmp_path: Path, small_declarations: Callable[[str], pd.DataFrame], monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake, and a source of one month of which a third was not inspected."""
    rows = small_declarations(MONTH)
    rows.loc[rows.index % 3 == 2, ["Fraud", "Critical Fraud"]] = ""
    rows.loc[[0, 1], "Importer ID"] = ["Secret Trading Co., Ltd.", "SECRET TRADING"]
    rows.assign(taxpayer=["778-89-12345", *[""] * (len(rows) - 1)]).to_csv(tmp_path / f"d-{MONTH}.csv", index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(tmp_path / f"d-{MONTH}.csv"))
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_IDENTITY_KEY", str(tmp_path / "identity.key"))
    return Lake(str(tmp_path / "lake"))


def _make(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    from customs_assets.definitions import defs

    keys = ("quarantine", "raw_declarations", "population", "labelled_declarations", "anonymized_declarations")
    return defs.resolve_job_def("month").execute_in_process(
        partition_key=MONTH,
        asset_selection=[dg.AssetKey(key) for key in keys],
        instance=instance,
        raise_on_error=False,
    )


def test_the_asset_names_nobody_has_everyone_and_is_made_again_when_the_numbers_column_changes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    with dg.DagsterInstance.ephemeral() as instance:
        result = _make(instance)
        assert result.success
        checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
        assert checks["everyone_counted_once"].passed
        counted, labelled = (lake.read_frame(asset, MONTH) for asset in ("population", "anonymized_declarations"))
        assert counted["declarations"].sum() == 150 > len(labelled)
        assert set(labelled["importer_id"]) <= set(counted["importer_id"])
        content = Path(lake.path("population", MONTH)).read_bytes()
        assert not any(name.encode() in content for name in ("Secret", "SECRET", "secret", "수입", "12345"))
        one_firm = labelled["importer_id"][0]
        assert labelled["importer_id"][1] == one_firm
        assert counted[counted["importer_id"] == one_firm]["declarations"].sum() == 2
        assert ("population", MONTH) not in out_of_date(lake, [MONTH])
        monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", '{"importer_id": "taxpayer"}')
        assert ("population", MONTH) in out_of_date(lake, [MONTH])


def test_a_column_of_numbers_that_the_source_lacks_stops_the_asset_with_one_sentence(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", '{"importer_id": "no_such"}')
    with dg.DagsterInstance.ephemeral() as instance:
        result = _make(instance)
    failed = {event.step_key: event.step_failure_data for event in result.all_events if event.is_step_failure}
    assert "the source has no column no_such in 2020-02" in failed["population"].error_display_string


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            lambda rows: rows.assign(importer_id=rows["importer_id"].where(rows.index != 3, "Secret Trading")),
            "importer_id has the",
        ),
        (
            lambda rows: rows.assign(importer_id=rows["importer_id"].where(rows.index != 3, "")),
            "importer_id has the form",
        ),
        (
            lambda rows: rows.assign(hs6_code=rows["hs6_code"].where(rows.index != 3, "0901210000")),
            "hs6_code has the form",
        ),
        (lambda rows: rows.iloc[1:], "150 declarations are counted, those of raw_declarations"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "an importer has one row for each tariff tuple"),
        (
            lambda rows: rows.assign(declarations=rows["declarations"].where(rows.index != 3, 0)),
            "at least one declaration",
        ),
        (lambda rows: rows.assign(value=rows["value"].where(rows.index != 3, -1.0)), "value is not negative"),
        (lambda rows: rows.assign(mass=-rows["mass"]), "mass is not negative"),
        (lambda rows: rows.assign(value=rows["value"] * 1.001), "the values add up to the item prices"),
        (lambda rows: rows.assign(mass=rows["mass"] + 1.0), "the masses add up to the net masses"),
        (lambda rows: rows.assign(tax_type=rows["tax_type"].where(rows.index != 3)), "tax_type is never missing"),
    ],
)
def test_a_population_that_is_wrong_blocks_and_shows_no_importer(
    lake: Lake, broken: Callable[[pd.DataFrame], pd.DataFrame], said: str
):
    raw = open_source(str(Settings().source)).read_month(MONTH).declarations  # pyright: ignore[reportCallIssue]
    lake.write_table("raw_declarations", raw, MONTH)
    sound = month_population(lake, MONTH, SECRET).to_pandas()
    suite = next(suite for suite in SUITES if suite.asset == "population")
    assert suite.is_error
    lake.write_table("population", sound, MONTH)
    assert judge(suite, Pipeline(), MONTH).passed
    rows = broken(sound)
    lake.write_table("population", rows, MONTH)
    result = judge(suite, Pipeline(), MONTH)
    findings = str(result.metadata["findings"])
    assert not result.passed
    assert said in findings
    assert not any(str(name) in findings for name in set(rows["importer_id"]) - {""})
