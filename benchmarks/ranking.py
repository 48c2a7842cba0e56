"""Does the release rank detectors as its source does? Under several release secrets, each with several orders of the tokens.

    python benchmarks/ranking.py LAKE FOLDER [--secrets 5] [--keys 3] [--detectors NAME ...] [--train] [--epochs N] [--workers 2]

``LAKE`` is what ``customs run`` made. Under each secret all draws after anonymization are made anew into ``FOLDER/<n>``, as in
``secrets_apart``; a folder that holds all months is used as it is. The source's cells are measured once, into ``FOLDER/source``.

The first column is the lake's own synthetic months, then each secret. ``together`` takes each detector's mean over all secrets
and orders of the tokens, the lake's own draw left out. Goals at 5% and 10%: mean gap at most 0.03, no cell off by more than 0.06,
0.9 of the pairs in the same order, the release's best within one standard error; synthetic to source within 0.04.
"""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from secrets_apart import redrawn
from synthesizer import SOURCE, SYNTHETIC

from customs_assets.benchmark.cells import KEYS, RATES, measure_cell
from customs_assets.benchmark.detectors import DETECTORS, REGISTER
from customs_assets.benchmark.ranking import Ranking, rankings
from customs_assets.benchmark.split import split_months
from customs_assets.benchmark.utility import precision_from
from customs_assets.lake import Lake
from customs_assets.seeds import derive_seed
from customs_assets.settings import Settings

_CELLS = "fraud_benchmark"


def measured(of: Lake, into: Lake, dataset: str, keys: int, seed: int, detector: str) -> None:
    """Measure one cell and write it."""
    asset = SOURCE if dataset == "source" else SYNTHETIC
    months = of.partitions(asset)
    seeds = [derive_seed(seed, _CELLS, purpose=f"run {run}") % 2**31 for run in range(5)]
    declarations, split = of.read_frames(asset, months), split_months(months)
    rows = measure_cell(declarations, REGISTER[detector], dataset, split, seeds, seed, dataset == "source", keys)
    into.write_table(_CELLS, rows, f"{dataset}|{detector}")


def cells(lake: Lake, dataset: str, detectors: Sequence[str]) -> pd.DataFrame:
    """The cells of a data set in a lake."""
    return pd.concat([lake.read_frame(_CELLS, f"{dataset}|{name}") for name in detectors], ignore_index=True)


def together(columns: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The cells of several draws as those of one: all orders of the tokens, and all draws of importers, of each detector."""
    pooled = columns[0].copy()
    for name in ("by_key", "by_importers"):
        lists = [np.concatenate(of) for of in zip(*(column[name] for column in columns), strict=True)]
        pooled[name] = pd.Series(lists, index=pooled.index, dtype=object)
    return pooled


def gaps(source: pd.DataFrame, release: pd.DataFrame, rate: float) -> pd.Series:
    """Release less source of each detector's precision, mean over the orders of the tokens."""
    means = [
        rows.loc[rows["inspection_rate"] == rate].set_index("detector")["by_key"].map(np.mean)
        for rows in (source, release)
    ]
    return (means[1] - means[0]).astype(float)


def from_synthetic(lake: Lake, made: Lake) -> float:
    """Precision@5% of 1,000 boosted trees, trained on synthetic months and tested on the source's."""
    months = lake.partitions(SOURCE)
    split = split_months(months)
    asset = SYNTHETIC if made.partitions(SYNTHETIC) else SOURCE
    train = split.rows(made.read_frames(asset, months), "train")
    return precision_from(train, split.rows(lake.read_frames(SOURCE, months), "test"))


def measures(source: pd.DataFrame, release: pd.DataFrame) -> dict[str, str]:
    """What is printed of one column, by its name."""
    found: dict[str, str] = {}
    for rate in RATES:
        apart = gaps(source, release, rate)
        found[f"mean gap @{rate:.0%}"] = f"{apart.abs().mean():.4f}"
        worst = str(apart.abs().idxmax())
        found[f"largest cell @{rate:.0%}"] = f"{worst} {apart[worst]:+.4f}"
    ranked = rankings(pd.concat([source, release.assign(dataset="synthetic")], ignore_index=True))
    wanted: dict[str, Callable[[Ranking], str]] = {
        "pairs that differ": lambda of: f"{of.significant} of {of.pairs}",
        "in the same order": lambda of: _share(of.same_order, of.significant),
        "in two halves": lambda of: _share(of.same_in_halves, of.halves),
        "tau": lambda of: f"{of.tau:.3f}",
        "tau of halves": lambda of: f"{of.tau_of_halves:.3f}",
        "best": lambda of: f"{of.best_on_release} ({of.best_on_source})",
        "best behind": lambda of: (
            f"{of.behind:.4f} of {of.standard_error:.4f} {'within' if of.is_best_kept else 'BEYOND'}"
        ),
    }
    return found | {f"{name} @{of.inspection_rate:.0%}": told(of) for name, told in wanted.items() for of in ranked}


def _share(count: int, of: int) -> str:
    return f"{count / of:.3f} ({count} of {of})" if of else "–"


def as_table(columns: dict[str, dict[str, str]]) -> str:
    """The columns side by side as Markdown."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    lines = [f"| | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    lines += [f"| {name} | {' | '.join(column.get(name, '') for column in columns.values())} |" for name in names]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--secrets", type=int, default=5)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--detectors", nargs="*", default=list(DETECTORS), choices=DETECTORS)
    parser.add_argument("--train", action="store_true", help="train the models anew under each secret")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    settings = Settings(epochs=given.epochs)  # pyright: ignore[reportCallIssue]
    lake, of_source = Lake(str(given.lake)), Lake(str(given.folder / "source"))
    drawn = [Lake(str(given.folder / str(place + 1))) for place in range(given.secrets)]
    for place, made in enumerate(drawn):
        started = time.perf_counter()
        if made.partitions(SYNTHETIC) != lake.partitions(SOURCE):
            redrawn(lake, made, secrets.token_bytes(32), settings, given.train, given.workers)
        print(f"secret {place + 1}: drawn in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    own = Lake(str(given.folder / "own"))
    asked = [(lake, of_source, "source"), (lake, own, "synthetic"), *((made, made, "synthetic") for made in drawn)]
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for of, into, dataset in asked:
            work = partial(measured, of, into, dataset, given.keys, settings.seed)
            list(pool.map(work, reversed(given.detectors)))
            print(f"measured: {into.root}", file=sys.stderr, flush=True)
    source = cells(of_source, "source", given.detectors)
    releases = [cells(each, "synthetic", given.detectors) for each in (own, *drawn)]
    columns = {
        name: measures(source, release)
        for name, release in zip(("lake", *(str(place + 1) for place in range(len(drawn)))), releases, strict=True)
    }
    utilities = [from_synthetic(lake, each) for each in (lake, *drawn)]
    for column, found in zip(columns.values(), utilities, strict=True):
        column["synthetic to source @5%"] = f"{found:.4f}"
    if drawn:
        columns["together"] = measures(source, together(releases[1:]))
        columns["together"]["synthetic to source @5%"] = f"{math.fsum(utilities[1:]) / len(drawn):.4f}"
    print(as_table(columns))
    months = lake.partitions(SOURCE)
    split, rows = split_months(months), lake.read_frames(SOURCE, months)
    print(f"\nsource to source @5%: {precision_from(split.rows(rows, 'train'), split.rows(rows, 'test')):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
