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
