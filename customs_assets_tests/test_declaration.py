"""The declaration schema against Table 1 of the paper and against itself."""

from __future__ import annotations

import pyarrow as pa
import pytest

from customs_assets.declaration import (
    ATTRIBUTES,
    BY_NAME,
    CATEGORICAL,
    COMPARED,
    IDENTITIES,
    NUMERICAL,
    RELEASED,
    RELEASED_NAMES,
    RELEASED_TUPLE,
    TARIFF_TUPLE,
    Kind,
    arrow_schema,
    consistent_labels,
)

TABLE_ONE = [
    "Declaration ID",
    "Date",
    "Office ID",
    "Process Type",
    "Import Type",
    "Import Use",
    "Payment Type",
    "Mode of Transport",
    "Declarant ID",
    "Importer ID",
    "Seller ID",
    "Courier ID",
    "HS6 Code",
    "Country of Departure",
    "Country of Origin",
    "Tax Rate",
    "Tax Type",
    "Country of Origin Indicator",
    "Net Mass",
    "Item Price",
    "Fraud",
    "Critical Fraud",
]


def test_the_released_headers_are_those_of_table_one_in_its_order():
    assert [attribute.header for attribute in RELEASED] == TABLE_ONE
    assert len(ATTRIBUTES) == 22


def test_the_pipelines_schema_differs_from_the_released_one_in_the_product_code_alone():
    pairs = [(a.name, b.name) for a, b in zip(ATTRIBUTES, RELEASED, strict=True) if a is not b]
    assert pairs == [("hs10_code", "hs6_code")]
    assert TARIFF_TUPLE == ("hs10_code", "country_of_departure", "country_of_origin", "tax_rate", "tax_type")
    assert ("hs6_code", *TARIFF_TUPLE[1:]) == RELEASED_TUPLE


def test_names_are_headers_in_snake_case():
    assert [a.header.lower().replace(" ", "_") for a in ATTRIBUTES] == [a.name for a in ATTRIBUTES]
    assert len(BY_NAME) == 22


@pytest.mark.parametrize(
    "attribute",
    [a for a in RELEASED if a.kind not in (Kind.DATE, Kind.NUMBER)],
    ids=lambda attribute: attribute.name,
)
def test_the_example_of_table_one_is_accepted_and_a_formula_is_not(attribute):
    assert attribute.accepts(attribute.example)
    assert not attribute.accepts("=1+1")
    assert not attribute.accepts(f"{attribute.example}\n")
    assert attribute.accepts("") == (attribute.name in ("seller_id", "courier_id"))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("hs10_code", ["0901210000", "090121", "9706100000"], ["901210000", "0001210000", "7701210000", "9801210000"]),
        ("courier_id", ["MWIDNS"], ["MWIDNSX", "mwidns"]),
        ("importer_id", ["HQ0W7JA"], ["HQ0W7J", "HQ0W7JÄ"]),
        ("mode_of_transport", ["10", "90"], ["00", "1"]),
        ("country_of_origin", ["KR", "ZZ"], ["XX", "kr", "KOR"]),
        ("office_id", ["01", "013"], ["1", "٠١"]),
    ],
)
def test_codes_are_accepted_by_their_form(name: str, good: list[str], bad: list[str]):
    assert all(BY_NAME[name].accepts(value) for value in good)
    assert not any(BY_NAME[name].accepts(value) for value in bad)


def test_the_four_numerical_columns_are_those_of_section_3_2():
    assert NUMERICAL == ("date", "tax_rate", "net_mass", "item_price")
    assert len(CATEGORICAL) == 17
    assert [a.name for a in COMPARED] == list(RELEASED_NAMES[1:])
    assert IDENTITIES == ("declarant_id", "importer_id", "seller_id", "courier_id")


def test_labels_agree_in_three_pairs_of_six():
    agreeing = {(f, c) for f in (0, 1) for c in (0, 1, 2) if consistent_labels(f, c)}
    assert agreeing == {(0, 0), (1, 1), (1, 2)}


def test_the_arrow_schema_stores_codes_as_text_and_labels_as_small_integers():
    schema = arrow_schema()
    assert schema.names == [a.name for a in ATTRIBUTES]
    types = {str(t): [f.name for f in schema if f.type == t] for t in (pa.date32(), pa.float64(), pa.int8())}
    assert types == {
        "date32[day]": ["date"],
        "double": ["tax_rate", "net_mass", "item_price"],
        "int8": ["fraud", "critical_fraud"],
    }
    assert sum(field.type == pa.string() for field in schema) == 16
    assert arrow_schema(RELEASED).names == list(RELEASED_NAMES)
