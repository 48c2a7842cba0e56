"""Runs start as soon as what they are made from is there, the longest of them first."""

from __future__ import annotations

from pathlib import Path

import pytest

from customs_assets.automation.missing import Task, needs_of, plan
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.catalogue import ARTIFACTS, Partitioning
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
    detectors = [task.partition.split("|")[1] for task in tasks if task.partitioning is Partitioning.CELL]
    assert detectors[:4] == ["random_forest", "random_forest", "catboost", "catboost"]
