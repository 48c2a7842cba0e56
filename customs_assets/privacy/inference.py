"""Inference: do the synthetic rows tell a secret of a real declaration of which everything else is known?

The attacker looks up the synthetic row nearest to what is known and takes its value for the secret (Giomi et al. 2023, section
4.3). What belongs here is that attack. Some of its success is knowledge of the world, which is what the release is for; only what
works better against training than against control is risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME, LABELS, Kind
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.privacy.linkability import sampled_targets
from customs_assets.privacy.records import WITHOUT_IDENTITIES, Scale, as_records, nearest
from customs_assets.privacy.risk import Guesses, Risk, residual_risk, with_importers
from customs_assets.seeds import derive_rng

# What a trader would not have known: how much, at what price, what, and whether it was caught.
SECRETS: tuple[str, ...] = ("net_mass", "item_price", "hs6_code", "critical_fraud")

# A number is guessed right within this share of the guess.
TOLERANCE = 0.05


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
        known: what the attacker knows; everything but identities and the secret where None (and but the other label, which
            would give a label away).
        attacks: rows attacked; as many as the smaller of training and control has where None.
        scale: how numbers are compared (``records.as_records``); ``range`` is the published attack's.
        seed: base seed of the rows attacked.
    """
    hidden = LABELS if secret in LABELS else (secret,)
    columns = known if known is not None else [name for name in WITHOUT_IDENTITIES if name not in hidden]
    ours, theirs = sampled_targets(training, control, attacks, seed)
    secrets = compared_columns(synthetic, "synthetic", [secret])[secret].to_numpy()
    right = []
    for rows in (ours, theirs):
        queries, references = as_records([rows, synthetic], columns, scale)
        guesses = secrets[nearest(queries, references).rows[:, 0]]
        right.append(guessed_right(guesses, compared_columns(rows, "attacked", [secret])[secret].to_numpy(), secret))
    rng = derive_rng(seed, "inference", purpose=f"baseline {secret}")
    blind = secrets[rng.integers(len(secrets), size=len(ours))]
    baseline = guessed_right(blind, compared_columns(ours, "attacked", [secret])[secret].to_numpy(), secret).sum()
    risk = residual_risk(f"inference, {secret}", len(ours), int(right[0].sum()), int(right[1].sum()), int(baseline))
    sides = [
        Guesses.on_rows(rows["importer_id"].to_numpy(), hit) for rows, hit in zip((ours, theirs), right, strict=True)
    ]
    return with_importers(risk, *sides)


def guessed_right(guesses: np.ndarray, secrets: np.ndarray, secret: str) -> np.ndarray:
    """Which guesses are right: a number within 5% of the guess, everything else exactly."""
    attribute = BY_NAME.get(secret)
    if attribute is None or attribute.kind is not Kind.NUMBER:
        return guesses == secrets
    return np.abs(guesses - secrets) / (guesses + 1e-12) <= TOLERANCE
