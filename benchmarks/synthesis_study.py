"""What the steps of the synthesizer add, and what the k rule costs: the tables of docs/synthesis.md, made from a lake.

    python benchmarks/synthesis_study.py drafts LAKE [--months 2020-01,2020-06] [--sweeps 3]
    python benchmarks/synthesis_study.py tradeoff LAKE [--groups 2,5,10,20]

``LAKE`` is what ``customs run`` made. ``drafts`` starts the polish from independent columns, from the GAN's draft and from its
selected draft, and scores each after every sweep against the generalised source, identities left out: what a start is worth,
and for how long. ``tradeoff`` makes all months again under other ``k``, with the models of the lake (which know nothing of it but
which codes are rare in a month), and scores what comes out against the source: fidelity, relations, detection, and the precision
of a detector trained on it and tested on the source's later months.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from customs_assets.benchmark.utility import utility
from customs_assets.declaration import IDENTITIES
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.fidelity.detection import detection
from customs_assets.fidelity.relations import relations
from customs_assets.fidelity.table_two import fidelity
from customs_assets.generator.checkpoint import from_bytes
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.month import AllMonths, synthesize_month
from customs_assets.synthesis.polish import DONORS_PER_GROUP, GOODS, Polish
from customs_assets.synthesis.releasable import Disclosed, releasable_month
from customs_assets.synthesis.selection import DRAFTS, select
from customs_assets.synthesis.steps import compose_identities

SEED, MIN_GROUP = 2020, 5
DOMINANCE = Dominance()
SOURCE = "anonymized_declarations"


class Month:
    """One month of a lake, ready to be polished.

    Args:
        lake: the lake.
        month: ``YYYY-MM``.
        disclosed: what may be shown.
    """

    def __init__(self, lake: Lake, month: str, disclosed: Disclosed) -> None:
        declarations, prices = lake.read_frame(SOURCE, month), lake.read_frame("unit_prices", month)
        releasable = releasable_month(declarations, prices, disclosed, month=month, min_group=MIN_GROUP, root=SEED)
        self.codec, self.source = releasable.codec, releasable.model_rows
        importers = pd.factorize(releasable.declarations["importer_id"])[0]
        self.polish = Polish(self.source, importers, self.codec, min_group=MIN_GROUP, root=SEED)
        self._model = from_bytes(lake.read_bytes(lake.path("ctgan_model", month, "safetensors")))

    def independent(self) -> pd.DataFrame:
        """Every column drawn alone; the goods, which no rule lets be taken apart, as one."""
        rng = np.random.default_rng(SEED)
        goods = rng.permutation(len(self.source))
        columns = {
            name: self.source[name].to_numpy()[goods if name in GOODS else rng.permutation(len(self.source))]
            for name in self.source.columns
        }
        return self.codec.with_prices(pd.DataFrame(columns))

    def drafted(self, times: int = 1) -> pd.DataFrame:
        """The GAN's draft."""
        return self.codec.decode(self._model.sample(times * len(self.source), SEED), np.random.default_rng(SEED))

    def selected(self) -> pd.DataFrame:
        """The best of several times as many drafts."""
        drafts = self.drafted(DRAFTS)
        features = self.polish.features(self.source), self.polish.features(drafts)
        chosen = select(*features, len(self.source), min_leaf=DONORS_PER_GROUP * MIN_GROUP, root=SEED)
        return drafts.iloc[chosen].reset_index(drop=True)


def _without_identities(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**dict.fromkeys(IDENTITIES, "-"), declaration_id=np.arange(len(rows)).astype(str))


def _score(rows: Sequence[pd.DataFrame], source: pd.DataFrame) -> dict[str, float]:
    """Four scores of Table 2 and the classifier's AUC."""
    synthetic = _without_identities(pd.concat(rows, ignore_index=True))
    found = {score.metric: score.score for score in fidelity(source, synthetic)}
    names = {
        "KS": "KSComplement",
        "TV": "TVComplement",
        "Pearson": "CorrelationSimilarity",
        "contingency": "ContingencySimilarity",
    }
    return {short: found[name] for short, name in names.items()} | {"AUC": detection(synthetic, source).auc}


