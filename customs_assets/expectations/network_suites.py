"""The suite over the networks' cells: each is whole, as a cell of Table 3 is."""

from __future__ import annotations

from customs_assets.expectations.expect import Examined, between, exactly, row_count, suite
from customs_assets.expectations.validation import Piece

_AGAIN = "Run `customs deep-detectors --force`; if it stays, report it with the run's log."

_SHARES = ("precision_mean", "precision_std", "recall_mean", "duty_recall_mean")


@suite("deep_detectors", "precision", remedy=_AGAIN, key="inspection_rate")
def _networks(examined: Examined) -> Piece:
    """What a network finds at each inspection rate, shares between 0 and 1."""
    from customs_assets.benchmark.cells import RATES

    frame = examined.frame()
    if frame.empty:
        return frame, [row_count(0, "the data set has nothing to learn from; the run's log says what it lacks")]
    return frame, [
        exactly("inspection_rate", RATES, "all inspection rates are there"),
        *(between(name, 0, 1, f"{name} lies between 0 and 1") for name in _SHARES),
    ]


NETWORK_SUITES = (_networks,)
