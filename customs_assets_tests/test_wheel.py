"""A wheel holds every file of the package: pages, styles and tables beside the modules."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def test_a_wheel_has_every_file_of_the_package(tmp_path: Path):
    shutil.copytree(
        PROJECT / "customs_assets", tmp_path / "customs_assets", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, tmp_path / name)
    script = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "dist" / done.stdout.split()[-1]) as wheel:
        packed = {name for name in wheel.namelist() if name.startswith("customs_assets/")}
    files = {str(path.relative_to(PROJECT)) for path in (PROJECT / "customs_assets").rglob("*") if path.is_file()}
    assert packed == {name for name in files if "__pycache__" not in name}
    assert "customs_assets/law/harmonized_system.csv" in packed
