"""The ``k`` rule over all months: which goods may be shown as they are, and what becomes of those that may not.

Within one month of some 3,000 declarations nearly every tariff tuple is rare; over all months most are not. So the months share
one table (``sql/safe_groups.sql``), cheap to count, of what at least ``k`` distinct importers declared: tariff tuples, tuples
with their mass, and with mass and label, and masses by themselves. A month's declarations are *generalised* by it before
anything is drawn from them: a tuple that is not safe is replaced by a safe one that shares as much of it as can be. From then on
no unsafe tuple is at hand, so none can be released.

What belongs here is the rule and its account. What is drawn from the generalised rows, and how, is ``polish``'s; the bands in
which single masses and prices are blurred are ``encodings.bands``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from customs_assets.declaration import ATTRIBUTES, RELEASED_TUPLE, TARIFF_TUPLE, Kind
from customs_assets.lake import read_sql

# How a safe tuple is found for one that is not: it shares these parts, tried in this order. Route, claim and rate are kept
# before the product code, since four columns of a release hang on them and one on the code.
_SHARED: tuple[tuple[str, ...], ...] = (
    ("hs6_code", "country_of_origin", "country_of_departure", "tax_rate"),
    ("hs6_code", "country_of_origin", "country_of_departure"),
    ("heading", "country_of_origin", "country_of_departure", "tax_type", "tax_rate"),
    ("chapter", "country_of_origin", "country_of_departure", "tax_type", "tax_rate"),
    ("chapter", "country_of_origin", "country_of_departure", "tax_type"),
    ("chapter", "country_of_origin", "tax_type", "tax_rate"),
    ("chapter", "country_of_origin", "country_of_departure"),
    ("country_of_origin", "country_of_departure", "tax_type", "tax_rate"),
    ("country_of_origin", "tax_type", "tax_rate"),
    ("hs6_code", "tax_type", "tax_rate"),
    ("heading", "tax_type", "tax_rate"),
    ("chapter", "tax_type", "tax_rate"),
    ("country_of_origin",),
    ("chapter",),
    (),
)

# The codes of the form that stand in no tuple; each is safe or not by itself.
FORM_CODES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.CODE and a.name not in TARIFF_TUPLE)

KINDS = ("goods", "tuple", "mass", "unit price", "code")

_MASS = "net_mass"
_LABEL = "label"


class TooFewImporters(ValueError):
    """Not one tariff tuple of the month rests on enough importers, so nothing of it may be released."""


@dataclass(frozen=True)
class Generalized:
    """A month's declarations in which every tariff tuple is safe.

    Attributes:
        declarations: the n rows, tuples replaced where they had to be, and two columns beside them: ``whole``, whether tuple,
            mass and label are safe together, so that they may be drawn together; ``unit_price``, the price in KRW per kg
            where it is safe for the product code, NaN where not.
        replaced: n booleans: the tuple was replaced.
        shared: for each way of sharing parts, how many rows were replaced by it.
    """

    declarations: pd.DataFrame
    replaced: np.ndarray
    shared: dict[str, int]


def count_safe_groups(
    connection: duckdb.DuckDBPyConnection, anonymized_paths: list[str], min_group: int
) -> pd.DataFrame:
    """Count what at least ``min_group`` importers declared, over the months at hand.

    Args:
        connection: a DuckDB that can read the paths.
        anonymized_paths: Parquet files of the months' anonymized declarations.
        min_group: ``k``, at least 1.

    Returns:
        The table that :class:`SafeGroups` takes, ordered.
    """
    parameters = {"anonymized": anonymized_paths, "min_group": min_group}
    return connection.execute(read_sql("safe_groups.sql"), parameters).df()


class SafeGroups:
    """What may be shown, as ``sql/safe_groups.sql`` found it.

    Args:
        table: columns ``kind`` (one of :data:`KINDS`), those of :data:`declaration.RELEASED_TUPLE`, ``net_mass``, ``label``,
            ``importers`` and ``declarations``; null where a kind does not look at a column.

    Raises:
        ValueError: the table has a kind that is not known.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        if strange := set(table["kind"]) - set(KINDS):
            raise ValueError(
                f"the table of safe groups holds the kinds {sorted(strange)}; known are {', '.join(KINDS)}"
            )
        self._by_kind = {kind: table[table["kind"] == kind] for kind in KINDS}

    @property
    def masses(self) -> np.ndarray:
        """The net masses (kg) that are safe by themselves, ascending."""
        return np.sort(self._by_kind["mass"][_MASS].to_numpy(dtype=float))

    def is_safe(self, declarations: pd.DataFrame, kind: str) -> np.ndarray:
        """Which of n declarations stand in a safe group of a kind, as booleans.

        Args:
            declarations: rows with the columns of ``kind``; the product code as ``hs10_code`` or ``hs6_code``.
            kind: ``goods``, ``tuple`` or ``mass``.
        """
        columns = {"goods": [*RELEASED_TUPLE, _MASS, _LABEL], "tuple": [*RELEASED_TUPLE], "mass": [_MASS]}[kind]
        rows = _grouped_columns(declarations)[columns].reset_index(drop=True)
        known = self._by_kind[kind][columns].astype(rows.dtypes.to_dict())
        return rows.merge(known, how="left", on=columns, indicator=True)["_merge"].eq("both").to_numpy()

    def codes(self, attribute: str) -> list[str]:
        """The safe codes of an attribute of the form that stands in no tuple, ascending."""
        table = self._by_kind["code"]
        return sorted(table.loc[table["attribute"] == attribute, "code"])

    def unit_prices(self, declarations: pd.DataFrame) -> np.ndarray:
        """For each of n declarations its price in KRW per kg as it may be shown; NaN where too few importers declared it."""
        known = self._by_kind["unit price"]
        mass, price = (declarations[name].to_numpy(dtype=float) for name in (_MASS, "item_price"))
        priced = (mass > 0) & (price > 0)
        written = [f"{unit:.3e}" for unit in np.divide(price, mass, out=np.ones_like(mass), where=priced)]
        rows = pd.DataFrame({"hs6_code": declarations["hs10_code"].str[:6].to_numpy(), "written_unit_price": written})
        shown = rows.merge(known, how="left", on=["hs6_code", "written_unit_price"])["unit_price"].to_numpy(dtype=float)
        return np.where(priced, shown, np.nan)

    def generalize(self, declarations: pd.DataFrame, rng: np.random.Generator) -> Generalized:
        """Replace every tuple that is not safe by a safe one of the same month.

        Among the tuples that share as much, one is drawn by how often it occurs in the month.

        Args:
            declarations: n anonymized rows of a month.
            rng: where draws come from.

        Raises:
            TooFewImporters: no tuple of the month is safe, or no code of an attribute is.
        """
        safe = self.is_safe(declarations, "tuple")
        if not safe.any():
            raise TooFewImporters(
                f"none of the {len(declarations)} declarations has a tariff tuple that enough importers declared; "
                "more months, or a smaller k (CUSTOMS_MIN_GROUP), are needed"
            )
        whole = safe & self.is_safe(declarations, "goods")
        parts = _parts(declarations)
        donors = np.flatnonzero(safe)
        chosen = np.arange(len(declarations))
        open_rows = np.flatnonzero(~safe)
        counts: dict[str, int] = {}
        for shared in _SHARED:
            if not len(open_rows):
                break
            found = _donors_sharing(parts, shared, donors, open_rows, rng)
            chosen[open_rows[found >= 0]] = found[found >= 0]
            counts[", ".join(shared) or "nothing"] = int((found >= 0).sum())
            open_rows = open_rows[found < 0]
        replaced = declarations.copy()
        for column in TARIFF_TUPLE:
            replaced[column] = declarations[column].to_numpy()[chosen]
        for column in FORM_CODES:
            replaced[column] = _safe_codes(declarations[column], self.codes(column), rng)
        replaced = replaced.assign(whole=whole, unit_price=self.unit_prices(declarations)[chosen])
        return Generalized(replaced, ~safe, {name: count for name, count in counts.items() if count})


