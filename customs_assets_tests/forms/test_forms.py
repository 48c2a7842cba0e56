"""Forms: those that ship make sense, and one that does not is refused with the place and the cause."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.declaration import ATTRIBUTES, FORM
from customs_assets.forms import SHIPPED, FormError, open_form
from customs_assets.forms.form import REQUIRED
from customs_assets.forms.reading import parse_form

MINIMAL = 'name = "mine"\ntitle = "Mine"\n' + "".join(f"[columns.{name}]\n" for name in REQUIRED)


def test_the_default_form_has_the_attributes_of_table_one_and_nothing_is_absent():
    assert FORM.name == "korea"
    assert ATTRIBUTES == CATALOGUE
    assert FORM.absent == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_form_that_ships_cites_every_column_and_its_examples_are_good(name):
    form = open_form(name)
    assert all(column.cites for column in form.columns.values())
    for attribute in form.attributes:
        if attribute.kind is Kind.CODE and form.columns[attribute.name].example:
            assert attribute.accepts(attribute.example), attribute.name


def test_absent_attributes_are_those_without_a_column():
    form = open_form("bacuda")
    assert {"tax_rate", "seller_id", "critical_fraud"} <= set(form.absent)
    assert [a.name for a in form.attributes] == [a.name for a in CATALOGUE if a.name not in form.absent]


@pytest.mark.parametrize("header", ["SGD.ID", "sgd id", " Sgd_Id ", "SGD-ID", "declaration_id", "ŞGD.İD"])
def test_a_header_is_known_whatever_its_case_blanks_marks_and_accents(header):
    assert open_form("bacuda").spelled(header) == "declaration_id"


def test_a_header_that_no_column_has_keeps_its_own_name():
    assert open_form("bacuda").spelled("Total Taxes") == "total_taxes"


@pytest.mark.parametrize(
    ("digits", "good", "bad"),
    [
        ("[6]", ["090121"], ["0901210000", "980100"]),
        ("[8]", ["09012100"], ["090121", "77012100"]),
        ("[6, 12]", ["090121", "090121000000"], ["0901210000", "990121000000"]),
    ],
)
def test_product_codes_have_the_digits_of_the_form(digits, good, bad):
    form = parse_form(MINIMAL.replace("[columns", f"hs_digits = {digits}\n[columns", 1), "mine")
    code = next(a for a in form.attributes if a.name == "hs10_code")
    assert all(map(code.accepts, good))
    assert not any(map(code.accepts, bad))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[columns.net_mass]\n", ""), "lacks net_mass"),
        (("[columns.net_mass]", "[columns.weight]"), "'weight' is no attribute"),
        (("[columns.net_mass]", "[columns.net_mass]\nfactor = 0"), "columns.net_mass.factor"),
        (("[columns.net_mass]", "[columns.net_mass]\ncolour = 'red'"), "columns.net_mass.colour: is no part of a form"),
        (
            ("[columns.net_mass]", "[columns.net_mass]\nspellings = ['Item Price']"),
            "names both net_mass and item_price",
        ),
        (
            ("[columns.fraud]", "[columns.fraud]\npattern = '('"),
            "columns.fraud.pattern: '\\(' is no regular expression",
        ),
        (('title = "Mine"', 'title = "Mine"\nseparator = "#"'), "separator"),
        (('title = "Mine"', 'title = "Mine"\nencodings = ["latin-99"]'), "'latin-99' is no encoding"),
        (('title = "Mine"', 'title = "Mine"\ndates = ["%H:%M"]'), "'%H:%M' is no form of a date"),
        (('title = "Mine"', 'title = "Mine"\nzone = "Mars/Base"'), "'Mars/Base' is no time zone"),
        (('title = "Mine"', 'title = "Mine"\nhs_digits = [4]'), "6 to 12 digits, not 4"),
        (('title = "Mine"', 'title = "Mine"\ndecimal = ","\nthousands = ","'), "decimal and thousands are both ','"),
        (('title = "Mine"', 'title = "Mine"\nfirst_month = "2020-13"'), "first_month"),
        (('title = "Mine"', 'title = "Mine'), "is no TOML"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_the_place_and_the_cause(change, sentence):
    with pytest.raises(FormError, match=re.escape(sentence) if "\\" not in sentence else sentence) as caught:
        parse_form(MINIMAL.replace(*change), "mine.toml")
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_form_that_is_not_there_ends_the_command_with_one_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "customs_assets.command", "status"],
        capture_output=True,
        text=True,
        env={"CUSTOMS_FORM": "atlantis", "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: CUSTOMS_FORM: there is no form 'atlantis'")
    assert done.stderr.count("\n") == 1
