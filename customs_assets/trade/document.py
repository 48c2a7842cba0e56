"""The document of trade patterns: claims, pictures, and what of it must not leave the house."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from customs_assets.claims import Claim, as_json
from customs_assets.trade.claims import halvings, trade_claims
from customs_assets.trade.patterns import CONCENTRATED, Trade, together
from customs_assets.trade.pictures import pictures

VERSION = "1"


def trade_patterns(
    source: pd.DataFrame,
    synthetic: pd.DataFrame,
    min_group: int,
    dominance: tuple[float, float],
    seed: int,
) -> dict[str, Any]:
    """Trade patterns of the source and of the release, side by side.

    Args:
        source: anonymized declarations of all months.
        synthetic: synthetic declarations of the same months.
        min_group: ``k``.
        dominance: shares from which one trader, or two, dominate.
        seed: of halves, communities and places in pictures.

    Returns:
        ``claims`` (``claims.as_json``; none where the importers cannot be split into halves),
        ``pictures`` (``pictures.pictures``), ``months``, and ``inside``: the keys of claims that
        say something of few traders, and stay.
    """
    own, made = together(source, synthetic)
    splits = halvings(own, source["importer_id"], seed)
    claims = trade_claims(own, made, splits, seed) if splits else []
    first = pd.to_datetime(source["date"]).min().to_period("M")
    return {
        "months": [str(first + number) for number in range(max(own.months, made.months))],
        "claims": as_json(claims),
        "inside": stays_inside(claims, own, min_group, dominance),
        "pictures": pictures(own, made, min_group, seed),
    }


def stays_inside(claims: list[Claim], source: Trade, min_group: int, dominance: tuple[float, float]) -> list[str]:
    """The keys of the claims that say something of few traders of the source.

    Those are the claims on a role that fewer than ``k`` traders have, and the concentration of a role that one or two dominate:
    its square root is nearly the share of the largest.
    """
    few, dominated = set(), set()
    for name in CONCENTRATED:
        if name == "office_id":
            continue
        [codes] = source.known(name)
        counts = np.sort(np.bincount(codes))[::-1] if len(codes) else np.zeros(1)
        shares = counts / max(counts.sum(), 1)
        if np.count_nonzero(counts) < min_group:
            few.add(name)
        if shares[0] >= dominance[0] or shares[:2].sum() >= dominance[1]:
            dominated.add(name)
    return [
        claim.key
        for claim in claims
        if few & set(claim.key.split("|")[1:])
        or (claim.key.startswith("trade_concentration|") and claim.key.split("|")[1] in dominated)
    ]
