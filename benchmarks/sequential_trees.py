"""The peer: sequential regression trees with donors (Reiter 2005; synthpop's method), written as a lake that can be scored.

    python benchmarks/sequential_trees.py LAKE OUT [--donors 5] [--all-months] [--independent] [--table-three]

Each column is drawn from a tree grown on the columns before it: a synthetic row falls into a leaf of at least ``--donors`` source
rows and takes the value of one of them. The first column is drawn alone. Identities come last: a tree predicts the identity's
place in an embedding (truncated SVD of what it trades, where, with whom), and the identity is that of one of the leaf's rows.
Month by month, as the pipeline works, or with ``--all-months`` on all of them at once, which sees the months a benchmark tests on
and copies more. ``--independent`` draws every column alone instead: the floor.

``OUT/synthetic_declarations/<month>.parquet`` has as many rows as ``LAKE/anonymized_declarations/<month>.parquet``. With
``--table-three`` the synthetic cells of the fraud benchmark are made as well. Score it by

    python benchmarks/synthesizer.py LAKE --also OUT

It knows no law and no ``k`` rule: nothing here is part of the pipeline, and nothing of the pipeline's synthesizer is used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.benchmark.precision import evaluate
from customs_assets.benchmark.split import split_months
from customs_assets.declaration import HS6, IDENTITIES, RELEASED_NAMES
from customs_assets.fidelity.references import independent_columns
from customs_assets.lake import Lake
from customs_assets.seeds import derive_seed

SEED = 2020
SOURCE, SYNTHETIC = "anonymized_declarations", "synthetic_declarations"

# The order of the draws: goods and lane, the form, the amounts, the label, and who was behind it.
ORDER = (
    "hs6_code",
    "country_of_origin",
    "country_of_departure",
    "tax_type",
    "tax_rate",
    "mode_of_transport",
    "office_id",
    "import_type",
    "import_use",
    "payment_type",
    "process_type",
    "country_of_origin_indicator",
    "date",
    "net_mass",
    "item_price",
    "critical_fraud",
)
_AMOUNTS = ("net_mass", "item_price")
_CONTEXTS = (
    "hs6_code",
    "heading",
    "country_of_origin",
    "country_of_departure",
    "office_id",
    "mode_of_transport",
    "import_type",
)
DIMENSIONS = 12


def synthesize(source: pd.DataFrame, donors: int, seed: int) -> pd.DataFrame:
    """As many synthetic rows as the source has, columns of the released form but without keys.

    Args:
        source: declarations with ``hs6_code``.
        donors: rows that a leaf holds at least.
        seed: seed of trees and draws.
    """
    source = source.reset_index(drop=True)
    drawn = pd.DataFrame(index=source.index)
    rng = np.random.default_rng(derive_seed(seed, "sequential_trees"))
    known: list[np.ndarray] = []
    made: list[np.ndarray] = []
    for column in ORDER:
        rows = rng.integers(len(source), size=len(source))
        if known:
            rows = _donors(np.column_stack(known), _target(source, column), np.column_stack(made), donors, rng)
        drawn[column] = source[column].to_numpy()[rows]
        scale = _scale(source[column])
        known += [scale(source[column])]
        made += [scale(drawn[column])]
    drawn["fraud"] = (drawn["critical_fraud"] > 0).astype("int8")
    for role in ("importer_id", "seller_id", "declarant_id", "courier_id"):
        place = _embedding(source, role, derive_seed(seed, "sequential_trees", purpose=role))
        rows = _donors(np.column_stack(known), place, np.column_stack(made), donors, rng)
        drawn[role] = source[role].to_numpy()[rows]
        known += list(place.T)
        made += list(place[rows].T)
    return drawn


def _donors(
    features: np.ndarray, target: np.ndarray, wanted: np.ndarray, donors: int, rng: np.random.Generator
) -> np.ndarray:
    """For each wanted row one of the source rows in the leaf that it falls into."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    grower = DecisionTreeClassifier if np.issubdtype(target.dtype, np.integer) else DecisionTreeRegressor
    tree = grower(min_samples_leaf=min(donors, len(features)), random_state=int(rng.integers(2**31)))
    tree.fit(features, target)
    leaves = tree.apply(features)
    order = np.argsort(leaves, kind="stable")
    ordered = leaves[order]
    at = tree.apply(wanted)
    first, last = np.searchsorted(ordered, at, "left"), np.searchsorted(ordered, at, "right")
    return order[first + (rng.random(len(wanted)) * (last - first)).astype(int)]


def _target(source: pd.DataFrame, column: str) -> np.ndarray:
    """What a tree predicts: an amount's logarithm, a date as a number, everything else as a class."""
    if column in _AMOUNTS:
        return np.log1p(source[column].to_numpy(float))
    if column == "date":
        return source[column].to_numpy("datetime64[D]").astype(float)
    return pd.factorize(source[column])[0]


