"""Every score under several release secrets: each draw after anonymization made anew, mean and worst beside what a lake has.

    python benchmarks/secrets_apart.py LAKE FOLDER [--secrets 5] [--train] [--synthesizer NAME] [--epochs N] [--workers 2]
        [--skip table-three ...]

``LAKE`` is what ``customs run`` made; its ``anonymized_declarations`` are the source. Under each secret, which is drawn for
this and kept nowhere, unit prices, groups, tariff tuples, identities, labels and synthetic months are made again into
``FOLDER/<n>``; with ``--train`` the models, too, by the synthesizer named, else those of ``LAKE`` draft the rows. The first
column is ``LAKE`` itself. Worst is the least score where more is better and the largest where less is.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from synthesizer import PARTS, SOURCE, SYNTHETIC, measure

from customs_assets.anonymization.unit_prices import month_unit_prices
from customs_assets.benchmark.cells import measure_cell
from customs_assets.benchmark.detectors import DETECTORS, REGISTER
from customs_assets.benchmark.split import split_months
from customs_assets.claims import Claim, number
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.parts import SafeParts, disclosed_tuples
from customs_assets.disclosure.population import months_of_population
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.fidelity.claims import world_of
from customs_assets.generator.synthesizer import SYNTHESIZERS
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.seeds import derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.month import AllMonths, synthesize_month
from customs_assets.synthesis.releasable import Disclosed
from customs_assets.synthesis.steps import compose_identities, fit_model, fit_propensity


def redrawn(
    lake: Lake,
    made: Lake,
    secret: bytes,
    settings: Settings,
    train: bool,
    workers: int,
    confidential: pd.DataFrame | None = None,
) -> None:
    """Write the synthetic months of a lake's source, drawn from a secret, into another lake."""
    months = lake.partitions(SOURCE)
    source = {month: lake.read_frame(SOURCE, month) for month in months}
    k = settings.min_group
    prices = {month: month_unit_prices(lake, month, k, secret) for month in months}
    # What is safe hangs on no secret; which tuples are drawn does.
    parts = lake.read_frame("safe_parts")
    declarations = pd.concat(source.values(), ignore_index=True)
    tuples = disclosed_tuples(
        declarations,
        SafeParts(parts),
        Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes")),
        min_group=k,
        dominance=Dominance(settings.dominance_one, settings.dominance_two),
        root=secret,
        confidential=confidential,
        busy=busy_lanes(months_of_population(lake, months), len(declarations), k),
    )
    made.write_table("safe_parts", parts)
    made.write_table("disclosed_tuples", tuples)
    for month in lake.partitions("population"):
        made.write_table("population", lake.read_table("population", month), month)
    disclosed = Disclosed(SafeGroups(count_safe_groups(lake, months, k)), tuples)
    identities = compose_identities(source, disclosed, min_group=k, root=secret)
    propensity = fit_propensity(source, prices, disclosed, min_group=k, root=secret)
    work = partial(_month, lake, made, secret, settings, train, AllMonths(disclosed, identities, propensity))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, months, source.values(), prices.values()))


def _month(
    lake: Lake,
    made: Lake,
    secret: bytes,
    settings: Settings,
    train: bool,
    all_months: AllMonths,
    month: str,
    rows: pd.DataFrame,
    prices: pd.DataFrame,
) -> None:
    from customs_assets.generator.checkpoint import from_bytes

    k = settings.min_group
    if train:
        model = fit_model(
            rows,
            prices,
            month=month,
            min_group=k,
            epochs=settings.epochs,
            root=secret,
            synthesizer=settings.synthesizer,
        )
    else:
        model = from_bytes(lake.read_bytes(lake.path("ctgan_model", month, "safetensors")))
    month_made = synthesize_month(model, rows, prices, all_months, month=month, min_group=k, root=secret)
    made.write_table(SYNTHETIC, month_made.declarations, month)


def _cell(lake: Lake, made: Lake, settings: Settings, detector: str, dataset: str) -> None:
    table, of = {"source": (SOURCE, lake), "synthetic": (SYNTHETIC, made)}[dataset]
    months = of.partitions(table)
    seeds = [derive_seed(settings.seed, "fraud_benchmark", purpose=f"run {run}") % 2**31 for run in range(5)]
    declarations, split = of.read_frames(table, months), split_months(months)
    rows = measure_cell(declarations, REGISTER[detector], dataset, split, seeds, settings.seed, dataset == "source")
    made.write_table("fraud_benchmark", rows, f"{dataset}|{detector}")


def worst(claims: list[Claim]) -> float:
    """The worst of several measurements of one claim: the largest where less is better, else the least."""
    values = [claim.measured for claim in claims]
    return max(values) if claims[0].at_least is None and claims[0].at_most is not None else min(values)


def as_table(before: list[Claim], columns: list[list[Claim]]) -> str:
    """Each claim's value in the lake, under each secret, their mean and their worst."""
    heads = " | ".join(str(place + 1) for place in range(len(columns)))
    lines = [f"| | lake | {heads} | mean | worst | goal |", "| --- |" + " ---: |" * (len(columns) + 3) + " --- |"]
    for claim in before:
        found = [next(c for c in column if c.key == claim.key) for column in columns]
        mean = sum(c.measured for c in found) / len(found)
        cells = [claim.measured, *(c.measured for c in found), mean, worst(found)]
        goal = found[0].goal
        lines.append(f"| {claim.title} | {' | '.join(number(float(value)) for value in cells)} | {goal} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--secrets", type=int, default=5)
    parser.add_argument("--train", action="store_true", help="train the models anew under each secret")
    parser.add_argument("--synthesizer", default="ctgan", choices=SYNTHESIZERS)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--skip", nargs="*", default=[], choices=PARTS)
    given = parser.parse_args()
    settings = Settings(epochs=given.epochs, synthesizer=given.synthesizer)  # pyright: ignore[reportCallIssue]
    lake = Lake(str(given.lake))
    months, parts = lake.partitions(SOURCE), [part for part in PARTS if part not in given.skip]
    world = world_of(lake.read_frames(SOURCE, months))
    columns = []
    for place in range(given.secrets):
        started = time.perf_counter()
        made = Lake(str(given.folder / str(place + 1)))
        redrawn(lake, made, secrets.token_bytes(32), settings, given.train, given.workers)
        print(f"secret {place + 1}: drawn in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        if "table-three" in parts:
            with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
                list(pool.map(partial(_cell, lake, made, settings, dataset="synthetic"), reversed(DETECTORS)))
        columns.append(measure(lake, made, months, world, settings.min_group, parts))
        print(f"secret {place + 1}: measured after {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    print(as_table(measure(lake, lake, months, world, settings.min_group, parts), columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
