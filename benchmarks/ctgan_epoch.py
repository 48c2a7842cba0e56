"""Seconds and memory of a training epoch: ours against ``ctgan``, alternating, on one month of declarations.

    python benchmarks/ctgan_epoch.py --width 400 --width 2100 --width 7250 --repeats 5 [--source FOLDER]

Every measurement is a process of its own, with one thread and the default hyper-parameters; an epoch's time is the
median over the process's epochs, less the first. Printed are, for each width, the medians over the processes, the
median of the ratios of neighbouring pairs, and the peak memory of each.

Without ``--source`` the month is a random table of 2,863 rows with columns of about the same widths as a real month's.
With it, the month of 2020-05 in the published declarations, in the representation whose width is nearest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
MONTH = "2020-05"
ROWS = 2863
SMALL = ["office_id", "process_type", "import_type", "import_use", "payment_type", "mode_of_transport"]
SMALL += ["country_of_origin_indicator", "fraud", "critical_fraud"]
IDENTITIES = ["declarant_id", "importer_id", "seller_id", "courier_id"]
TUPLE = ["hs6_code", "country_of_departure", "country_of_origin", "tax_rate", "tax_type"]

# Widths of the discrete columns of one month, by representation: the tariff tuple's parts coarsened; the tuple
# aggregated into one column; the identities beside it.
SMALL_WIDTHS = [34, 2, 23, 11, 10, 6, 6, 2, 3]
REPRESENTATIONS = {
    "coarse": [*SMALL_WIDTHS, 90, 70, 75, 35],
    "tuple": [*SMALL_WIDTHS, 1970],
    "identities": [*SMALL_WIDTHS, 1970, 750, 2370, 2000, 40],
}
COMPONENTS = 20


def nearest_representation(width: int) -> str:
    """The representation whose width on a real month is nearest."""
    sizes = {name: sum(widths) + COMPONENTS for name, widths in REPRESENTATIONS.items()}
    return min(sizes, key=lambda name: abs(math.log(sizes[name] / width)))


def random_month(width: int) -> tuple[pd.DataFrame, list[str]]:
    """A random table of about ``width``, every category of it present, and its discrete columns."""
    rng = np.random.default_rng(width)
    widths = REPRESENTATIONS[nearest_representation(width)]
    fixed = sum(SMALL_WIDTHS)
    scale = max(width - COMPONENTS - fixed, 1) / (sum(widths) - fixed)
    columns: dict[str, np.ndarray] = {}
    for place, count in enumerate(widths):
        categories = count if place < len(SMALL_WIDTHS) else max(round(count * scale), 2)
        categories = min(categories, ROWS)
        frequency = 1.0 / np.arange(1, categories + 1)
        drawn = rng.choice(categories, ROWS - categories, p=frequency / frequency.sum())
        codes = rng.permutation(np.concatenate([np.arange(categories), drawn]))
        columns[f"code_{place}"] = np.array([f"{code:05d}" for code in codes], dtype=object)
    discrete = list(columns)
    columns["log_net_mass"] = rng.normal(3.0, 2.0, ROWS)
    columns["day"] = rng.integers(0, 31, ROWS).astype(float)
    return pd.DataFrame(columns), discrete


def published_month(folder: Path, width: int) -> tuple[pd.DataFrame, list[str]]:
    """The published declarations of one month, and the discrete columns."""
    rows = pd.read_csv(folder / "df_syn_train_eng.csv", dtype=str, keep_default_na=False)
    rows.columns = [name.lower().replace(" ", "_") for name in rows.columns]
    rows = rows[rows["date"].str.startswith(MONTH)].reset_index(drop=True)
    table = rows[SMALL].copy()
    representation = nearest_representation(width)
    if representation == "coarse":
        table["chapter"] = rows["hs6_code"].str[:2]
        for name in ("country_of_departure", "country_of_origin", "tax_type"):
            table[name] = rows[name]
    else:
        table["tariff_tuple"] = rows[TUPLE].agg("|".join, axis=1)
    if representation == "identities":
        table[IDENTITIES] = rows[IDENTITIES]
    discrete = list(table.columns)
    table["log_net_mass"] = np.log1p(rows["net_mass"].astype(float))
    table["day"] = pd.to_datetime(rows["date"]).dt.day.astype(float)
    return table, discrete


class EpochClock:
    """Stands where ctgan shows its progress, and notes when every epoch ends."""

    ends: list[float]

    def __init__(self, epochs: Iterable[int], disable: bool = True) -> None:
        self._epochs = epochs

    def __iter__(self) -> Iterator[int]:
        EpochClock.ends = [time.perf_counter()]
        for epoch in self._epochs:
            yield epoch
            EpochClock.ends.append(time.perf_counter())


def train_ctgan(table: pd.DataFrame, discrete: list[str], epochs: int) -> tuple[list[float], int]:
    """Ends of the epochs and the width of the data vector, by ctgan."""
    import torch
    from ctgan.synthesizers import ctgan

    torch.set_num_threads(1)
    setattr(ctgan, "tqdm", EpochClock)  # noqa: B010
    model = ctgan.CTGAN(epochs=epochs, enable_gpu=False)
    model.set_random_state(0)
    model.fit(table, discrete)
    assert model._transformer is not None
    return EpochClock.ends, int(sum(span.dim for column in model._transformer.output_info_list for span in column))


def train_ours(table: pd.DataFrame, discrete: list[str], epochs: int) -> tuple[list[float], int]:
    """Ends of the epochs and the width of the data vector, by ours."""
    from customs_assets.synthesis.ctgan import CTGAN

    ends: list[float] = []
    model = CTGAN(epochs=epochs, seed=0)
    model.fit(table, discrete, lambda losses: ends.append(time.perf_counter()))
    weights, _ = model.to_state()
    return ends, weights[max(name for name in weights if name.startswith("weight."))].shape[1]


TRAINERS = {"ctgan": train_ctgan, "ours": train_ours}


def measure(trainer: str, width: int, epochs: int, source: Path | None) -> dict[str, float]:
    """One training in this process."""
    table, discrete = random_month(width) if source is None else published_month(source, width)
    ends, found = TRAINERS[trainer](table, discrete, epochs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # ctgan's first end is the start of its first epoch, ours the end of it: either way the first epoch is left out.
    durations = np.diff(ends)[1 if trainer == "ctgan" else 0 :]
    return {"width": found, "rows": len(table), "seconds": float(np.median(durations)), "megabytes": peak / 1024}


def measure_in_process(trainer: str, width: int, epochs: int, source: Path | None) -> dict[str, float]:
    """The same in a process of its own, at one thread."""
    command = [sys.executable, __file__, "--measure", trainer, "--width", str(width), "--epochs", str(epochs)]
    if source is not None:
        command += ["--source", str(source)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command, env=os.environ | one | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(width: int, repeats: int, epochs: int, source: Path | None) -> str:
    """One line of the table."""
    pairs = []
    for repeat in range(repeats):
        order = list(TRAINERS) if repeat % 2 == 0 else list(TRAINERS)[::-1]
        pair = {trainer: measure_in_process(trainer, width, epochs, source) for trainer in order}
        pairs.append(pair)
        print(f"  {width}: " + ", ".join(f"{name} {pair[name]['seconds']:.3f} s" for name in TRAINERS), file=sys.stderr)
    seconds = {name: statistics.median(pair[name]["seconds"] for pair in pairs) for name in TRAINERS}
    memory = {name: statistics.median(pair[name]["megabytes"] for pair in pairs) for name in TRAINERS}
    ratio = statistics.median(pair["ctgan"]["seconds"] / pair["ours"]["seconds"] for pair in pairs)
    found = pairs[0]["ours"]["width"]
    return (
        f"| {found:.0f} | {pairs[0]['ours']['rows']:.0f} | {seconds['ctgan']:.3f} | {seconds['ours']:.3f} "
        f"| {ratio:.1f} | {memory['ctgan']:.0f} | {memory['ours']:.0f} |"
    )


def main() -> None:
    """Read the command line; measure, or compare and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--width", type=int, action="append", help="width of the data vector, may be repeated (400)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of processes for each width")
    parser.add_argument("--epochs", type=int, default=4, help="epochs in a process; the first is not counted")
    parser.add_argument("--source", type=Path, help="folder of the published declarations")
    parser.add_argument("--measure", choices=TRAINERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("--epochs: at least 2, as the first is not counted")
    widths = arguments.width or [400]
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, widths[0], arguments.epochs, arguments.source)))
        return
    print("| width | rows | ctgan, s an epoch | ours, s an epoch | ratio | ctgan, MB | ours, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for width in widths:
        print(compare(width, arguments.repeats, arguments.epochs, arguments.source), flush=True)


if __name__ == "__main__":
    main()
