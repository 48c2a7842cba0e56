"""What a crash leaves behind is put right, and what a second try can mend is tried again."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from customs_assets.automation.recovery import is_alive, report_lost_runs
from customs_assets.lake import Lake, Record
from customs_assets.source import assets as source_assets
from customs_assets.source.address import open_source
from customs_assets.source.reading import MonthStream, SourceUnreachable
from customs_assets_tests.lakes import artifacts
from customs_assets_tests.services import customs, small_environment

MONTH = "2020-02"

RunMonth = Callable[..., dg.ExecuteInProcessResult]


def test_a_run_whose_process_was_killed_is_marked_as_failed_and_no_other(tmp_path: Path):
    environment = small_environment(tmp_path, CUSTOMS_EPOCHS="100000")
    process = customs(tmp_path, environment, "run", "--months", "2020-01", stdout=subprocess.DEVNULL)
    home = tmp_path / "home"
    try:
        deadline = time.monotonic() + 60
        while not list((home / "history" / "runs").glob("*-*.db")) and time.monotonic() < deadline:
            time.sleep(0.2)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            while not _training(instance) and time.monotonic() < deadline:
                time.sleep(0.2)
            assert report_lost_runs(instance, grace=0) == [], "it still runs"
            process.kill()
            process.wait()
            # The law was read in a run of its own, which had ended.
            [run] = [run for run in instance.get_runs() if not run.is_finished]
            while not (lost := report_lost_runs(instance, grace=0)) and time.monotonic() < deadline:
                time.sleep(0.2)
            assert lost == [run.run_id], "its worker has ended with the command"
            ended = {one.run_id: one.status for one in instance.get_runs()}
            assert ended.pop(run.run_id) is dg.DagsterRunStatus.FAILURE
            assert set(ended.values()) == {dg.DagsterRunStatus.SUCCESS}
            assert report_lost_runs(instance, grace=0) == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _training(instance: dg.DagsterInstance) -> bool:
    return any(
        entry.step_key == "ctgan_model"
        for run in instance.get_runs()
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
    )


def test_a_number_given_to_another_process_is_not_the_one_that_had_it_before():
    assert is_alive(os.getpid(), time.time())
    assert not is_alive(os.getpid(), time.time() - 10 * 365 * 86400)
    child = subprocess.Popen(["true"])
    child.wait()
    assert not is_alive(child.pid, time.time())


class _Unreachable:
    """A source that is out of reach the first few times."""

    def __init__(self, address: str, failures: int) -> None:
        self._source, self._left = open_source(address), failures
        self.description, self.origin = self._source.description, self._source.origin

    def fingerprint(self, month: str) -> str:
        return self._source.fingerprint(month)

    def stream_month(self, month: str) -> MonthStream:
        if self._left:
            self._left -= 1
            raise SourceUnreachable("the database does not answer")
        return self._source.stream_month(month)


@pytest.mark.parametrize(("failures", "success"), [(3, True), (4, False)])
def test_a_source_out_of_reach_is_tried_four_times_with_growing_waits(
    failures: int, success: bool, run_month: RunMonth, small_source: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOMS_RETRY_WAIT", "0.01")
    source = _Unreachable(str(small_source), failures)
    monkeypatch.setattr(source_assets, "source_of", lambda _: source)
    done = run_month("quarantine", "raw_declarations")
    assert done.success is success
    waits = [
        event.step_retry_data.seconds_to_wait
        for event in done.all_events
        if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY
    ]
    assert waits == pytest.approx([0.01, 0.04, 0.16])


@contextmanager
def _small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """Have a folder on a disk that is soon full, or where that is not allowed, let no file grow; gives what makes room."""
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=48k,mode=700", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def make_room() -> None:
        if mounted:
            subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, limits[1]))
    try:
        yield make_room
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_leaves_nothing_half_written_and_the_next_run_makes_the_rest(
    pipeline: Path, small_source: Path, monkeypatch: pytest.MonkeyPatch
):
    from customs_assets.definitions import defs

    keys = [
        dg.AssetKey(key)
        for key in ("quarantine", "raw_declarations", "labelled_declarations", "anonymized_declarations", "unit_prices")
    ]
    job = defs.resolve_job_def("month")

    def run() -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(
                partition_key=MONTH, asset_selection=keys, instance=instance, raise_on_error=False
            )

    assert run().success
    undisturbed = artifacts(pipeline / "lake")
    disk = pipeline / "disk"
    monkeypatch.setenv("CUSTOMS_LAKE", str(disk))
    with _small_disk(disk) as make_room:
        failed = run()
        assert not failed.success
        said = str([event.step_failure_data.error for event in failed.all_events if event.is_step_failure])
        assert "No space left on device" in said or "File too large" in said
        assert artifacts(disk).items() < undisturbed.items(), "what is there is whole, and not all is there"
        assert not list(disk.rglob("*.tmp"))
        make_room()
        assert run().success
        assert artifacts(disk) == undisturbed


def test_verify_finds_what_is_no_longer_what_was_written(tmp_path: Path):
    lake = Lake(str(tmp_path / "lake"))
    for asset in ("a", "b"):
        checksum = lake.write_json(asset, {"asset": asset}, MONTH)
        lake.save_record(Record(asset, MONTH, f"{asset}/{MONTH}.json", "1", checksum))
    folder = lake.write_folder("release", {"x": b"1", "y": b"2"})
    lake.save_record(Record("release", "", "release", "1", folder))
    assert lake.mark_damaged() == []
    Path(lake.path("b", MONTH, "json")).write_bytes(b"{}")
    shutil.copy(lake.path("a", MONTH, "json"), tmp_path / "lake" / "release" / "x")
    assert {record.asset for record in lake.mark_damaged()} == {"b", "release"}
    assert lake.record("a", MONTH) is not None
    assert lake.record("b", MONTH) is None
    assert lake.record("release") is None
    last = lake.last_record("b", MONTH)
    assert last is not None, "what was built from the bytes that were written still is"
