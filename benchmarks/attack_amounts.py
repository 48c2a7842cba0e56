"""What attacks on amounts, codes and seeds take out of a lake's synthetic months, beside chance.

    python benchmarks/attack_amounts.py LAKE [LAKE ...] [--min-group K]

``LAKE`` is what ``customs run`` made, or anything in its layout: ``anonymized_declarations/<month>.parquet`` (the source rows)
and ``synthetic_declarations/<month>.parquet``. The command ends with status 1 where an attack gains more than chance.
"""

from __future__ import annotations

import argparse
import time

from customs_assets.lake import Lake
from customs_assets.privacy.amounts import Guessed, extremes, rare_codes, solved_amounts
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
    print(
        f"- {read_off.seldom_in_month} of {read_off.of_month} largest and smallest masses and prices of a month are what fewer "
        f"than {min_group} importers wrote in it"
    )
    for reach in read_off.reaches:
        print(f"- {reach.note}")
    codes = rare_codes(released, source, min_group)
    print(f"- codes on fewer than {min_group} importers: {codes.note}")
    started = time.perf_counter()
    seed = guessed_seed(released)
    print(f"- {seed.note} ({time.perf_counter() - started:.1f} s)")
    return bool(solved.lower or read_off.lower or codes.codes or seed.seeds)


def _table(guessed: Guessed, seconds: float) -> str:
    lines = [
        "| guesses of | guesses | hits | chance | excess | at least |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {way.how} | {way.guesses} | {way.hits} | {way.chance:.1f} | {way.excess:.4f} | {way.lower:.4f} |"
        for way in guessed.variations
    ]
    return "\n".join([*lines, f"\nstrongest: {guessed.note}; at least {guessed.lower:.4f} ({seconds:.1f} s)\n"])


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
