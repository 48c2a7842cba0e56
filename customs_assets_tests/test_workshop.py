"""The notebooks of the workshop run from top to bottom on a tiny release, and show what they say."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from customs_assets.declaration import RELEASED
from customs_assets.release.files import build_release
from customs_assets.settings import Settings
from customs_assets_tests.benchmark.conftest import _month

FOLDER = Path(__file__).parent.parent / "docs" / "workshop"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
MONTHS = [f"2020-{month:02d}" for month in range(1, 7)]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six months of 120 declarations whose frauds follow a rule."""
    rows = pd.concat([_month(month, number).head(120) for number, month in enumerate(MONTHS)], ignore_index=True)
    rows = rows.assign(hs6_code=rows["hs10_code"].str[:6])[[a.name for a in RELEASED]]
    folder = tmp_path_factory.mktemp("workshop") / "declarations-2020"
    folder.mkdir()
    settings = Settings()  # pyright: ignore[reportCallIssue]
    for name, content in build_release(rows, MONTHS, [], settings, 7, "nomenclature").items():
        (folder / name).write_bytes(content)
    return folder


def _cells(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def _run(name: str, release: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a notebook has computed at its end; any use of the network fails."""

    def refuse(*_: object) -> None:
        raise AssertionError("a notebook asks for the network")

    monkeypatch.setenv("RELEASE", str(release))
    monkeypatch.setenv("EPOCHS", "2")
    monkeypatch.chdir(release.parent)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    named: dict[str, Any] = {}
    for cell in _cells(name):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}.ipynb", "exec"), named)
    return named


# What each notebook shows on the tiny release.
SHOWS = {
    "01-make-data": lambda of: of["found"]["tv"] > 0.9 and of["found"]["pairs"] < of["found"]["tv"],
    "02-ctgan": lambda of: set(of["found"]) == {"independent", "ctgan"} and of["found"].loc["tv", "independent"] > 0.9,
    "03-risk-profiles": lambda of: of["found"][0.10] > of["general"],
    "04-decision-tree": lambda of: of["found"][20][0] == 1.0 > of["found"][1][0],
    "05-xgboost": lambda of: of["found"][0.10] > 2 * of["general"],
    "06-comparison": lambda of: of["found"]["logistic_regression"][0] > 2 * of["found"]["logistic_regression"][1] > 0,
    "07-xgboost-and-regression": lambda of: of["numbers"].shape[1] == 100 and min(of["found"].values()) > of["general"],
    "08-entity-embeddings": lambda of: of["found"][0.10] > of["general"] and of["alike"].shape == (3, 3),
    "09-dual-task-and-date": lambda of: len(of["found"]) == 5 and 0 < of["largest"] <= 1,
    "10-attack-a-release": lambda of: (
        of["found"]["sabotaged"]["copies"] == of["found"]["honest"]["copies"] == 0
        and of["found"]["sabotaged"]["very near"] >= len(of["planted"]) > of["found"]["honest"]["very near"]
    ),
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_on_a_tiny_release_and_shows_what_it_says(
    name: str, release: Path, monkeypatch: pytest.MonkeyPatch
):
    assert SHOWS[name](_run(name, release, monkeypatch))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_says_what_to_see_and_asks_a_question_and_keeps_no_output(name: str):
    cells = _cells(name)
    assert "".join(cells[0]["source"]).startswith(f"# {int(name[:2])}. ")
    last = "".join(cells[-1]["source"])
    assert "**What you should see.**" in last and "**A question to think about.**" in last and last.endswith("?")
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    assert f"({name}.ipynb)" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_there_are_ten_notebooks():
    assert list(SHOWS) == NOTEBOOKS
