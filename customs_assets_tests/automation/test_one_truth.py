"""`customs status`, Dagster's GraphQL and automation say the same of every partition.

They agree where what `customs status` says has to be built is what GraphQL calls stale or missing, and where an automation tick
asks for those of them that can be built now. What is read from the source is read when a person or the schedule asks for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.definitions import graph
from customs_assets.graph import Graph, Node
from customs_assets.lake import Lake
from customs_assets.months import month_range
from customs_assets.secret_files import release_secret
from customs_assets_tests.automation.three_views import ThreeViews, Views
from customs_assets_tests.conftest import small_month
from customs_assets_tests.lakes import BuiltLake

MONTHS = ["2020-01", "2020-02"]

CELLS_OF_THE_SOURCE = [f"source|{detector}" for detector in DETECTORS]

# What hangs directly on the anonymized declarations of any month, and on nothing else that has to be built then.
BEHIND_ANY_MONTH = {
    *((key, "") for key in ("disclosed_tuples", "safe_groups", "composed_identities", "rehearsed_declarations")),
    *(("fraud_benchmark", cell) for cell in CELLS_OF_THE_SOURCE),
}


def of_assets(*keys: str, months: Iterable[str] = MONTHS) -> set[Node]:
    """All partitions of some assets."""
    return {(key, of) for key in keys for of in graph.partitions(key, list(months))}


# What is out of date where the anonymized declarations of the first month came out otherwise.
BEHIND_OTHER_ROWS = {
    *BEHIND_ANY_MONTH,
    *((key, "2020-01") for key in ("unit_prices", "ctgan_model", "synthetic_declarations")),
    *((key, "2020-01") for key in ("quality_report", "privacy_report")),
    *(
        (key, "")
        for key in ("fraud_propensity", "release_quality", "release_candidate", "release_privacy", "release_evidence")
    ),
    ("trade_patterns", ""),
}


@dataclass(frozen=True)
class Office:
    """A lake and a Dagster home in a folder, and the process that is asked about them."""

    folder: Path
    environment: dict[str, str]
    process: ThreeViews

    def ask(self, first: Iterable[str] = (), **environment: str) -> Views:
        """The three views, which agree."""
        return agreed(self.process.ask(self.folder, MONTHS, tuple(first), **environment))

    @property
    def lake(self) -> Lake:
        """Its lake."""
        return Lake(str(self.folder / "lake"))

    def build(self, key: str, partition: str = "", content: str = "rows", **asset: str) -> None:
        """Build a partition; an older one where fields of its asset are given."""
        of = (
            Graph(replace(old, **asset) if old.key == key else old for old in graph.assets.values()) if asset else graph
        )
        build(self.folder, self.environment, of, MONTHS, [(key, partition)], content)


def agreed(views: Views) -> Views:
    """Three views, after a look whether they agree."""
    assert views.to_build == views.graphql.keys(), (
        "GraphQL calls stale or missing what has to be built, and nothing else"
    )
    assert views.tick <= views.to_build, "automation asks for what has to be built, and for nothing else"
    assert all(causes == ["MISSING"] or len(causes) > 1 for causes in views.graphql.values()), "each has a cause"
    assert bool(views.status) == ("up to date:" not in views.output)
    return views


def build(
    folder: Path,
    environment: dict[str, str],
    of: Graph,
    months: list[str],
    nodes: Iterable[Node] | None = None,
    content: str = "rows",
    tell: bool = True,
) -> None:
    """Build some partitions, or all, in the lake and the home of a folder."""
    (folder / "home").mkdir(exist_ok=True)
    (folder / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.from_config(str(folder / "home")) as instance:
        for name, value in {**environment, "CUSTOMS_LAKE": str(folder / "lake")}.items():
            patch.setenv(name, value)
        lake = BuiltLake(instance if tell else None, of, months)
        if nodes is None:
            lake.build_everything()
        for node in nodes or ():
            lake.build(*node, content)


def write_source(folder: Path, months: Iterable[str], seed: int = 7) -> Path:
    """A folder with a file of few declarations for each month."""
    folder.mkdir()
    for month in months:
        small_month(month, rows=3, seed=seed).to_csv(folder / f"declarations-{month}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Two months of which everything is built; status was asked, and automation has looked once."""
    folder = tmp_path_factory.mktemp("one_truth")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CUSTOMS_", "DAGSTER_"))},
        "CUSTOMS_SOURCE": str(write_source(folder / "source", MONTHS)),
        "CUSTOMS_IDENTITY_KEY": str(folder / "identity.key"),
        "CUSTOMS_RELEASE_SECRET": str(folder / "release.secret"),
        "COLUMNS": "200",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    build(folder, environment, graph, MONTHS)
    with ThreeViews(environment) as process:
        office = Office(folder, environment, process)
        assert office.ask().status == {} == office.ask().before
        yield office


