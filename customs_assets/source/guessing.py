"""Which column is which attribute, guessed from its header and its cells; and the form that would read the file.

A header that a shipped form spells counts most, a word of ``forms/words.toml`` next, the cells alone last. The cells have to
agree in every case: a column of words is no mass, whatever its header.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from customs_assets import forms
from customs_assets.attributes import CATALOGUE, COUNTRIES, Kind
from customs_assets.forms import SHIPPED, Form, open_form
from customs_assets.forms.elements import wco_elements, written
from customs_assets.forms.form import AMOUNT_RECOVERED, INSPECTION_REASON, ITEM_NUMBER, REQUIRED, UNNAMED, folded
from customs_assets.source.dates import ISO, parse_date
from customs_assets.source.looking import Look
from customs_assets.source.mending import country_codes, marked_numbers

# A share of the cells has to agree.
_AGREE = 0.9
_DISTINCT = 2_000

_DATES = (
    *(ISO, "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%y", "%d-%b-%Y", "%d/%m/%y", "%Y/%m/%d", "%Y%m%d"),
    *("%d %b %Y", "%m/%d/%y", "%y-%m-%d"),
)
_MARKS = ((".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", " "), (".", "'"))
_KINDS = {attribute.name: attribute.kind for attribute in CATALOGUE}
_CODE = re.compile(r"(\d{2,4}[. ]?){2,6}|\d{5,12}(\.0)?", re.ASCII)
# Words that begin so say that an inspection found nothing.
_CLEAN = r"(conform|compli|ok$|none|non?$|sin_|sans_|nada|regul|normal|negativ|clean|clear|ras$|nil$)"
_NOTHING = {"", "null", "nan", "none", r"\n", "n/a", "na", "-"}

# Columns of countries. An office that has codes of its own has no more of them than so, and no longer ones.
_COUNTRIES = ("country_of_origin", "country_of_departure")
_OWN_COUNTRIES, _OWN_LENGTH = 300, 6


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
    """

    guesses: list[Guess]
    unused: list[str]
    missing: list[str]
    text: str
    notes: list[str] = field(default_factory=list)


def propose(look: Look, name: str = "mine", more: Sequence[Look] = ()) -> Proposal:
    """The form that would read a file like the one that was looked at.

    Args:
        look: the file.
        name: the form's name.
        more: other files of the source, of which one may have earlier months.
    """
    columns = {place: _Cells(look.cells[place]) for place in range(len(look.cells.columns))}
    found: dict[str, tuple[int, str]] = {}
    taken: set[int] = set()
    candidates = [*_candidates(look.headers, columns), *(_of_the_model(look.headers) if look.kind == "XML" else ())]
    for _, attribute, place, why in sorted(candidates):
        if attribute not in found and place not in taken:
            found[attribute] = place, why
            taken.add(place)
    guesses = [Guess(look.headers[place], attribute, why) for attribute, (place, why) in found.items()]
    stands_for = {"fraud"} if AMOUNT_RECOVERED in found else set()
    missing = [attribute for attribute in REQUIRED[1:] if attribute not in found and attribute not in stands_for]
    places = {attribute: place for attribute, (place, _) in found.items()}
    text, notes = _as_toml(look, columns, places, name, {attribute: why for attribute, (_, why) in found.items()}, more)
    unused = [header for place, header in enumerate(look.headers) if place not in taken]
    return Proposal(guesses, unused, missing, text, notes)


class _Cells:
    """The distinct cells of a column that say something, the most frequent first."""

    def __init__(self, cells: pd.Series) -> None:
        counted = cells.astype(str).str.strip().value_counts()
        counted = counted[[value.casefold() not in _NOTHING for value in counted.index]]
        self.values = [str(value) for value in counted.index[:_DISTINCT]]
        self.weights = counted.to_numpy()[:_DISTINCT]

    def share(self, agrees: Callable[[str], bool]) -> float:
        """The share of the cells that agree; 0 where none says anything."""
        total = self.weights.sum()
        good = [agrees(value) for value in self.values]
        return float(self.weights[good].sum() / total) if total else 0.0


