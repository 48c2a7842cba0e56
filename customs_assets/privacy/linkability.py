"""Linkability: do the synthetic rows bring together two halves of a real declaration that two parties know?

A carrier knows how a consignment travelled, a dealer what it was; if both halves of a real row have the same nearest synthetic
row, the attacker links them (Giomi et al. 2023, section 4.2). What belongs here is that attack on rows; who is behind a synthetic
importer is the subject of ``linkage``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.records import Scale, as_records, nearest
from customs_assets.privacy.risk import Guesses, Risk, residual_risk, with_importers
from customs_assets.seeds import derive_rng

# What the one party knows, and what the other.
JOURNEY: tuple[str, ...] = (
    "date",
    "office_id",
    "process_type",
    "import_type",
    "import_use",
    "payment_type",
    "mode_of_transport",
    "country_of_departure",
)
GOODS: tuple[str, ...] = (
    "hs6_code",
    "country_of_origin",
    "country_of_origin_indicator",
    "tax_rate",
    "tax_type",
    "net_mass",
    "item_price",
)


def linkability(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    halves: tuple[Sequence[str], Sequence[str]] = (JOURNEY, GOODS),
    neighbours: int = 1,
    attacks: int | None = None,
    scale: Scale = "range",
    seed: int = 2020,
) -> Risk:
    """The linkability risk.

    Args:
        synthetic: synthetic declarations.
        training: the source's rows that they were made from, with ``importer_id``.
        control: rows of the same source that were held out, with ``importer_id``.
        halves: the columns that either party knows.
        neighbours: nearest synthetic rows of each half among which a common one is looked for.
        attacks: rows attacked; as many as the smaller of training and control has where None.
        scale: how numbers are compared (``records.as_records``); ``range`` is the published attack's.
        seed: base seed of the rows attacked.
    """
    ours, theirs = sampled_targets(training, control, attacks, seed)
    links = [linked(synthetic, rows, halves, neighbours, scale) for rows in (ours, theirs)]
    rng = derive_rng(seed, "linkability", purpose="baseline")
    first, second = (rng.integers(len(synthetic), size=(len(ours), neighbours)) for _ in range(2))
    baseline = (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
    risk = residual_risk("linkability", len(ours), int(links[0].sum()), int(links[1].sum()), int(baseline.sum()))
    sides = [
        Guesses.on_rows(rows["importer_id"].to_numpy(), right)
        for rows, right in zip((ours, theirs), links, strict=True)
    ]
    return with_importers(risk, *sides)


def linked(
    synthetic: pd.DataFrame,
    rows: pd.DataFrame,
    halves: tuple[Sequence[str], Sequence[str]],
    neighbours: int,
    scale: Scale,
) -> np.ndarray:
    """Whether the two halves of each row have a nearest synthetic row in common: booleans, one a row."""
    found = []
    for columns in halves:
        queries, references = as_records([rows, synthetic], columns, scale)
        found.append(nearest(queries, references, neighbours).rows)
    return (found[0][:, :, None] == found[1][:, None, :]).any(axis=(1, 2))


def sampled_targets(
    training: pd.DataFrame, control: pd.DataFrame, attacks: int | None, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As many rows of either side as are attacked, drawn without replacement."""
    ours, theirs = equal_in_size(training, control, seed)
    if attacks is None or attacks >= len(ours):
        return ours, theirs
    rng = derive_rng(seed, "privacy", purpose="targets")
    return tuple(frame.iloc[np.sort(rng.choice(len(frame), attacks, replace=False))] for frame in (ours, theirs))  # pyright: ignore[reportReturnType]
