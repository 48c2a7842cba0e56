"""Tiny and degenerate sources, and what becomes of each: released, withheld, or ended with sentences of the project.

For a test of a few such sources and ``benchmarks/small_sources.py``, which drives many. A source has 0 to 60 rows a month, 1 to 5
importers (or 60), and columns that are constant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from customs_assets_tests.conftest import small_month

# What only a library, or a mistake of this project, would say to a person.
OF_A_LIBRARY = re.compile(
    r"Check failed|boolean index|Traceback|\b(?!DagsterAssetCheckFailed)[A-Z][A-Za-z]*Error\b|"
    r"must be non-empty|zero-size|out of bounds|not in index|cannot (?:convert|reshape|broadcast)|n_samples|n_splits|"
    r"fault of the (?:pipeline|program)|Input contains|Invalid (?:classes|parameter)|\bnan\b",
    re.IGNORECASE,
)

CONSTANT: dict[str, dict[str, str]] = {
    "no fraud": {"Fraud": "0", "Critical Fraud": "0"},
    "all fraud": {"Fraud": "1", "Critical Fraud": "1"},
    "masses 0": {"Net Mass": "0"},
    "prices 0": {"Item Price": "0"},
    "one good": {"HS10 Code": "0901210000"},
    "one office": {"Office ID": "20"},
    "one lane": {"Country of Departure": "CN", "Country of Origin": "CN", "Tax Rate": "13.0", "Tax Type": "C"},
    "no sellers": {"Seller ID": ""},
}


@dataclass(frozen=True)
class Small:
    """A source.

    Attributes:
        rows: of each month from 2020-01 on; a month of None is not there at all.
        importers: how many there are.
        constant: names of :data:`CONSTANT`.
        one_day: whether a month's rows are of one day.
        uninspected: whether nobody inspected the last month.
        one_id: whether an ID stands in every month.
    """

    rows: tuple[int | None, ...]
    importers: int = 60
    constant: frozenset[str] = frozenset()
    one_day: bool = False
    uninspected: bool = False
    one_id: bool = False

    def __str__(self) -> str:
        rows = ", ".join("no month" if count is None else str(count) for count in self.rows)
        notes = {"one day": self.one_day, "last not inspected": self.uninspected, "one ID in all months": self.one_id}
        told = [*sorted(self.constant), *(name for name, holds in notes.items() if holds)]
        return ", ".join([f"rows {rows}", f"{self.importers} importers", *told])

    def write(self, folder: Path) -> None:
        """Write the source: a CSV file a month."""
        folder.mkdir(parents=True)
        for place, rows in enumerate(self.rows):
            if rows is None:
                continue
            month = f"2020-{place + 1:02d}"
            frame = small_month(month, rows, seed=place)
            for name in sorted(self.constant):
                frame = frame.assign(**CONSTANT[name])
            frame["Importer ID"] = [f"Importer {n % self.importers}" for n in range(rows)]
            if self.one_day:
                frame["Date"] = f"{month}-05"
            if self.uninspected and place == len(self.rows) - 1:
                frame = frame.assign(**{"Fraud": "", "Critical Fraud": ""})
            if self.one_id and rows:
                frame.loc[0, "Declaration ID"] = "SAME-ID"
            frame.to_csv(folder / f"declarations-{month}.csv", index=False)


def small(largest: int = 60) -> st.SearchStrategy[Small]:
    """Small sources, the smallest first."""
    month = st.one_of(st.integers(0, largest), st.sampled_from([1, 2, 5, 20, largest]))
    first = st.tuples(month)
    later = st.lists(st.one_of(month, st.none()), min_size=0, max_size=3).map(tuple)
    return st.builds(
        Small,
        rows=st.builds(lambda one, more: one + more, first, later),
        importers=st.one_of(st.integers(1, 5), st.just(60)),
        constant=st.frozensets(st.sampled_from(sorted(CONSTANT)), max_size=2).filter(
            lambda names: not {"no fraud", "all fraud"} <= names
        ),
        one_day=st.booleans(),
        uninspected=st.booleans(),
        one_id=st.booleans(),
    )


class End(NamedTuple):
    """What became of a source: in a word, and what was said of it."""

    word: str
    sentences: Sequence[str]

    @property
    def strange(self) -> list[str]:
        """What a library said, or a mistake of this project."""
        return [sentence for sentence in self.sentences if OF_A_LIBRARY.search(sentence)]


def end_of(keys: Collection[str] | None = None) -> End:
    """Build what the settings of this process name, and say what became of it.

    Args:
        keys: the assets that are built; all of a run where None.
    """
    from customs_assets.graph import RELEASE
    from customs_assets.settings import Settings
    from customs_assets.source.address import SourceError, source_of
    from customs_assets_tests.one_process import built

    try:
        months = source_of(Settings()).months()  # pyright: ignore[reportCallIssue]
    except SourceError as error:
        return End("refused", [str(error)])
    done = built(months, keys)
    sentences = list(dict.fromkeys([*done.left_out.values(), *done.problems]))
    if done.lake.last_record(RELEASE) is not None:
        return End("released", sentences)
    return End("withheld" if done.lake.last_record("release_privacy") else "ended", sentences)
