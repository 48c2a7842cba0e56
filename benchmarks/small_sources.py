"""Tiny and degenerate sources through the whole pipeline: each is released, withheld, or ends in a sentence of the project.

    python benchmarks/small_sources.py --cases 20 --seed 1
    python benchmarks/small_sources.py --kinds                    # one of each kind that the handbook names

Sources are drawn by hypothesis (``customs_assets_tests/small_sources.py``): 0 to 60 rows a month, 1 to 5 importers, columns that
are constant, one day, months that nobody inspected, gaps, an ID in two months. The runs are those of ``customs run``, in this
process. Exit status 1 where an error of a library came through: its text names what it is, and the case is printed.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from customs_assets_tests.conftest import fixed_secrets
from customs_assets_tests.small_sources import Small, end_of, small

# Each kind that the handbook names.
KINDS = (
    Small((5, 5, 5)),
    Small((20, 20, 20)),
    Small((60, 60), constant=frozenset({"no fraud"})),
    Small((60, 60), constant=frozenset({"all fraud"})),
    Small((60, 60, 60), uninspected=True),
    Small((60, None, 60)),
    Small((60, 60), one_id=True),
    Small((60, 60), importers=1),
    Small((60, 60), constant=frozenset({"masses 0"})),
    Small((60, 60), constant=frozenset({"prices 0"})),
    Small((60, 60), one_day=True),
    Small((60, 60), constant=frozenset({"one good", "one lane"})),
)


def drawn(count: int, seed: int) -> Iterator[Small]:
    """Sources as hypothesis draws them."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    found: list[Small] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
        deadline=None,
    )
    @given(small())
    def collect(source: Small) -> None:
        found.append(source)

    collect()
    yield from dict.fromkeys(found)


def main() -> None:
    """Drive the sources and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    sources = KINDS if given.kinds else tuple(drawn(given.cases, given.seed))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(_drive(sources, Path(place)))


def _drive(sources: tuple[Small, ...], place: Path) -> int:
    fixed_secrets(place / "secrets")
    (place / "home").mkdir()
    os.environ |= {
        "CUSTOMS_EPOCHS": "1",
        "DAGSTER_HOME": str(place / "home"),
        "CUSTOMS_IDENTITY_KEY": str(place / "secrets" / "identity.key"),
        "CUSTOMS_RELEASE_SECRET": str(place / "secrets" / "release.secret"),
        "CUSTOMS_PUBLISHED": str(place / "published"),
    }
    ends: Counter[str] = Counter()
    for case, source in enumerate(sources):
        folder = place / f"case-{case}"
        source.write(folder / "source")
        os.environ |= {"CUSTOMS_SOURCE": str(folder / "source"), "CUSTOMS_LAKE": str(folder / "lake")}
        began = time.monotonic()
        end = end_of()
        word = "A LIBRARY'S ERROR" if end.strange else end.word
        ends[word] += 1
        print(f"{case}: {word} in {time.monotonic() - began:.0f} s ({source})", flush=True)
        for sentence in end.strange or end.sentences:
            print(f"    {sentence[:500]}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in ends.most_common()))
    return int(ends["A LIBRARY'S ERROR"] > 0)


if __name__ == "__main__":
    main()
