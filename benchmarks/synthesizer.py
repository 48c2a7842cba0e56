"""Every goal of the synthesizer, measured on a lake: beside two halves of the source, independent columns and the goal.

    python benchmarks/synthesizer.py LAKE [--skip detection ...] [--also LAKE ...]
    python benchmarks/synthesizer.py LAKE --control FOLDER [--epochs N] [--workers N]

``LAKE`` is what ``customs run`` made, or anything in its layout: ``anonymized_declarations/<month>.parquet`` (the source rows)
and ``synthetic_declarations/<month>.parquet``. ``--also`` measures further lakes (a peer's, an earlier version's) on the same
source and prints them as columns.

``--control`` measures privacy as it must be measured, on a synthesizer that has never seen half of the importers: the
declarations of the other half, told apart by a hash, are written as a source of their own, the whole pipeline runs on them (or
on what is missing of it) in ``FOLDER``, and attacks on its synthetic rows are compared between the half that it saw and the half
that it did not.

The command ends with status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from customs_assets.benchmark.claims import table_three_claims, utility_claims
from customs_assets.claims import Claim, Subject, as_table, number
from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.parts import SafeParts, effective_law
from customs_assets.fidelity.claims import Tables, World, detection_claims, relation_claims, table_two_claims, world_of
from customs_assets.fidelity.references import in_control
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.privacy.claims import Disclosure, attack_claims, disclosure_claims, rule_claims
from customs_assets.settings import Settings

SOURCE, SYNTHETIC = "anonymized_declarations", "synthetic_declarations"
PARTS = ("fidelity", "relations", "detection", "utility", "table-three", "rule")
SEED = 2020


def measure(
    lake: Lake, synthetic: Lake, months: Sequence[str], world: World, min_group: int, parts: Sequence[str]
) -> list[Claim]:
    """The claims that need no control, on the source of one lake and the synthetic months of another."""
    source = lake.read_frames(SOURCE, months)
    tables = Tables(synthetic.read_frames(SYNTHETIC, months), source, SEED, _law(lake))
    cells = _cells(lake, "source") + _cells(synthetic, "synthetic")
    measures: dict[str, Callable[[], list[Claim]]] = {
        "fidelity": lambda: table_two_claims(tables, world),
        "relations": lambda: relation_claims(tables, world),
        "detection": lambda: detection_claims(tables, world),
        "utility": lambda: utility_claims(tables, world, months),
        "table-three": lambda: table_three_claims(pd.concat(cells)) if cells else [],
        "rule": lambda: [*rule_claims(tables, min_group), *_disclosure_claims(synthetic, tables, min_group)],
    }
    claims = []
    for part in parts:
        started = time.perf_counter()
        claims += measures[part]()
        print(f"  {part}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return claims


def _law(lake: Lake) -> Law | None:
    """The law that tuples of a lake are under, with rates; None where the lake is older than the law."""
    if not all(lake.exists(asset) for asset in ("tariff", "tariff_routes", "safe_parts")):
        return None
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    return effective_law(law, SafeParts(lake.read_frame("safe_parts")))


def _disclosure_claims(lake: Lake, tables: Tables, min_group: int) -> list[Claim]:
    """The rules of disclosure by parts, where a lake has what they are counted from."""
    paths = [lake.sql_path("population", month) for month in lake.partitions("population")]
    if not paths or not all(lake.exists(asset) for asset in ("safe_parts", "disclosed_tuples")):
        return []
    safe, tuples = lake.read_frame("safe_parts"), lake.read_frame("disclosed_tuples")
    settings = Settings()  # pyright: ignore[reportCallIssue]
    dominance = Dominance(settings.dominance_one, settings.dominance_two)
    account = parts_account(paths, tables.source, tuples, safe, min_group, dominance)
    return disclosure_claims(tables, min_group, Disclosure(tuples, account))


def _cells(lake: Lake, dataset: str) -> list[pd.DataFrame]:
    """The cells of Table 3 that a lake has of one data set."""
    found = [cell for cell in lake.partitions("fraud_benchmark") if dataset in cell.split("|")]
    return [lake.read_frame("fraud_benchmark", cell) for cell in found]


def control_run(lake: Lake, months: Sequence[str], folder: Path, epochs: int | None, workers: int) -> list[Claim]:
    """Run the pipeline on the half of the source that is not control, and attack what it makes."""
    rows = {month: lake.read_frame(SOURCE, month) for month in months}
    held_out = {month: in_control(frame["importer_id"], SEED) for month, frame in rows.items()}
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    for month, frame in rows.items():
        path = source / f"declarations-{month}.parquet"
        if not path.exists():
            frame.loc[~held_out[month]].to_parquet(path, index=False)
    _run_pipeline(folder, source, months, epochs, workers)
    trained = Lake(str(folder / "lake"))
    control = pd.concat([frame.loc[held_out[month]] for month, frame in rows.items()], ignore_index=True)
    training = trained.read_frames(SOURCE, months)
    print(f"trained on {len(training)} declarations, {len(control)} of other importers held out", file=sys.stderr)
    return attack_claims(trained.read_frames(SYNTHETIC, months), training, control, seed=SEED)


def _run_pipeline(folder: Path, source: Path, months: Sequence[str], epochs: int | None, workers: int) -> None:
    """Make the synthetic months, and whatever else the command makes, from a source folder."""
    environment = {
        **os.environ,
        "CUSTOMS_SOURCE": str(source.absolute()),
        "CUSTOMS_LAKE": str((folder / "lake").absolute()),
        "CUSTOMS_IDENTITY_KEY": str((folder / "identity.key").absolute()),
        "CUSTOMS_RELEASE_SECRET": str((folder / "release.secret").absolute()),
        "DAGSTER_HOME": str((folder / "dagster").absolute()),
    }
    command = [sys.executable, "-c", "from customs_assets.cli import main; main()", "run", "--workers", str(workers)]
    command += ["--months", ",".join(months)] + (["--epochs", str(epochs)] if epochs else [])
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    made = Lake(str(folder / "lake")).partitions(SYNTHETIC)
    if missing := sorted(set(months) - set(made)):
        raise SystemExit(f"the run on the training half (status {done.returncode}) did not make {', '.join(missing)}")


def side_by_side(columns: dict[str, list[Claim]]) -> str:
    """Several tables' claims as one: a column a table, beside ceiling, floor and goal."""
    first = next(iter(columns.values()))
    found = {name: {claim.key: claim for claim in claims} for name, claims in columns.items()}
    lines = [
        f"| | {' | '.join(columns)} | ceiling | floor | goal |",
        "| --- |" + " ---: |" * (len(columns) + 2) + " --- |",
    ]
    for claim in first:
        cells = []
        for claims in found.values():
            theirs = claims.get(claim.key, replace(claim, measured=float("nan")))
            mark = {True: "", False: " ✗", None: ""}[theirs.holds]
            cells.append(f"{number(theirs.measured)}{mark}")
        lines.append(
            f"| {claim.title} | {' | '.join(cells)} | {number(claim.ceiling)} | {number(claim.floor)} | {claim.goal} |"
        )
    return "\n".join(lines)


