"""How likely inspection finds fraud in a declaration, learned over all months, so that the release keeps the fraud signal.

A month has a few hundred frauds, too few to learn what fraud depends on, so the months share what they learn. Gradient boosted
trees (LightGBM) give every declaration a score. Of a product code that may not be shown they see the heading alone. The importers
are in four folds, and there is a model for each, which has not seen the fold's importers. Their declarations tell what a score
means. A synthetic declaration is scored by the model that has not seen the importer whose goods it has. So no label repeats what
a model knows by heart. The label is then drawn at the rate of the declarations with similar scores, more often or less as its
parties lean (``leanings.py``). At least ``k`` importers stand behind each rate. The models, their calibration and their file
belong here.

Trees that learn from a finite source blur what they learn, and trees that learn from labels drawn by them blur it again. So the
rates are sharpened: their log-odds are stretched. The factor is found by indirect inference (Gourieroux, Monfort and Renault
1993): the same learner is given the declarations as they may be shown, with labels drawn from stretched rates, and must find as
much fraud as it finds in the source, whatever the parties lean. The share of frauds stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.disclosure.parts import FOLD, FOLDS
from customs_assets.seeds import Root, derive_rng, derive_seed
from customs_assets.synthesis.boosted_trees import parameters, scores
from customs_assets.synthesis.codec import CODES, FLAGS
from customs_assets.synthesis.leanings import estimated_leanings, leaning_of
from customs_assets.synthesis.row_features import by_frequency, row_features

if TYPE_CHECKING:
    from lightgbm import Booster

ASSET = "fraud_propensity"


# The model has as many trees as help with declarations that it has not seen, and no more than this.
MOST_TREES = 1000
PATIENCE = 40
LEAVES = 63
LEARNING_RATE = 0.05

# Rows behind each calibrated rate, as a multiple of k.
_ROWS_PER_GROUP = 20

# The stretches of the log-odds that are tried, and the least number of trees they are tried with: a detector at its defaults
# grows some hundreds, also where few trees help.
_STRETCHES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5)
_DETECTOR_TREES = 300

# Shares of the declarations that are inspected, as in Table 3.
_INSPECTION_RATES = (0.05, 0.1)

# The shift of the log-odds that keeps the share of frauds is searched for in this many halvings.
_HALVINGS = 40

# Rates are kept this far from 0 and 1, so that log-odds are finite.
_EDGE = 1e-3

_LEVELLED = (*CODES, *FLAGS)
_FEATURES = (*_LEVELLED, "hs6_code", "tax_rate", "net_mass", "residual", "weekday", "month")


class OfOneKind(ValueError):
    """All declarations are fraud, or none is, so that nothing can be learned of what fraud depends on."""


@dataclass(frozen=True)
class FraudPropensity:
    """The models and what their scores mean.

    Attributes:
        levels: for each coded column its values, the most frequent first. A value's code is its place.
        codes: the product codes that the models tell apart; of others they see the heading.
        trees: LightGBM's own text of the model of each fold.
        upper: upper bounds of the score's classes, ascending; the last is infinite.
        rates: share of frauds in each class, ascending, in [0, 1].
        stretch: what the log-odds of the rates were stretched by.
        leanings: by role, how widely its parties differ in their leaning to fraud: a variance of log-odds.
    """

    levels: Mapping[str, Sequence[str]]
    codes: Sequence[str]
    trees: Sequence[str]
    upper: np.ndarray
    rates: np.ndarray
    stretch: float
    leanings: Mapping[str, float]

    @classmethod
    def fit(
        cls,
        model_rows: pd.DataFrame,
        importers: np.ndarray,
        *,
        codes: Sequence[str],
        min_group: int,
        root: Root,
        releasable: pd.DataFrame | None = None,
        parties: pd.DataFrame | None = None,
    ) -> FraudPropensity:
        """Learn from the labelled declarations of all months.

        Args:
            model_rows: n rows in the form of ``Codec.model_rows``, with their :data:`FOLD`, of any months.
            importers: n integers, who stands behind each row.
            codes: the product codes that may be shown.
            min_group: importers that each rate must rest on.
            root: what draws derive from.
            releasable: the n rows as they may be shown, with the :data:`FOLD` of the goods that they have; None means the same
                rows.
            parties: the n rows' :data:`declaration.IDENTITIES`; where None, nobody leans.

        Raises:
            OfOneKind: all rows are fraud, or none is.
        """
        fraud = model_rows["fraud"].to_numpy(dtype=int)
        if len(np.unique(fraud)) < 2:
            raise OfOneKind(
                f"all {len(fraud)} declarations are of one kind, so what fraud depends on cannot be learned"
            )
        levels = {name: by_frequency(model_rows[name]) for name in _LEVELLED}
        features = _features(model_rows, levels, codes)
        shown = features if releasable is None else _features(releasable, levels, codes)
        own_folds = model_rows[FOLD].to_numpy(dtype=int)
        folds = _usable_folds(own_folds, fraud)

        def train(table: np.ndarray, labels: np.ndarray, seen: np.ndarray, trees: int) -> Booster:
            return _train(table[seen], labels[seen], trees, min_group, root)

        def train_while_it_helps(seen: np.ndarray) -> Booster:
            return _train(features[seen], fraud[seen], MOST_TREES, min_group, root, (features[~seen], fraud[~seen]))

        models = [train_while_it_helps(folds != fold) for fold in range(FOLDS)]
        unseen = _out_of_fold(models, features, folds)
        upper, rates = _calibrated(unseen, fraud, importers, min_group)
        own_rates = rates[np.searchsorted(upper, unseen)]
        leanings = {} if parties is None else estimated_leanings(parties, fraud, own_rates)
        leaning = np.zeros(len(fraud)) if parties is None else leaning_of(parties, leanings, root)
        # What is shown is told in the fold of the goods that it has, as in a release.
        told = folds if releasable is None or folds is not own_folds else releasable[FOLD].to_numpy(dtype=int)
        classes = np.searchsorted(upper, _out_of_fold(models, shown, told))
        grown = max(int(np.median([model.best_iteration or MOST_TREES for model in models])), _DETECTOR_TREES)
        unseen = _out_of_fold([train(features, fraud, folds != fold, grown) for fold in range(FOLDS)], features, folds)
        in_source = np.mean([_precision(unseen[folds == fold], fraud[folds == fold]) for fold in range(FOLDS)])
        first = folds == 0

        def found_at(stretch: float) -> float:
            shares = leaned(_stretched(rates, classes, fraud.mean(), stretch)[classes], leaning)
            drawn = draw_frauds(shares, derive_rng(root, ASSET, purpose=f"stretch {stretch}")).astype(int)
            model = train(shown, drawn, ~first, grown)
            # Measured by the rates that labels are drawn at: it says the same as labels, with less noise.
            return _precision(scores(model, shown[first]), shares[first])

        stretch = _matching_stretch(found_at, float(in_source))
        rates = _stretched(rates, classes, fraud.mean(), stretch)
        return cls(levels, sorted(codes), [_text(model) for model in models], upper, rates, stretch, leanings)

    def rates_of(self, model_rows: pd.DataFrame) -> np.ndarray:
        """The rate of fraud for each of m model rows, floats in [0, 1].

        A row that has a :data:`FOLD` is scored by the model of that fold, any other by all.
        """
        from lightgbm import Booster

        features = _features(model_rows, self.levels, self.codes)
        models = [Booster(model_str=trees) for trees in self.trees]
        if FOLD in model_rows:
            score = _out_of_fold(models, features, model_rows[FOLD].to_numpy(dtype=int))
        else:
            score = np.mean([scores(model, features) for model in models], axis=0)
        return self.rates[np.searchsorted(self.upper, score)]

    def as_json(self) -> dict[str, Any]:
        """The model as JSON. Reading it back executes nothing."""
        return {
            "levels": {name: list(values) for name, values in self.levels.items()},
            "codes": list(self.codes),
            "trees": list(self.trees),
            "upper": self.upper[:-1].tolist(),
            "rates": self.rates.tolist(),
            "stretch": self.stretch,
            "leanings": dict(self.leanings),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FraudPropensity:
        """The model that :meth:`as_json` wrote."""
        upper = np.array([*content["upper"], np.inf], dtype=float)
        return cls(
            content["levels"],
            content["codes"],
            content["trees"],
            upper,
            np.array(content["rates"], float),
            content["stretch"],
            content["leanings"],
        )


def _usable_folds(folds: np.ndarray, fraud: np.ndarray) -> np.ndarray:
    """The folds, or where importers are so few that a model would have nothing to learn or to be judged by, the rows in turn."""
    kinds = [np.unique(fraud[folds != fold]).size for fold in range(FOLDS)]
    judged = [np.any(folds == fold) for fold in range(FOLDS)]
    return folds if min(kinds) == 2 and all(judged) else np.arange(len(folds)) % FOLDS


def _text(model: Booster) -> str:
    """LightGBM's text of a model, cut to the trees that help."""
    return model.model_to_string(num_iteration=model.best_iteration or None)


