"""DATE and its kin beside the detectors of Table 3: revenue recall over seeds, and the order of all detectors on the release.

    python benchmarks/deep_detectors.py LAKE FOLDER [--seeds 5] [--keys 3] [--minutes 9] [--only revenue|cells]
        [--detectors NAME ...]

``LAKE`` is what ``customs run`` made; it is only read. What was measured is kept in ``FOLDER``, a file each; a call measures what
is missing until its minutes are over, and prints the tables of what is there. So it can be called again and again.

*Revenue*: on the source, trained once for each seed. DATE is ranked in both ways of its paper from one training. Beside it stand
XGBoost, and XGBoost's probability times the declared duty: the plain way to rank by revenue.

*Cells*: each network under three orders of the tokens on both data sets, one seed each, as ``benchmark/cells.py`` has it; with
the cells of Table 3 in the lake they give the order of all detectors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from customs_assets.benchmark.cells import RATES, measure_cell
from customs_assets.benchmark.detectors import ALL, DEEP_REGISTER
from customs_assets.benchmark.detectors.deep.date import Date, DateRevenue
from customs_assets.benchmark.inspection import found_by
from customs_assets.benchmark.precision import Encoded, encoded
from customs_assets.benchmark.ranking import rankings
from customs_assets.benchmark.split import split_months
from customs_assets.lake import Lake
from customs_assets.seeds import derive_seed
from customs_assets.settings import Settings

_ASSETS = {"source": "anonymized_declarations", "synthetic": "synthetic_declarations"}
_OF_REVENUE = ("xgboost", "date", "lite_date", "dual_task")


def seed_of(run: int) -> int:
    """The seed of a run, as the benchmark's cells have it."""
    seed = Settings().seed  # pyright: ignore[reportCallIssue]
    return derive_seed(seed, "fraud_benchmark", purpose=f"run {run}") % 2**31


def scores(parts: Encoded, detector: str, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """The ways in which a detector ranks the test declarations, by their names; trained once."""
    if detector == "date":
        by_revenue, by_fraud = DateRevenue(), Date()
        by_revenue.fit(parts.features, parts.fraud, seed)
        vars(by_fraud).update(vars(by_revenue))
        yield "date", by_fraud.score(parts.test_features)
        yield "date_revenue", by_revenue.score(parts.test_features)
        return
    trained = ALL[detector]()
    trained.fit(parts.features, parts.fraud, seed)
    found = trained.score(parts.test_features)
    yield detector, found
    if detector == "xgboost":
        yield "xgboost x duty", found * np.maximum(parts.test_values["duty"].to_numpy(), 0.0)


def measure_revenue(parts: Encoded, detector: str, run: int) -> pd.DataFrame:
    """What inspections at each rate find, a row a way of ranking and rate."""
    rows = []
    for name, found in scores(parts, detector, seed_of(run)):
        for rate in RATES:
            of = found_by(found, parts.test_fraud, parts.test_values, rate)
            rows.append((name, run, rate, of.precision, of.duty_recall))
    return pd.DataFrame(rows, columns=["detector", "run", "rate", "precision", "duty_recall"])


def todo(args: argparse.Namespace, lake: Lake) -> Iterator[tuple[Path, Callable[[], pd.DataFrame]]]:
    """The files that are missing, and what makes each."""
    tables: dict[str, pd.DataFrame] = {}
    months = {dataset: lake.partitions(asset) for dataset, asset in _ASSETS.items()}

    def rows_of(dataset: str) -> pd.DataFrame:
        if dataset not in tables:
            tables[dataset] = lake.read_frames(_ASSETS[dataset], months[dataset])
        return tables[dataset]

    def revenue(detector: str, run: int) -> pd.DataFrame:
        source = rows_of("source")
        return measure_revenue(encoded(source, source, split_months(months["source"]), "source"), detector, run)

    def cell(detector: str, dataset: str) -> pd.DataFrame:
        seed, split = Settings().seed, split_months(months[dataset])  # pyright: ignore[reportCallIssue]
        return measure_cell(
            rows_of(dataset), DEEP_REGISTER[detector], dataset, split, [seed_of(0)], seed, False, args.keys
        )

    if args.only != "cells":
        for detector in _OF_REVENUE:
            for run in range(args.seeds):
                if detector != "xgboost" or run == 0:
                    yield args.folder / f"revenue-{detector}-{run}.parquet", partial(revenue, detector, run)
    if args.only != "revenue":
        for detector in args.detectors or DEEP_REGISTER:
            for dataset in _ASSETS:
                yield args.folder / f"cell-{detector}-{dataset}.parquet", partial(cell, detector, dataset)


def say_revenue(folder: Path) -> None:
    """Precision and revenue recall, mean and deviation over the seeds."""
    files = sorted(folder.glob("revenue-*.parquet"))
    if not files:
        return
    rows = pd.concat(map(pd.read_parquet, files), ignore_index=True)
    print(f"\n{'source, seeds':24s} " + " ".join(f"{rate:>17.0%}" for rate in (*RATES, *RATES)))
    for name, of in rows.groupby("detector", sort=False):
        told = [
            f"{group.mean():.3f} ± {group.std(ddof=1) if len(group) > 1 else 0:.3f}"
            for measure in ("precision", "duty_recall")
            for _, group in of.groupby("rate")[measure]
        ]
        print(f"{name} ({of['run'].nunique()})".ljust(24), " ".join(f"{text:>17s}" for text in told))
    print("precision at each rate, then recall of the duty at stake")


def say_order(folder: Path, lake: Lake) -> None:
    """Pairs of detectors that differ on the source, and how many the release orders alike: Table 3's, and all."""
    cells = [pd.read_parquet(path) for path in sorted(folder.glob("cell-*.parquet"))]
    ours = [lake.read_frame("fraud_benchmark", cell) for cell in lake.partitions("fraud_benchmark")]
    if not cells:
        return
    for title, of in (("Table 3", ours), ("all detectors", [*ours, *cells]), ("networks", cells)):
        for found in rankings(pd.concat(of, ignore_index=True)):
            print(
                f"{title}, {found.inspection_rate:.0%}: {found.detectors} detectors, {found.significant} of {found.pairs} pairs "
                f"differ, {found.same_order} in the same order ({found.share_in_same_order:.2f}); best on the source "
                f"{found.best_on_source}, on the release {found.best_on_release}"
            )
    print()
    for rows in cells:
        first = rows.iloc[0]
        told = " ".join(f"{value:.3f}" for value in (*rows["precision_mean"], *rows["duty_recall_mean"]))
        print(f"{first['detector']:18s} {first['dataset']:10s} {told}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--only", choices=("revenue", "cells"))
    parser.add_argument("--detectors", nargs="+")
    args = parser.parse_args(arguments)
    lake, began = Lake(args.lake), time.monotonic()
    args.folder.mkdir(parents=True, exist_ok=True)
    for path, measure in todo(args, lake):
        if path.exists():
            continue
        if time.monotonic() - began > 60 * args.minutes:
            print("the minutes are over; call again for what is missing")
            break
        wall, core = time.monotonic(), time.process_time()
        measure().to_parquet(unfinished := path.with_suffix(".partial"))
        unfinished.rename(path)
        print(f"{path.stem}: {time.process_time() - core:.0f} core s, {time.monotonic() - wall:.0f} s", flush=True)
    say_revenue(args.folder)
    say_order(args.folder, lake)


if __name__ == "__main__":
    main()
