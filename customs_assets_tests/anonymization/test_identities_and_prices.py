"""Identities become tokens that nobody can undo without the key; prices become averages that rest on k importers."""

from __future__ import annotations

import hmac
import math
import re
import unicodedata
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customs_assets.anonymization.identities import (
    TOKEN_PATTERN,
    anonymize,
    token,
    tokens,
)
from customs_assets.anonymization.unit_prices import average_prices, noisy_prices, prices_of
from customs_assets.declaration import IDENTITIES
from customs_assets.lake import Lake
from customs_assets.release.files import redraw_tokens

KEY = b"k" * 32


def _token_of_seven(name: str, role: str) -> str:
    """A token as it was made before: seven base-36 digits of the same hash."""
    number = int.from_bytes(hmac.digest(KEY, f"{role}\x1f{name}".encode(), "sha256"), "big")
    characters = []
    for _ in range(7):
        number, digit = divmod(number, 36)
        characters.append("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit])
    return "".join(characters)


# Found by trying some 250,000 names, which takes two seconds.
ONE, OTHER = "Hanbit Trading 340440", "Hanbit Trading 352513"


def _rows(*importers: str) -> pd.DataFrame:
    """Declarations of some importers, whom nothing else tells apart."""
    return pd.DataFrame(
        {"declarant_id": "Broker", "importer_id": importers, "seller_id": "", "courier_id": "", "net_mass": 1.0}
    )


def test_a_token_is_the_same_in_every_month_and_another_in_every_role_and_with_every_key():
    for role in IDENTITIES:
        assert re.fullmatch(TOKEN_PATTERN, token("주식회사 한국", role, KEY))
    assert TOKEN_PATTERN == "[A-Z0-9]{20}"
    assert token("Kim  Trading", "importer_id", KEY) == token(" Kim Trading ", "importer_id", KEY)
    assert token("Kim Trading", "importer_id", KEY) != token("Kim Trading", "importer_id", b"x" * 32)
    assert len({token("Kim Trading", role, KEY) for role in IDENTITIES}) == 4
    assert token("", "seller_id", KEY) == token(" \u3000", "seller_id", KEY) == ""
    digest = hmac.digest(KEY, b"importer_id\x1fkimtrading", "sha256")
    assert int(token("Kim Trading", "importer_id", KEY)[::-1], 36) == int.from_bytes(digest, "big") % 36**20


@given(st.lists(st.text(max_size=12), max_size=40), st.sampled_from(IDENTITIES), st.binary(min_size=1, max_size=64))
def test_tokens_of_many_are_those_of_each(parties: list[str], role: str, key: bytes):
    digests = [hmac.digest(key, f"{role}\x1f{party}".encode(), "sha256") for party in parties]
    numbers = [int.from_bytes(digest, "big") % 36**20 for digest in digests]
    made = tokens(parties, role, key)
    assert made.shape == (len(parties),)
    for text, party, number in zip(made, parties, numbers, strict=True):
        assert (text == "") if not party else (int(text[::-1], 36) == number and re.fullmatch(TOKEN_PATTERN, text))


def test_two_importers_whose_short_tokens_were_one_are_two_and_stay_two_in_the_release():
    assert _token_of_seven(ONE, "importer_id") == _token_of_seven(OTHER, "importer_id") == "NZMHZ8M"
    months = [anonymize(_rows(*names), KEY) for names in ([ONE, OTHER, ONE], [OTHER], [ONE])]
    assert months[0]["importer_id"].nunique() == 2
    assert months[1]["importer_id"][0] == months[0]["importer_id"][1] != months[0]["importer_id"][0]
    assert months[2]["importer_id"][0] == months[0]["importer_id"][0], "whichever months are at hand"
    released = redraw_tokens(pd.concat(months, ignore_index=True), np.random.default_rng(3))["importer_id"]
    assert released.str.fullmatch("[A-Z0-9]{7}").all()
    assert released.nunique() == 2
    assert released[0] == released[2] == released[4] != released[1] == released[3]


def test_one_firm_in_seven_spellings_counts_once():
    spellings = [
        "Hanbit Trading Co., Ltd.", "HANBIT TRADING CO.,LTD", "Hanbit Trading Company Limited", "Hanbit  Trading Co Ltd ",
        "Ｈａｎｂｉｔ　Ｔｒａｄｉｎｇ　Ｃｏ．，Ｌｔｄ．", "hanbit-trading co. ltd", "주식회사 Hanbit Trading",
    ]  # fmt: skip
    before = {_token_of_seven(" ".join(unicodedata.normalize("NFKC", n).split()), "importer_id") for n in spellings}
    assert len(before) == 7, "each of them was an importer, and k = 5 was satisfied by one firm"
    made = anonymize(_rows(*spellings, "Hanbit Traders Co., Ltd."), KEY)
    assert made["importer_id"].nunique() == 2
    assert made["importer_id"][:7].nunique() == 1


def test_anonymizing_changes_identities_alone():
    rows = pd.DataFrame(
        {
            "declarant_id": ["A", "A"],
            "importer_id": ["B", "C"],
            "seller_id": ["", "D"],
            "courier_id": ["", ""],
            "net_mass": [1.0, 2.0],
        }
    )
    made = anonymize(rows, KEY)
    assert made["declarant_id"].nunique() == 1
    assert made["importer_id"].nunique() == 2
    assert made["seller_id"].tolist() == ["", token("D", "seller_id", KEY)]
    assert made["net_mass"].equals(rows["net_mass"])
    assert rows["importer_id"].tolist() == ["B", "C"]


def _averages(tmp_path: Path, rows: list[tuple[str, str, float, float]], min_group: int = 2) -> pd.DataFrame:
    lake = Lake(str(tmp_path))
    lake.write_table(
        "labelled", pd.DataFrame(rows, columns=["hs10_code", "importer_id", "net_mass", "item_price"]), "2020-01"
    )
    return average_prices(duckdb.connect(), lake.sql_path("labelled", "2020-01"), min_group).set_index("category")


def test_a_rare_code_takes_the_average_of_the_longest_shorter_code_that_enough_importers_declared(tmp_path: Path):
    rows = [
        ("0901210000", "A", 1.0, 100.0),
        ("0901210000", "B", 2.0, 800.0),
        ("0901220000", "A", 1.0, 1000.0),
        ("0902300000", "C", 1.0, 10.0),
        ("8471300000", "C", 0.0, 10.0),
    ]
    averages = _averages(tmp_path, rows)
    assert averages.index.tolist() == ["", "09", "0901", "090121", "0901210000"], "no category of one importer has any"
    assert averages["importers"].tolist() == [3, 3, 2, 2, 2]
    assert averages["declarations"].tolist() == [4, 4, 3, 2, 2], "what has no mass has no price per kilogram"
    coffee, heading = math.sqrt(100 * 400), math.sqrt(math.sqrt(100 * 1000) * 400)
    everything = (math.sqrt(100 * 1000) * 400 * 10) ** (1 / 3)
    assert averages["average_price"].tolist() == pytest.approx([everything, everything, heading, coffee, coffee])
    by_category = {str(category): price for category, price in averages["average_price"].items()}
    by_category["09"] = 7.0  # Here it is that of all goods.
    codes = pd.Series(["0901210000", "0901220000", "0902300000", "8471300000", "090121", "0901210000"])
    expected = [coffee, heading, 7.0, everything, coffee, coffee]
    assert prices_of(codes, by_category).tolist() == pytest.approx(expected)


def test_all_goods_have_a_price_whoever_declared_them_and_nothing_has_where_nothing_is_priced(tmp_path: Path):
    alone = _averages(tmp_path / "alone", [("0901210000", "A", 2.0, 100.0)])
    assert alone.index.tolist() == [""]
    assert alone["average_price"].tolist() == pytest.approx([50.0])
    assert _averages(tmp_path / "none", [("0901210000", "A", 0.0, 100.0), ("0902300000", "B", 1.0, 0.0)]).empty


def test_an_importer_weighs_the_same_however_often_it_declares(tmp_path: Path):
    often = [("0901210000", "A", 1.0, 100.0)] * 9
    averages = _averages(tmp_path, [*often, ("0901210000", "B", 1.0, 400.0)])
    assert averages.loc["0901210000", "average_price"] == pytest.approx(math.sqrt(100 * 400))
    assert averages.loc["0901210000", "declarations"] == 10


def test_noise_is_seeded_shared_by_a_category_and_hides_the_average(tmp_path: Path):
    rows = [(f"09012{n}0000", f"I{n}", 1.0, 100.0 + n) for n in range(5)]
    averages = _averages(tmp_path, rows, min_group=5).reset_index()
    noisy = noisy_prices(averages, b"s" * 32)
    assert "average_price" not in noisy.columns
    assert noisy["category"].tolist() == ["", "09", "0901"]
    codes = pd.Series([code for code, *_ in rows])
    assert len(set(prices_of(codes, dict(zip(noisy["category"], noisy["unit_price"], strict=True))))) == 1
    assert noisy.equals(noisy_prices(averages, b"s" * 32))
    assert not noisy["unit_price"].equals(noisy_prices(averages, b"t" * 32)["unit_price"])
    assert noisy["unit_price"].nunique() == 3, "each category has a noise of its own"
    ratio = noisy["unit_price"] / averages["average_price"]
    assert ratio.between(0.85, 1.15).all()
    assert (ratio != 1).all()
