"""What a person is told of a failed step: sentences of the project, and never a library's words or the name of a class."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dagster._utils.error import SerializableErrorInfo, serializable_error_info_from_exc_info

from customs_assets.automation.failures import sentence_of
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.lake import Lake
from customs_assets.months import first_day, month_range
from customs_assets.privacy.shadows.exposed import Exposed


def _error(fails) -> SerializableErrorInfo:
    try:
        fails()
    except Exception:
        return serializable_error_info_from_exc_info(sys.exc_info())
    raise AssertionError("it did not fail")


def _caused() -> None:
    try:
        month_range("2020-13")
    except ValueError as error:
        raise RuntimeError("the step failed") from error


@pytest.mark.parametrize(
    ("fails", "sentence"),
    [
        (lambda: first_day("2020-13"), "'2020-13' is not a month; write it as YYYY-MM, for example 2020-01"),
        (_caused, "'2020-13' is not a month; write it as YYYY-MM, for example 2020-01"),
        (
            lambda: Lake("/nowhere/lake").read_table("raw_declarations", "2020-01"),
            "raw_declarations has no partition 2020-01",
        ),
        (lambda: Path("/nowhere/file").read_bytes(), "[Errno 2] No such file or directory: '/nowhere/file'"),
    ],
)
def test_a_sentence_of_the_project_or_of_the_machine_is_told_without_its_class(fails, sentence):
    assert sentence_of(_error(fails)).startswith(sentence)


@pytest.mark.parametrize(
    "fails",
    [
        lambda: np.zeros(3) + np.zeros(4),
        lambda: np.zeros(3)[np.zeros(4, dtype=bool)],
        lambda: {}["courier_id"],
        lambda: Exposed.from_json({}),
    ],
)
def test_what_a_library_says_is_left_to_the_log(fails):
    told = sentence_of(_error(fails))
    assert told.startswith("a fault of the program stopped it")
    for word in ("Error", "broadcast", "boolean", "courier_id"):
        assert word not in told


def test_an_error_without_a_frame_is_a_fault_of_the_program():
    assert sentence_of(SerializableErrorInfo("Fatal: 1\n", [], "Fatal")).startswith("a fault of the program")
    assert sentence_of(None).startswith("a fault of the program")
    assert TooFewImporters.__module__.startswith("customs_assets.")
