"""A lake with a release that stands, and officers with SSH keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from customs_assets_tests.conftest import small_month
from customs_assets_tests.lakes import ReleasedLake
from customs_assets_tests.release.signing_office import ANNA, BORIS, MALLORY, MONTHS, Office, make_key


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small source, a lake in which its release stands, and the officers' keys."""
    from customs_assets.definitions import graph

    folder = tmp_path_factory.mktemp("signed")
    (folder / "source").mkdir()
    for month in MONTHS:
        small_month(month, rows=3).to_csv(folder / "source" / f"declarations-{month}.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        set_settings(patch, folder, folder)
        ReleasedLake(None, graph.with_on_demand(), MONTHS).build_everything()
    (folder / "keys").mkdir(mode=0o700)
    for name in (ANNA, BORIS, MALLORY):
        make_key(folder / "keys", name.partition("@")[0])
    return folder


def set_settings(patch: pytest.MonkeyPatch, made: Path, folder: Path) -> None:
    """Settings of a lake in a folder, with the source and the secrets that were made once."""
    for name in [name for name in os.environ if name.startswith(("CUSTOMS_", "DAGSTER_"))]:
        patch.delenv(name)
    patch.setenv("CUSTOMS_SOURCE", str(made / "source"))
    patch.setenv("CUSTOMS_LAKE", str(folder / "lake"))
    patch.setenv("CUSTOMS_IDENTITY_KEY", str(made / "identity.key"))
    patch.setenv("CUSTOMS_RELEASE_SECRET", str(made / "release.secret"))
    patch.setenv("CUSTOMS_PUBLISHED", str(folder / "register"))
    patch.setenv("COLUMNS", "200")


@pytest.fixture
def office(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A copy of the lake; anna and boris may sign, and one of them has to."""
    shutil.copytree(released / "lake", tmp_path / "lake")
    set_settings(monkeypatch, released, tmp_path)
    monkeypatch.chdir(tmp_path)
    made = Office(tmp_path, released / "keys", monkeypatch)
    made.allow(made.line(ANNA), made.line(BORIS))
    yield made
