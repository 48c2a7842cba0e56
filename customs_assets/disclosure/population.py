"""The population: which importers declared a part of the trade, and how much of it each.

The inspected declarations are a twentieth of a month. Whether a product code, a lane or a claim may appear in a release is
decided by all declarations: a code that five importers declared names none of them, whichever were inspected. So every month
counts what each importer declared (:func:`month_population`). The months are merged and never added up (:class:`Population`):
an importer of two months is one importer.

A *cell* is a combination of some columns of the tariff, such as a heading and a country of origin. Whether it is safe, by the
importers behind it, is for ``dominance.py``.
"""

# pyarrow.compute makes its functions when it is imported, where a type checker cannot see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from duckdb import CoalesceOperator, ColumnExpression, ConstantExpression

from customs_assets.anonymization.business_numbers import require_text
from customs_assets.anonymization.identities import role_parties, tokens
from customs_assets.declaration import STAND_INS
from customs_assets.disclosure.levels import LEVELS, with_levels
from customs_assets.lake import Lake, read_sql

ASSET = "population"

# What a row of a month's population is about.
KEY = ("importer_id", "hs6_code", "country_of_origin", "country_of_departure", "tax_type", "tax_rate")

# What cells may be made of: the levels of the goods, and the rest of the tariff tuple.
COLUMNS = (*LEVELS, *KEY[2:])

_ROLE = "importer_id"
_TOKENS = pa.schema([(name, pa.string()) for name in (_ROLE, "business_number", "token")])
_NUMBERS = {"tax_rate": pa.float64(), "declarations": pa.int64(), "value": pa.float64(), "mass": pa.float64()}
_SCHEMA = pa.schema([(name, _NUMBERS.get(name, pa.string())) for name in (*KEY, "declarations", "value", "mass")])
_DECLARED = ("hs10_code", "country_of_origin", "country_of_departure", "tax_type", "tax_rate", "item_price", "net_mass")


class SeveralTokens(ValueError):
    """Months were counted with different identity keys or business numbers, so that one importer would count as several."""


def month_population(lake: Lake, month: str, key: bytes, number: str | None = None) -> pa.Table:
    """What each importer declared in a month, inspected or not.

    Names leave this function as the tokens that ``anonymized_declarations`` has for the same parties.

    Args:
        lake: has the month's ``raw_declarations``.
        month: ``YYYY-MM``.
        key: the identity key.
        number: the column of ``raw_declarations`` with the importers' business numbers, where the settings name one.

    Returns:
        One row for each combination of :data:`KEY`, sorted by it: ``declarations`` (int64), ``value`` (sum of the item prices,
        KRW) and ``mass`` (sum of the net masses, kg). It does not depend on the order of the declarations. Those of nobody
        have the empty ``importer_id``.

    Raises:
        BusinessNumberError: the column of business numbers is missing or holds no text.
    """
    nothing = ConstantExpression("")
    with lake.connect() as connection:
        raw = connection.read_parquet(lake.sql_path("raw_declarations", month))
        if number is not None:
            require_text(raw.limit(0).to_arrow_table().schema, month, {_ROLE: number})
        numbered = nothing if number is None else CoalesceOperator(ColumnExpression(number), nothing)
        raw.select(
            CoalesceOperator(ColumnExpression(_ROLE), nothing).alias(_ROLE),
            numbered.alias("business_number"),
            *(
                ConstantExpression(STAND_INS[name]).alias(name) if name in STAND_INS else ColumnExpression(name)
                for name in _DECLARED
            ),
        ).create_view("declared")
        # Importers are few beside declarations, so each name is made alike once.
        parties = connection.sql("select distinct importer_id, business_number from declared").df()
        party = role_parties(parties[_ROLE], None if number is None else parties["business_number"])
        codes, distinct = pd.factorize(party)
        return _counted(connection, parties.assign(token=tokens(distinct, _ROLE, key)[codes]))


def count_population(declarations: pd.DataFrame) -> pd.DataFrame:
    """The same of declarations whose importers are tokens already, as in ``anonymized_declarations``.

    Args:
        declarations: rows with the columns of :data:`declaration.TARIFF_TUPLE`, ``importer_id``, ``item_price`` and ``net_mass``.
    """
    with duckdb.connect(":memory:") as connection:
        rows = declarations[[_ROLE, *_DECLARED]].assign(business_number="")
        connection.register("declared", pa.Table.from_pandas(rows, preserve_index=False))
        importers = pd.Series(rows[_ROLE].unique(), dtype=object)
        return _counted(
            connection, pd.DataFrame({_ROLE: importers, "business_number": "", "token": importers})
        ).to_pandas()


def _counted(connection: duckdb.DuckDBPyConnection, parties: pd.DataFrame) -> pa.Table:
    """The population of the view ``declared``, where each importer has its token."""
    connection.register("tokens", pa.Table.from_pandas(parties.astype(object), _TOKENS, preserve_index=False))
    return connection.sql(read_sql("population.sql")).to_arrow_table().combine_chunks()


class _Merged(NamedTuple):
    """The population of some months as one.

    Attributes:
        importers: the tokens, ascending; an importer's number is its place.
        tuples: the tariff tuples, with the columns of :data:`COLUMNS`; a tuple's number is its place.
        rows: ``importer`` (a number, null for nobody), ``tuple`` (a number), ``declarations``, ``value`` (KRW), ``mass`` (kg).
    """

    importers: np.ndarray
    tuples: pd.DataFrame
    rows: pa.Table


