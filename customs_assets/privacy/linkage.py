"""Linkage: is a synthetic importer a source importer under another name?

An attacker who knows what a company trades looks for the synthetic importer with the most similar profile: which goods, from
where, through which offices. What belongs here is that attack, on importers with five or more declarations. Its success is
measured in two ways:

- *Named*: the best match is the synthetic importer that the source importer became. That is known where both have the same token,
  or where the synthesizer says which source importer each synthetic importer was mostly made from. Training importers must not
  be named more often than control importers, who are named by chance. The release draws tokens anew. That hides a hit from the
  attacker, but it is a hit all the same.
- *Recognised*: the match is better than that of 95% of control importers. Only 5% of the training importers may have such a
  match. This needs no tokens.

Control must have other importers than training. Rows of one importer on both sides would be recognised alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customs_assets.fidelity.comparison import compared_columns
from customs_assets.fidelity.detection import auc, auc_standard_error
from customs_assets.privacy import CannotBeMeasured
from customs_assets.privacy.chance import judging_quantile, too_few, usual_quantile, wilson

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST_DECLARATIONS = 5

# Share of control importers that reach the threshold of recognition.
_BY_CHANCE = 0.05

_COLUMNS = ["importer_id", "hs6_code", "country_of_origin", "office_id"]


@dataclass(frozen=True, slots=True)
class Linkage:
    """What an attacker gains by matching profiles.

    Attributes:
        named_training: share of training importers that are named; NaN where unknown.
        named_control: share of control importers; NaN where unknown.
        recognised_training: share of training importers that are recognised.
        recognised_control: share of control importers, 0.05 but for ties.
        auc: how well the similarity of the best match tells training from control importers.
        standard_error: of an AUC of 0.5 with as many importers.
        training_importers: training importers that were attacked.
        control_importers: control importers that were attacked.
        advantage: the attack's gain: the larger of the two differences between training and control, at most 1.
        lower_bound: the higher of the two differences' lower bounds, each of which allows for both and for ``chance.CLAIMS``
            claims; NaN with too few importers on a side.
        upper_bound: the higher of the two differences' upper bounds, at ``chance.CONFIDENCE``; NaN as above.
    """

    named_training: float
    named_control: float
    recognised_training: float
    recognised_control: float
    auc: float
    standard_error: float
    training_importers: int
    control_importers: int
    advantage: float
    lower_bound: float
    upper_bound: float


def linkage(
    synthetic: pd.DataFrame,
    training: pd.DataFrame,
    control: pd.DataFrame,
    made_from: Mapping[str, str] | None = None,
    least_declarations: int = LEAST_DECLARATIONS,
) -> Linkage:
    """Match source importers to synthetic importers by profile.

    Args:
        made_from: for each synthetic importer the source importer that it was mostly made from; where None, the source importer
            with the same token, if there is one.
        least_declarations: importers with fewer are not attacked, because their profile is too thin.

    Raises:
        CannotBeMeasured: training or control has no importer with enough declarations.
    """
    profiles = _Profiles(synthetic, pd.concat([training, control], ignore_index=True))
    importers, matches, similar = zip(
        profiles.match(training, least_declarations, "training"),
        profiles.match(control, least_declarations, "control"),
        strict=True,
    )
    origin = made_from if made_from is not None else {token: token for token in profiles.tokens}
    threshold = np.quantile(similar[1], 1 - _BY_CHANCE, method="higher")
    recognised = [float((values > threshold).mean()) for values in similar]
    named, pairs = [math.nan, math.nan], [recognised]
    if set(origin.values()) & set(training["importer_id"]):
        named = [
            float(np.mean([origin.get(match) == importer for importer, match in zip(*side, strict=True)]))
            for side in zip(importers, matches, strict=True)
        ]
        pairs.append(named)
    both, sizes = np.concatenate(similar), (len(similar[0]), len(similar[1]))
    return Linkage(
        named_training=named[0],
        named_control=named[1],
        recognised_training=recognised[0],
        recognised_control=recognised[1],
        auc=auc(both, np.arange(len(both)) < sizes[0]),
        standard_error=auc_standard_error(*sizes),
        training_importers=sizes[0],
        control_importers=sizes[1],
        advantage=max(of_training - of_control for of_training, of_control in pairs),
        lower_bound=_lower_bound(pairs, *sizes),
        upper_bound=_upper_bound(pairs, *sizes),
    )


def _lower_bound(pairs: Sequence[Sequence[float]], training_importers: int, control_importers: int) -> float:
    """The highest lower bound of some differences between a share of training and a share of control (Newcombe 1998, method 10).

    Each importer is attacked once, so importers are independent trials. The threshold of recognition comes from control
    alone. How many control importers of the world would pass it is as uncertain as any share that was counted in control.
    Control is never named, because no synthetic importer has its tokens; by chance one of all training importers is named.
    """
    if too_few(training_importers, control_importers):
        return math.nan
    quantile = judging_quantile(len(pairs))
    ends = []
    for number, (training, control) in enumerate(pairs):
        low, high = wilson(training, training_importers, quantile), wilson(control, control_importers, quantile)
        error = math.hypot(training - (low.value - low.error), high.value + high.error - control)
        ends.append(training - control - error - (1 / training_importers if number else 0.0))
    return max(ends)


def _upper_bound(pairs: Sequence[Sequence[float]], training_importers: int, control_importers: int) -> float:
    """The highest upper bound of the same differences, by the same method."""
    if too_few(training_importers, control_importers):
        return math.nan
    ends = []
    for training, control in pairs:
        high = wilson(training, training_importers, usual_quantile())
        low = wilson(control, control_importers, usual_quantile())
        error = math.hypot(high.value + high.error - training, control - (low.value - low.error))
        ends.append(training - control + error)
    return max(ends)


class _Profiles:
    """Profiles of importers as TF-IDF vectors over HS6, HS4, origin and office, with equal weights for the four.

    The frequencies of terms are those of the synthetic importers, which the attacker has. The vocabulary is that of both tables.
    """

    def __init__(self, synthetic: pd.DataFrame, source: pd.DataFrame) -> None:
        self._vocabulary = [
            pd.Index(np.unique(np.concatenate([terms.to_numpy(str) for terms in pair])))
            for pair in zip(_terms(synthetic), _terms(source), strict=True)
        ]
        self.tokens, counts = self._counts(synthetic)
        importers = len(self.tokens)
        self._weights = [
            np.log((1 + importers) / (1 + np.bincount(b.indices, minlength=b.shape[1]))) + 1 for b in counts
        ]
        self._vectors = self._weighted(counts)

    def match(
        self, source: pd.DataFrame, least_declarations: int, side: str
    ) -> tuple[pd.Index, np.ndarray, np.ndarray]:
        """Each source importer with enough declarations, the synthetic importer most like it, and their similarity."""
        declarations = source["importer_id"].map(source["importer_id"].value_counts())
        rows = source.loc[declarations >= least_declarations]
        if rows.empty:
            raise CannotBeMeasured(
                f"no importer of {side} has {least_declarations} declarations, so there is nothing to match"
            )
        importers, counts = self._counts(rows)
        vectors = self._weighted(counts)
        best, similarity = np.zeros(len(importers), dtype=int), np.zeros(len(importers))
        for start in range(0, len(importers), 256):
            part = (vectors[start : start + 256] @ self._vectors.T).toarray()
            best[start : start + 256] = part.argmax(axis=1)
            similarity[start : start + 256] = part.max(axis=1)
        return importers, self.tokens.to_numpy()[best], similarity

    def _counts(self, rows: pd.DataFrame) -> tuple[pd.Index, list[csr_matrix]]:
        """The importers of some rows, and how often each declared each term: a matrix for each of the four kinds of terms."""
        from scipy.sparse import csr_matrix

        codes, importers = pd.factorize(rows["importer_id"])
        blocks = []
        for terms, vocabulary in zip(_terms(rows), self._vocabulary, strict=True):
            columns = vocabulary.get_indexer(pd.Index(terms.to_numpy(str)))
            block = csr_matrix((np.ones(len(codes)), (codes, columns)), shape=(len(importers), len(vocabulary)))
            block.sum_duplicates()
            blocks.append(block)
        return pd.Index(importers), blocks

    def _weighted(self, counts: list[csr_matrix]) -> csr_matrix:
        from scipy.sparse import csr_matrix, diags, hstack

        blocks = []
        for block, weights in zip(counts, self._weights, strict=True):
            weighted = block @ diags(weights)
            length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
            blocks.append(diags(1 / (np.maximum(length, 1e-12) * np.sqrt(len(counts)))) @ weighted)
        return csr_matrix(hstack(blocks))


def _terms(rows: pd.DataFrame) -> list[pd.Series]:
    columns = compared_columns(rows, "matched", _COLUMNS)
    return [columns["hs6_code"], columns["hs6_code"].str[:4], columns["country_of_origin"], columns["office_id"]]
