"""The suite over the weeks of inspection: every share is one, nothing beats the optimum, and a cell without weeks says why."""

from __future__ import annotations

from typing import Any

import pandas as pd

from customs_assets.expectations.expect import Examined, between, in_set, suite
from customs_assets.expectations.validation import Piece
from customs_assets.weeks.cell import Plan
from customs_assets.weeks.simulation import ASSET

_AGAIN = "Run `customs weeks --force`; if it stays, report it with the run's log."
_SHARES = ("precision", "recall", "revenue", "optimum", "revenue_optimum", "explored", "drift")


@suite(ASSET, "every_week", remedy=_AGAIN, key="measure")
def _every_week(examined: Examined) -> Piece:
    """Every regime has every week, each share lies between 0 and 1; or the cell says why nothing was simulated."""
    cell = examined.lake.read_json(examined.asset, examined.partition)
    names = Plan(1.0, 1, 0).regimes
    rows = pd.DataFrame(
        {"measure": f"{name} {measure}", **_told(cell, name, measure)} for name in names for measure in _SHARES
    )
    return rows, [
        in_set("there", ["yes", "no, and why"], "every week is there, or the reason why there is none"),
        between("least", 0, 1, "no share is below 0"),
        between("most", 0, 1 + 1e-9, "no share is above 1: nothing finds more than the optimum"),
    ]


def _told(cell: dict[str, Any], regime: str, measure: str) -> dict[str, Any]:
    if cell["reason"]:
        return {"there": "no, and why", "least": 0.0, "most": 0.0}
    values = cell["regimes"][regime]["by_week"][measure] if regime in cell["regimes"] else []
    known = [value for value in values if value is not None]
    there = "yes" if len(values) == len(cell["starts"]) else "no"
    return {"there": there, "least": min(known, default=0.0), "most": max(known, default=0.0)}


WEEKS_SUITES = (_every_week,)
