"""The release as a Frictionless Data Package: the project's own library reads it, checks every cell, and finds what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from frictionless import Package, system, validate

from customs_assets.fidelity.table_two import MetricScore, fidelity
from customs_assets.release.datapackage import DESCRIPTOR
from customs_assets.release.files import build_release
from customs_assets.settings import Settings

SCORES = [MetricScore("KSComplement", 0.8765, {})]


def _release(folder: Path, rows: pd.DataFrame, scores: Sequence[MetricScore] = SCORES) -> Path:
    rows = rows.assign(declaration_id=[f"{number:08d}" for number in range(len(rows))])
    settings = Settings()  # pyright: ignore[reportCallIssue]
    files = build_release(rows, ["2020-01", "2020-02", "2020-03"], scores, settings, 1, "given")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / DESCRIPTOR


def _errors(descriptor: Path) -> list[str]:
    with system.use_context(trusted=True):
        report = validate(str(descriptor), type="package")
    return [error[0] for error in report.flatten(["type"])] + [error.type for error in report.errors]


def test_the_package_is_valid_down_to_every_cell(tmp_path: Path, world):
    descriptor = _release(tmp_path, world.fresh.head(300))
    package = Package(str(descriptor))
    assert {"train-csv", "train-parquet"} <= {resource.name for resource in package.resources}
    train = package.get_resource("train-csv")
    assert len(train.schema.fields) == 22
    assert _errors(descriptor) == []
    assert json.loads(descriptor.read_text())["quality"][0] == {"metric": "KSComplement", "score": 0.9}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("2020-01", "soon-01", "type-error"), ("Importer ID", "Importer Name", "incorrect-label")],
)
def test_a_damaged_file_is_found_out(tmp_path: Path, world, old: str, new: str, expected: str):
    descriptor = _release(tmp_path, world.fresh.head(50))
    path = tmp_path / "train.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    assert expected in _errors(descriptor)


def test_no_published_score_gives_the_largest_amount_of_the_source_back(tmp_path: Path, world):
    """Range coverage is (released range) / (source's range): who has the release and an exact score has the source's largest."""
    source = world.training
    largest, least = source["item_price"].max(), source["item_price"].min()
    released = source.assign(item_price=source["item_price"].clip(upper=0.77 * largest))
    scores = fidelity(source, released)
    (coverage,) = [score for score in scores if score.metric == "RangeCoverage"]
    columns = sum(not math.isnan(value) for value in coverage.columns.values())

    def solved(score: float) -> float:
        of_prices = columns * score - (columns - 1)
        return least + (released["item_price"].max() - least) / of_prices if of_prices > 0 else 0.0

    assert solved(coverage.score) == pytest.approx(largest, rel=1e-9), "the attack succeeds on an exact score"
    _release(tmp_path, released, scores)
    published = [
        float(text)
        for name in (DESCRIPTOR, "README.md")
        for text in re.findall(r"\b[01]\.\d+", (tmp_path / name).read_text())
    ]
    assert len(published) > 8
    for score in published:
        assert solved(score) != pytest.approx(largest, rel=1e-3)
