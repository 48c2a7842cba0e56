"""Two attacks that look up the nearest synthetic row: linkability and inference (Giomi et al. 2023, sections 4.2 and 4.3).

- Linkability: a carrier knows how a consignment travelled, a dealer knows what it was. Where both halves of a real row have the
  same nearest synthetic row, the attacker links them. ``linkage`` asks who is behind a synthetic importer.
- Inference: the attacker knows everything of a real row but a secret, and takes the secret of the nearest synthetic row.

Some of the success is knowledge of the world, which is the purpose of a release. Only a better success against training is a
risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME, LABELS, Kind
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES, compared_columns
from customs_assets.fidelity.references import equal_in_size
from customs_assets.privacy.records import as_records, nearest
from customs_assets.privacy.risk import Risk, risk_of_rows
from customs_assets.seeds import derive_rng

# What a dealer knows of a consignment. A carrier knows everything else but the labels, which nobody knows before inspection.
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
    seed: int = 2020,
) -> Risk:
    """The linkability risk, where two parties know the columns of ``halves``; the larger of training and control is sampled."""
    sides = equal_in_size(training, control, seed)
    rng = derive_rng(seed, "linkability", purpose="baseline")
    first, second = (rng.integers(len(synthetic), size=len(sides[0])) for _ in range(2))
    return risk_of_rows(sides, [linked(synthetic, rows, halves) for rows in sides], int((first == second).sum()))


def linked(
    synthetic: pd.DataFrame, rows: pd.DataFrame, halves: tuple[Sequence[str], Sequence[str]], neighbours: int = 1
) -> np.ndarray:
    """Whether the halves of each row have one of their ``neighbours`` nearest synthetic rows in common: booleans, one a row."""
    pairs = [as_records([rows, synthetic], half, "range") for half in halves]
    first, second = (nearest(queries, references, neighbours).rows for queries, references in pairs)
    return (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))


def inference(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    secret: str,
    known: Sequence[str] | None = None,
    seed: int = 2020,
) -> Risk:
    """The inference risk of one attribute, the secret; the larger of training and control is sampled.

    The attacker knows the columns of ``known``. Where that is None, he knows everything but identities and the secret, and
    not the other label, which would give a label away.
    """
    hidden = LABELS if secret in LABELS else (secret,)
    columns = known if known is not None else [name for name in WITHOUT_IDENTITIES if name not in hidden]
    sides = equal_in_size(training, control, seed)
    secrets, *truths = (compared_columns(f, "compared", [secret])[secret].to_numpy() for f in (synthetic, *sides))
    right = []
    for rows, truth in zip(sides, truths, strict=True):
        queries, references = as_records([rows, synthetic], columns, "range")
        right.append(guessed_right(secrets[nearest(queries, references).rows[:, 0]], truth, secret))
    rng = derive_rng(seed, "inference", purpose=f"baseline {secret}")
    blind = guessed_right(secrets[rng.integers(len(secrets), size=len(sides[0]))], truths[0], secret)
    return risk_of_rows(sides, right, int(blind.sum()))


def guessed_right(guesses: np.ndarray, secrets: np.ndarray, secret: str) -> np.ndarray:
    """Which guesses are right: a number within 5% of the guess, everything else exactly."""
    if secret in BY_NAME and BY_NAME[secret].kind is Kind.NUMBER:
        return np.abs(guesses - secrets) / (guesses + 1e-12) <= TOLERANCE
    return guesses == secrets