@pytest.fixture
def office(built: Office, tmp_path: Path) -> Office:
    """A copy of the lake, the home and the automation's cursor."""
    for name in ("lake", "home"):
        shutil.copytree(built.folder / name, tmp_path / name)
    shutil.copy(built.folder / "cursor", tmp_path / "cursor")
    return replace(built, folder=tmp_path)


def test_a_changed_setting(office: Office):
    with ThreeViews({**office.environment, "CUSTOMS_MIN_GROUP": "7"}) as process:
        views = replace(office, process=process).ask()
    asset_keys = ("unit_prices", "ctgan_model", "safe_groups", "composed_identities", "fraud_propensity")
    by_parts = ("safe_parts", "disclosed_tuples")
    more = ("synthetic_declarations", "rehearsed_declarations", "release_privacy", "release_evidence", "trade_patterns")
    told = ("release_candidate", "evidence_report", "public_evidence")
    assert views.to_build == of_assets(*asset_keys, *by_parts, *more, *told)
    assert set(views.status.values()) == {"was built with another min_group"}
    assert views.tick == of_assets(
        "unit_prices", "ctgan_model", "safe_groups", "composed_identities", "rehearsed_declarations", *by_parts
    )
    assert views.before.keys() == views.to_build, "the digest of the settings is a part of the code version"


def test_a_raised_code_version(office: Office):
    for key, partition in (("unit_prices", "2020-02"), ("safe_groups", ""), ("release_quality", "")):
        office.build(key, partition, version="0")
    views = office.ask()
    assert views.to_build == {("unit_prices", "2020-02"), ("safe_groups", ""), ("release_quality", "")}
    assert views.status["safe_groups", ""] == f"was built by version 0, not {graph['safe_groups'].version}"
    assert views.tick == {("unit_prices", "2020-02"), ("safe_groups", "")}, "the quality waits for the month's prices"


def test_an_input_that_came_out_otherwise(office: Office):
    """Of a month's children Dagster sees it; not of what is built over all months."""
    office.build("anonymized_declarations", "2020-01", "other rows")
    views = office.ask()
    assert views.to_build == BEHIND_OTHER_ROWS
    assert views.tick == {("unit_prices", "2020-01"), ("ctgan_model", "2020-01")} | BEHIND_ANY_MONTH
    # Dagster's own gap. Where it is mended, less has to be told.
    assert all(key not in views.before for key in BEHIND_ANY_MONTH)


def test_an_input_that_came_out_the_same(office: Office):
    office.build("anonymized_declarations", "2020-01")
    views = office.ask()
    assert views.status == {}
    assert views.tick == set()


def test_files_that_were_deleted(office: Office):
    deleted = [
        ("anonymized_declarations", "2020-01"),
        ("release_quality", ""),
        ("fraud_benchmark", "synthetic|xgboost"),
        ("fraud_benchmark", "source|xgboost"),
    ]
    for node in deleted:
        Path(office.lake.path(*node)).unlink()
    views = office.ask()
    assert views.to_build == set(deleted)
    assert set(views.status.values()) == {"was deleted or damaged"}
    assert views.before == {}, "Dagster does not look at files"
    assert views.tick == {("anonymized_declarations", "2020-01")}, "what comes out the same is followed by nothing"


def test_files_that_were_damaged(office: Office):
    damaged = [("unit_prices", "2020-01"), ("safe_groups", ""), ("fraud_benchmark", "source|xgboost")]
    for node in damaged:
        Path(office.lake.path(*node)).write_bytes(b"a disk's fault")
    assert office.ask().status == {}, "nobody has read them"
    views = office.ask(first=["verify"])
    assert views.to_build == set(damaged) == views.before.keys(), "`customs verify` tells Dagster at once"
    assert views.tick == set(damaged)


def test_a_source_that_changed_after_it_was_read(office: Office):
    path = Path(office.environment["CUSTOMS_SOURCE"]) / "declarations-2020-02.csv"
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(content + content.splitlines(keepends=True)[-1])
    try:
        views = office.ask()
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert views.to_build == {("raw_declarations", "2020-02"), ("quarantine", "2020-02")}
    assert set(views.status.values()) == {"was read before the source changed"}
    assert views.tick == set()


def test_a_law_whose_file_changed_while_processes_live(office: Office):
    """Their code versions are those of the start; the automation reads the law again, which nobody has to ask for."""
    path = office.folder / "tariff.csv"
    path.write_text("hs_code,tax_type,tax_rate\n0901,A,8\n")
    law, settings = of_assets("tariff", "tariff_routes"), {**office.environment, "CUSTOMS_TARIFF": str(path)}
    with ThreeViews(settings) as process:
        office = replace(office, process=process, environment=settings)
        views = office.ask()
        assert views.to_build == law == views.before.keys() == views.tick
        assert set(views.status.values()) == {"was built with another law, tariff"}
        for key, _ in law:
            office.build(key)
        assert office.ask().status == {}
        path.write_text("hs_code,tax_type,tax_rate\n0901,A,9\n")
        views = office.ask()
        assert views.to_build == law == views.tick
        assert set(views.status.values()) == {"was built with another tariff"}
        assert views.before == {}, "Dagster does not look at files"
        for key, _ in law:
            office.build(key, content="another law")
        views = office.ask()
        under_the_law = ("safe_parts", "disclosed_tuples", "rehearsed_declarations", "release_evidence")
        told = ("release_candidate", "evidence_report", "public_evidence")
        assert views.to_build == of_assets(*under_the_law, *told), "all that rests on the law, and the law no more"
        assert all(reason.startswith("was built from another tariff") for reason in views.status.values())
        assert ("safe_parts", "") in views.tick <= views.to_build


