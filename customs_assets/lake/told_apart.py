"""Declarations of several months that have one ID, told apart.

Administrations number their declarations anew each year, or each month. What is built over all months knows a declaration by its
ID. So where an ID stands in an earlier month too, that of the later month is followed by ``@`` and the month. The tables of the
months stay as they are, and where no ID stands in two months, nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from customs_assets.lake.tables import Tables, read_sql

# The table of a month whose rows are read together with those of other months, and by whose IDs other tables name them.
DECLARATIONS = "anonymized_declarations"

_MARK = "@"


def repeated_ids(lake: Tables, months: Sequence[str]) -> dict[str, frozenset[str]]:
    """For each month the IDs that an earlier one of some months has, too; months without such an ID are left out."""
    months = sorted(months)
    if len(months) < 2:
        return {}
    paths = {lake.sql_path(DECLARATIONS, month): month for month in months}
    with lake.connect() as connection:
        found = connection.execute(read_sql("repeated_ids_of_months.sql"), {"paths": list(paths)}).fetchall()
    months_of_id: dict[str, list[str]] = {}
    for identity, path in found:
        months_of_id.setdefault(identity, []).append(paths[path])
    later: dict[str, set[str]] = {}
    for identity, of in months_of_id.items():
        for month in sorted(of)[1:]:
            later.setdefault(month, set()).add(identity)
    return {month: frozenset(later[month]) for month in sorted(later)}


def told_apart(declarations: pd.DataFrame, month: str, repeated: Mapping[str, frozenset[str]]) -> pd.DataFrame:
    """The declarations of a month, in which IDs that an earlier month has are marked.

    Args:
        declarations: the month's rows.
        month: the month.
        repeated: as :func:`repeated_ids`.
    """
    own = repeated.get(month)
    if not own:
        return declarations
    identity = declarations["declaration_id"]
    return declarations.assign(declaration_id=identity.mask(identity.isin(own), _marked(identity, month)))


def as_named_in(declarations: pd.DataFrame, month: str, table: pd.DataFrame) -> pd.DataFrame:
    """The declarations of a month under the IDs that a table of all months has of them.

    Args:
        declarations: the month's rows.
        month: the month.
        table: a table with ``declaration_id``, made of what :func:`told_apart` gave.
    """
    marked = _marked(declarations["declaration_id"], month)
    named = marked.isin(table["declaration_id"])
    return (
        declarations.assign(declaration_id=marked.where(named, declarations["declaration_id"]))
        if named.any()
        else declarations
    )


def as_declared(identities: pd.Series) -> pd.Series:
    """IDs without the marks of this module."""
    return identities.str.replace(rf"{_MARK}\d{{4}}-\d\d$", "", regex=True)


def declarations_of(lake: Tables, months: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The anonymized declarations of some months of a lake, told apart."""
    repeated = repeated_ids(lake, months)
    return {month: told_apart(lake.read_frame(DECLARATIONS, month), month, repeated) for month in months}


def _marked(identities: pd.Series, month: str) -> pd.Series:
    return identities + f"{_MARK}{month}"
