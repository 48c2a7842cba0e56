"""Net mass on a log scale, with its zero and its heaps restored when it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import BY_NAME
from customs_assets.disclosure.bands import Bands
from customs_assets.seeds import Root

# Masses are declared down to 0.1 kg and less: the scale is nearly linear below this mass (kg) and logarithmic above.
_LINEAR_BELOW = 0.1

# The least positive amount that people write.
_LEAST_WRITTEN = 0.001


@dataclass(frozen=True)
class MassEncoding:
    """Net mass in kg as log(1 + mass / 0.1 kg), a number between 0 and about 22.

    Attributes:
        masses: the month's distinct masses, sorted. Decoding goes to the nearest of them, and shows it by way of the bands alone.
        bands: which of them may be shown as they are, and what others are drawn from.
    """

    masses: np.ndarray
    bands: Bands

    @classmethod
    def fit(
        cls,
        masses: pd.Series,
        importers: pd.Series,
        min_group: int,
        heaps: np.ndarray | None = None,
        root: Root | None = None,
    ) -> MassEncoding:
        """Learn from a column of n masses (kg) and the n importers who declared them, as :meth:`Bands.fit` does."""
        return cls(np.unique(masses.to_numpy(dtype=float)), Bands.fit(masses, importers, min_group, heaps, root=root))

    def encode(self, masses: pd.Series) -> pd.Series:
        """Series of n numbers, increasing with the mass."""
        return pd.Series(np.log1p(masses.to_numpy() / _LINEAR_BELOW), index=masses.index, name="log_net_mass")

    def decode(self, encoded: pd.Series, rng: np.random.Generator) -> pd.Series:
        """Masses in kg: each number goes to the nearest mass of the month, which is then blurred."""
        scale, drafted = np.log1p(self.masses / _LINEAR_BELOW), encoded.to_numpy()
        above = np.clip(np.searchsorted(scale, drafted), min(1, len(scale) - 1), len(scale) - 1)
        below = np.maximum(above - 1, 0)
        nearest = np.where(drafted - scale[below] <= scale[above] - drafted, below, above)
        return pd.Series(self.blur(self.masses[nearest], rng), index=encoded.index)

    def blur(self, masses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Masses of the source as they may be shown: heaps kept, others drawn from their band and rounded as people do."""
        drawn = self.bands.blur(masses, rng)
        return np.where(np.isin(drawn, self.bands.heaps), drawn, rounded(drawn, "net_mass"))


def rounded(amounts: np.ndarray, column: str) -> np.ndarray:
    """Positive amounts as people write them: with one decimal from 10, two from 1, three below; never 0.

    Args:
        amounts: numbers of any shape.
        column: their attribute. None is written above the largest lawful value.
    """
    written = np.where(
        amounts >= 10, np.round(amounts, 1), np.where(amounts >= 1, np.round(amounts, 2), np.round(amounts, 3))
    )
    most = BY_NAME[column].maximum
    return np.where(amounts > 0, np.clip(written, _LEAST_WRITTEN, np.inf if most is None else most), written)