def _title(lake: str) -> str:
    """A lake's address in few words: its last two folders."""
    return "/".join(Path(lake).parts[-2:])


def main() -> None:
    """Read the command line; measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lake", help="folder of the lake")
    parser.add_argument(
        "--skip", choices=PARTS, action="append", default=[], help="a part to leave out; may be repeated"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be repeated")
    parser.add_argument("--also", action="append", default=[], help="another lake's synthetic months, as a column")
    parser.add_argument("--control", type=Path, help="folder of a run on half of the importers, made where missing")
    parser.add_argument("--epochs", type=int, help="CTGAN epochs of that run (the pipeline's default)")
    parser.add_argument("--workers", type=int, default=2, help="workers of that run")
    parser.add_argument("--min-group", type=int, default=5, help="k")
    parser.add_argument(
        "--goals", choices=[world.value for world in World], help="which goals; told by the source if left out"
    )
    arguments = parser.parse_args()
    lake = Lake(arguments.lake)
    months = sorted(set(lake.partitions(SOURCE)) & set(lake.partitions(SYNTHETIC)))
    if not months:
        parser.error(f"{arguments.lake} holds no month of both {SOURCE} and {SYNTHETIC}; run customs run first")
    if arguments.control:
        claims = control_run(lake, months, arguments.control, arguments.epochs, arguments.workers)
        print(as_table(claims))
        raise SystemExit(0 if all(claim.holds is not False for claim in claims) else 1)
    world = World(arguments.goals) if arguments.goals else world_of(lake.read_frames(SOURCE, months), SEED)
    parts = [part for part in (arguments.only or PARTS) if part not in arguments.skip]
    print(f"{len(months)} months, {months[0]} to {months[-1]}; goals of a source {world.value}\n")
    claims = measure(lake, lake, months, world, arguments.min_group, parts)
    if arguments.also:
        columns = {_title(arguments.lake): claims}
        for other in arguments.also:
            columns[_title(other)] = measure(lake, Lake(other), months, world, arguments.min_group, parts)
        print(side_by_side(columns))
    else:
        print(as_table(claims))
    missed = [claim for claim in claims if claim.holds is False]
    about = ", ".join(f"{sum(c.subject is subject for c in missed)} {subject.value}" for subject in Subject)
    print(f"\n{sum(claim.holds is True for claim in claims)} goals reached, {len(missed)} missed ({about})")
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
