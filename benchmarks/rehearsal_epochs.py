"""Whether fewer epochs of CTGAN change what attacks find: rehearsals of one lake with several numbers of epochs.

    python benchmarks/rehearsal_epochs.py LAKE [--epochs 3 30 300] [--secrets 2] [--months 18] [--workers 2]

The release trains each month's CTGAN for ``CUSTOMS_EPOCHS``, the rehearsal for a tenth of that, a shadow for a hundredth. Under
each secret the rehearsal is made once for each number of epochs, with the same halves, the same draws and the same attacked rows.
Only the training differs. So the difference of two AUCs has an interval of its own: DeLong's components of each row are
subtracted before they are summed by importer (DeLong et al. 1988; Obuchowski 1997).

Printed for every number of epochs: the AUC of each membership attack, and the other attack claims (means over the secrets). For
the difference of an AUC to the most epochs: its mean, and the half width of its 95% interval. The lake is only read.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.privacy.claims import attack_claims
from customs_assets.privacy.membership.attacks import all_scores
from customs_assets.privacy.membership.measure import Membership, measured
from customs_assets.privacy.membership.scene import Scene
from customs_assets.privacy.rehearsal import Rehearsal, rehearsed
from customs_assets.settings import Settings

SOURCE = "anonymized_declarations"
SEED = 2020


class Found(NamedTuple):
    """What was found on one rehearsal."""

    scores: dict[str, np.ndarray]
    is_member: np.ndarray
    importers: np.ndarray
    membership: Membership
    claims: dict[str, float]
    seconds: float


def attacked(lake: Lake, months: list[str], place: int, epochs: int) -> Found:
    """Rehearse under a secret with some epochs, and attack the rehearsal."""
    root = hashlib.sha256(f"rehearsal epochs, secret {place}".encode()).digest()
    settings = Settings(rehearsal_epochs=epochs)  # pyright: ignore[reportCallIssue]
    source = {month: lake.read_frame(SOURCE, month) for month in months}
    population, by_month = Population.of(lake, months), months_of_population(lake, months)
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    started = time.process_time()
    table = rehearsed(source, population, law, settings, root, lake.read_frame("confidential_trade"), by_month)
    seconds = time.process_time() - started
    made = Rehearsal.of(table, source, root)
    if isinstance(made, str):
        raise SystemExit(made)
    made = made.beside(population, by_month, root)
    scene = Scene.of(made.synthetic, made.training, made.control, SEED)
    scores = all_scores(scene)
    inferred = measured(scores, scene.is_member, scene.importers, SEED)
    claims = attack_claims(
        made.synthetic, made.training, made.control, seed=SEED, declared=made.declared, inferred=lambda: inferred
    )
    found = {claim.title: claim.measured for claim in claims}
    return Found(scores, scene.is_member, scene.importers, inferred, found, seconds)


def difference(few: Found, many: Found, attack: str) -> tuple[float, float]:
    """AUC with fewer epochs less AUC with more, on the same rows, and its standard error with the importer as the unit."""
    parts = []
    for found in (few, many):
        ranks = pd.Series(found.scores[attack]).rank().to_numpy()
        side = found.is_member
        within = np.empty(len(ranks))
        for of in (side, ~side):
            within[of] = pd.Series(found.scores[attack][of]).rank().to_numpy()
        # Share of the other side that lies below a member, and above another row.
        below = (ranks - within) / np.where(side, (~side).sum(), side.sum())
        parts.append(np.where(side, below, 1 - below))
    gain, variance = parts[0] - parts[1], 0.0
    for of in (few.is_member, ~few.is_member):
        sums = pd.Series(gain[of] - gain[of].mean()).groupby(few.importers[of]).sum()
        variance += len(sums) / (len(sums) - 1) * float((sums**2).sum()) / of.sum() ** 2
    return float(gain[few.is_member].mean()), float(np.sqrt(variance))


def as_table(found: dict[tuple[int, int], Found], epochs: list[int], secrets: int) -> str:
    """The table that the command prints."""
    most = epochs[-1]

    def mean(of: Any) -> list[str]:
        return [f"{np.mean([of(found[place, count]) for place in range(secrets)]):.4f}" for count in epochs]

    heads = [f"{count} epochs" for count in epochs] + [f"{count} less {most}" for count in epochs[:-1]]
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    for attack in found[0, most].scores:
        cells = mean(lambda one, attack=attack: one.membership.aucs[attack])
        for count in epochs[:-1]:
            pairs = [difference(found[place, count], found[place, most], attack) for place in range(secrets)]
            width = 1.96 * np.sqrt(np.sum([error**2 for _, error in pairs])) / secrets
            cells.append(f"{np.mean([gain for gain, _ in pairs]):+.4f} ± {width:.4f}")
        lines.append(f"| AUC, {attack} | {' | '.join(cells)} |")
    blank = [""] * (len(epochs) - 1)
    for title in found[0, most].claims:
        cells = [*mean(lambda one, title=title: one.claims[title]), *blank]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines.append(f"| CPU seconds of a rehearsal | {' | '.join([*mean(lambda one: one.seconds), *blank])} |")
    return "\n".join(lines)


def main() -> int:
    """Read the command line, rehearse, attack and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 30, 300])
    parser.add_argument("--secrets", type=int, default=2)
    parser.add_argument("--months", type=int, default=18, help="the first months of the lake")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    lake = Lake(str(given.lake))
    months, epochs = lake.partitions(SOURCE)[: given.months], sorted(given.epochs)
    work = [(place, count) for count in reversed(epochs) for place in range(given.secrets)]
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        made = pool.map(partial(attacked, lake, months), *zip(*work, strict=True))
        found = {}
        for key, one in zip(work, made, strict=True):
            found[key] = one
            print(f"secret {key[0] + 1}, {key[1]} epochs: made", file=sys.stderr, flush=True)
    print(as_table(found, epochs, given.secrets))
    return 0


if __name__ == "__main__":
    sys.exit(main())
