"""What runs print, kept in a file each, without processes that could outlive them.

What belongs here replaces one step of Dagster's local compute logs. Dagster copies a run's output to the terminal, too, by two
``tail`` processes and two more that watch these: four starts for every run, and where a run is killed at the moment between a
``tail`` and its watcher, a process that follows a file for ever.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file


class FileComputeLogManager(LocalComputeLogManager):
    """Writes what a run prints into files under ``base_dir`` (``$DAGSTER_HOME/storage`` unless given), and nowhere else."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """The options that ``dagster.yaml`` may give."""
        return {"base_dir": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> FileComputeLogManager:
        """The manager that ``dagster.yaml`` asks for."""
        base_dir = config_value.get("base_dir") or str(Path(os.environ["DAGSTER_HOME"]) / "storage")
        return cls(base_dir, inst_data=inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext, None, None]:
        """Within it, what this process prints goes into the files of a key."""
        with ExitStack() as redirected:
            for stream, suffix in ((sys.stdout, "out"), (sys.stderr, "err")):
                path = self.get_captured_local_path(log_key, suffix)
                ensure_file(path)
                redirected.enter_context(redirect_to_file(stream, path))
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()
