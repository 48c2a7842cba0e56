"""One shadow: a world with half of the targets, its synthesis, and a score of each target in what came out.

A shadow is made by the release's own function, :func:`synthesis.synthesize.synthesize`. Its world is a sample of the importers,
the same in every shadow, with the targets that are in. A target that is out has declared nothing: neither its inspected
declarations nor what it adds to the population are there.

The attacker has the declarations of the target and the synthetic rows. Its scores are those of ``membership``, each row's
averaged over the target, and how many synthetic rows share parts with the target's. The higher, the likelier in. What a score
is without the target, the other shadows say; so one sample of real rows of others is enough, the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.declaration import RELEASED_TUPLE
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.law.law import Law
from customs_assets.privacy.membership import (
    classifier,
    density,
    density_ratio,
    likelihood_ratio,
    monte_carlo,
    neighbourhood,
    pooled,
)
from customs_assets.privacy.membership.scene import NEAREST, Scene
from customs_assets.privacy.records import as_records, nearest
from customs_assets.privacy.rehearsal import digest, rows_of_part
from customs_assets.privacy.shadows.exposed import Exposed, sampled
from customs_assets.seeds import Root, derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.fraud_propensity import OfOneKind
from customs_assets.synthesis.synthesize import synthesize

ASSET = "shadow_scores"

# The version of a shadow and its scores. Raise it when the same world would get other scores.
VERSION = "7"

Synthesizer = Callable[..., Mapping[str, pd.DataFrame]]

# Fewer rows cannot be modelled.
_FEWEST_ROWS = 2

# Real rows of others that the attacker has.
_REFERENCE_ROWS = 2000

# Added to distances and densities, so that a copy has a logarithm.
_LEAST_DISTANCE, _LEAST_DENSITY = 1e-2, 1e-20

# Parts of a declaration that few others have. Amounts tell the most; goods and lane of a lone importer, too.
_PARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "shared_lane": (("hs6_code", "country_of_origin"), RELEASED_TUPLE),
    "shared_amounts": (("net_mass",), ("item_price",), ("hs6_code", "net_mass"), ("hs6_code", "item_price")),
}

# The scores, each with what it looks at, for people.
SCORES: dict[str, str] = {
    "closest": "distance to the closest row (Chen 2020)",
    "closest_of_all": "the same, of its nearest declaration alone",
    "density_ratio": "distance to the five closest rows",
    "density": "density of the release (Houssiau 2022; DOMIAS)",
    "monte_carlo": "rows within a radius (Hilprecht 2019)",
    "likelihood_ratio": "Gen-LRA: local likelihood ratio (Ward 2025)",
    "neighbourhood": "rows within a narrow radius (Houssiau 2022)",
    "classifier": "LOGAN: a classifier (Hayes 2019)",
    "pooled": "the mean rank of all above",
    "shared_lane": "rows that share goods and lane",
    "shared_amounts": "rows that share mass or price",
}


@dataclass(frozen=True)
class World:
    """What shadows are made from.

    Attributes:
        source: the anonymized declarations by month, in order.
        population: what each importer declared over the months, inspected or not.
        by_month: the same of each month; empty where every declaration was inspected.
        law: the law that tariff tuples are under.
        confidential: the pairs of trade that are confidential at traders' requests, if any.
    """

    source: Mapping[str, pd.DataFrame]
    population: Population
    by_month: Mapping[str, Population]
    law: Law
    confidential: pd.DataFrame | None = None

    @property
    def rows(self) -> int:
        """How many declarations there are."""
        return sum(map(len, self.source.values()))

    def with_some(self, targets: Exposed, place: int, share: float, root: Root) -> World:
        """The world of one shadow: a sample of the importers, without those targets that are out."""
        isin = pd.Index(targets.importers).append(pd.Index([], dtype=object))
        there = set(np.array(targets.importers, dtype=object)[targets.members[:, place]])

        def kept(importers: pd.Series) -> np.ndarray:
            is_target = importers.isin(isin).to_numpy()
            return np.where(is_target, importers.isin(there), sampled(importers, share, root)).astype(bool)

        source = {month: rows[kept(rows["importer_id"])].reset_index(drop=True) for month, rows in self.source.items()}
        everyone = pd.Series(self.population.importers, dtype=object)
        wanted = everyone[kept(everyone)].to_numpy()
        months = {month: of_month.restricted_to(wanted) for month, of_month in self.by_month.items()}
        return replace(self, source=source, population=self.population.restricted_to(wanted), by_month=months)


def epochs_of(settings: Settings) -> int:
    """Epochs for each month of a shadow: the setting, or a hundredth of the release's epochs.

    That a hundredth tells attackers as much was measured for ``ctgan``. Of any other synthesizer a shadow takes all epochs.
    """
    share = 100 if settings.synthesizer == "ctgan" else 1
    return settings.shadow_epochs or max(settings.epochs // share, 1)


def share_of(rows: int, settings: Settings) -> float:
    """The share of the importers that a shadow's world is a sample of."""
    return min(settings.shadow_rows / rows, 1.0) if rows else 1.0


