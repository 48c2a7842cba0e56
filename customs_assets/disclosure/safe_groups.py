"""The ``k`` rule over all months: which goods, amounts and codes of the form may be shown as declared.

Within one month of some 3,000 declarations nearly everything is rare; over all months most is not. So one table
(``sql/safe_groups.sql``) counts over all months what at least ``k`` distinct importers declared: tariff tuples with their mass
and label, masses, prices per kilogram, and the codes of the form that stand in no tuple. A month's declarations are
*generalized* before anything is drawn from them: each gets the tariff tuple that is shown for it (``parts.py``), and a code of
the form that is not safe is replaced by one of a declaration like it. After this step nothing unsafe is left to be released.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import FORM_CODES, HS6, RELEASED_TUPLE, TARIFF_TUPLE
from customs_assets.disclosure.levels import CODE
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.lake import Lake, read_sql

# A declaration gets the code of one that shares these, tried in this order.
_SHARED_BY_CODES: tuple[tuple[str, ...], ...] = (
    (*FORM_CODES, "chapter"),
    *(
        tuple(name for name in shared if name in (*FORM_CODES, "chapter"))
        for shared in (
            ("mode_of_transport", "process_type", "import_type", "import_use", "chapter"),
            ("mode_of_transport", "import_type"),
        )
    ),
    (),
)

KINDS = ("goods", "mass", "unit price", *FORM_CODES)


@dataclass(frozen=True)
class Generalized:
    """A month's declarations with tariff tuples and codes that may be shown.

    Attributes:
        declarations: the n rows with tuples (product codes of six digits), masses and codes that may be shown, and two more
            columns: ``safe_as_declared``, whether tuple, mass and label are safe together, so that they may be drawn together;
            ``unit_price``, the price in KRW per kg where it is safe for the product code, else NaN.
        parts_kept: how many rows kept each part of their tuple.
        codes_replaced: how many rows got another code, by column.
        masses_withheld: how many rows have another mass, because theirs is confidential at a trader's request.
    """

    declarations: pd.DataFrame
    parts_kept: dict[str, int]
    codes_replaced: dict[str, int]
    masses_withheld: int = 0


def count_safe_groups(lake: Lake, months: Iterable[str], min_group: int) -> pd.DataFrame:
    """Count what at least ``min_group`` importers declared over some months of a lake's ``anonymized_declarations``.

    Returns:
        The table that :class:`SafeGroups` takes, ordered.
    """
    paths = [lake.sql_path("anonymized_declarations", month) for month in months]
    with lake.connect() as connection:
        return connection.execute(
            read_sql("safe_groups.sql"), {"anonymized": paths, "min_group": min_group, "kinds": list(KINDS)}
        ).df()


class SafeGroups:
    """What may be shown as declared.

    Args:
        table: what :func:`count_safe_groups` counted: ``kind`` (one of :data:`KINDS`), the columns of
            :data:`declaration.RELEASED_TUPLE`, ``net_mass``, ``label``, ``code``, ``importers`` and ``declarations``. A column
            that a kind does not look at is null.

    Raises:
        ValueError: the table has an unknown kind.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        if unknown := set(table["kind"]) - set(KINDS):
            raise ValueError(
                f"the table of safe groups holds the kinds {sorted(unknown)}; known are {', '.join(KINDS)}"
            )
        self._by_kind = {kind: table[table["kind"] == kind] for kind in KINDS}

    @property
    def masses(self) -> np.ndarray:
        """The net masses (kg) that are safe by themselves, ascending."""
        return np.sort(self._by_kind["mass"]["net_mass"].to_numpy(dtype=float))

    def codes(self, column: str) -> list[str]:
        """The safe codes of a column of :data:`declaration.FORM_CODES`, sorted."""
        return sorted(self._by_kind[column]["code"])

    def are_safe_goods(self, declarations: pd.DataFrame) -> np.ndarray:
        """Which of n declarations have a tariff tuple, mass and label that are safe together, as booleans."""
        columns = [*RELEASED_TUPLE, "net_mass", "label"]
        rows = with_shorter_codes(declarations)
        rows = rows.assign(label=rows["critical_fraud"].astype(int))[columns]
        safe = self._by_kind["goods"][columns].astype(rows.dtypes.to_dict())
        return rows.merge(safe, how="left", on=columns, indicator=True)["_merge"].eq("both").to_numpy()

    def unit_prices(self, declarations: pd.DataFrame) -> np.ndarray:
        """The price in KRW per kg of each of n declarations as it may be shown; NaN where too few importers declared it."""
        written, priced = written_unit_prices(declarations)
        rows = pd.DataFrame({"hs6_code": declarations["hs10_code"].str[:6].to_numpy(), "written_unit_price": written})
        safe = rows.merge(self._by_kind["unit price"], how="left", on=["hs6_code", "written_unit_price"])["unit_price"]
        return np.where(priced, safe.to_numpy(dtype=float), np.nan)

    def draw_unit_prices(self, hs6_codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A safe price in KRW per kg for each of n product codes, as likely as declarations over all months had it.

        A code that has none gets NaN.
        """
        prices = self._by_kind["unit price"].sort_values(["hs6_code", "unit_price"])
        code, weight = prices["hs6_code"].to_numpy(dtype=object), prices["declarations"].to_numpy(dtype=float)
        begin, end = (np.searchsorted(code, hs6_codes, side=side) for side in ("left", "right"))
        reached = np.concatenate([[0.0], np.cumsum(weight)])
        wanted = reached[begin] + rng.random(len(hs6_codes)) * (reached[end] - reached[begin])
        place = np.clip(np.searchsorted(reached, wanted, side="right") - 1, begin, np.maximum(end - 1, begin))
        drawn = np.full(len(hs6_codes), np.nan)
        known = end > begin
        drawn[known] = prices["unit_price"].to_numpy(dtype=float)[place[known]]
        return drawn

    def generalize(self, declarations: pd.DataFrame, tuples: pd.DataFrame, rng: np.random.Generator) -> Generalized:
        """Give every declaration the tuple that is shown for it, and replace every code of the form that is not safe.

        Args:
            declarations: n anonymized rows of a month.
            tuples: the rows of :func:`parts.disclosed_tuples` for them, and others.
            rng: what draws come from.

        Raises:
            ValueError: a declaration has no disclosed tuple.
            TooFewImporters: no code of a column is safe.
        """
        own = declarations[["declaration_id"]].merge(tuples, how="left", on="declaration_id", validate="one_to_one")
        if missing := int(own[HS6.name].isna().sum()):
            raise ValueError(
                f"{missing} of {len(own)} declarations have no disclosed tuple: disclosed_tuples was made without them; "
                "make it again"
            )
        withheld = own["net_mass"].notna().to_numpy()
        stays = (own["of_declaration"] == own["declaration_id"]).to_numpy()
        masses = own["net_mass"].to_numpy(dtype=float)
        parts = {name.removesuffix("_level"): own[name] == CODE for name in own.columns if name.endswith("_level")}
        whole = np.logical_and.reduce([kept.to_numpy() for kept in parts.values()])
        generalized = declarations.assign(
            **{column: own[shown].to_numpy() for column, shown in zip(TARIFF_TUPLE, RELEASED_TUPLE, strict=True)},
            goods_of=own["of_declaration"].to_numpy(dtype=object),
            net_mass=np.where(withheld, masses, declarations["net_mass"].to_numpy(dtype=float)),
            safe_as_declared=whole & stays & ~withheld & self.are_safe_goods(declarations),
            unit_price=np.where(parts["code"] & stays & ~withheld, self.unit_prices(declarations), np.nan),
        )
        generalized, codes_replaced = self._with_safe_codes(generalized, rng)
        kept = {part: int(rows.sum()) for part, rows in parts.items()}
        return Generalized(generalized, kept, codes_replaced, int(withheld.sum()))

    def _with_safe_codes(
        self, declarations: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, dict[str, int]]:
        """The rows with each code that is not safe taken from a declaration like them, and how many such rows there were."""
        parts = declarations[list(FORM_CODES)].assign(chapter=declarations["hs10_code"].str[:2])
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
            ways = tuple(tuple(name for name in shared if name != column) for shared in _SHARED_BY_CODES)
            donors, _ = _nearest_safe(parts, ways, safe, rng.random(len(parts)))
            declarations = declarations.assign(**{column: declarations[column].to_numpy()[donors]})
            counts[column] = int((~safe).sum())
        return declarations, counts


def with_shorter_codes(declarations: pd.DataFrame) -> pd.DataFrame:
    """The same rows, numbered anew, with the product code's ``hs6_code``, ``heading`` (4 digits) and ``chapter`` (2)."""
    code = declarations["hs10_code" if "hs10_code" in declarations else "hs6_code"]
    return declarations.assign(hs6_code=code.str[:6], heading=code.str[:4], chapter=code.str[:2]).reset_index(drop=True)


def written_unit_prices(declarations: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The price in KRW per kg of each of n declarations as ``sql/safe_groups.sql`` writes it, to four significant digits.

    Returns:
        Text of shape (n,), and booleans: whether there is a mass and a price. Where there is none, the text says 1.
    """
    mass, price = (declarations[name].to_numpy(dtype=float) for name in ("net_mass", "item_price"))
    priced = (mass > 0) & (price > 0)
    units = np.divide(price, mass, out=np.ones_like(mass), where=priced)
    return np.array([f"{unit:.3e}" for unit in units], dtype=object), priced


def _nearest_safe(
    parts: pd.DataFrame, ways: Iterable[tuple[str, ...]], safe: np.ndarray, cost: np.ndarray
) -> tuple[np.ndarray, dict[str, int]]:
    """For each row itself where it is safe, else the safe row of the nearest cost that shares parts with it.

    Args:
        parts: what rows may share, n rows.
        ways: the names of the parts that must be shared, tried in this order.
        safe: n booleans, at least one of them true.
        cost: n numbers.

    Returns:
        The place of a safe row for each row, and how many rows found theirs by which shared parts.
    """
    codes = parts.apply(lambda column: pd.factorize(column)[0])
    donors = np.arange(len(parts))
    open_rows = np.flatnonzero(~safe)
    counts: dict[str, int] = {}
    for shared in ways:
        if not len(open_rows):
            break
        nearest = _nearest_sharing(codes, shared, np.flatnonzero(safe), open_rows, cost)
        matched = nearest >= 0
        donors[open_rows[matched]] = nearest[matched]
        if matched.any():
            counts[", ".join(shared) or "nothing"] = int(matched.sum())
        open_rows = open_rows[~matched]
    return donors, counts


def _nearest_sharing(
    codes: pd.DataFrame, shared: tuple[str, ...], donors: np.ndarray, rows: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    """For each of some rows the donor of the nearest cost with the same shared parts; -1 where there is none."""
    key = codes.groupby(list(shared), sort=False).ngroup().to_numpy() if shared else np.zeros(len(codes), dtype=int)
    order = donors[np.lexsort([cost[donors], key[donors]])]
    start = np.searchsorted(key[order], key[rows], side="left")
    end = np.searchsorted(key[order], key[rows], side="right")
    # Each key has its own range of costs, so that one search places each row's cost within its group.
    span = float(np.ptp(cost)) + 1.0
    place = np.searchsorted(
        key[order] * span + (cost[order] - cost.min()), key[rows] * span + (cost[rows] - cost.min())
    )
    last = np.maximum(end - 1, start)
    below = order[np.minimum(np.clip(place - 1, start, last), len(order) - 1)]
    above = order[np.minimum(np.clip(place, start, last), len(order) - 1)]
    nearer = np.where(np.abs(cost[below] - cost[rows]) <= np.abs(cost[above] - cost[rows]), below, above)
    return np.where(end > start, nearer, -1)
