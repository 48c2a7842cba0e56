"""What a source records of its inspections beyond the form: why each took place, and what it recovered.

Only ``raw_declarations`` has it. What belongs here puts it beside the declarations that the benchmark measures on, by month and
declaration ID. No other room reads it, and nothing that is released is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.benchmark.inspection import INSPECTION_REASON, RECOVERED_REVENUE
from customs_assets.declaration import LABELS
from customs_assets.lake import Lake
from customs_assets.lake.told_apart import as_declared

_COLUMNS = (INSPECTION_REASON, RECOVERED_REVENUE)


def with_recorded_inspections(declarations: pd.DataFrame, lake: Lake, months: Sequence[str]) -> pd.DataFrame:
    """The declarations with the source's columns ``inspection_reason`` and ``amount_recovered``, where it has them.

    Args:
        declarations: anonymized declarations of some months, in any order.
        lake: has ``raw_declarations`` of these months.
        months: the months.

    Returns:
        The same rows; a column more for each that a month of the source has, null where nothing is recorded. The declarations
        themselves where no month has one.

    Raises:
        LakeError: a month is missing, or cannot be read.
    """
    recorded = pd.concat([_recorded(lake, month) for month in months])
    present = [name for name in _COLUMNS if name in recorded]
    if not present:
        return declarations
    keys = declarations["date"].dt.strftime("%Y-%m") + "\x1f" + as_declared(declarations["declaration_id"])
    return declarations.assign(**{name: keys.map(recorded[name]) for name in present})


def _recorded(lake: Lake, month: str) -> pd.DataFrame:
    """What is recorded of a month's labelled declarations, by month and ID; columns that the source has not are left out."""
    pieces = lake.read_pieces("raw_declarations", month, ["declaration_id", LABELS[0], *_COLUMNS])
    rows = pa.concat_tables([piece.filter(pc.field(LABELS[0]).is_valid()) for piece in pieces]).to_pandas()
    rows.index = pd.Index(month + "\x1f" + rows["declaration_id"].astype(str))
    return rows[[name for name in _COLUMNS if name in rows]]
