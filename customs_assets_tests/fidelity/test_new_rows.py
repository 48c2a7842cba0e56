"""New rows: which rows the tolerances call copies."""

from __future__ import annotations

from typing import Literal

import pytest

from customs_assets.declaration import CATEGORICAL, NUMERICAL
from customs_assets.fidelity.comparison import Comparison
from customs_assets.fidelity.own_metrics import new_row_synthesis
from customs_assets.lake import read_sql


def _new(source, synthetic, tolerance: Literal["of_value", "of_range"] = "of_value") -> float:
    return new_row_synthesis(Comparison.of(source, synthetic), tolerance)


def test_the_tolerance_is_one_percent_of_the_synthetic_value(declarations):
    source = declarations(rows=2, net_mass=[100.0, 1000.0])
    within = declarations(rows=4, net_mass=[99.1, 100.0, 101.0, 990.1])
    beyond = declarations(rows=4, net_mass=[99.0, 98.0, 102.0, 1011.0])
    assert _new(source, within) == 0.0
    assert _new(source, beyond) == 1.0, "99.0 is within 1% of 100, but 100 is not within 1% of 99.0"


def test_the_papers_words_take_the_percent_of_the_sources_range(declarations):
    source = declarations(rows=2, net_mass=[0.0, 1000.0])
    synthetic = declarations(rows=4, net_mass=[9.0, 10.5, 990.5, 1010.5])
    assert _new(source, synthetic, "of_range") == pytest.approx(0.5)
    assert _new(source, synthetic) == pytest.approx(0.75), "only 990.5 is near a source value in proportion"


def test_a_date_five_days_off_is_a_copy_by_value_and_new_by_range(declarations):
    source = declarations(rows=2, date=["2020-01-01", "2020-01-31"])
    synthetic = declarations(rows=1, date=["2020-01-06"])
    assert _new(source, synthetic) == 0.0
    assert _new(source, synthetic, "of_range") == 1.0


@pytest.mark.parametrize("column", CATEGORICAL)
def test_another_category_in_any_column_makes_a_row_new(declarations, column):
    synthetic = declarations(rows=4)
    synthetic.loc[3, column] = 1 if column in {"fraud", "critical_fraud"} else "XX"
    assert _new(declarations(), synthetic) == 0.25


@pytest.mark.parametrize("column", NUMERICAL)
def test_missing_equals_missing_and_nothing_else(declarations, column):
    synthetic = declarations(rows=4)
    synthetic.loc[3, column] = None
    assert _new(declarations(), synthetic) == 0.25
    source = declarations()
    source.loc[0, column] = None
    assert _new(source, synthetic) == 0.0


def test_a_row_that_repeats_many_source_rows_counts_once(declarations):
    assert _new(declarations(rows=50), declarations(rows=2, importer_id=["IMPORTS", "ANOTHER"])) == 0.5


def test_the_statement_names_every_compared_column():
    statement = read_sql("new_row_synthesis.sql")
    assert [name for name in CATEGORICAL if f"{name},\n" not in statement and f" {name}" not in statement] == []
    assert [name for name in NUMERICAL if f"abs(theirs.{name} - ours.{name})" not in statement] == []
