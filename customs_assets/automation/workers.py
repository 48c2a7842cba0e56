"""Workers: processes that load the code location once and take one run after another.

`customs run` hands its runs to workers. So does Dagster's daemon, for a backfill, a schedule, an automation condition or
a run asked for in the UI or through GraphQL: ``dagster.yaml`` names :class:`WarmRunLauncher`. A worker whose process is
killed ends its own run and no other.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from customs_assets.automation.recovery import end_with_parent, is_alive, process_of
from customs_assets.settings import available_cores

# One thread to each worker: months side by side use the cores, and sums come out in one order only.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")

# A worker that once held more than this gives way to a new one: an interpreter seldom returns memory.
_MOST_BYTES = 3 << 29

# The code location, which nothing imports before it is needed.
DEFINITIONS = "customs_assets.definitions"

# How long a run that is cancelled may take to end by itself.
_GRACE_SECONDS = 15


class Lost(str):
    """What went wrong with a run whose host was lost, through no fault of its own: it is worth another try elsewhere."""


KILLED = "its worker process was killed (out of memory?)"


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    code: float


class Workers:
    """Hands runs to idle workers, and starts one where none is idle.

    Args:
        instance: where the runs are recorded.
        log_folder: folder that the workers' own output goes to.

    Attributes:
        on_end: called with the run's ID and what went wrong outside of it, or the empty text; from another thread.
        capacity: runs that this machine's cores are enough for.
    """

    def __init__(self, instance: dg.DagsterInstance, log_folder: Path) -> None:
        self._instance, self._folder = instance, log_folder
        self.on_end: Callable[[str, str], None] = lambda run_id, problem: None
        self.capacity = available_cores()
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._lock = threading.Lock()

    @property
    def tags(self) -> dict[str, str]:
        """Runs that it takes have no tags of their own."""
        return {}

    def warm(self, count: int) -> None:
        """Start workers that will be needed, so that they load the code location while this process does something else."""
        code = _code_changed_at()
        with self._lock:
            self._idle += [self._start(code) for _ in range(count)]

    def take(self, run_id: str) -> None:
        """Have a worker execute a run; returns at once."""
        code = _code_changed_at()
        with self._lock:
            outdated = [worker for worker in self._idle if worker.code != code or not worker.process.is_alive()]
            self._idle = [worker for worker in self._idle if worker not in outdated]
            worker = self._idle.pop() if self._idle else self._start(code)
            self._busy.append(worker)
        say_who(self._instance, run_id, worker.process.pid)
        for other in outdated:
            other.connection.close()
        threading.Thread(target=self._watch, args=(worker, run_id), name=f"run {run_id}", daemon=True).start()

    def close(self) -> None:
        """End every worker, at once and in the middle of its run if it has one."""
        with self._lock:
            idle, busy, self._idle, self._busy = self._idle, self._busy, [], []
        for worker in idle:
            # It ends by itself. Killed, it would leave semaphores behind, and Python would say so at the very end.
            worker.connection.close()
        for worker in busy:
            worker.process.terminate()
        for worker in [*idle, *busy]:
            worker.process.join(5)
            worker.process.kill()

    def _start(self, code: float) -> _Worker:
        for variable in ONE_THREAD:
            os.environ.setdefault(variable, "1")
        self._folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Daemonic: they end with this process, whatever it ends by.
        process = context.Process(target=_serve, args=(theirs, str(self._folder)), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, code)

    def _watch(self, worker: _Worker, run_id: str) -> None:
        """Hand a run to a worker and wait for its end."""
        peak, problem, is_dead = 0, "", False
        try:
            worker.connection.send(run_id)
            peak, problem = worker.connection.recv()
        except (EOFError, OSError):
            is_dead = True
        with self._lock:
            # Closed meanwhile, the workers were ended on purpose: whoever did it says what became of the run.
            is_open = worker in self._busy
            if is_open:
                self._busy.remove(worker)
            keep = is_open and not is_dead and peak < _MOST_BYTES
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.connection.close()
        if is_open:
            self.on_end(run_id, self._record_death(run_id) if is_dead else problem)

    def _record_death(self, run_id: str) -> str:
        try:
            run = self._instance.get_run_by_id(run_id)
            if run is not None and run.status is dg.DagsterRunStatus.CANCELING:
                self._instance.report_run_canceled(run)
            elif run is not None and not run.is_finished:
                self._instance.report_run_failed(run, KILLED)
        except Exception as error:
            # Whoever waits for the run must hear of its end even where the storage takes no word of it.
            return f"{KILLED}; Dagster's storage failed: {first_line(error)}"
        return KILLED


def _code_changed_at() -> float:
    """When the package's code last changed: a worker that loaded it earlier takes no more runs."""
    package = Path(__file__).parents[1]
    return max(path.stat().st_mtime for path in package.rglob("*.py"))


