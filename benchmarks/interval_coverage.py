"""How often attacks convict a table that leaks nothing, and one that copies, by the number of importers.

    python benchmarks/interval_coverage.py [--importers 5,8,20,60,200] [--repetitions 60] [--rows 25]

Each repetition draws a world: importers with few goods, origins, offices and prices of their own, much alike within and unlike
between. Training, control and the honest synthetic table are rows of importers of that world, of other importers each; the
copying table is training itself. Printed are, by number of importers on each side, the share of repetitions in which any claim
convicts, and which ones did; and the share in which none does, but an interval is too wide to exclude its limit. No more than 5%
of the honest tables may be convicted.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from customs_assets.claims import Claim
from customs_assets.declaration import RELEASED_NAMES
from customs_assets.privacy.claims import attack_claims

GOODS, ORIGINS, OFFICES = 40, 8, 6


@dataclass
class Verdicts:
    """What the repetitions of one number of importers came to."""

    repetitions: int = 0
    convicted: int = 0
    silent: int = 0
    unmeasured: int = 0
    by_claim: Counter[str] = field(default_factory=Counter)

    def add(self, claims: Sequence[Claim]) -> None:
        """Count one repetition."""
        convicting = [claim.key for claim in claims if claim.blocks_release]
        self.repetitions += 1
        self.convicted += bool(convicting)
        self.silent += any(math.isnan(claim.lower_bound) for claim in claims)
        self.unmeasured += not convicting and any(claim.is_too_wide for claim in claims)
        self.by_claim.update(convicting)


def clustered_rows(rng: np.random.Generator, importers: int, rows: int, prefix: str) -> pd.DataFrame:
    """Declarations of new importers, the number of each one's rows and nearly all that is in them being its own.

    Args:
        rng: draws the importers and their rows.
        importers: how many; each has five rows or more.
        rows: of an importer, on average about.
        prefix: of their tokens, one letter.
    """
    sizes = np.maximum(5, rng.lognormal(math.log(rows), 0.7, importers).astype(int))
    who = np.repeat(np.arange(importers), sizes)
    count = len(who)
    mass_level, price_level = rng.normal(4, 2, importers)[who], rng.normal(8.5, 1, importers)[who]
    mass = np.exp(mass_level + rng.normal(0, 0.2, count)).round(2)
    fraud = rng.random(count) < rng.beta(0.3, 0.6, importers)[who]
    goods = rng.integers(GOODS, size=(importers, 2))[who, rng.integers(2, size=count)]

    def habit(values: Sequence[str]) -> np.ndarray:
        return rng.choice(np.array(values, dtype=object), importers)[who]

    origin = habit([f"O{n}" for n in range(ORIGINS)])
    frame = pd.DataFrame(
        {
            "declaration_id": [f"{prefix}{n:07d}" for n in range(count)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90, count), unit="D"),
            "office_id": habit([f"{n}0" for n in range(1, OFFICES + 1)]),
            "process_type": "B",
            "import_type": habit(["11", "87"]),
            "import_use": habit(["21", "22"]),
            "payment_type": habit(["11", "43"]),
            "mode_of_transport": habit(["10", "40"]),
            "declarant_id": habit([f"D{n:06d}" for n in range(9)]),
            "importer_id": np.array([f"{prefix}{n:06d}" for n in range(importers)], dtype=object)[who],
            "seller_id": np.array([f"S{prefix}{n:05d}" for n in range(importers)], dtype=object)[who],
            "courier_id": "",
            "hs6_code": np.array([f"{n // 4:02d}{n % 4:02d}10" for n in range(GOODS)], dtype=object)[goods],
            "country_of_departure": origin,
            "country_of_origin": origin,
            "tax_rate": np.array([0.0, 3.0, 8.0])[goods % 3],
            "tax_type": "A",
            "country_of_origin_indicator": habit(["B", "E"]),
            "net_mass": mass,
            "item_price": (mass * np.exp(price_level + rng.normal(0, 0.1, count))).round() + 1,
            "fraud": fraud.astype("int8"),
            "critical_fraud": np.where(fraud & (rng.random(count) < 0.1), 2, fraud).astype("int8"),
        }
    )
    return frame[list(RELEASED_NAMES)]


def trial(
    seed: int, importers: int, rows: int, copies: bool, control_importers: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Synthetic, training and control rows of one repetition; the synthetic ones are training where it is one that copies."""
    rng = np.random.default_rng([seed, importers])
    training, control, fresh = (
        clustered_rows(rng, number, rows, prefix)
        for number, prefix in ((importers, "A"), (control_importers or importers, "C"), (importers, "F"))
    )
    return (training if copies else fresh), training, control


def verdicts(importers: int, repetitions: int, rows: int, copies: bool, attacks: int = 500) -> Verdicts:
    """Judge so many repetitions."""
    found = Verdicts()
    for seed in range(repetitions):
        found.add(attack_claims(*trial(seed, importers, rows, copies), attacks=attacks, seed=seed))
    return found


def lines(sizes: Sequence[int], repetitions: int, rows: int) -> Iterator[str]:
    """The table, line by line as it is measured."""
    yield "| importers a side | synthetic | repetitions | convicted | unmeasured | with no interval | by claim |"
    yield "| ---: | --- | ---: | ---: | ---: | ---: | --- |"
    for copies in (False, True):
        for importers in sizes:
            found = verdicts(importers, repetitions if not copies else max(repetitions // 6, 5), rows, copies)
            said = ", ".join(f"{key} {count}" for key, count in found.by_claim.most_common())
            kind = "training copied" if copies else "honest"
            shares = (f"{count / found.repetitions:.1%}" for count in (found.convicted, found.unmeasured))
            numbers = f"{found.repetitions} | {' | '.join(shares)} | {found.silent}"
            yield f"| {importers} | {kind} | {numbers} | {said or 'none'} |"


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--importers", default="5,8,20,60,200", help="on each side, separated by commas")
    parser.add_argument("--repetitions", type=int, default=60, help="honest worlds of each size")
    parser.add_argument("--rows", type=int, default=25, help="of an importer, on average about")
    given = parser.parse_args()
    for line in lines([int(size) for size in given.importers.split(",")], given.repetitions, given.rows):
        print(line, flush=True)


if __name__ == "__main__":
    main()
