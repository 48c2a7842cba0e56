"""Does the trained model score as ``ctgan``'s does? Table 2's metrics on the model's own table, three seeds each.

    python benchmarks/ctgan_scores.py --source FOLDER [--month 2020-05] [--epochs 300] [--seeds 3]

Both libraries are trained on the model table of one published month (the codec's, some 250 wide) with the default
hyper-parameters and sampled once, as many rows as the month has. Printed are, for each metric of Table 2 that a table
of this form has, the mean and the least and largest over the seeds. The two agree where their ranges overlap, or the means
differ by no more than the wider range.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import in_process, published_declarations

from customs_assets.fidelity.column_scores import column_score, correlation_score
from customs_assets.fidelity.comparison import Comparison, binned
from customs_assets.fidelity.own_metrics import contingency_similarity


def model_table(folder: Path, month: str) -> tuple[pd.DataFrame, list[str]]:
    """The codec's table of a published month, and its discrete columns."""
    from customs_assets.synthesis.codec import Codec

    rows = published_declarations(folder, month)
    # The published codes have six digits; the codec asks for ten and looks at no more than these.
    rows = rows.assign(hs10_code=rows["hs6_code"] + "0000").drop(columns="hs6_code")
    prices = (rows["item_price"] / rows["net_mass"]).where((rows["net_mass"] > 0) & (rows["item_price"] > 0))
    logarithms = pd.Series(np.log(prices), index=rows.index).fillna(float(np.log(prices).mean()))
    average = logarithms.groupby(rows["hs10_code"]).mean().transform("exp").rename("unit_price").reset_index()
    codec = Codec.fit(rows, average.assign(category=average["hs10_code"]), min_group=5)
    table = codec.encode(rows)
    return table, codec.discrete_columns(table)


def by_ctgan(table: pd.DataFrame, discrete: list[str], epochs: int, seed: int) -> pd.DataFrame:
    """As many rows as the table has, by ctgan."""
    from ctgan import CTGAN

    model = CTGAN(epochs=epochs, enable_gpu=False)
    model.set_random_state(seed)
    model.fit(table, discrete)
    return pd.DataFrame(model.sample(len(table)))


def by_ours(table: pd.DataFrame, discrete: list[str], epochs: int, seed: int) -> pd.DataFrame:
    """As many rows as the table has, by ours."""
    from customs_assets.generator.ctgan import CTGAN

    model = CTGAN(epochs=epochs, seed=seed)
    model.fit(table, discrete)
    return model.sample(len(table), seed)


TRAINERS: dict[str, Callable[[pd.DataFrame, list[str], int, int], pd.DataFrame]] = {"ctgan": by_ctgan, "ours": by_ours}


def scores(table: pd.DataFrame, sampled: pd.DataFrame, discrete: Sequence[str]) -> dict[str, float]:
    """The column and pair metrics of Table 2, each the mean over its columns or pairs."""
    numerical = [name for name in table.columns if name not in discrete]
    compared = Comparison.of(table, sampled, numerical, discrete)
    source, synthetic, codes = compared.source, compared.synthetic, list(compared.codes.values())
    both = [*codes, *map(binned, compared.numbers.values())]
    pairs = [pair for pair in itertools.combinations(both, 2) if any(one is code for one in pair for code in codes)]

    def of_columns(metric: str, names: Sequence[str]) -> list[float]:
        return [column_score(metric, source[name], synthetic[name]) for name in names]

    found = {
        "KSComplement": of_columns("KSComplement", numerical),
        "TVComplement": of_columns("TVComplement", discrete),
        "CorrelationSimilarity": [
            correlation_score(source[list(pair)], synthetic[list(pair)])
            for pair in itertools.combinations(numerical, 2)
        ],
        "ContingencySimilarity": [contingency_similarity(*pair) for pair in pairs],
        "RangeCoverage": of_columns("RangeCoverage", numerical),
        "CategoryCoverage": of_columns("CategoryCoverage", discrete),
        "BoundaryAdherence": of_columns("BoundaryAdherence", numerical),
    }
    return {
        name: float(np.mean([value for value in values if not math.isnan(value)])) for name, values in found.items()
    }


def agree(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether the means lie no further apart than the wider of the two ranges over the seeds."""
    spread = max(np.ptp(ours), np.ptp(theirs))
    return bool(min(ours) <= max(theirs) and min(theirs) <= max(ours)) or abs(np.mean(ours) - np.mean(theirs)) <= spread


def main() -> None:
    """Read the command line; score one training, or all of them and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of the published declarations")
    parser.add_argument("--month", default="2020-05")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--measure", choices=TRAINERS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        table, discrete = model_table(arguments.source, arguments.month)
        sampled = TRAINERS[arguments.measure](table, discrete, arguments.epochs, arguments.seed)
        print(json.dumps(scores(table, sampled, discrete)))
        return
    common = ["--source", str(arguments.source), "--month", arguments.month, "--epochs", str(arguments.epochs)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in TRAINERS}
    for seed, name in itertools.product(range(arguments.seeds), TRAINERS):
        found[name].append(in_process(__file__, [*common, "--measure", name, "--seed", str(seed)]))
    print("| metric | ctgan | least | largest | ours | least | largest | agree |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for metric in found["ours"][0]:
        values = {name: [one[metric] for one in found[name]] for name in TRAINERS}
        cells = [f"{number:.4f}" for name in TRAINERS for number in (np.mean(values[name]), *_range(values[name]))]
        print(f"| {metric} | {' | '.join(cells)} | {'yes' if agree(values['ours'], values['ctgan']) else 'no'} |")


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


if __name__ == "__main__":
    main()
