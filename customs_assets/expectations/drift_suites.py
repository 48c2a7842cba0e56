"""The suites over drift: that a month was counted whole, and that it is like the months before it.

The bounds of the second are learned from history, so there is none in a source's first months. It never blocks: what differs may
be the trade itself, and a person decides. Alerts repeat its sentences outside the administration, so they hold no value.
"""

from __future__ import annotations

import pandas as pd

from customs_assets.declaration import ATTRIBUTES, Kind
from customs_assets.drift.verdicts import Standing
from customs_assets.expectations.expect import Examined, between, in_set, suite
from customs_assets.expectations.validation import Piece

_LOOK = (
    "Look at the month's files before anything of it is published: the measures stand with their bounds in the month's drift and "
    "on the evidence page. Where the source is at fault, have it delivered again and run again; where the trade has changed, "
    "nothing needs to be done: from the next month on it counts as the new level."
)


@suite("month_counts", "everything_counted", key="attribute")
def _counted(examined: Examined) -> Piece:
    """Every code, label and day of the month was counted: of each attribute as many as there are declarations."""
    raw = examined.lake.read_table("raw_declarations", examined.partition, ["date"]).num_rows
    counts = examined.frame()
    by_rows = {"day", "rows", *(a.name for a in ATTRIBUTES if a.kind in (Kind.CODE, Kind.LABEL))}
    counted = counts[counts["attribute"].isin(by_rows)].groupby("attribute")["number"].sum()
    sums = pd.DataFrame({"attribute": counted.index, "number": counted.to_numpy()})
    return sums, [
        in_set("number", [float(raw)], f"of every attribute {raw} cells are counted, those of raw_declarations")
    ]


@suite("drift", "as_the_months_before", remedy=_LOOK, level="warning", key="month")
def _as_before(examined: Examined) -> Piece:
    """The month is like the months before it, as far as they tell: volume, codes, prices, labels, rows set aside."""
    document = examined.lake.read_json(examined.asset, examined.partition)
    judged = [one for one in document["measures"] if one["standing"] != Standing.NO_HISTORY]
    expected, values = [], {"month": document["month"]}
    for one in judged:
        # A new level was told when it began.
        is_told = one["standing"] == Standing.TOLD
        hint = f" ({one['hint']})" if is_told and one["hint"] else ""
        sentence = f"{one['title']} is as the months before let expect{hint}"
        values[one["measure"]] = one["value"] if is_told or one["standing"] == Standing.AS_BEFORE else one["expected"]
        expected.append(between(one["measure"], one["low"], one["high"], sentence))
    no_history = "the month's counts are there; it has no history yet"
    return pd.DataFrame([values]), expected or [in_set("month", [document["month"]], no_history)]


DRIFT_SUITES = (_counted, _as_before)
