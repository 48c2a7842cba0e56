"""Releases that must not be published, each with the check that is meant to convict it; and how often it does.

    python benchmarks/sabotages.py [--seeds 20] [--only NAME ...]
    python benchmarks/sabotages.py --honest LAKE [--secrets 5] [--workers 2]

A *scene* is a small world in which nothing leaks: a source, a release, and a rehearsal on half of the importers. Release and
rehearsal are declarations of other importers under the same law. A *sabotage* makes of an honest table one that leaks, in the
release from the source and in the rehearsal from the training half, as a faulty pipeline would. The check of each is a claim that
the gate goes by, or a suite that blocks the release.

The first form draws so many scenes and prints, for each sabotage, how often the check that is meant for it convicts, and how
often the honest release is let through. The second form makes the release and the rehearsal of a lake again under so many
secrets, and prints what the gate would say of each. A secret takes about as long as the lake's synthesis and attacks.

Tests import this module and run every sabotage once.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.interval_coverage import clustered_rows
from customs_assets.claims import Claim
from customs_assets.declaration import IDENTITIES, RELEASED, RELEASED_TUPLE
from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.parts import SafeParts, count_safe_parts, disclosed_tuples
from customs_assets.disclosure.population import Population, count_population
from customs_assets.fidelity.claims import Tables
from customs_assets.months import months_of
from customs_assets.privacy.claims import (
    Disclosure,
    amount_claims,
    attack_claims,
    disclosure_claims,
    redraw_claim,
    rule_claims,
)
from customs_assets.privacy.gate import reasons_of_claims
from customs_assets.privacy.goals import ATTACKS
from customs_assets.privacy.redrawn import months_drawn_again
from customs_assets.privacy.rehearsal import digest
from customs_assets.published import PublishedMonth, Register
from customs_assets.release.names import names_in
from customs_assets.synthesis.month import declaration_ids
from customs_assets_tests.disclosing import law_that_allows

K = 5

# Of a hundred sabotaged releases so many must be convicted, and of a hundred honest ones as many let through.
LEAST_POWER = 0.95

# The suite that searches the release for names and tokens of the source. It is no claim, and blocks the release.
NOBODY_NAMED = "nobody_named"

# What a row says of its goods and of how they came, without the parties, the date, the amounts and the labels.
_PROFILE = (
    *RELEASED_TUPLE,
    "office_id",
    "process_type",
    "import_type",
    "import_use",
    "payment_type",
    "mode_of_transport",
)
_PROFILE_AND_INDICATOR = (*_PROFILE, "country_of_origin_indicator")
_AMOUNTS = ("net_mass", "item_price")
_LABELS = ("fraud", "critical_fraud")


@dataclass(frozen=True, eq=False)
class Scene:
    """What a release is judged by.

    Attributes:
        source: what the release was made from.
        release: its rows.
        training: half of the importers of the source.
        control: the other half.
        rehearsed: rows made from ``training`` alone.
        disclosure: the tuples that may be shown, and the account of them.
        published: the register of published months: those of the release, as it is.
        seed: of guesses and samples.
    """

    source: pd.DataFrame
    release: pd.DataFrame
    training: pd.DataFrame
    control: pd.DataFrame
    rehearsed: pd.DataFrame
    disclosure: Disclosure
    published: Register
    seed: int = 2020


class Sabotage(NamedTuple):
    """A way to spoil a release.

    Attributes:
        name: for people.
        check: the key of the claim that is meant to convict, or :data:`NOBODY_NAMED`.
        spoil: makes a table that leaks of the rows that it is made from and of an honest table.
        discloses: makes the disclosure of the source, where it is the disclosure that is spoiled; None otherwise.
    """

    name: str
    check: str
    spoil: Callable[[pd.DataFrame, pd.DataFrame, np.random.Generator], pd.DataFrame]
    discloses: Callable[[pd.DataFrame], Disclosure] | None = None


def honest_scene(seed: int, importers: int = 1000, rows: int = 5) -> Scene:
    """A world in which nothing leaks, and a release that may be published.

    Args:
        seed: of the world.
        importers: on each side.
        rows: of an importer, on average about; each has five or more.
    """
    rng = np.random.default_rng([seed, importers])
    training, control, rehearsed = (clustered_rows(rng, importers, rows, prefix) for prefix in "ACR")
    # One importer alone pays in a way of its own.
    lonely = training["importer_id"] == training["importer_id"].iloc[0]
    training.loc[lonely, "payment_type"] = "99"
    source = pd.concat([training, control], ignore_index=True)
    disclosure = _disclosure(source)
    release = _shown(clustered_rows(rng, 3 * importers, rows, "F"), disclosure.tuples).head(len(source))
    secret = hashlib.sha256(f"a secret of scene {seed}".encode()).digest()
    release = _with_ids(release, secret)
    return Scene(source, release, training, control, rehearsed, disclosure, _register(source, release), seed)


def spoiled(scene: Scene, sabotage: Sabotage, seed: int = 1) -> Scene:
    """The scene as it would be if the pipeline did that."""
    disclosure = scene.disclosure if sabotage.discloses is None else sabotage.discloses(scene.source)
    release, rehearsed = (
        sabotage.spoil(made_from, honest, np.random.default_rng([seed, place]))
        for place, (made_from, honest) in enumerate(((scene.source, scene.release), (scene.training, scene.rehearsed)))
    )
    if sabotage.discloses is not None:
        release = _with_ids(_from_tuples(release, disclosure.tuples, np.random.default_rng(seed)), b"s" * 32)
    return replace(scene, release=release, rehearsed=rehearsed, disclosure=disclosure)


def claims_of(scene: Scene, keys: Collection[str]) -> list[Claim]:
    """The claims of some keys, and those that are measured with them."""
    tables = Tables(scene.release, scene.source, seed=scene.seed)
    claims: list[Claim] = []
    for of, measure in (
        (_RULES, lambda: rule_claims(tables, K)),
        (_DISCLOSURE, lambda: disclosure_claims(tables, K, scene.disclosure)),
        (_READ_OFF, lambda: amount_claims(tables, K)),
        (_DRAWS, lambda: [redraw_claim(_drawn_again(scene))]),
    ):
        if set(of) & set(keys):
            claims += measure()
    wanted = [key for key in ATTACKS if key in keys]
    if wanted:
        sides = scene.rehearsed, scene.training, scene.control
        claims += attack_claims(*sides, attacks=1000, seed=scene.seed, only=wanted)
    return claims


_RULES = ("copies", "goods_copied", "codes_under_k")
_DISCLOSURE = ("tuples_not_disclosed", "parts_under_k")
_READ_OFF = ("amounts_solved", "extremes", "guessed_seed")
_DRAWS = ("months_redrawn",)
_EVERYTHING = (*_RULES, *_DISCLOSURE, *_READ_OFF, *_DRAWS, *ATTACKS)


def is_convicted(scene: Scene, check: str) -> bool:
    """Whether a check convicts a release: its lower bound goes past its limit, or the suite finds somebody named."""
    if check == NOBODY_NAMED:
        return somebody_named(scene)
    return any(claim.blocks_release for claim in claims_of(scene, [check]) if claim.key == check)


def somebody_named(scene: Scene) -> bool:
    """Whether a token of the source stands in the release's file, as the suite ``nobody_named`` looks for it."""
    headers = {attribute.name: attribute.header for attribute in RELEASED}
    content = scene.release.rename(columns=headers).to_csv(index=False).encode()
    tokens = {token for role in IDENTITIES for token in scene.source[role].unique() if token}
    return bool(names_in({"train.csv": content}, tokens))


