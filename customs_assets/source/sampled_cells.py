"""What the cells of a column tell without its header: whether they can be an attribute, and how they are written.

The cells are a sample of a file. What belongs here judges them as they stand; which column becomes which attribute is for
``guessing`` to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import pandas as pd

from customs_assets.attributes import CATALOGUE, COUNTRIES, Kind
from customs_assets.forms import SHIPPED, Form, open_form
from customs_assets.forms.form import AMOUNT_RECOVERED, ITEM_NUMBER, folded
from customs_assets.source.dates import ISO, parse_date
from customs_assets.source.mending import country_codes, marked_numbers

# A share of the cells has to agree.
_AGREE = 0.9
_DISTINCT = 2_000

# Codes stand on many rows, IDs on one.
_ROWS_OF_A_CODE = 1.5

_DATES = (
    *(ISO, "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%y", "%d-%b-%Y", "%d/%m/%y", "%Y/%m/%d", "%Y%m%d"),
    *("%d %b %Y", "%m/%d/%y", "%y-%m-%d"),
)
_MARKS = ((".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", " "), (".", "'"))
KINDS = {attribute.name: attribute.kind for attribute in CATALOGUE}
_CODE = re.compile(r"(\d{2,4}[. ]?){2,6}|\d{5,12}(\.0)?", re.ASCII)
_NOTHING = {"", "null", "nan", "none", r"\n", "n/a", "na", "-"}

# Columns of countries. An office that has codes or names of its own has no more of them than so, and no longer ones.
COUNTRY_COLUMNS = ("country_of_origin", "country_of_departure")
_OWN_COUNTRIES, _OWN_LENGTH = 300, 60
_CODE_LENGTH = 40

# Beginnings of words that say that nobody inspected, and that an inspection found nothing.
_NOT_INSPECTED = (
    r"((not|non|un|sin|no|pas|nao|never) ?(inspec|exam|control|check|verif|revis|visit)|pending|en attente|en cours|pendient|"
    r"waiting|unknown|inconnu)"
)
_CLEAN = (
    r"(conform|compli|ok$|none|non?$|sin |sans |nada|regul|normal|negativ|clean|clear|green|vert|verde|ras$|nil$|c$)"
)

# Labels that are numbers, in any writing.
_NUMBERS = {"0", "1", "2", "0.0", "1.0", "2.0"}


class Cells:
    """The distinct cells of a column that say something, the most frequent first.

    Attributes:
        values: them.
        weights: how many rows each has.
        rows_each: how many rows a distinct cell has in the mean; 0 where none says anything.
    """

    def __init__(self, cells: pd.Series) -> None:
        counted = cells.astype(str).str.strip().value_counts()
        counted = counted[[value.casefold() not in _NOTHING for value in counted.index]]
        self.values = [str(value) for value in counted.index[:_DISTINCT]]
        self.weights = counted.to_numpy()[:_DISTINCT]
        self.rows_each = float(counted.mean()) if len(counted) else 0.0

    def share(self, agrees: Callable[[str], bool]) -> float:
        """The share of the cells that agree; 0 where none says anything."""
        total = self.weights.sum()
        good = [agrees(value) for value in self.values]
        return float(self.weights[good].sum() / total) if total else 0.0


class LabelWords(NamedTuple):
    """Words of a label that need a person's word: which stand for clean, for fraud, and for "nobody inspected"."""

    clean: list[str]
    fraud: list[str]
    not_inspected: list[str]

    def sentence(self) -> str:
        """Which word is taken for what."""
        told = {"clean": self.clean, "fraud": self.fraud, "not inspected": self.not_inspected}
        return "; ".join(f"{what} is {', '.join(words)}" for what, words in told.items() if words)


def agrees(name: str, cells: Cells) -> bool:
    """Whether the cells of a column can be an attribute."""
    if name in _JUDGED_BY_NAME:
        return _JUDGED_BY_NAME[name](cells)
    kind = KINDS.get(name)
    if kind is Kind.DATE or kind is Kind.NUMBER:
        return (date_form if kind is Kind.DATE else marks)(cells) is not None
    if kind is Kind.LABEL:
        return len(cells.values) <= 4
    if kind is Kind.CODE:
        return len(cells.values) <= _DISTINCT / 2 and cells.share(lambda value: len(value) <= _CODE_LENGTH) == 1
    return True


def stands_alone(name: str, cells: Cells) -> bool:
    """Whether cells can be told for an attribute without a header. The numbers of declarations look like product codes."""
    if len(cells.values) < 2 or not agrees(name, cells):
        return False
    return name != "hs10_code" or cells.rows_each >= _ROWS_OF_A_CODE


def _is_product_code(value: str) -> bool:
    digits = re.sub(r"\.0$|\D", "", value)
    return bool(_CODE.fullmatch(value.removeprefix('="').removesuffix('"'))) and digits.lstrip("0")[:2] not in ("77",)


def _is_country(way: str) -> Callable[[str], bool]:
    known = COUNTRIES if way == "iso2" else frozenset(country_codes(way))
    return lambda value: (value.zfill(3) if way == "numeric" else value.upper()) in known


