"""The walk of ``docs/your-data.md``: an unknown extract is inspected, its form corrected in a few lines, months are made."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customs_assets.cli import app
from customs_assets.forms import open_form
from customs_assets.source.files import FileSource
from customs_assets_tests.conftest import fixed_secrets
from customs_assets_tests.walking import (
    COUNTRIES,
    MONTHS,
    corrected,
    corrections,
    declarations,
    write_bars,
    write_extract,
)

ROWS = 100

# What a person may have to correct.
_MOST_LINES = 10


def _inspected(folder: Path, write: Callable[[Path, int], None]) -> tuple[str, int]:
    """What ``customs inspect`` says of an extract, and its exit status; the form that it wrote is ``my.toml``."""
    write(folder / "incoming", ROWS)
    done = CliRunner().invoke(app, ["inspect", str(folder / "incoming"), "--write-form", str(folder / "my.toml")])
    return done.output, done.exit_code


def _corrected(folder: Path, semicolons: bool) -> int:
    """Correct the form; how many lines that took."""
    path = folder / "my.toml"
    text, changed = corrected(path.read_text(encoding="utf-8"), corrections(semicolons))
    path.write_text(text, encoding="utf-8")
    return changed


def test_an_extract_with_codes_of_the_office_is_read_after_four_lines(tmp_path: Path):
    said, status = _inspected(tmp_path, write_extract)
    assert status == 1, "no month can be made before somebody says which country each code is"
    assert "extrait_01.csv: CSV in cp1252, separated by semicolons, 1 lines above the headers, 12 columns" in said
    assert (
        "Pays d'origine -> country_of_origin: the header says 'pays d origine'; its codes are the office's own" in said
    )
    assert "to decide: which country is each code of Pays d'origine and Provenance" in said
    assert "not used: Droits" in said
    assert f"{ROWS} unknown_code" in said
    assert 0 < _corrected(tmp_path, semicolons=True) <= 4 < _MOST_LINES
    source = FileSource(str(tmp_path / "incoming"), date(2020, 1, 1), open_form(str(tmp_path / "my.toml")))
    assert tuple(source.months()) == MONTHS
    for month in MONTHS:
        read, wrote = source.read_month(month), declarations(month, ROWS)
        assert read.quarantine.num_rows == 0
        rows = read.declarations.to_pylist()
        assert [row["country_of_origin"] for row in rows] == [row["origin"] for row in wrote]
        assert [row["country_of_departure"] for row in rows] == [row["departure"] for row in wrote]
        assert [row["net_mass"] for row in rows] == [float(row["mass"].replace(",", ".")) for row in wrote]
        assert [row["hs10_code"] for row in rows] == [row["code"].zfill(8) for row in wrote]
        assert [row["fraud"] for row in rows] == [
            {"conforme": 0, "infraction": 1, "NULL": None}[row["found"]] for row in wrote
        ]


def test_the_form_that_is_written_says_why_and_asks_for_each_code(tmp_path: Path):
    _inspected(tmp_path, write_extract)
    text = (tmp_path / "my.toml").read_text(encoding="utf-8")
    assert (
        re.findall(r"^codes = \{ (.*) \} +# the country of each", text, re.MULTILINE)
        == [", ".join(f'"{code}" = "?"' for code in COUNTRIES)] * 2
    )
    assert "# the header says 'poids net'\nspellings = [\"Poids net\"]" in text
    assert 'first_month = "2015-01"' in text


_RUN = """
import json, os, sys
from customs_assets.graph import RELEASE
from customs_assets_tests.one_process import built
from customs_assets_tests.test_small_sources import _WITHOUT_BENCHMARK
done = built(sys.argv[1].split(","), _WITHOUT_BENCHMARK)
files = done.lake.read_folder("release_candidate")
print(json.dumps({
    "problems": done.problems,
    "unbuilt": [list(node) for node in done.unbuilt],
    "headers": files["train.csv"].decode().splitlines()[0].split(","),
    "rows": len(files["train.csv"].decode().splitlines()) - 1,
    "card": files["README.md"].decode(),
}))
"""


def test_an_extract_with_bars_goes_to_a_candidate_in_its_own_columns(tmp_path: Path):
    said, status = _inspected(tmp_path, write_bars)
    assert status == 0, said
    assert "extrait.csv: CSV in cp1252, separated by bars (|), 11 columns" in said
    assert _corrected(tmp_path, semicolons=False) == 2
    fixed_secrets(tmp_path / "secrets")
    (tmp_path / "home").mkdir()
    settings = {
        "CUSTOMS_FORM": str(tmp_path / "my.toml"),
        "CUSTOMS_SOURCE": str(tmp_path / "incoming"),
        "CUSTOMS_LAKE": str(tmp_path / "lake"),
        "CUSTOMS_EPOCHS": "1",
        "CUSTOMS_IDENTITY_KEY": str(tmp_path / "secrets" / "identity.key"),
        "CUSTOMS_RELEASE_SECRET": str(tmp_path / "secrets" / "release.secret"),
        "CUSTOMS_PUBLISHED": str(tmp_path / "published"),
        "DAGSTER_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUN, ",".join(MONTHS[:2])],
        env={**os.environ, **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made = json.loads(done.stdout.splitlines()[-1])
    inspected = sum(row["found"] != "NULL" for month in MONTHS[:2] for row in declarations(month, ROWS))
    assert made["rows"] == inspected
    assert made["headers"] == [
        *("Declaration ID", "Date Validation", "Bureau", "Code Opérateur", "HS6 Code", "Provenance", "Org"),
        *("Poids Net", "Valeur", "Contentieux"),
    ]
    # So few importers are withheld, with the claims named; nothing else went wrong.
    assert all(problem.startswith("synthetic_release: withheld: ") for problem in made["problems"]), made["problems"]
    assert made["unbuilt"] == []
    assert "read by the form my (Import declarations of an office in Abidjan)" in made["card"]
    assert f"Of {2 * ROWS} declarations {2 * ROWS} were kept" in made["card"]


@pytest.mark.parametrize("semicolons", [True, False])
def test_what_a_person_corrects_is_a_line_that_was_written(tmp_path: Path, semicolons: bool):
    _inspected(tmp_path, write_extract if semicolons else write_bars)
    lines = corrections(semicolons)
    text = (tmp_path / "my.toml").read_text(encoding="utf-8")
    assert [begin for begin in lines if not re.search(f"^{re.escape(begin)}", text, re.MULTILINE)] == []
