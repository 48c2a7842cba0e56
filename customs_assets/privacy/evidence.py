"""The evidence of privacy as data: the JSON documents ``release_privacy`` (all months) and ``privacy_report`` (one month)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.claims import Claim, Subject, as_json
from customs_assets.fidelity.claims import Tables
from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.privacy.claims import amount_claims, attack_claims, copy_claims, rule_claims
from customs_assets.privacy.closest_record import QUANTILES
from customs_assets.privacy.counts import copies
from customs_assets.privacy.goals import NO_ATTACK
from customs_assets.privacy.records import as_records, nearest
from customs_assets.privacy.rehearsal import Rehearsal


def privacy(tables: Tables, min_group: int, rehearsal: Rehearsal | str) -> dict[str, Any]:
    """What the synthetic rows give away.

    Args:
        tables: synthetic and source rows of all months.
        min_group: ``k``.
        rehearsal: what attacks are measured on, or why there is none: then one claim stands for all attacks, unmeasured, and
            lets nothing be released.

    Returns:
        ``claims``: rules measured on the release's own rows, attacks on the rehearsal's; ``trained_on``: what was made from what.
    """
    claims = [*rule_claims(tables, min_group), *amount_claims(tables, min_group)]
    if isinstance(rehearsal, str):
        note = f"not measured: {rehearsal}"
        claims.append(Claim(NO_ATTACK, Subject.PRIVACY, "What attacks gain", math.nan, note=note, limit=0.0))
        return {"claims": as_json(claims), "trained_on": f"No attack was measured: {rehearsal}."}
    claims += attack_claims(rehearsal.synthetic, rehearsal.training, rehearsal.control, seed=tables.seed)
    trained_on = (
        f"Rules are counted on the release's own {len(tables.synthetic):,} rows, made from all {len(tables.source):,} "
        f"declarations. Attacks are measured on a rehearsal: the same steps with the same settings but {rehearsal.epochs} CTGAN "
        f"epochs a month, on the {len(rehearsal.training):,} declarations of the half of the importers that a hash of their "
        f"tokens put into training; the {len(rehearsal.control):,} declarations of the other half were held out as control."
    )
    return {"claims": as_json(claims), "trained_on": trained_on}


def month_privacy(source: pd.DataFrame, synthetic: pd.DataFrame) -> Mapping[str, Any]:
    """What one month's synthetic rows repeat of that month's source, and how near they come.

    Beside the distances stand those of the source's own rows to their nearest other row: what is no nearer gives nobody away.
    """
    rows, reference = as_records([synthetic, source], WITHOUT_IDENTITIES)
    to_source = nearest(rows, reference).distances[:, 0]
    own = nearest(reference, reference, min(2, len(source))).distances[:, -1]
    distance = Claim(
        "distance",
        Subject.PRIVACY,
        "Distance to the closest source row, median",
        float(np.median(to_source)),
        ceiling=float(np.median(own)),
        note=f"a source row's own distance to its nearest other is {np.median(own):.3f}",
    )
    quantiles = {f"{q:g}": [float(np.quantile(values, q)) for values in (to_source, own)] for q in QUANTILES}
    return {"claims": as_json([*copy_claims(copies(synthetic, source)), distance]), "quantiles": quantiles}
