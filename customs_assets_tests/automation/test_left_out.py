"""Months that a release can do without are left out, with one sentence, and hold up no other."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from customs_assets import cli
from customs_assets.months import previous_month
from customs_assets.settings import Settings
from customs_assets_tests.conftest import fixed_secrets, small_month
from customs_assets_tests.one_process import built

MONTHS = ["2020-01", "2020-02", "2020-03", "2020-04"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a source, a lake and a Dagster home of its own."""
    fixed_secrets(tmp_path / ".customs")
    for name, path in {
        "CUSTOMS_SOURCE": "source",
        "CUSTOMS_LAKE": "lake",
        "CUSTOMS_IDENTITY_KEY": ".customs/identity.key",
        "CUSTOMS_RELEASE_SECRET": ".customs/release.secret",
        "CUSTOMS_PUBLISHED": ".customs/published",
        "DAGSTER_HOME": "home",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / path))
    for folder in ("source", "home"):
        (tmp_path / folder).mkdir()
    return tmp_path


def test_a_month_that_nobody_inspected_is_left_out_and_drift_goes_on(office: Path):
    for month in MONTHS:
        rows = small_month(month, 40)
        if month == "2020-02":
            rows = rows.assign(**{"Fraud": "", "Critical Fraud": ""})
        if month == "2020-04":
            rows["Item Price"] = (rows["Item Price"].astype(float) / 1000).round(3).astype(str)
        rows.to_csv(office / "source" / f"declarations-{month}.csv", index=False)
    keys = ["raw_declarations", "quarantine", "month_counts", "labelled_declarations", "drift"]
    done = built(MONTHS, keys)
    assert done.problems == []
    assert done.unbuilt == []
    assert list(done.left_out) == ["2020-02"]
    assert "no declaration of 2020-02 was inspected" in done.left_out["2020-02"]
    assert done.lake.partitions("labelled_declarations") == ["2020-01", "2020-03", "2020-04"]
    # Its rows were counted, inspected or not.
    record = done.lake.record("drift", "2020-04")
    assert record is not None
    assert record.inputs.keys() == {f"month_counts|{month}" for month in MONTHS}
    warnings = [sentence for outcome in done.outcomes.values() for sentence in outcome.warnings]
    assert any("the median of Item Price" in sentence and "1,000 times too low" in sentence for sentence in warnings)
    document = json.loads(Path(done.lake.path("drift", "2020-01", "json")).read_text())
    assert {measure["standing"] for measure in document["measures"]} == {"no history"}


def test_months_that_cannot_be_built_are_named_and_left_out(office: Path, capsys: pytest.CaptureFixture[str]):
    running, last = f"{date.today():%Y-%m}", previous_month(f"{date.today():%Y-%m}")
    for month in ("2017-12", "2020-01", last, running):
        rows = small_month(month, 5).assign(Date=f"{month}-01")
        rows.to_csv(office / "source" / f"declarations-{month}.csv", index=False)
    assert cli._months(None, Settings()) == ["2020-01", last]  # pyright: ignore[reportCallIssue]
    said = capsys.readouterr().out
    said = " ".join(said.split())
    assert "left out: 2017-12 lies before 2020-01, the first month of the form (first_month)" in said
    assert f"left out: {running} has not closed yet" in said


def test_a_range_without_a_month_that_can_be_built_is_one_sentence(office: Path):
    small_month("2020-01", 5).to_csv(office / "source" / "declarations-2020-01.csv", index=False)
    done = CliRunner().invoke(cli.app, ["run", "--months", "2090-01"])
    assert done.exit_code == 2
    assert "there is no month to make" in done.output
    assert "Traceback" not in done.output
