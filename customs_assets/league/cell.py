"""A cell of the league: one synthesizer on one month, fitted alone, scored as a draft and as finished rows."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from customs_assets.fidelity.references import in_control
from customs_assets.generator.checkpoint import from_bytes
from customs_assets.law.law import Law
from customs_assets.league.alone import FitFailed, fit_alone
from customs_assets.league.draft_scores import draft_scores, nearer_to_training
from customs_assets.league.polished_scores import lawful, polished_scores, precision, without_identities
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.month import AllMonths, synthesize_month

ASSET = "synthesizer_league"
VERSION = "2"

_TABLE_TWO = (
    *("KSComplement", "TVComplement", "CorrelationSimilarity", "ContingencySimilarity"),
    *("RangeCoverage", "CategoryCoverage", "BoundaryAdherence", "NewRowSynthesis"),
)

# The scores of an entry, and which of them are shares of 1.
SCORES = {
    "costs": (
        "fit_seconds",
        "fit_core_seconds",
        "sample_seconds",
        "polish_seconds",
        "peak_mebibytes",
        "device",
        "file_bytes",
    ),
    "draft": (
        *("auc_trees", "auc_logistic", "ks", "tv", "pairs", "lawful", "precision"),
        *("distance", "source_distance", "copies", "nearer_to_training"),
    ),
    "polished": (
        *_TABLE_TWO,
        *("auc_trees", "auc_logistic", "lawful", "precision"),
        *("distance", "source_distance", "copied_goods", "copies", "repaired"),
    ),
}
SHARES = {
    *("auc_trees", "auc_logistic", "ks", "tv", "pairs", "lawful", "precision", "nearer_to_training"),
    *_TABLE_TWO,
}

# Fewer rows in a half say nothing of what lies nearer to which.
_LEAST_HALF = 20


@dataclass(frozen=True)
class LeagueMonth:
    """What a cell is made from.

    Attributes:
        month: ``YYYY-MM``.
        declarations: the month's anonymized declarations.
        unit_prices: the month's ``unit_prices``.
        all_months: what is learned from all months, this one among them.
        law: the law that tuples are under.
        min_group: ``k``.
        epochs: as of the release.
    """

    month: str
    declarations: pd.DataFrame
    unit_prices: pd.DataFrame
    all_months: AllMonths
    law: Law
    min_group: int
    epochs: int


def cell(of: LeagueMonth, synthesizer: str, root: Root) -> dict[str, Any]:
    """Measure a synthesizer on a month.

    The model has the seed that the release's model of this month has. It is fitted once more on the half of the importers that a
    hash puts into training, and the draft of that is compared with both halves.

    Returns:
        ``costs``, ``draft`` and ``polished`` (:func:`draft_scores`, :func:`polished_scores`), in JSON's types; what is not
        defined is None. Where no model could be fitted, ``reason`` says why, and the scores are empty.
    """
    found: dict[str, Any] = {
        "synthesizer": synthesizer,
        "month": of.month,
        "rows": len(of.declarations),
        "epochs": of.epochs,
        "reason": "",
        "costs": {},
        "draft": {},
        "polished": {},
    }
    try:
        model, costs, draft = _draft(of, synthesizer, root)
    except FitFailed as error:
        return {**found, "reason": str(error)}
    started = time.perf_counter()
    made = synthesize_month(
        from_bytes(model),
        of.declarations,
        of.unit_prices,
        of.all_months,
        month=of.month,
        min_group=of.min_group,
        root=root,
    )
    costs["polish_seconds"] = time.perf_counter() - started
    polished = {
        **polished_scores(of.declarations, made.declarations, of.law, of.min_group),
        "copies": made.copies,
        "repaired": made.repaired,
    }
    return {**found, "costs": costs, "draft": _defined(draft), "polished": _defined(polished)}


def _draft(of: LeagueMonth, synthesizer: str, root: Root) -> tuple[bytes, dict[str, Any], dict[str, float]]:
    """The model's file, what it cost, and the scores of its draft."""
    own = derive_root(root, ASSET, of.month)
    codec = Codec.fit(of.declarations, of.unit_prices, of.min_group, root=root)
    table = codec.encode(of.declarations)
    discrete = codec.discrete_columns(table)
    seeds = {"seed": derive_seed(root, "ctgan_model", of.month), "sample_seed": derive_seed(own, "draft")}
    model, draft, costs = fit_alone(table, discrete, synthesizer, epochs=of.epochs, rows=len(table), **seeds)
    scores = draft_scores(table, draft, discrete)
    decoded = codec.decode(draft, derive_rng(own, "decode"))
    scores["lawful"] = lawful(decoded, of.law)
    scores["precision"] = precision(without_identities(decoded), without_identities(of.declarations))
    held_out = in_control(of.declarations["importer_id"])
    halves = table[~held_out], table[held_out]
    scores["nearer_to_training"] = math.nan
    if min(map(len, halves)) >= _LEAST_HALF:
        _, of_half, _ = fit_alone(halves[0], discrete, synthesizer, epochs=of.epochs, rows=len(table), **seeds)
        scores["nearer_to_training"] = nearer_to_training(of_half, *halves, discrete)
    return model, asdict(costs), scores


def _defined(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in scores.items()}