def test_a_release_secret_that_was_destroyed(office: Office):
    secret = office.folder / "release.secret"
    shutil.copy(office.environment["CUSTOMS_RELEASE_SECRET"], secret)
    release_secret(secret).destroy()
    with ThreeViews({**office.environment, "CUSTOMS_RELEASE_SECRET": str(secret)}) as process:
        views = replace(office, process=process).ask()
    assert (views.status, views.before, views.tick) == ({}, {}, set())


def test_months_of_another_source(office: Office):
    other = write_source(office.folder / "other", ["2020-02", "2020-03"], seed=8)
    settings = {**office.environment, "CUSTOMS_SOURCE": str(other)}

    def ask() -> Views:
        return agreed(office.process.ask(office.folder, ["2020-02", "2020-03"], CUSTOMS_SOURCE=str(other)))

    views = ask()
    assert "left out: 2020-01, 2020-02 were read from another source" in views.output
    monthly = [key for key, asset in graph.assets.items() if asset.cut == "month"]
    assert of_assets("raw_declarations", "quarantine", months=["2020-02"]) <= views.to_build
    assert of_assets(*monthly, months=["2020-03"]) <= views.to_build
    wholes = of_assets("safe_groups", "composed_identities", "rehearsed_declarations", "release_quality")
    assert wholes <= views.to_build, "they rest on months that are left out"
    assert views.tick == set(), "of the present source no month was read"

    build(office.folder, settings, graph, ["2020-03"])
    views = ask()
    assert views.to_build == of_assets(*monthly, months=["2020-02"])
    assert "left out: 2020-01, 2020-02 were read from another source" in views.output
    record = office.lake.record("safe_groups")
    assert record is not None and record.inputs.keys() == {"anonymized_declarations|2020-03"}
    assert views.tick == set()
    assert of_assets("safe_groups", "rehearsed_declarations") <= office.ask().to_build, "and back again"


def test_more_months_than_dagster_compares(office: Office, tmp_path_factory: pytest.TempPathFactory):
    """Dagster leaves out an edge of a hundred partitions or more."""
    months = month_range("2020-01:2028-05")
    assert len(months) == 101
    folder = tmp_path_factory.mktemp("long")
    source = write_source(folder / "source", months)
    environment = {**office.environment, "CUSTOMS_SOURCE": str(source)}
    build(folder, environment, graph, months, tell=False)

    def ask() -> Views:
        asked = office.process.ask(folder, months[:1], today="2028-06-05", CUSTOMS_SOURCE=str(source))
        return agreed(asked)

    assert ask().status == {}
    build(folder, environment, graph, months, [("anonymized_declarations", "2020-01")], "other rows")
    views = ask()
    assert views.to_build == BEHIND_OTHER_ROWS
    assert views.tick == {("unit_prices", "2020-01"), ("ctgan_model", "2020-01")} | BEHIND_ANY_MONTH
    assert views.status["safe_groups", ""] == "was built from another anonymized_declarations 2020-01"


def test_a_new_dagster_home_over_a_full_lake(office: Office):
    shutil.rmtree(office.folder / "home")
    (office.folder / "cursor").unlink()
    (office.folder / "home").mkdir()
    (office.folder / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    views = office.ask()
    assert {causes[0] for causes in views.before.values()} == {"MISSING"}
    assert views.before.keys() == of_assets(*graph.assets)
    assert (views.status, views.graphql, views.tick) == ({}, {}, set())


def test_what_only_failed_its_checks_is_up_to_date_and_asked_for_by_nobody(office: Office):
    lake = office.lake
    record = lake.record("anonymized_declarations", "2020-01")
    assert record is not None
    lake.save_verdict(record, "nobody_named", passed=False)
    office.build("labelled_declarations", "2020-02", "other rows")
    views = office.ask()
    assert views.status["anonymized_declarations", "2020-01"] == "did not pass nobody_named"
    assert views.to_build == {("anonymized_declarations", "2020-02")} == views.tick


def test_automation_that_is_turned_on_late_asks_for_what_is_out_of_date_by_then(office: Office):
    office.build("unit_prices", "2020-01", version="0")
    (office.folder / "cursor").unlink()
    assert office.ask().tick == {("unit_prices", "2020-01")}