def shadow(
    world: World,
    targets: Exposed,
    place: int,
    settings: Settings,
    root: Root,
    synthesizer: Synthesizer = synthesize,
) -> dict[str, Any]:
    """Make one shadow and score the targets in it.

    Args:
        world: the whole world.
        targets: the targets, and in which shadows each is.
        place: which shadow this is, from 0 on.
        settings: ``k``, dominance, form of the price, and rows and epochs of a shadow are used.
        root: what the release's draws derive from. Each shadow's draws derive from it for a purpose of its own.
        synthesizer: what makes the synthetic months; takes what :func:`synthesize` takes.

    Returns:
        ``scores``: for each name of :data:`SCORES` one number for each target; ``reason``: why there are none, else empty;
        ``epochs``, ``share`` of the importers, ``rows`` of the source and of the synthetic table, ``importers``, and ``made``: a
        sha256 of the synthetic rows.
    """
    share, epochs, own = share_of(world.rows, settings), epochs_of(settings), derive_root(root, ASSET, str(place))
    there = world.with_some(targets, place, share, root)
    found = {"epochs": epochs, "share": share, "reason": "", "made": "", "scores": {}}
    found |= {"rows": there.rows, "importers": pd.concat(there.source.values())["importer_id"].nunique()}
    if not targets.importers:
        return {**found, "reason": "there are too few importers to choose targets from"}
    if few := [month for month, rows in there.source.items() if len(rows) < _FEWEST_ROWS]:
        return {**found, "reason": f"a shadow has fewer than {_FEWEST_ROWS} declarations in {', '.join(few)}"}
    k = settings.min_group
    busy = busy_lanes(there.by_month, there.rows, k) if there.by_month else None
    as_many_rows = settings.model_copy(update={"rows": rows_of_part(settings.rows, there.rows, world.rows)})
    arguments = (there.source, there.population, there.law, as_many_rows, own, epochs, there.confidential, busy)
    try:
        synthetic = pd.concat(synthesizer(*arguments).values(), ignore_index=True)
    except (TooFewImporters, OfOneKind) as error:
        return {**found, "reason": f"of a shadow: {error}"}
    everything = pd.concat(world.source.values(), ignore_index=True)
    is_target = everything["importer_id"].isin(targets.importers)
    seen = ~is_target & sampled(everything["importer_id"], share, root)
    reference = everything[seen].sample(min(_REFERENCE_ROWS, int(seen.sum())), random_state=_seed(root, "reference"))
    scores = target_scores(synthetic, everything[is_target], reference, targets.importers, _seed(own, "scores"))
    return {**found, "made": digest(synthetic), "scores": {name: list(map(float, of)) for name, of in scores.items()}}


def _seed(root: Root, purpose: str) -> int:
    return derive_seed(root, ASSET, purpose=purpose) % 2**31


def target_scores(
    synthetic: pd.DataFrame, attacked: pd.DataFrame, reference: pd.DataFrame, targets: list[str], seed: int
) -> dict[str, np.ndarray]:
    """The scores of each target, by the names of :data:`SCORES`.

    Args:
        synthetic: the synthetic rows of all months.
        attacked: the declarations of all targets.
        reference: real rows of others.
        targets: the importers; each has a row in ``attacked`` at least.
        seed: of the classifier.
    """
    from threadpoolctl import threadpool_limits

    attacked = attacked.reset_index(drop=True)
    owner = pd.Index(targets).get_indexer(pd.Index(attacked["importer_id"]))
    rows, *known = as_records([attacked, synthetic, reference], WITHOUT_IDENTITIES)
    count = min(NEAREST, len(synthetic), len(reference))
    to_synthetic, to_reference = (nearest(rows, records, count).distances for records in known)
    # Nothing that is used here looks at who is a member.
    unknown = np.zeros(len(attacked), dtype=bool)
    scene = Scene(attacked, synthetic, reference, unknown, owner, to_synthetic, to_reference, seed)
    with threadpool_limits(1):
        by_row = {
            "closest": -np.log(to_synthetic[:, 0] + _LEAST_DISTANCE),
            "density_ratio": density_ratio.scores(scene),
            "density": np.log(density.scores(scene) + _LEAST_DENSITY),
            "monte_carlo": monte_carlo.scores(scene),
            "likelihood_ratio": likelihood_ratio.scores(scene),
            "neighbourhood": np.log(neighbourhood.scores(scene)),
            "classifier": classifier.scores(scene),
        }
    by_row["pooled"] = pooled.scores(by_row.values())
    for name, parts in _PARTS.items():
        by_row[name] = np.sum([np.log1p(_shared(attacked, synthetic, part)) for part in parts], axis=0)
    sizes = np.bincount(owner, minlength=len(targets))
    scores = {name: np.bincount(owner, of, minlength=len(targets)) / sizes for name, of in by_row.items()}
    nearest_of_all = np.full(len(targets), -np.inf)
    np.maximum.at(nearest_of_all, owner, by_row["closest"])
    return {name: {**scores, "closest_of_all": nearest_of_all}[name] for name in SCORES}


def _shared(rows: pd.DataFrame, others: pd.DataFrame, part: tuple[str, ...]) -> np.ndarray:
    """For each row, how many of the other rows share a part of it."""
    wanted = compared_columns(rows, "attacked", part)
    counts = compared_columns(others, "synthetic", part).value_counts(sort=False).rename("shared").reset_index()
    return wanted.merge(counts, how="left", on=list(part))["shared"].fillna(0).to_numpy(dtype=np.float64)
