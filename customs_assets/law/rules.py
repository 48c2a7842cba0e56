"""The rules of the law's form: what the cells of a tariff and of its routes must say, and the typed tables they become.

A law is not set aside row by row, as declarations are: with one row missing it is another law. The first row that breaks a rule
refuses the file, with its number and the cause. Of a column each distinct value is judged once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.declaration import BY_NAME, COUNTRIES
from customs_assets.named_rows import Rows, RowsError

TARIFF_COLUMNS = ("hs_code", "tax_type", "tax_rate")
ROUTE_COLUMNS = ("tax_type", "country_of_origin", "country_of_departure")

TARIFF_SCHEMA = pa.schema([("hs_code", pa.string()), ("tax_type", pa.string()), ("tax_rate", pa.float64())])
ROUTES_SCHEMA = pa.schema([(name, pa.string()) for name in ROUTE_COLUMNS])

# Chapters 98 and 99 are national ones: a tariff may have them, though no declaration of the form does.
HS_CODE_PATTERN = r"(?!00|77)\d{2,12}"
FEWEST_DIGITS, MOST_DIGITS = 2, 12

_LARGEST_RATE = BY_NAME["tax_rate"].maximum or math.inf
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SHOWN_CHARACTERS = 40

# What is wrong with a cell that is not empty; empty where nothing is.
Verdict = Callable[[str], str]


def tariff_table(rows: Rows) -> pa.Table:
    """The lines of a tariff, distinct and sorted, by TARIFF_SCHEMA. Dots and blanks are taken out of codes.

    Raises:
        RowsError: a row breaks a rule.
    """
    cells = _stripped(rows.cells)
    cells["hs_code"] = cells["hs_code"].str.replace(r"[.\s]+", "", regex=True)
    _refuse(rows, cells, {"hs_code": _code_fault, "tax_type": _type_fault, "tax_rate": _rate_fault})
    # Minus zero is zero.
    lines = cells.assign(tax_rate=cells["tax_rate"].astype(float) + 0.0)
    return ordered_table(lines, TARIFF_SCHEMA)


def routes_table(rows: Rows, tax_types: Collection[str], tariff: str) -> pa.Table:
    """The routes that tax types are open to, distinct and sorted, by ROUTES_SCHEMA.

    Args:
        rows: the rows of the file.
        tax_types: the tax types of the tariff.
        tariff: what messages call the tariff.

    Raises:
        RowsError: a row breaks a rule, or has a tax type that the tariff does not know.
    """
    known = set(tax_types)

    def type_fault(value: str) -> str:
        return _type_fault(value) or ("" if value in known else f"is in no row of the tariff {tariff}")

    cells = _stripped(rows.cells)
    faults = {"tax_type": type_fault, "country_of_origin": _country_fault, "country_of_departure": _country_fault}
    _refuse(rows, cells, faults)
    return ordered_table(cells, ROUTES_SCHEMA)


def ordered_table(lines: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Lines as an Arrow table: the columns of a schema, distinct and sorted."""
    distinct = lines[schema.names].drop_duplicates().sort_values(schema.names)
    return pa.Table.from_pandas(distinct, schema, preserve_index=False).replace_schema_metadata(None)


def _stripped(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.apply(lambda column: column.str.strip())


def _refuse(rows: Rows, cells: pd.DataFrame, verdicts: dict[str, Verdict]) -> None:
    """Raise RowsError where a cell is empty or at fault; of several rows the first is named, and the others counted."""
    is_bad = np.zeros(len(cells), dtype=bool)
    first: tuple[int, str] | None = None
    for column, verdict in verdicts.items():
        codes, distinct = pd.factorize(cells[column].to_numpy())
        faults = np.array([_fault(value, verdict) for value in distinct], dtype=object)
        bad = (faults != "")[codes]
        if bad.any():
            place = int(np.argmax(bad))
            if first is None or place < first[0]:
                first = place, f"{column} {faults[codes[place]]}"
        is_bad |= bad
    if first is not None:
        place, fault = first
        others = int(is_bad.sum()) - 1
        more = f"; rows that break the form beside it: {others}" if others else ""
        raise RowsError(f"{rows.name}, row {rows.numbers[place]}: {fault}{more}")


def _fault(value: str, verdict: Verdict) -> str:
    if value == "":
        return "is empty"
    fault = verdict(value)
    return f"{_excerpt(value)} {fault}" if fault else ""


def _code_fault(code: str) -> str:
    if re.fullmatch(r"\d+", code, re.ASCII) is None:
        return "holds other characters than digits, dots and blanks"
    if not FEWEST_DIGITS <= len(code) <= MOST_DIGITS:
        hint = "; was a leading zero lost?" if len(code) < FEWEST_DIGITS else ""
        return f"has {len(code)} digits, and {FEWEST_DIGITS} to {MOST_DIGITS} are a product code{hint}"
    return "" if re.fullmatch(HS_CODE_PATTERN, code) else "is in no chapter of the Harmonized System"


def _type_fault(tax_type: str) -> str:
    return "" if BY_NAME["tax_type"].accepts(tax_type) else "has not the form of a tax type (A, C, FCN1)"


def _rate_fault(rate: str) -> str:
    if _NUMBER.fullmatch(rate) is None:
        return "is no number; write per cent without a sign, such as 6.5"
    if not 0 <= float(rate) <= _LARGEST_RATE:
        return f"is not between 0 and {_LARGEST_RATE:g} per cent"
    return ""


def _country_fault(country: str) -> str:
    return "" if country in COUNTRIES else "is no country of the list (ISO 3166-1, two capital letters)"


def _excerpt(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_CHARACTERS else value[: _SHOWN_CHARACTERS - 1] + "…")