def _scale(column: pd.Series):
    """A column as numbers a tree can split, as the source's values have it: codes by how common they are."""
    if column.name == HS6.name:
        return lambda values: values.astype(float).to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column):
        return lambda values: values.to_numpy("datetime64[D]").astype(float)
    if pd.api.types.is_numeric_dtype(column):
        return lambda values: np.log1p(values.to_numpy(float))
    ranks = {code: rank for rank, code in enumerate(column.value_counts().index)}
    return lambda values: values.map(ranks).to_numpy(float)


def _embedding(source: pd.DataFrame, role: str, seed: int) -> np.ndarray:
    """The place of each row's identity: truncated SVD of identity by context, shape (rows, :data:`DIMENSIONS` at most)."""
    from scipy.sparse import csr_matrix, diags, hstack
    from sklearn.decomposition import TruncatedSVD

    contexts = source.assign(heading=source["hs6_code"].str[:4])
    codes, names = pd.factorize(source[role])
    blocks = []
    for column in [*_CONTEXTS, *(other for other in IDENTITIES if other != role)]:
        values, levels = pd.factorize(contexts[column])
        counts = csr_matrix((np.ones(len(codes)), (codes, values)), shape=(len(names), len(levels)))
        rows, columns = np.bincount(codes), np.bincount(values)
        blocks.append(diags(1 / rows) @ counts @ diags(1 / np.sqrt(columns)))
    table = csr_matrix(hstack(blocks))
    dimensions = min(DIMENSIONS, min(table.shape) - 1)
    if dimensions < 1:
        return np.zeros((len(source), 1))
    return TruncatedSVD(dimensions, random_state=seed % 2**32).fit_transform(table)[codes]


def month_by_month(lake: Lake, months: Sequence[str], donors: int) -> dict[str, pd.DataFrame]:
    """A model for each month."""
    return {month: synthesize(_released(lake, [month]), donors, derive_seed(SEED, "peer", month)) for month in months}


def all_at_once(lake: Lake, months: Sequence[str], donors: int) -> dict[str, pd.DataFrame]:
    """One model over all months, whose rows are dealt back to months by their date."""
    rows = synthesize(_released(lake, months), donors, derive_seed(SEED, "peer"))
    return _by_month(rows, months)


def independent(lake: Lake, months: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Every column drawn alone over all months."""
    return _by_month(independent_columns(lake.read_frames(SOURCE, months), SEED), months)


def _by_month(rows: pd.DataFrame, months: Sequence[str]) -> dict[str, pd.DataFrame]:
    name = rows["date"].dt.strftime("%Y-%m")
    return {month: rows.loc[name == month] for month in months}


def _released(lake: Lake, months: Sequence[str]) -> pd.DataFrame:
    rows = lake.read_frames(SOURCE, months)
    return rows.assign(hs6_code=rows["hs10_code"].str[:6])


def write(out: Lake, made: dict[str, pd.DataFrame]) -> None:
    """The months in the lake's layout, with keys of their own."""
    first = 0
    for month, rows in made.items():
        keyed = rows.assign(declaration_id=[f"{first + number:08d}" for number in range(len(rows))])
        keyed = keyed.astype({"fraud": "int8", "critical_fraud": "int8"})
        out.write_table(SYNTHETIC, keyed[list(RELEASED_NAMES)].reset_index(drop=True), month)
        first += len(rows)


def table_three(out: Lake, months: Sequence[str], runs: int = 5) -> None:
    """The synthetic cells of the fraud benchmark, seeds as the pipeline has them."""
    rows = out.read_frames(SYNTHETIC, months)
    seeds = [derive_seed(SEED, "fraud_benchmark", purpose=f"run {run}") % 2**31 for run in range(runs)]
    for detector in DETECTORS:
        cell = evaluate(rows, detector, "synthetic", split_months(months), seeds)
        out.write_table("fraud_benchmark", cell, f"synthetic|{detector}")


def main() -> None:
    """Read the command line; synthesize and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lake", help="lake with the source rows")
    parser.add_argument("out", help="lake that the synthetic months are written to")
    parser.add_argument("--donors", type=int, default=5, help="rows that a leaf holds at least")
    parser.add_argument("--all-months", action="store_true", help="one model over all months")
    parser.add_argument("--independent", action="store_true", help="every column drawn alone: the floor")
    parser.add_argument("--table-three", action="store_true", help="train the seven detectors, too")
    arguments = parser.parse_args()
    lake, out = Lake(arguments.lake), Lake(arguments.out)
    months = lake.partitions(SOURCE)
    if not months:
        parser.error(f"{arguments.lake} holds no month of {SOURCE}; run customs run first")
    started = time.perf_counter()
    if arguments.independent:
        made = independent(lake, months)
    else:
        made = (all_at_once if arguments.all_months else month_by_month)(lake, months, arguments.donors)
    write(out, made)
    print(f"{sum(map(len, made.values()))} rows of {len(months)} months in {time.perf_counter() - started:.1f} s")
    if arguments.table_three:
        table_three(out, months)


if __name__ == "__main__":
    main()
