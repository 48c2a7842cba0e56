"""The population at the paper's volume: how long each month and the merge of all months take, and in how much memory.

    python benchmarks/population.py [--declarations 24700000] [--importers 300000] [--folder FOLDER]

First 18 months of ``raw_declarations`` are drawn and written, with the columns that the population needs: importers of very
different size, each with goods of its own, a third of the firms under several spellings. Then, in processes of their own, one
month is counted as the asset does; all months are counted, two at once, as two workers do; and the months are merged and every
cell is counted that disclosure looks at. Seconds, seconds of processor time and the peak of memory (``VmHWM``, of two processes
their sum) are printed. The files are deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]

MONTHS = 18
PRODUCT_CODES, COUNTRIES = 5_000, 120
KEY = b"k" * 32

# The cells that disclosure looks at: goods; where they come from, through which country, by which claim, at which rate.
LEVELS: tuple[tuple[str, ...], ...] = (("hs6_code",), ("heading",), ("chapter",), ("section",), ())
CELLS = [
    *LEVELS,
    *((*level, "country_of_origin") for level in LEVELS),
    *((*level, "country_of_origin", "country_of_departure") for level in LEVELS),
    *((*level, "country_of_origin", "tax_type") for level in LEVELS),
    ("heading", "tax_type", "tax_rate"),
    ("hs6_code", "country_of_origin", "country_of_departure", "tax_type", "tax_rate"),
]


def _months() -> list[str]:
    from customs_assets.months import month_range

    return month_range("2020-01:2021-06")


def draw(folder: str, declarations: int, importers: int) -> int:
    """Write the months; returns how many declarations there are."""
    from customs_assets.declaration import COUNTRIES as KNOWN_COUNTRIES
    from customs_assets.lake import Lake

    lake, rng = Lake(folder), np.random.default_rng(2020)
    size = np.exp(2.2 * rng.standard_normal(importers))
    spelled = np.where(rng.random(importers) < 1 / 3, 3, 1)
    names = [_spellings(number)[: spelled[number]] for number in range(importers)]
    first_name = np.concatenate([[0], np.cumsum(spelled)])
    all_names = pa.array([name for of_one in names for name in of_one])
    # Each importer has lanes of its own: a product code, an origin, a departure, a claim. A code comes from few countries,
    # straight or over one of five hubs, mostly by the claim that its origin allows.
    lanes = np.clip(np.round(1 + 1.5 * size**0.7), 1, 500).astype(int)
    first_lane = np.concatenate([[0], np.cumsum(lanes)])
    popular = 1 / np.arange(1, PRODUCT_CODES + 1) ** 0.8
    code = rng.choice(PRODUCT_CODES, size=first_lane[-1], p=popular / popular.sum())
    origins = np.minimum(rng.geometric(0.08, (PRODUCT_CODES, 12)) - 1, COUNTRIES - 1)
    origin = origins[code, np.minimum(rng.geometric(0.3, len(code)) - 1, 11)]
    departure = np.where(rng.random(len(code)) < 0.85, origin, rng.integers(0, 5, len(code)))
    claim = np.where(rng.random(len(code)) < 0.8, origin % 4, rng.integers(0, 2, len(code)))
    codes = pa.array([f"{2 + n % 74:02d}{n // 296:02d}{n // 74 % 4:02d}{n % 10:04d}" for n in range(PRODUCT_CODES)])
    countries = pa.array(sorted(KNOWN_COUNTRIES)[:COUNTRIES])
    claims, chances, written = pa.array(["A", "C", "FCN1", "FEU1"]), size / size.sum(), 0
    for number, month in enumerate(_months()):
        rows = declarations * (number + 1) // MONTHS - declarations * number // MONTHS
        importer = rng.choice(importers, size=rows, p=chances)
        lane = first_lane[importer] + (rng.random(rows) ** 2 * lanes[importer]).astype(int)
        name = first_name[importer] + (rng.random(rows) ** 3 * spelled[importer]).astype(int)
        mass = np.round(np.exp(3 + 2 * rng.standard_normal(rows)), 1)
        table = {
            "importer_id": all_names.take(pa.array(name)),
            "hs10_code": codes.take(pa.array(code[lane])),
            "country_of_departure": countries.take(pa.array(departure[lane])),
            "country_of_origin": countries.take(pa.array(origin[lane])),
            "tax_rate": pa.array((code[lane] % 9 + claim[lane]).astype(float)),
            "tax_type": claims.take(pa.array(claim[lane])),
            "net_mass": pa.array(mass),
            "item_price": pa.array(np.round(mass * np.exp(8 + rng.standard_normal(rows)))),
        }
        pieces = pa.table(table)
        lake.give_name(lake.write_pieces("raw_declarations", pieces.schema, [pieces], month))
        written += rows
    return written


def _spellings(number: int) -> list[str]:
    if number % 2:
        return [f"주식회사 한빛무역 {number}", f"(주)한빛 무역 {number}", f"한빛무역{number}㈜"]
    return [f"Hanbit {number} Trading Co., Ltd.", f"HANBIT {number} TRADING CO LTD", f"Hanbit-{number} Trading"]


def count_months(folder: str, months: list[str]) -> int:
    """Count some months as the asset does; returns how many declarations they have."""
    from customs_assets.disclosure.population import ASSET, month_population
    from customs_assets.lake import Lake

    lake, rows = Lake(folder), 0
    for month in months:
        counted = month_population(lake, month, KEY)
        lake.write_table(ASSET, counted, month)
        rows += int(np.sum(counted["declarations"].to_numpy()))
    return rows


def merge(folder: str) -> int:
    """Merge all months and count all cells; returns how many declarations stand in the one cell of all trade."""
    from customs_assets.disclosure.dominance import Dominance
    from customs_assets.disclosure.population import Population
    from customs_assets.lake import Lake

    population, rows = Population.of(Lake(folder), _months()), 0
    for columns in CELLS:
        start = time.perf_counter()
        cells, has = population.contributions(columns)
        amounts = (has[name].to_numpy(dtype=float) for name in ("declarations", "value", "mass"))
        shares = Dominance().shown_shares(has["cell"].to_numpy(), *amounts, min_group=5)
        safe = np.unique(has["cell"].to_numpy()[shares > 0])
        said = f"  {' x '.join(columns) or 'all'}: {len(cells):,} cells, {len(safe):,} safe"
        print(f"{said}, {time.perf_counter() - start:.1f} s", file=sys.stderr)
        rows = int(has["declarations"].sum())
    print(f"  {len(population.importers):,} importers, {len(cells):,} tuples", file=sys.stderr)
    return rows


MEASURES: dict[str, Callable[[str], int]] = {
    "one": lambda folder: count_months(folder, _months()[-1:]),
    "odd": lambda folder: count_months(folder, _months()[::2]),
    "even": lambda folder: count_months(folder, _months()[1::2]),
    "merge": merge,
}

# What is printed, by the measures that run side by side.
LINES = {
    ("one",): "one month counted",
    ("odd", "even"): "all months counted, two at once",
    ("merge",): f"all months merged, {len(CELLS)} kinds of cells counted",
}


def measure_here(measure: str, folder: str) -> dict[str, float]:
    """One measurement in this process: rows, seconds of processor time, peak megabytes, imports included."""
    rows, processor = MEASURES[measure](folder), time.process_time()
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return {"rows": rows, "processor": processor, "megabytes": peak / 1024}


def in_processes(measures: Sequence[str], folder: str) -> dict[str, float]:
    """Some measurements side by side, each in a process of its own: their sums, and the seconds until the last has ended."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    start = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, __file__, "--measure", measure, "--folder", folder],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for measure in measures
    ]
    said = [process.communicate()[0] for process in running]
    seconds = time.perf_counter() - start
    if any(process.returncode for process in running):
        raise SystemExit(f"{' and '.join(measures)} failed")
    found = [json.loads(text.splitlines()[-1]) for text in said]
    return {"seconds": seconds, **{name: sum(one[name] for one in found) for name in found[0]}}


def main() -> None:
    """Read the command line; measure, or print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--declarations", type=int, default=24_700_000, help="over 18 months")
    parser.add_argument("--importers", type=int, default=300_000)
    parser.add_argument("--folder", help="where the files go meanwhile (the system's temporary folder)")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure_here(arguments.measure, arguments.folder)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        draw(folder, arguments.declarations, arguments.importers)
        print("| | declarations | s | processor s | peak MB |\n| --- | ---: | ---: | ---: | ---: |")
        for measures, title in LINES.items():
            found = in_processes(measures, folder)
            cells = [f"{found['rows']:,}", *(f"{found[name]:.1f}" for name in ("seconds", "processor"))]
            print(f"| {title} | {' | '.join(cells)} | {found['megabytes']:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
