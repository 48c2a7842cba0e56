"""The numbers behind the figures of trade patterns. Of the source, what fewer than ``k`` traders stand behind is 0 or left out.

What belongs here counts and places; how a figure looks stands in ``report``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from customs_assets.trade.patterns import COMING, CONCENTRATED, PARTNERS, Trade

# Numbers of partners that a bar has: 1, 2, 3 to 4, 5 to 8, 9 to 16, more.
_EDGES = (1, 2, 3, 5, 9, 17)
BARS = ("1", "2", "3–4", "5–8", "9–16", "17+")

# Shares of the traders, the largest first, whose share of the declarations is drawn.
LARGEST = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)

# What is drawn of offices and countries, of the seasons, and of the neighbourhoods of the largest hubs.
_OFFICES, _COUNTRIES, _ORIGINS = 7, 9, 10
_HUBS, _NEIGHBOURS, _SELLERS = 3, 24, 2

# Places in the picture of a neighbourhood are whole tens within so much of the middle.
_REACH = 1000


def pictures(source: Trade, synthetic: Trade, min_group: int, seed: int) -> dict[str, Any]:
    """All pictures of two sets of declarations whose numbers stand for the same values, in JSON's types."""
    return {
        "degrees": {
            f"{first}|{second}": _degrees(source, synthetic, first, second, min_group) for first, second in PARTNERS
        },
        "largest": {
            name: {"source": largest(source, name, min_group), "synthetic": largest(synthetic, name, 1)}
            for name in CONCENTRATED
            if name != "office_id"
        },
        "chord": _chord(source, synthetic, min_group),
        "season": _season(source, synthetic, min_group),
        "coming": {name: _coming(source, synthetic, name, min_group) for name in COMING},
        "hubs": hubs(synthetic, seed),
    }


def _degrees(source: Trade, synthetic: Trade, first: str, second: str, min_group: int) -> dict[str, Any]:
    """Shares of those of ``first`` by the number of their partners, and how many of the source stand behind each bar."""
    counts = [_in_bars(of.partners(first, second)) for of in (source, synthetic)]
    kept = np.where(counts[0] >= min_group, counts[0], 0)
    return {
        "source": _shares(kept, counts[0].sum()),
        "synthetic": _shares(counts[1], counts[1].sum()),
        "behind": [int(count) for count in kept],
    }


def _in_bars(partners: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(_EDGES, partners, side="right") - 1, minlength=len(_EDGES))


def _shares(parts: np.ndarray, whole: float) -> list[float]:
    return (parts / whole).tolist() if whole else [0.0] * len(parts)


def largest(trade: Trade, name: str, min_group: int) -> list[float | None]:
    """The share of the declarations that the largest traders have, for each of :data:`LARGEST`.

    None where fewer than ``k`` traders are the largest, or fewer than ``k`` more than at the share before: the difference of two
    shares is as safe as either.
    """
    [codes] = trade.known(name)
    counts = np.sort(np.bincount(codes))[::-1] if len(codes) else np.zeros(0)
    counts = counts[counts > 0]
    found: list[float | None] = []
    before = 0
    for share in LARGEST:
        many = math.ceil(share * len(counts))
        if many - before < min_group or len(counts) - many < min_group:
            found.append(None)
            continue
        found.append(float(counts[:many].sum() / counts.sum()))
        before = many
    return found


