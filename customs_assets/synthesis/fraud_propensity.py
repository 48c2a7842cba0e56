"""How likely inspection finds fraud in a declaration, learned over all months, so that the release keeps the fraud signal.

A month has a few hundred frauds, too few to learn from what fraud hangs on; the months share this one model of it. Gradient
boosted trees (LightGBM) give every declaration a score; what a score means is read off declarations that the model had not seen
(out-of-fold). A synthetic declaration's label is then drawn at the rate of the source declarations with like scores, of which at
least ``k`` importers stand behind each rate. What belongs here is the model, its calibration and its file; when labels are drawn
is ``month``'s business.

Trees that learn from a finite source blur what they learn, and trees that learn from labels drawn by them blur it again. So the
scores are sharpened: the calibrated log-odds are stretched by the factor at which the same learner, given the declarations as
they may be shown and labels drawn from the stretched rates, finds as much as it finds in the source (indirect inference:
Gourieroux, Monfort and Renault 1993). The share of frauds stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.seeds import Root, derive_rng, derive_seed
from customs_assets.synthesis.encodings.categorical import by_frequency

if TYPE_CHECKING:
    from lightgbm import Booster

ASSET = "fraud_propensity"

# How far the model may go: as many trees as help with declarations that it has not seen, and no more than this.
MOST_TREES = 1000
PATIENCE = 40
LEAVES = 63
LEARNING_RATE = 0.05
FOLDS = 4

# Rows behind each calibrated rate, for each importer that the k rule asks for.
_ROWS_PER_GROUP = 20

# The stretches of the log-odds that are tried, and the trees of the learner that they are tried on: where few trees help,
# detectors at their defaults go on past that point, up to some hundreds.
_STRETCHES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5)
_DETECTOR_TREES = 300

# Shares of the declarations that are inspected, as in Table 3.
_RATES = (0.05, 0.1)

# The shift of the log-odds that keeps the share of frauds is searched for in this many halvings.
_HALVINGS = 40

# Rates are kept this far from 0 and 1, so that log-odds are finite.
_EDGE = 1e-3

_CODED = (
    "office_id",
    "process_type",
    "import_type",
    "import_use",
    "payment_type",
    "mode_of_transport",
    "country_of_departure",
    "country_of_origin",
    "tax_type",
    "country_of_origin_indicator",
    "seller_id_named",
    "courier_id_named",
    "price_given",
)

FEATURES: tuple[str, ...] = (*_CODED, "hs6", "tax_rate", "log_net_mass", "residual", "weekday", "month")


class OfOneKind(ValueError):
    """All declarations are fraud, or none is, so that nothing can be learned of what fraud hangs on."""


@dataclass(frozen=True)
class FraudPropensity:
    """The model and what its scores mean.

    Attributes:
        levels: for each coded attribute its values, the most frequent first; a value's code is its place.
        trees: LightGBM's own text of the model.
        upper: upper bounds of the score's classes, ascending; the last is infinite.
        rates: share of frauds in each class, ascending, in [0, 1].
        stretch: what the log-odds of the rates were stretched by.
    """

    levels: Mapping[str, Sequence[str]]
    trees: str
    upper: np.ndarray
    rates: np.ndarray
    stretch: float

    @classmethod
    def fit(
        cls,
        core: pd.DataFrame,
        importers: np.ndarray,
        *,
        min_group: int,
        root: Root,
        shown: pd.DataFrame | None = None,
    ) -> FraudPropensity:
        """Learn from the labelled declarations of all months.

        Args:
            core: n rows as ``Codec.core`` gives them, of any months.
            importers: n integers, who stands behind each row.
            min_group: importers that each rate must rest on.
            root: what folds and draws derive from.
            shown: the n rows as they may be shown, with generalised tariff tuples; the same rows where None.

        Raises:
            OfOneKind: all rows are fraud, or none is.
        """
        fraud = core["fraud"].to_numpy(dtype=int)
        if len(np.unique(fraud)) < 2:
            raise OfOneKind(f"all {len(fraud)} declarations are of one kind, so what fraud hangs on cannot be learned")
        levels = {name: by_frequency(core[name]) for name in _CODED}
        features = _features(core, levels)
        shown_features = features if shown is None else _features(shown, levels)
        folds = derive_rng(root, ASSET, purpose="folds").integers(0, FOLDS, len(fraud))
        unseen, unseen_shown, trees = _out_of_fold(features, shown_features, fraud, folds, min_group, root)
        upper, rates = _calibrated(unseen, fraud, importers, min_group)
        classes = np.searchsorted(upper, unseen_shown)
        grown, first = max(trees, _DETECTOR_TREES), folds == 0
        scores = unseen if grown == trees else _grown_out_of_fold(features, fraud, folds, grown, min_group, root)
        found = float(np.mean([_precision(scores[folds == fold], fraud[folds == fold]) for fold in range(FOLDS)]))

        def found_at(stretch: float) -> float:
            shares = _stretched(rates, classes, fraud.mean(), stretch)[classes]
            drawn = draw_frauds(shares, derive_rng(root, ASSET, purpose=f"stretch {stretch}")).astype(int)
            again = _train(shown_features[~first], drawn[~first], grown, min_group, root)
            # Counted by the rates that labels are drawn at, which says the same as labels with less noise.
            return _precision(_scores(again, shown_features[first]), shares[first])

        stretch = _matching_stretch(found_at, found)
        booster = _train(features, fraud, trees, min_group, root)
        return cls(levels, booster.model_to_string(), upper, _stretched(rates, classes, fraud.mean(), stretch), stretch)

    def rates_of(self, core: pd.DataFrame) -> np.ndarray:
        """The rate of fraud for each of m rows as ``Codec.decode`` gives them: floats in [0, 1]."""
        from lightgbm import Booster

        scores = _scores(Booster(model_str=self.trees), _features(core, self.levels))
        return self.rates[np.searchsorted(self.upper, scores)]

    def as_json(self) -> dict[str, Any]:
        """The model as JSON; reading it back executes nothing."""
        return {
            "levels": {name: list(values) for name, values in self.levels.items()},
            "trees": self.trees,
            "upper": self.upper[:-1].tolist(),
            "rates": self.rates.tolist(),
            "stretch": self.stretch,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FraudPropensity:
        """The model that :meth:`as_json` wrote."""
        upper = np.array([*content["upper"], np.inf], dtype=float)
        return cls(content["levels"], content["trees"], upper, np.array(content["rates"], float), content["stretch"])


def draw_frauds(rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Booleans, each true with its rate; systematic over the sorted rates, so that their number is as expected."""
    order = np.lexsort([rng.random(len(rates)), rates])
    reached = np.floor(np.cumsum(rates[order]) + rng.random())
    drawn = np.empty(len(rates), dtype=bool)
    drawn[order] = np.diff(reached, prepend=0.0) >= 1 if len(rates) else []
    return drawn


