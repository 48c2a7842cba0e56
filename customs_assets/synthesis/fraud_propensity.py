"""How likely inspection finds fraud in a declaration, learned over all months, so that the release keeps the fraud signal.

A month has a few hundred frauds, too few to learn what fraud depends on, so the months share what they learn. Gradient boosted
trees (LightGBM) give every declaration a score. They see histories of goods and lanes, too (``histories.py``). Of a product code
that too few inspected importers have they see the heading alone. The importers are in four folds, and there is a model for each,
which has not seen the fold's importers. A synthetic declaration is scored by the model that has not seen the importer whose goods
it has. So no label repeats what a model knows by heart. The label is then drawn at the rate of the declarations with similar
scores, more often or less as its parties lean (``leanings.py``). At least ``k`` importers stand behind each rate. The models,
their rates and their file belong here.

The trees are deep, and as many as a detector grows. Fewer would predict better, because they leave out what is uncertain. But
what deep trees find and shallow ones do not is then missing from the labels, and detectors of all depths do alike. Deep trees
put in its place something as fine, part of it true and part of it chance, as a draw from what is uncertain would (Rubin 1993:
synthetic values are drawn, not predicted). How far the rates lie apart is set so that detectors find as much as in the source
(``difficulty.py``). The share of frauds stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from customs_assets.disclosure.parts import FOLD, FOLDS
from customs_assets.seeds import Root, derive_rng, derive_seed
from customs_assets.synthesis.boosted_trees import parameters, scores
from customs_assets.synthesis.codec import CODES, FLAGS
from customs_assets.synthesis.difficulty import (
    detector_table,
    found_in_drawn,
    found_in_source,
    matching_stretch,
    spans_of,
)
from customs_assets.synthesis.histories import PROFILES, Histories
from customs_assets.synthesis.leanings import estimated_leanings, leaning_of
from customs_assets.synthesis.row_features import by_frequency, row_features

if TYPE_CHECKING:
    from lightgbm import Booster

ASSET = "fraud_propensity"


# The size of a model: so many trees, with so many leaves.
TREES = 300
LEAVES = 63
LEARNING_RATE = 0.1

# Rows behind each rate, as a multiple of k.
_ROWS_PER_GROUP = 20

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
        rates: rate of fraud in each class, ascending, in [0, 1].
        stretch: what the mean log-odds of the classes' scores were stretched by.
        leanings: by role, how widely its parties differ in their leaning to fraud: a variance of log-odds.
        histories: of the declarations that the model of each fold was trained on.
    """

    levels: Mapping[str, Sequence[str]]
    codes: Sequence[str]
    trees: Sequence[str]
    upper: np.ndarray
    rates: np.ndarray
    stretch: float
    leanings: Mapping[str, float]
    histories: Sequence[Histories] = ()

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
            model_rows: n rows in the form of ``Codec.model_rows``, with ``item_price`` and their :data:`FOLD`, of any months.
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
        rows = model_rows if releasable is None else releasable
        seen = _seen(model_rows, codes)
        shown = seen if releasable is None else _seen(releasable, codes)
        features = _features(seen, levels)
        features_shown = features if releasable is None else _features(shown, levels)
        own_folds = model_rows[FOLD].to_numpy(dtype=int)
        folds = _usable_folds(own_folds, fraud)

        past = _Past(seen, fraud, importers, folds, min_group)
        models = []
        for fold in range(FOLDS):
            taught = folds != fold
            table = np.column_stack([features, past.in_training(fold)])[taught]
            models.append(_train(table, fraud[taught], min_group, root))
        histories = [past.without(fold) for fold in range(FOLDS)]
        unseen = _out_of_fold(models, histories, features, seen, folds)
        upper, odds, shares = _classes(unseen, fraud, importers, min_group)
        own_rates = shares[np.searchsorted(upper, unseen)]
        leanings = {} if parties is None else estimated_leanings(parties, fraud, own_rates)
        leaning = np.zeros(len(fraud)) if parties is None else leaning_of(parties, leanings, root)
        # What is shown is told in the fold of the goods that it has, as in a release.
        told = folds if releasable is None or folds is not own_folds else releasable[FOLD].to_numpy(dtype=int)
        classes = np.searchsorted(upper, _out_of_fold(models, histories, features_shown, shown, told))
        spans, seed = spans_of(model_rows["date"]), derive_seed(root, ASSET, purpose="panel of detectors")
        before_detectors = detector_table(rows, parties)

        def found_at(stretch: float) -> float:
            rates = leaned(_stretched(odds, classes, fraud.mean(), stretch)[classes], leaning)
            drawn = draw_frauds(rates, derive_rng(root, ASSET, purpose=f"stretch {stretch}")).astype(int)
            return found_in_drawn(before_detectors, drawn, rates, spans, seed)

        in_source = found_in_source(detector_table(model_rows, parties), fraud, spans, seed)
        stretch = matching_stretch(found_at, in_source)
        rates = _stretched(odds, classes, fraud.mean(), stretch)
        trees = [model.model_to_string() for model in models]
        return cls(levels, sorted(codes), trees, upper, rates, stretch, leanings, histories)

    @classmethod
    def constant(cls, fraud: pd.Series) -> FraudPropensity:
        """The model of labels of one kind: every declaration has that label.

        Args:
            fraud: the labels, 0 or 1, of all months.

        Raises:
            ValueError: there are both kinds, or none.
        """
        if (kinds := fraud.unique()).size != 1:
            raise ValueError(f"labels of {kinds.size} kinds have no constant rate")
        rate = np.array([float(fraud.iloc[0])])
        return cls({}, (), (), np.array([np.inf]), rate, stretch=1.0, leanings={})

    def rates_of(self, model_rows: pd.DataFrame) -> np.ndarray:
        """The rate of fraud for each of m model rows, floats in [0, 1].

        A row that has a :data:`FOLD` is scored by the model of that fold, any other by all.
        """
        if not self.trees:
            return np.full(len(model_rows), self.rates[0])
        from lightgbm import Booster

        models = [Booster(model_str=trees) for trees in self.trees]
        seen = _seen(model_rows, self.codes)
        features = _features(seen, self.levels)
        if FOLD in model_rows:
            score = _out_of_fold(models, self.histories, features, seen, model_rows[FOLD].to_numpy(dtype=int))
        else:
            of_each = zip(models, self.histories, strict=True)
            score = np.mean(
                [scores(model, np.column_stack([features, past.of(seen)])) for model, past in of_each], axis=0
            )
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
            "histories": [histories.as_json() for histories in self.histories],
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
            [Histories.from_json(tables) for tables in content["histories"]],
        )