def _behind(trade: Trade, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct keys, how many declarations have each, and how many importers."""
    distinct, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    importers = trade.codes["importer_id"]
    pairs = np.unique(place.astype(np.int64) * (int(importers.max()) + 2) + importers + 1)
    return distinct, counts, np.bincount(pairs // (int(importers.max()) + 2), minlength=len(distinct))


def _most_frequent(trade: Trade, name: str, count: int, min_group: int) -> list[int]:
    """The most frequent values that ``k`` importers stand behind, the most frequent first."""
    present = trade.codes[name] >= 0
    distinct, counts, importers = _behind(trade.part(present), trade.codes[name][present])
    safe = importers >= min_group
    order = np.argsort(-counts[safe], kind="stable")[:count]
    return [int(value) for value in distinct[safe][order]]


def _chord(source: Trade, synthetic: Trade, min_group: int) -> dict[str, Any] | None:
    """Shares of the declarations by office and country of origin; 0 where fewer than ``k`` importers of the source have both."""
    if "office_id" not in source.codes:
        return None
    offices = _most_frequent(source, "office_id", _OFFICES, min_group)
    countries = _most_frequent(source, "country_of_origin", _COUNTRIES, min_group)
    return {
        "offices": [source.values["office_id"][place] for place in offices],
        "countries": [source.values["country_of_origin"][place] for place in countries],
        "source": _table(source, offices, countries, min_group),
        "synthetic": _table(synthetic, offices, countries, 1),
    }


def _table(trade: Trade, offices: Sequence[int], countries: Sequence[int], min_group: int) -> list[list[float]]:
    width = len(trade.values["country_of_origin"]) + 1
    both = (trade.codes["office_id"] >= 0) & (trade.codes["country_of_origin"] >= 0)
    own = trade.part(both)
    keys = own.codes["office_id"].astype(np.int64) * width + own.codes["country_of_origin"]
    found = dict(zip(*_safe(own, keys, min_group), strict=True))
    return [[found.get(office * width + country, 0.0) for country in countries] for office in offices]


def _safe(trade: Trade, keys: np.ndarray, min_group: int) -> tuple[list[int], list[float]]:
    """Keys that ``k`` importers stand behind, and their shares of the declarations."""
    distinct, counts, importers = _behind(trade, keys)
    kept = importers >= min_group
    return distinct[kept].tolist(), (counts[kept] / len(keys)).tolist()


def _season(source: Trade, synthetic: Trade, min_group: int) -> dict[str, Any]:
    """The share of each calendar month in the declarations of an origin; None where fewer than ``k`` importers stand behind."""
    origins = _most_frequent(source, "country_of_origin", _ORIGINS, min_group)
    return {
        "origins": [source.values["country_of_origin"][place] for place in origins],
        "source": [_of_months(source, origin, min_group) for origin in origins],
        "synthetic": [_of_months(synthetic, origin, 1) for origin in origins],
    }


def _of_months(trade: Trade, origin: int, min_group: int) -> list[float | None]:
    own = trade.part(trade.codes["country_of_origin"] == origin)
    if not len(own.month):
        return [None] * 12
    distinct, counts, importers = _behind(own, own.month % 12)
    shares: list[float | None] = [None] * 12
    for month, count, behind in zip(distinct.tolist(), counts.tolist(), importers.tolist(), strict=True):
        shares[month] = count / len(own.month) if behind >= min_group else None
    return shares


def _coming(source: Trade, synthetic: Trade, name: str, min_group: int) -> dict[str, list[float | None]]:
    """The share of a month's traders that were in no month before; None in the first, and where it rests on fewer than ``k``."""
    return {"source": _new(source, name, min_group), "synthetic": _new(synthetic, name, 1)}


def _new(trade: Trade, name: str, least: int) -> list[float | None]:
    present = trade.codes[name] >= 0
    seen: set[int] = set()
    shares: list[float | None] = []
    for month in range(trade.months):
        active = set(trade.codes[name][present & (trade.month == month)].tolist())
        new = len(active - seen)
        told = bool(seen) and len(active) > 0 and new >= least and len(active) - new >= least
        shares.append(new / len(active) if told else None)
        seen |= active
    return shares


def hubs(synthetic: Trade, seed: int) -> list[dict[str, Any]]:
    """The neighbourhoods of the declarants with the most importers, of the release's own rows: all identities are composed.

    Returns:
        For each hub ``name``, ``importers`` (how many it has in all), ``nodes`` (``kind``, ``x``, ``y``) and ``edges`` (pairs of
        places among the nodes): the hub, the importers with the most declarations through it, and their sellers.
    """
    import networkx as nx

    if "declarant_id" not in synthetic.codes:
        return []
    ones, others, counts = synthetic.pairs("declarant_id", "importer_id")
    degrees = np.bincount(ones, minlength=len(synthetic.values["declarant_id"]))
    found = []
    for hub in np.argsort(-degrees, kind="stable")[:_HUBS].tolist():
        own = ones == hub
        if not own.any():
            continue
        importers = others[own][np.argsort(-counts[own], kind="stable")[:_NEIGHBOURS]]
        graph = nx.Graph()
        graph.add_node(("hub", hub))
        for importer in importers.tolist():
            graph.add_edge(("hub", hub), ("importer", importer))
            graph.add_edges_from(
                (("importer", importer), ("seller", seller)) for seller in _sellers(synthetic, importer)
            )
        places = nx.spring_layout(graph, seed=seed % 2**32, iterations=60)
        nodes = list(graph)
        order = {node: place for place, node in enumerate(nodes)}
        found.append(
            {
                "name": synthetic.values["declarant_id"][hub],
                "importers": int(degrees[hub]),
                "nodes": [
                    {"kind": kind, "x": _tens(places[kind, of][0]), "y": _tens(places[kind, of][1])}
                    for kind, of in nodes
                ],
                "edges": [[order[one], order[other]] for one, other in graph.edges],
            }
        )
    return found


def _tens(place: float) -> int:
    return round(float(place) * _REACH / 10) * 10


def _sellers(trade: Trade, importer: int) -> list[int]:
    """The sellers from whom an importer declared most, up to a few."""
    if "seller_id" not in trade.codes:
        return []
    sellers = trade.codes["seller_id"][trade.codes["importer_id"] == importer]
    distinct, counts = np.unique(sellers[sellers >= 0], return_counts=True)
    return distinct[np.argsort(-counts, kind="stable")[:_SELLERS]].tolist()
