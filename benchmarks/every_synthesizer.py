"""Every synthesizer on one table: fitted twice by one seed, kept, and loaded and sampled where nothing can be unpickled.

    python benchmarks/every_synthesizer.py LAKE [--month 2020-05] [--rows 60] [--synthesizers ctgan,tgan] [--epochs 300] [--once]

The table is the model table of a month of the lake, or its first rows. Each fit has a process of its own, on one thread. Printed
for each: rows, time that fitting kept a core busy, seconds to draw as many rows, the most memory held, size of the file, whether
the second fit gave the same file and the same rows, and whether the file drew the same rows where the pickle module refuses. With
``--once`` nothing is fitted a second time. The exit status is 1 where anything was not so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from customs_assets.generator.synthesizer import SYNTHESIZERS
from customs_assets.lake import Lake
from customs_assets.league.alone import FitFailed, fit_alone
from customs_assets.settings import Settings
from customs_assets.synthesis.codec import Codec

SEED, SAMPLE_SEED, FEW = 2**200 + 1, 7, 40

# The beginning of a process that can unpickle nothing, by whatever library.
REFUSES_PICKLE = """
import pathlib, pickle, sys
import pandas, scipy.stats, torch
def refuse(*_, **__):
    raise AssertionError("something was unpickled")
pickle.load = pickle.loads = refuse
class Refused(pickle._Unpickler):
    load = refuse
pickle.Unpickler = pickle._Unpickler = Refused
from customs_assets.generator.checkpoint import from_bytes
"""

# Draws from a model's file in such a process.
WITHOUT_PICKLE = (
    REFUSES_PICKLE
    + """
path = pathlib.Path(sys.argv[1])
from_bytes(path.read_bytes()).sample(int(sys.argv[2]), int(sys.argv[3])).to_csv(path.with_suffix(".csv"), index=False)
libraries = {name.split(".")[0] for name in sys.modules} & {"sdv", "ctgan", "copulas", "rdt"}
sys.exit(f"imported {libraries}" if libraries else 0)
"""
)


def loads_without_pickle(stored: bytes, discrete: list[str]) -> str:
    """``yes``, or what went wrong."""
    from customs_assets.generator.checkpoint import from_bytes

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(stored)
        command = [sys.executable, "-W", "ignore", "-c", WITHOUT_PICKLE, str(path), str(FEW), str(SAMPLE_SEED)]
        # Numba keeps its compiled code in pickled files of its own.
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["no"])[-1]
        read = pd.read_csv(path.with_suffix(".csv"), dtype=dict.fromkeys(discrete, str), keep_default_na=False)
    rows = from_bytes(stored).sample(FEW, SAMPLE_SEED)
    try:
        # Compiled loops round otherwise than the interpreter.
        pd.testing.assert_frame_equal(read, rows, rtol=1e-3, atol=1e-3)
    except AssertionError as error:
        return str(error).splitlines()[0]
    return "yes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("--month", help="the first of the lake if left out")
    parser.add_argument("--rows", type=int, help="so many rows of the month; all if left out")
    parser.add_argument("--synthesizers", default=",".join(SYNTHESIZERS))
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args()
    lake, k = Lake(given.lake), Settings().min_group  # pyright: ignore[reportCallIssue]
    month = given.month or lake.partitions("anonymized_declarations")[0]
    declarations = lake.read_frame("anonymized_declarations", month)[: given.rows]
    codec = Codec.fit(declarations, lake.read_frame("unit_prices", month), k, root=b"every synthesizer")
    table = codec.encode(declarations)
    discrete = codec.discrete_columns(table)
    arguments = {"seed": SEED, "sample_seed": SAMPLE_SEED, "epochs": given.epochs, "rows": len(table)}
    print("| | rows | core s | s to draw | MiB | KiB of file | same model | same rows | loaded without pickle |")
    print("| --- |" + " ---: |" * 5 + " --- |" * 3)
    wrong = False
    for name in given.synthesizers.split(","):
        try:
            stored, draft, costs = fit_alone(table, discrete, name, **arguments)
            same = ["not asked", "not asked"]
            if not given.once:
                again, redrawn, _ = fit_alone(table, discrete, name, **arguments)
                same = ["yes" if known else "no" for known in (again == stored, redrawn.equals(draft))]
            loaded = loads_without_pickle(stored, discrete)
        except FitFailed as error:
            print(f"| `{name}` | {len(table)} | {error} |", flush=True)
            wrong = True
            continue
        wrong |= "no" in same or loaded != "yes"
        numbers = f"{costs.fit_core_seconds:.1f} | {costs.sample_seconds:.2f} | {costs.peak_mebibytes:.0f}"
        size = f"{costs.file_bytes / 1024:.0f}"
        print(f"| `{name}` | {len(table)} | {numbers} | {size} | {' | '.join(same)} | {loaded} |", flush=True)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
