"""A business number identifies a party where a row has one; it comes from the source's own column, and goes no further."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from customs_assets.anonymization.business_numbers import BusinessNumberError, read_business_numbers
from customs_assets.anonymization.identities import anonymize, parties, token
from customs_assets.anonymization.unit_prices import average_prices
from customs_assets.declaration import ATTRIBUTES
from customs_assets.expectations.checks import judge
from customs_assets.expectations.evidence_suites import EVIDENCE_SUITES
from customs_assets.expectations.suites import SUITES
from customs_assets.lake import Lake, Record
from customs_assets.resources import Pipeline
from customs_assets.secret_files import identity_key
from customs_assets.settings import Settings
from customs_assets.source.address import open_source
from customs_assets.source.labelled import extract_labelled
from customs_assets.source.postgresql import PostgreSQLSource
from customs_assets_tests.lakes import out_of_date
from customs_assets_tests.postgresql_server import PASSWORD, Server

MONTH, COLUMN = "2020-02", "importer_business_no"
FILED = {0: "214-86-10472", 1: "２１４８６１０４７２", 2: "214-86-10473", 3: "000-00-00000", 4: " - "}
ASSETS = ("quarantine", "raw_declarations", "labelled_declarations", "anonymized_declarations", "unit_prices")


def _filed(small_declarations: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """A month as filed: the first rows have business numbers, every third row was not inspected."""
    rows = small_declarations(MONTH)
    rows["Importer Business No."] = pd.Series(FILED).reindex(rows.index, fill_value="")
    rows.loc[rows.index % 3 == 2, ["Fraud", "Critical Fraud"]] = ""
    return rows


@pytest.fixture
def lake(tmp_path: Path, small_declarations: Callable[[str], pd.DataFrame], monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake, and a source of one month with a column of business numbers."""
    _filed(small_declarations).to_csv(tmp_path / f"declarations-{MONTH}.csv", index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(tmp_path / f"declarations-{MONTH}.csv"))
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_IDENTITY_KEY", str(tmp_path / "identity.key"))
    monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", f'{{"importer_id": "{COLUMN}"}}')
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def made(lake: Lake, tmp_path: Path) -> Iterator[Callable[[], dg.ExecuteInProcessResult]]:
    """A function that makes the month up to its tokens, checks included."""
    from customs_assets.definitions import defs

    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield lambda: defs.resolve_job_def("month").execute_in_process(
            partition_key=MONTH,
            asset_selection=[dg.AssetKey(key) for key in ASSETS],
            instance=instance,
            raise_on_error=False,
        )


