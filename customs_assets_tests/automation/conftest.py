"""A pipeline of one small month in a real instance, and the servers that its alerts go to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from alert_servers import Hook, Mailbox, mail_server, web_server

MONTH = "2020-02"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    """A mail server, and the address of a channel that goes there."""
    with mail_server() as made:
        yield made


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server that takes alerts."""
    with web_server() as made:
        yield made


@pytest.fixture
def pipeline(tmp_path: Path, small_source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a pipeline in a folder of its own; returns the folder."""
    monkeypatch.setenv("CUSTOMS_SOURCE", str(small_source))
    monkeypatch.setenv("CUSTOMS_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("CUSTOMS_IDENTITY_KEY", str(tmp_path / "identity.key"))
    monkeypatch.setenv("CUSTOMS_RELEASE_SECRET", str(tmp_path / "release.secret"))
    monkeypatch.setenv("CUSTOMS_UI", "https://dagster.office.example/")
    return tmp_path


@pytest.fixture
def instance(pipeline: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance with its own files."""
    home = pipeline / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as made:
        yield made


@pytest.fixture
def run_month(instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """A function that materializes some assets of the month, as a recorded run."""
    from customs_assets.definitions import defs

    def run(*assets: str, month: str = MONTH) -> dg.ExecuteInProcessResult:
        return defs.resolve_job_def("month").execute_in_process(
            partition_key=month,
            asset_selection=[dg.AssetKey(key) for key in assets],
            instance=instance,
            raise_on_error=False,
        )

    return run
