"""SDMetrics' own two reports on a release: ``QualityReport`` and ``DiagnosticReport``, driven by SDV's metadata.

They stand beside Table 2 and define some things otherwise: identities are IDs, which only the diagnosis looks at; each table has
bins of its own; and since SDMetrics 0.27 a pair counts only where the source has a trend: a correlation above 0.5, or an
association (Cramér's V) above 0.3. What belongs here runs the reports and keeps of them what does not change from day to day.
"""

from __future__ import annotations

import importlib.metadata
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd

from customs_assets.declaration import LABELS, RELEASED, STAND_INS
from customs_assets.fidelity.comparison import compared_columns
from customs_assets.sdv_metadata import TABLE, declaration_metadata
from customs_assets.seeds import derive_rng

# Of a longer table a sample is judged. SDMetrics itself would sample as many rows, for each pair anew and without a seed.
MOST_ROWS = 50_000

# The attributes of the form; what it has not is no column of the metadata either.
_NAMES = tuple(attribute.name for attribute in RELEASED)

# Where there are two labels, they must agree, as they do in the source (``declaration.LABEL_PAIRS``).
_CONSTRAINTS = (
    [{"class_name": "FixedCombinations", "parameters": {"table_name": TABLE, "column_names": list(LABELS)}}]
    if STAND_INS.keys().isdisjoint(LABELS)
    else []
)


def library_reports(source: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 2020) -> dict[str, Any]:
    """Both reports of synthetic declarations beside the source's.

    Args:
        source: anonymized declarations with every attribute of the form.
        synthetic: synthetic declarations.
        seed: base seed of the sample that is judged of a table of more than :data:`MOST_ROWS` rows.

    Returns:
        ``made_by``: the versions of SDV (whose metadata drove the reports), of its metadata's specification, and of
        SDMetrics, as the reports tell it. ``quality`` and ``diagnostic``: ``report`` (the class), ``score``, ``properties``
        (name and score) and ``rows`` (of source and synthetic table). ``quality`` has ``pairs``: how many have a trend in the
        source, of how many. ``diagnostic`` has ``columns``: column, metric and score, where that is less than 1. A score that
        is not defined is None.

    Raises:
        ValueError: a frame has no rows or lacks a column.
    """
    from sdmetrics.reports import DiagnosticReport, QualityReport

    described = declaration_metadata().to_dict()
    real, made = (
        {TABLE: _sample(compared_columns(rows, role, _NAMES), role, seed)}
        for role, rows in (("source", source), ("synthetic", synthetic))
    )
    quality, diagnostic = QualityReport(), DiagnosticReport()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quality.generate(real, made, described, verbose=False)
        diagnostic.generate(real, made, described, constraints=_CONSTRAINTS, verbose=False)
    pairs = quality.get_details("Column Pair Trends")
    validity = diagnostic.get_details("Data Validity")
    return {
        "made_by": {
            "sdv": importlib.metadata.version("sdv"),
            "metadata": described["METADATA_SPEC_VERSION"],
            "sdmetrics": quality.get_info()["sdmetrics_version"],
        },
        "quality": {**_told(quality), "pairs": {"with_trend": int(pairs["Score"].notna().sum()), "all": len(pairs)}},
        "diagnostic": {
            **_told(diagnostic),
            "columns": [
                {"column": row["Column"], "metric": row["Metric"], "score": float(row["Score"])}
                for row in validity.to_dict("records")
                if row["Score"] < 1
            ],
        },
    }


def _sample(rows: pd.DataFrame, role: str, seed: int) -> pd.DataFrame:
    """The rows, or :data:`MOST_ROWS` of them in their order."""
    if len(rows) > MOST_ROWS:
        rng = derive_rng(seed, "library_reports", purpose=role)
        rows = rows.iloc[np.sort(rng.choice(len(rows), MOST_ROWS, replace=False))]
    return rows.reset_index(drop=True)


def _told(report: Any) -> dict[str, Any]:
    """What a report says of itself, without day and duration, and its scores."""
    info = report.get_info()
    rows = {side: info[f"num_rows_{of}_data"][TABLE] for side, of in (("source", "real"), ("synthetic", "synthetic"))}
    properties = report.get_properties().to_dict("records")
    return {
        "report": info["report_type"],
        "score": _defined(report.get_score()),
        "properties": [{"property": row["Property"], "score": _defined(row["Score"])} for row in properties],
        "rows": rows,
    }


def _defined(score: float) -> float | None:
    return None if math.isnan(score) else float(score)
