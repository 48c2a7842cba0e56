"""What a form is: the columns, the marks, the codes and the words of an administration's extract.

A form says which attributes there are: an attribute without a column is absent, in everything that is made from the
declarations. What belongs here is the form as data, and the check that it makes sense.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from customs_assets.attributes import CATALOGUE, HS6, HS_PATTERN, Attribute, Kind, snake_case
from customs_assets.forms.elements import Elements, chosen, parse_path

# What no declaration can do without, whatever the administration.
REQUIRED = (
    "declaration_id",
    "date",
    "importer_id",
    "hs10_code",
    "country_of_origin",
    "net_mass",
    "item_price",
    "fraud",
)

# Columns that are no attributes, but tell how rows are read; they stay among the further columns of a source.
ITEM_NUMBER, AMOUNT_RECOVERED, INSPECTION_REASON = "item_number", "amount_recovered", "inspection_reason"

# What an own code stands for before a person has said so; it stays the code that it is.
UNNAMED = "?"

_BY_NAME = {attribute.name: attribute for attribute in CATALOGUE}

# What Table 1 says of Korea, as it is said of any country.
_ANYWHERE = {
    "office_id": "Customs office that receives the declaration",
    "seller_id": "Business partner abroad who supplies the goods",
}
_PAPER_DIGITS = (6, 10)
_STRICT = ConfigDict(extra="forbid", frozen=True)

Words = tuple[str, ...]


def _are_paths(value: Words) -> Words:
    for path in value:
        parse_path(path)
    return value


Paths = Annotated[Words, AfterValidator(_are_paths)]


class FormError(Exception):
    """A form cannot be read; the message is one sentence that names the form, the place in it and what is wrong."""


class Column(BaseModel):
    """One attribute as an administration has it. What is left out is as in the catalogue.

    Attributes:
        spellings: the headers that name it, beside its own name; blanks, case, accents and punctuation do not count.
        cites: the box or data element of the form that it stands in.
        header: its header in the published files.
        description: what it says, for the data dictionary.
        example: a value, as text.
        pattern: a regular expression that every value matches whole.
        values: the closed list of its codes.
        optional: whether an empty value is a real value.
        maximum: the largest lawful value of a number.
        unit: the unit of a number after ``factor``.
        factor: what a number is multiplied by to be in the unit of the pipeline (kg, the currency's unit).
        codes: own codes, each with the code that it stands for.
        paths: where a file in XML has it, the best first (:mod:`customs_assets.forms.elements`).
    """

    model_config = _STRICT

    spellings: Words = ()
    cites: str = ""
    header: str | None = None
    description: str | None = None
    example: str | None = None
    pattern: str | None = None
    values: Words | None = None
    optional: bool | None = None
    maximum: float | None = Field(default=None, gt=0)
    unit: str | None = None
    factor: float = Field(default=1.0, gt=0)
    codes: dict[str, str] = {}
    paths: Paths = ()

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression ({error})") from None
        return value

    @model_validator(mode="after")
    def _one_rule_for_codes(self) -> Column:
        if self.pattern is not None and self.values is not None:
            raise ValueError("has both a pattern and a list of values; keep one")
        return self


class Labels(BaseModel):
    """How the outcome of an inspection is written.

    Attributes:
        clean: words for "inspected, nothing found", beside 0.
        fraud: words for "inspected, fraud found", beside 1.
        amount_recovered: headers of an amount that stands for the label where there is none: fraud where it is more than 0.
        reason: headers of the column that says why a row was inspected; it is kept as ``inspection_reason``.
    """

    model_config = _STRICT

    clean: Words = ("0", "false", "f", "n", "no")
    fraud: Words = ("1", "true", "t", "y", "yes")
    amount_recovered: Words = ()
    reason: Words = ()

    @model_validator(mode="after")
    def _apart(self) -> Labels:
        if both := sorted({word.casefold() for word in self.clean} & {word.casefold() for word in self.fraud}):
            raise ValueError(f"{both[0]!r} stands for both clean and fraud")
        return self


class Xml(BaseModel):
    """How files in XML are laid out, where they are not as the WCO Data Model has them.

    Attributes:
        declaration: the names of the element that is a declaration.
        items: the paths from it to the element of a goods item.
        item_number: where an item has its number.
        amount_recovered: where it has the amount that an inspection recovered.
        reason: where it says why it was inspected.
    """

    model_config = _STRICT

    declaration: Words = ()
    items: Words = ()
    item_number: Paths = ()
    amount_recovered: Paths = ()
    reason: Paths = ()

    @field_validator("declaration", "items")
    @classmethod
    def _are_names(cls, value: Words) -> Words:
        if strange := [path for path in value if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", path)]:
            raise ValueError(f"{strange[0]!r} is no name of an element, nor a path of such names")
        return value


class Form(BaseModel):
    """How an administration's declarations are written, and which attributes they have.

    Attributes:
        name: the form's name.
        title: what it is the form of.
        separator: what separates the cells of a CSV file.
        encodings: the encodings of CSV files, the first that decodes a whole file counts.
        skip_lines: lines above the header of a CSV file.
        decimal, thousands: the decimal mark, and the mark between thousands (empty: there is none).
        dates: the forms of a date, as ``strptime`` writes them; ``%Y-%m-%d`` may have a time after it.
        zone: the time zone of the office, for timestamps that have a zone.
        first_month: the first month (``YYYY-MM``) that is read.
        hs_digits: the lengths of a product code. A code that lost its zero, or has more digits, is mended to one of them.
        countries: how countries are coded: by ISO 3166 in two letters, three letters or digits. Own codes stand in the
            ``codes`` of their columns.
        currency: the currency of item prices.
        key: what identifies a row: its ``declaration_id``, or its place (``row``: file and row number), where a source has
            no ID.
        item_number: headers of an item's number; the key of a row is then the declaration's ID with it.
        key_with: attributes that are codes and stand before the ID in the key, where each office (say) numbers declarations anew.
            That IDs begin anew each month or year needs no word: months are told apart.
        empty: words for nothing, in any column.
        not_inspected: words for nothing in labels, parties and numbers, beside ``empty``.
        labels: how labels are written.
        xml: how files in XML are laid out.
        columns: the attributes that there are.
    """

    model_config = _STRICT

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    title: str
    separator: Literal[",", ";", "\t", "|"] = ","
    encodings: Annotated[Words, Field(min_length=1)] = ("utf-8",)
    skip_lines: int = Field(0, ge=0, le=100)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    dates: Annotated[Words, Field(min_length=1)] = ("%Y-%m-%d",)
    zone: str | None = None
    first_month: str = Field("2000-01", pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")
    hs_digits: Annotated[tuple[int, ...], Field(min_length=1)] = _PAPER_DIGITS
    countries: Literal["iso2", "iso3", "numeric"] = "iso2"
    currency: str = Field("KRW", pattern=r"^[A-Z]{3}$")
    key: Literal["declaration_id", "row"] = "declaration_id"
    item_number: Words = ()
    key_with: Words = ()
    empty: Words = ("NULL", "(null)", "NaN", "NaT", "<NA>", "None", r"\N", "N/A", "#N/A", "-")
    not_inspected: Words = ("NA",)
    labels: Labels = Labels()
    xml: Xml = Xml()
    columns: dict[str, Column]

    @field_validator("encodings")
    @classmethod
    def _are_encodings(cls, value: Words) -> Words:
        for encoding in value:
            try:
                codecs.lookup(encoding)
            except LookupError:
                raise ValueError(f"{encoding!r} is no encoding; write utf-8, cp1252, latin-1, cp949, …") from None
        return value

    @field_validator("dates")
    @classmethod
    def _are_dates(cls, value: Words) -> Words:
        for form in value:
            if not re.search("%[dj]", form) or not re.search("%[mbBj]", form) or not re.search("%[yY]", form):
                raise ValueError(f"{form!r} is no form of a date; write day, month and year, such as %d/%m/%Y")
            try:
                datetime.strptime(datetime(2001, 2, 3).strftime(form), form)
            except ValueError:
                raise ValueError(f"{form!r} is no form of a date that can be read") from None
        return value

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        try:
            return value and ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{value!r} is no time zone; write Asia/Seoul, Africa/Abidjan, UTC, …") from None

    @field_validator("hs_digits")
    @classmethod
    def _are_lengths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if strange := [digits for digits in value if not 6 <= digits <= 12]:
            raise ValueError(f"a product code has 6 to 12 digits, not {strange[0]}")
        return tuple(sorted(set(value)))

    @field_validator("columns")
    @classmethod
    def _are_attributes(cls, value: dict[str, Column]) -> dict[str, Column]:
        if strange := [name for name in value if name not in _BY_NAME]:
            raise ValueError(f"{strange[0]!r} is no attribute; attributes are {', '.join(_BY_NAME)}")
        if missing := [name for name in REQUIRED if name not in value and name != "declaration_id"]:
            raise ValueError(f"lacks {', '.join(missing)}, without which nothing can be made")
        return value

    @model_validator(mode="after")
    def _one_reading(self) -> Form:
        if self.key == "declaration_id" and "declaration_id" not in self.columns:
            raise ValueError("columns lacks declaration_id; where a source has none, say so (key = 'row')")
        if self.key_with and self.key == "row":
            raise ValueError("key_with goes with an ID of declarations; the key of this form is the row's place")
        if strange := [n for n in self.key_with if n not in self.columns or _BY_NAME[n].kind is not Kind.CODE]:
            raise ValueError(f"key_with names {strange[0]!r}, which is no code among its columns")
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        said: dict[str, str] = {}
        for name, spellings in self._all_spellings():
            for spelling in spellings:
                if said.setdefault(folded(spelling), name) != name:
                    raise ValueError(f"the header {spelling!r} names both {said[folded(spelling)]} and {name}")
        return self

    def _all_spellings(self) -> list[tuple[str, Sequence[str]]]:
        columns = [(n, (n, self._attribute(n).header, *c.spellings)) for n, c in self.columns.items()]
        code = [("hs10_code", (HS6.name, HS6.header))]
        labels = self.labels
        return [
            *columns,
            *code,
            (ITEM_NUMBER, self.item_number),
            (AMOUNT_RECOVERED, labels.amount_recovered),
            (INSPECTION_REASON, labels.reason),
        ]

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes that declarations have by this form, in the order of the catalogue."""
        return tuple(self._attribute(a.name) for a in CATALOGUE if a.name in (*self.columns, "declaration_id"))

    def column(self, name: str) -> Column:
        """What the form says of an attribute; nothing of the key, where that is the row's place."""
        return self.columns.get(name, Column())

    def _attribute(self, name: str) -> Attribute:
        """An attribute of the catalogue with what the form says of it."""
        column, changes = self.column(name), {}
        if self.currency != _BY_NAME["item_price"].unit and name in _ANYWHERE:
            changes["description"] = _ANYWHERE[name]
        for field in ("header", "description", "example", "optional", "maximum", "unit"):
            if (value := getattr(column, field)) is not None:
                changes[field] = value
        if column.pattern is not None or column.values is not None:
            changes |= {"pattern": column.pattern, "values": column.values and frozenset(column.values)}
        if name == "hs10_code" and column.pattern is None:
            changes["pattern"] = hs_pattern(self.hs_digits)
        if name == "item_price" and self.currency != _BY_NAME[name].unit:
            changes = {"unit": self.currency, "description": f"Value of an item ({self.currency})"} | changes
        return replace(_BY_NAME[name], **changes) if changes else _BY_NAME[name]

    @cached_property
    def absent(self) -> tuple[str, ...]:
        """The attributes of the catalogue that declarations do not have by this form."""
        return tuple(a.name for a in CATALOGUE if a.name not in (*self.columns, "declaration_id"))

    @cached_property
    def _spelled(self) -> dict[str, str]:
        return {folded(spelling): name for name, spellings in self._all_spellings() for spelling in spellings}

    def spelled(self, header: str) -> str:
        """The attribute (or the column that tells how rows are read) that a header names, or the header in snake_case."""
        return self._spelled.get(folded(header), snake_case(header))

    def known(self, header: str) -> bool:
        """Whether a header names an attribute, or a column that tells how rows are read."""
        return folded(header) in self._spelled

    @cached_property
    def elements(self) -> Elements:
        """Where a file in XML has each attribute, and each column that tells how rows are read."""
        told = {attribute.name: self.column(attribute.name).paths for attribute in self.attributes}
        told |= {ITEM_NUMBER: self.xml.item_number, AMOUNT_RECOVERED: self.xml.amount_recovered}
        told |= {INSPECTION_REASON: self.xml.reason}
        return chosen(self.xml.declaration, self.xml.items, told)

    @cached_property
    def digest(self) -> str:
        """A hash of all that the form says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Form) and self.digest == other.digest

    @property
    def fingerprint(self) -> bytes:
        """What a month's fingerprint begins with: nothing by the default form, as before there were others."""
        return b"" if self.name == "korea" else self.digest.encode()


def folded(header: str) -> str:
    """A header without what does not count: case, blanks, punctuation, accents."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", header) if not unicodedata.combining(c))
    return snake_case(unicodedata.normalize("NFC", plain))


def hs_pattern(digits: tuple[int, ...]) -> str:
    """The pattern of product codes of some lengths, in the chapters of the Harmonized System."""
    if digits == _PAPER_DIGITS:
        return HS_PATTERN
    lengths = "|".join(rf"\d{{{length}}}" for length in digits)
    return rf"(?!00|77|98|99)(?:{lengths})"


def fixed_digits(attribute: Attribute) -> int | None:
    """How many digits every code of an attribute has; None where they are not digits alone, or of several lengths."""
    if attribute.kind is not Kind.CODE or attribute.name == "hs10_code":
        return None
    if attribute.values:
        lengths = {len(value) if value.isdigit() else 0 for value in attribute.values}
        return lengths.pop() or None if len(lengths) == 1 else None
    match = re.fullmatch(r"\\d\{(\d+)\}", attribute.pattern or "")
    return int(match[1]) if match else None


def problems_of(error: Any) -> str:
    """What is wrong in a form, of pydantic's errors the first, with its place."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "is no part of a form"
    return f"{place}: {message}" if place else message
