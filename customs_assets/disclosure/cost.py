"""What disclosure by parts costs: how many declarations keep their product code, and with which settings more would."""

from __future__ import annotations

import numpy as np
import pandas as pd

from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.population import Population
from customs_assets.settings import LawOrigin


def share_with_safe_code(
    population: Population, declarations: pd.DataFrame, min_group: int, dominance: Dominance
) -> float:
    """Share of declarations, in [0, 1], whose product code may be shown.

    Args:
        population: what each importer declared, inspected or not.
        declarations: rows with ``hs10_code``.
        min_group: ``k``.
        dominance: the rule of dominance.
    """
    cells, has = population.contributions([CODE])
    cell = has["cell"].to_numpy()
    declared, value, mass = (has[name].to_numpy(dtype=float) for name in ("declarations", "value", "mass"))
    shares = dominance.shown_shares(cell, declared, value, mass, min_group)
    safe = cells[CODE][np.bincount(cell, shares * declared >= 1, len(cells)) > 0]
    return float(declarations["hs10_code"].str[:6].isin(safe).mean())


def cost_in_words(
    population: Population, declarations: pd.DataFrame, min_group: int, dominance: Dominance, law: LawOrigin
) -> str:
    """What the rule costs, and which setting would help, in one sentence."""
    kept = share_with_safe_code(population, declarations, min_group, dominance)
    ways = []
    if dominance != (off := Dominance(1, 1)):
        without = share_with_safe_code(population, declarations, min_group, off)
        ways.append(f"{without:.0%} without dominance (CUSTOMS_DOMINANCE_ONE=1, CUSTOMS_DOMINANCE_TWO=1)")
    if (fewer := max(2, (min_group + 1) // 2)) < min_group:
        with_fewer = share_with_safe_code(population, declarations, fewer, dominance)
        ways.append(f"{with_fewer:.0%} with CUSTOMS_MIN_GROUP={fewer}")
    would_be = f"; it would be {', or '.join(ways)}" if ways else ""
    tariff = ", and a tariff (CUSTOMS_TARIFF) says which codes and claims may stand for the others"
    return (
        f"with k = {min_group}, {kept:.0%} of the source's declarations have a product code that may be shown{would_be}; more "
        f"months together show more{tariff if law == 'nomenclature' else ''}"
    )
