"""The evidence over all months, as data: claims beside their references, and the numbers behind the figures.

What belongs here gathers what ``fidelity`` and ``benchmark`` measure into one JSON document. The page is made from it and can be
checked against it. No figure shows a count of the source under ``k``. What may leave the house stands in ``outside``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from customs_assets.benchmark.claims import utility_claims
from customs_assets.benchmark.detectors import DETECTORS
from customs_assets.benchmark.explanations import explain, importance
from customs_assets.benchmark.precision import encoded
from customs_assets.benchmark.product_codes import product_codes
from customs_assets.benchmark.split import ChronologicalSplit, split_months
from customs_assets.claims import Claim, Subject, as_json
from customs_assets.declaration import IDENTITIES, LABELS, STAND_INS
from customs_assets.fidelity import table_two
from customs_assets.fidelity.claims import Tables, detection_claims, relation_claims, table_two_claims, world_of
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.fidelity.distributions import counts_over_time, distributions, importers_behind
from customs_assets.fidelity.library_reports import library_reports
from customs_assets.release.erased_labels import POLICIES, partly_labelled
from customs_assets.seeds import Root, derive_seed

# The attributes of figure 3, and how many of their values it shows.
_FIGURE_THREE = tuple(
    name
    for name in ("office_id", "mode_of_transport", "import_type", "chapter", "country_of_origin", "tax_type")
    if name not in STAND_INS
)
_VALUES_SHOWN = 8


def evidence(tables: Tables, months: Sequence[str], min_group: int, labels_kept: float, root: Root) -> dict[str, Any]:
    """All measures of the synthetic declarations of all months but those of privacy.

    Args:
        tables: synthetic and source rows of all months.
        months: the months.
        min_group: ``k``.
        labels_kept: share of the labels that the partly labelled variant keeps.
        root: the root of the release's random draws.

    Returns:
        ``claims`` (``claims.as_json``), ``table_2`` (ceiling and floor, as ``fidelity.as_json``), ``sdmetrics`` (its
        two reports, as ``library_reports``), ``figure_3``, ``figure_4``, ``figure_6``, ``figure_7``, ``days``, ``product_codes``,
        ``partly_labelled``, and what they were measured on: ``months``, ``world``, ``split``, ``rows``, ``importers``.
    """
    world, split = world_of(tables.source, tables.seed), split_months(months)
    _, ceiling, floor = tables.table_two
    try:
        utility = utility_claims(tables, world, months)
    except ValueError as error:
        utility = [Claim("utility", Subject.UTILITY, "Utility", math.nan, note=f"not measured: {error}")]
    claims = [
        *table_two_claims(tables, world),
        *relation_claims(tables, world),
        *detection_claims(tables, world),
        *utility,
    ]
    return {
        "months": list(months),
        "world": world.value,
        "split": split.note,
        "rows": {
            "source": len(tables.source),
            "synthetic": len(tables.synthetic),
            "test": min(len(split.rows(rows, "test")) for rows in (tables.source, tables.synthetic)),
        },
        "importers": tables.source["importer_id"].nunique(),
        "claims": as_json(claims),
        "table_2": {
            "ceiling": table_two.as_json(ceiling),
            "floor": table_two.as_json(floor),
        },
        "sdmetrics": library_reports(tables.source, tables.synthetic, tables.seed),
        "figure_3": _most_frequent(tables, min_group),
        "figure_4": {
            **distributions(tables.source, tables.synthetic, min_group),
            "importers": importers_behind(tables.source),
        },
        "days": counts_over_time(tables.source, tables.synthetic, "week", min_group),
        **_of_detectors(tables, split, labels_kept, root),
    }


def _of_detectors(tables: Tables, split: ChronologicalSplit, labels_kept: float, root: Root) -> dict[str, Any]:
    """Figures 6 and 7, the second task and the partly labelled variant; empty where the months cannot train a detector."""
    train = [split.rows(rows, "train") for rows in (tables.source, tables.synthetic)]
    if any(rows.empty or rows["fraud"].nunique() < 2 for rows in train):
        return {"figure_6": None, "figure_7": None, "product_codes": [], "partly_labelled": []}
    seed = derive_seed(tables.seed, "evidence") % 2**31
    explanation = asdict(explain(tables.synthetic, split, seed))
    explanation["values"] |= dict.fromkeys((role for role in IDENTITIES if role not in STAND_INS), "…")
    return {
        "figure_6": asdict(importance(tables.source, tables.synthetic, split, seed)),
        "figure_7": explanation,
        "product_codes": [asdict(row) for row in product_codes(tables.source, tables.synthetic, split, seed)],
        "partly_labelled": _partly_labelled(tables, split, labels_kept, root),
    }


def _partly_labelled(tables: Tables, split: ChronologicalSplit, labels_kept: float, root: Root) -> list[dict[str, Any]]:
    """Table 3's detectors, trained on the labels that a policy leaves, tested on fully labelled months."""
    rows: list[dict[str, Any]] = []
    train, test = split.rows(tables.synthetic, "train"), split.rows(tables.synthetic, "test")
    for policy in POLICIES:
        erased = partly_labelled(train, labels_kept, policy, root)
        left = erased.loc[erased["fraud"].notna()].astype(dict.fromkeys(LABELS, "int8"))
        if left["fraud"].nunique() < 2:
            continue
        parts = encoded(left, test, split, f"synthetic, {labels_kept:.0%} labelled")
        for detector in DETECTORS:
            cell = parts.measure(detector, [0])
            rows += [{**row, "policy": policy} for row in cell.to_dict("records")]  # pyright: ignore[reportCallIssue]
    return rows


def _most_frequent(tables: Tables, min_group: int) -> dict[str, Any]:
    """Figure 3: the source's most frequent values of some attributes, with their shares in source and synthetic rows.

    A value is shown where ``k`` declarations have it; ``importers`` says how many importers of the source stand behind it.
    """
    columns = [name if name != "chapter" else "hs6_code" for name in _FIGURE_THREE]
    importers = tables.source["importer_id"].to_numpy()
    frames = [compared_columns(rows, "compared", columns) for rows in (tables.source, tables.synthetic)]
    frames = [rows.assign(chapter=rows["hs6_code"].str[:2]) for rows in frames]
    shares: dict[str, Any] = {}
    for name in _FIGURE_THREE:
        source, synthetic = (rows[name].value_counts() for rows in frames)
        top = source[source >= min_group].head(_VALUES_SHOWN).index
        shares[name] = {
            "values": [str(value) for value in top],
            "source": (source.reindex(top) / len(frames[0])).tolist(),
            "synthetic": (synthetic.reindex(top).fillna(0) / len(frames[1])).tolist(),
            "importers": [len(set(importers[(frames[0][name] == value).to_numpy()])) for value in top],
        }
    return shares
