"""The paper's volume: how fast declarations are simulated and extracted, in how much memory, and that cost is linear.

    python benchmarks/volume.py [--declarations 250000 --declarations 2500000 --declarations 24700000] [--folder FOLDER]

First one month of the largest number is drawn into memory whole and, by another process, streamed into a lake. Then, for each
number of declarations, 18 months are drawn from the simulated administration and dropped; drawn and written as
``raw_declarations``; judged by their expectations; and extracted as ``labelled_declarations``, as the assets do it. Each is a
process of its own, of which seconds, seconds of processor time (which say more where the machine is shared) and peak memory are
printed. Where cost is linear, the seconds for a million declarations are the same at every number.

The seconds of drawing and writing count from when the world is made, once for each process and in about a second. The
files (3 GB for 24.7 million declarations) are deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customs_assets.source.simulated import SimulatedSource

ROOT = Path(__file__).resolve().parents[1]

# The month of the paper's 18 that is nearest to a share of one in eighteen.
MONTH = "2020-07"


def whole_month(source: SimulatedSource, folder: str) -> int:
    """One month, in memory."""
    return source.read_month(MONTH).rows_in


def streamed_month(source: SimulatedSource, folder: str) -> int:
    """One month, streamed into a lake."""
    return _write(source, folder, MONTH)


def draw(source: SimulatedSource, folder: str) -> int:
    """All months, drawn and dropped."""
    return sum(piece.num_rows for month in source.months() for piece in source.stream_month(month))


def write(source: SimulatedSource, folder: str) -> int:
    """All months, drawn and written as the asset does."""
    return sum(_write(source, folder, month) for month in source.months())


def _write(source: SimulatedSource, folder: str, month: str) -> int:
    from customs_assets.lake import Lake

    lake, stream = Lake(folder), source.stream_month(month)
    table = lake.write_pieces("raw_declarations", stream.schema, stream, month)
    lake.give_name(table)
    quarantine = stream.quarantine
    lake.write_table("quarantine", quarantine.replace_schema_metadata({"rows_in": str(stream.rows_in)}), month)
    return table.rows


def judge(source: SimulatedSource, folder: str) -> int:
    """All months' declarations, by the expectations that block a month."""
    from customs_assets.expectations.expect import Examined
    from customs_assets.expectations.suites import SUITES
    from customs_assets.expectations.validation import validate_pieces
    from customs_assets.lake import Lake
    from customs_assets.settings import Settings

    lake, settings = Lake(folder), Settings()  # pyright: ignore[reportCallIssue]
    suite = next(suite for suite in SUITES if suite.asset == "raw_declarations")
    for month in lake.partitions("raw_declarations"):
        pieces = suite.pieces(Examined(lake, settings, suite.asset, month))
        if not validate_pieces(pieces, suite.key).holds:
            raise SystemExit(f"{month} does not hold what is expected of it")
    return sum(
        lake.read_table("raw_declarations", month, ["fraud"]).num_rows for month in lake.partitions("raw_declarations")
    )


def extract(source: SimulatedSource, folder: str) -> int:
    """All months' inspected declarations, by the asset's statement, written as the asset's frame."""
    from customs_assets.lake import Lake, to_frame
    from customs_assets.source.labelled import extract_labelled

    lake, rows = Lake(folder), 0
    for month in lake.partitions("raw_declarations"):
        frame = to_frame(extract_labelled(lake, month))
        lake.write_table("labelled_declarations", frame, month)
        rows += len(frame)
    return rows


MEASURES: dict[str, Callable[[SimulatedSource, str], int]] = {
    "whole_month": whole_month,
    "streamed_month": streamed_month,
    "draw": draw,
    "write": write,
    "judge": judge,
    "extract": extract,
}


def measure_here(measure: str, declarations: int, folder: str) -> dict[str, float]:
    """One measurement in this process: rows, seconds, seconds of processor time, peak megabytes."""
    from customs_assets.simulation.world import make_world
    from customs_assets.source.simulated import SimulatedSource

    source = SimulatedSource(declarations)
    if measure not in ("judge", "extract"):
        make_world(source.seed, source.inspected)
    start, processor = time.perf_counter(), time.process_time()
    rows = MEASURES[measure](source, folder)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "seconds": seconds, "processor": processor, "megabytes": peak}


def in_process(measure: str, declarations: int, folder: str) -> dict[str, float]:
    """One measurement in a process of its own: rows, seconds, seconds of processor time, peak megabytes."""
    command = [sys.executable, __file__, "--measure", measure, "--declarations", str(declarations), "--folder", folder]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def line(title: str, declarations: int, found: dict[str, float]) -> str:
    """One line of the table."""
    million = declarations / 1e6
    cells = [
        f"{declarations:,}",
        title,
        f"{found['seconds']:.1f}",
        f"{declarations / found['seconds']:,.0f}",
        f"{found['seconds'] / million:.2f}",
        f"{found['processor'] / million:.2f}",
        f"{found['megabytes']:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Read the command line; measure, or print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--declarations", type=int, action="append", help="over 18 months; may be repeated")
    parser.add_argument("--folder", help="where the files go meanwhile (the system's temporary folder)")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.declarations or [250_000, 2_500_000, 24_700_000]
    if arguments.measure:
        print(json.dumps(measure_here(arguments.measure, sizes[0], arguments.folder)))
        return
    print("| declarations | | s | a second | s a million | processor s a million | peak MB |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for name, measure in (("a month drawn into memory", "whole_month"), ("a month streamed to disk", "streamed_month")):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            found = in_process(measure, max(sizes), folder)
            print(line(name, int(found["rows"]), found), flush=True)
    steps = (("drawn", "draw"), ("drawn and written", "write"), ("judged", "judge"), ("extracted", "extract"))
    for declarations in sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            for title, measure in steps:
                print(line(title, declarations, in_process(measure, declarations, folder)), flush=True)


if __name__ == "__main__":
    main()
