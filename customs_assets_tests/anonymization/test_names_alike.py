"""Spellings of one name become one, other names stay apart, and what is made alike once is made alike for good."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customs_assets.anonymization import names_alike
from customs_assets.anonymization.names_alike import name_alike, number_alike
from customs_assets.simulation.world import make_world

SPELLINGS = {
    "hanbittrading": [
        "Hanbit Trading Co., Ltd.", "HANBIT TRADING CO.,LTD", "Hanbit Trading Co. Ltd.", "Hanbit Trading Company Limited",
        "  Hanbit  Trading  Co Ltd ", "Hanbit Trading", "Ｈａｎｂｉｔ　Ｔｒａｄｉｎｇ　Ｃｏ．，Ｌｔｄ．",
        "Hanbit-Trading (Co., Ltd.)",
        "Hanbit Trading Corp.", "Hanbit Trading Corporation", "Hanbit Trading Inc", "Hanbit Trading, Incorporated",
        "Hanbit Trading LLC", "Hanbit Trading L.L.C.", "Hanbit Trading PLC", "Hanbit Trading P.L.C.",
        "Hanbit Trading Pte. Ltd.",
        "Hanbit Trading Pty Ltd", "Hanbit Trading Sdn Bhd", "Hanbit Trading Sdn. Bhd.", "주식회사 Hanbit Trading",
        "Hanbit\u200bTrading Co.\u00a0Ltd", "Hanbit Trading Co.,Ltd주식회사", "HANBIT TRADING™ LTD.",
    ],
    "한빛무역": [
        "주식회사 한빛무역", "한빛무역 주식회사", "주식회사한빛무역", "한빛무역(주)", "(주) 한빛 무역", "㈜한빛무역",
        "한빛무역㈜", "（주）한빛무역",
        "주)한빛무역", "한빛무역", "유한회사 한빛무역", "한빛무역(유)", "\u1112\u1161\u11ab\u1107\u1175\u11be무역",
        "한빛무역 Co., Ltd.",
    ],
    "日立": ["株式会社日立", "日立株式会社", "㈱日立", "日立（株）", "㍿日立", "有限会社日立", "日立 K.K.", "株式會社 日立"],
    "上海外贸": ["上海外贸有限公司", "上海外贸有限责任公司", "上海外贸股份有限公司", "上海外贸公司", "上海外贸 Co., Ltd."],
    "toshiba": ["Kabushiki Kaisha Toshiba", "Toshiba K.K.", "Toshiba Kabushiki-Kaisha", "TOSHIBA KK"],
    "muller": [
        "Müller GmbH", "MÜLLER GMBH & CO. KG", "Mu\u0308ller G.m.b.H.", "Müller AG", "Müller & Co. KG",
        "Müller GmbH and Co KG",
    ],
    "dupont": ["Dupont S.A.", "DUPONT SA", "SA Dupont", "S.A.R.L. Dupont", "Dupont SARL", "Dupont S. A. S."],
    "ferrero": ["Ferrero S.p.A.", "FERRERO SPA", "Ferrero S.r.l.", "Ferrero SRL"],
    "janssen": ["Janssen B.V.", "Janssen BV", "N.V. Janssen", "Janssen N.V."],
    "maersk": ["Mærsk A/S", "MAERSK A.S.", "Maersk AS", "Maersk ApS"],
    "nokia": ["Nokia Oyj", "Oy Nokia Ab", "NOKIA OY"],
    "ромашка": [
        "ООО «Ромашка»", 'ООО "РОМАШКА"', "Ромашка, ООО", "АО Ромашка", "Общество с ограниченной ответственностью Ромашка",
    ],
    "romashka": ["OOO Romashka", "LLC Romashka", "Romashka LLC"],
    "bimbo": [
        "Bimbo, S.A. de C.V.", "BIMBO SA DE CV", "Bimbo S. de R.L. de C.V.", "Bimbo S. de R. L. de C. V.",
        "Bimbo S.A.B. de C.V.",
    ],
    "sinarjaya": ["PT Sinar Jaya Tbk", "PT. SINAR JAYA", "Sinar Jaya, PT", "PT. Sinar Jaya Tbk."],
    "hoaphat": [
        "Công ty TNHH Hòa Phát", "CÔNG TY TNHH HOÀ PHÁT", "Hoa Phat JSC", "Công ty Cổ phần Hòa Phát", "Hoa Phat Co., Ltd",
    ],
    "สยาม": ["บริษัท สยาม จำกัด", "บริษัทสยามจำกัด", "บริษัท สยาม จำกัด (มหาชน)"],
    "acucareira": ["Açucareira Ltda.", "ACUCAREIRA LTDA", "Açucareira S/A"],
    "johnsonandjohnson": ["Johnson & Johnson", "JOHNSON AND JOHNSON", "Johnson&Johnson Inc.", "Johnson ＆ Johnson"],
    "oneilinternational": ["O'Neil International", "O’Neil International Ltd", "ONEIL INTERNATIONAL"],
    "kocholding": ["Koç Holding A.Ş.", "KOC HOLDING AS", "Koç Holding Anonim Şirketi"],
}  # fmt: skip

NEIGHBOURS = [
    "Samsung Electronics Co., Ltd.", "Samsung Electro-Mechanics Co., Ltd.", "Samsung Engineering Co., Ltd.",
    "Samsung C&T Corp.",
    "Hyundai Motor Company", "Hyundai Mobis Co., Ltd.", "Hyundai Steel Company", "LG Chem Ltd.", "LG Electronics Inc.",
    "Kim Trading 1", "Kim Trading 11", "Kim Trading 2", "Kim & Lee", "Lee & Kim", "Kim Lee", "Alpha Trading (Busan)",
    "Alpha Trading (Seoul)", "Alpha Trading", "Alpha Traders", "Alfa Trading", "Trading Alpha", "3M Korea", "3M", "AGC Inc.",
    "Costco Wholesale", "Tabasco Co.", "Texaco Inc.", "Incheon Port Corp.", "Coca-Cola", "Cola", "한국전자", "한국전기",
    "한국전자상사",
    "한국전자(주) 서울지점", "대한전자", "株式会社日立", "日立建機株式会社", "上海外贸有限公司",
    "上海外贸有限公司北京分公司", "北京外贸有限公司",
    "ООО Ромашка", "ООО Ромашка-2", "Müller GmbH", "Miller GmbH", "Mueller-Martini AG", "Dupont S.A.", "Dupond S.A.",
    "홍길동", "홍길순", "Hong Gildong", "Hong Gilsoon", "Gildong Hong", "Corporation Bank", "First Bank", "Limited Brands",
    "Brands",
    "Company B", "Co-operative Group", "カメラ", "ガメラ", "विनय", "विनया", "ก้าว", "กาว",
]  # fmt: skip

FORMS = [
    "Co., Ltd.",
    "주식회사",
    "(주)",
    "㈜",
    "有限公司",
    "GmbH",
    "S.A.",
    "OOO",
    "PT",
    "Company Limited",
    "株式会社",
    "AB Oy",
    "บริษัท",
]


@pytest.mark.parametrize("common", SPELLINGS)
def test_the_spellings_of_one_name_are_one(common: str):
    assert {name_alike(spelling) for spelling in SPELLINGS[common]} == {common}


def test_names_that_differ_in_legal_forms_alone_are_one_which_errs_on_the_safe_side():
    assert name_alike("Hanbit Inc") == name_alike("Hanbit GmbH") == "hanbit"
    assert name_alike("A.B. Trading") == name_alike("Trading Ltd") == "trading"


def test_near_neighbours_stay_apart():
    made = {name: name_alike(name) for name in NEIGHBOURS}
    assert len(set(made.values())) == len(NEIGHBOURS), sorted(made.items(), key=lambda pair: pair[1])


def test_the_simulated_worlds_parties_stay_apart():
    world = make_world(2020, 0.05)
    kinds = (world.importer_names.names, world.seller_names, world.declarant_names, world.courier_names)
    for names in kinds:
        assert len({name_alike(name) for name in names}) == len(set(names))
    assert sum(len(names) for names in kinds) > 40_000


def test_a_name_of_legal_forms_or_punctuation_keeps_something_and_only_a_blank_one_is_nobody():
    assert all(name_alike(form) for form in FORMS)
    assert [name_alike(name) for name in ("---", "…", "™", "\u200b", "&", "Co.", "ㅤ")] == [
        "---", "...", "tm", "\u200b", "and", "co", "\u1160",
    ]  # fmt: skip
    assert [name_alike(name) for name in ("", "  ", "\t\n", "\u3000")] == [""] * 4
    assert name_alike("SA Co., Ltd.") == name_alike("SA Company Limited") == "sa", (
        "a firm may be called as a legal form is"
    )


WORDS = st.sampled_from(
    [
        *FORMS, *NEIGHBOURS, *(s for spellings in SPELLINGS.values() for s in spellings), "주", "(", ")", "分公司", "公司",
        " ", ".", "&",
        "a", "b", "co", "l", "td", "\u0301", "\u1112", "\u1161", "주식", "회사", "株", "式会社", "ı", "İ", "ß", "ﬁ", "Ⅷ",
        "①", "٣", "ى",
    ]
)  # fmt: skip


@given(
    st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=6).map("".join), st.lists(WORDS, max_size=6).map(" ".join))
)
@example("주 식회사한국")
@example("\u1112.\u1161")
@example("㈜주)(주)")
def test_what_was_made_alike_stays_as_it_is_and_nobody_disappears(name: str):
    made = name_alike(name)
    assert name_alike(made) == made
    assert (made == "") == (name.strip() == "")
    assert not any(character.isspace() for character in made)


class _Everything:
    def __contains__(self, value: object) -> bool:
        return True


@given(st.one_of(st.lists(WORDS, max_size=6).map("".join), st.lists(WORDS, max_size=6).map(" ".join)))
@example("주식회사한국 7")
@example("ABC한국Ltd")
@example("株式会社 日立(주)")
def test_the_short_ways_through_common_names_change_nothing(name: str):
    with pytest.MonkeyPatch.context() as patch:
        for never in ("_OF_ONE_FORM", "_FINAL"):
            patch.setattr(names_alike, never, re.compile("(?!)"))
        for always in ("_BRACKET", "_SMALL_LETTER"):
            patch.setattr(names_alike, always, re.compile(""))
        for everything in ("_ENDS", "_BEGINNINGS", "_FIRST_CHARACTERS", "_LAST_CHARACTERS"):
            patch.setattr(names_alike, everything, _Everything())
        the_long_way = name_alike(name)
    assert name_alike(name) == the_long_way


@given(
    st.lists(st.sampled_from(["hanbit", "kim", "lee", "trading", "foods", "7"]), min_size=1, max_size=4), st.randoms()
)
def test_case_blanks_points_and_forms_change_nothing_and_the_order_of_words_does(words: list[str], random):
    plain = name_alike(" ".join(words))
    between = ["-", " ", "  ", ". ", ", ", "\u3000", " / "]
    spelled = random.choice(["", "(주) ", "PT. "]) + "".join(
        random.choice([word.upper(), word.title(), word]) + random.choice(between) for word in words
    )
    assert name_alike(spelled + random.choice(["", "Co., Ltd.", "GMBH & CO KG", "S. A.", "주식회사"])) == plain
    assert plain == "".join(words)
    turned = words[::-1]
    assert (name_alike(" ".join(turned)) == plain) == ("".join(turned) == "".join(words))


def test_business_numbers_are_their_digits_and_letters():
    spellings = [
        "214-86-10472",
        " 2148610472 ",
        "２１４－８６－１０４７２",
        "214.86.10472",
        "2148610472.0",
        "٢١٤٨٦١٠٤٧٢",
    ]
    assert {number_alike(number) for number in spellings} == {"2148610472"}
    assert number_alike("de 123 456 789") == number_alike("DE123456789") == "de123456789"
    assert [number_alike(number) for number in (None, "", " ", "-", "none", "N/A", "000-00-00000", "없음")] == [""] * 8
    assert len({number_alike(number) for number in ("214-86-10472", "214-86-10473", "12-0", "120.5", "12.0")}) == 5


@given(st.text(max_size=20))
def test_a_number_made_alike_stays_as_it_is(number: str):
    assert number_alike(number_alike(number)) == number_alike(number)


def test_twenty_thousand_numbered_names_stay_as_many():
    rng = np.random.default_rng(4)
    names = {f"Importer {a} Trading {b}" for a, b in rng.integers(0, 10**6, (20_000, 2))}
    assert len({name_alike(f"{name} Co., Ltd.") for name in names}) == len(names)
