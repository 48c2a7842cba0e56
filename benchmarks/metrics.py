"""Seconds of the slowest metrics: ours against SDMetrics, alternating, on published declarations.

    python benchmarks/metrics.py --source FOLDER [--rows 54000] [--peer-rows 1000] [--repeats 3]

Source and synthetic rows are two random halves of the published declarations, drawn with replacement to the size asked
for. SDMetrics' NewRowSynthesis asks the source once per synthetic row, so it is given ``--peer-rows`` synthetic rows against
all of the source's, and its time is scaled to all rows; its ContingencySimilarity is given every pair at full size. The
last column says whether both give the same score on the very rows that the peer was given.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import alternating, in_process, median, published_declarations

from customs_assets.declaration import CATEGORICAL, COMPARED, NUMERICAL
from customs_assets.fidelity.comparison import Comparison
from customs_assets.fidelity.own_metrics import new_row_synthesis
from customs_assets.fidelity.table_two import contingency_scores, fidelity

SEED = 2020


def two_halves(folder: Path, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A source and a synthetic frame of the compared columns, ``rows`` each."""
    rng = np.random.default_rng(SEED)
    published = published_declarations(folder)[[attribute.name for attribute in COMPARED]]
    first, second = np.array_split(rng.permutation(len(published)), 2)
    source, synthetic = (published.iloc[rng.choice(half, rows)].reset_index(drop=True) for half in (first, second))
    return source, synthetic


def our_new_rows(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """NewRowSynthesis by ours."""
    return new_row_synthesis(Comparison.of(source, synthetic))


def their_new_rows(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """NewRowSynthesis by SDMetrics."""
    from sdmetrics.single_table import NewRowSynthesis

    kinds = {name: {"sdtype": "categorical"} for name in CATEGORICAL}
    kinds |= {name: {"sdtype": "numerical"} for name in NUMERICAL} | {"date": {"sdtype": "datetime"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(NewRowSynthesis.compute(source, synthetic, {"columns": kinds}))


def our_contingency(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """The mean ContingencySimilarity of all pairs with a category in them, by ours."""
    return float(np.mean(list(contingency_scores(Comparison.of(source, synthetic)).values())))


def their_contingency(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """The same by SDMetrics, pair by pair."""
    from sdmetrics.column_pairs import ContingencySimilarity

    dated = [frame.assign(date=frame["date"].astype("int64") / 86_400e9) for frame in (source, synthetic)]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pair in itertools.combinations([attribute.name for attribute in COMPARED], 2):
            numbers = [name for name in pair if name in NUMERICAL]
            if len(numbers) < 2:
                columns = list(pair)
                found.append(
                    ContingencySimilarity.compute(
                        dated[0][columns], dated[1][columns], continuous_column_names=numbers or None
                    )
                )
    return float(np.mean([score for score in found if not math.isnan(score)]))


def our_table(source: pd.DataFrame, synthetic: pd.DataFrame) -> float:
    """All eight metrics of Table 2; the mean of them."""
    return float(np.mean([score.score for score in fidelity(source, synthetic)]))


Metric = Callable[[pd.DataFrame, pd.DataFrame], float]

METRICS: dict[str, dict[str, Metric]] = {
    "NewRowSynthesis": {"SDMetrics": their_new_rows, "ours": our_new_rows},
    "ContingencySimilarity, all pairs": {"SDMetrics": their_contingency, "ours": our_contingency},
}


def measure(metric: Metric, source: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, float]:
    """Seconds and score of one metric in this process, imports not counted."""
    metric(source.head(50), synthetic.head(50))
    begin = time.perf_counter()
    score = metric(source, synthetic)
    return {"seconds": time.perf_counter() - begin, "score": score}


def compare(name: str, arguments: argparse.Namespace) -> str:
    """One line of the table."""
    slow = name == "NewRowSynthesis"

    def measured(peer: str) -> dict[str, float]:
        own = ["--measure", f"{name}|{peer}", "--source", str(arguments.source), "--rows", str(arguments.rows)]
        return in_process(__file__, [*own, "--peer-rows", str(arguments.peer_rows)])

    rounds = alternating(["SDMetrics", "ours"], arguments.repeats, measured, name)
    ours, theirs = median(rounds, "ours"), median(rounds, "SDMetrics")
    scaled = theirs * arguments.rows / arguments.peer_rows if slow else theirs
    same = abs(rounds[0]["ours"]["peer_score"] - rounds[0]["SDMetrics"]["score"]) < 1e-9
    how = f"{scaled:.0f} (scaled from {arguments.peer_rows} rows)" if slow else f"{theirs:.1f}"
    return f"| {name} | {arguments.rows} x 2 | {how} | {ours:.2f} | {scaled / ours:.0f} | {'yes' if same else 'no'} |"


def measured_here(arguments: argparse.Namespace) -> dict[str, float]:
    """One peer's measurement of one metric; ours also gives the score of the rows that the peer is given."""
    name, peer = arguments.measure.split("|")
    source, synthetic = two_halves(arguments.source, arguments.rows)
    given = synthetic.head(arguments.peer_rows) if name == "NewRowSynthesis" else synthetic
    metric = METRICS[name][peer]
    if peer == "SDMetrics":
        return measure(metric, source, given)
    found = measure(metric, source, synthetic)
    return found | {"peer_score": found["score"] if given is synthetic else metric(source, given)}


def main() -> None:
    """Read the command line; measure one peer, or compare and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of the published declarations")
    parser.add_argument("--rows", type=int, default=54_000, help="rows of each frame")
    parser.add_argument("--peer-rows", type=int, default=1_000, help="synthetic rows for SDMetrics' NewRowSynthesis")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured_here(arguments)))
        return
    print("| metric | rows | SDMetrics, s | ours, s | ratio | same score |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name in METRICS:
        print(compare(name, arguments), flush=True)
    source, synthetic = two_halves(arguments.source, arguments.rows)
    print(
        f"| all eight metrics of Table 2 | {arguments.rows} x 2 | | {measure(our_table, source, synthetic)['seconds']:.2f} | | |"
    )


if __name__ == "__main__":
    main()
