"""What a run prints is in a file of its run, and no process follows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from customs_assets.automation.compute_logs import FileComputeLogManager
from customs_assets.automation.instance import prepare_home

SCRIPT = """
import os, subprocess, sys
import dagster as dg

def children():
    return subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True).stdout

@dg.op
def talk():
    print("said by Python")
    subprocess.run(["echo", "said by a program"])
    print("said as an error", file=sys.stderr)
    print("children:", [line for line in children().splitlines() if not line.startswith("ps ")])

@dg.job
def talking():
    talk()

with dg.DagsterInstance.get() as instance:
    result = talking.execute_in_process(instance=instance)
print("after the run")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dagster home with the project's settings."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


def test_what_a_run_prints_is_kept_and_shown_and_starts_no_process(home: Path):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    said = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "after the run\n"
    with dg.DagsterInstance.get() as instance:
        manager = instance.compute_log_manager
        assert isinstance(manager, FileComputeLogManager)
        (run,) = instance.get_runs()
        (event,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.LOGS_CAPTURED)
        assert event.dagster_event is not None
        key = manager.build_log_key_for_run(run.run_id, event.dagster_event.logs_captured_data.file_key)
        shown = manager.get_log_data(key)
        assert shown.stdout == b"said by Python\nsaid by a program\nchildren: []\n"
        assert shown.stderr is not None
        assert b"said as an error" in shown.stderr
        assert manager.is_capture_complete(key)
        assert list((home / "storage" / run.run_id).rglob("*.out"))


def test_the_server_keeps_them_where_its_settings_say(tmp_path: Path):
    manager = FileComputeLogManager.from_config_value(None, {"base_dir": str(tmp_path)})
    with manager.capture_logs(["run", "compute_logs", "step"]):
        print("raw")
    assert (tmp_path / "run" / "compute_logs" / "step.out").read_text() == "raw\n"
