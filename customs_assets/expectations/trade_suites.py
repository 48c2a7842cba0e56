"""The suite over the patterns of trade: each statistic within the spread of two halves of the source. It warns."""

from __future__ import annotations

from customs_assets.claims import from_json
from customs_assets.expectations.evidence_suites import expected_claims
from customs_assets.expectations.expect import Examined, suite
from customs_assets.expectations.validation import Piece

_LOOK = (
    "The evidence report shows each statistic beside its ceiling. What is not kept should not be studied on this "
    "release."
)


@suite("trade_patterns", "goals", remedy=_LOOK, level="warning", key="claim")
def _kept(examined: Examined) -> Piece:
    """Every statistic of the release is within the spread of two halves of the source."""
    return expected_claims(from_json(examined.lake.read_json(examined.asset, examined.partition)["claims"]))


TRADE_SUITES = (_kept,)
