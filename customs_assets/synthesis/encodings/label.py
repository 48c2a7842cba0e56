"""Fraud and critical fraud as one label of three values, so that they cannot contradict each other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from customs_assets.declaration import LABEL_PAIRS


@dataclass(frozen=True)
class LabelEncoding:
    """The two labels as one of ``normal``, ``fraud``, ``critical``. Nothing is learned."""

    @classmethod
    def fit(cls, labels: pd.DataFrame) -> LabelEncoding:
        """Check that the labels are consistent.

        Raises:
            ValueError: a row has no pair of :data:`declaration.LABEL_PAIRS`.
        """
        pairs = set(map(tuple, labels[["fraud", "critical_fraud"]].drop_duplicates().to_numpy().tolist()))
        if wrong := pairs - set(LABEL_PAIRS.values()):
            expected = sorted(LABEL_PAIRS.values())
            raise ValueError(f"(fraud, critical fraud) must be one of {expected}, not {sorted(wrong)}")
        return cls()

    def encode(self, labels: pd.DataFrame) -> pd.Series:
        """Series of n labels."""
        names = {critical: name for name, (_, critical) in LABEL_PAIRS.items()}
        return labels["critical_fraud"].astype(int).map(names).rename("label")

    def decode(self, encoded: pd.Series) -> pd.DataFrame:
        """Frame of shape (n, 2): ``fraud`` in {0, 1} and ``critical_fraud`` in {0, 1, 2}, int8."""
        pairs = pd.DataFrame.from_dict(LABEL_PAIRS, orient="index", columns=["fraud", "critical_fraud"]).astype("int8")
        return pairs.loc[encoded].set_axis(encoded.index)