def _serve(connection: Connection, log_folder: str) -> None:
    """Execute runs until the other end closes the connection: the life of a worker."""
    end_with_parent()
    stream = (Path(log_folder) / f"worker-{os.getpid()}.log").open("a", buffering=1)
    os.dup2(stream.fileno(), 1)
    os.dup2(stream.fileno(), 2)
    repository().get_definition()
    while True:
        try:
            run_id = connection.recv()
        except EOFError:
            return
        problem = _execute(run_id)
        connection.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, problem))


def repository() -> ReconstructableRepository:
    """The code location, as Dagster loads it in this process."""
    return ReconstructableRepository.for_module(DEFINITIONS, "defs")


def say_who(instance: dg.DagsterInstance, run_id: str, pid: int | None) -> None:
    """Note which process of this machine works on a run, for whoever cancels it or finds it lost."""
    run = instance.get_run_by_id(run_id)
    if run is not None:
        said = {"pid": str(pid), "host": socket.gethostname()}
        data = EngineEventData({name: dg.MetadataValue.text(value) for name, value in said.items()})
        instance.report_engine_event("A worker takes the run", run, data)


def _execute(run_id: str) -> str:
    """Execute one run in this process; what went wrong outside of the run, empty where nothing did."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with dg.DagsterInstance.get() as instance:
            return execute_in(instance, run_id)
    except (OSError, SQLAlchemyError) as error:
        return f"Dagster's storage failed: {first_line(error)}"


def execute_in(instance: dg.DagsterInstance, run_id: str) -> str:
    """Execute one run of an instance in this process; what went wrong outside of the run, empty where nothing did."""
    from dagster._grpc.impl import core_execute_run
    from sqlalchemy.exc import SQLAlchemyError

    try:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        job = ReconstructableJob(repository(), run.job_name)
        for _ in core_execute_run(job, run, instance, inject_env_vars=False):
            pass
    except (OSError, SQLAlchemyError) as error:
        return f"Dagster's storage failed: {first_line(error)}"
    except Exception as error:
        # Dagster has recorded it with the run.
        return first_line(error)
    return ""


def first_line(error: BaseException) -> str:
    """The first line of an error's message; the rest quotes statements and their parameters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class WarmRunLauncher(RunLauncher, ConfigurableClass):
    """Dagster's run launcher on :class:`Workers`."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._workers: Workers | None = None
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What ``dagster.yaml`` says of it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """It has no options."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> WarmRunLauncher:
        """The launcher that ``dagster.yaml`` asks for."""
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Have a worker execute a run."""
        if self._workers is None:
            self._workers = Workers(self._instance, Path(self._instance.root_directory) / "workers")
        self._workers.take(context.dagster_run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Have the worker of a run end the run; where it does not in time, its process is killed."""
        run, process = self._instance.get_run_by_id(run_id), process_of(self._instance, run_id)
        if run is None or run.is_finished or process is None or not is_alive(*process):
            return False
        self._instance.report_run_canceling(run)
        os.kill(process[0], signal.SIGTERM)
        threading.Thread(target=_kill_later, args=process, daemon=True).start()
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does: a worker is a process of this machine."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that works on a run is alive."""
        process = process_of(self._instance, run.run_id)
        if process is None or is_alive(*process):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, KILLED)

    def dispose(self) -> None:
        """End the workers with the daemon."""
        if self._workers is not None:
            self._workers.close()


def _kill_later(pid: int, seen: float) -> None:
    time.sleep(_GRACE_SECONDS)
    if is_alive(pid, seen):
        os.kill(pid, signal.SIGKILL)
