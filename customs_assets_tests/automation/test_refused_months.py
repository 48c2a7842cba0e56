"""A month that cannot be made says why in one sentence, keeps its quarantine, and leaves the other months alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import typer

from customs_assets import cli
from customs_assets.lake import Lake
from customs_assets.months import why_left_out
from customs_assets.settings import Settings
from customs_assets_tests.source.workbooks import write


@pytest.mark.parametrize(
    ("name", "column", "value", "sentence"),
    [
        ("declarations-2020-02.csv", "Net Mass", "108,0", "all 150 rows are set aside, 150 of them for text_in_number"),
        ("declarations-2020-02.csv", "HS10 Code", "9801000000", "150 of them for reserved_chapter in hs10_code"),
        ("declarations-2020-02.csv", "Date", "2020-01-09", "says 2020-02, and its 150 rows say another month"),
    ],
)
def test_a_refused_month_names_the_rule_and_keeps_its_quarantine(
    pipeline: Path, small_declarations, run_month, monkeypatch, name, column, value, sentence
):
    (pipeline / "in").mkdir()
    small_declarations("2020-02").assign(**{column: value}).to_csv(pipeline / "in" / name, index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "in"))
    result: dg.ExecuteInProcessResult = run_month("quarantine", "raw_declarations")
    assert not result.success
    [event] = result.get_step_failure_events()
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert sentence in str(said.description)
    assert "\n" not in str(said.description)
    lake = Lake(str(pipeline / "lake"))
    assert lake.read_table("quarantine", "2020-02").num_rows == 150
    assert lake.record("quarantine", "2020-02") is not None
    assert not lake.exists("raw_declarations", "2020-02")


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("2017-12", "2017-12 lies before 2020-01, the first month of the form (first_month)"),
        ("2021-07", "2021-07 has not closed yet"),
        ("2022-01", "2022-01 has not closed yet"),
        ("2021-06", ""),
        ("2020-01", ""),
    ],
)
def test_months_before_the_first_and_those_not_closed_are_left_out(month, sentence):
    assert why_left_out(month, date(2021, 7, 1)) == sentence


def test_a_source_with_other_months_is_made_without_them(pipeline: Path, small_declarations, monkeypatch, capsys):
    (pipeline / "in").mkdir()
    for month in ("2017-12", "2020-02"):
        small_declarations(month).to_csv(pipeline / "in" / f"declarations-{month}.csv", index=False)
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "in"))
    settings = Settings()  # pyright: ignore[reportCallIssue]
    assert cli._months(None, settings) == ["2020-02"]
    assert "left out: 2017-12 lies before 2020-01" in capsys.readouterr().out
    (pipeline / "in" / "declarations-2020-02.csv").unlink()
    with pytest.raises(typer.Exit):
        cli._months(None, settings)
    assert "there is no month to make" in capsys.readouterr().err


def test_a_month_of_a_workbook_is_read_into_the_lake_as_one_of_a_csv_file_is(
    pipeline: Path, small_declarations, run_month, monkeypatch
):
    frame = small_declarations("2020-02").astype(str)
    frame.loc[3, "Net Mass"] = "much"
    (pipeline / "in").mkdir()
    write(pipeline / "in" / "declarations-2020-02.xlsx", [[*frame.columns], *frame.to_numpy().tolist()])
    monkeypatch.setenv("CUSTOMS_SOURCE", str(pipeline / "in"))
    assert run_month("quarantine", "raw_declarations").success
    lake = Lake(str(pipeline / "lake"))
    assert lake.read_table("raw_declarations", "2020-02").num_rows == 149
    (aside,) = lake.read_table("quarantine", "2020-02").to_pylist()
    assert (aside["file"], aside["row"], aside["reason"]) == ("declarations-2020-02.xlsx", 5, "text_in_number")
