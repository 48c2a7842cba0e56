"""The law in the lake: read whole or refused, out of date by the content of its files, judged by its suites."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.definitions import defs, graph
from customs_assets.expectations.checks import judge
from customs_assets.expectations.suites import SUITES
from customs_assets.graph import setting_texts, setting_values
from customs_assets.lake import Lake
from customs_assets.law import assets
from customs_assets.law.law import Law
from customs_assets.law.reading import read_law, stated_origin
from customs_assets.named_files import UNREADABLE, file_digest
from customs_assets.resources import Pipeline
from customs_assets.settings import Settings
from customs_assets_tests.lakes import out_of_date

LAW = ("tariff", "tariff_routes")
TARIFF = "hs_code,tax_type,tax_rate\n0901.21,A,8\n8471.30,C,0\n8703.23,FEU1,0\n"
ROUTES = "tax_type,country_of_origin,country_of_departure\nFEU1,DE,DE\n"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance with its own files."""
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as made:
        yield made


class Office:
    """A lake, and the files of a law that its settings name."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder, self.lake = folder, Lake(str(folder / "lake"))
        self._instance = instance

    def write(self, name: str, content: str) -> Path:
        """Write a file with the size and the times of the one that it replaces, where the content is as long."""
        path = self.folder / name
        times = path.stat() if path.exists() else None
        path.write_text(content)
        if times is not None:
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return path

    def build(self) -> dg.ExecuteInProcessResult:
        """Read the law, as a recorded run."""
        return defs.resolve_job_def("law").execute_in_process(instance=self._instance, raise_on_error=False)

    def stale(self) -> dict[str, str]:
        """Why the tables of the law are out of date."""
        return {key: found.reason for (key, _), found in out_of_date(self.lake, []).items() if key in LAW}

    def law(self) -> Law:
        """The law that the lake has."""
        return Law.of(*(self.lake.read_table(name) for name in LAW))


@pytest.fixture
def office(tmp_path: Path, small_source: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Files of declarations and of a law; nothing is built."""
    made = Office(tmp_path, instance)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(small_source))
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_IDENTITY_KEY", str(tmp_path / "identity.key"))
    monkeypatch.setenv("CUSTOMS_RELEASE_SECRET", str(tmp_path / "release.secret"))
    monkeypatch.setenv("CUSTOMS_TARIFF", str(made.write("tariff.csv", TARIFF)))
    monkeypatch.setenv("CUSTOMS_TARIFF_ROUTES", str(made.write("routes.csv", ROUTES)))
    return made


def test_files_of_a_law_become_two_tables_that_say_which_law_they_are(office: Office):
    done = office.build()
    assert done.success
    assert [stated_origin(office.lake.read_table(name)) for name in LAW] == ["given", "given"]
    assert office.lake.read_frame("tariff").to_numpy().tolist() == [
        ["090121", "A", 8.0],
        ["847130", "C", 0.0],
        ["870323", "FEU1", 0.0],
    ]
    assert office.law().codes.tolist() == ["090121", "847130", "870323"]
    evaluations = done.get_asset_check_evaluations()
    assert {(check.asset_key.to_user_string(), check.passed) for check in evaluations} == {(name, True) for name in LAW}
    [tariff] = [
        event for event in done.asset_materializations_for_node("read_law") if event.asset_key.path == ["tariff"]
    ]
    assert tariff.metadata["law"].value == "given"
    assert tariff.metadata["product_codes"].value == 3
    assert office.stale() == {}


