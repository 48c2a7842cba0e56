"""The suite over the league: an entry has every score, or says why it has none."""

from __future__ import annotations

import math

import pandas as pd

from customs_assets.expectations.expect import Examined, between, in_set, suite
from customs_assets.expectations.validation import Piece
from customs_assets.league.cell import SCORES, SHARES

_AGAIN = "Run `customs league --force`; if it stays, report it with the run's log."


@suite("synthesizer_league", "every_score", remedy=_AGAIN, key="score")
def _every_score(examined: Examined) -> Piece:
    """An entry has every score or says why no model could be fitted, and each share lies between 0 and 1."""
    made = examined.lake.read_json(examined.asset, examined.partition)
    rows = pd.DataFrame(
        {"score": f"{part} {name}", "there": "yes" if name in made[part] else "no", "share": _share(made[part], name)}
        for part, names in SCORES.items()
        for name in names
    )
    if made["reason"]:
        rows["there"] = "no, and why"
    return rows, [
        in_set("there", ["yes", "no, and why"], "every score is there, or the reason why there is none"),
        between("share", 0, 1, "a share lies between 0 and 1"),
    ]


def _share(scores: dict[str, float | None], name: str) -> float:
    value = scores.get(name)
    return 0.0 if name not in SHARES or value is None or math.isnan(value) else value


LEAGUE_SUITES = (_every_score,)
