"""Fraud and critical fraud as one ternary label, so that they cannot contradict each other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

# (fraud, critical fraud) by label: no fraud, an ordinary one, a critical one (Table 1).
PAIRS = {"normal": (0, 0), "fraud": (1, 1), "critical": (1, 2)}


@dataclass(frozen=True)
class LabelEncoding:
    """The two labels as one of ``normal``, ``fraud``, ``critical``. Nothing is learned."""

    @classmethod
    def fit(cls, labels: pd.DataFrame) -> LabelEncoding:
        """Check that the labels are consistent.

        Raises:
            ValueError: a row has no pair of :data:`PAIRS`.
        """
        found = set(map(tuple, labels[["fraud", "critical_fraud"]].drop_duplicates().to_numpy().tolist()))
        if strange := found - set(PAIRS.values()):
            raise ValueError(f"(fraud, critical fraud) must be one of {sorted(PAIRS.values())}, not {sorted(strange)}")
        return cls()

    def encode(self, labels: pd.DataFrame) -> pd.Series:
        """Series of n labels."""
        names = {critical: name for name, (_, critical) in PAIRS.items()}
        return labels["critical_fraud"].astype(int).map(names).rename("label")

    def decode(self, encoded: pd.Series) -> pd.DataFrame:
        """Frame of shape (n, 2): ``fraud`` in {0, 1} and ``critical_fraud`` in {0, 1, 2}, int8."""
        return pd.DataFrame(
            {
                "fraud": encoded.map({name: pair[0] for name, pair in PAIRS.items()}).astype("int8"),
                "critical_fraud": encoded.map({name: pair[1] for name, pair in PAIRS.items()}).astype("int8"),
            },
            index=encoded.index,
        )
