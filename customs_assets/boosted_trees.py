"""LightGBM's classifier, set up so that the same rows give the same model on every machine.

What belongs here are the settings that repetition needs. The size of a forest stands with what it is used for.
"""

from __future__ import annotations

from typing import Any, Literal


def boosted_trees(histograms: Literal["row", "col"] = "row", **settings: Any):
    """An untrained ``LGBMClassifier``: one thread, and one way to build histograms rather than the faster of two by the clock.

    Args:
        histograms: how histograms are built, by row or by column; the sums, and with them the model, differ in the last digits.
        settings: further settings of LightGBM; its defaults elsewhere.
    """
    from lightgbm import LGBMClassifier

    one_way = {f"force_{histograms}_wise": True}
    return LGBMClassifier(n_jobs=1, deterministic=True, verbosity=-1, **one_way, **settings)
