"""The cells of the networks that are of what the lake holds now, and the table of them.

What belongs here reads a lake. The networks are measured on demand: a cell may be missing, or of earlier months.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from customs_assets.benchmark.cells import RATES, no_rows
from customs_assets.benchmark.detectors import DEEP_TITLES
from customs_assets.lake import Lake

ASSET, _TABLE_THREE = "deep_detectors", "fraud_benchmark"

_MEASURES = {"precision_mean": "precision", "recall_mean": "recall", "duty_recall_mean": "duty"}


def standing_cells(lake: Lake) -> pd.DataFrame:
    """All cells of the networks that were made from the months in the lake, as ``cells.measure_cell``; no row where none was."""
    frames = [lake.read_frame(ASSET, cell) for cell in lake.partitions(ASSET) if _stands(lake, cell)]
    return pd.concat([no_rows(), *frames], ignore_index=True) if frames else no_rows()


def _stands(lake: Lake, cell: str) -> bool:
    """Whether a cell is whole, passed its checks, and was made from the same months as the cells of Table 3."""
    record = lake.record(ASSET, cell)
    if record is None or lake.checksum(record) != record.sha256 or not lake.passed(record):
        return False
    dataset = cell.partition("|")[0]
    beside = (lake.record(_TABLE_THREE, other) for other in lake.partitions(_TABLE_THREE) if other.startswith(dataset))
    latest = next((other for other in beside if other is not None), None)
    return latest is not None and latest.inputs == record.inputs


def cells_as_table(cells: pd.DataFrame) -> str:
    """What inspections by the networks find, as Markdown: a line a network and data set."""
    heads = ["Network", "Data", *(f"{title} {rate:.0%}" for title in _MEASURES.values() for rate in RATES)]
    lines = []
    for name, title in DEEP_TITLES.items():
        for dataset in ("source", "synthetic"):
            own = cells.loc[(cells["detector"] == name) & (cells["dataset"] == dataset)]
            of: dict[float, dict[str, Any]] = {
                float(row["inspection_rate"]): {str(name): value for name, value in row.items()}
                for row in own.to_dict("records")
            }
            if of:
                lines.append([title, dataset, *(f"{of[rate][measure]:.3f}" for measure in _MEASURES for rate in RATES)])
    rule = ["---", "---"] + ["---:"] * (len(heads) - 2)
    return "".join(f"| {' | '.join(line)} |\n" for line in (heads, rule, *lines))
