"""A detector of one's own beside all others, on the declarations of a release.

What belongs here measures each detector in a process of its own and lays the result out as tables. Reading a release is the work
of the room above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

import pandas as pd

from customs_assets.benchmark.cells import RATES, measure_cell
from customs_assets.benchmark.detectors import DEEP_TITLES, DETECTORS, TITLES, Detector, detector_class
from customs_assets.benchmark.ranking import SIGNIFICANT, difference
from customs_assets.benchmark.split import ChronologicalSplit
from customs_assets.seeds import derive_seed

# What the measures are called in the result.
DATASET = "release"

_MEASURES = {"precision_mean": "Precision", "recall_mean": "Recall", "duty_recall_mean": "Recall of the duty at stake"}


@dataclass(frozen=True)
class Contest:
    """What detectors are measured on.

    Attributes:
        declarations: those of a release.
        split: which months train and test.
        seed: public; seeds of the runs, orders of the tokens and draws of importers derive from it.
        runs: how many seeds.
    """

    declarations: pd.DataFrame
    split: ChronologicalSplit
    seed: int
    runs: int

    def measure(self, detector: type[Detector]) -> pd.DataFrame:
        """One detector's rows, as ``cells.measure_cell``.

        Raises:
            ValueError: the release cannot train or test a detector.
        """
        seeds = [derive_seed(self.seed, "fraud_benchmark", purpose=f"run {run}") % 2**31 for run in range(self.runs)]
        return measure_cell(self.declarations, detector, DATASET, self.split, seeds, self.seed, with_halves=False)

    def measure_registered(self, workers: int, names: Sequence[str] = DETECTORS) -> Iterator[tuple[str, pd.DataFrame]]:
        """The rows of detectors of the register by their names, as they come; the longest are begun first."""
        longest_first = sorted(names, key=lambda name: name in TITLES and name not in ("random_forest", "catboost"))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            begun = {pool.submit(_measure, self, name): name for name in longest_first}
            for done in as_completed(begun):
                yield begun[done], done.result()


def _measure(contest: Contest, name: str) -> pd.DataFrame:
    return contest.measure(detector_class(name))


def contest_tables(rows: pd.DataFrame, own: type[Detector]) -> dict[str, str]:
    """The tables as Markdown by their titles, one's own detector last.

    Args:
        rows: as ``cells.measure_cell``, of all detectors on one data set.
        own: one's own.

    Returns:
        Precision with its deviation over the seeds, recall, and recall of the duty at stake at each rate; and by how much one's
        own finds more than each other, with the standard error of that, where a star says that it is two of them or more.
    """
    known = {**TITLES, **DEEP_TITLES}
    titles = {name: title for name, title in known.items() if name in set(rows["detector"])} | {own.name: own.title}
    cells = {(row["detector"], row["inspection_rate"]): row for row in rows.to_dict("records")}
    tables = {}
    for measure, heading in _MEASURES.items():
        lines = []
        for name, title in titles.items():
            of_rates = [cells[name, rate] for rate in RATES]
            texts = [
                _text(row[measure], row["precision_std"] if measure == "precision_mean" else None) for row in of_rates
            ]
            lines.append([title, *texts])
        tables[heading] = _markdown(["Model", *(f"{rate:.0%}" for rate in RATES)], lines)
    apart = []
    for name, title in titles.items():
        if name != own.name:
            both = [difference(cells[own.name, rate], cells[name, rate]) for rate in RATES]
            apart.append([title, *(_apart(*pair) for pair in both)])
    if apart:
        tables[f"Precision of {own.title} less that of"] = _markdown(
            ["Model", *(f"{rate:.0%}" for rate in RATES)], apart
        )
    return tables


def _text(value: float, deviation: float | None) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    return f"{value:.4f}" if deviation is None else f"{value:.4f} ± {deviation:.4f}"


def _apart(value: float, error: float) -> str:
    star = " *" if value and abs(value) >= SIGNIFICANT * error else ""
    return f"{value:+.4f} ± {error:.4f}{star}"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (heads, rule, *lines))
