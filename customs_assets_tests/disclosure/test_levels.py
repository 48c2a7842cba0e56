"""Levels of the goods, by a count written out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from customs_assets.disclosure.levels import ALL, CODE, LEVELS, with_levels

# The chapters that each section of the Harmonized System ends with, I to XXI.
_LAST_CHAPTERS = (5, 14, 15, 24, 27, 38, 40, 43, 46, 49, 63, 67, 70, 71, 83, 85, 89, 92, 93, 96, 97)


@given(st.lists(st.tuples(st.integers(1, 97), st.integers(1, 99), st.integers(0, 99)), min_size=1, max_size=40))
@settings(max_examples=80, deadline=None)
def test_where_goods_stand_is_what_a_plain_count_says(parts: list[tuple[int, int, int]]):
    codes = [f"{chapter:02d}{heading:02d}{rest:02d}" for chapter, heading, rest in parts]
    rows = with_levels(pd.DataFrame({CODE: codes, "other": range(len(codes))}, index=np.arange(len(codes)) + 7))
    assert rows["other"].tolist() == list(range(len(codes)))
    assert rows.index.tolist() == list(range(7, 7 + len(codes)))
    for (chapter, heading, _), code, row in zip(parts, codes, rows.to_dict("records"), strict=True):
        assert row[CODE] == code
        assert row["heading"] == f"{chapter:02d}{heading:02d}"
        assert row["chapter"] == f"{chapter:02d}"
        assert row["section"] == str(next(number for number, last in enumerate(_LAST_CHAPTERS, 1) if chapter <= last))
        assert row[ALL] == ""
        for run in (2, 4, 8, 16):
            assert row[f"{run} headings"] == f"{chapter:02d}/{int(heading / run)}"


@given(st.lists(st.integers(10000, 979999).filter(lambda number: number // 10000 != 77), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_goods_that_stand_together_stay_together_at_each_coarser_level(numbers: list[int]):
    rows = with_levels(pd.DataFrame({CODE: [f"{number:06d}" for number in numbers]}))
    for finer, coarser in pairwise(LEVELS):
        assert (rows.groupby(finer)[coarser].nunique() == 1).all(), f"{finer} within {coarser}"
