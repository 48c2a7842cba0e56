"""Frame types: what a declaration table must look like when it leaves an asset, derived from the declaration schema.

``dagster-pandas`` checks a frame against its type at the asset's boundary. Types hold what is structural (columns, their order
and their dtypes); what must be true of the values stands in ``expectations``.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type
from dagster_pandas.constraints import (
    ColumnDTypeInSetConstraint,
    NonNullableColumnConstraint,
    StrictColumnsConstraint,
)

from customs_assets.declaration import HELD, HELD_RELEASED, Attribute, Kind

_DTYPES = {Kind.DATE: "datetime64[ns]", Kind.NUMBER: "float64", Kind.LABEL: "int8"}


def _declarations(name: str, description: str, attributes: Sequence[Attribute]) -> dg.DagsterType:
    return create_dagster_pandas_dataframe_type(
        name=name,
        description=description,
        columns=[_column(a.name, _DTYPES.get(a.kind, "object")) for a in attributes],
        dataframe_constraints=[StrictColumnsConstraint([a.name for a in attributes], enforce_ordering=True)],
    )


def _column(name: str, dtype: str) -> PandasColumn:
    return PandasColumn(name, constraints=[ColumnDTypeInSetConstraint({dtype}), NonNullableColumnConstraint()])


# The type of every asset that is a pandas frame, by asset key.
FRAME_TYPES: dict[str, dg.DagsterType] = {
    "labelled_declarations": _declarations(
        "LabelledDeclarations", "Inspected declarations: 22 attributes, raw identities.", HELD
    ),
    "anonymized_declarations": _declarations(
        "AnonymizedDeclarations", "Inspected declarations: 22 attributes, tokens for identities.", HELD
    ),
    "synthetic_declarations": _declarations(
        "SyntheticDeclarations", "Synthetic declarations: 22 attributes, HS codes of six digits.", HELD_RELEASED
    ),
    "unit_prices": create_dagster_pandas_dataframe_type(
        name="UnitPrices",
        description="A noisy price per kg for each category of goods.",
        columns=[_column("category", "object"), _column("unit_price", "float64")],
    ),
}
