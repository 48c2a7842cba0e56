"""The declaration schema: the 22 attributes of the paper's Table 1, once.

Frame types, expectations, the metrics' column kinds, the data dictionary and the CSV headers are all derived from
:data:`ATTRIBUTES`; a fact about an attribute that stands anywhere else is a mistake. What belongs here is what is true
of a declaration by the form and the law of codes, not what a stage does with it.

Two spellings of the product code live side by side. Inside the pipeline the column is ``hs10_code`` and holds the ten
digits of the domestic tariff (or six, where a source knows no more); at the release's edge it is ``hs6_code`` and holds
the six that the world shares (section 4.1 of the paper).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Kind(StrEnum):
    """What an attribute is to the pipeline: how it is read, checked, encoded and compared."""

    KEY = "key"
    DATE = "date"
    IDENTITY = "identity"
    CODE = "code"
    NUMBER = "number"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the import declaration.

    Attributes:
        name: snake_case name inside the pipeline.
        header: column header in the published files.
        kind: what the attribute is to the pipeline.
        description: the explanation of Table 1.
        example: the example value of Table 1, as text.
        pattern: a regular expression that a value must match whole; None where ``values`` or the kind says it all.
        values: the closed list of codes; None where the list is open.
        optional: whether an empty value is a real value ("no seller on the form", "not sent by courier").
        maximum: the largest lawful value of a number (the smallest is 0 for every number of the form).
        unit: unit of a number, empty otherwise.
        numerical: whether the paper's section 3.2 treats the column as numerical; every other column is categorical.
    """

    name: str
    header: str
    kind: Kind
    description: str
    example: str
    pattern: str | None = None
    values: frozenset[str] | None = None
    optional: bool = False
    maximum: float | None = None
    unit: str = ""
    numerical: bool = False

    def accepts(self, value: str) -> bool:
        """Whether a text value of a key, identity, code or label attribute is well formed and known."""
        if value == "":
            return self.optional
        if self.values is not None:
            return value in self.values
        return self.pattern is None or re.fullmatch(self.pattern, value, re.ASCII) is not None


