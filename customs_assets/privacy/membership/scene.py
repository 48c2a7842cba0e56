"""What an attacker has before them, and the work that several attacks share: nearest rows, a reduced space, densities in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import WITHOUT_IDENTITIES
from customs_assets.fidelity.detection import classifier_features
from customs_assets.fidelity.references import equal_in_size, in_control
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.records import as_records, nearest

# Nearest rows that are found of each side. Counts of rows within a radius end here.
NEAREST = 50

# Axes of the reduced space. More of them make a row's own place weigh more, and the places between rows emptier.
AXES = 8

# A table that varies less than this along some axis lies flat there, and has no density.
_FLAT = 1e-8


@dataclass(frozen=True)
class Scene:
    """The rows that are attacked, the release and the reference sample.

    Attributes:
        attacked: n rows, first members, then as many others.
        synthetic: the release.
        reference: rows of further control importers: what an outsider may know of the same world.
        is_member: n booleans. Only ``informed`` may look at those of other folds.
        importers: n codes from 0: whose row it is.
        to_synthetic: shape (n, k): distances to the nearest synthetic rows, ascending; k is at most ``NEAREST``.
        to_reference: the same to the nearest reference rows.
        seed: base seed of folds.
    """

    attacked: pd.DataFrame
    synthetic: pd.DataFrame
    reference: pd.DataFrame
    is_member: np.ndarray
    importers: np.ndarray
    to_synthetic: np.ndarray
    to_reference: np.ndarray
    seed: int

    @classmethod
    def of(cls, synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int) -> Scene:
        """Half of control's importers become the reference sample. The other half and as many training rows are attacked.

        Raises:
            CannotBeMeasured: control has too few importers to be halved.
        """
        reference, others = _halves_of_control(control, seed)
        return cls._among(synthetic, training, others, reference, seed)

    @classmethod
    def both(
        cls, synthetic: pd.DataFrame, training: pd.DataFrame, control: pd.DataFrame, seed: int
    ) -> tuple[Scene, ...]:
        """Two scenes, in which the halves of control change places, each with the rows of one half of training's importers.

        Together they attack all importers, once each, and have no attacked importer in common. One scene alone where training
        has too few importers to be halved.

        Raises:
            CannotBeMeasured: control has too few importers to be halved.
        """
        first, second = _halves_of_control(control, seed)
        held = in_control(training["importer_id"], seed + 2)
        if held.all() or not held.any():
            return (cls._among(synthetic, training, second, first, seed),)
        return (
            cls._among(synthetic, training.loc[~held], second, first, seed),
            cls._among(synthetic, training.loc[held], first, second, seed + 1),
        )

    @classmethod
    def _among(
        cls,
        synthetic: pd.DataFrame,
        training: pd.DataFrame,
        control: pd.DataFrame,
        reference: pd.DataFrame,
        seed: int,
    ) -> Scene:
        members, others = equal_in_size(training, control, seed)
        attacked = pd.concat([members, others], ignore_index=True)
        rows, *known = as_records([attacked, synthetic, reference], WITHOUT_IDENTITIES)
        count = min(NEAREST, len(synthetic), len(reference))
        to_synthetic, to_reference = (nearest(rows, records, count).distances for records in known)
        return cls(
            attacked,
            synthetic,
            reference,
            np.arange(len(attacked)) < len(members),
            pd.factorize(attacked["importer_id"])[0],
            to_synthetic,
            to_reference,
            seed,
        )

    @cached_property
    def space(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Attacked, synthetic and reference rows as points of a space of at most ``AXES`` axes.

        Each attribute is replaced by its rank among all rows and scaled to variance 1. The principal components of all rows, each
        scaled to variance 1, are the axes. There are fewer axes, perhaps none, where release or reference is flat along one.
        """
        from scipy.stats import rankdata
        from sklearn.decomposition import PCA
        from sklearn.preprocessing import StandardScaler

        features = classifier_features(self.attacked, self.synthetic, self.reference).to_numpy()
        ranked = StandardScaler().fit_transform(rankdata(features, axis=0))
        components = PCA(min(AXES, *ranked.shape), svd_solver="full").fit_transform(ranked)
        spread = components.std(axis=0)
        points = components[:, spread > _FLAT] / spread[spread > _FLAT]
        cuts = [len(self.attacked), len(self.attacked) + len(self.synthetic)]
        for axes in range(points.shape[1], 0, -1):
            attacked, synthetic, reference = np.split(points[:, :axes], cuts)
            if _is_full(synthetic) and _is_full(reference):
                return attacked, synthetic, reference
        attacked, synthetic, reference = np.split(points[:, :0], cuts)
        return attacked, synthetic, reference

    @cached_property
    def synthetic_density(self) -> np.ndarray:
        """n densities of the synthetic rows at the attacked ones, by :func:`density`."""
        attacked, synthetic, _ = self.space
        return density(synthetic, attacked)

    @cached_property
    def reference_density(self) -> np.ndarray:
        """n densities of the reference rows at the attacked ones, by :func:`density`."""
        attacked, _, reference = self.space
        return density(reference, attacked)


def _halves_of_control(control: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    held = in_control(control["importer_id"], seed + 1)
    if held.all() or not held.any():
        raise CannotBeMeasured(
            f"control has {control['importer_id'].nunique()} importers, too few to keep some as a reference"
        )
    return control.loc[held], control.loc[~held]


def density(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Gaussian kernel density of points with Scott's bandwidth, as SciPy and the DOMIAS package estimate it.

    Args:
        points: shape (m, axes).
        at: shape (n, axes): where.

    Returns:
        n densities; all 1 in a space without axes.
    """
    from scipy.stats import gaussian_kde

    return gaussian_kde(points.T).evaluate(at.T) if points.shape[1] else np.ones(len(at))


def _is_full(points: np.ndarray) -> bool:
    """Whether the points vary along every direction of their space."""
    if len(points) <= points.shape[1]:
        return False
    return bool(np.linalg.eigvalsh(np.atleast_2d(np.cov(points.T)))[0] > _FLAT)