@dataclass(frozen=True, eq=False)
class Population:
    """The population of some months. Nothing is read before it is asked for; what was read is kept.

    :meth:`of` and :meth:`of_frames` make one.
    """

    _merge: Callable[[], _Merged]

    @classmethod
    def of(cls, lake: Lake, months: Iterable[str]) -> Population:
        """The population of some months of a lake's asset ``population``.

        Raises:
            ValueError: there is no month.
            SeveralTokens: the months were counted with different keys, business numbers or versions.
        """
        months = list(months)
        _require_one_token(lake, months)
        paths = [lake.sql_path(ASSET, month) for month in months]

        def merge() -> _Merged:
            with lake.connect() as connection:
                connection.read_parquet(paths).create_view("counted")
                return _merged(connection)

        return cls(merge)

    @classmethod
    def of_frames(cls, frames: Iterable[pd.DataFrame | pa.Table]) -> Population:
        """The population of some tables of :func:`month_population` or :func:`count_population`, such as one for each month.

        Raises:
            ValueError: there is no table.
        """
        tables = [
            pa.Table.from_pandas(frame, preserve_index=False) if isinstance(frame, pd.DataFrame) else frame
            for frame in frames
        ]
        if not tables:
            raise ValueError("there is no table to count the population of")

        def merge() -> _Merged:
            with duckdb.connect(":memory:") as connection:
                together = pa.concat_tables(
                    table.select(_SCHEMA.names).cast(_SCHEMA)  # pyright: ignore[reportCallIssue]
                    for table in tables
                )
                connection.register("counted", together)
                return _merged(connection)

        return cls(merge)

    @cached_property
    def _counts(self) -> _Merged:
        return self._merge()

    @property
    def importers(self) -> np.ndarray:
        """The tokens of all importers, ascending, shape (importers,)."""
        return self._counts.importers

    def contributions(self, columns: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What each importer has in the cells that some columns make.

        Args:
            columns: names of :data:`COLUMNS`; none of them makes one cell of all trade.

        Returns:
            The cells, one row each, sorted; and one row for each cell and importer, sorted: ``cell`` (its place among the cells),
            ``importer`` (its place in :attr:`importers`), ``declarations``, ``value`` (KRW), ``mass`` (kg).

        Raises:
            ValueError: a column is none of :data:`COLUMNS`.
        """
        if unknown := [name for name in columns if name not in COLUMNS]:
            raise ValueError(f"a cell has no {', '.join(unknown)}; it is made of {', '.join(COLUMNS)}")
        _, tuples, rows = self._counts
        cell, keys = _cells_of(tuples, list(dict.fromkeys(columns)))
        with duckdb.connect(":memory:") as connection:
            connection.register("merged", rows)
            connection.register("cells", pa.table({"tuple": np.arange(len(tuples), dtype=np.int32), "cell": cell}))
            return keys, connection.sql(read_sql("population_contributions.sql")).df()

    def restricted_to(self, importers: np.ndarray | pd.Series) -> Population:
        """The population of some importers alone, such as one half of them. Declarations of nobody are left out.

        Args:
            importers: tokens. Those that declared nothing are ignored.
        """

        def merge() -> _Merged:
            everyone, tuples, rows = self._counts
            wanted = pd.Index(everyone).isin(np.asarray(importers, dtype=object))
            # Nobody has the number -1, the last place.
            number = np.append(np.where(wanted, np.cumsum(wanted) - 1, -1), -1)
            renumbered = number[rows["importer"].fill_null(-1).to_numpy()]
            own = rows.set_column(0, "importer", pa.array(renumbered, pa.int32()))
            return _Merged(everyone[wanted], tuples, own.filter(pa.array(renumbered >= 0)))

        return Population(merge)


def months_of_population(lake: Lake, months: Iterable[str]) -> dict[str, Population]:
    """The population of each of some months by itself."""
    return {month: Population.of(lake, [month]) for month in months}


def _merged(connection: duckdb.DuckDBPyConnection) -> _Merged:
    """The view ``counted``, merged."""
    # No order is asked for, and to keep one takes memory.
    connection.execute("set preserve_insertion_order = false")
    connection.execute(read_sql("population_merged.sql"))
    importers = connection.sql("select importer_id from importers order by importer").df()
    tuples = connection.sql("from tuples order by tuple").df()
    rows = connection.sql("from merged").to_arrow_table()
    return _Merged(importers["importer_id"].to_numpy(), with_levels(tuples)[list(COLUMNS)], rows)


def _cells_of(tuples: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """The number of each tuple's cell, int32 of shape (n,), and the cells' columns, a cell at its number, sorted."""
    if not columns:
        return np.zeros(len(tuples), dtype=np.int32), pd.DataFrame(index=range(1))
    cell = tuples.groupby(columns, sort=True, dropna=False).ngroup().to_numpy().astype(np.int32)
    keys = tuples[columns].iloc[np.unique(cell, return_index=True)[1]].reset_index(drop=True)
    return cell, keys


def _require_one_token(lake: Lake, months: Sequence[str]) -> None:
    """Refuse months in which one importer may have different tokens."""
    if not months:
        raise ValueError("there is no month to count the population of")
    ways: dict[tuple[str, str, str], list[str]] = {}
    for month in months:
        if (record := lake.record(ASSET, month)) is not None:
            key, numbers = (record.settings.get(name, "") for name in ("identity_key", "business_numbers"))
            ways.setdefault((key, numbers, record.code_version), []).append(month)
    if len(ways) > 1:
        spans = "; ".join(
            f"key {key or '?'}, business numbers {numbers or '{}'}, version {version}: {', '.join(of)}"
            for (key, numbers, version), of in ways.items()
        )
        raise SeveralTokens(
            f"the population of the months was counted with different identity keys, business numbers or versions ({spans}), "
            "so one importer would count as several; materialize population again for all months with the present ones"
        )
