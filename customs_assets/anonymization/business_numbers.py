"""Business numbers of the labelled rows, from the source's further columns that ``CUSTOMS_BUSINESS_NUMBERS`` names.

Tokens are made from them, and a release is searched for them. Only ``raw_declarations`` has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from customs_assets.declaration import LABELS, STAND_INS
from customs_assets.lake import Lake

# As in sql/labelled_declarations.sql.
_LABELS = [label for label in LABELS if label not in STAND_INS]
_IS_LABELLED = reduce(and_, (pc.field(label).is_valid() for label in _LABELS))


class BusinessNumberError(Exception):
    """Business numbers cannot be read. The message names the role and the column and says what to do."""


def read_business_numbers(lake: Lake, month: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """The business numbers of a month's labelled rows, as declared.

    Args:
        lake: has the month's ``raw_declarations`` and ``labelled_declarations``.
        month: ``YYYY-MM``.
        columns: column of ``raw_declarations`` by identity (``Settings.business_numbers``).

    Returns:
        One row for each labelled declaration, in their order; a text column for each role, null where a row has no number.

    Raises:
        BusinessNumberError: a column is missing or holds no text, or the labelled rows do not match the raw rows.
        LakeError: one of the two tables is missing or cannot be read.
    """
    needed = ["declaration_id", *_LABELS, *dict.fromkeys(columns.values())]
    labelled_rows: list[pa.Table] = []
    for piece in lake.read_pieces("raw_declarations", month, needed):
        require_text(piece.schema, month, columns)
        labelled_rows.append(piece.filter(_IS_LABELLED))
    rows = pa.concat_tables(labelled_rows)
    if not rows.column("declaration_id").equals(
        lake.read_table("labelled_declarations", month, ["declaration_id"]).column("declaration_id")
    ):
        raise BusinessNumberError(
            f"labelled_declarations of {month} has other rows than the labelled ones of raw_declarations; "
            "materialize it again"
        )
    return pd.DataFrame({role: rows.column(column).to_pandas() for role, column in columns.items()})


def require_text(schema: pa.Schema, month: str, columns: Mapping[str, str]) -> None:
    """Refuse a table that lacks a column of business numbers, or whose column is no text.

    Args:
        schema: the columns of ``raw_declarations``.
        month: ``YYYY-MM``, for the message.
        columns: column by identity.

    Raises:
        BusinessNumberError: as :func:`read_business_numbers`.
    """
    for role, column in columns.items():
        if column not in schema.names:
            raise BusinessNumberError(
                f"the source has no column {column} in {month}, which CUSTOMS_BUSINESS_NUMBERS names for {role}"
            )
        kind = schema.field(column).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise BusinessNumberError(
                f"the column {column}, which CUSTOMS_BUSINESS_NUMBERS names for {role}, holds {kind} in {month}; "
                "a business number is text"
            )
