"""Identities in context: who imports, sells, declares and carries, drawn given the goods and each other.

The paper drew identities apart from the goods, which destroyed every trading relation (decision 6 of the architecture). Here
each of the four is drawn in turn from donors that trade the like: a tree learns, from the rest of the row and the identities
drawn so far, the *profile* of the identity (what it trades, whence, through which office, with whom), and the draw is one of
the source identities in the row's leaf, behind which at least ``k`` importers stand. What belongs here draws identities within
one month's token space; the release re-draws the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import IDENTITIES
from customs_assets.seeds import derive_seed
from customs_assets.synthesis.codec import NAMED
from customs_assets.synthesis.donors import DonorTree
from customs_assets.synthesis.polish import CoreFeatures

# The order of the draws: who buys decides from whom, through which broker and with which carrier.
DRAWN = ("importer_id", "seller_id", "declarant_id", "courier_id")

# What makes the profile of an identity, beside the other identities on its forms.
_CONTEXTS = (
    "heading",
    "country_of_origin",
    "country_of_departure",
    "office_id",
    "mode_of_transport",
    "import_type",
    "tax_type",
    "payment_type",
)

PROFILE_DIMENSIONS = 12


@dataclass(frozen=True)
class Profiles:
    """What each identity of one role trades, as a point.

    Attributes:
        names: the tokens, in order of first appearance.
        points: array of shape (tokens, :data:`PROFILE_DIMENSIONS` at most).
    """

    names: pd.Index
    points: np.ndarray

    @classmethod
    def fit(cls, declarations: pd.DataFrame, role: str, seed: int) -> Profiles:
        """Embed the identities of a role: truncated SVD of how often each occurs with each value of its contexts.

        Args:
            declarations: n rows in which the identity is named.
            role: an identity column.
            seed: seed of the randomized SVD.
        """
        from scipy.sparse import csr_matrix, hstack
        from sklearn.decomposition import TruncatedSVD

        codes, names = pd.factorize(declarations[role])
        contexts = declarations.assign(heading=declarations["hs10_code"].str[:4])
        others = [other for other in IDENTITIES if other != role]
        blocks = []
        for column in [*_CONTEXTS, *others]:
            values, levels = pd.factorize(contexts[column])
            weight = np.ones(len(codes))
            block = csr_matrix((weight, (codes, values)), shape=(len(names), len(levels)))
            blocks.append(_normalized(block))
        table = hstack(blocks).tocsr()
        dimensions = min(PROFILE_DIMENSIONS, min(table.shape) - 1)
        if dimensions < 1:
            return cls(pd.Index(names), np.zeros((len(names), 1)))
        svd = TruncatedSVD(dimensions, random_state=derive_seed(seed, "profiles", purpose=role) % 2**32)
        return cls(pd.Index(names), svd.fit_transform(table))

    def of(self, tokens: pd.Series) -> np.ndarray:
        """The points of n tokens; where a token is empty or unknown, the origin."""
        position = self.names.get_indexer(pd.Index(tokens))
        return np.where((position >= 0)[:, None], self.points[np.maximum(position, 0)], 0.0)


def _normalized(block):
    """Shares instead of counts, common values weighing less (square root of the share over the value's frequency)."""
    from scipy.sparse import diags

    rows = np.maximum(np.asarray(block.sum(axis=1)).ravel(), 1.0)
    columns = np.maximum(np.asarray(block.sum(axis=0)).ravel(), 1.0)
    return diags(1.0 / rows) @ block @ diags(1.0 / np.sqrt(columns / columns.sum() * len(columns)))


class IdentityModel:
    """The four draws of one month, fitted on its source rows.

    Args:
        declarations: n anonymized rows.
        core: the same rows as :meth:`Codec.core` gives them.
        min_group: importers that each draw must rest on.
        seed: seed of profiles, trees and draws.
    """

    def __init__(self, declarations: pd.DataFrame, core: pd.DataFrame, *, min_group: int, seed: int) -> None:
        self._declarations = declarations.reset_index(drop=True)
        self._encoder = CoreFeatures(core)
        self._seed = seed
        importers = pd.factorize(self._declarations["importer_id"])[0]
        known = list(self._encoder.table(core.reset_index(drop=True)).values())
        self._profiles: dict[str, Profiles] = {}
        self._trees: dict[str, tuple[DonorTree, np.ndarray]] = {}
        for role in DRAWN:
            named = np.flatnonzero((self._declarations[role] != "").to_numpy())
            if not len(named):
                continue
            profiles = Profiles.fit(self._declarations.iloc[named], role, seed)
            features = np.column_stack(known)[named]
            tree = DonorTree.fit(
                features,
                profiles.of(self._declarations[role].iloc[named]),
                importers[named],
                min_group=min_group,
                min_leaf=min_group,
                seed=derive_seed(seed, "identities", purpose=role),
            )
            self._profiles[role], self._trees[role] = profiles, (tree, named)
            known.extend(profiles.of(self._declarations[role]).T)

    def draw(self, core: pd.DataFrame, purpose: str = "") -> pd.DataFrame:
        """Identities for m synthetic rows: a frame of shape (m, 4), empty where the row names nobody."""
        rows = core.reset_index(drop=True)
        known = list(self._encoder.table(rows).values())
        drawn = pd.DataFrame("", index=rows.index, columns=list(IDENTITIES), dtype=object)
        for role in DRAWN:
            if role not in self._trees:
                continue
            wanted = (
                np.flatnonzero((rows[f"{role}_named"] == "yes").to_numpy()) if role in NAMED else rows.index.to_numpy()
            )
            if not len(wanted):
                known.extend(self._profiles[role].of(drawn[role]).T)
                continue
            tree, named = self._trees[role]
            rng = np.random.default_rng(derive_seed(self._seed, "draw", purpose=f"{role}|{purpose}"))
            donors = named[tree.draw(np.column_stack(known)[wanted], rng)]
            drawn.loc[wanted, role] = self._declarations[role].to_numpy()[donors]
            known.extend(self._profiles[role].of(drawn[role]).T)
        return drawn.set_axis(core.index)