def draw_frauds(rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Booleans, each true with its rate. The draw is systematic over the sorted rates, so that their number is as expected."""
    order = np.lexsort([rng.random(len(rates)), rates])
    reached = np.floor(np.cumsum(rates[order]) + rng.random())
    drawn = np.empty(len(rates), dtype=bool)
    drawn[order] = np.diff(reached, prepend=0.0) >= 1 if len(rates) else []
    return drawn


def _features(model_rows: pd.DataFrame, levels: Mapping[str, Sequence[str]], codes: Sequence[str]) -> np.ndarray:
    code = model_rows["hs10_code"].str[:6]
    seen = model_rows.assign(hs10_code=np.where(code.isin(codes), code, code.str[:4] + "00"))
    features = row_features(seen, levels)
    return np.column_stack([features[name] for name in _FEATURES])


def _train(
    features: np.ndarray,
    fraud: np.ndarray,
    trees: int,
    min_group: int,
    root: Root,
    held_out: tuple[np.ndarray, np.ndarray] | None = None,
) -> Booster:
    """So many trees; with rows held out, no more than help with these."""
    import lightgbm

    stopping: dict[str, Any] = {}
    if held_out is not None:
        stopping["valid_sets"] = [lightgbm.Dataset(*held_out)]
        stopping["callbacks"] = [lightgbm.early_stopping(PATIENCE, verbose=False)]
    settings = parameters(
        derive_seed(root, ASSET, purpose="trees"),
        4 * min_group,
        num_leaves=LEAVES,
        learning_rate=LEARNING_RATE,
        feature_fraction=0.8,
        bagging_fraction=0.8,
        bagging_freq=1,
    )
    return lightgbm.train(settings, lightgbm.Dataset(features, fraud), num_boost_round=trees, **stopping)


def _out_of_fold(models: Sequence[Booster], features: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The score of each row by the model that did not see its fold."""
    unseen = np.empty(len(features))
    for fold in np.unique(folds):
        unseen[folds == fold] = scores(models[fold], features[folds == fold])
    return unseen


def _calibrated(
    unseen: np.ndarray, fraud: np.ndarray, importers: np.ndarray, min_group: int
) -> tuple[np.ndarray, np.ndarray]:
    """Classes of the score with rows of at least ``min_group`` importers, and the rate of fraud in each, made monotone."""
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(unseen, kind="stable")
    size = max(_ROWS_PER_GROUP * min_group, 1)
    upper, rates, weights, start = [], [], [], 0
    for end in [*range(size, len(order) - size + 1, size), len(order)]:
        rows = order[start:end]
        boundary = end == len(order) or unseen[order[end]] > unseen[rows[-1]]
        if boundary and (len(np.unique(importers[rows])) >= min_group or end == len(order)):
            upper.append(unseen[rows[-1]])
            rates.append(fraud[rows].mean())
            weights.append(len(rows))
            start = end
    upper[-1] = np.inf
    monotone = IsotonicRegression().fit_transform(np.arange(len(rates)), rates, sample_weight=weights)
    return np.array(upper), np.asarray(monotone, dtype=float)


def _stretched(rates: np.ndarray, classes: np.ndarray, mean: float, stretch: float) -> np.ndarray:
    """Rates whose log-odds lie ``stretch`` times as far from each other, shifted so that rows of these classes have the mean."""
    return _with_mean(stretch * _log_odds(rates), mean, np.bincount(classes, minlength=len(rates)))


def leaned(rates: np.ndarray, leaning: np.ndarray) -> np.ndarray:
    """The rates of m rows, each moved by its leaning in log-odds, and together so that their mean stays."""
    if not len(rates) or not leaning.any():
        return rates
    return _with_mean(_log_odds(rates) + leaning, float(rates.mean()), np.ones(len(rates)))


def _log_odds(rates: np.ndarray) -> np.ndarray:
    inside = np.clip(rates, _EDGE, 1 - _EDGE)
    return np.log(inside / (1 - inside))


def _with_mean(odds: np.ndarray, mean: float, weights: np.ndarray) -> np.ndarray:
    """The rates of log-odds that are shifted so far that their weighted mean is the one that is asked for."""

    def logistic(odds: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-odds))

    low, high = -100.0, 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_low = np.average(logistic(odds + middle), weights=weights) < mean
        low, high = (middle, high) if too_low else (low, middle)
    return logistic(odds + high)


def _precision(score: np.ndarray, fraud: np.ndarray) -> float:
    """The share of frauds among the rows of the highest scores, the mean over Table 3's two inspection rates."""
    ranked = fraud[np.argsort(-score, kind="stable")]
    return float(np.mean([ranked[: max(round(rate * len(ranked)), 1)].mean() for rate in _INSPECTION_RATES]))


def _matching_stretch(found_at: Callable[[float], float], in_source: float) -> float:
    """The stretch at which as much is found as in the source: between the first that finds more and the one before it."""
    before = None
    for stretch in _STRETCHES:
        here = found_at(stretch)
        if here >= in_source:
            if before is None or here == before[1]:
                return stretch
            share = (in_source - before[1]) / (here - before[1])
            return float(before[0] + share * (stretch - before[0]))
        before = (stretch, here)
    return _STRETCHES[-1]
