"""After a crash: which runs are recorded as under way although nothing works on them, and ending what nobody waits for.

What belongs here sets the record straight. Half-written files are the lake's affair. What is missing is built again by
``customs run``, by a backfill, or by the daemon where it retries a run.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from pathlib import Path

import dagster as dg

# A run is recorded a moment before its process says who it is.
GRACE_SECONDS = 60.0

# The tag of a run that hosts of a cluster execute: host and process of the command that waits for it. It ends with that process.
SUBMITTER = "customs/submitted_by"

_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def report_lost_runs(instance: dg.DagsterInstance, grace: float = GRACE_SECONDS) -> list[str]:
    """Mark every run as failed whose process on this machine has ended without a word; returns their IDs.

    A run whose process has not said who it is, or works on another machine, is left alone.

    Args:
        instance: where runs are recorded.
        grace: runs that changed within so many seconds are left alone.
    """
    lost = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY)):
        run = record.dagster_run
        if time.time() - record.update_timestamp.timestamp() < grace:
            continue
        process = _submitter(run, record.create_timestamp.timestamp()) or process_of(instance, run.run_id)
        if process is not None and not is_alive(*process):
            instance.report_run_failed(
                run, f"its process {process[0]} was killed; what it had not built is built again"
            )
            lost.append(run.run_id)
    return lost


def _submitter(run: dg.DagsterRun, seen: float) -> tuple[int, float] | None:
    """The process of this machine that submitted a run to a cluster, and when; None for any other run."""
    host, _, pid = run.tags.get(SUBMITTER, "").rpartition(" ")
    return (int(pid), seen) if host == socket.gethostname() and pid.isdigit() else None


def host_of(instance: dg.DagsterInstance, run_id: str) -> str:
    """The host that last said it works on a run; empty where none has."""
    found = ""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data = entry.dagster_event.engine_event_data if entry.dagster_event else None
        host = data.metadata.get("host") if data else None
        found = str(host.value) if host is not None else found
    return found


def process_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process of this machine that last said it works on a run, and when; None where none has."""
    found = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        data = entry.dagster_event.engine_event_data if entry.dagster_event else None
        pid, host = (data.metadata.get("pid"), data.metadata.get("host")) if data else (None, None)
        if host is not None and host.value != socket.gethostname():
            return None
        if pid is not None and str(pid.value).isdigit():
            found = int(str(pid.value)), entry.timestamp
    return found


def is_alive(pid: int, seen: float) -> bool:
    """Whether the process that had a number at a time still runs. One that was given the number since is not it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    started = _started(pid)
    return started is None or started <= seen + 1.0


def _started(pid: int) -> float | None:
    """When a process began, in seconds since 1970; None where the system does not say. Infinite for a dead one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = next(
            int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime")
        )
    except (OSError, StopIteration):
        return None
    if fields[0] in "ZX":
        return float("inf")
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def end_with_parent() -> None:
    """End this process as soon as its parent has ended: a parent that is killed cannot tell its workers to stop."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
