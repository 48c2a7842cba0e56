"""What attackers find, by what the rows are drafted by and by the sweeps of the polish: rehearsals of one lake, attacked alike.

    python benchmarks/drafts_apart.py LAKE [--drafts ctgan,diffusion] [--sweeps 2] [--secrets 1] [--months 18] [--epochs N]

Under each secret, which is the same for all, the synthesis is rehearsed on half of the importers for every draft and number of
sweeps: the same halves, and the same rows attacked. ``--epochs`` are those of the rehearsal; if left out, as the project
rehearses (``privacy/rehearsal.py``). Printed: every attack claim (means over the secrets) and, of the rehearsed rows, the
median distance to the nearest row of training and of the control half. The lake is only read.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.claims import number
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.generator.synthesizer import SYNTHESIZERS
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.privacy.claims import attack_claims
from customs_assets.privacy.records import as_records, nearest
from customs_assets.privacy.rehearsal import Rehearsal, epochs_of, rehearsed
from customs_assets.settings import Settings
from customs_assets.synthesis import month

SOURCE, SEED = "anonymized_declarations", 2020


def attacked(
    lake: Lake, months: Sequence[str], secret: int, draft: str, sweeps: int, epochs: int | None
) -> dict[str, float]:
    """Rehearse and attack; each measure by its title."""
    root = hashlib.sha256(f"drafts apart, secret {secret}".encode()).digest()
    settings = Settings(synthesizer=draft, rehearsal_epochs=epochs)  # pyright: ignore[reportCallIssue, reportArgumentType]
    source = {of: lake.read_frame(SOURCE, of) for of in months}
    population, by_month = Population.of(lake, months), months_of_population(lake, months)
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    # Every month that this process makes has so many sweeps.
    month.SWEEPS = sweeps
    started = time.perf_counter()
    table = rehearsed(source, population, law, settings, root, None, by_month=by_month)
    rehearsal = Rehearsal.of(table, source, root)
    if isinstance(rehearsal, str):
        raise SystemExit(rehearsal)
    rehearsal = rehearsal.beside(population, by_month, root)
    print(
        f"secret {secret}, {draft}, {sweeps} sweeps, {epochs_of(settings)} epochs: rehearsed in "
        f"{time.perf_counter() - started:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    claims = attack_claims(
        rehearsal.synthetic, rehearsal.training, rehearsal.control, seed=SEED, declared=rehearsal.declared
    )
    return {claim.title: claim.measured for claim in claims} | _distances(rehearsal)


def _distances(rehearsal: Rehearsal) -> dict[str, float]:
    """The median distance of the rehearsed rows to their nearest rows of each half, in columns."""
    found = {}
    for half, rows in (("training", rehearsal.training), ("control", rehearsal.control)):
        synthetic, reference = as_records([rehearsal.synthetic, rows], WITHOUT_IDENTITIES)
        distances = nearest(synthetic, reference).distances[:, 0]
        found[f"median distance to {half}"] = float(np.median(distances))
    return found


def as_table(columns: Mapping[str, Sequence[dict[str, float]]]) -> str:
    """A row for each measure and a column for each draft, means over the secrets."""
    means = pd.DataFrame({name: pd.DataFrame(list(found)).mean() for name, found in columns.items()})
    lines = [f"| | {' | '.join(means.columns)} |", "| --- |" + " ---: |" * len(means.columns)]
    for title, row in means.iterrows():
        lines.append(f"| {title} | {' | '.join(number(float(value)) for value in row)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("--drafts", default="ctgan,diffusion", help=f"of {', '.join(SYNTHESIZERS)}")
    parser.add_argument("--sweeps", type=int, nargs="+", default=[month.SWEEPS])
    parser.add_argument("--secrets", type=int, default=1)
    parser.add_argument("--months", type=int)
    parser.add_argument("--epochs", type=int)
    given = parser.parse_args()
    lake = Lake(given.lake)
    months = lake.partitions(SOURCE)[: given.months]
    columns: dict[str, list[dict[str, float]]] = {}
    for secret in range(given.secrets):
        for draft in given.drafts.split(","):
            for sweeps in given.sweeps:
                found = attacked(lake, months, secret, draft, sweeps, given.epochs)
                columns.setdefault(f"{draft}, {sweeps} sweeps", []).append(found)
                print(as_table(columns), file=sys.stderr, flush=True)
    print(as_table(columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
