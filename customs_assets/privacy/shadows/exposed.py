"""The most exposed importers, and in which shadows each of them is.

A declaration stands as far from the others as the mean distance to its five nearest declarations of other importers (the
vulnerability score of Meeus, Guépin, Creţu, de Montjoye: *Achilles' Heels*, 2023, with five neighbours as theirs). Distances are
those of all attacks on rows (``records``). An importer stands as far away as its declarations do on average.

Beside these targets there are some *large* ones: whose declarations stand furthest away in sum. They have many, and are measured
by themselves. How much of their trade is shown tells whether they are in, and nothing has to be copied for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.privacy.records import Records, as_records, nearest
from customs_assets.seeds import Root, derive_rng, derive_seed

ASSET = "exposed_importers"

NEIGHBOURS = 5

# One importer in so many is a target: the others are the world that a target is in or out of.
_OTHERS = 4

# To so many targets one large one is added.
_TARGETS_TO_LARGE = 5

# Among more declarations than this the most exposed are looked for in a sample of the importers: every distance counts.
_MOST_ROWS = 100_000

# Neighbours that are looked at first. An importer with more declarations may fill them with its own.
_FIRST = 50


@dataclass(frozen=True)
class Exposed:
    """The targets.

    Attributes:
        importers: tokens, the most exposed first; then the large ones.
        distances: how far the declarations of each stand from those of others, on average (``records.nearest``).
        declarations: how many each has.
        large: which are large ones, booleans.
        members: in which shadows each is: shape (targets, shadows), booleans, true in half of each row.
    """

    importers: list[str]
    distances: list[float]
    declarations: list[int]
    large: list[bool]
    members: np.ndarray

    def as_json(self) -> dict[str, Any]:
        """The same for :meth:`from_json`; a row of ``members`` as text of 0 and 1."""
        rows = ["".join("01"[int(is_in)] for is_in in row) for row in self.members]
        return {**asdict(self), "members": rows}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Exposed:
        """What :meth:`as_json` wrote."""
        rows = [[sign == "1" for sign in row] for row in content["members"]]
        shape = (len(rows), len(rows[0]) if rows else 0)
        return cls(
            content["importers"],
            content["distances"],
            content["declarations"],
            content["large"],
            np.array(rows, dtype=bool).reshape(shape),
        )


def most_exposed(source: Mapping[str, pd.DataFrame], targets: int, shadows: int, root: Root) -> Exposed:
    """Choose the targets, and deal them to the shadows.

    Args:
        source: the anonymized declarations by month.
        targets: how many to choose at most, beside a fifth as many large ones. Of few importers a quarter is chosen, large ones
            included; of fewer than four, nobody.
        shadows: how many shadows there are; an even number.
        root: what the release's draws derive from.
    """
    rows = pd.concat(source.values(), ignore_index=True)
    rows = rows[rows["importer_id"] != ""]
    if len(rows) > _MOST_ROWS:
        kept = sampled(rows["importer_id"], _MOST_ROWS / len(rows), root, purpose="looked at")
        rows = rows[kept]
    rows = rows.reset_index(drop=True)
    importers = rows["importer_id"].nunique()
    most = importers // _OTHERS
    large = min(targets // _TARGETS_TO_LARGE, most // (_TARGETS_TO_LARGE + 1))
    count = min(targets, most - large)
    if not count:
        return Exposed([], [], [], [], np.zeros((0, shadows), dtype=bool))
    distances = pd.DataFrame({"importer_id": rows["importer_id"], "distance": distance_to_others(rows)})
    exposure = distances.groupby("importer_id")["distance"].agg(["mean", "sum", "size"]).reset_index()
    by_mean, by_sum = (
        exposure.sort_values([by, "importer_id"], ascending=[False, True])["importer_id"] for by in ("mean", "sum")
    )
    alone = list(by_mean[:count])
    names = alone + [name for name in by_sum if name not in alone][:large]
    chosen = exposure.set_index("importer_id").loc[names]
    half = np.tile(np.arange(shadows) < shadows // 2, (len(names), 1))
    members = derive_rng(root, ASSET, purpose="members").permuted(half, axis=1)
    is_large = [place >= count for place in range(len(names))]
    return Exposed(names, chosen["mean"].round(6).tolist(), chosen["size"].astype(int).tolist(), is_large, members)


def distance_to_others(rows: pd.DataFrame) -> np.ndarray:
    """For each of n declarations, the mean distance to its nearest ones of other importers; there are two importers at least."""
    [records] = as_records([rows], WITHOUT_IDENTITIES)
    owner = pd.factorize(rows["importer_id"])[0]
    found = nearest(records, records, min(_FIRST, records.rows))
    of_others = owner[found.rows] != owner[:, None]
    rank = np.cumsum(of_others, axis=1)
    taken = of_others & (rank <= NEIGHBOURS)
    means = np.where(taken, found.distances, 0.0).sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
    short = taken.sum(axis=1) < np.minimum(NEIGHBOURS, len(owner) - np.bincount(owner)[owner])
    for importer in np.unique(owner[short]):
        own, others = np.flatnonzero((owner == importer) & short), np.flatnonzero(owner != importer)
        count = min(NEIGHBOURS, len(others))
        means[own] = nearest(_some(records, own), _some(records, others), count).distances.mean(axis=1)
    return means


def _some(records: Records, rows: np.ndarray) -> Records:
    return Records(np.ascontiguousarray(records.codes[:, rows]), np.ascontiguousarray(records.numbers[:, rows]))


def sampled(importers: pd.Series, share: float, root: Root, purpose: str = "sample") -> np.ndarray:
    """Which rows are of a random share of the importers, as booleans: a hash of the token decides, for all months alike."""
    if share >= 1:
        return np.ones(len(importers), dtype=bool)
    seed = derive_seed(root, ASSET, purpose=purpose)
    distinct, place = np.unique(importers.to_numpy(str), return_inverse=True)
    digests = (hashlib.sha256(f"{seed}\x1f{name}".encode()).digest() for name in distinct)
    draws = np.array([int.from_bytes(digest[:8], "big") / 2**64 for digest in digests])
    return (draws < share)[place] if len(distinct) else np.zeros(0, dtype=bool)
