"""The tariff tuple (product code, departure, origin, tax rate, tax type): coarse for the model, complete when decoded.

Section 4.3 of the paper joins the tuple into one column of thousands of categories. Here the model sees parts that it can learn:
section of the tariff, origin, whether the goods come straight from there, tax type, and a band of the rate. Decoding picks a
tuple of the month that has these parts, so that no combination comes out that the law does not allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from customs_assets.declaration import STAND_INS, TARIFF_TUPLE
from customs_assets.law.nomenclature import sections
from customs_assets.synthesis.encodings.categorical import CategoricalEncoding

# Upper bounds of the bands of the tax rate, in per cent; duty-free goods are a band of their own.
RATE_BANDS = (0.0, 5.0, 7.0, 8.0, 13.0)

# The column that each part is read from; a part that is read from a column which the form has not is left out.
_READ_FROM = {
    "section": "hs10_code",
    "origin": "country_of_origin",
    "direct": "country_of_departure",
    "tax_type": "tax_type",
    "rate_band": "tax_rate",
}
PARTS = tuple(part for part, column in _READ_FROM.items() if column not in STAND_INS)

_GROUPED = tuple(part for part in ("section", "origin", "tax_type") if part in PARTS)

# Which parts a tuple must share with the draft, tried in this order.
_BACK_OFF: tuple[tuple[str, ...], ...] = (
    PARTS,
    tuple(part for part in ("section", "origin", "direct", "tax_type") if part in PARTS),
    tuple(part for part in ("section", "origin", "direct") if part in PARTS),
    ("section", "origin"),
    ("section",),
    (),
)


@dataclass(frozen=True)
class TariffEncoding:
    """Tariff tuples of one month.

    Attributes:
        tuples: the month's distinct tuples, columns of :data:`declaration.TARIFF_TUPLE`, sorted.
        weights: how many declarations carry each.
        parts: the tuples' coarse parts, a row each.
        codes: the encoding of each categorical part.
    """

    tuples: pd.DataFrame
    weights: np.ndarray
    parts: pd.DataFrame
    codes: dict[str, CategoricalEncoding]

    @classmethod
    def fit(cls, declarations: pd.DataFrame, min_group: int) -> TariffEncoding:
        """Learn the lawful tuples of a month from its n declarations."""
        counted = declarations.groupby(list(TARIFF_TUPLE)).size().rename("weight").reset_index()
        raw, tuples = _raw_parts(declarations), counted[list(TARIFF_TUPLE)]
        codes = {part: CategoricalEncoding.fit(raw[part], declarations["importer_id"], min_group) for part in _GROUPED}
        return cls(tuples, counted["weight"].to_numpy(), _encoded_parts(tuples, codes), codes)

    def encode(self, declarations: pd.DataFrame) -> pd.DataFrame:
        """Frame of shape (n, 5), or as many as there are: the parts of :data:`PARTS` as text."""
        return _encoded_parts(declarations, self.codes)

    def decode(self, encoded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Frame of shape (n, 5) of tuples. Each shares as many parts with its draft as any tuple of the month can.

        Among those that do, one is drawn by how often it occurs.
        """
        chosen = np.full(len(encoded), -1)
        uniform = rng.random(len(encoded))
        for shared in _BACK_OFF:
            open_rows = np.flatnonzero(chosen < 0)
            if not len(open_rows):
                break
            chosen[open_rows] = self._draw(encoded.iloc[open_rows], shared, uniform[open_rows])
        return self.tuples.iloc[chosen].set_axis(encoded.index)

    def _draw(self, encoded: pd.DataFrame, shared: tuple[str, ...], uniform: np.ndarray) -> np.ndarray:
        """Index of a tuple with the same shared parts, -1 where there is none."""
        key = pd.concat([_joined(self.parts, shared), _joined(encoded, shared)], ignore_index=True)
        group, _ = pd.factorize(key)
        of_tuple, of_row = group[: len(self.parts)], group[len(self.parts) :]
        order = np.argsort(of_tuple, kind="stable")
        cumulative = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        start = np.searchsorted(of_tuple[order], of_row, side="left")
        end = np.searchsorted(of_tuple[order], of_row, side="right")
        target = cumulative[start] + uniform * (cumulative[end] - cumulative[start])
        position = np.clip(np.searchsorted(cumulative, target, side="right") - 1, start, np.maximum(end - 1, start))
        return np.where(end > start, order[np.minimum(position, len(order) - 1)], -1)


def rate_bands(rates: pd.Series) -> np.ndarray:
    """The band of :data:`RATE_BANDS` that each of n tax rates (per cent) lies in, as integers from 0 on."""
    return np.searchsorted(RATE_BANDS, rates.to_numpy())


def _encoded_parts(declarations: pd.DataFrame, codes: dict[str, CategoricalEncoding]) -> pd.DataFrame:
    raw = _raw_parts(declarations)
    return raw.assign(**{part: encoding.encode(raw[part]) for part, encoding in codes.items()})


def _raw_parts(declarations: pd.DataFrame) -> pd.DataFrame:
    chapter = declarations["hs10_code"].str[:2].astype(int).to_numpy()
    direct = declarations["country_of_departure"].to_numpy() == declarations["country_of_origin"].to_numpy()
    return pd.DataFrame(
        {
            "section": sections(chapter).astype(str),
            "origin": declarations["country_of_origin"],
            "direct": np.where(direct, "yes", "no"),
            "tax_type": declarations["tax_type"],
            "rate_band": rate_bands(declarations["tax_rate"]).astype(str),
        },
        index=declarations.index,
    )[list(PARTS)]


def _joined(parts: pd.DataFrame, shared: tuple[str, ...]) -> pd.Series:
    joined = pd.Series("", index=parts.index)
    for part in shared:
        joined = joined + "|" + parts[part].astype(str)
    return joined