def _safe_codes(codes: pd.Series, safe: list[str], rng: np.random.Generator) -> np.ndarray:
    """The codes, every unsafe one replaced by a safe one, drawn by how often each occurs in the month."""
    if not safe:
        raise TooFewImporters(f"no {codes.name} was used by enough importers; more months, or a smaller k, are needed")
    known = codes.isin(safe).to_numpy()
    values = codes.to_numpy(dtype=object, copy=True)
    pool = values[known] if known.any() else np.array(safe, dtype=object)
    values[~known] = rng.choice(pool, size=int((~known).sum()))
    return values


def _grouped_columns(declarations: pd.DataFrame) -> pd.DataFrame:
    """The columns that groups are counted by."""
    columns = declarations[[name for name in RELEASED_TUPLE if name in declarations]].copy()
    if "hs6_code" not in columns:
        columns["hs6_code"] = declarations["hs10_code"].str[:6]
    columns[_MASS] = declarations[_MASS].astype(float)
    if "critical_fraud" in declarations:
        columns[_LABEL] = declarations["critical_fraud"].astype(int)
    return columns


def _parts(declarations: pd.DataFrame) -> pd.DataFrame:
    """The tuple's parts, and the longer groups of product codes, as integers."""
    columns = _grouped_columns(declarations)
    columns["heading"], columns["chapter"] = columns["hs6_code"].str[:4], columns["hs6_code"].str[:2]
    return columns[[*RELEASED_TUPLE, "heading", "chapter"]].apply(lambda column: pd.factorize(column)[0])


def _donors_sharing(
    parts: pd.DataFrame, shared: tuple[str, ...], donors: np.ndarray, rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """For each of some rows a donor that has the same parts, drawn evenly; -1 where there is none."""
    key = parts.groupby(list(shared), sort=False).ngroup().to_numpy() if shared else np.zeros(len(parts), dtype=int)
    order = donors[np.argsort(key[donors], kind="stable")]
    start = np.searchsorted(key[order], key[rows], side="left")
    width = np.searchsorted(key[order], key[rows], side="right") - start
    place = start + (rng.random(len(rows)) * width).astype(int)
    return np.where(width > 0, order[np.minimum(place, len(order) - 1)], -1)
