"""Tiny and degenerate sources through the whole pipeline: each is released, withheld, or ends in a sentence of the project.

    python benchmarks/small_sources.py --cases 20 --seed 1

Sources have 0 to 60 rows a month, 1 to 5 importers, and columns that are constant: no fraud or nothing but fraud, masses or
prices 0, one day, one good, months that nobody inspected, gaps, an ID in two months. The runs are those of `customs run`, in this
process. Exit status 1 where an error of a library came through: its text names what it is, and the case is printed.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

# What only a library, or a mistake of this project, would say to a person.
OF_A_LIBRARY = re.compile(
    r"Check failed|boolean index|Traceback|(?:Index|Key|Type|Attribute|ZeroDivision|Assertion|Linalg|Runtime)Error|"
    r"must be non-empty|zero-size|out of bounds|not in index|cannot (?:convert|reshape|broadcast)|n_samples|n_splits|"
    r"fault of the pipeline|Input contains|Invalid (?:classes|parameter)|nan\b",
    re.IGNORECASE,
)


def source(rng: np.random.Generator, folder: Path) -> str:
    """Write a small source; what it is like, in words."""
    from customs_assets_tests.conftest import small_month

    told: list[str] = []
    months = [f"2020-{number:02d}" for number in range(1, 2 + int(rng.integers(1, 4)))]
    if len(months) > 2 and rng.random() < 0.3:
        told.append(f"without {months.pop(1)}")
    importers = int(rng.integers(1, 6)) if rng.random() < 0.5 else 60
    constant: dict[str, Any] = {}
    for name, columns in {
        "no fraud": {"Fraud": "0", "Critical Fraud": "0"},
        "all fraud": {"Fraud": "1", "Critical Fraud": "1"},
        "masses 0": {"Net Mass": "0"},
        "prices 0": {"Item Price": "0"},
        "one good": {"HS10 Code": "0901210000"},
    }.items():
        if rng.random() < 0.25:
            constant |= columns
            told.append(name)
    one_day, uninspected, one_id = (rng.random() < 0.2 for _ in range(3))
    for month in months:
        rows = int(rng.choice([0, 1, 2, 5, 20, 40, 60]))
        frame = small_month(month, rows, seed=int(rng.integers(1000))).assign(**constant)
        frame["Importer ID"] = [f"Importer {n % importers}" for n in range(rows)]
        if one_day:
            frame["Date"] = f"{month}-05"
        if uninspected and month == months[-1]:
            frame = frame.assign(**{"Fraud": "", "Critical Fraud": ""})
        if one_id and rows:
            frame.loc[0, "Declaration ID"] = "SAME-ID"
        told.append(f"{month}: {rows} rows")
        frame.to_csv(folder / f"declarations-{month}.csv", index=False)
    notes = {"one day": one_day, "last month not inspected": uninspected, "one ID in all months": one_id}
    return ", ".join([*told, f"{importers} importers", *(name for name, holds in notes.items() if holds)])


def main() -> None:
    """Drive the sources and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as place:
        sys.exit(_drive(options.cases, options.seed, Path(place)))


def _drive(cases: int, seed: int, place: Path) -> int:
    from customs_assets_tests.conftest import fixed_secrets

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
    for case in range(cases):
        rng, folder = np.random.default_rng([seed, case]), place / f"case-{case}"
        (folder / "source").mkdir(parents=True)
        told = source(rng, folder / "source")
        os.environ |= {"CUSTOMS_SOURCE": str(folder / "source"), "CUSTOMS_LAKE": str(folder / "lake")}
        began = time.monotonic()
        end, sentences = _end()
        ends[end] += 1
        print(f"{case}: {end} in {time.monotonic() - began:.0f} s ({told})", flush=True)
        for sentence in sentences:
            print(f"    {sentence[:400]}")
    print(", ".join(f"{count} {end}" for end, count in ends.most_common()))
    return int(ends["A LIBRARY'S ERROR"] > 0)


def _end() -> tuple[str, list[str]]:
    """What became of the source that the settings name, and what was said of it."""
    from customs_assets.graph import RELEASE
    from customs_assets.settings import Settings
    from customs_assets.source.address import SourceError, source_of
    from customs_assets_tests.one_process import built

    try:
        months = source_of(Settings()).months()  # pyright: ignore[reportCallIssue]
    except SourceError as error:
        return "refused", [str(error)]
    done = built(months)
    sentences = list(dict.fromkeys([*done.left_out.values(), *done.problems]))
    if strange := [sentence for sentence in sentences if OF_A_LIBRARY.search(sentence)]:
        return "A LIBRARY'S ERROR", strange
    released = done.lake.last_record(RELEASE) is not None
    return ("released" if released else "withheld" if done.lake.last_record("release_privacy") else "ended"), sentences


if __name__ == "__main__":
    main()
