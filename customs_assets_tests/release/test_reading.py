"""A published release, read where nothing else of the pipeline is; and a detector of one's own measured on it by the command."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.declaration import RELEASED
from customs_assets.release.files import CHECKSUMS, ReleaseError, build_release
from customs_assets.release.reading import read_published
from customs_assets.settings import Settings
from customs_assets_tests.benchmark.conftest import _month


def _files(months: list[str]) -> tuple[dict[str, bytes], pd.DataFrame]:
    rows = pd.concat([_month(month, number).head(60) for number, month in enumerate(months)], ignore_index=True)
    rows = rows.assign(hs6_code=rows["hs10_code"].str[:6])[[a.name for a in RELEASED]]
    settings = Settings()  # pyright: ignore[reportCallIssue]
    return build_release(rows, months, [], settings, 7, "nomenclature"), rows


def _write(folder: Path, files: dict[str, bytes], *, only: str = "") -> Path:
    folder.mkdir()
    for name, content in files.items():
        if not only or name.endswith(only) or name == CHECKSUMS:
            (folder / name).write_bytes(content)
    return folder


MONTHS = [f"2020-{month:02d}" for month in range(1, 13)] + [f"2021-{month:02d}" for month in range(1, 7)]


@pytest.fixture(scope="module")
def year_and_a_half() -> tuple[dict[str, bytes], pd.DataFrame]:
    return _files(MONTHS)


def test_parts_are_read_as_they_were_published_from_either_kind_of_file(year_and_a_half, tmp_path: Path) -> None:
    files, rows = year_and_a_half
    from_parquet, split = read_published(_write(tmp_path / "both", files))
    from_csv, _ = read_published(_write(tmp_path / "csv", files, only=".csv"))

    pd.testing.assert_frame_equal(from_parquet, from_csv, check_dtype=False)
    assert len(from_parquet) == len(rows) and list(from_parquet) == [a.name for a in RELEASED]
    assert from_parquet["office_id"].tolist() == rows["office_id"].tolist()
    assert from_parquet["seller_id"].eq("").sum() == rows["seller_id"].eq("").sum() > 0
    assert from_csv["net_mass"].tolist() == rows["net_mass"].tolist()
    assert (split.train, split.test) == (tuple(MONTHS[:12]), tuple(MONTHS[15:]))


def test_months_alone_are_enough(year_and_a_half, tmp_path: Path) -> None:
    files, rows = year_and_a_half
    months = {name: content for name, content in files.items() if name.startswith("declarations-")}
    declarations, split = read_published(_write(tmp_path / "months", months))
    assert len(declarations) == len(rows)
    assert split.test == tuple(MONTHS[15:])


def test_a_release_without_a_test_part_is_split_as_the_benchmark_splits(tmp_path: Path) -> None:
    files, _ = _files(MONTHS[:6])
    assert "test.csv" not in files
    declarations, split = read_published(_write(tmp_path / "short", files))
    assert (len(split.train), split.test) == (4, ("2020-06",))
    assert len(declarations) == 6 * 60, "the partly labelled part is not read twice"


def test_what_is_no_release_is_refused_with_the_cause(year_and_a_half, tmp_path: Path) -> None:
    files, _ = year_and_a_half
    with pytest.raises(ReleaseError, match="is no folder"):
        read_published(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseError, match="holds no declarations"):
        read_published(tmp_path / "empty")
    damaged = _write(tmp_path / "damaged", files)
    (damaged / "train.parquet").write_bytes(files["train.parquet"][:-9] + b"\x00" * 9)
    with pytest.raises(ReleaseError, match=r"train.parquet is not the file whose checksum is in SHA256SUMS"):
        read_published(damaged)
    changed = _write(tmp_path / "changed", {n: c for n, c in files.items() if n.endswith(".csv")})
    (changed / "test.csv").write_bytes(files["test.csv"].replace(b"Net Mass", b"Mass"))
    with pytest.raises(ReleaseError, match=r"test.csv has no column Net Mass; a release has all 22"):
        read_published(changed)
    (changed / "test.csv").write_bytes(files["test.csv"].replace(b"Net Mass", b"Net Mass", 1) + b"x" * 21)
    with pytest.raises(ReleaseError, match=r"test.csv, column"):
        read_published(changed)


PROJECT = Path(__file__).parents[2]
OWN = (PROJECT / "benchmarks" / "heavy_goods.py").read_text(encoding="utf-8")


def test_the_command_shows_one_s_own_beside_all_others(year_and_a_half, tmp_path: Path, monkeypatch) -> None:
    for name in ("CUSTOMS_LAKE", "CUSTOMS_RELEASE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    folder = _write(tmp_path / "release", year_and_a_half[0])
    (tmp_path / "mine.py").write_text(OWN)
    assert OWN[OWN.index("class HeavyGoods") :] in (PROJECT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    done = CliRunner().invoke(cli.app, ["benchmark", "mine.py:HeavyGoods", "release", "--seeds", "1", "--workers", "1"])

    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("| Heavy goods |")]
    assert len(lines) == 3, "a line in the tables of precision, recall and duty"
    titles = [line.split(" | ")[0] for line in done.output.splitlines() if line.startswith("| ")]
    assert titles.count("| Random Forest") == 4 and titles.count("| Risk Profiles") == 4
    assert "720 declarations train, 180 test" in done.output
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["mine.py", "release"]

    wrong = CliRunner().invoke(cli.app, ["benchmark", "mine.py:Yours", "release"])
    assert wrong.exit_code == 2 and "has no class Yours; it has HeavyGoods" in wrong.output
    nowhere = CliRunner().invoke(cli.app, ["benchmark", "mine.py:HeavyGoods", "elsewhere"])
    assert nowhere.exit_code == 2 and "elsewhere is no folder" in nowhere.output