def _usable_folds(folds: np.ndarray, fraud: np.ndarray) -> np.ndarray:
    """The folds, or where importers are so few that a model would have nothing to learn or to be judged by, the rows in turn."""
    kinds = [np.unique(fraud[folds != fold]).size for fold in range(FOLDS)]
    judged = [np.any(folds == fold) for fold in range(FOLDS)]
    return folds if min(kinds) == 2 and all(judged) else np.arange(len(folds)) % FOLDS


def draw_frauds(rates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Booleans, each true with its rate. The draw is systematic over the sorted rates, so that their number is as expected."""
    order = np.lexsort([rng.random(len(rates)), rates])
    reached = np.floor(np.cumsum(rates[order]) + rng.random())
    drawn = np.empty(len(rates), dtype=bool)
    drawn[order] = np.diff(reached, prepend=0.0) >= 1 if len(rates) else []
    return drawn


def _seen(model_rows: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """The rows as the models see them: of product codes that they do not tell apart, the heading."""
    code = model_rows["hs10_code"].str[:6]
    return model_rows.assign(hs10_code=np.where(code.isin(codes), code, code.str[:4] + "00"))


def _features(seen: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> np.ndarray:
    features = row_features(seen, levels)
    return np.column_stack([features[name] for name in _FEATURES])


def _train(features: np.ndarray, fraud: np.ndarray, min_group: int, root: Root) -> Booster:
    import lightgbm

    settings = parameters(
        derive_seed(root, ASSET, purpose="trees"),
        4 * min_group,
        num_leaves=LEAVES,
        learning_rate=LEARNING_RATE,
        feature_fraction=0.8,
    )
    return lightgbm.train(settings, lightgbm.Dataset(features, fraud), num_boost_round=TREES)


class _Past:
    """The histories that a model may see of the declarations it is trained on: none has the row's own fold in it.

    Else a row's history would have its own label, and the model would trust histories more than it may.
    """

    def __init__(
        self, rows: pd.DataFrame, fraud: np.ndarray, importers: np.ndarray, folds: np.ndarray, min_group: int
    ) -> None:
        self._rows, self._fraud, self._importers = rows.reset_index(drop=True), fraud, importers
        self._folds, self._min_group = folds, min_group
        self._known: dict[frozenset[int], Histories] = {}

    def without(self, *left_out: int) -> Histories:
        """The histories of all folds but some. Two models ask for each pair of folds, so they are kept."""
        folds = frozenset(left_out)
        if folds not in self._known:
            kept = ~np.isin(self._folds, left_out)
            self._known[folds] = Histories.of_declarations(
                self._rows[kept], self._fraud[kept], self._importers[kept], self._min_group
            )
        return self._known[folds]

    def in_training(self, left_out: int) -> np.ndarray:
        """What the model without a fold sees of each of n rows; 0 for the rows of that fold."""
        table = np.zeros((len(self._rows), len(PROFILES)))
        for fold in np.unique(self._folds):
            if fold != left_out:
                here = self._folds == fold
                table[here] = self.without(left_out, int(fold)).of(self._rows[here])
        return table


def _out_of_fold(
    models: Sequence[Booster],
    histories: Sequence[Histories],
    features: np.ndarray,
    rows: pd.DataFrame,
    folds: np.ndarray,
) -> np.ndarray:
    """The score of each row by the model that did not see its fold, and the histories that it was trained on."""
    unseen = np.empty(len(features))
    for fold in np.unique(folds):
        here = folds == fold
        unseen[here] = scores(models[fold], np.column_stack([features[here], histories[fold].of(rows[here])]))
    return unseen


def _classes(
    unseen: np.ndarray, fraud: np.ndarray, importers: np.ndarray, min_group: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes of the score with rows of at least ``min_group`` importers.

    Returns:
        Each class's upper bound, the mean log-odds of its scores, and its share of frauds, made monotone.
    """
    from sklearn.isotonic import IsotonicRegression

    order = np.argsort(unseen, kind="stable")
    size = max(_ROWS_PER_GROUP * min_group, 1)
    upper, odds, shares, weights, start = [], [], [], [], 0
    for end in [*range(size, len(order) - size + 1, size), len(order)]:
        rows = order[start:end]
        boundary = end == len(order) or unseen[order[end]] > unseen[rows[-1]]
        if boundary and (len(np.unique(importers[rows])) >= min_group or end == len(order)):
            upper.append(unseen[rows[-1]])
            odds.append(_log_odds(unseen[rows]).mean())
            shares.append(fraud[rows].mean())
            weights.append(len(rows))
            start = end
    upper[-1] = np.inf
    monotone = IsotonicRegression().fit_transform(np.arange(len(shares)), shares, sample_weight=weights)
    return np.array(upper), np.array(odds), np.asarray(monotone, dtype=float)


def _stretched(odds: np.ndarray, classes: np.ndarray, mean: float, stretch: float) -> np.ndarray:
    """Rates whose log-odds lie ``stretch`` times as far from each other, shifted so that rows of these classes have the mean."""
    return _with_mean(stretch * odds, mean, np.bincount(classes, minlength=len(odds)))


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
