"""What attacks on amounts, codes and seeds take out of a lake's synthetic months, beside chance.

    python benchmarks/attack_amounts.py LAKE [LAKE ...] [--min-group K]

``LAKE`` is what ``customs run`` made, or anything in its layout: ``anonymized_declarations/<month>.parquet`` (the source rows)
and ``synthetic_declarations/<month>.parquet``. The command ends with status 1 where an attack gains more than chance.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import pandas as pd

from customs_assets.declaration import RELEASED, Kind
from customs_assets.lake import Lake
from customs_assets.privacy.amounts import (
    AMOUNTS,
    TOLERANCE,
    Variation,
    amounts_of,
    extremes,
    solved_amounts,
    strongest,
)
from customs_assets.privacy.counts import group_account
from customs_assets.privacy.guessed_seed import guessed_seed

SOURCE, SYNTHETIC = "anonymized_declarations", "synthetic_declarations"


def attack(address: str, min_group: int) -> bool:
    """Attack a lake and print what was found; whether any attack gained more than chance."""
    lake = Lake(address)
    months = sorted(set(lake.partitions(SOURCE)) & set(lake.partitions(SYNTHETIC)))
    if not months:
        raise SystemExit(f"{address} holds no month of both {SOURCE} and {SYNTHETIC}; run customs run first")
    released, source = lake.read_frames(SYNTHETIC, months), lake.read_frames(SOURCE, months)
    print(f"\n# {address}: {len(months)} months, {len(released)} rows from {len(source)}\n")
    started = time.perf_counter()
    solved = solved_amounts(released, source, min_group)
    print(_table(solved, time.perf_counter() - started))
    started = time.perf_counter()
    read_off = extremes(released, source, min_group)
    print(_table(read_off, time.perf_counter() - started))
    rare, of_month = rarely_written_extremes(released, source, min_group)
    print(
        f"- {rare} of {of_month} largest and smallest masses and prices of a month are what fewer than {min_group} importers "
        "wrote in it"
    )
    for amount in AMOUNTS:
        ratio, beyond = reach(released, source, amount)
        print(
            f"- largest {amount} {ratio:.3g} times the source's next below it, {beyond} rows beyond ten times what all importers "
            "but one wrote"
        )
    account = group_account(released, source, min_group)
    coded = [account[a.name] for a in RELEASED if a.kind is Kind.CODE]
    codes = ", ".join(f"{entry.kind} {entry.under_k}" for entry in coded if entry.under_k)
    cells = sum(entry.rows_under_k for entry in coded)
    print(f"- codes on fewer than {min_group} importers: {codes or 'none'}; in {cells} cells")
    started = time.perf_counter()
    seed = guessed_seed(released)
    print(f"- {seed.note} ({time.perf_counter() - started:.1f} s)")
    return bool(strongest(solved).lower_bound or strongest(read_off).lower_bound or codes or seed.seeds)


def rarely_written_extremes(released: pd.DataFrame, source: pd.DataFrame, min_group: int) -> tuple[int, int]:
    """How many of the months' largest and smallest masses and prices 1 to ``k`` - 1 importers wrote there; and of how many."""
    shown, written = amounts_of(released), amounts_of(source).assign(importer_id=source["importer_id"].to_numpy())
    counts = []
    for (month, own), amount in ((group, name) for group in shown.groupby("month") for name in AMOUNTS[:2]):
        positive = own.loc[own[amount] > 0, amount]
        theirs = written[written["month"] == month]
        for value in (positive.min(), positive.max()) if len(positive) else ():
            same = (theirs[amount] - value).abs() <= TOLERANCE * value
            counts.append(len(theirs[same].drop_duplicates("importer_id")))
    return sum(0 < count < min_group for count in counts), len(counts)


def reach(released: pd.DataFrame, source: pd.DataFrame, amount: str) -> tuple[float, int]:
    """The largest released amount over the source's largest below it (NaN where there is none); and how many rows reach far.

    Rows reach far that are above ten times the largest amount of all importers but the one who wrote the largest.
    """
    shown, written = amounts_of(released)[amount], amounts_of(source)[amount]
    below = written[written < shown.max() * (1 - TOLERANCE)]
    largest = np.sort(written[written > 0].groupby(source["importer_id"].to_numpy()[written > 0]).max())
    beyond = int((shown > 10 * largest[-2]).sum()) if len(largest) > 1 else 0
    return (float(shown.max() / below.max()) if len(below) else math.nan), beyond


def _table(variations: tuple[Variation, ...], seconds: float) -> str:
    best = strongest(variations)
    lines = [
        "| guesses of | guesses | hits | chance | excess | at least |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {way.how} | {way.guesses} | {way.hits} | {way.chance:.1f} | {way.excess:.4f} | {way.lower_bound:.4f} |"
        for way in variations
    ]
    return "\n".join(
        [
            *lines,
            f"\nstrongest: {best.note}; at least {best.lower_bound:.4f} ({seconds:.1f} s)\n",
        ]
    )


def main() -> None:
    """Read the command line; attack each lake."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lakes", nargs="+", metavar="LAKE", help="folder of a lake")
    parser.add_argument("--min-group", type=int, default=5, help="k")
    arguments = parser.parse_args()
    gained = [attack(lake, arguments.min_group) for lake in arguments.lakes]
    raise SystemExit(1 if any(gained) else 0)


if __name__ == "__main__":
    main()