def _candidates(headers: Sequence[str], columns: dict[int, _Cells]) -> Iterator[tuple[tuple[int, int], str, int, str]]:
    """What each column may be: the rank of the reason (the best first), the attribute, the column, the reason."""
    words = _words()
    for place, header in enumerate(headers):
        cells = columns.get(place)
        agrees = {name: cells is None or not cells.values or _agrees(name, cells) for name in words}
        for rank, form in enumerate(map(open_form, SHIPPED)):
            name = form.spelled(header)
            if form.known(header) and agrees.get(name, True):
                yield (0, rank), name, place, f"the header is one of the form {form.name}"
        folding = folded(header).replace("_", " ")
        for name, known in words.items():
            hits = [word for word in known if re.search(rf"(^| ){re.escape(word)}( |$)", folding)]
            longest = max(hits, key=len, default="")
            exact = longest == folding
            if hits and agrees[name]:
                yield (1 if exact else 2, 100 - len(longest)), name, place, f"the header says {longest!r}"
            elif hits and exact and name in _COUNTRIES and cells is not None and _are_own_codes(cells):
                yield (3, 0), name, place, f"the header says {longest!r}; its codes are the office's own"
        for name, what in (("hs10_code", "product codes"), ("date", "dates"), ("country_of_origin", "country codes")):
            if cells is not None and cells.values and _agrees(name, cells) and len(cells.values) > 1:
                yield (3, place), name, place, f"its cells are {what}"


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
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _agrees(name: str, cells: _Cells) -> bool:
    """Whether the cells of a column can be an attribute."""
    kind = _KINDS.get(name)
    if name == "hs10_code":
        return cells.share(_is_product_code) >= _AGREE
    if name in _COUNTRIES:
        return any(cells.share(_is_country(way)) >= _AGREE for way in ("iso2", "iso3", "numeric"))
    if kind is Kind.DATE or kind is Kind.NUMBER or name == AMOUNT_RECOVERED:
        return (_date_form if kind is Kind.DATE else _marks)(cells) is not None
    if kind is Kind.LABEL:
        return len(cells.values) <= 4
    if kind is Kind.CODE:
        return len(cells.values) <= _DISTINCT / 2 and cells.share(lambda value: len(value) <= 20) == 1
    return True


def _is_product_code(value: str) -> bool:
    digits = re.sub(r"\.0$|\D", "", value)
    return bool(_CODE.fullmatch(value.removeprefix('="').removesuffix('"'))) and digits.lstrip("0")[:2] not in ("77",)


def _is_country(way: str) -> Callable[[str], bool]:
    known = COUNTRIES if way == "iso2" else frozenset(country_codes(way))
    return lambda value: (value.zfill(3) if way == "numeric" else value) in known


def _are_own_codes(cells: _Cells) -> bool:
    """Whether a column can be countries in codes of the office's own."""
    return len(cells.values) <= _OWN_COUNTRIES and cells.share(lambda value: len(value) <= _OWN_LENGTH) == 1


def _date_form(cells: _Cells) -> str | None:
    """The form in which the dates of a column are written; None where they are no dates."""
    for way in _DATES:
        form = _bare(dates=(way,))
        if cells.share(lambda value, form=form: parse_date(value, form) is not None) >= _AGREE:
            return way
    return None


def _marks(cells: _Cells) -> tuple[str, str] | None:
    """The decimal mark and the mark between thousands of a column of numbers; None where they are no numbers."""
    shares = [cells.share(marked_numbers(decimal, thousands)) for decimal, thousands in _MARKS]
    best = max(range(len(_MARKS)), key=lambda place: (round(shares[place], 3), -place))
    return _MARKS[best] if shares[best] >= _AGREE else None


@cache
def _bare(**said: tuple[str, ...]) -> Form:
    return open_form(SHIPPED[0]).model_copy(update=said)


def _as_toml(
    look: Look,
    columns: dict[int, _Cells],
    places: dict[str, int],
    name: str,
    whys: dict[str, str],
    more: Sequence[Look],
) -> tuple[str, list[str]]:
    """The form as text, and what a person has to decide."""
    notes: list[str] = []
    numbers = [columns[places[n]] for n in ("item_price", "net_mass", "tax_rate", AMOUNT_RECOVERED) if n in places]
    decimal, thousands = _marks_of_all([marks for cells in numbers if (marks := _marks(cells))])
    day = _date_form(columns[places["date"]]) if "date" in places else None
    countries = _country_kind(
        [columns[places[n]] for n in ("country_of_origin", "country_of_departure") if n in places]
    )
    encodings = list(dict.fromkeys(["utf-8", look.encoding or "utf-8"]))
    first = _first_month(look, places["date"], day, more) if day and "date" in places else "2000-01"
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
        f"hs_digits = {_digits(columns, places)}",
        f"countries = {_text(countries)}",
        f"currency = {_text(_currency(look, columns))}                       # of the prices",
    ]
    if "declaration_id" not in places:
        lines.append('key = "row"                            # no column was taken for the ID of a declaration')
        notes.append("is there really no ID of a declaration? The place of a row is its key (key)")
    if ITEM_NUMBER in places and look.kind != "XML":
        lines.append(f"item_number = [{_text(look.headers[places[ITEM_NUMBER]])}]")
    labels = []
    if "fraud" in places and (words := _strange_labels(columns[places["fraud"]])):
        notes.append(
            f"do the words of the label ({', '.join(words)}) stand on the right side (labels.clean, labels.fraud)?"
        )
        clean = [word for word in words if re.match(_CLEAN, folded(word))]
        fraud = [word for word in words if word not in clean]
        labels += [
            f"clean = [{', '.join(map(_text, ['0', *clean]))}]",
            f"fraud = [{', '.join(map(_text, ['1', *fraud]))}]",
        ]
    own = [look.headers[places[n]] for n in _COUNTRIES if n in places and not _agrees(n, columns[places[n]])]
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
            lines += [f"spellings = [{_text(header)}]", f"header = {_text(_readable(header))}"]
        lines += _of_codes(attribute, columns[places[attribute]])
    return "\n".join(lines) + "\n", notes