def test_the_law_of_each_source_is_read_and_holds(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CUSTOMS_TARIFF")
    monkeypatch.delenv("CUSTOMS_TARIFF_ROUTES")
    for source, origin, codes in ((None, "nomenclature", 5612), ("simulated?seed=7", "simulated", 2869)):
        if source is not None:
            monkeypatch.setenv("CUSTOMS_SOURCE", source)
        done = office.build()
        assert done.success
        assert all(check.passed for check in done.get_asset_check_evaluations())
        law = office.law()
        assert (law.origin, len(law.codes), law.has_rates) == (origin, codes, origin == "simulated")
        assert office.stale() == {}


def test_a_law_is_out_of_date_when_what_stands_in_its_files_is_another_and_not_when_they_are_moved(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    assert office.build().success
    moved = office.write("moved.csv", TARIFF)
    monkeypatch.setenv("CUSTOMS_TARIFF", str(moved))
    assert office.stale() == {}

    # As many bytes, and the times of before.
    office.write("moved.csv", TARIFF.replace("A,8", "A,9"))
    assert office.stale() == {
        "tariff": "was built with another tariff",
        "tariff_routes": "was built with another tariff",
    }
    assert office.build().success
    assert office.stale() == {}
    assert office.law().rates_of(pd.array(["090121"]).to_numpy(dtype=object))["tax_rate"].tolist() == [9.0]

    office.write("routes.csv", ROUTES.replace("DE,DE", "DE,NL"))
    assert office.stale() == {"tariff_routes": "was built with another tariff_routes"}
    monkeypatch.delenv("CUSTOMS_TARIFF_ROUTES")
    assert office.stale() == {"tariff_routes": "was built with another tariff_routes"}


def test_another_kind_of_law_makes_it_out_of_date_and_another_simulated_world_does_not(
    office: Office, small_source: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("CUSTOMS_TARIFF")
    monkeypatch.delenv("CUSTOMS_TARIFF_ROUTES")
    monkeypatch.setenv("CUSTOMS_SOURCE", "simulated")
    assert office.build().success
    monkeypatch.setenv("CUSTOMS_SOURCE", "simulated?declarations=18000&seed=7")
    assert office.stale() == {}
    monkeypatch.setenv("CUSTOMS_SOURCE", str(small_source))
    assert office.stale() == dict.fromkeys(LAW, "was built with another law")
    monkeypatch.setenv("CUSTOMS_SOURCE", "simulated")
    monkeypatch.setenv("CUSTOMS_TARIFF", str(office.folder / "tariff.csv"))
    assert office.stale() == dict.fromkeys(LAW, "was built with another law, tariff")


def test_a_file_that_changes_while_it_is_read_is_read_again(office: Office, monkeypatch: pytest.MonkeyPatch):
    read_law = assets.read_law

    def interrupted(settings: Settings):
        tables = read_law(settings)
        office.write("tariff.csv", TARIFF.replace("A,8", "A,9"))
        return tables

    monkeypatch.setattr(assets, "read_law", interrupted)
    assert office.build().success
    assert office.lake.read_frame("tariff")["tax_rate"].tolist() == [8.0, 0.0, 0.0]
    assert office.stale() == dict.fromkeys(LAW, "was built with another tariff")


def test_a_missing_file_fails_the_run_with_a_sentence_and_status_says_why(office: Office):
    assert office.build().success
    (office.folder / "tariff.csv").unlink()
    assert office.stale() == dict.fromkeys(LAW, "was built with another tariff")
    done = CliRunner().invoke(app, ["status", "--months", "2020-01"])
    assert done.exit_code == 0, done.output
    assert "tariff: was built with another tariff" in done.output
    failed = office.build()
    assert not failed.success
    [event] = [event for event in failed.all_events if event.is_step_failure]
    said = event.step_failure_data.user_failure_data
    assert said is not None and f"CUSTOMS_TARIFF: there is no file {office.folder}/tariff.csv" in (
        said.description or ""
    )
    assert office.law().codes.tolist() == ["090121", "847130", "870323"], "what was built stands as it was"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hs_code,tax_type,tax_rate\n0901.21,A,8\n8471.30,A,free\n", "tariff.csv, row 3: tax_rate 'free' is no number"),
        ("hs_code,tax_type,tax_rate\n9801,FEU1,8\n", "tariff.csv gives no product code of the Harmonized System"),
    ],
)
def test_a_law_that_breaks_the_form_leaves_nothing_in_the_lake(office: Office, content: str, said: str):
    office.write("tariff.csv", content)
    failed = office.build()
    assert not failed.success
    [event] = [event for event in failed.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None and said in (failure.description or "")
    assert office.stale() == dict.fromkeys(LAW, "is missing")


def test_a_file_counts_by_its_bytes_in_records_and_by_its_address_in_dagsters_code_version(tmp_path: Path):
    path = tmp_path / "tariff.csv"
    settings = Settings(tariff=str(path))  # pyright: ignore[reportCallIssue]
    names = ("law", "tariff", "tariff_routes")
    assert setting_values(names, settings) == {"law": "given", "tariff": UNREADABLE, "tariff_routes": ""}
    path.write_text(TARIFF)
    assert setting_values(names, settings)["tariff"] == file_digest(str(path)) != UNREADABLE
    assert setting_texts(names, settings) == {"law": "given", "tariff": str(path), "tariff_routes": "None"}
    secret = Settings(tariff="s3://clerk:opensesame@bucket/tariff.csv")  # pyright: ignore[reportCallIssue]
    assert "opensesame" not in str(setting_texts(names, secret))


def test_what_the_code_brings_along_is_what_its_version_stands_for():
    """Nothing else makes a lake's law out of date when the simulated law or the nomenclature changes: raise the version."""
    digests = {}
    for source in ("simulated", "/no/matter"):
        tables = read_law(Settings(source=source))  # pyright: ignore[reportCallIssue]
        rows = [*tables.tariff.to_pylist(), *tables.routes.to_pylist()]
        digests[Settings(source=source).law] = hashlib.sha256(repr(rows).encode()).hexdigest()[:12]  # pyright: ignore[reportCallIssue]
    assert (graph["tariff"].version, graph["tariff_routes"].version, digests) == (
        "1",
        "1",
        {"simulated": "2c6546fff756", "nomenclature": "ed18186dcb40"},
    )


@pytest.mark.parametrize(
    ("asset", "column", "value", "said"),
    [
        ("tariff", "hs_code", "0012", "product codes have 2 to 12 digits"),
        ("tariff", "tax_type", None, "every line has its tax_type"),
        ("tariff", "tax_type", "a", "tax types have their form"),
        ("tariff", "tax_rate", 1000.5, "rates lie between 0 and 1000 per cent"),
        ("tariff", "tax_rate", None, "every line has its tax_rate"),
        ("tariff", "*", 1, "each line stands there once"),
        ("tariff_routes", "tax_type", "FUS1", "every tax type is one of the tariff"),
        ("tariff_routes", "country_of_origin", "QQ", "every country_of_origin is a country of the list"),
        ("tariff_routes", "country_of_departure", None, "every route has its country_of_departure"),
    ],
)
def test_a_table_of_the_law_that_was_altered_is_convicted(office: Office, asset: str, column: str, value, said: str):
    assert office.build().success
    table = office.lake.read_table(asset)
    frame = table.to_pandas()
    if column == "*":
        frame = pd.concat([frame, frame.head(value)], ignore_index=True)
    else:
        frame.loc[0, column] = value
    altered = type(table).from_pandas(frame, table.schema, preserve_index=False)
    office.lake.write_table(asset, altered.replace_schema_metadata(table.schema.metadata))
    result = _judged(asset)
    assert not result.passed
    assert said in str(result.metadata["findings"])


def test_a_law_that_the_settings_do_not_name_is_convicted(office: Office, monkeypatch: pytest.MonkeyPatch):
    assert office.build().success
    monkeypatch.delenv("CUSTOMS_TARIFF")
    monkeypatch.delenv("CUSTOMS_TARIFF_ROUTES")
    for asset in LAW:
        result = _judged(asset)
        assert not result.passed
        assert "the law is nomenclature, as the settings say" in str(result.metadata["findings"])


def _judged(asset: str) -> dg.AssetCheckResult:
    return judge(next(suite for suite in SUITES if suite.asset == asset), Pipeline(), "")
