"""``make wheels`` makes a folder from which the project is installed without a network.

The target is run as it stands, with a lock of two packages and an index in a folder, since a test has no network either.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def _wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with one module, in an index as pip reads it: a folder a package with a page of links."""
    folder = folder / name
    folder.mkdir(parents=True)
    file = f"{name}-{version}-py3-none-any.whl"
    described = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / file, "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{described}/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{file}">{file}</a>')


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project with the Makefile and a lock of two packages, beside the two indexes that have them."""
    _wheel(tmp_path / "cpu", "torch", "2.13.0+cpu")
    _wheel(tmp_path / "pypi", "torch", "2.13.0")
    _wheel(tmp_path / "pypi", "tiny", "1.0")
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(PROJECT / "Makefile", project / "Makefile")
    (project / "requirements.lock").write_text("# pinned\ntiny==1.0\ntorch==2.13.0\n")
    (project / "pyproject.toml").write_text("")
    return project


def _environment(index: Path | None) -> dict[str, str]:
    """This process's environment with no place of packages but an index in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    return kept | {
        "PIP_INDEX_URL": index.as_uri() if index else "http://127.0.0.1:9/none",
        "PIP_CONFIG_FILE": os.devnull,
    }


def _run(project: Path, command: list[str], index: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = _environment(index)
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)


def _make(project: Path, *words: str, index: Path | None = None) -> subprocess.CompletedProcess[str]:
    return _run(project, ["make", *words, f"PYTHON={sys.executable}"], index)


def test_the_folder_of_wheels_has_torch_for_cpus_and_is_enough_without_a_network(copy: Path, tmp_path: Path):
    cpu = (tmp_path / "cpu").as_uri()
    done = _make(copy, "wheels", f"TORCH_INDEX={cpu}", "WHEELS=stick", index=tmp_path / "pypi")
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in (copy / "stick").iterdir())
    assert made == ["SHA256SUMS", "tiny-1.0-py3-none-any.whl", "torch-2.13.0+cpu-py3-none-any.whl"]
    sums = {line.split()[1]: line.split()[0] for line in (copy / "stick/SHA256SUMS").read_text().splitlines()}
    assert sums == {n: hashlib.sha256((copy / "stick" / n).read_bytes()).hexdigest() for n in made if n != "SHA256SUMS"}
    # What `make setup WHEELS=stick` runs, with the packages beside the project instead of in an environment of its own.
    planned = _make(copy, "-n", "setup", "WHEELS=stick").stdout
    [install] = [line for line in planned.splitlines() if "-r requirements.lock" in line]
    assert "--no-index --find-links stick" in install
    words = install.split(" install ", 1)[1].split()
    target = tmp_path / "site"
    installed = _run(copy, [sys.executable, "-m", "pip", "install", *words, "--target", str(target)])
    assert installed.returncode == 0, installed.stderr
    assert (target / "torch.py").read_text() == "VERSION = '2.13.0+cpu'\n"
    assert (target / "tiny.py").is_file()


def test_without_an_index_for_cpus_nothing_is_fetched(copy: Path):
    done = _make(copy, "wheels")
    assert done.returncode != 0
    assert "make wheels TORCH_INDEX=ADDRESS" in done.stderr
    assert not (copy / "wheels").exists()


def test_a_folder_that_is_there_is_never_deleted(copy: Path, tmp_path: Path):
    (copy / "stick").mkdir()
    (copy / "stick/letter.txt").write_text("dear")
    done = _make(copy, "wheels", f"TORCH_INDEX={(tmp_path / 'cpu').as_uri()}", "WHEELS=stick", index=tmp_path / "pypi")
    assert done.returncode != 0
    assert "stick is there already" in done.stderr
    assert [path.name for path in (copy / "stick").iterdir()] == ["letter.txt"]


def test_with_a_network_packages_come_from_an_index(copy: Path):
    planned = _make(copy, "-n", "setup").stdout
    assert "--no-index" not in planned
    assert "-r requirements.lock" in planned
