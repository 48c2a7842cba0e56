"""Risk profiles: how often importer, broker, goods, lane and their crossings were fraud before."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd

from customs_assets.benchmark.detectors.form import fraud_scores, train_detector
from customs_assets.benchmark.features import Features
from customs_assets.declaration import STAND_INS

# What has a history: attributes of the form, alone and crossed. ``chapter`` and ``heading`` are the first digits of the code.
_PROFILES: tuple[tuple[str, ...], ...] = (
    ("importer_id",),
    ("declarant_id",),
    ("seller_id",),
    ("courier_id",),
    ("chapter",),
    ("heading",),
    ("hs6_code",),
    ("country_of_origin",),
    ("country_of_origin", "country_of_departure"),
    ("office_id",),
    ("tax_type",),
    ("chapter", "country_of_origin"),
    ("hs6_code", "country_of_origin"),
    ("importer_id", "heading"),
)

PROFILES = tuple(profile for profile in _PROFILES if STAND_INS.keys().isdisjoint(profile))

# Declarations at the general rate that are added to each history: a value that occurred once is hardly risky or safe for it.
_PRIOR = 10.0
_FOLDS = 5


class RiskProfiles:
    """The weighted sum of smoothed fraud histories, much as customs administrations profile risks.

    A history is the share of frauds among a value's training declarations, smoothed towards the general rate, as log-odds. A
    logistic regression weighs the histories. For it, those of training rows are counted on the other four fifths of the rows: a
    row's own label is in none of its histories.
    """

    name: ClassVar[str] = "risk_profiles"
    title: ClassVar[str] = "Risk Profiles"
    seedless: ClassVar[bool] = True

    def fit(self, features: Features, fraud: np.ndarray, seed: int) -> None:
        """Count histories, and weigh them."""
        from sklearn.linear_model import LogisticRegression

        values = _profiled(features)
        folds = np.arange(len(fraud)) % _FOLDS
        held_out = np.zeros((len(fraud), len(PROFILES)))
        for fold in range(_FOLDS):
            inside = folds == fold
            if inside.any() and not inside.all():
                held_out[inside] = _Histories(values[~inside], fraud[~inside]).of(values[inside])
        self._weights = train_detector(LogisticRegression(), held_out, fraud)
        self._histories = _Histories(values, fraud)

    def score(self, features: Features) -> np.ndarray:
        """The probability of fraud."""
        return fraud_scores(self._weights, self._histories.of(_profiled(features)))


class _Histories:
    """The smoothed log-odds of fraud of each value of each profile."""

    def __init__(self, values: pd.DataFrame, fraud: np.ndarray) -> None:
        self._general = (fraud.sum() + 1) / (len(fraud) + 2)
        labels = pd.Series(fraud, index=values.index)
        self._counts = [labels.groupby(values[profile]).agg(["sum", "count"]) for profile in values]

    def of(self, values: pd.DataFrame) -> np.ndarray:
        """Histories of declarations, a column a profile; a value without one has the general rate."""
        columns = []
        for profile, counts in zip(values, self._counts, strict=True):
            rates = (counts["sum"] + _PRIOR * self._general) / (counts["count"] + _PRIOR)
            rate = values[profile].map(rates).fillna(self._general).to_numpy(dtype=np.float64)
            columns.append(np.log(rate / (1 - rate)))
        return np.column_stack(columns)


def _profiled(features: Features) -> pd.DataFrame:
    """The values that have a history, a column a profile, as text."""
    rows = features.declarations
    columns = rows.assign(chapter=rows["hs6_code"].str[:2], heading=rows["hs6_code"].str[:4])
    crossed = {}
    for first, *others in PROFILES:
        texts = columns[first]
        crossed[" x ".join((first, *others))] = texts.str.cat(columns[others], sep="\x1f") if others else texts
    return pd.DataFrame(crossed)