def _rows(**columns: list[str]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    roles = {a.name: [""] * count for a in ATTRIBUTES if a.kind == "identity"}
    return pd.DataFrame({**roles, **columns}, index=range(5, 5 + count))


def test_a_number_counts_before_a_name_and_a_name_that_is_a_number_is_that_number():
    rows = _rows(
        importer_id=["Kim Ltd", "Park & Sons", "Kim Ltd", "214-86-10472", "Kim Co., Ltd.", "Lee"],
        seller_id=["A", "B", "", "A", "A", "A"],
    )
    numbers = pd.DataFrame(
        {"importer_id": ["214-86-10472", "2148610472", "1", "", None, "000"]}, index=rows.index[::-1]
    )
    who = parties(rows, numbers)
    assert who["importer_id"].tolist() == ["2148610472", "2148610472", "1", "2148610472", "kim", "lee"]
    assert who["seller_id"].tolist() == ["a", "b", "", "a", "a", "a"]
    assert who.index.equals(rows.index)
    tokens = anonymize(rows, b"k" * 32, numbers)["importer_id"].tolist()
    assert tokens[0] == tokens[1] == tokens[3] == token("214 86 10472", "importer_id", b"k" * 32)
    assert len(set(tokens)) == 4
    assert anonymize(rows, b"k" * 32)["importer_id"].nunique() == 4, "without numbers: Kim, Park & Sons, a number, Lee"


def test_numbers_of_other_rows_or_roles_are_refused():
    rows = _rows(importer_id=["Kim", "Lee"])
    with pytest.raises(ValueError, match="1 rows of business numbers for 2 declarations"):
        parties(rows, pd.DataFrame({"importer_id": ["1"]}))
    with pytest.raises(ValueError, match="given for importer; roles are declarant_id"):
        parties(rows, pd.DataFrame({"importer": ["1", "2"]}))


def test_a_month_is_made_with_its_numbers_and_made_again_when_the_setting_changes(
    lake: Lake, made: Callable[[], dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    assert made().success
    labelled, tokens = (lake.read_frame(f"{kind}_declarations", MONTH) for kind in ("labelled", "anonymized"))
    assert list(tokens.columns) == list(labelled.columns) == [a.name for a in ATTRIBUTES]
    assert len(tokens) == 100
    key = identity_key(tmp_path / "identity.key").load()
    # Rows 0 and 1 have one number and two names; row 2 was not inspected; row 3 has no number but zeros, row 4 a hyphen.
    names = labelled["importer_id"].tolist()
    assert names[0] != names[1]
    shown = tokens["importer_id"].tolist()
    assert shown[0] == shown[1] == token("2148610472", "importer_id", key)
    assert shown[2:] == [token(name, "importer_id", key) for name in names[2:]]
    unchanged = [a.name for a in ATTRIBUTES if a.kind != "identity"]
    pd.testing.assert_frame_equal(tokens[unchanged], labelled[unchanged])
    for path in (tmp_path / "lake").rglob("*"):
        if path.is_file() and "raw_declarations" not in str(path):
            assert b"10472" not in path.read_bytes(), path

    def stale() -> set[str]:
        return {asset for asset, _ in out_of_date(lake, [MONTH])} & set(ASSETS)

    assert stale() == set()
    monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", "{}")
    assert stale() == {"anonymized_declarations"}, "unit prices may come out the same"
    assert made().success
    assert lake.read_frame("anonymized_declarations", MONTH)["importer_id"][0] == token(names[0], "importer_id", key)


def test_two_spellings_and_a_trailing_blank_no_longer_stop_a_month(
    lake: Lake,
    made: Callable[[], dg.ExecuteInProcessResult],
    small_declarations: Callable[[str], pd.DataFrame],
    tmp_path: Path,
):
    rows = _filed(small_declarations)
    importer = rows.loc[9, "Importer ID"]
    rows.loc[[9, 12, 15], "Importer ID"] = [f"{importer} ", importer, str(importer).replace("주식회사 ", "(주)")]
    rows.to_csv(tmp_path / f"declarations-{MONTH}.csv", index=False)
    result = made()
    assert result.success
    evaluated = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert evaluated["nobody_named"].passed
    by_id = lake.read_frame("anonymized_declarations", MONTH).set_index("declaration_id")["importer_id"]
    assert by_id[rows.loc[[9, 12, 15], "Declaration ID"].tolist()].nunique() == 1


def test_no_unit_price_rests_on_one_importer_in_many_spellings(
    lake: Lake,
    made: Callable[[], dg.ExecuteInProcessResult],
    small_declarations: Callable[[str], pd.DataFrame],
    tmp_path: Path,
):
    rows = _filed(small_declarations).assign(**{"Importer Business No.": ""})
    own = rows.index[rows["Fraud"] != ""][:6]
    rows.loc[own, "HS10 Code"] = "2204210000"
    rows.loc[own, "Importer ID"] = [
        "Hanbit Ltd",
        "HANBIT LTD.",
        "Hanbit Co., Ltd",
        "주식회사 Hanbit",
        "Hanbit Inc",
        " Hanbit",
    ]
    rows.loc[own, "Item Price"] = "1000000"
    rows.to_csv(tmp_path / f"declarations-{MONTH}.csv", index=False)
    assert made().success
    with lake.connect() as connection:
        counted_by_name = average_prices(connection, lake.sql_path("labelled_declarations", MONTH), 5)
    assert "2204210000" in set(counted_by_name["category"]), "as it was before"
    prices = lake.read_frame("unit_prices", MONTH)
    own = [category for category in prices["category"] if "2204210000".startswith(category)]
    assert own == [""], "the average of all goods, and not one importer's own prices"
    [importers] = prices.loc[prices["category"] == "", "importers"]
    assert importers == lake.read_frame("anonymized_declarations", MONTH)["importer_id"].nunique()
    assert importers == lake.read_frame("labelled_declarations", MONTH)["importer_id"].nunique() - 5


@pytest.mark.parametrize(
    ("leak", "said"),
    [
        ("214-86-10472", "no importer_id of the source is left"),
        ("2148610472", "no importer_id of the source is left"),
        ("A" * 20, "every importer_id of the source became one token"),
        ("HQ0W7JA", "importer_id has the form of its code"),
    ],
)
def test_a_number_that_is_left_or_a_party_of_two_tokens_blocks_the_month(
    lake: Lake, made: Callable[[], dg.ExecuteInProcessResult], leak: str, said: str
):
    assert made().success
    tokens = lake.read_frame("anonymized_declarations", MONTH)
    tokens.loc[0, "importer_id"] = leak
    lake.write_table("anonymized_declarations", tokens, MONTH)
    suite = next(suite for suite in SUITES if suite.asset == "anonymized_declarations")
    result = judge(suite, Pipeline(), MONTH)
    assert not result.passed
    assert said in str(result.metadata["findings"])
    assert leak not in str(result.metadata)


def test_a_number_in_a_release_is_found_and_not_repeated(lake: Lake, made: Callable[[], dg.ExecuteInProcessResult]):
    assert made().success
    suite = next(suite for suite in EVIDENCE_SUITES if suite.name == "nobody_named")
    for content, passes in (
        ("thanks to 2148610472", False),
        ("see 214-86-10472.", False),
        ("2148610473 is nobody's", True),
    ):
        lake.write_folder("release_candidate", {"README.md": content.encode()})
        result = judge(suite, Pipeline(), "")
        assert result.passed is passes, content
        assert "10472" not in str(result.metadata)


def test_a_column_that_is_not_there_stops_the_month_with_one_sentence(
    made: Callable[[], dg.ExecuteInProcessResult], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", '{"importer_id": "taxpayer"}')
    result = made()
    assert not result.success
    [failed] = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_key == "anonymized_declarations"
    assert (
        "the source has no column taxpayer in 2020-02, which CUSTOMS_BUSINESS_NUMBERS names for importer_id"
        in failed.step_failure_data.error_display_string
    )


def test_months_whose_numbers_came_from_other_columns_are_not_released_together(lake: Lake):
    from customs_assets.release.assets import _require_one_token_space

    for month, numbers in (("2020-01", "{'importer_id': 'one'}"), ("2020-02", "{'importer_id': 'other'}")):
        settings = {"identity_key": "01234567", "business_numbers": numbers}
        checksum = lake.write_table("anonymized_declarations", _rows(importer_id=["A" * 20]), month)
        path = f"anonymized_declarations/{month}.parquet"
        lake.save_record(Record("anonymized_declarations", month, path, "2", checksum, settings))
    _require_one_token_space(lake, ["2020-01"])
    with pytest.raises(dg.Failure, match="the same person has several tokens"):
        _require_one_token_space(lake, ["2020-01", "2020-02"])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            '{"importer": "taxpayer"}',
            "importer is no identity of a declaration; identities are declarant_id, importer_id",
        ),
        ('{"importer_id": "Importer ID"}', "'Importer ID' cannot hold the business numbers of importer_id"),
        ('{"importer_id": "net_mass"}', "'net_mass' cannot hold the business numbers of importer_id"),
        ('{"importer_id": " "}', "' ' cannot hold the business numbers of importer_id"),
        ("importer_id=taxpayer", 'must be a JSON object such as {"importer_id": "importer_business_number"}'),
        ('["importer_id"]', "Input should be a valid dictionary"),
    ],
)
def test_a_setting_that_names_no_role_or_no_further_column_is_refused(
    monkeypatch: pytest.MonkeyPatch, setting: str, said: str
):
    monkeypatch.setenv("CUSTOMS_BUSINESS_NUMBERS", setting)
    with pytest.raises(ValidationError) as refused:
        Settings()  # pyright: ignore[reportCallIssue]
    assert said in str(refused.value)


def test_a_column_is_named_as_the_source_or_as_the_pipeline_spells_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(
        "CUSTOMS_BUSINESS_NUMBERS", '{"importer_id": "Importer Business No.", "declarant_id": "licence"}'
    )
    columns = Settings().business_numbers  # pyright: ignore[reportCallIssue]
    assert list(columns.items()) == [("declarant_id", "licence"), ("importer_id", COLUMN)]


def test_numbers_of_other_rows_are_not_taken_for_those_of_the_labelled(lake: Lake, small_declarations):
    raw = open_source(str(Settings().source)).read_month(MONTH).declarations  # pyright: ignore[reportCallIssue]
    lake.write_table("raw_declarations", raw, MONTH)
    labelled = extract_labelled(lake, MONTH)
    lake.write_table("labelled_declarations", labelled.slice(1), MONTH)
    with pytest.raises(BusinessNumberError, match="labelled_declarations of 2020-02 has other rows"):
        read_business_numbers(lake, MONTH, {"importer_id": COLUMN})


def test_a_table_gives_the_numbers_that_a_file_gives(
    lake: Lake,
    postgresql: Server,
    small_declarations: Callable[[str], pd.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    rows = _filed(small_declarations).rename(columns={a.header: a.name for a in ATTRIBUTES})
    postgresql.load("with_numbers", pa.Table.from_pandas(rows, preserve_index=False))
    sources = {
        "file": open_source(str(Settings().source)),  # pyright: ignore[reportCallIssue]
        "table": PostgreSQLSource(postgresql.address("postgres"), "with_numbers", {}),
    }
    read = {}
    for name, source in sources.items():
        stored = Lake(str(tmp_path / name))
        stored.write_table("raw_declarations", source.read_month(MONTH).declarations, MONTH)
        stored.write_table("labelled_declarations", extract_labelled(stored, MONTH), MONTH)
        ids = stored.read_table("labelled_declarations", MONTH).column("declaration_id").to_pylist()
        numbers = read_business_numbers(stored, MONTH, {"importer_id": COLUMN})["importer_id"]
        read[name] = {i: number for i, number in zip(ids, numbers, strict=True) if number}
    assert read["file"] == read["table"]
    assert sorted(read["file"].values()) == sorted(FILED[row] for row in (0, 1, 3, 4))


def test_the_simulated_administrations_numbers_tell_its_importers_apart(tmp_path: Path):
    lake = Lake(str(tmp_path))
    lake.write_table(
        "raw_declarations", open_source("simulated?declarations=18000").read_month(MONTH).declarations, MONTH
    )
    lake.write_table("labelled_declarations", extract_labelled(lake, MONTH), MONTH)
    labelled = lake.read_frame("labelled_declarations", MONTH)
    with_numbers = parties(labelled, read_business_numbers(lake, MONTH, {"importer_id": "taxpayer_business_number"}))
    by_name = parties(labelled)
    assert by_name["importer_id"].nunique() == labelled["importer_id"].nunique() > 20
    assert with_numbers["importer_id"].str.fullmatch(r"\d{10}").all()
    pairs = {*zip(by_name["importer_id"], with_numbers["importer_id"], strict=True)}
    assert len(pairs) == by_name["importer_id"].nunique() == with_numbers["importer_id"].nunique()
    assert np.array_equal(by_name["seller_id"], with_numbers["seller_id"])