# ISO 3166-1 alpha-2, and the codes that customs use beside it: AN and CS (dissolved), EU and XK (user-assigned), ZZ
# (unknown).
_COUNTRY_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW AN CS EU XK ZZ
"""
COUNTRIES = frozenset(_COUNTRY_CODES.split())

# The Harmonized System's chapters: 01 to 97, of which 77 is reserved.
HS_PATTERN = r"(?!00|77|98|99)\d{6}(\d{4})?"

_PERSON = r"[A-Z0-9]{7}"
_COURIER = r"[A-Z0-9]{6}"

ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "declaration_id", "Declaration ID", Kind.KEY, "Primary key of the record", "97061800", pattern=r"[A-Za-z0-9-]+"
    ),
    Attribute(
        "date", "Date", Kind.DATE, "Date when the declaration is reported", "2020-01-01", numerical=True, unit="day"
    ),
    Attribute(
        "office_id",
        "Office ID",
        Kind.CODE,
        "Customs office that receives the declaration (e.g., Seoul regional customs)",
        "13",
        pattern=r"\d{2,3}",
    ),
    Attribute(
        "process_type",
        "Process Type",
        Kind.CODE,
        "Type of the declaration process (e.g., Paperless declaration)",
        "B",
        values=frozenset("ABCDEFG"),
    ),
    Attribute(
        "import_type",
        "Import Type",
        Kind.CODE,
        "Code for import type (e.g., OEM import, E-commerce)",
        "11",
        pattern=r"\d{2,3}",
    ),
    Attribute(
        "import_use",
        "Import Use",
        Kind.CODE,
        "Code for import use (e.g., Raw materials for domestic consumption, from a bonded factory)",
        "21",
        pattern=r"\d{2}",
    ),
    Attribute(
        "payment_type",
        "Payment Type",
        Kind.CODE,
        "Distinguish tariff payment type (e.g., Usance credit payable at sight)",
        "11",
        pattern=r"\d{1,2}",
    ),
    Attribute(
        "mode_of_transport",
        "Mode of Transport",
        Kind.CODE,
        "Nine modes of transport (e.g., maritime, rail, air)",
        "10",
        values=frozenset(f"{mode}0" for mode in range(1, 10)),
    ),
    Attribute(
        "declarant_id", "Declarant ID", Kind.IDENTITY, "Person who declares the item", "L77JJEG", pattern=_PERSON
    ),
    Attribute("importer_id", "Importer ID", Kind.IDENTITY, "Consumer who imports the item", "HQ0W7JA", pattern=_PERSON),
    Attribute(
        "seller_id",
        "Seller ID",
        Kind.IDENTITY,
        "Overseas business partner which supplies goods to Korea",
        "PBP2MYI",
        pattern=_PERSON,
        optional=True,
    ),
    Attribute(
        "courier_id",
        "Courier ID",
        Kind.IDENTITY,
        "Delivery service provider (e.g., DHL, FedEx)",
        "MWIDNS",
        pattern=_COURIER,
        optional=True,
    ),
    Attribute(
        "hs10_code",
        "HS10 Code",
        Kind.CODE,
        "10-digit product code: the 6-digit code of the Harmonized System and four domestic digits",
        "0901210000",
        pattern=HS_PATTERN,
    ),
    Attribute(
        "country_of_departure",
        "Country of Departure",
        Kind.CODE,
        "Country from which a shipment has or is scheduled to depart",
        "JP",
        values=COUNTRIES,
    ),
    Attribute(
        "country_of_origin",
        "Country of Origin",
        Kind.CODE,
        "Country of manufacture, production or design, or where an article or product comes from",
        "JP",
        values=COUNTRIES,
    ),
    Attribute(
        "tax_rate",
        "Tax Rate",
        Kind.NUMBER,
        "Tax rate of the item (%)",
        "8.0",
        maximum=1000.0,
        unit="%",
        numerical=True,
    ),
    Attribute(
        "tax_type",
        "Tax Type",
        Kind.CODE,
        "Tax types (e.g., FTA Preferential rate)",
        "A",
        pattern=r"[A-Z][A-Z0-9]{0,5}",
    ),
    Attribute(
        "country_of_origin_indicator",
        "Country of Origin Indicator",
        Kind.CODE,
        "Way of indicating the country of origin (e.g., B = Mark on package)",
        "B",
        values=frozenset("BEGNSY"),
    ),
    Attribute(
        "net_mass",
        "Net Mass",
        Kind.NUMBER,
        "Mass without any packaging (kg)",
        "1262.0",
        maximum=1e9,
        unit="kg",
        numerical=True,
    ),
    Attribute(
        "item_price",
        "Item Price",
        Kind.NUMBER,
        "Assessed value of an item (KRW)",
        "1437418.0",
        maximum=1e13,
        unit="KRW",
        numerical=True,
    ),
    Attribute(
        "fraud",
        "Fraud",
        Kind.LABEL,
        "Any fraudulent attempt to reduce the customs duty? After inspection, fraud is recorded as 1 (0/1 Binary)",
        "1",
        values=frozenset("01"),
    ),
    Attribute(
        "critical_fraud",
        "Critical Fraud",
        Kind.LABEL,
        "Among frauds, critical frauds that can threaten public safety, are marked as 2 (0/1/2 Ternary).",
        "1",
        values=frozenset("012"),
    ),
)

BY_NAME: dict[str, Attribute] = {attribute.name: attribute for attribute in ATTRIBUTES}
NAMES: tuple[str, ...] = tuple(BY_NAME)

IDENTITIES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.IDENTITY)
LABELS: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.kind is Kind.LABEL)

# The attributes that tariff law ties together (section 4.3): generated, and checked, as one thing.
TARIFF_TUPLE: tuple[str, ...] = ("hs10_code", "country_of_departure", "country_of_origin", "tax_rate", "tax_type")

# The released schema differs in the product code alone.
HS6 = Attribute(
    "hs6_code",
    "HS6 Code",
    Kind.CODE,
    "6-digit product code (e.g., 090121 = Coffee, Roasted, Not Decaffeinated)",
    "090121",
    pattern=r"(?!00|77|98|99)\d{6}",
)
RELEASED: tuple[Attribute, ...] = tuple(HS6 if a.name == "hs10_code" else a for a in ATTRIBUTES)
RELEASED_NAMES: tuple[str, ...] = tuple(a.name for a in RELEASED)
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


def snake_case(header: str) -> str:
    """A header as a column name: lower case, everything between letters and digits an underscore."""
    return re.sub(r"\W+", "_", header.strip().lower()).strip("_")


_SPELLINGS = {spelling: a.name for a in ATTRIBUTES for spelling in (a.name, snake_case(a.header))}
_SPELLINGS |= {spelling: "hs10_code" for spelling in (HS6.name, snake_case(HS6.header))}


def spelled(header: str) -> str:
    """The attribute that a header names, or the header in snake_case."""
    name = snake_case(header)
    return _SPELLINGS.get(name, name)
