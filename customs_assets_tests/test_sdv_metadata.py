"""SDV's metadata: it says what the form says and nothing else, SDV takes it, and importing SDV leaves no trace."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from customs_assets.declaration import CATEGORICAL, COUNTRIES, NUMERICAL, RELEASED
from customs_assets.sdv_library import import_sdv
from customs_assets.sdv_metadata import (
    TABLE,
    categorical_columns,
    columns_of,
    declaration_metadata,
    metadata_file,
    numerical_columns,
)

PACKAGE = Path(__file__).parents[1] / "customs_assets"


def test_every_attribute_is_described_as_the_form_describes_it():
    columns = columns_of(declaration_metadata(published=True))
    assert list(columns) == [attribute.header for attribute in RELEASED]
    assert columns["Declaration ID"] == {
        "sdtype": "id",
        "regex_format": "[A-Za-z0-9-]+",
        "range_is_nullable": False,
    }
    assert columns["Date"] == {"sdtype": "datetime", "datetime_format": "%Y-%m-%d", "range_is_nullable": False}
    assert columns["Net Mass"] == {
        "sdtype": "numerical",
        "range_min": 0.0,
        "range_max": 1e9,
        "range_is_nullable": False,
    }
    assert columns["Critical Fraud"]["range_values"] == [0, 1, 2]
    assert columns["Country of Origin"]["range_values"] == sorted(COUNTRIES)
    assert columns["HS6 Code"] == {"sdtype": "categorical", "range_is_nullable": False}, "an open list has no values"
    assert declaration_metadata().tables[TABLE].primary_key == "declaration_id"


def test_metrics_of_numbers_and_of_categories_share_the_columns_as_in_the_paper():
    metadata = declaration_metadata()
    assert numerical_columns(metadata) == list(NUMERICAL)
    assert categorical_columns(metadata) == list(CATEGORICAL), "identities are categories, the key is neither"


@pytest.mark.parametrize(
    ("token", "matches"), [("PBP2MYI", True), ("", True), ("PBP2MY", False), ("pbp2myi", False), ("PBP2MYI0", False)]
)
def test_a_published_seller_is_a_token_or_empty(token: str, matches: bool):
    pattern = columns_of(declaration_metadata(published=True))["Seller ID"]["regex_format"]
    assert bool(re.fullmatch(pattern, token)) is matches


def test_the_file_is_what_sdv_reads_back(tmp_path: Path):
    written = declaration_metadata(published=True)
    path = tmp_path / "metadata.json"
    path.write_bytes(metadata_file(written))
    assert import_sdv().metadata.Metadata.load_from_json(path).to_dict() == written.to_dict()
    assert json.loads(path.read_text())["METADATA_SPEC_VERSION"] == "V2"


_SCRIPT = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("a connection was opened")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from customs_assets.sdv_metadata import declaration_metadata
declaration_metadata()
import logging, os
handlers = [logging.getLogger(name).handlers for name in ("Metadata", "SingleTableMetadata", "SingleTableSynthesizer")]
assert handlers == [[], [], []], handlers
assert os.environ.get("XDG_DATA_HOME") == (sys.argv[1] if len(sys.argv) > 1 else None)
"""


def _run_at_home(home: Path, *arguments: str, **variables: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "XDG_DATA_HOME"}
    subprocess.run(command, env={**environment, "HOME": str(home), **variables}, check=True, cwd=PACKAGE.parent)


def test_importing_sdv_opens_no_connection_and_writes_nothing_into_the_home_folder(tmp_path: Path):
    _run_at_home(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_user_s_own_configuration_of_sdv_s_logs_is_not_followed(tmp_path: Path):
    shipped = (Path(import_sdv().logging.__file__ or "").parent / "sdv_logger_config.yml").read_text()
    config = tmp_path / "data" / "sdv" / "sdv_logger_config.yml"
    config.parent.mkdir(parents=True)
    config.write_text(shipped.replace("log_registry: null", "log_registry: local"))
    assert "log_registry: local" in config.read_text()
    data = str(tmp_path / "data")
    _run_at_home(tmp_path, data, XDG_DATA_HOME=data)
    assert [path.name for path in config.parent.iterdir()] == [config.name], "no log was written"


def test_sdv_is_imported_in_one_place_and_no_room_but_the_generator_s_names_a_model_of_it():
    imported: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in ("sdv", "ctgan", "torch"):
                    imported.setdefault(str(path.relative_to(PACKAGE)), set()).add(name)
    # Networks that detect fraud are written in torch, and train no model of SDV.
    networks = {path for path in imported if path.startswith("benchmark/detectors/deep/")}
    assert not {name for path in networks for name in imported[path] if not name.startswith("torch")}
    outside = {path: names for path, names in imported.items() if not path.startswith("generator/")}
    outside = {path: names for path, names in outside.items() if path not in networks}
    # What sdv_metadata imports is a name for the type checker alone.
    # The league loads the library before it takes the time of a model; it names none.
    assert outside == {
        "sdv_library.py": {"sdv", "sdv.metadata"},
        "sdv_metadata.py": {"sdv.metadata"},
        "league/alone.py": {"sdv.single_table"},
    }