def reasons_to_withhold(scene: Scene) -> list[str]:
    """Why the gate would withhold the release. Empty where it may be published."""
    reasons = reasons_of_claims(claims_of(scene, _EVERYTHING))
    return [*reasons, *(["somebody is named"] if somebody_named(scene) else [])]


def _drawn_again(scene: Scene) -> list[str]:
    return months_drawn_again(scene.published, _SOURCE, _checksums(scene.source), _checksums(scene.release))


# What a release is made of.


_SOURCE = "a scene"


def _register(source: pd.DataFrame, release: pd.DataFrame) -> Register:
    """The months of a release, as they were published the first time."""
    raw = _checksums(source)
    entries = [
        PublishedMonth(month, _SOURCE, raw[month], rows, {}, "first", 1, "", "2021-07-01", "2021-06-30")
        for month, rows in _checksums(release).items()
    ]
    return Register(Path(), tuple(entries))


def _checksums(rows: pd.DataFrame) -> dict[str, str]:
    """The checksum of each month's rows."""
    return {str(month): digest(part) for month, part in rows.groupby(months_of(rows["date"]))}


def _disclosure(source: pd.DataFrame, dominance: Dominance | None = None) -> Disclosure:
    """What may be shown of the source, all of it inspected. The account goes by the usual rule of dominance in any case."""
    declarations = source.assign(hs10_code=source["hs6_code"] + "0000").reset_index(drop=True)
    law, population, usual = law_that_allows(declarations), count_population(declarations), Dominance()
    rule = usual if dominance is None else dominance
    safe = count_safe_parts(Population.of_frames([population]), law, K, rule)
    tuples = disclosed_tuples(declarations, SafeParts(safe), law, min_group=K, dominance=rule, root=1)
    return Disclosure(tuples, parts_account(population, declarations, tuples, safe, K, usual))