def _are_countries(cells: Cells) -> bool:
    return any(cells.share(_is_country(way)) >= _AGREE for way in ("iso2", "iso3", "numeric"))


def are_own_codes(cells: Cells) -> bool:
    """Whether a column can be countries in codes or names of the office's own."""
    return len(cells.values) <= _OWN_COUNTRIES and cells.share(lambda value: len(value) <= _OWN_LENGTH) == 1


def country_kind(columns: list[Cells]) -> str:
    """How the countries of some columns are coded: ``iso2``, ``iso3`` or ``numeric``."""
    shares = {
        # A column of the office's own codes says nothing of the other.
        way: max((cells.share(_is_country(way)) for cells in columns), default=0.0)
        for way in ("iso2", "iso3", "numeric")
    }
    return max(shares, key=lambda way: shares[way]) if max(shares.values()) > 0 else "iso2"


def date_form(cells: Cells) -> str | None:
    """The form in which the dates of a column are written; None where they are no dates."""
    for way in _DATES:
        form = bare_form(dates=(way,))
        if cells.share(lambda value, form=form: parse_date(value, form) is not None) >= _AGREE:
            return way
    return None


@cache
def bare_form(**said: tuple[str, ...]) -> Form:
    """A form that ships, with something said otherwise."""
    return open_form(SHIPPED[0]).model_copy(update=said)


def marks(cells: Cells) -> tuple[str, str] | None:
    """The decimal mark and the mark between thousands of a column of numbers; None where they are no numbers."""
    shares = [cells.share(marked_numbers(decimal, thousands)) for decimal, thousands in _MARKS]
    best = max(range(len(_MARKS)), key=lambda place: (round(shares[place], 3), -place))
    return _MARKS[best] if shares[best] >= _AGREE else None


def digits_of(cells: Cells) -> list[int]:
    """The lengths that product codes have, where a lost zero is put back.

    A code with an odd number of digits has lost its zero where codes with a digit more stand beside it. Where there is no such
    code, the length is the tariff's own (there are tariffs of 9 and 11 digits), unless the Harmonized System has as many of the
    headings with the zero as without.
    """
    total, lengths = cells.weights.sum(), dict.fromkeys(range(5, 13), 0)
    codes = [re.sub(r"\.0$|\D", "", value) for value in cells.values]
    for code, weight in zip(codes, cells.weights, strict=True):
        if len(code) in lengths:
            lengths[len(code)] += int(weight)
    for length in (5, 7, 9, 11):
        of_length = [code for code in codes if len(code) == length]
        if of_length and _lost_their_zeros(of_length, lengths[length + 1] > 0.02 * total):
            lengths[length + 1] += lengths.pop(length)
    return [length for length, weight in lengths.items() if length > 5 and weight > 0.02 * total] or [6, 10]


def _lost_their_zeros(codes: list[str], has_longer: bool) -> bool:
    """Whether codes of a length are those of a digit more: such stand beside them, or as many have a heading with a zero."""
    if any(code.startswith("0") for code in codes):
        return False
    if has_longer:
        return True
    from customs_assets.law.nomenclature import product_codes

    headings = {str(code)[:4] for code in product_codes()}
    with_zero = sum(f"0{code[:3]}" in headings for code in codes)
    return 0 < with_zero >= sum(code[:4] in headings for code in codes)


def code_pattern(kind: Kind, cells: Cells) -> str:
    """A pattern that the codes or keys of a column have; a sample does not say how long or short others are."""
    plain = all(re.fullmatch(r"[A-Za-z0-9/._ -]*", value) for value in cells.values)
    length = rf"{{1,{_CODE_LENGTH}}}" if kind is Kind.CODE else "+"
    return f"[A-Za-z0-9/._ -]{length}" if plain else f".{length}"


def label_words(cells: Cells) -> LabelWords | None:
    """What the words of a label are taken for; None where all are words that every form knows."""
    words = sorted(value for value in cells.values if value.casefold() not in _NUMBERS)
    labels = bare_form().labels
    if all(word.casefold() in (*labels.clean, *labels.fraud) for word in words):
        return None
    # An F beside words of the office is hardly "false" without its "true".
    has_true = any(word.casefold() in labels.fraud for word in words)
    found = LabelWords([], [], [])
    for word in words:
        folding = folded(word).replace("_", " ")
        if re.match(_NOT_INSPECTED, folding):
            found.not_inspected.append(word)
        elif re.match(_CLEAN, folding) or (folding in labels.clean and (folding != "f" or has_true)):
            found.clean.append(word)
        else:
            found.fraud.append(word)
    return found


_JUDGED_BY_NAME: dict[str, Callable[[Cells], bool]] = {
    "hs10_code": lambda cells: cells.share(_is_product_code) >= _AGREE,
    **dict.fromkeys(COUNTRY_COLUMNS, _are_countries),
    ITEM_NUMBER: lambda cells: (
        cells.share(lambda value: re.fullmatch(r"\d{1,4}(\.0*)?", value, re.ASCII) is not None) >= _AGREE
    ),
    AMOUNT_RECOVERED: lambda cells: marks(cells) is not None,
}
