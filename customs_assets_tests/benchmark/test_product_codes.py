"""Telling the product from all else: what can be told is told, what cannot is no better than a blind guess."""

from __future__ import annotations

import numpy as np
import pytest

from customs_assets.benchmark.product_codes import product_codes
from customs_assets.benchmark.split import split_months

SPLIT = split_months([f"2020-0{month}" for month in range(1, 7)])

# The six goods that are traded; the second and the third are of one chapter.
GOODS = ("0901210000", "2204210000", "2208300000", "4408900000", "6109100000", "8471300000")


@pytest.fixture(scope="module")
def told(declarations):
    """Declarations whose tax rate tells the good."""
    rates = dict(zip(GOODS, (0.0, 5.0, 10.0, 15.0, 20.0, 25.0), strict=True))
    return declarations.assign(tax_rate=declarations["hs10_code"].map(rates))


def test_goods_that_the_rate_tells_are_told_and_shuffled_ones_are_guessed(told):
    right = {(row.level, row.top): row for row in product_codes(told, told, SPLIT)}
    assert set(right) == {(level, top) for level in ("chapter", "heading", "code") for top in (1, 3, 5)}
    assert right["code", 1].from_synthetic == right["code", 1].from_source > 0.95
    assert right["heading", 1].from_source >= right["code", 1].from_source
    assert right["chapter", 3].from_source >= right["chapter", 1].from_source
    shuffled = told.assign(hs10_code=np.random.default_rng(0).permutation(told["hs10_code"]))
    guessed = {(row.level, row.top): row for row in product_codes(told, shuffled, SPLIT)}
    assert guessed["heading", 1].from_source == right["heading", 1].from_source
    assert guessed["heading", 1].from_synthetic < 0.35


def test_the_blind_guess_is_the_share_of_the_most_frequent_codes(told):
    train, test = (SPLIT.rows(told, part)["hs10_code"].str[:2] for part in ("train", "test"))
    rows = {(row.level, row.top): row.blind for row in product_codes(told, told, SPLIT)}
    assert rows["chapter", 1] == pytest.approx((test == train.value_counts().index[0]).mean())
    # There are five chapters in all, so that five guesses are always right.
    assert rows["chapter", 5] == 1.0


def test_fewer_codes_than_guesses_are_enough(told):
    few = told.loc[told["hs10_code"].isin(GOODS[:2])]
    rows = product_codes(few, few, SPLIT)
    assert {row.from_source for row in rows if row.top == 5} == {1.0}
