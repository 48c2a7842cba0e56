"""Fraud in a world of ``worlds.py``: who commits it, by which mechanism, and what is declared instead.

What belongs here is the truth that inspection finds. Of the mechanisms three leave a mark in what is declared.
"""

from __future__ import annotations

import numpy as np

from benchmarks.worlds_law import OPEN_TYPES
from benchmarks.worlds_trade import OFFICES, PARCELS, Model, Rows, drawn_by_row

# "hidden" fraud follows the leanings of parties but leaves no mark; "unexplained" fraud follows nothing.
MECHANISMS = ("none", "undervaluation", "misclassification", "false_origin", "hidden", "unexplained")
_NONE, _UNDERVALUED, _MISCLASSIFIED, _FALSE_ORIGIN, _HIDDEN, _UNEXPLAINED = range(6)

FRAUD_SHARE, _UNEXPLAINED_SHARE = 0.225, 0.09
# The part of the usual price that an undervalued consignment is declared at.
_UNDERVALUED_TO = (0.25, 0.65)
# Points that a false origin has to save.
_WORTH_WHILE = 2.0


def commit_fraud(model: Model, rows: Rows) -> np.ndarray:
    """Draw who commits which fraud, and declare what they declare: codes, origins, claims and prices of ``rows`` change.

    Who cannot classify or claim falsely to advantage undervalues.

    Returns:
        The mechanism of each row, an index into :data:`MECHANISMS`.
    """
    rng, size = model.rng("fraud"), len(rows)
    luck = rng.random(size)
    planned = np.select([luck < 0.3, luck < 0.5, luck < 0.65], [_UNDERVALUED, _MISCLASSIFIED, _FALSE_ORIGIN], _HIDDEN)
    mechanism = np.where(rng.random(size) < _chances(model, rows), planned, _NONE)
    mechanism[(mechanism == _NONE) & (rng.random(size) < _UNEXPLAINED_SHARE)] = _UNEXPLAINED
    neighbour = _cheaper_neighbours(model)[rows.claim, rows.code]
    mechanism[(mechanism == _MISCLASSIFIED) & (neighbour < 0)] = _UNDERVALUED
    rows.code = np.where(mechanism == _MISCLASSIFIED, neighbour, rows.code)
    places = np.flatnonzero(mechanism == _FALSE_ORIGIN)
    claim, origin, departure = _false_origins(model, rows.take(places), rng)
    mechanism[places[claim < 0]] = _UNDERVALUED
    for column, declared in ((rows.claim, claim), (rows.origin, origin), (rows.departure, departure)):
        column[places[claim >= 0]] = declared[claim >= 0]
    lower = np.log(rng.uniform(*_UNDERVALUED_TO, size))
    rows.log_price = rows.log_price + np.where(mechanism == _UNDERVALUED, lower, 0.0)
    return mechanism


def critical_frauds(model: Model, rows: Rows, mechanism: np.ndarray) -> np.ndarray:
    """The ternary label of each row: 0 for no fraud, 2 for one that threatens public safety, 1 for any other.

    The share of the former hangs on the chapter: it is large for chemicals, medicines, arms and toys, and middling for food.
    """
    shares = np.full(100, 0.02)
    shares[1:25] = 0.1
    shares[[28, 29, 30, 36, 38, 93, 95]] = 0.25
    luck = model.rng("critical").random(len(rows))
    return np.where(mechanism == _NONE, 0, np.where(luck < shares[model.goods.chapter[rows.code]], 2, 1))


def _chances(model: Model, rows: Rows) -> np.ndarray:
    """How likely each declaration is fraud for a reason, between 0 and 1.

    Importers, brokers, sellers, offices and chapters lean to it or not. Of some chapters and origins together there is much of
    it, whatever either is alone. All together it is what :data:`FRAUD_SHARE` leaves beside unexplained fraud.
    """
    rng, chapter = model.rng("leanings"), model.goods.chapter[rows.code]
    luck = rng.random(model.goods.origins.shape)
    together = np.where(luck < 0.14, 2.1, np.where(luck < 0.4, -1.0, 0.0))
    seller = 0.8 * rng.standard_normal(int(rows.seller.max()) + 2)
    # The last place, which -1 finds, is that of no seller.
    seller[-1] = 0.4
    score = model.shape.leaning * (
        together[chapter, rows.origin]
        + 0.4 * rng.standard_normal(100)[chapter]
        + 0.5 * rng.standard_normal(model.importers.count)[rows.importer]
        + 0.6 * rng.standard_normal(model.importers.brokers)[rows.broker]
        + seller[rows.seller]
        + 0.4 * rng.standard_normal(len(OFFICES))[rows.office]
        + 0.5 * (rows.import_type >= PARCELS)
    )
    wanted = (FRAUD_SHARE - _UNEXPLAINED_SHARE) / (1 - _UNEXPLAINED_SHARE)
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-score - middle))) < wanted else (low, middle)
    return 1 / (1 + np.exp(-score - low))


def _cheaper_neighbours(model: Model) -> np.ndarray:
    """For each type and code the nearest code of the chapter with a lower rate of that type; -1 where there is none near."""
    rates, chapter = model.law.rates, model.goods.chapter
    places = np.arange(rates.shape[1])
    found = np.full(rates.shape, -1)
    for step in (1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 8, -8):
        other = np.clip(places + step, 0, len(places) - 1)
        lower = (chapter[other] == chapter) & (rates[:, other] < rates)
        found = np.where((found < 0) & lower, other, found)
    return found


def _false_origins(model: Model, rows: Rows, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An agreement, a party of it and a departure that would cost less; the agreement is -1 where there is none.

    The departure stays where the agreement's routes allow it.
    """
    law, size = model.law, len(rows)
    here, origins = np.arange(size), model.goods.origins
    is_open = np.isin(law.types, OPEN_TYPES)[:, None]
    rates = law.rates[:, rows.code]
    saved = law.rates[rows.claim, rows.code] - rates
    worth = ~is_open & (saved >= _WORTH_WHILE)
    agreement = np.where(worth, rates + 2 * rng.random(rates.shape), np.inf).argmin(axis=0)
    party = law.allowed[:, : origins.shape[1]].max(axis=2)
    shares = np.diff(origins[model.goods.chapter[rows.code]], axis=1, prepend=0.0) * party[agreement]
    shares[here, rows.origin] = 0.0
    total = shares.sum(axis=1)
    possible = worth[agreement, here] & (total > 0)
    origin = drawn_by_row(np.cumsum(shares, axis=1) / np.where(possible, total, 1.0)[:, None], rng)
    stays = law.allowed[agreement, origin, rows.departure]
    return np.where(possible, agreement, -1), origin, np.where(stays, rows.departure, origin)
