"""How often like goods were found to be frauds: histories of goods, lanes and offices, alone and crossed.

Trees split a code by its place in an order, and need many splits to tell one chapter of one origin from its neighbours. Customs
do not: they keep histories, the share of frauds among what came before of such goods from there. What such a history finds has to
be in the labels of a release, or whoever profiles risks finds less in it than in the source. So the models of fraud see
histories, too.

A history is the share of frauds among a value's declarations, smoothed towards the general share, as log-odds above those of it.
A value counts where at least ``4 k`` inspected importers stand behind it, as many as a leaf of the trees has rows; any other
value has the general share. Goods finer than a chapter have no history: that of a few importers' goods says of each of them
what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# What has a history. ``chapter`` is the first two digits of the product code.
PROFILES: tuple[tuple[str, ...], ...] = (
    ("chapter",),
    ("country_of_origin",),
    ("office_id",),
    ("tax_type",),
    ("country_of_origin", "country_of_departure"),
    ("chapter", "country_of_origin"),
)

# Inspected importers behind a history, as a multiple of k.
_IMPORTERS_PER_GROUP = 4

# Declarations at the general share that are added to each history.
_PRIOR = 10.0

# Parts of a value's text are parted by this sign, which no code has.
_BETWEEN = "|"


@dataclass(frozen=True)
class Histories:
    """The histories of the values of each of :data:`PROFILES`.

    Attributes:
        tables: for each profile the log-odds of fraud of each value above the general ones.
    """

    tables: tuple[Mapping[str, float], ...]

    @classmethod
    def of_declarations(cls, rows: pd.DataFrame, fraud: np.ndarray, importers: np.ndarray, min_group: int) -> Histories:
        """The histories of n declarations.

        Args:
            rows: with ``hs10_code`` and the columns of :data:`PROFILES`.
            fraud: n labels, 0 or 1.
            importers: n integers, who stands behind each row.
            min_group: ``k``.
        """
        general = (fraud.sum() + 1) / (len(fraud) + 2)
        tables = []
        for value in _values(rows):
            counted = pd.DataFrame({"value": value, "fraud": fraud, "importer": importers}).groupby("value", sort=True)
            found = counted.agg(frauds=("fraud", "sum"), rows=("fraud", "size"), importers=("importer", "nunique"))
            safe = found[found["importers"] >= _IMPORTERS_PER_GROUP * min_group]
            shares = (safe["frauds"] + _PRIOR * general) / (safe["rows"] + _PRIOR)
            odds = np.log(shares / (1 - shares)) - np.log(general / (1 - general))
            tables.append(dict(zip(safe.index, odds.round(6), strict=True)))
        return cls(tuple(tables))

    def of(self, rows: pd.DataFrame) -> np.ndarray:
        """The histories of m declarations: shape (m, profiles), 0 where a value has none."""
        columns = [value.map(table).fillna(0.0) for value, table in zip(_values(rows), self.tables, strict=True)]
        return np.column_stack(columns).astype(float)

    def as_json(self) -> list[dict[str, float]]:
        """The tables as JSON."""
        return [dict(table) for table in self.tables]

    @classmethod
    def from_json(cls, content: Sequence[Mapping[str, float]]) -> Histories:
        """The histories that :meth:`as_json` wrote."""
        return cls(tuple(dict(table) for table in content))


def _values(rows: pd.DataFrame) -> list[pd.Series]:
    """What n rows have of each profile, as text."""
    code = rows["hs10_code"].astype(str)
    names = {name for profile in PROFILES for name in profile}
    columns = {name: code.str[:2] if name == "chapter" else rows[name].astype(str) for name in names}
    values = []
    for first, *others in PROFILES:
        joined = columns[first]
        for name in others:
            joined = joined + _BETWEEN + columns[name]
        values.append(joined)
    return values
