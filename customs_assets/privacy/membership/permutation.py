"""What chance alone reaches: the attacks' measures where the importers' membership is dealt anew.

If nothing was memorized, it is as likely that any other importers had been members. So membership is permuted among the
importers, each with all its rows, and the attacks are measured again with the scores that they gave (Fisher 1935, section 21;
Westfall and Young 1993 for the largest of several). No model of how the attacks hang together is needed: they see the same
permutation. An attack that learns from labels would score otherwise under other labels. Its distance from chance is stretched,
as ``informed`` says.

What belongs here is the null distribution, and the two measures in a form that permutations can afford.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

# The false positives that an attacker allows themselves.
FEW, MORE = 0.01, 0.10

PERMUTATIONS = 2000

# Permutations that are measured at once, which bounds the memory.
_AT_ONCE = 200

# Share of the rows that is looked at first for a rate of false positives.
_FIRST = 0.04


class Null(NamedTuple):
    """The strongest attack under each permutation: two arrays of shape (permutations,).

    Attributes:
        auc: the largest AUC.
        tpr: the largest rate of true positives at ``FEW`` false positives.
    """

    auc: np.ndarray
    tpr: np.ndarray


class Ordered:
    """Scores of one attack, sorted once for many labellings.

    Args:
        scores: n numbers.
    """

    def __init__(self, scores: np.ndarray) -> None:
        self.order = np.argsort(-scores, kind="stable")
        falling = scores[self.order]
        # Rows with equal scores are taken together: a threshold cannot part them.
        self.ends = np.flatnonzero(np.r_[falling[1:] != falling[:-1], True])

    def true_positives(self, labels: np.ndarray, codes: np.ndarray, rows: np.ndarray, rate: float) -> np.ndarray:
        """The rate of true positives at a rate of false positives, for each labelling.

        Where no threshold has exactly that rate, the two nearest are mixed: the ROC curve is interpolated.

        Args:
            labels: shape (labellings, importers), booleans: who is a member; both kinds occur in each.
            codes: n codes: whose row it is.
            rows: how many rows each importer has.
            rate: in (0, 1).
        """
        members = labels @ rows
        found = np.empty(len(labels))
        left, depth = np.arange(len(labels)), min(max(int(_FIRST * len(codes)), 1), len(codes))
        while len(left):
            ends = self.ends[self.ends < depth]
            hits = np.cumsum(labels[left][:, codes[self.order[:depth]]], axis=1, dtype=np.int32)[:, ends]
            misses = ends + 1 - hits
            allowed = rate * (len(codes) - members[left])
            within = (misses <= allowed[:, None]).sum(axis=1)
            done = within < len(ends)
            lines, after = np.flatnonzero(done), within[done]
            zero = after == 0
            before = np.maximum(after - 1, 0)
            hit, miss = (np.where(zero, 0, part[lines, before]) for part in (hits, misses))
            share = (allowed[done] - miss) / (misses[lines, after] - miss)
            found[left[done]] = (hit + share * (hits[lines, after] - hit)) / members[left[done]]
            left, depth = left[~done], min(2 * depth, len(codes))
        return found


def null(
    scores: Mapping[str, np.ndarray],
    is_member: np.ndarray,
    importers: np.ndarray,
    stretch: Mapping[str, float],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Null:
    """Measure the attacks under permuted membership.

    Args:
        scores: n scores by attack.
        is_member: n booleans; both kinds occur.
        importers: n codes from 0; an importer's rows are all of members or all of others.
        stretch: by attack, as :class:`attacks.Attack`; 1 where none is given.
        seed: of the permutations.
        permutations: how many.
    """
    from scipy.stats import rankdata

    codes = np.unique(importers, return_inverse=True)[1]
    rows = np.bincount(codes)
    members = np.zeros(len(rows), dtype=bool)
    members[codes[is_member]] = True
    ordered = {name: Ordered(values) for name, values in scores.items()}
    ranks = np.column_stack([np.bincount(codes, rankdata(values)) for values in scores.values()])
    stretches = np.array([stretch.get(name, 1.0) for name in scores])
    rng = np.random.default_rng(seed)
    largest: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, permutations, _AT_ONCE):
        dealt = np.tile(members, (min(_AT_ONCE, permutations - start), 1))
        labels = rng.permuted(dealt, axis=1)
        positives = (labels @ rows)[:, None]
        aucs = (labels @ ranks - positives * (positives + 1) / 2) / (positives * (len(codes) - positives))
        rates = np.column_stack([one.true_positives(labels, codes, rows, FEW) for one in ordered.values()])
        largest.append((_stretched(aucs, 0.5, stretches), _stretched(rates, FEW, stretches)))
    auc, tpr = (np.concatenate(parts) for parts in zip(*largest, strict=True))
    return Null(auc, tpr)


def _stretched(measures: np.ndarray, chance: float, stretches: np.ndarray) -> np.ndarray:
    """The largest measure of each permutation, in [0, 1]."""
    return np.clip(chance + (measures - chance) * stretches, 0.0, 1.0).max(axis=1)


def rates(scores: np.ndarray, is_member: np.ndarray) -> tuple[float, float]:
    """True positives at ``FEW`` and at ``MORE`` false positives, as labelled."""
    ones, codes = np.ones(len(scores), dtype=np.int64), np.arange(len(scores))
    few, more = (Ordered(scores).true_positives(is_member[None], codes, ones, rate)[0] for rate in (FEW, MORE))
    return float(few), float(more)


def quantile(null_measures: np.ndarray, beyond: float) -> float:
    """The measure that a share of at most ``beyond`` of the permutations exceeds."""
    rank = min(math.ceil((1 - beyond) * (len(null_measures) + 1)), len(null_measures))
    return float(np.sort(null_measures)[rank - 1])


def p_value(measured: float, null_measures: np.ndarray) -> float:
    """How often chance reaches as much: (1 + permutations that do) / (1 + permutations) (Phipson and Smyth 2010)."""
    return (1 + int((null_measures >= measured).sum())) / (1 + len(null_measures))
