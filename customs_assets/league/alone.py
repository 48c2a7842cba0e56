"""One model fitted and sampled in a process of its own, with the time, the memory and the device that it took.

A process that did other things before would count their memory, too. What is imported first is not in the times.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from customs_assets.sdv_library import import_sdv

_TABLE, _REQUEST, _MODEL, _DRAFT, _COSTS = "table.parquet", "request.json", "model", "draft.parquet", "costs.json"

# One thread each, so that cells that run beside each other measure the same.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


class FitFailed(RuntimeError):
    """The process that should have fitted a model ended without one; the message ends with its last line."""


@dataclass(frozen=True)
class Costs:
    """What a model took.

    Attributes:
        fit_seconds, sample_seconds: wall time of fitting, and of drawing the rows asked for.
        fit_core_seconds: time that fitting kept a core busy, which another process beside it does not lengthen.
        peak_mebibytes: the most memory that the process held, the interpreter and libraries with it.
        device: ``cpu``, or the name of a GPU.
        file_bytes: size of the model's file.
    """

    fit_seconds: float
    sample_seconds: float
    fit_core_seconds: float
    peak_mebibytes: float
    device: str
    file_bytes: int


def fit_alone(
    table: pd.DataFrame,
    discrete_columns: Sequence[str],
    synthesizer: str,
    *,
    seed: int,
    sample_seed: int,
    epochs: int,
    rows: int,
) -> tuple[bytes, pd.DataFrame, Costs]:
    """Fit a model to a table and draw rows, in a process of its own.

    Returns:
        The model's file, the rows, and what both took.

    Raises:
        FitFailed: the process ended without a model.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.reset_index(drop=True).to_parquet(folder / _TABLE)
        request = {
            "discrete_columns": list(discrete_columns),
            "synthesizer": synthesizer,
            "seed": str(seed),
            "sample_seed": str(sample_seed),
            "epochs": epochs,
            "rows": rows,
        }
        (folder / _REQUEST).write_text(json.dumps(request))
        command = [sys.executable, "-W", "ignore", "-m", "customs_assets.league.alone", name]
        environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not (folder / _COSTS).exists():
            last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise FitFailed(f"{synthesizer} could not be fitted to {len(table)} rows: {last}")
        costs = Costs(**json.loads((folder / _COSTS).read_text()))
        return (folder / _MODEL).read_bytes(), pd.read_parquet(folder / _DRAFT), costs


def _measured(folder: Path) -> None:
    """What the process does."""
    from customs_assets.generator.checkpoint import to_bytes
    from customs_assets.generator.synthesizer import new_model, synthesizer

    request = json.loads((folder / _REQUEST).read_text())
    table, name = pd.read_parquet(folder / _TABLE), request["synthesizer"]
    _import_what_trains(synthesizer(name).trained_by)
    started, busy = time.perf_counter(), time.process_time()
    model = new_model(name, seed=int(request["seed"]), epochs=request["epochs"])
    model.fit(table, request["discrete_columns"])
    fitted, busy = time.perf_counter(), time.process_time() - busy
    draft = model.sample(request["rows"], int(request["sample_seed"]))
    sampled = time.perf_counter()
    stored = to_bytes(model)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    draft.to_parquet(folder / _DRAFT)
    (folder / _MODEL).write_bytes(stored)
    costs = Costs(fitted - started, sampled - fitted, busy, peak, model.device, len(stored))
    (folder / _COSTS).write_text(json.dumps(asdict(costs)))


def _import_what_trains(libraries: str) -> None:
    """Libraries take seconds to import, once a process and whatever is trained."""
    import sklearn.mixture
    import sklearn.tree  # noqa: F401

    if libraries:
        import_sdv()
        import sdv.single_table  # noqa: F401


if __name__ == "__main__":
    _measured(Path(sys.argv[1]))
