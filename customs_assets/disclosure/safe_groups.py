"""The ``k`` rule over all months: which goods may be shown as they are, and what becomes of those that may not.

Within one month of some 3,000 declarations nearly every tariff tuple is rare; over all months most are not. So the months share
one table (``sql/safe_groups.sql``), cheap to count, of what at least ``k`` distinct importers declared: tariff tuples, tuples
with their mass, and with mass and label, masses by themselves, and the codes of the form that stand in no tuple. A month's
declarations are *generalised* by it before anything is drawn from them: a tuple or code that is not safe is replaced by a safe
one of a declaration that shares as much as can be. From then on nothing unsafe is at hand, so nothing unsafe can be released.

What belongs here is the rule and its account. What is drawn from the generalised rows, and how, is ``polish``'s; the bands in
which single masses and prices are blurred are ``encodings.bands``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from customs_assets.declaration import FORM_CODES, RELEASED_TUPLE, TARIFF_TUPLE
from customs_assets.disclosure.too_few import TooFewImporters
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

# How the code of another declaration is found for one that is not safe: it shares these, tried in this order.
_SHARED_BY_CODES: tuple[tuple[str, ...], ...] = (
    (*FORM_CODES, "chapter"),
    ("mode_of_transport", "process_type", "import_type", "import_use", "chapter"),
    ("mode_of_transport", "import_type"),
    (),
)

KINDS = ("goods", "tuple", "mass", "unit price", *FORM_CODES)

_MASS = "net_mass"
_LABEL = "label"


@dataclass(frozen=True)
class Generalized:
    """A month's declarations in which every tariff tuple and every code is safe.

    Attributes:
        declarations: the n rows, tuples and codes replaced where they had to be, and two columns beside them: ``whole``, whether
            tuple, mass and label are safe together, so that they may be drawn together; ``unit_price``, the price in KRW per kg
            where it is safe for the product code, NaN where not.
        replaced: n booleans: the tuple was replaced.
        codes_replaced: for each code of the form, how many rows got another one; only those of which any did.
        shared: for each way of sharing parts, how many rows were replaced by it.
    """

    declarations: pd.DataFrame
    replaced: np.ndarray
    codes_replaced: dict[str, int]
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
            ``code``, ``importers`` and ``declarations``; null where a kind does not look at a column.

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

    def codes(self, column: str) -> list[str]:
        """The codes of a column of :data:`declaration.FORM_CODES` that are safe, sorted."""
        return sorted(self._by_kind[column]["code"])

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

    def unit_prices(self, declarations: pd.DataFrame) -> np.ndarray:
        """For each of n declarations its price in KRW per kg as it may be shown; NaN where too few importers declared it."""
        known = self._by_kind["unit price"]
        written, priced = written_unit_prices(declarations)
        rows = pd.DataFrame({"hs6_code": declarations["hs10_code"].str[:6].to_numpy(), "written_unit_price": written})
        shown = rows.merge(known, how="left", on=["hs6_code", "written_unit_price"])["unit_price"].to_numpy(dtype=float)
        return np.where(priced, shown, np.nan)

    def generalize(self, declarations: pd.DataFrame, rng: np.random.Generator) -> Generalized:
        """Replace every tuple and every code that is not safe by a safe one of the same month.

        Of the declarations that share as much, the one gives its tuple whose price per kilogram is nearest: what a thing costs
        says best what it is, where the tariff says no more. A code comes from any of them.

        Args:
            declarations: n anonymized rows of a month.
            rng: where draws come from.

        Raises:
            TooFewImporters: no tuple of the month is safe, or no code of a column.
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
        # A hair's breadth of noise, so that among equal prices no tuple is preferred.
        cost = _log_unit_price(declarations) + 1e-6 * rng.standard_normal(len(declarations))
        chosen = np.arange(len(declarations))
        open_rows = np.flatnonzero(~safe)
        counts: dict[str, int] = {}
        for shared in _SHARED:
            if not len(open_rows):
                break
            found = _donors_sharing(parts, shared, donors, open_rows, cost)
            chosen[open_rows[found >= 0]] = found[found >= 0]
            counts[", ".join(shared) or "nothing"] = int((found >= 0).sum())
            open_rows = open_rows[found < 0]
        replaced = declarations.copy()
        for column in TARIFF_TUPLE:
            replaced[column] = declarations[column].to_numpy()[chosen]
        replaced = replaced.assign(whole=whole, unit_price=self.unit_prices(declarations)[chosen])
        replaced, codes_replaced = self._with_safe_codes(replaced, rng)
        return Generalized(replaced, ~safe, codes_replaced, {name: count for name, count in counts.items() if count})

    def _with_safe_codes(
        self, declarations: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, dict[str, int]]:
        """The rows with each code that is not safe drawn from a declaration that is like them, and how many were."""
        shared_columns = declarations[list(FORM_CODES)].assign(chapter=declarations["hs10_code"].str[:2])
        parts = shared_columns.apply(lambda column: pd.factorize(column)[0])
        counts: dict[str, int] = {}
        for column in FORM_CODES:
            safe = declarations[column].isin(self.codes(column)).to_numpy()
            if safe.all():
                continue
            if not safe.any():
                raise TooFewImporters(
                    f"no code of {column} in the {len(declarations)} declarations is one that enough importers declared; "
                    "more months, or a smaller k (CUSTOMS_MIN_GROUP), are needed"
                )
            chosen = _like(parts, column, safe, rng)
            declarations = declarations.assign(**{column: declarations[column].to_numpy()[chosen]})
            counts[column] = int((~safe).sum())
        return declarations, counts


