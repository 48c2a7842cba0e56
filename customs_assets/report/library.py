"""SDMetrics' two reports as the evidence page tells them, and which versions computed Table 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customs_assets.fidelity.figures import HEADERS
from customs_assets.fidelity.library_reports import MOST_ROWS
from customs_assets.report.form import Form


def library_reports(found: Mapping[str, Any] | None, form: Form) -> dict[str, Any] | None:
    """``versions`` of both libraries, ``scores`` (a row a property), and ``sentences`` on what the scores rest on.

    Args:
        found: ``fidelity.library_reports.library_reports``; None in evidence of an earlier version, which gives None.
        form: the form of the page.
    """
    if found is None:
        return None
    words, quality, diagnostic = form.words, found["quality"], found["diagnostic"]
    scores = [
        [report["report"], words.translated(row["property"]), form.number(row["score"])]
        for report in (quality, diagnostic)
        for row in [*report["properties"], {"property": words("table_two.overall"), "score": report["score"]}]
    ]
    is_sample = max(quality["rows"].values()) == MOST_ROWS
    rows = {side: form.count(count) for side, count in quality["rows"].items()}
    sentences = [words("table_two.library_sample" if is_sample else "table_two.library_rows", **rows)]
    if form.has("library-columns"):
        pairs = quality["pairs"]
        sentences.append(words("table_two.library_pairs", trend=pairs["with_trend"], all=pairs["all"]))
        columns = [
            f"{HEADERS.get(row['column'], row['column'])} ({row['metric']}, {form.number(row['score'])})"
            for row in diagnostic["columns"]
        ]
        sentences += [words("table_two.library_below", columns=", ".join(columns))] if columns else []
    versions = {name: found["made_by"][name] for name in ("sdv", "sdmetrics")}
    return {"versions": versions, "scores": scores, "sentences": sentences}