def _currency(look: Look, columns: dict[int, _Cells]) -> str:
    """The currency that most amounts of XML are in; US dollars where nothing tells it."""
    for place, header in enumerate(look.headers):
        if look.kind == "XML" and header.lower().endswith(("/@currencyid", "/@currencycode")) and columns[place].values:
            return columns[place].values[0] if re.fullmatch("[A-Z]{3}", columns[place].values[0]) else "USD"
    return "USD"


def _of_codes(attribute: str, cells: _Cells) -> Iterator[str]:
    """The pattern of the codes of a column, where it is not that of the catalogue."""
    kind = _KINDS[attribute]
    if attribute in _COUNTRIES and not _agrees(attribute, cells):
        own = ", ".join(f"{_text(value)} = {_text(UNNAMED)}" for value in sorted(cells.values))
        yield f"codes = {{ {own} }}    # the country of each, in two letters"
    if kind not in (Kind.CODE, Kind.KEY) or attribute == "hs10_code" or attribute in _COUNTRIES:
        return
    lengths = [len(value) for value in cells.values] or [1]
    pattern = rf"[A-Za-z0-9/._ -]{{{min(lengths)},{max(lengths)}}}" if kind is Kind.CODE else r"[A-Za-z0-9/._ -]+"
    yield f"pattern = {_text(pattern)}"
    if cells.values:
        yield f"example = {_text(cells.values[0])}"


def _marks_of_all(marks: list[tuple[str, str]]) -> tuple[str, str]:
    """One decimal mark and one mark between thousands for all columns of numbers."""
    decimals = [decimal for decimal, _ in marks]
    decimal = "," if "," in decimals else "."
    return decimal, next((t for d, t in marks if d == decimal and t), "")


def _country_kind(columns: list[_Cells]) -> str:
    shares = {
        # A column of the office's own codes says nothing of the other.
        way: max((cells.share(_is_country(way)) for cells in columns), default=0.0)
        for way in ("iso2", "iso3", "numeric")
    }
    return max(shares, key=lambda way: shares[way]) if max(shares.values()) > 0 else "iso2"


def _digits(columns: dict[int, _Cells], places: dict[str, int]) -> list[int]:
    """The lengths that product codes have, a lost zero put back."""
    if "hs10_code" not in places:
        return [6, 10]
    cells = columns[places["hs10_code"]]
    total, lengths = cells.weights.sum(), dict.fromkeys(range(6, 13), 0)
    for value, weight in zip(cells.values, cells.weights, strict=True):
        length = len(re.sub(r"\.0$|\D", "", value))
        lengths[length + length % 2 if length + length % 2 in lengths else 12] += int(weight)
    return [length for length, weight in lengths.items() if weight > 0.02 * total] or [6, 10]


def _first_month(look: Look, place: int, way: str, more: Sequence[Look]) -> str:
    """The January of the first year that any file has a date of."""
    header, form = look.headers[place], _bare(dates=(way,))
    cells = [look.cells[place], *(of.cells[of.headers.index(header)] for of in more if header in of.headers)]
    days = [day for of in cells for value in _Cells(of).values if (day := parse_date(value, form))]
    return f"{min(days).year:04d}-01" if days else "2000-01"


def _strange_labels(cells: _Cells) -> list[str]:
    known = {*open_form(SHIPPED[0]).labels.clean, *open_form(SHIPPED[0]).labels.fraud, "2", "0.0", "1.0", "2.0"}
    return sorted(value for value in cells.values if value.casefold() not in known)


def _readable(header: str) -> str:
    return " ".join(re.split(r"[\W_]+", header.strip())).strip().title() or header


def _text(value: str) -> str:
    """A text in TOML."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'
