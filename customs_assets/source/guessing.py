"""Which column is which attribute, guessed from its header and its cells; and the form that would read the file.

A header that a shipped form spells counts most, a word of ``forms/words.toml`` next, the cells alone last. The cells have to
agree in every case: a column of words is no mass, whatever its header.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from customs_assets import forms
from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import SHIPPED, open_form
from customs_assets.forms.elements import wco_elements, written
from customs_assets.forms.form import AMOUNT_RECOVERED, INSPECTION_REASON, ITEM_NUMBER, REQUIRED, UNNAMED, folded
from customs_assets.source.dates import ISO, parse_date
from customs_assets.source.looking import Look
from customs_assets.source.sampled_cells import (
    COUNTRY_COLUMNS,
    KINDS,
    Cells,
    agrees,
    are_own_codes,
    bare_form,
    code_pattern,
    country_kind,
    date_form,
    digits_of,
    label_words,
    marks,
    stands_alone,
)


@dataclass(frozen=True)
class Guess:
    """A column, and what it is taken for.

    Attributes:
        header: its header.
        attribute: the attribute, or the column that tells how rows are read.
        why: the reason, for a person.
    """

    header: str
    attribute: str
    why: str


@dataclass
class Proposal:
    """The form that would read some files, as far as it can be told.

    Attributes:
        guesses: the columns that are taken for something.
        unused: the headers of the others.
        missing: what no form can do without and no column was taken for.
        text: the form as TOML.
        notes: what a person has to decide.
        doubts: the headers that say something that their cells do not.
    """

    guesses: list[Guess]
    unused: list[str]
    missing: list[str]
    text: str
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def propose(look: Look, name: str = "mine", more: Sequence[Look] = ()) -> Proposal:
    """The form that would read a file like the one that was looked at.

    Args:
        look: the file.
        name: the form's name.
        more: other files of the source, of which one may have earlier months.
    """
    columns, found = _assigned(look)
    spellings, guesses = {}, []
    for attribute, (place, why) in found.items():
        spellings[attribute] = [look.headers[place]]
        guesses.append(Guess(look.headers[place], attribute, why))
    for guess in _spelled_elsewhere(look, more) if look.kind != "XML" else ():
        spellings.setdefault(guess.attribute, []).append(guess.header)
        guesses.append(guess)
    stands_for = {"fraud"} if AMOUNT_RECOVERED in found else set()
    missing = [attribute for attribute in REQUIRED[1:] if attribute not in found and attribute not in stands_for]
    places = {attribute: place for attribute, (place, _) in found.items()}
    text, notes = _as_toml(
        look, columns, places, name, {attribute: why for attribute, (_, why) in found.items()}, more, spellings
    )
    unused = [header for place, header in enumerate(look.headers) if place not in places.values()]
    return Proposal(guesses, unused, missing, text, notes, list(_doubts(look, columns, places)))


def _assigned(look: Look) -> tuple[dict[int, Cells], dict[str, tuple[int, str]]]:
    """The cells of each column of a file; and for each attribute the column that is taken for it, and why."""
    columns = {place: Cells(look.cells[place]) for place in range(len(look.cells.columns))}
    found: dict[str, tuple[int, str]] = {}
    taken: set[int] = set()
    candidates = [*_candidates(look.headers, columns), *(_of_the_model(look.headers) if look.kind == "XML" else ())]
    for _, attribute, place, why in sorted(candidates):
        if attribute not in found and place not in taken:
            found[attribute] = place, why
            taken.add(place)
    return columns, found


def _spelled_elsewhere(look: Look, more: Sequence[Look]) -> Iterator[Guess]:
    """What headers of other files say that the first file does not have: an extract may change them from year to year."""
    known = {folded(header) for header in look.headers}
    for other in {of.headers: of for of in more if of.kind == look.kind and of.headers != look.headers}.values():
        for attribute, (place, why) in _assigned(other)[1].items():
            header = other.headers[place]
            if folded(header) not in known:
                known.add(folded(header))
                yield Guess(header, attribute, f"{why} ({other.name})")


def _doubts(look: Look, columns: dict[int, Cells], places: dict[str, int]) -> Iterator[str]:
    """The columns that nothing was taken for although their headers say an attribute that was not found."""
    for place, header in enumerate(look.headers):
        cells = columns.get(place)
        if place in places.values() or cells is None or not cells.values:
            continue
        said = [name for name, _, _ in _said(header) if name not in places and not agrees(name, cells)]
        if said:
            yield f"{header.strip()} sounds like {said[0]}, but its cells do not (such as {cells.values[0]!r})"


def _candidates(headers: Sequence[str], columns: dict[int, Cells]) -> Iterator[tuple[tuple[int, int], str, int, str]]:
    """What each column may be: the rank of the reason (the best first), the attribute, the column, the reason."""
    for place, header in enumerate(headers):
        cells = columns.get(place) or Cells(pd.Series(dtype=object))
        says_nothing = not cells.values
        for rank, form in enumerate(map(open_form, SHIPPED)):
            name = form.spelled(header)
            if form.known(header) and (says_nothing or name not in _words() or agrees(name, cells)):
                yield (0, rank), name, place, f"the header is one of the form {form.name}"
        for name, word, exact in _said(header):
            if says_nothing or agrees(name, cells):
                yield (1 if exact else 2, 100 - len(word)), name, place, f"the header says {word!r}"
            elif exact and name in COUNTRY_COLUMNS and are_own_codes(cells):
                yield (3, 0), name, place, f"the header says {word!r}; its codes are the office's own"
        for name, what in (("hs10_code", "product codes"), ("date", "dates"), ("country_of_origin", "country codes")):
            if not says_nothing and stands_alone(name, cells):
                yield (3, place), name, place, f"its cells are {what}"


def _said(header: str) -> Iterator[tuple[str, str, bool]]:
    """The attributes whose words a header has: each with the longest word, and whether that is the whole header."""
    folding = folded(header).replace("_", " ")
    for name, known in _words().items():
        hits = [word for word in known if re.search(rf"(^| ){re.escape(word)}( |$)", folding)]
        if hits:
            longest = max(hits, key=len)
            yield name, longest, longest == folding


def _of_the_model(paths: Sequence[str]) -> Iterator[tuple[tuple[int, int], str, int, str]]:
    """The elements in which the WCO Data Model has attributes, as candidates."""
    for name, places in wco_elements().columns.items():
        known = [written(each) for each in places]
        for place, path in enumerate(paths):
            if path in known:
                yield (0, known.index(path)), name, place, "the WCO Data Model has it there"


@cache
def _words() -> dict[str, list[str]]:
    path = Path(forms.__file__).with_name("words.toml")
    known = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: [folded(word).replace("_", " ") for word in words] for name, words in known.items()}


def _as_toml(
    look: Look,
    columns: dict[int, Cells],
    places: dict[str, int],
    name: str,
    whys: dict[str, str],
    more: Sequence[Look],
    spellings: dict[str, list[str]],
) -> tuple[str, list[str]]:
    """The form as text, and what a person has to decide."""
    notes: list[str] = []
    numbers = [columns[places[n]] for n in ("item_price", "net_mass", "tax_rate", AMOUNT_RECOVERED) if n in places]
    decimal, thousands = _marks_of_all([found for cells in numbers if (found := marks(cells))])
    day = date_form(columns[places["date"]]) if "date" in places else None
    countries = country_kind([columns[places[n]] for n in ("country_of_origin", "country_of_departure") if n in places])
    digits = digits_of(columns[places["hs10_code"]]) if "hs10_code" in places else [6, 10]
    encodings = list(dict.fromkeys(["utf-8", look.encoding or "utf-8"]))
    first = _first_month(look, spellings["date"], day, more) if day and "date" in places else "2000-01"
    lines = [
        f"name = {_text(name)}",
        'title = "Import declarations"          # of which administration',
        f"separator = {_text(look.separator)}",
        f"encodings = [{', '.join(map(_text, encodings))}]",
        f"skip_lines = {look.skip_lines}",
        f"decimal = {_text(decimal)}",
        f"thousands = {_text(thousands)}",
        f"dates = [{_text(day or ISO)}]",
        '# zone = "Asia/Seoul"                  # of the office, where times have a zone',
        f"first_month = {_text(first)}",
        f"hs_digits = {digits}",
        f"countries = {_text(countries)}",
        f"currency = {_text(_currency(look, columns))}                       # of the prices",
    ]
    if "declaration_id" not in places:
        lines.append('key = "row"                            # no column was taken for the ID of a declaration')
        notes.append("is there really no ID of a declaration? The place of a row is its key (key)")
    if ITEM_NUMBER in places and look.kind != "XML":
        lines.append(f"item_number = [{_text(look.headers[places[ITEM_NUMBER]])}]")
    labels = []
    if "fraud" in places and (words := label_words(columns[places["fraud"]])):
        notes.append(
            f"do the words of the label stand on the right side: {words.sentence()} (labels.clean, labels.fraud, not_inspected)?"
        )
        lines += (
            [f"not_inspected = [{', '.join(map(_text, ['NA', *words.not_inspected]))}]"] if words.not_inspected else []
        )
        labels += [
            f"clean = [{', '.join(map(_text, ['0', *words.clean]))}]",
            f"fraud = [{', '.join(map(_text, ['1', *words.fraud]))}]",
        ]
    own = [look.headers[places[n]] for n in COUNTRY_COLUMNS if n in places and not agrees(n, columns[places[n]])]
    if own:
        notes.append(f"which country is each code of {' and '.join(own)} (codes, in two letters)?")
    for attribute, key in ((AMOUNT_RECOVERED, "amount_recovered"), (INSPECTION_REASON, "reason")):
        if attribute in places and look.kind != "XML":
            labels.append(f"{key} = [{_text(look.headers[places[attribute]])}]")
    lines += ["", "[labels]", *labels] if labels else []
    needed = [a.name for a in CATALOGUE if a.name in (*places, *REQUIRED[1:])]
    for attribute in needed:
        lines += ["", f"[columns.{attribute}]"]
        if attribute not in places:
            is_told = attribute == "fraud" and AMOUNT_RECOVERED in places
            lines.append("# told by the amount recovered" if is_told else "spellings = []         # name the column")
            continue
        header = look.headers[places[attribute]]
        lines.append(f"# {whys[attribute]}")
        if look.kind == "XML":
            # What a column of the model is called in the published files is the form's to say.
            lines += [] if header in map(written, wco_elements().columns[attribute]) else [f"paths = [{_text(header)}]"]
        else:
            lines += [
                f"spellings = [{', '.join(map(_text, spellings[attribute]))}]",
                f"header = {_text(_readable(header))}",
            ]
        lines += _of_codes(attribute, columns[places[attribute]])
    return "\n".join(lines) + "\n", notes


def _currency(look: Look, columns: dict[int, Cells]) -> str:
    """The currency that most amounts of XML are in; US dollars where nothing tells it."""
    for place, header in enumerate(look.headers):
        if look.kind == "XML" and header.lower().endswith(("/@currencyid", "/@currencycode")) and columns[place].values:
            return columns[place].values[0] if re.fullmatch("[A-Z]{3}", columns[place].values[0]) else "USD"
    return "USD"


def _of_codes(attribute: str, cells: Cells) -> Iterator[str]:
    """The pattern of the codes of a column, where it is not that of the catalogue."""
    kind = KINDS[attribute]
    if attribute in COUNTRY_COLUMNS and not agrees(attribute, cells):
        own = ", ".join(f"{_text(value)} = {_text(UNNAMED)}" for value in sorted(cells.values))
        yield f"codes = {{ {own} }}    # the country of each, in two letters"
    if kind not in (Kind.CODE, Kind.KEY) or attribute == "hs10_code" or attribute in COUNTRY_COLUMNS:
        return
    yield f"pattern = {_text(code_pattern(kind, cells))}"
    if cells.values:
        yield f"example = {_text(cells.values[0])}"


def _marks_of_all(marks: list[tuple[str, str]]) -> tuple[str, str]:
    """One decimal mark and one mark between thousands for all columns of numbers."""
    decimals = [decimal for decimal, _ in marks]
    decimal = "," if "," in decimals else "."
    return decimal, next((t for d, t in marks if d == decimal and t), "")


def _first_month(look: Look, headers: Sequence[str], way: str, more: Sequence[Look]) -> str:
    """The January of the first year that any file has a date of."""
    form = bare_form(dates=(way,))
    cells = [of.cells[of.headers.index(header)] for of in (look, *more) for header in headers if header in of.headers]
    days = [day for of in cells for value in Cells(of).values if (day := parse_date(value, form))]
    return f"{min(days).year:04d}-01" if days else "2000-01"


def _readable(header: str) -> str:
    return " ".join(re.split(r"[\W_]+", header.strip())).strip().title() or header


def _text(value: str) -> str:
    """A text in TOML."""
    # What JSON escapes in a text, TOML reads alike.
    return json.dumps(value, ensure_ascii=False)