def drafts(lake: Lake, months: Sequence[str], sweeps: int) -> Iterator[tuple[str, dict[str, float]]]:
    """A row for each start and number of sweeps."""
    disclosed = Disclosed(SafeGroups(lake.read_frame("safe_groups")), lake.read_frame("disclosed_tuples"))
    made = [Month(lake, month, disclosed) for month in months]
    source = _without_identities(pd.concat([month.source for month in made], ignore_index=True))
    starts = {
        "independent columns": [month.independent() for month in made],
        "the GAN's draft": [month.drafted() for month in made],
        f"the best of {DRAFTS} drafts": [month.selected() for month in made],
    }
    for name, start in starts.items():
        rows = start
        yield name, _score(rows, source)
        for number in range(sweeps):
            rows = [month.polish.sweep(each, number) for month, each in zip(made, rows, strict=True)]
            yield f"{name}, {number + 1} sweep{'s' * (number > 0)}", _score(rows, source)


def tradeoff(lake: Lake, months: Sequence[str], groups: Sequence[int]) -> Iterator[tuple[str, dict[str, float]]]:
    """A row for each k."""
    rows = {month: lake.read_frame(SOURCE, month) for month in months}
    prices = {month: lake.read_frame("unit_prices", month) for month in months}
    source = pd.concat(rows.values(), ignore_index=True)
    propensity = FraudPropensity.from_json(lake.read_json("fraud_propensity"))
    population = Population.of(lake, months)
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    strength = relations(source)
    for group in groups:
        parts = SafeParts(count_safe_parts(population, law, group, DOMINANCE))
        busy = busy_lanes(months_of_population(lake, months), len(source), group)
        tuples = disclosed_tuples(source, parts, law, min_group=group, dominance=DOMINANCE, root=SEED, busy=busy)
        disclosed = Disclosed(SafeGroups(count_safe_groups(lake, months, group)), tuples)
        composed = compose_identities(rows, disclosed, min_group=group, root=SEED)
        all_months = AllMonths(disclosed, composed, propensity)
        made = {
            month: synthesize_month(
                from_bytes(lake.read_bytes(lake.path("ctgan_model", month, "safetensors"))),
                rows[month],
                prices[month],
                all_months,
                month=month,
                root=SEED,
                min_group=group,
            )
            for month in months
        }
        synthetic = pd.concat([month.declarations for month in made.values()], ignore_index=True)
        scores = {score.metric: score.score for score in fidelity(source, synthetic)}
        kept = relations(synthetic)
        whole = (tuples.filter(like="_level") == CODE).all(axis=1)
        yield (
            f"k = {group}",
            {
                "generalised": 1 - whole.mean(),
                "HS6 codes": synthetic["hs6_code"].nunique() / source["hs10_code"].str[:6].nunique(),
                "KS": scores["KSComplement"],
                "TV": scores["TVComplement"],
                "contingency": scores["ContingencySimilarity"],
                "category coverage": scores["CategoryCoverage"],
                "range coverage": scores["RangeCoverage"],
                "importer-HS6": kept["importer_id|hs6_code"] / strength["importer_id|hs6_code"],
                "importer-seller": kept["importer_id|seller_id"] / strength["importer_id|seller_id"],
                "AUC": detection(synthetic, source).auc,
                "precision@5%": utility(synthetic, source, months).from_synthetic,
            },
        )


def _print(rows: Iterator[tuple[str, dict[str, float]]]) -> None:
    """A Markdown table, line by line as it comes."""
    started = time.perf_counter()
    for number, (name, scores) in enumerate(rows):
        if number == 0:
            print(f"| | {' | '.join(scores)} |\n| --- |{' ---: |' * len(scores)}")
        print(f"| {name} | {' | '.join(f'{score:.3f}' for score in scores.values())} |", flush=True)
        print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr)


def main() -> None:
    """Read the command line; measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", choices=("drafts", "tradeoff"))
    parser.add_argument("lake", help="folder of a lake that customs run made")
    parser.add_argument("--months", help="comma-separated; all of the lake if left out")
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--groups", default="2,5,10,20", help="the k that are tried, comma-separated")
    arguments = parser.parse_args()
    lake = Lake(arguments.lake)
    months = arguments.months.split(",") if arguments.months else lake.partitions("synthetic_declarations")
    if not months:
        parser.error(f"{arguments.lake} holds no synthetic month; run customs run first")
    if arguments.study == "drafts":
        _print(drafts(lake, months, arguments.sweeps))
    else:
        _print(tradeoff(lake, months, [int(group) for group in arguments.groups.split(",")]))


if __name__ == "__main__":
    main()
