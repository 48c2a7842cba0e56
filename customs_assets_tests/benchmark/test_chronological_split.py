"""The split by time: how many months train, validate and test, and which rows that makes."""

from __future__ import annotations

import pandas as pd
import pytest

from customs_assets.benchmark.split import release_split, span, split_months


def months(count: int) -> list[str]:
    return [str(month) for month in pd.period_range("2020-01", periods=count, freq="M")]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (2, (1, 0, 1)),
        (3, (2, 0, 1)),
        (6, (4, 1, 1)),
        (9, (7, 1, 1)),
        (12, (8, 2, 2)),
        (14, (10, 2, 2)),
        (15, (12, 0, 3)),
        (16, (12, 1, 3)),
        (17, (12, 2, 3)),
        (18, (12, 3, 3)),
        (20, (14, 3, 3)),
    ],
)
def test_the_benchmark_always_has_the_latest_months_to_test_on(count: int, sizes: tuple[int, int, int]) -> None:
    split = split_months(months(count))

    assert (len(split.train), len(split.validation), len(split.test)) == sizes
    assert split.train + split.validation + split.test == tuple(months(count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, (1, 0, 0)), (12, (12, 0, 0)), (14, (12, 2, 0)), (15, (12, 3, 0)), (17, (12, 3, 2)), (18, (12, 3, 3))],
)
def test_the_release_fills_training_then_validation_then_test(count: int, sizes: tuple[int, int, int]) -> None:
    split = release_split(months(count))

    assert (len(split.train), len(split.validation), len(split.test)) == sizes
    assert split.train + split.validation + split.test == tuple(months(count))


@pytest.mark.parametrize("count", [18, 20])
def test_from_18_months_on_release_and_benchmark_are_split_alike(count: int) -> None:
    assert release_split(months(count)) == split_months(months(count))


def test_a_single_month_is_split_by_day_in_the_same_shares() -> None:
    split = split_months(["2020-02"])

    assert split.train[0] == "2020-02-01"
    assert split.train[-1] == "2020-02-21"
    assert split.validation == ("2020-02-22", "2020-02-23", "2020-02-24", "2020-02-25")
    assert split.test == ("2020-02-26", "2020-02-27", "2020-02-28", "2020-02-29")


def test_the_note_says_what_was_split_and_how() -> None:
    assert split_months(months(6)).note == (
        "Chronological split: train 2020-01 to 2020-04 (4 months), validation 2020-05, test 2020-06 "
        "(6 months instead of 18 are split in the same shares)."
    )
    assert "as in section 5.2 of the paper" in split_months(months(18)).note
    assert "1 month instead of 18 is split by day" in split_months(["2020-02"]).note


def test_months_may_come_in_any_order_and_more_than_once() -> None:
    assert split_months(["2020-03", "2020-01", "2020-02", "2020-01"]) == split_months(months(3))


def test_no_month_and_no_such_month_are_refused() -> None:
    with pytest.raises(ValueError, match="no month to split"):
        split_months([])
    with pytest.raises(ValueError, match="'2020-13' is not a month"):
        release_split(["2020-01", "2020-13"])


def test_rows_go_to_the_part_that_holds_their_date() -> None:
    dates = ["2020-03-01", "2020-01-31", "2020-02-01", "2019-12-31", "2020-03-31", "2020-04-01"]
    dated = pd.DataFrame({"date": pd.to_datetime(dates)}, index=pd.Index(list("abcdef")))
    split = split_months(months(3))

    assert split.rows(dated, "train").index.tolist() == ["b", "c"]
    assert split.rows(dated, "validation").empty
    assert split.rows(dated, "test").index.tolist() == ["a", "e"]


def test_rows_of_a_month_split_by_day_go_by_their_day() -> None:
    dated = pd.DataFrame({"date": pd.to_datetime(["2020-02-21", "2020-02-22", "2020-02-26", "2020-03-26"])})
    split = split_months(["2020-02"])

    assert [split.rows(dated, part).index.tolist() for part in ("train", "validation", "test")] == [[0], [1], [2]]


def test_a_part_is_told_in_words() -> None:
    assert span(()) == "none"
    assert span(("2020-01",)) == "2020-01"
    assert span(("2020-01-01", "2020-01-02")) == "2020-01-01 to 2020-01-02 (2 days)"
