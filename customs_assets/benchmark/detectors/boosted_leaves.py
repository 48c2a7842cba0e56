"""XGBoost, and a logistic regression on the leaves of its trees."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from customs_assets.benchmark.detectors.form import Classifier, ClassifierDetector

_TREES, _DEPTH = 50, 4


class BoostedLeaves(ClassifierDetector):
    """XGBoost finds crossings of attributes; a logistic regression weighs them anew (He et al. 2014, ad clicks at Facebook).

    It is a usual reference of research on customs fraud (Kim et al. 2020, DATE). Nothing of it is drawn.
    """

    name: ClassVar[str] = "boosted_leaves"
    title: ClassVar[str] = "XGBoost + LR"
    seedless: ClassVar[bool] = True

    def classifier(self, seed: int) -> Classifier:
        """Trees and regression as one classifier."""
        return _LeafRegression()


class _LeafRegression:
    """Boosted trees, whose leaves are the 0/1 features of a logistic regression."""

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> object:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import OneHotEncoder
        from xgboost import XGBClassifier

        self._trees = XGBClassifier(n_estimators=_TREES, max_depth=_DEPTH, n_jobs=1, verbosity=0)
        self._trees.fit(X, y)
        self._leaves = OneHotEncoder(handle_unknown="ignore")
        self._regression = LogisticRegression(C=0.1, max_iter=200)
        self._regression.fit(self._leaves.fit_transform(self._trees.apply(X)), y)
        return self

    def predict_proba(self, X: np.ndarray, /) -> np.ndarray:
        return self._regression.predict_proba(self._leaves.transform(self._trees.apply(X)))
