"""The declaration schema: the attributes that declarations have by the form in force (``CUSTOMS_FORM``), once.

Frame types, expectations, the metrics' column kinds, the data dictionary and the CSV headers are all derived from
:data:`ATTRIBUTES`; a fact about an attribute that stands anywhere else is a mistake. What belongs here is what is true
of a declaration by the form and the law of codes, not what a stage does with it. The form is read once in a process; by
the form ``korea`` they are the 22 attributes of the paper's Table 1.

Two spellings of the product code live side by side. Inside the pipeline the column is ``hs10_code`` and holds the ten
digits of the domestic tariff (or six, where a source knows no more); at the release's edge it is ``hs6_code`` and holds
the six that the world shares (section 4.1 of the paper).
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from customs_assets.attributes import CATALOGUE, COUNTRIES, HS6, HS_PATTERN, Attribute, Kind, snake_case
from customs_assets.forms import form_in_force

__all__ = ["COUNTRIES", "HS6", "HS_PATTERN", "Attribute", "Kind", "snake_case"]

FORM = form_in_force()
ATTRIBUTES: tuple[Attribute, ...] = FORM.attributes

NAMES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES)
_IN_FORM = {a.name: a for a in ATTRIBUTES}

# What the pipeline's tables hold for an attribute that the form has not, from the labelled declarations to the synthetic
# ones: the same in every row (of the second label, the first), so that it tells nothing and nothing is learned from it. No file
# that leaves the house has it, no metric compares it and no detector sees it.
_STAND_INS: dict[str, str | float] = {
    "country_of_departure": "ZZ",
    "tax_rate": 0.0,
    "tax_type": "A",
    "critical_fraud": "fraud",
}
STAND_INS: dict[str, str | float] = {name: _STAND_INS.get(name, "") for name in FORM.absent}

# The columns of those tables: the form's attributes, and a stand-in for each that is absent.
HELD: tuple[Attribute, ...] = tuple(
    _IN_FORM.get(a.name, replace(a, optional=True) if STAND_INS.get(a.name) == "" else a) for a in CATALOGUE
)
BY_NAME: dict[str, Attribute] = {a.name: a for a in HELD}

IDENTITIES: tuple[str, ...] = tuple(a.name for a in HELD if a.kind is Kind.IDENTITY)
LABELS: tuple[str, ...] = tuple(a.name for a in HELD if a.kind is Kind.LABEL)

# The attributes that tariff law ties together (section 4.3): generated, and checked, as one thing.
TARIFF_TUPLE: tuple[str, ...] = ("hs10_code", "country_of_departure", "country_of_origin", "tax_rate", "tax_type")

# The released schema differs in the product code alone.
RELEASED: tuple[Attribute, ...] = tuple(HS6 if a.name == "hs10_code" else a for a in ATTRIBUTES)
HELD_RELEASED: tuple[Attribute, ...] = tuple(HS6 if a.name == "hs10_code" else a for a in HELD)
RELEASED_NAMES: tuple[str, ...] = tuple(a.name for a in HELD_RELEASED)
RELEASED_TUPLE: tuple[str, ...] = tuple(HS6.name if name == "hs10_code" else name for name in TARIFF_TUPLE)

# Codes that stand by themselves: in no tariff tuple.
FORM_CODES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.CODE and a.name not in TARIFF_TUPLE)

# What the metrics compare: every released attribute but the key, which identifies and describes nothing.
COMPARED: tuple[Attribute, ...] = tuple(a for a in RELEASED if a.kind is not Kind.KEY)
NUMERICAL: tuple[str, ...] = tuple(a.name for a in COMPARED if a.numerical)
CATEGORICAL: tuple[str, ...] = tuple(a.name for a in COMPARED if not a.numerical)


# (fraud, critical fraud) by label: no fraud, an ordinary one, a critical one (Table 1).
LABEL_PAIRS: dict[str, tuple[int, int]] = {"normal": (0, 0), "fraud": (1, 1), "critical": (1, 2)}


def consistent_labels(fraud: int, critical_fraud: int) -> bool:
    """Whether the two labels agree: no fraud with no critical fraud, fraud with an ordinary (1) or a critical one (2)."""
    return (fraud, critical_fraud) in LABEL_PAIRS.values()


def arrow_type(attribute: Attribute) -> pa.DataType:
    """The type a column is stored in: dates as date32, numbers as float64, labels as int8, all else as text."""
    match attribute.kind:
        case Kind.DATE:
            return pa.date32()
        case Kind.NUMBER:
            return pa.float64()
        case Kind.LABEL:
            return pa.int8()
        case _:
            return pa.string()


def arrow_schema(attributes: tuple[Attribute, ...] = ATTRIBUTES) -> pa.Schema:
    """The Arrow schema of a declaration table. An empty seller or courier is the empty string, never a null."""
    return pa.schema([pa.field(a.name, arrow_type(a)) for a in attributes])


def stand_ins_in_sql() -> str:
    """SQL columns for the attributes that the form has not, each after a comma; nothing where it has all."""
    said = {
        name: value if value == "fraud" else f"'{value}'" if isinstance(value, str) else f"{value}::double"
        for name, value in STAND_INS.items()
    }
    return "".join(f", {value} as {name}" for name, value in said.items())


def spelled(header: str) -> str:
    """The attribute that a header names by the form in force, or the header in snake_case."""
    return FORM.spelled(header)
