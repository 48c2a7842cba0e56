"""Runs start as soon as what they are made from is there, the longest of them first."""

from __future__ import annotations

from pathlib import Path

import pytest

from customs_assets.automation.jobs import JOBS
from customs_assets.automation.missing import Task, needs_of, plan
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import ARTIFACTS, Partitioning
from customs_assets.definitions import defs
from customs_assets.lake import Lake
from customs_assets.provenance import out_of_date
from customs_assets.settings import Settings

MONTHS = ["2020-01", "2020-02", "2020-03"]


@pytest.fixture
def tasks(tmp_path: Path, small_source: Path) -> list[Task]:
    """All that has to be made for three months where nothing is there yet."""
    settings = Settings(source=str(small_source), lake=str(tmp_path / "lake"), identity_key=tmp_path / "key")  # pyright: ignore[reportCallIssue]
    return plan(out_of_date(Lake(settings.lake), settings, MONTHS, DETECTORS, force=True))


def _cell(tasks: list[Task], dataset: str) -> Task:
    return next(task for task in tasks if task.partition.startswith(f"{dataset}|"))


def test_the_plan_makes_every_artifact_once(tasks: list[Task]):
    made = [(asset, task.partition) for task in tasks for asset in task.assets]
    assert len(made) == len(set(made))
    assert {asset for asset, _ in made} == {artifact.key for artifact in ARTIFACTS}
    assert len([task for task in tasks if task.partitioning is Partitioning.CELL]) == 2 * len(DETECTORS)


def test_a_months_first_run_waits_for_nothing_and_the_next_for_its_own_month_alone(tasks: list[Task]):
    for month in MONTHS:
        first, *later = [task for task in tasks if task.partition == month]
        assert needs_of(first, tasks) == []
        for task in later:
            awaited = needs_of(task, tasks)
            assert {other.partition for other in awaited if other.partitioning is Partitioning.MONTH} == {month}
            assert first in awaited


def test_cells_on_the_source_do_not_wait_for_synthesis_and_cells_on_synthetic_months_do(tasks: list[Task]):
    makers = {asset: [task for task in tasks if asset in task.assets] for task in tasks for asset in task.assets}
    assert set(needs_of(_cell(tasks, "source"), tasks)) == set(makers["anonymized_declarations"])
    assert set(needs_of(_cell(tasks, "synthetic"), tasks)) == set(makers["synthetic_declarations"])


def test_every_run_comes_after_what_it_needs_and_the_slowest_detectors_before_the_others(tasks: list[Task]):
    places = {task: place for place, task in enumerate(tasks)}
    for task in tasks:
        assert all(places[other] < places[task] for other in needs_of(task, tasks))
    begun = [task.title for task in tasks if task.stage == 3]
    assert begun[:7] == [
        "random_forest on source",
        "random_forest on synthetic",
        "measures",
        "catboost on source",
        "catboost on synthetic",
        "attacks",
        "candidate",
    ]


def test_what_takes_long_over_all_months_is_a_run_of_its_own(tasks: list[Task]):
    makers = {asset: task for task in tasks for asset in task.assets if task.partitioning is Partitioning.WHOLE}
    for asset, job in {
        "rehearsed_declarations": "rehearsal",
        "release_evidence": "measures",
        "release_privacy": "attacks",
        "synthetic_release": "release",
    }.items():
        assert makers[asset].assets == (asset,)
        assert makers[asset].job == makers[asset].title == job
    assert makers["release_quality"].assets == ("release_quality", "release_candidate")
    assert makers["safe_groups"].assets == ("safe_groups", "composed_identities", "fraud_propensity")


def test_the_rehearsal_waits_for_no_synthesis_and_the_synthesis_not_for_it(tasks: list[Task]):
    makers = {asset: [task for task in tasks if asset in task.assets] for task in tasks for asset in task.assets}
    [rehearsal] = makers["rehearsed_declarations"]
    assert set(needs_of(rehearsal, tasks)) == set(makers["anonymized_declarations"])
    awaited_by = {asset for task in tasks if rehearsal in needs_of(task, tasks) for asset in task.assets}
    assert awaited_by == {"release_privacy"}
    [attacks] = makers["release_privacy"]
    assert set(needs_of(attacks, tasks)) == {
        rehearsal,
        *makers["anonymized_declarations"],
        *makers["synthetic_declarations"],
    }
    [measures] = makers["release_evidence"]
    assert set(needs_of(measures, tasks)) == {*makers["anonymized_declarations"], *makers["synthetic_declarations"]}


def test_the_gate_waits_for_candidate_and_attacks_and_the_page_for_neither_of_its_verdicts(tasks: list[Task]):
    makers = {asset: [task for task in tasks if asset in task.assets] for task in tasks for asset in task.assets}
    [gate], [candidate], [attacks] = (
        makers[key] for key in ("synthetic_release", "release_candidate", "release_privacy")
    )
    assert set(needs_of(gate, tasks)) == {candidate, attacks, *makers["privacy_report"]}
    [page] = makers["evidence_report"]
    assert gate not in needs_of(page, tasks), "the page is made where the gate withholds"
    assert {candidate, attacks} <= set(needs_of(page, tasks))
    assert page not in needs_of(gate, tasks)


def test_every_run_of_the_plan_has_a_job_that_makes_just_that(tasks: list[Task]):
    made = {job.name: {key for task in tasks if task.job == job.name for key in task.assets} for job in JOBS}
    selected = {
        job.name: {key.to_user_string() for key in job.selection.resolve(defs.resolve_asset_graph())} for job in JOBS
    }
    assert made == selected
