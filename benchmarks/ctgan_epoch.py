"""Seconds and memory of a training epoch: ours against ``ctgan``, alternating, on one month of declarations.

    python benchmarks/ctgan_epoch.py --width 250 --width 400 --width 2100 --width 7250 --repeats 5 [--source FOLDER]

Every measurement is a process of its own, with one thread unless said otherwise and the default hyper-parameters; an
epoch's time is the median over the process's epochs, less the first. Printed are, for each width, the medians over the
processes, the median of the ratios of neighbouring pairs, and the peak memory of each.

Without ``--source`` the month is a random table of 2,863 rows with columns of about the same widths as a real month's.
With it, the month of 2020-05 in the published declarations, in the representation whose width is nearest.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import alternating, in_process, median, median_ratio, peak_megabytes, published_declarations

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
    rows = published_declarations(folder, MONTH)
    days = rows["date"].dt.day.astype(float)
    masses = np.log1p(rows["net_mass"])
    rows = rows.astype({name: str for name in [*SMALL, *TUPLE]})
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
    table["log_net_mass"] = masses
    table["day"] = days
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


def train_ctgan(table: pd.DataFrame, discrete: list[str], epochs: int, threads: int) -> tuple[list[float], int]:
    """Ends of the epochs and the width of the data vector, by ctgan."""
    import torch
    from ctgan.synthesizers import ctgan

    torch.set_num_threads(threads)
    setattr(ctgan, "tqdm", EpochClock)  # noqa: B010
    model = ctgan.CTGAN(epochs=epochs, enable_gpu=False)
    model.set_random_state(0)
    model.fit(table, discrete)
    assert model._transformer is not None
    return EpochClock.ends, int(sum(span.dim for column in model._transformer.output_info_list for span in column))


def train_ours(table: pd.DataFrame, discrete: list[str], epochs: int, threads: int) -> tuple[list[float], int]:
    """Ends of the epochs and the width of the data vector, by ours."""
    from customs_assets.generator.ctgan import CTGAN

    ends: list[float] = []
    model = CTGAN(epochs=epochs, seed=0, threads=threads)
    model.fit(table, discrete, lambda losses: ends.append(time.perf_counter()))
    weights, _ = model.to_state()
    return ends, weights[max(name for name in weights if name.startswith("weight."))].shape[1]


TRAINERS = {"ctgan": train_ctgan, "ours": train_ours}


def measure(trainer: str, width: int, epochs: int, source: Path | None, threads: int) -> dict[str, float]:
    """One training in this process."""
    table, discrete = random_month(width) if source is None else published_month(source, width)
    ends, found = TRAINERS[trainer](table, discrete, epochs, threads)
    # ctgan's first end is the start of its first epoch, ours the end of it: either way the first epoch is left out.
    durations = np.diff(ends)[1 if trainer == "ctgan" else 0 :]
    seconds = float(np.median(durations))
    return {"width": found, "rows": len(table), "seconds": seconds, "megabytes": peak_megabytes()}


def compare(width: int, repeats: int, epochs: int, source: Path | None, threads: int) -> str:
    """One line of the table."""

    def measured(trainer: str) -> dict[str, float]:
        arguments = ["--measure", trainer, "--width", str(width), "--epochs", str(epochs), "--threads", str(threads)]
        return in_process(__file__, [*arguments, *(["--source", str(source)] if source else [])], threads)

    rounds = alternating(list(TRAINERS), repeats, measured, f"width {width}")
    found = rounds[0]["ours"]
    cells = [
        f"{found['width']:.0f}",
        f"{found['rows']:.0f}",
        f"{median(rounds, 'ctgan'):.3f}",
        f"{median(rounds, 'ours'):.3f}",
        f"{median_ratio(rounds, 'ctgan', 'ours'):.1f}",
        f"{median(rounds, 'ctgan', 'megabytes'):.0f}",
        f"{median(rounds, 'ours', 'megabytes'):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Read the command line; measure, or compare and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--width", type=int, action="append", help="width of the data vector, may be repeated (400)")
    parser.add_argument("--repeats", type=int, default=5, help="pairs of processes for each width")
    parser.add_argument("--epochs", type=int, default=4, help="epochs in a process; the first is not counted")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    parser.add_argument("--source", type=Path, help="folder of the published declarations")
    parser.add_argument("--measure", choices=TRAINERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("--epochs: at least 2, as the first is not counted")
    widths = arguments.width or [400]
    how = arguments.epochs, arguments.source, arguments.threads
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, widths[0], *how)))
        return
    print("| width | rows | ctgan, s an epoch | ours, s an epoch | ratio | ctgan, MB | ours, MB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for width in widths:
        print(compare(width, arguments.repeats, *how), flush=True)


if __name__ == "__main__":
    main()
