"""Fuzz the reader of files: thousands of files of every kind, as ``customs_assets_tests/source/fuzzing.py`` draws them.

    python benchmarks/fuzz_source.py --cases 10000

Reading a file must end with every row kept or quarantined with a reason, or with one sentence that names the file; no quarantined
cell may run as a formula in a spreadsheet. Beside these, a tenth as many files are drawn with one known fault each
(``customs_assets_tests/source/planted.py``), and the refusals are counted whose sentence names it. Exit status 1 where a case
crashed, a row was not accounted for, or less than 0.95 of these refusals name the fault.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets_tests.source.fuzzing import drawn, fuzz
from customs_assets_tests.source.planted import Naming, examine_planted, planted

NAMED = 0.95


def main() -> None:
    """Fuzz and print what became of the cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--planted", type=int, help="files with a known fault; a tenth of the cases if left out")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    tally = fuzz(options.cases, options.seed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{tally.cases} files in {time.monotonic() - began:.0f} s, at most {memory:.0f} MB of memory")
    print(f"{tally.refused} files refused with a sentence, 0 crashes")
    aside = sum(tally.reasons.values())
    print(f"{tally.rows} rows: {tally.kept} kept, {aside} set aside, {tally.rows - tally.kept - aside} unaccounted for")
    for reason, count in tally.reasons.most_common():
        print(f"  {reason}: {count}")
    for suffix, count in sorted(tally.formats.items()):
        print(f"  {count} files {suffix}")
    naming = Naming()
    many = options.cases // 10 if options.planted is None else options.planted
    drawn(planted(), lambda case: examine_planted(case, naming), many, options.seed)
    print(
        f"{naming.files} files with a planted fault: {naming.refused} refused, {naming.named} name it ({naming.share:.3f})"
    )
    for kind, count in naming.unnamed.most_common():
        print(f"  not named: {count} {kind}: {naming.examples.get(kind, '')}")
    sys.exit(0 if naming.share >= NAMED and naming.refused == naming.files else 1)


if __name__ == "__main__":
    main()
