"""What the benchmarks share: processes of one thread that measure themselves, peers in alternation, the published months.

What belongs here is how something is measured. What is measured, and against whom, stands in each benchmark.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]

PUBLISHED_FILES = ("df_syn_train_eng.csv", "df_syn_valid_eng.csv")

Measurement = dict[str, float]


def in_process(script: str, arguments: Sequence[str], threads: int = 1) -> dict[str, Any]:
    """Run a script in a process of its own and read the JSON object that is its last line.

    Args:
        script: path of the script.
        arguments: what it is called with.
        threads: how many threads numeric libraries may take.

    Raises:
        subprocess.CalledProcessError: the script failed; what it said stands on the terminal.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env=os.environ | limits | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def alternating(
    names: Sequence[str], repeats: int, measure: Callable[[str], Measurement], title: str = ""
) -> list[dict[str, Measurement]]:
    """Measure peers in turn, every other time in the opposite order, so that a busy machine is busy for each of them.

    Args:
        names: the peers.
        repeats: how often each is measured.
        measure: measures one; the result has ``seconds``.
        title: what the lines of progress on standard error begin with.

    Returns:
        For every repeat the measurement of each peer.
    """
    rounds = []
    for repeat in range(repeats):
        order = list(names) if repeat % 2 == 0 else list(names)[::-1]
        measured = {name: measure(name) for name in order}
        rounds.append(measured)
        said = ", ".join(f"{name} {measured[name]['seconds']:.3f} s" for name in names)
        print(f"  {title}: {said}; load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return rounds


def median(rounds: Sequence[Mapping[str, Measurement]], name: str, quantity: str = "seconds") -> float:
    """A peer's median over the rounds."""
    return statistics.median(measured[name][quantity] for measured in rounds)


def median_ratio(rounds: Sequence[Mapping[str, Measurement]], slow: str, fast: str) -> float:
    """The median of the rounds' own ratios of seconds: what a change of the machine's load touches least."""
    return statistics.median(measured[slow]["seconds"] / measured[fast]["seconds"] for measured in rounds)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def published_declarations(folder: Path, month: str | None = None) -> pd.DataFrame:
    """The published declarations in the pipeline's own names and types, of one month or of all.

    The product code stays at six digits, dates are ``datetime64[ns]``, labels int8.

    Raises:
        FileNotFoundError: the folder does not hold them.
    """
    parts = [pd.read_csv(folder / name, dtype=str, keep_default_na=False) for name in PUBLISHED_FILES]
    rows = pd.concat(parts, ignore_index=True)
    rows.columns = [name.lower().replace(" ", "_") for name in rows.columns]
    if month is not None:
        rows = rows[rows["date"].str.startswith(month)].reset_index(drop=True)
    numbers = dict.fromkeys(("tax_rate", "net_mass", "item_price"), "float64")
    labels = dict.fromkeys(("fraud", "critical_fraud"), "int8")
    return rows.astype({"date": "datetime64[ns]", **numbers, **labels})
