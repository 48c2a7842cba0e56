"""A name of the source is found wherever it stands in a release, and what only looks like one is not."""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customs_assets.release.names import NameFound, names_in

NAMES = ["Broker 7 Ltd", "주식회사 수입 12", "QLRUBN9", "10", "FedEx", "HQ0W7JA"]


def _csv(**columns: list[str]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


def _parquet(columns: dict[str, list[str]], metadata: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file", "content", "place"),
    [
        ("train.csv", _csv(**{"Office ID": ["10", "20"], "Importer ID": ["AAAAAAA", "QLRUBN9"]}), "Importer ID"),
        ("train.csv", _csv(**{"Office ID": ["Broker 7 Ltd ", "20"], "Importer ID": ["AAAAAAA", "B"]}), "Office ID"),
        ("test.parquet", _parquet({"Seller ID": ["", "주식회사 수입 12"]}), "Seller ID"),
        ("test.parquet", _parquet({"Seller ID": ["AAAAAAA"]}, {"made by": "Broker 7 Ltd"}), "metadata"),
        ("README.md", b"as declared by Broker 7 Ltd, and others", "text"),
    ],
)
def test_a_name_is_found_in_cells_metadata_and_prose(file, content, place):
    assert names_in({file: content}, NAMES) == [NameFound(file, place, 1)]


def test_codes_examples_and_parts_of_words_are_no_names():
    files = {
        "train.csv": _csv(**{"Office ID": ["10"], "Importer ID": ["AAAAAAA"]}),
        "data_dictionary.csv": _csv(header=["Importer ID"], example=["HQ0W7JA"], description=["e.g., DHL, FedEx"]),
        "README.md": b"XQLRUBN9X is a checksum",
        "train.parquet": _parquet({"Importer ID": ["AAAAAAA"]}),
    }
    assert names_in(files, NAMES) == []
    assert names_in({"train.csv": _csv(**{"Importer ID": ["HQ0W7JA"]})}, NAMES) != [], "in a row it is somebody's token"


NUMBERS = ["214-86-10472", "2148610472", "30211", "1437418"]


@pytest.mark.parametrize(
    ("file", "content", "place"),
    [
        ("train.csv", _csv(**{"Importer ID": ["2148610472", "AAAAAAA"]}), "Importer ID"),
        ("train.csv", _csv(**{"Declarant ID": [" 30211", "AAAAAAA"]}), "Declarant ID"),
        ("train.csv", _csv(**{"Office ID": ["214-86-10472"]}), "Office ID"),
        ("train.csv", _csv(**{"Importer ID": ["A"], "Note": ["2148610472"]}), "Note"),
        ("train.parquet", _parquet({"Seller ID": ["2148610472"]}), "Seller ID"),
        ("train.parquet", _parquet({"Seller ID": [""]}, {"of": "2148610472"}), "metadata"),
        ("README.md", b"as declared by 214-86-10472, and others", "text"),
    ],
)
def test_a_business_number_is_found_where_only_a_leak_puts_it(file, content, place):
    assert names_in({file: content}, [], NUMBERS) == [NameFound(file, place, 1)]


def test_the_same_digits_in_an_amount_a_key_a_code_or_a_count_are_no_leak():
    rows = {
        "Declaration ID": ["2148610472"],
        "Item Price": ["1437418"],
        "HS6 Code": ["302110"],
        "Importer ID": ["AAAAAAA"],
    }
    files = {"train.csv": _csv(**rows), "train.parquet": _parquet(rows), "README.md": b"1437418 bytes in 30211 rows"}
    assert names_in(files, [], [*NUMBERS, "302110"]) == []
