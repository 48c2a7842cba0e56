"""The part of an audit of dependencies that needs no network: what is installed is what was locked, whole, and may be used.

Known vulnerabilities are asked of a database over the network; ``docs/security.md`` says how.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
RUNTIME, DEVELOPMENT, CLUSTER = "requirements.lock", "requirements-dev.lock", "requirements-cluster.lock"

# What an administration could not run or pass on as it likes. The LGPL's library (psycopg2) is used as it comes.
RESTRICTIVE = re.compile(
    r"business source|BUSL|BSL-1\.1|(?<!L)(?<!Lesser )\bA?GPL|affero|SSPL|commons clause", re.IGNORECASE
)
# SDV's publisher puts all of its libraries but sdmetrics under the Business Source License, which forbids a service of this kind.
# README and ``docs/security.md`` say what that is. No other library may come in under such a licence unnoticed.
BUSINESS_SOURCE = {
    "copulas": "Synthetic Data Creation Service",
    "ctgan": "Synthetic Data Creation Service",
    "deepecho": "Synthetic Data Creation Service",
    "rdt": "Data Transform Service",
    "sdv": "Synthetic Data Service",
}

IN_BETWEEN = re.compile(r"lesser general public license|LGPL", re.IGNORECASE)


def _locked(name: str) -> dict[str, str]:
    lines = [line.strip() for line in (PROJECT / name).read_text().splitlines()]
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 and re.fullmatch(r"[\w.+!-]+", pin[1]) for pin in pins), "every line pins one version"
    return {distribution: version for distribution, version in pins}


def _require_cluster() -> None:
    """Skip where a machine is no host of a cluster; in CI fail."""
    if importlib.util.find_spec("ray") is None:
        pytest.fail("make setup-cluster") if os.environ.get("CI") else pytest.skip("make setup-cluster was not called")


def _licence(distribution: str) -> str:
    """What a distribution says of its licence: expression, first line of the text, and classifiers."""
    metadata = importlib.metadata.metadata(distribution).json
    text = str(metadata.get("license", "")).strip().splitlines()[:1]
    classifiers = [str(value) for value in metadata.get("classifier", []) if str(value).startswith("License")]
    return "; ".join([str(metadata.get("license_expression", "")), *text, *classifiers])


@pytest.mark.parametrize("lock", [RUNTIME, DEVELOPMENT, CLUSTER])
def test_what_is_installed_is_what_was_locked(lock: str):
    if lock == CLUSTER:
        _require_cluster()
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in _locked(lock)}
    assert installed == _locked(lock)


def test_no_version_is_locked_twice_and_the_libraries_of_sdv_are_locked_for_every_run():
    runtime, development, cluster = _locked(RUNTIME), _locked(DEVELOPMENT), _locked(CLUSTER)
    assert not runtime.keys() & development.keys()
    assert not cluster.keys() & {*runtime, *development}
    assert {"ctgan", "sdmetrics", "sdv"} <= runtime.keys()
    assert runtime["torch"] == "2.13.0"
    assert runtime["pandas"].startswith("2.")


def test_no_requirement_is_missing_or_broken():
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_what_a_cluster_runs_may_be_run_and_passed_on():
    _require_cluster()
    found = {name: _licence(name) for name in _locked(CLUSTER)}
    assert [name for name, licence in found.items() if not licence.strip("; ")] == []
    assert [name for name, licence in found.items() if RESTRICTIVE.search(IN_BETWEEN.sub("", licence))] == []


def test_what_users_run_may_be_run_and_passed_on():
    found = {name: _licence(name) for name in _locked(RUNTIME)}
    assert [name for name, licence in found.items() if not licence.strip("; ")] == []
    restrictive = {name for name, licence in found.items() if RESTRICTIVE.search(IN_BETWEEN.sub("", licence))}
    assert restrictive == BUSINESS_SOURCE.keys()
    assert {found[name].strip("; ") for name in BUSINESS_SOURCE} == {"BUSL-1.1"}


@pytest.mark.parametrize(("name", "service"), BUSINESS_SOURCE.items())
def test_the_business_source_license_is_the_one_that_the_documents_explain(name: str, service: str):
    text = " ".join((importlib.metadata.distribution(name).read_text("licenses/LICENSE") or "").split())
    assert "Licensor: DataCebo, Inc." in text
    assert (
        f"provided that you do not use the Licensed Work, or derivatives of the Licensed Work, for a {service}." in text
    )
    offering = (
        "is a commercial offering that allows third parties (other than your employees and contractors) to access the"
    )
    assert f'A "{service}" {offering} functionality of the Licensed Work' in text
    assert "Change date is four years from release date." in text and "Change License: MIT License" in text
    for document in ("README.md", "docs/security.md"):
        assert f"`{name}`" in (PROJECT / document).read_text(), f"{document} names every library under this licence"


@pytest.mark.parametrize(
    ("licence", "restrictive"),
    [
        ("BUSL-1.1", True),
        ("License :: Other/Proprietary License; Business Source License 1.1", True),
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL with exceptions; License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)", False),
        ("Apache-2.0 OR BSD-2-Clause", False),
    ],
)
def test_restrictive_licences_are_told(licence: str, restrictive: bool):
    assert bool(RESTRICTIVE.search(IN_BETWEEN.sub("", licence))) is restrictive
