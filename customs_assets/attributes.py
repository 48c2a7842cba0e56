"""The attributes of an import declaration: the 22 of the paper's Table 1, as the catalogue that every form chooses from.

What belongs here is what an attribute is to the pipeline: its name, its kind, the form of its values by Table 1. Which of
them an administration's declarations have, and under which headers, is said by its form (``forms``); what is in force in
this process stands in ``declaration``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


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

CATALOGUE: tuple[Attribute, ...] = (
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

# The product code as it is released: the six digits that the world shares.
HS6 = Attribute(
    "hs6_code",
    "HS6 Code",
    Kind.CODE,
    "6-digit product code (e.g., 090121 = Coffee, Roasted, Not Decaffeinated)",
    "090121",
    pattern=r"(?!00|77|98|99)\d{6}",
)


def snake_case(header: str) -> str:
    """A header as a column name: lower case, everything between letters and digits an underscore."""
    return re.sub(r"\W+", "_", header.strip().lower()).strip("_")