def _like(parts: pd.DataFrame, column: str, safe: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each row itself where its code is safe, else a row drawn at random from those like it whose code is."""
    chosen = np.arange(len(parts))
    open_rows = np.flatnonzero(~safe)
    chance = rng.random(len(parts))
    for shared in _SHARED_BY_CODES:
        others = tuple(name for name in shared if name != column)
        found = _donors_sharing(parts, others, np.flatnonzero(safe), open_rows, chance)
        chosen[open_rows[found >= 0]] = found[found >= 0]
        open_rows = open_rows[found < 0]
        if not len(open_rows):
            break
    return chosen


def written_unit_prices(declarations: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The price in KRW per kg of each of n declarations as ``sql/safe_groups.sql`` writes it, to four significant digits.

    Returns:
        Text of shape (n,), and booleans: whether there is a mass and a price. Where there is none, the text says 1.
    """
    mass, price = (declarations[name].to_numpy(dtype=float) for name in (_MASS, "item_price"))
    priced = (mass > 0) & (price > 0)
    units = np.divide(price, mass, out=np.ones_like(mass), where=priced)
    return np.array([f"{unit:.3e}" for unit in units], dtype=object), priced


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


def _log_unit_price(declarations: pd.DataFrame) -> np.ndarray:
    """Natural logarithm of the price in KRW per kg; a shipment of 0 kg is priced as one of 1 kg, one of no price at 1 KRW."""
    mass, price = (declarations[name].to_numpy(dtype=float) for name in (_MASS, "item_price"))
    return np.log(np.maximum(price, 1.0)) - np.log(np.where(mass > 0, mass, 1.0))


def _donors_sharing(
    parts: pd.DataFrame, shared: tuple[str, ...], donors: np.ndarray, rows: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    """For each of some rows the donor of the nearest cost that has the same parts; -1 where there is none."""
    key = parts.groupby(list(shared), sort=False).ngroup().to_numpy() if shared else np.zeros(len(parts), dtype=int)
    order = donors[np.lexsort([cost[donors], key[donors]])]
    start = np.searchsorted(key[order], key[rows], side="left")
    end = np.searchsorted(key[order], key[rows], side="right")
    # Costs are told apart by key, so that one search finds the place of each row's cost within its group.
    span = float(np.ptp(cost)) + 1.0
    place = np.searchsorted(
        key[order] * span + (cost[order] - cost.min()), key[rows] * span + (cost[rows] - cost.min())
    )
    last = np.maximum(end - 1, start)
    below = order[np.minimum(np.clip(place - 1, start, last), len(order) - 1)]
    above = order[np.minimum(np.clip(place, start, last), len(order) - 1)]
    nearer = np.where(np.abs(cost[below] - cost[rows]) <= np.abs(cost[above] - cost[rows]), below, above)
    return np.where(end > start, nearer, -1)
