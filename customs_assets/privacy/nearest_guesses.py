"""Two attacks that look up the nearest synthetic row: linkability and inference (Giomi et al. 2023, sections 4.2 and 4.3).

- Linkability: a carrier knows how a consignment travelled, a dealer what it was. Where both halves of a real row have the same
  nearest synthetic row, the attacker links them. Who is behind a synthetic importer is the subject of ``linkage``.
- Inference: the attacker knows everything of a real row but a secret, and takes the secret of the nearest synthetic row.

Some of the success is knowledge of the world, which is what a release is for; only what works better against training is risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME, LABELS, Kind
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.records import Scale, as_records, nearest
from customs_assets.privacy.risk import Risk, risk_of_rows
from customs_assets.seeds import derive_rng

# What a dealer knows of a consignment, and what a carrier: everything else but the labels, which nobody knows before inspection.
GOODS: tuple[str, ...] = (
    "hs6_code",
    "country_of_origin",
    "country_of_origin_indicator",
    "tax_rate",
    "tax_type",
    "net_mass",
    "item_price",
)
JOURNEY: tuple[str, ...] = tuple(name for name in WITHOUT_IDENTITIES if name not in (*GOODS, *LABELS))

# A number is guessed right within this share of the guess.
TOLERANCE = 0.05


def linkability(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    halves: tuple[Sequence[str], Sequence[str]] = (JOURNEY, GOODS),
    attacks: int | None = None,
    seed: int = 2020,
) -> Risk:
    """The linkability risk.

    Args:
        synthetic: synthetic declarations.
        training: the source's rows that they were made from, with ``importer_id``.
        control: rows of the same source that were held out, with ``importer_id``.
        halves: the columns that either party knows.
        attacks: rows attacked; as many as the smaller of training and control has where None.
        seed: base seed of the rows attacked.
    """
    targets = _targets(training, control, attacks, seed)
    right = linked(synthetic, targets[0], halves), linked(synthetic, targets[1], halves)
    rng = derive_rng(seed, "linkability", purpose="baseline")
    first, second = (rng.integers(len(synthetic), size=len(targets[0])) for _ in range(2))
    return risk_of_rows(_importers(targets), right, int((first == second).sum()))


def linked(
    synthetic: pd.DataFrame,
    rows: pd.DataFrame,
    halves: tuple[Sequence[str], Sequence[str]],
    neighbours: int = 1,
    scale: Scale = "range",
) -> np.ndarray:
    """Whether the halves of each row have one of their ``neighbours`` nearest synthetic rows in common: booleans, one a row."""
    found = []
    for columns in halves:
        queries, references = as_records([rows, synthetic], columns, scale)
        found.append(nearest(queries, references, neighbours).rows)
    return (found[0][:, :, None] == found[1][:, None, :]).any(axis=(1, 2))


def inference(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    secret: str,
    known: Sequence[str] | None = None,
    attacks: int | None = None,
    scale: Scale = "range",
    seed: int = 2020,
) -> Risk:
    """The inference risk of one secret.

    Args:
        synthetic: synthetic declarations.
        training: the source's rows that they were made from, with ``importer_id``.
        control: rows of the same source that were held out, with ``importer_id``.
        secret: the attribute that is guessed.
        known: what the attacker knows; where None, everything but identities and the secret (and but the other label, which would
            give a label away).
        attacks: rows attacked; as many as the smaller of training and control has where None.
        scale: how numbers are compared (``records.as_records``); ``range`` is the published attack's.
        seed: base seed of the rows attacked.
    """
    hidden = LABELS if secret in LABELS else (secret,)
    columns = known if known is not None else [name for name in WITHOUT_IDENTITIES if name not in hidden]
    targets = _targets(training, control, attacks, seed)
    secrets, *truths = (compared_columns(f, "compared", [secret])[secret].to_numpy() for f in (synthetic, *targets))
    right = []
    for rows, truth in zip(targets, truths, strict=True):
        queries, references = as_records([rows, synthetic], columns, scale)
        right.append(guessed_right(secrets[nearest(queries, references).rows[:, 0]], truth, secret))
    rng = derive_rng(seed, "inference", purpose=f"baseline {secret}")
    blind = guessed_right(secrets[rng.integers(len(secrets), size=len(targets[0]))], truths[0], secret)
    return risk_of_rows(_importers(targets), (right[0], right[1]), int(blind.sum()))


def guessed_right(guesses: np.ndarray, secrets: np.ndarray, secret: str) -> np.ndarray:
    """Which guesses are right: a number within 5% of the guess, everything else exactly."""
    if secret in BY_NAME and BY_NAME[secret].kind is Kind.NUMBER:
        return np.abs(guesses - secrets) / (guesses + 1e-12) <= TOLERANCE
    return guesses == secrets


def _targets(
    training: pd.DataFrame, control: pd.DataFrame, attacks: int | None, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As many rows of either side as are attacked, drawn without replacement."""
    ours, theirs = equal_in_size(training, control, seed)
    if attacks is None or attacks >= len(ours):
        return ours, theirs
    rng = derive_rng(seed, "privacy", purpose="targets")
    first, second = (f.iloc[np.sort(rng.choice(len(f), attacks, replace=False))] for f in (ours, theirs))
    return first, second


def _importers(targets: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    return targets[0]["importer_id"].to_numpy(), targets[1]["importer_id"].to_numpy()
