"""Twelve faults planted in eighteen months: how many are told in their month, and how often a month without a fault is told.

    python benchmarks/drift.py --seeds 8 --published /path/to/published

Each world is judged three times: without a fault, with twelve faults one after the other in its last twelve months, and with each
of more than twenty kinds of faults alone in a month. The published declarations, which nobody here wrote, count false alarms of a
real administration's calendar. Exit status 1 where a fault was not told in its month, or more than one false alarm came in a
year.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets.source.files import FileSource
from customs_assets_tests.drift.faults import FAULTS, TWELVE, as_text, counts_of, planted, simulated_months, told

# The first months have no history.
FIRST = 6


class Tally:
    """What was told, over all worlds."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self.false = self.sound_months = 0

    def world(self, title: str, months: dict, rng: np.random.Generator) -> None:
        """Judge a world without faults, with one after the other, and with each alone."""
        names = list(months)
        sound = {month: counts_of(month, frame) for month, frame in months.items()}
        alarms = told(list(sound.values()))
        self.false, self.sound_months = self.false + len(alarms), self.sound_months + len(names)
        for month, findings in alarms.items():
            print(f"  {title}: false alarm in {month}: {', '.join(f.measure for f in findings)}")
        self._one_after_the_other(title, months, sound, rng)
        for fault in FAULTS:
            at = names[int(rng.integers(FIRST, len(names)))]
            until = {month: months[month] for month in names if month <= at}
            delivered = planted(until, {at: fault}, rng)
            found = told([*(sound[month] for month in names if month < at), counts_of(at, delivered[at])])
            self._count(f"{fault} (alone)", at in found, f"{title}, {at}")

    def _one_after_the_other(self, title: str, months: dict, sound: dict, rng: np.random.Generator) -> None:
        names = list(months)[-min(len(TWELVE), len(months) - FIRST) :]
        faults = dict(zip(names, rng.permutation(TWELVE), strict=False))
        delivered = planted(months, faults, rng)
        found = told([counts_of(m, delivered[m]) if m in faults else sound[m] for m in months])
        for month, fault in faults.items():
            self._count(fault, month in found, f"{title}, {month}, one after the other")
        self.false += len(found.keys() - faults.keys())
        self.sound_months += len(months) - len(faults)

    def _count(self, fault: str, is_told: bool, where: str) -> None:
        self.planted[fault] += 1
        self.told[fault] += is_told
        if not is_told:
            print(f"  NOT TOLD: {fault} ({where})", flush=True)


def main() -> None:
    """Plant, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--declarations", type=int, default=54_000, help="of eighteen months")
    parser.add_argument("--published", help="folder of the published declarations")
    options = parser.parse_args()
    tally, began = Tally(), time.monotonic()
    for seed in range(1, options.seeds + 1):
        # Every other world has few rows, and every third is inspected more.
        declarations = options.declarations if seed % 2 else options.declarations // 4
        inspected = 0.05 if seed % 3 else 0.15
        months = simulated_months(declarations, seed, inspected)
        tally.world(f"world {seed}", months, np.random.default_rng(seed))
        print(
            f"world {seed}: {declarations:,} declarations, {inspected:.0%} inspected; {time.monotonic() - began:.0f} s",
            flush=True,
        )
    if options.published:
        source = FileSource(options.published)
        months = {month: as_text(source.read_month(month).declarations.to_pandas()) for month in source.months()}
        tally.world("published", months, np.random.default_rng(0))
    for fault, count in tally.planted.items():
        print(f"{fault}: {tally.told[fault]} of {count} told in the right month")
    a_year = 12 * tally.false / tally.sound_months
    whole, right = sum(tally.planted.values()), sum(tally.told.values())
    print(f"{right} of {whole} faults told in the right month")
    print(f"{tally.false} false alarms in {tally.sound_months} months without a fault: {a_year:.2f} a year")
    sys.exit(right < whole or a_year > 1)


if __name__ == "__main__":
    main()
