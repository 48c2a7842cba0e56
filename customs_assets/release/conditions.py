"""Rows of a release that meet conditions: what ``customs sample`` filters.

What belongs here reads a condition, holds it to the released schema, and says which rows meet it. Rows are chosen of those that
the gate let through; none is made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from customs_assets.declaration import HS6, RELEASED, RELEASED_NAMES, Attribute, Kind, spelled
from customs_assets.seeds import derive_rng

Sign = Literal["=", ">=", "<="]

_WRITTEN = re.compile(r"\s*(?P<attribute>[^=<>]+?)\s*(?P<sign>>=|<=|=)\s*(?P<value>.*?)\s*", re.DOTALL)
_BY_NAME = {attribute.name: attribute for attribute in RELEASED}

# Chapter, heading and product code of the Harmonized System.
_HS_DIGITS = (2, 4, 6)


class ConditionError(ValueError):
    """This is no condition that a release can be asked for. The message says why, and what would be one."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, ``attribute sign value``.

    Attributes:
        attribute: of the released schema.
        sign: ``=``; of a number or a date also ``>=`` and ``<=``.
        value: text of a code, an identity or the key; a number of a number or label; a day of the date.
    """

    attribute: Attribute
    sign: Sign
    value: str | float | date

    @classmethod
    def read(cls, text: str) -> Condition:
        """A condition as it is written: ``country_of_origin=VN``, ``net_mass>=1000``, ``hs6_code=87``.

        The attribute may have its published header (``Country of Origin``). A product code may be a chapter or a heading.

        Raises:
            ConditionError: it is not of this form, there is no such attribute, or the form does not have such a value.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ConditionError(
                f"{text!r} is no condition; write attribute=value, for example country_of_origin=VN, or net_mass>=1000"
            )
        name, sign, value = spelled(found["attribute"]), found["sign"], found["value"]
        attribute = _BY_NAME.get(HS6.name if name == "hs10_code" else name)
        if attribute is None:
            raise ConditionError(
                f"a release has no attribute {found['attribute']!r}; it has {', '.join(RELEASED_NAMES)}"
            )
        if sign != "=" and attribute.kind not in (Kind.NUMBER, Kind.DATE):
            raise ConditionError(f"{attribute.name} is no number and no date, so only = can be asked of it, not {sign}")
        return cls(attribute, sign, _value(attribute, value))  # pyright: ignore[reportArgumentType]

    def __str__(self) -> str:
        value = f"{self.value:.10g}" if isinstance(self.value, float) else self.value
        return f"{self.attribute.name}{self.sign}{value}"

    def holds(self, released: pd.DataFrame) -> np.ndarray:
        """Which of n released rows meet it: n booleans."""
        column = released[self.attribute.name]
        if self.attribute is HS6:
            return column.str.startswith(str(self.value)).to_numpy(bool)
        value = pd.Timestamp(self.value) if isinstance(self.value, date) else self.value
        match self.sign:
            case ">=":
                return (column >= value).to_numpy(bool)
            case "<=":
                return (column <= value).to_numpy(bool)
            case _:
                return (column == value).to_numpy(bool)


def meeting(released: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """The released rows that meet conditions, in their order.

    Of conditions ``=`` on one attribute a row has to meet one; all others it has to meet all.

    Args:
        released: n rows with :data:`declaration.RELEASED_NAMES`.
        conditions: any number; none is met by every row.
    """
    met = np.ones(len(released), dtype=bool)
    any_of: dict[str, np.ndarray] = {}
    for condition in conditions:
        holds, name = condition.holds(released), condition.attribute.name
        if condition.sign == "=":
            any_of[name] = any_of.get(name, np.zeros(len(released), dtype=bool)) | holds
        else:
            met &= holds
    return released.loc[np.logical_and.reduce([met, *any_of.values()])].reset_index(drop=True)


def drawn(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """``count`` of the rows in their order, drawn without replacement by a public seed; all of them where there are fewer."""
    if len(rows) <= count:
        return rows
    chosen = derive_rng(seed, "sample").choice(len(rows), count, replace=False)
    return rows.iloc[np.sort(chosen)].reset_index(drop=True)


def rows_a_month(wanted: int, found: int, a_month: float) -> int:
    """Rows for each month of a release that has as many rows as are wanted, but for once in some forty times by chance.

    Args:
        wanted: rows that are to meet conditions.
        found: rows that do, at least one.
        a_month: rows for each month of the release that they were found in.
    """
    return math.ceil(a_month * wanted / found * (1.0 + 2.0 / math.sqrt(wanted)))


def in_words(conditions: Sequence[Condition]) -> str:
    """The conditions as one text: ``country_of_origin=VN and fraud=1``."""
    return " and ".join(map(str, conditions))


def _value(attribute: Attribute, text: str) -> str | float | date:
    """The value of a condition.

    Raises:
        ConditionError: the form does not have such a value.
    """
    match attribute.kind:
        case Kind.DATE:
            try:
                return date.fromisoformat(text)
            except ValueError:
                raise ConditionError(f"{text!r} is no date; write YYYY-MM-DD, for example 2020-05-31") from None
        case Kind.NUMBER:
            return _number(attribute, text)
        case Kind.LABEL if attribute.accepts(text):
            return float(text)
    if attribute is HS6:
        if re.fullmatch(r"\d+", text, re.ASCII) and len(text) in _HS_DIGITS and HS6.accepts(text.ljust(6, "0")):
            return text
        raise ConditionError(f"{text!r} is no chapter, heading or code of the Harmonized System: 2, 4 or 6 digits")
    if not attribute.accepts(text):
        raise ConditionError(f"the form has no {attribute.name} {text!r}; {_known(attribute)}")
    return text


def _number(attribute: Attribute, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    greatest = math.inf if attribute.maximum is None else attribute.maximum
    if not 0 <= number <= greatest:
        raise ConditionError(
            f"{text!r} is no {attribute.name} of the form: a number between 0 and {greatest:g}, in {attribute.unit}"
        )
    return number


def _known(attribute: Attribute) -> str:
    """What the form has instead."""
    if attribute.values is not None and len(attribute.values) <= len(RELEASED_NAMES):
        return f"it has {', '.join(sorted(attribute.values))}"
    if attribute.values is not None:
        return f"it has {len(attribute.values)} codes, like {attribute.example}"
    return f"its values are like {attribute.example}"
