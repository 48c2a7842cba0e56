"""The law as an answer to questions: which product codes there are, which rates and routes are lawful.

The longest prefix counts, for each tax type by itself. A line of the tariff governs a code where its ``hs_code`` is the longest
of its tax type that the code begins with. A code that is shorter than lines of the tariff, such as a released one of six digits,
stands for all goods beneath it: the rates of the lines strictly beneath are lawful beside those of the line that governs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.declaration import HS6
from customs_assets.law.nomenclature import product_codes
from customs_assets.law.reading import stated_origin
from customs_assets.law.rules import ROUTE_COLUMNS
from customs_assets.settings import LawOrigin

HS6_DIGITS = 6

# Two rates are one where they differ by less, relatively: a rate may have been written as text and read again.
RATE_TOLERANCE = 1e-9

_RATES = ["hs6_code", "tax_type", "tax_rate"]


@dataclass(frozen=True, eq=False)
class Law:
    """The law that a source is under.

    Attributes:
        origin: which law it is.
        tariff: ``hs_code`` (2 to 12 digits), ``tax_type``, ``tax_rate`` (per cent), distinct; type and rate are missing where
            only the codes are known.
        routes: ``tax_type``, ``country_of_origin``, ``country_of_departure``, distinct; a tax type without a row is open to all.
    """

    origin: LawOrigin
    tariff: pd.DataFrame
    routes: pd.DataFrame

    @classmethod
    def of(cls, tariff: pa.Table, routes: pa.Table) -> Law:
        """The law of the two tables of the lake, ``tariff`` and ``tariff_routes``.

        Raises:
            ValueError: a table does not say which law it is of, or they say different things.
        """
        origin, origin_of_routes = stated_origin(tariff), stated_origin(routes)
        if origin != origin_of_routes:
            raise ValueError(f"the tariff is of the {origin} law and its routes are of the {origin_of_routes} one")
        return cls(origin, tariff.to_pandas(), routes.to_pandas())

    @property
    def has_rates(self) -> bool:
        """Whether the law says which tax types and rates are lawful, and not only which codes there are."""
        return bool(self.tariff["tax_type"].notna().any())

    @cached_property
    def codes(self) -> np.ndarray:
        """The 6-digit product codes of the law, as text, distinct and sorted.

        A line of six digits or more gives its first six. A shorter line gives the codes of the nomenclature beneath it, which it
        governs where no longer line does. National chapters (98, 99) are no product codes.
        """
        lines = pd.Series(self.tariff["hs_code"].unique(), dtype=object)
        digits = lines.str.len()
        found = {*lines[digits >= HS6_DIGITS].str[:HS6_DIGITS]}
        nomenclature = pd.Series(product_codes())
        for length in sorted(set(digits[digits < HS6_DIGITS])):
            found |= {*nomenclature[nomenclature.str[:length].isin(lines[digits == length])]}
        codes = pd.Series(sorted(found), dtype=object)
        return codes[codes.str.fullmatch(HS6.pattern or "").astype(bool)].to_numpy(dtype=object)

    def lines(self) -> pd.DataFrame:
        """Every lawful rate of each code of :attr:`codes`; as :meth:`rates_of`."""
        return self.rates_of(self.codes)

    def rates_of(self, hs6_codes: np.ndarray) -> pd.DataFrame:
        """Every lawful rate of some 6-digit codes, whether or not they are in :attr:`codes`.

        Args:
            hs6_codes: distinct codes, as text.

        Returns:
            ``hs6_code``, ``tax_type``, ``tax_rate``, distinct and sorted; no row for a code that no line covers, and none at all
            where the law has no rates.
        """
        rates = self._rates(pd.Series(hs6_codes, dtype=object)).rename(columns={"code": "hs6_code"})
        return rates[_RATES].drop_duplicates().sort_values(_RATES, ignore_index=True)

    def open_routes(self, tax_type: np.ndarray, origin: np.ndarray, departure: np.ndarray) -> np.ndarray:
        """Whether each of n tax types is open to its country of origin and of departure, as booleans."""
        asked = pd.DataFrame(dict(zip(ROUTE_COLUMNS, (tax_type, origin, departure), strict=True)), dtype=object)
        listed = asked.merge(self.routes.assign(is_listed=True), how="left", on=list(ROUTE_COLUMNS))["is_listed"]
        return (listed.notna() | ~asked["tax_type"].isin(self.routes["tax_type"])).to_numpy(dtype=bool)

    def is_lawful(self, rows: pd.DataFrame) -> np.ndarray:
        """Whether each of n tariff tuples is lawful, as booleans.

        Args:
            rows: ``hs10_code`` (6 to 12 digits) or ``hs6_code``, ``tax_type``, ``tax_rate``, ``country_of_origin`` and
                ``country_of_departure``. Where both codes are there, the longer one counts.

        Raises:
            ValueError: the law has no rates, so that nothing can be said; or there is no product code.
        """
        if not self.has_rates:
            raise ValueError(
                f"the law is the {self.origin}, which has no rates; name a tariff (CUSTOMS_TARIFF) to judge by"
            )
        code = next((name for name in ("hs10_code", "hs6_code") if name in rows.columns), None)
        if code is None:
            raise ValueError("the rows have neither hs10_code nor hs6_code")
        claims = rows[[code, "tax_type", "tax_rate"]].set_axis(["code", "tax_type", "claimed"], axis=1)
        claims = claims.astype({"code": object, "tax_type": object, "claimed": float})
        number = claims.groupby(["code", "tax_type", "claimed"], sort=False, dropna=False).ngroup().to_numpy()
        distinct = claims.assign(number=number).drop_duplicates("number")
        rates = distinct.merge(self._rates(distinct["code"].drop_duplicates()), on=["code", "tax_type"])
        is_rate = _same_rates(rates["claimed"].to_numpy(), rates["tax_rate"].to_numpy())
        has_rate = np.isin(number, rates["number"].to_numpy()[is_rate])
        return has_rate & self.open_routes(*(rows[column].to_numpy() for column in ROUTE_COLUMNS))

    @cached_property
    def _lines_by_digits(self) -> dict[int, pd.DataFrame]:
        """The lines that have a rate, by how many digits their codes have, ascending."""
        lines = self.tariff[self.tariff["tax_type"].notna()]
        return {int(digits): of for digits, of in lines.groupby(lines["hs_code"].str.len())}

    def _rates(self, codes: pd.Series) -> pd.DataFrame:
        """The lawful rates of distinct codes of any number of digits: ``code``, ``tax_type``, ``tax_rate``.

        One rate may stand in several rows.
        """
        digits = codes.str.len()
        over, beneath = [_NO_RATES.assign(digits=pd.Series(dtype="int64"))], [_NO_RATES]
        for length, lines in self._lines_by_digits.items():
            longer = codes[digits >= length]
            prefixes = pd.DataFrame({"code": longer, "hs_code": longer.str[:length]})
            over.append(prefixes.merge(lines, on="hs_code").assign(digits=length).drop(columns="hs_code"))
            for shorter in sorted(set(digits[digits < length])):
                asked = codes[digits == shorter]
                cut = lines.assign(code=lines["hs_code"].str[:shorter]).drop(columns="hs_code")
                beneath.append(cut[cut["code"].isin(asked)])
        governing = pd.concat(over, ignore_index=True)
        longest = governing.groupby(["code", "tax_type"])["digits"].transform("max")
        governing = governing[governing["digits"] == longest]
        return pd.concat([governing, *beneath], ignore_index=True)[list(_NO_RATES.columns)]


_NO_RATES = pd.DataFrame(
    {"code": pd.Series(dtype=object), "tax_type": pd.Series(dtype=object), "tax_rate": pd.Series(dtype=float)}
)


def _same_rates(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one - other) <= RATE_TOLERANCE * np.maximum(np.abs(one), np.abs(other))
