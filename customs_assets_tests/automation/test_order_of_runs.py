"""Runs start as soon as what they are built from is there, the longest of them first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from customs_assets.automation.jobs import JOB_OF, JOBS
from customs_assets.automation.running import _precedence
from customs_assets.automation.staleness import Staleness, ready
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.definitions import defs, graph
from customs_assets.graph import Node
from customs_assets.lake import Lake
from customs_assets.settings import Settings

MONTHS = ["2020-01", "2020-02", "2020-03"]

LAW = {("tariff", ""), ("tariff_routes", "")}

Runs = dict[tuple[str, str], list[str]]


class Office:
    """Three months of which nothing is built yet, and what can be built when some of it is."""

    def __init__(self, staleness: Staleness) -> None:
        self._staleness = staleness
        self.everything = {(key, of) for key in graph.assets for of in graph.partitions(key, MONTHS)}

    def ready(self, built: Iterable[Node] = (), failed: Iterable[Node] = ()) -> Runs:
        pending = self.everything - set(built) - set(failed)
        return ready(self._staleness, pending, set(failed), MONTHS, JOB_OF)

    def behind(self, *nodes: Node) -> set[Node]:
        """What has to be built for some partitions."""
        inputs = {other for key, of in nodes for other in graph.inputs(key, of, MONTHS)}
        return inputs | self.behind(*inputs) if inputs else set()


@pytest.fixture
def office(tmp_path: Path, small_source: Path) -> Office:
    settings = Settings(source=str(small_source), lake=str(tmp_path / "lake"))  # pyright: ignore[reportCallIssue]
    return Office(Staleness(graph, Lake(settings.lake), settings))


def _nodes(runs: Runs) -> set[Node]:
    return {(asset, partition) for (_, partition), assets in runs.items() for asset in assets}


def test_everything_is_built_once_and_after_what_it_is_built_from(office: Office):
    built: set[Node] = set()
    while runs := office.ready(built):
        for (job, partition), assets in runs.items():
            for place, asset in enumerate(assets):
                earlier = built | {(other, partition) for other in assets[:place]}
                assert office.behind((asset, partition)) <= earlier, (job, asset)
        assert not built & _nodes(runs)
        built |= _nodes(runs)
    assert built == office.everything
    assert len([key for key, _ in built if key == "fraud_benchmark"]) == 2 * len(DETECTORS)


def test_a_months_first_run_and_the_law_wait_for_nothing_and_make_all_of_it(office: Office):
    runs = office.ready()
    assert set(runs) == {("law", "")} | {("month", month) for month in MONTHS}
    assert set(runs["law", ""]) == {key for key, _ in LAW}
    assert min(runs.items(), key=_precedence)[0] == ("law", ""), "a law that cannot be read is told first"
    assert set(runs["month", MONTHS[0]]) == {key for key, job in JOB_OF.items() if job == "month"}


def test_nothing_over_all_months_starts_while_one_of_them_is_under_way_or_has_failed(office: Office):
    two = LAW | {(key, month) for key, job in JOB_OF.items() if job == "month" for month in MONTHS[:2]}
    third = {(key, MONTHS[2]) for key, job in JOB_OF.items() if job == "month"}
    # Of single months only drift is left, which looks back and not ahead.
    assert set(office.ready(two, failed=third)) == {("compare", month) for month in MONTHS[:2]}
    two |= {("drift", month) for month in MONTHS}
    assert office.ready(two, failed=third) == {}
    assert {job for job, _ in office.ready(two | third)} == {"shared", "fraud_benchmark_cell"}
    # What traders asked to withhold is withheld from the rehearsal, too.
    requests = {("confidential_trade", "")}
    assert {job for job, _ in office.ready(two | third | requests)} == {"shared", "rehearsal", "fraud_benchmark_cell"}


@pytest.mark.parametrize(
    ("node", "waits_for", "not_for"),
    [
        (("fraud_benchmark", "source|xgboost"), "anonymized_declarations", "synthetic_declarations"),
        (("fraud_benchmark", "synthetic|xgboost"), "synthetic_declarations", "rehearsed_declarations"),
        (("rehearsed_declarations", ""), "anonymized_declarations", "synthetic_declarations"),
        (("synthetic_declarations", "2020-01"), "composed_identities", "rehearsed_declarations"),
        (("release_evidence", ""), "synthetic_declarations", "release_privacy"),
        (("trade_patterns", ""), "synthetic_declarations", "release_evidence"),
        (("release_privacy", ""), "rehearsed_declarations", "release_candidate"),
        (("synthetic_release", ""), "release_privacy", "evidence_report"),
        # The page is built where the gate withholds.
        (("evidence_report", ""), "release_candidate", "synthetic_release"),
    ],
)
def test_a_partition_is_ready_when_what_it_is_built_from_is_and_waits_for_nothing_else(
    office: Office, node: Node, waits_for: str, not_for: str
):
    behind = office.behind(node) | {("quarantine", month) for month in MONTHS} | LAW
    assert waits_for in {key for key, _ in behind} and not_for not in {key for key, _ in behind}
    assert node in _nodes(office.ready(behind))
    missing = next(other for other in sorted(behind) if other[0] == waits_for)
    assert node not in _nodes(office.ready(behind - {missing}))


def test_of_what_can_start_together_the_longest_starts_first(office: Office):
    earlier = ("law", "month", "compare", "shared", "rehearsal", "synthesis")
    built = {(key, of) for key, of in office.everything if JOB_OF[key] in earlier}
    begun = [(job, of) for (job, of), _ in sorted(office.ready(built).items(), key=_precedence)]
    assert begun[:7] == [
        ("fraud_benchmark_cell", "source|random_forest"),
        ("fraud_benchmark_cell", "synthetic|random_forest"),
        ("measures", ""),
        ("fraud_benchmark_cell", "source|catboost"),
        ("fraud_benchmark_cell", "synthetic|catboost"),
        ("attacks", ""),
        ("candidate", ""),
    ]


def test_every_asset_has_one_job_that_builds_it():
    resolved = defs.resolve_asset_graph()
    selected = [key.to_user_string() for job in JOBS for key in job.selection.resolve(resolved)]
    assert sorted(selected) == sorted(graph.with_on_demand().assets)
    for job in JOBS:
        assert {key.to_user_string() for key in job.selection.resolve(resolved)} == {
            key for key, name in JOB_OF.items() if name == job.name
        }
