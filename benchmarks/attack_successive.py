"""What two releases, one after the other, say of the importers that came in: remade with every month, and with months frozen.

    python benchmarks/attack_successive.py LAKE [--months 3] [--more 2] [--secrets 2] [--epochs 5]

``LAKE`` is what ``customs run`` made, or anything that has its ``anonymized_declarations``, ``population``, ``tariff`` and
``tariff_routes``. Half of the importers are held out as control, as in a rehearsal. Of the others a release of the first
``--months`` months is made, and after it ``--more`` releases of a month more each: once all months are made again each time, and
once those that are published stay. Each later release is attacked beside the first one. The command ends with status 1 where a
frozen release gives the attacker more than the goal by more than chance.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customs_assets.disclosure.extension import Published
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.fidelity.references import in_control
from customs_assets.lake import Lake
from customs_assets.law.law import Law
from customs_assets.privacy.goals import ATTACK_CLAIMS
from customs_assets.privacy.rehearsal import halves_of
from customs_assets.privacy.successive import WAYS, Gain, successive_releases
from customs_assets.seeds import derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.synthesize import synthesize

SOURCE = "anonymized_declarations"


class Office:
    """An office that publishes releases of the training half of a lake's importers.

    Args:
        lake: the lake.
        secret: what draws and halves derive from.
        settings: ``k``, dominance and epochs.
    """

    def __init__(self, lake: Lake, secret: bytes, settings: Settings) -> None:
        self._lake, self._secret, self._settings = lake, secret, settings
        self._law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))

    def halves(self, months: Sequence[str]) -> tuple[Mapping[str, pd.DataFrame], pd.DataFrame]:
        """The declarations of the training half by month, and those of the control half."""
        both = {month: halves_of(self._lake.read_frame(SOURCE, month), self._secret) for month in months}
        training = {month: rows for month, (rows, _) in both.items()}
        return training, pd.concat([rows for _, rows in both.values()], ignore_index=True)

    def release(self, months: Sequence[str], published: pd.DataFrame | None = None) -> pd.DataFrame:
        """The rows of a release of some months, the published ones as they were published."""
        training, _ = self.halves(months)
        seed = derive_seed(self._secret, "rehearsal", purpose="halves")

        def own(population: Population) -> Population:
            importers = population.importers
            return population.restricted_to(importers[~in_control(pd.Series(importers), seed)])

        by_month = {month: own(of) for month, of in months_of_population(self._lake, months).items()}
        inspected = sum(map(len, training.values()))
        known = frozenset() if published is None else frozenset(published["date"].dt.strftime("%Y-%m"))
        made = synthesize(
            training,
            own(Population.of(self._lake, months)),
            self._law,
            self._settings,
            self._secret,
            busy=busy_lanes(by_month, inspected, self._settings.min_group, after_published=published is not None),
            published=None if published is None else Published(known, published),
        )
        return pd.concat([*([] if published is None else [published]), *made.values()], ignore_index=True)


def attack(office: Office, months: Sequence[str], first: int, more: int) -> dict[tuple[str, int], Gain]:
    """The gain on each later release beside the first one, by how it was made and how many months it has more."""
    earlier = office.release(months[:first])
    frozen, found = earlier, {}
    for number in range(1, more + 1):
        until = months[: first + number]
        training, control = office.halves(until)
        came_in = pd.concat([training[month] for month in until[first:]], ignore_index=True)
        stayed_out = control[control["date"].dt.strftime("%Y-%m").isin(until[first:])]
        frozen = office.release(until, frozen)
        for way, later in (("remade", office.release(until)), ("frozen", frozen)):
            found[way, number] = successive_releases(earlier, later, came_in, stayed_out)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("--months", type=int, default=3, help="months of the first release")
    parser.add_argument("--more", type=int, default=2, help="releases after it, of a month more each")
    parser.add_argument("--secrets", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    lake = Lake(given.lake)
    months = lake.partitions(SOURCE)
    if len(months) < given.months + given.more:
        parser.error(f"{given.lake} has {len(months)} months; {given.months + given.more} are needed")
    settings = Settings(epochs=given.epochs)  # pyright: ignore[reportCallIssue]
    print("| secret | months | more | made | gain | ± | at least | strongest way | importers |")
    print("| ---: | ---: | ---: | --- | ---: | ---: | ---: | --- | --- |")
    gains: dict[tuple[str, int], list[Gain]] = {}
    started = time.perf_counter()
    for number in range(given.secrets):
        office = Office(lake, secrets.token_bytes(32), settings)
        for key, gain in attack(office, months, given.months, given.more).items():
            gains.setdefault(key, []).append(gain)
            print(
                f"| {number + 1} | {given.months} | {key[1]} | {key[0]} | {gain.value:+.3f} | {gain.standard_error:.3f} | "
                f"{gain.lower_bound:+.3f} | {gain.way} | {gain.came_in} and {gain.stayed_out} |",
                flush=True,
            )
    print(f"\nmeans of {given.secrets} secrets, by way ({time.perf_counter() - started:.0f} s):\n")
    goal, failed = ATTACK_CLAIMS["successive releases"].at_most or 0.0, False
    for (way, more), found in sorted(gains.items()):
        by_way = ", ".join(f"{name}: {np.mean([gain.by_way[name] for gain in found]):+.3f}" for name in WAYS)
        print(f"- {way}, {more} more: strongest {np.mean([gain.value for gain in found]):+.3f}; {by_way}")
        failed |= way == "frozen" and any(gain.lower_bound > goal for gain in found)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
