"""The claims of trade patterns: one for each statistic, with the spread of two halves of the source as its goal.

The importers of the source are split into two halves several times. What two halves differ by, nobody can ask a release to
keep. So a statistic of the release, as a ratio to the source's, has to lie within the largest such ratio of two halves; a
likeness has to reach the least of two halves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from customs_assets.claims import Claim, Subject
from customs_assets.fidelity.references import in_control
from customs_assets.seeds import derive_seed
from customs_assets.trade.patterns import Trade, likenesses, statistics

_ASSET = "trade_patterns"

# How often the importers are split.
HALVINGS = 4

# Halves may agree by chance, or always, as where every office is in both. Less than this no halves are asked to differ by.
_LEAST_SPREAD = 0.01

_ROLES = {
    "importer_id": "importer",
    "declarant_id": "declarant",
    "seller_id": "seller",
    "courier_id": "courier",
    "office_id": "office",
}
_TITLES = {
    "partners": "{b}s an {a} has, of the source's",
    "concentration": "Concentration on few {a}s (HHI), of the source's",
    "repeated": "Repeated pairs of {a} and {b}, of the source's",
    "entry": "New {a}s of a month, of the source's",
    "exit": "{a}s that do not come back, of the source's",
    "one_month": "{a}s of one month alone, of the source's",
    "communities": "Communities of {a}s and {b}s (modularity), of the source's",
    "degrees": "Number of {b}s an {a} has: KSComplement",
    "chord": "Offices by country of origin: total variation complement",
    "season": "Countries of origin by calendar month: total variation complement",
}


def title_of(name: str) -> str:
    """The title of a statistic, in English."""
    kind, *roles = name.split("|")
    parts = dict(zip("ab", (_ROLES[role] for role in roles), strict=False))
    text = _TITLES[kind].format(**parts)
    return (text[0].upper() + text[1:]).replace("an declarant", "a declarant").replace("an seller", "a seller")


def trade_claims(source: Trade, synthetic: Trade, halves: Sequence[tuple[Trade, Trade]], seed: int) -> list[Claim]:
    """A claim for each statistic.

    Args:
        source, synthetic: the declarations, with numbers that stand for the same values.
        halves: two halves of the source's importers, for each halving, one at least.
        seed: of the search for communities.
    """
    of = [[statistics(half, seed) for half in pair] for pair in halves]
    own, made = statistics(source, seed), statistics(synthetic, seed)
    claims = [
        _ratio(name, made[name], own[name], [(first[name], second[name]) for first, second in of]) for name in own
    ]
    alike = [likenesses(*pair) for pair in halves]
    return claims + [
        _likeness(name, value, [halving[name] for halving in alike])
        for name, value in likenesses(synthetic, source).items()
    ]


def _ratio(name: str, synthetic: float, source: float, halves: Sequence[tuple[float, float]]) -> Claim:
    ratios = [_over(second, first) for first, second in halves]
    spreads = [abs(math.log(ratio)) for ratio in ratios if ratio > 0]
    spread = max(_LEAST_SPREAD, *spreads) if spreads else math.nan
    is_judged = not math.isnan(spread)
    return Claim(
        f"trade_{name}",
        Subject.FIDELITY,
        title_of(name),
        _over(synthetic, source),
        ratios[0],
        at_least=math.exp(-spread) if is_judged else None,
        at_most=math.exp(spread) if is_judged else None,
        note=f"the release has {synthetic:.4g}, the source {source:.4g}",
    )


def _likeness(name: str, value: float, halves: Sequence[float]) -> Claim:
    known = [half for half in halves if not math.isnan(half)]
    return Claim(
        f"trade_{name}",
        Subject.FIDELITY,
        title_of(name),
        value,
        halves[0],
        at_least=min(known) if known else None,
    )


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan


def halvings(source: Trade, importers: pd.Series, seed: int) -> list[tuple[Trade, Trade]]:
    """The source in two halves of its importers, :data:`HALVINGS` times; those with an empty half are left out.

    Args:
        source: the declarations.
        importers: the importer of each declaration.
        seed: the halves derive from it.
    """
    found = []
    for number_of in range(HALVINGS):
        second = in_control(importers, derive_seed(seed, _ASSET, purpose=f"halves {number_of}"))
        if second.any() and not second.all():
            found.append((source.part(~second), source.part(second)))
    return found
