"""How hard fraud is to find: what detectors of several depths find, and the stretch of rates at which they find as much.

Rates of fraud come from a model, and a model blurs what it learns. A detector that learns from labels drawn at such rates blurs
it again, and finds less than it would in the source. So the log-odds of the rates are stretched. The factor is found by
indirect inference (Gourieroux, Monfort and Renault 1993): detectors that are trained on the declarations as they may be shown,
with labels drawn from stretched rates, must find as much fraud as those that are trained on the source find there.

One detector would set the stretch to what suits itself. So there is a panel of three: shallow trees, trees at LightGBM's
defaults, and many deep ones. They see what a detector of the benchmark sees, and are tested on other days than they were
trained on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from customs_assets.declaration import HS6, IDENTITIES, RELEASED, Kind
from customs_assets.synthesis.boosted_trees import parameters, scores

# Leaves of a tree, and trees. The second is LightGBM's default.
_PANEL = ((8, 60), (31, 100), (63, 300))
_FEWEST_ROWS_OF_A_LEAF = 20

# Shares of the declarations that are inspected, as in Table 3.
_INSPECTION_RATES = (0.05, 0.1)

# Stretches of time that the declarations fall into. The source is tested on each in turn, drawn labels on the last.
_SPANS = 3

# A stretch is searched for in steps of this factor, from 1, and no further than this from it. Then once more within a step.
_STEP, _FURTHEST = 1.5, 4.0


def detector_table(model_rows: pd.DataFrame, parties: pd.DataFrame | None) -> np.ndarray:
    """What a detector sees of n declarations: codes by their place in order, mass and price as they are.

    Args:
        model_rows: n rows in the form of ``Codec.model_rows``, with their ``item_price``.
        parties: the n rows' :data:`declaration.IDENTITIES`; None leaves them out.

    Returns:
        Matrix of shape (n, features): every released attribute but key, date and labels, as far as the rows have it.
    """
    rows = model_rows.assign(**{HS6.name: model_rows["hs10_code"].str[:6]})
    columns = []
    for attribute in RELEASED:
        if attribute.kind in (Kind.KEY, Kind.DATE, Kind.LABEL):
            continue
        source = parties if attribute.name in IDENTITIES else rows
        if source is None or attribute.name not in source:
            continue
        values = source[attribute.name]
        number = attribute.kind is Kind.NUMBER
        columns.append(values.to_numpy(float) if number else np.unique(values.to_numpy(str), return_inverse=True)[1])
    return np.column_stack(columns).astype(float)


def spans_of(dates: pd.Series) -> np.ndarray:
    """The span of time that each of n declarations falls into, integers from 0: as many rows in each as whole days allow."""
    days = pd.to_datetime(dates).to_numpy()
    bounds = np.sort(days)[[len(days) * place // _SPANS for place in range(1, _SPANS)]]
    return np.searchsorted(bounds, days, side="right")


def found_in_source(table: np.ndarray, fraud: np.ndarray, spans: np.ndarray, seed: int) -> float:
    """The precision of the panel on each span, trained on the others: the mean over spans, detectors and inspection rates.

    Args:
        table: shape (n, features), of :func:`detector_table`.
        fraud: n labels, 0 or 1.
        spans: of :func:`spans_of`.
        seed: of the trees.
    """
    return float(np.mean([_found(table, fraud, fraud, spans == span, seed) for span in np.unique(spans)]))


def found_in_drawn(table: np.ndarray, drawn: np.ndarray, rates: np.ndarray, spans: np.ndarray, seed: int) -> float:
    """The same on the last span, for labels drawn at rates. It is measured by the rates, with less noise than by labels.

    Args:
        table: shape (n, features).
        drawn: n labels, 0 or 1.
        rates: n rates in [0, 1].
        spans: of :func:`spans_of`.
        seed: of the trees.
    """
    return _found(table, drawn, rates, spans == spans.max(), seed)


def _found(table: np.ndarray, labels: np.ndarray, truth: np.ndarray, tested: np.ndarray, seed: int) -> float:
    import lightgbm

    trained = ~tested
    if trained.all() or tested.all() or len(np.unique(labels[trained])) < 2:
        # One day, or labels of one kind: what is trained on is all that there is to be tested on.
        trained = tested = np.ones(len(labels), dtype=bool)
    found = []
    for leaves, trees in _PANEL:
        settings = parameters(seed, _FEWEST_ROWS_OF_A_LEAF, num_leaves=leaves)
        model = lightgbm.train(settings, lightgbm.Dataset(table[trained], labels[trained]), num_boost_round=trees)
        found.append(precision(scores(model, table[tested]), truth[tested]))
    return float(np.mean(found))


def precision(score: np.ndarray, fraud: np.ndarray) -> float:
    """The share of frauds among the rows of the highest scores, the mean over Table 3's two inspection rates."""
    ranked = fraud[np.argsort(-score, kind="stable")]
    return float(np.mean([ranked[: max(round(rate * len(ranked)), 1)].mean() for rate in _INSPECTION_RATES]))


def matching_stretch(found_at: Callable[[float], float], in_source: float) -> float:
    """The stretch at which as much is found as in the source, from 1/4 to 4.

    What is found rises with the stretch, but for noise. It is searched for upwards or downwards from 1, in steps of half as much
    again, then once within the step that holds it; the last two stretches about it are joined by a line.
    """
    low = high = 1.0
    below = above = found_at(1.0)
    while above < in_source and high < _FURTHEST:
        low, below = high, above
        high = min(high * _STEP, _FURTHEST)
        above = found_at(high)
    while below > in_source and low > 1 / _FURTHEST:
        high, above = low, below
        low = max(low / _STEP, 1 / _FURTHEST)
        below = found_at(low)
    if above <= in_source or below >= in_source:
        return high if above <= in_source else low
    middle = _between(low, below, high, above, in_source)
    there = found_at(middle)
    if there < in_source:
        return _between(middle, there, high, above, in_source)
    return _between(low, below, middle, there, in_source)


def _between(low: float, below: float, high: float, above: float, wanted: float) -> float:
    """Where a line from ``(low, below)`` to ``(high, above)`` reaches what is wanted; the middle where it is level."""
    share = (wanted - below) / (above - below) if above > below else 0.5
    return low + min(max(share, 0.0), 1.0) * (high - low)