def _features(core: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Matrix of shape (n, features) in the order of :data:`FEATURES`; an unknown value is one code past the known."""
    columns = [
        core[name].map({value: place for place, value in enumerate(levels[name])}).fillna(len(levels[name]))
        for name in _CODED
    ]
    columns += [
        core["hs10_code"].str[:6].astype(float),
        core["tax_rate"].astype(float),
        np.log1p(core["net_mass"].astype(float) * 10.0),
        core["residual"].astype(float),
        core["date"].dt.dayofweek,
        core["date"].dt.year * 12 + core["date"].dt.month,
    ]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _parameters(min_group: int, root: Root) -> dict[str, Any]:
    return {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": LEARNING_RATE,
        "min_data_in_leaf": 4 * min_group,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": derive_seed(root, ASSET, purpose="trees") % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _train(features: np.ndarray, fraud: np.ndarray, trees: int, min_group: int, root: Root) -> Booster:
    import lightgbm

    return lightgbm.train(_parameters(min_group, root), lightgbm.Dataset(features, fraud), num_boost_round=trees)


def _scores(booster: Booster, features: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(features, num_threads=1), dtype=float)


def _out_of_fold(
    features: np.ndarray, shown: np.ndarray, fraud: np.ndarray, folds: np.ndarray, min_group: int, root: Root
) -> tuple[np.ndarray, np.ndarray, int]:
    """The score of each row by a model that did not see it, as it is and as it may be shown, and how many trees help with such
    rows (median of the folds)."""
    import lightgbm

    scores, scores_shown, trees = np.empty(len(fraud)), np.empty(len(fraud)), []
    for fold in range(FOLDS):
        held = folds == fold
        model = lightgbm.train(
            _parameters(min_group, root),
            lightgbm.Dataset(features[~held], fraud[~held]),
            num_boost_round=MOST_TREES,
            valid_sets=[lightgbm.Dataset(features[held], fraud[held])],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        scores[held] = _scores(model, features[held])
        scores_shown[held] = _scores(model, shown[held])
        trees.append(model.best_iteration or MOST_TREES)
    return scores, scores_shown, int(np.median(trees))


def _calibrated(
    scores: np.ndarray, fraud: np.ndarray, importers: np.ndarray, min_group: int
) -> tuple[np.ndarray, np.ndarray]:
    """Classes of the score with rows of ``min_group`` importers at least, and the rate of fraud in each, made monotone."""
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(scores, kind="stable")
    size = max(_ROWS_PER_GROUP * min_group, 1)
    cuts = list(range(size, len(order) - size + 1, size))
    upper, rates, weights, start = [], [], [], 0
    for end in [*cuts, len(order)]:
        rows = order[start:end]
        boundary = end == len(order) or scores[order[end]] > scores[rows[-1]]
        if boundary and (len(np.unique(importers[rows])) >= min_group or end == len(order)):
            upper.append(scores[rows[-1]])
            rates.append(fraud[rows].mean())
            weights.append(len(rows))
            start = end
    upper[-1] = np.inf
    monotone = IsotonicRegression().fit_transform(np.arange(len(rates)), rates, sample_weight=weights)
    return np.array(upper), np.asarray(monotone, dtype=float)


def _stretched(rates: np.ndarray, classes: np.ndarray, mean: float, stretch: float) -> np.ndarray:
    """Rates whose log-odds lie ``stretch`` times as far from each other, moved so that rows of these classes have the mean."""
    inside = np.clip(rates, _EDGE, 1 - _EDGE)
    odds = stretch * np.log(inside / (1 - inside))
    rows = np.bincount(classes, minlength=len(rates))
    low, high = -100.0, 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_low = np.average(_logistic(odds + middle), weights=rows) < mean
        low, high = (middle, high) if too_low else (low, middle)
    return _logistic(odds + high)


def _logistic(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def _grown_out_of_fold(
    features: np.ndarray, fraud: np.ndarray, folds: np.ndarray, trees: int, min_group: int, root: Root
) -> np.ndarray:
    """The score of each row by so many trees that did not see it."""
    scores = np.empty(len(fraud))
    for fold in range(FOLDS):
        held = folds == fold
        scores[held] = _scores(_train(features[~held], fraud[~held], trees, min_group, root), features[held])
    return scores


def _precision(scores: np.ndarray, fraud: np.ndarray) -> float:
    """The share of frauds among the rows of the highest scores, the mean of Table 3's two inspection rates."""
    ranked = fraud[np.argsort(-scores, kind="stable")]
    return float(np.mean([ranked[: max(round(rate * len(ranked)), 1)].mean() for rate in _RATES]))


def _matching_stretch(found_at: Callable[[float], float], found: float) -> float:
    """The stretch at which as much is found as in the source: between the first that finds more and the one before it."""
    before = None
    for stretch in _STRETCHES:
        here = found_at(stretch)
        if here >= found:
            if before is None or here == before[1]:
                return stretch
            share = (found - before[1]) / (here - before[1])
            return float(before[0] + share * (stretch - before[0]))
        before = (stretch, here)
    return _STRETCHES[-1]