def _shown(rows: pd.DataFrame, tuples: pd.DataFrame) -> pd.DataFrame:
    """The rows whose tariff tuple was disclosed."""
    columns = list(RELEASED_TUPLE)
    kept = rows.merge(tuples[columns].drop_duplicates(), on=columns)
    # New parties, brokers included.
    kept = kept.assign(declarant_id="E" + kept["declarant_id"])
    return kept[list(rows.columns)].sort_values("date", ignore_index=True)


def _from_tuples(rows: pd.DataFrame, tuples: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with tuples that are drawn from the disclosed ones."""
    drawn = tuples.iloc[rng.integers(len(tuples), size=len(rows))]
    return rows.assign(**{name: drawn[name].to_numpy() for name in RELEASED_TUPLE})


def _with_ids(rows: pd.DataFrame, root: bytes | int) -> pd.DataFrame:
    """The rows with the declaration IDs that a root draws."""
    months = months_of(rows["date"])
    named = [
        part.assign(declaration_id=declaration_ids(str(month), len(part), root)) for month, part in rows.groupby(months)
    ]
    return pd.concat(named, ignore_index=True)


def _instead(
    honest: pd.DataFrame, donors: pd.DataFrame, columns: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """The honest table, in which as many rows as there are donors have the donors' values of some columns."""
    place = rng.permutation(len(honest))
    donors = donors.iloc[: len(honest)]
    changed, kept = honest.iloc[place[: len(donors)]], honest.iloc[place[len(donors) :]]
    taken = changed.assign(**{name: donors[name].to_numpy() for name in columns})
    return pd.concat([taken, kept], ignore_index=True).astype(honest.dtypes.to_dict())


def _some(rows: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[rng.permutation(len(rows))[: max(int(share * len(rows)), 1)]]


# The sabotages.


def copied_rows(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Three rows are somebody's, parties included."""
    everything = [name for name in honest.columns if name not in ("declaration_id", "date")]
    return _instead(honest, made_from.iloc[rng.permutation(len(made_from))[:3]], everything, rng)


def goods_under_another_importer(
    made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """One row in a hundred has the goods, the amounts and the labels of a declaration, and other parties."""
    columns = (*_PROFILE_AND_INDICATOR, *_AMOUNTS, *_LABELS)
    return _instead(honest, _some(made_from, 0.01, rng), columns, rng)


def even_bands(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Prices stand at equal steps between the exact ends of each six neighbours of a month, as earlier versions laid them out."""
    parts = []
    for month, rows in honest.groupby(months_of(honest["date"])):
        laid = _laid_out_evenly(np.sort(_prices(made_from, str(month))))
        laid = np.resize(laid, len(rows)) if len(laid) < len(rows) else laid[: len(rows)]
        parts.append(rows.assign(item_price=rng.permutation(laid)))
    return pd.concat(parts, ignore_index=True)


def _prices(rows: pd.DataFrame, month: str) -> np.ndarray:
    return rows["item_price"].to_numpy(dtype=float)[months_of(rows["date"]).to_numpy(dtype=object) == month]


def _laid_out_evenly(amounts: np.ndarray, size: int = 6) -> np.ndarray:
    laid = []
    for part in np.array_split(amounts, max(len(amounts) // size, 1)):
        laid.append(part[0] * (part[-1] / part[0]) ** ((np.arange(len(part)) + 0.5) / len(part)))
    return np.concatenate(laid).round(1)


def guessable_seed(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """All draws derive from a year."""
    return _with_ids(honest, int(rng.integers(1990, 2031)))


def one_importer_bands(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every amount is drawn between the next smaller and the next larger amount of the same importer for the same goods."""
    drawn = made_from.sort_values("date", ignore_index=True)
    for name in _AMOUNTS:
        grouped = drawn.sort_values(name).groupby(["importer_id", "hs6_code"])[name]
        low, high = grouped.shift(1).fillna(drawn[name]), grouped.shift(-1).fillna(drawn[name])
        amounts = (low + (high - low) * rng.random(len(drawn))).reindex(drawn.index)
        drawn = drawn.assign(**{name: np.maximum(amounts.round(2), 0.01)})
    return _instead(honest, drawn, (*_PROFILE_AND_INDICATOR, *_AMOUNTS), rng)


def rare_tuple(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row has a tuple that one importer declared and nothing disclosed."""
    return _instead(honest, made_from.iloc[[0]].assign(tax_type="FRARE1"), RELEASED_TUPLE, rng)


def rare_code(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row has the way to pay that one importer alone has."""
    return _instead(honest, made_from[made_from["payment_type"] == "99"].head(1), ["payment_type"], rng)


def exact_extreme(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each month shows its largest price as it was declared."""
    parts = []
    for month, rows in honest.groupby(months_of(honest["date"])):
        largest = float(_prices(made_from, str(month)).max())
        prices = rows["item_price"].to_numpy(dtype=float)
        prices = np.where(prices >= largest, np.median(prices), prices)
        prices[rng.integers(len(prices))] = largest
        parts.append(rows.assign(item_price=prices))
    return pd.concat(parts, ignore_index=True)


def dominant_importer_kept(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Tuples are shown where one importer has nearly all of a trade; the disclosure is the one that is spoiled."""
    return honest


def _without_dominance(source: pd.DataFrame) -> Disclosure:
    return _disclosure(source, Dominance(1.0, 1.0))


def real_tokens(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Ten rows have the token of an importer of the source."""
    return _instead(honest, made_from.iloc[rng.permutation(len(made_from))[:10]], ["importer_id"], rng)


def importer_copied(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Half of the importers have all goods, origins and offices of one of the source, under new tokens."""
    importers = made_from["importer_id"].unique()
    copied = made_from[made_from["importer_id"].isin(rng.permutation(importers)[: len(importers) // 2])]
    return _instead(honest, copied.assign(importer_id="N" + copied["importer_id"]), (*_PROFILE, "importer_id"), rng)


def label_leak(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """A row that has the goods and the journey of a declaration has its label, too; amounts and parties are new."""
    return _instead(honest, _some(made_from, 1.0, rng), (*_PROFILE_AND_INDICATOR, *_LABELS), rng)


def memorizing_generator(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Two rows of three are a declaration with amounts within one in a hundred, and other parties."""
    learned = _some(made_from, 0.67, rng)
    near = {name: (learned[name] * rng.uniform(0.99, 1.01, len(learned))).round(2) for name in _AMOUNTS}
    return _instead(honest, learned.assign(**near), (*_PROFILE_AND_INDICATOR, *_AMOUNTS, *_LABELS, "date"), rng)


def redrawn_month(made_from: pd.DataFrame, honest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One month that was published comes out under another draw: other parties and amounts stand in its rows."""
    months = months_of(honest["date"])
    rows = honest[months == months.iloc[0]]
    mixed = rows.assign(**{name: rng.permutation(rows[name].to_numpy()) for name in ("importer_id", *_AMOUNTS)})
    return pd.concat([mixed, honest[months != months.iloc[0]]], ignore_index=True)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("copied rows", "copies", copied_rows),
    Sabotage("goods copied under another importer", "goods_copied", goods_under_another_importer),
    Sabotage("even bands", "amounts_solved", even_bands),
    Sabotage("guessable seed", "guessed_seed", guessable_seed),
    Sabotage("one-importer band", "inference, item_price", one_importer_bands),
    Sabotage("rare tuple", "tuples_not_disclosed", rare_tuple),
    Sabotage("rare code", "codes_under_k", rare_code),
    Sabotage("exact extreme", "extremes", exact_extreme),
    Sabotage("dominant importer kept", "parts_under_k", dominant_importer_kept, _without_dominance),
    Sabotage("real tokens", NOBODY_NAMED, real_tokens),
    Sabotage("importer copied under a new token", "linkage", importer_copied),
    Sabotage("label leak", "inference, critical_fraud", label_leak),
    Sabotage("redrawn month", "months_redrawn", redrawn_month),
    Sabotage("memorising generator", "membership", memorizing_generator),
)


# The commands.


@dataclass
class Power:
    """How often each check convicted the sabotage that it is meant for, of how many scenes; and why honest ones were withheld."""

    scenes: int
    convicted: dict[str, int]
    withheld: list[list[str]]


def power(seeds: int, only: Collection[str] = ()) -> Power:
    """Draw so many scenes, spoil each in every way (or those of some names), and judge them."""
    chosen = [sabotage for sabotage in SABOTAGES if not only or sabotage.name in only]
    found = Power(seeds, dict.fromkeys((sabotage.name for sabotage in chosen), 0), [])
    for seed in range(1, seeds + 1):
        scene = honest_scene(seed)
        if reasons := reasons_to_withhold(scene):
            found.withheld.append(reasons)
        for sabotage in chosen:
            found.convicted[sabotage.name] += is_convicted(spoiled(scene, sabotage, seed), sabotage.check)
    return found


def power_in_lines(found: Power) -> Iterator[str]:
    """A table of a measurement."""
    yield f"| sabotage | convicted by | share of {found.scenes} scenes |"
    yield "| --- | --- | ---: |"
    checks = {sabotage.name: sabotage.check for sabotage in SABOTAGES}
    for name, convicted in found.convicted.items():
        yield f"| {name} | `{checks[name]}` | {convicted / found.scenes:.2f} |"
    yield f"| none | let through by the gate | {1 - len(found.withheld) / found.scenes:.2f} |"
    yield from (f"withheld though honest: {'; '.join(reasons)}" for reasons in found.withheld)


def verdicts_of_lake(folder: Path, number: int, workers: int) -> Iterator[str]:
    """What the gate would say of the release of a lake under so many new secrets, a line each."""
    from secrets_apart import SOURCE, SYNTHETIC, redrawn

    from customs_assets.claims import from_json
    from customs_assets.disclosure.population import months_of_population
    from customs_assets.lake import Lake
    from customs_assets.law.law import Law
    from customs_assets.privacy.claims import month_privacy, privacy
    from customs_assets.privacy.rehearsal import Rehearsal, rehearsed
    from customs_assets.seeds import derive_seed
    from customs_assets.settings import Settings

    settings, lake = Settings(), Lake(str(folder))  # pyright: ignore[reportCallIssue]
    k, dominance = settings.min_group, Dominance(settings.dominance_one, settings.dominance_two)
    months = lake.partitions(SOURCE)
    by_month = {month: lake.read_frame(SOURCE, month) for month in months}
    source = pd.concat(by_month.values(), ignore_index=True)
    law = Law.of(lake.read_table("tariff"), lake.read_table("tariff_routes"))
    each_month = months_of_population(lake, lake.partitions("population"))
    everyone = Population.of(lake, list(each_month))
    paths = [lake.sql_path("population", month) for month in each_month]
    confidential = lake.read_frame("confidential_trade")
    for place in range(1, number + 1):
        started, secret = time.perf_counter(), secrets.token_bytes(32)
        with tempfile.TemporaryDirectory() as temporary:
            made = Lake(temporary)
            redrawn(lake, made, secret, settings, False, workers, confidential)
            release = {month: made.read_frame(SYNTHETIC, month) for month in months}
            tuples, parts = made.read_frame("disclosed_tuples"), made.read_frame("safe_parts")
        table = rehearsed(by_month, everyone, law, settings, secret, confidential, each_month)
        rehearsal = Rehearsal.of(table, by_month, secret)
        if isinstance(rehearsal, Rehearsal):
            rehearsal = rehearsal.beside(everyone, each_month, secret)
        rows = pd.concat(release.values(), ignore_index=True)
        account = parts_account(paths, source, tuples, parts, k, dominance, confidential)
        tables = Tables(rows, source, derive_seed(secret, "release_privacy"))
        claims = from_json(privacy(tables, k, rehearsal, Disclosure(tuples, account))["claims"])
        own = {month: from_json(month_privacy(by_month[month], release[month])["claims"]) for month in months}
        verdict = "; ".join(reasons_of_claims(claims, own)) or "let through"
        yield f"secret {place} ({time.perf_counter() - started:.0f} s): {verdict}"


def main() -> int:
    """Read the command line and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="scenes")
    parser.add_argument("--only", nargs="+", default=[], choices=[sabotage.name for sabotage in SABOTAGES])
    parser.add_argument(
        "--honest", type=Path, metavar="LAKE", help="judge the release of a lake under new secrets instead"
    )
    parser.add_argument("--secrets", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.honest is not None:
        withheld = 0
        for line in verdicts_of_lake(given.honest, given.secrets, given.workers):
            withheld += not line.endswith("let through")
            print(line, flush=True)
        return 1 if withheld else 0
    found = power(given.seeds, given.only)
    for line in power_in_lines(found):
        print(line)
    missed = [name for name, convicted in found.convicted.items() if convicted < LEAST_POWER * found.scenes]
    return 1 if missed or len(found.withheld) > (1 - LEAST_POWER) * found.scenes else 0


if __name__ == "__main__":
    sys.exit(main())
