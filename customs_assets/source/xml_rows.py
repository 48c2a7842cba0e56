"""Declarations in XML, by the WCO Data Model or as a form lays them out: a row a goods item, with what its declaration says.

A file may hold any number of declarations, wherever they stand in it; namespaces do not count. One declaration is held at a time,
and of it only what the form asks for. Where each attribute stands is said by ``forms.elements``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import Form
from customs_assets.forms.elements import ITEM, Elements, Place, Places, Step, wco_elements, written
from customs_assets.forms.form import AMOUNT_RECOVERED, INSPECTION_REASON, ITEM_NUMBER
from customs_assets.source.limits import refuse_large_file
from customs_assets.source.quarantine import QuarantinedRow, Reason, excerpt, record_text
from customs_assets.source.reading import RawRows, SourceError, raw_rows
from customs_assets.source.rules import MAXIMUM_CHARACTERS
from customs_assets.source.xml_stream import stream_xml, without_namespaces

# A declaration has some thousand items at most (999 by the Single Administrative Document, 9,999 by the EU customs data model).
ITEMS = 100_000
ELEMENTS = 1_000_000
BATCH_ROWS = 4096

_KINDS = {attribute.name: attribute.kind for attribute in CATALOGUE}
_KILOGRAMS = ("", "kgm", "kg", "kgs", "kgm#g")
# DateTimeString of the model, whose formats are those of UN/EDIFACT 2379: 102, 203 to 205, 303, 304.
_COMPACT_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?(?:\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d*\.\d+", re.ASCII)


@dataclass(slots=True)
class Element:
    """An element that a form asks for: its name, its attributes, its own text (cut where it is too long) and its children."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class Declaration:
    """A declaration: what it says itself, and its goods items."""

    header: Element
    items: list[Element] = field(default_factory=list)


class XmlFile:
    """An XML file of declarations.

    Args:
        path: the file.
        name: what messages and the quarantine call it.
        form: the form of its declarations, which says where each attribute stands.

    Raises:
        SourceError: it is no XML, is cut short, or has no declaration, or none of its declarations has an attribute.
    """

    def __init__(self, path: Path, name: str, form: Form) -> None:
        self.path = path
        self.name = name
        self._form = form
        self._elements = form.elements
        refuse_large_file(path, name)
        self.names = self._columns_of_the_file()

    def _columns_of_the_file(self) -> list[str]:
        """The attributes of the form, and of what tells how rows are read what the file has somewhere.

        Raises:
            SourceError: an attribute that must be there stands in no goods item.
        """
        found: set[str] = set()
        items = 0
        for declaration in self._declarations():
            for item in declaration.items:
                sought = self._elements.columns.keys() - found
                found |= {name for name, (text, _) in self._values(declaration.header, item, sought).items() if text}
            items += len(declaration.items)
            if len(found) == len(self._elements.columns):
                break
        optional = {a.name for a in self._form.attributes if a.optional or a.kind is Kind.LABEL}
        optional |= {"declaration_id"} if self._form.key == "row" else set()
        missing = [a.name for a in self._form.attributes if a.name not in found | optional]
        if items and missing:
            places = "; ".join(f"{name} ({self._looked_for(name)})" for name in missing)
            raise SourceError(
                f"{self.name} has {items:,} goods items and in none of them {places}; say in the form where they stand (paths)"
            )
        by_amount = "fraud" not in found and AMOUNT_RECOVERED in found
        own = [a.name for a in self._form.attributes if not (by_amount and a.name == "fraud")]
        if self._form.key == "row" and "declaration_id" not in found:
            own.remove("declaration_id")
        return [*own, ITEM_NUMBER, *(name for name in (AMOUNT_RECOVERED, INSPECTION_REASON) if name in found)]

    def _looked_for(self, name: str) -> str:
        places = self._elements.columns[name]
        return "looked for at " + ", ".join(map(written, places)) if places else "the form names no path"

    def _declarations(self) -> Iterator[Declaration]:
        collector = Collector(self._elements, self.name)
        with self.path.open("rb") as stream:
            if not stream.read(1):
                raise SourceError(f"{self.name} is empty (0 bytes)")
            stream.seek(0)
            for _ in stream_xml(stream, self.name, collector.start, collector.end, collector.text):
                yield from collector.take()
        collector.refuse_none()

    def rows(self) -> Iterator[RawRows]:
        """The goods items in order, some thousands at a time, numbered from 1.

        Raises:
            SourceError: the file is not well formed, or a declaration has too many items.
        """
        lot: list[tuple[int, list[str]]] = []
        broken: list[QuarantinedRow] = []
        number = 0
        for declaration in self._declarations():
            for item in declaration.items or [None]:
                number += 1
                row = self._row(declaration.header, item, number)
                if isinstance(row, QuarantinedRow):
                    broken.append(row)
                else:
                    lot.append((number, row))
            if len(lot) + len(broken) >= BATCH_ROWS:
                yield raw_rows(self.names, lot, broken)
                lot, broken = [], []
        if lot or broken:
            yield raw_rows(self.names, lot, broken)

    def _values(
        self, header: Element, item: Element | None, names: Iterable[str] | None = None
    ) -> dict[str, tuple[str, Element | None]]:
        """For some columns (all, if none are named) the text, and the element that has it."""
        columns = self._elements.columns
        return {
            name: next((found for places in columns[name] if (found := _found(places, header, item))[0]), ("", None))
            for name in (columns if names is None else names)
        }

    def _row(self, header: Element, item: Element | None, number: int) -> list[str] | QuarantinedRow:
        """The texts of an item's columns, or the row that is set aside."""
        values = self._values(header, item)
        texts = {name: _as_form(text, name, self._form) for name, (text, _) in values.items()}
        if item is not None and not texts[ITEM_NUMBER]:
            texts[ITEM_NUMBER] = str(number)
        identity = texts.get("declaration_id", "")
        if item is None:
            sentence = "the declaration has no goods item"
            return QuarantinedRow(Reason.MISSING_VALUE, sentence, "", number, "", identity, record_text(texts))
        for name, (_, element) in values.items():
            if name in self.names and element is not None and (sentence := _other_unit(name, element, self._form)):
                return QuarantinedRow(Reason.OTHER_UNIT, sentence, "", number, name, identity, record_text(texts))
        return [texts[name] for name in self.names]


class Collector:
    """Declarations, from the events of a file.

    Args:
        elements: where the columns stand; of a declaration nothing else is kept.
        name: what messages call the file.
        everything: whether everything is kept all the same.

    Attributes:
        count: how many declarations there were so far.
        root: the name of the first element.
    """

    def __init__(self, elements: Elements, name: str, everything: bool = False) -> None:
        self.count = 0
        self.root = ""
        self._name = name
        self._declaration = frozenset(elements.declaration)
        self._wanted = None if everything else _wanted(elements)
        self._items = {("", *item) for item in elements.items}
        self._done: list[Declaration] = []
        self._open: list[Element] = []
        self._within: list[dict | None] = []
        self._path: tuple[str, ...] = ()
        self._skipped = self._kept = 0
        self._items_found: list[Element] = []

    def take(self) -> list[Declaration]:
        """The declarations that have ended since the last call."""
        done, self._done = self._done, []
        return done

    def refuse_none(self) -> None:
        """Raise SourceError where there was no declaration."""
        if not self.count:
            names = " or ".join(sorted(self._declaration))
            raise SourceError(
                f"{self._name} has no element {names}, its root is {self.root[:60]}: it is no file of declarations of the WCO "
                "Data Model; say in the form which element is a declaration ([xml] declaration)"
            )

    def start(self, name: str, said: dict[str, str]) -> None:
        """An element begins."""
        self.root = self.root or name
        if self._skipped:
            self._skipped += 1
            return
        if not self._open:
            if name in self._declaration:
                self._begin(Element(name, without_namespaces(said)), self._wanted, "")
                self._kept, self._items_found = 0, []
            return
        wanted = self._within[-1]
        if wanted is not None and name not in wanted:
            self._skipped = 1
            return
        self._kept += 1
        if self._kept > ELEMENTS:
            raise SourceError(
                f"{self._name} has a declaration of more than {ELEMENTS:,} elements; no declaration has so many"
            )
        said = without_namespaces(said) if said else said
        self._begin(Element(name, said), None if wanted is None else wanted[name], name)

    def _begin(self, element: Element, wanted: dict | None, step: str) -> None:
        self._open.append(element)
        self._within.append(wanted)
        self._path = (*self._path, step)

    def text(self, piece: str) -> None:
        """Text within an element."""
        if self._open and not self._skipped and len(self._open[-1].text) <= MAXIMUM_CHARACTERS:
            self._open[-1].text += piece[: MAXIMUM_CHARACTERS + 1]

    def end(self, name: str) -> None:
        """An element ends."""
        if self._skipped:
            self._skipped -= 1
            return
        if not self._open:
            return
        element, path = self._open.pop(), self._path
        element.text = element.text.strip()
        self._within.pop()
        self._path = path[:-1]
        if not self._open:
            self.count += 1
            self._done.append(Declaration(element, self._items_found))
        elif path in self._items:
            self._items_found.append(element)
            if len(self._items_found) > ITEMS:
                raise SourceError(
                    f"{self._name} has a declaration of more than {ITEMS:,} goods items; no declaration has so many"
                )
        else:
            self._open[-1].children.append(element)


def _wanted(elements: Elements) -> dict:
    """The elements that some path goes through, as nested names."""
    root: dict = {}
    places = [place for paths in elements.columns.values() for parts in paths for place in parts]
    for item in elements.items:
        _plant(root, item)
    for place in places:
        if place.steps and place.steps[0].name == ITEM:
            for item in elements.items:
                _plant(root, item, place.steps[1:])
        else:
            _plant(root, (), place.steps)
    return root


def _plant(root: dict, names: Sequence[str], steps: Sequence[Step] = ()) -> None:
    for name in names:
        root = root.setdefault(name, {})
    for step in steps:
        root = root.setdefault(step.name, {})
        if step.child and not step.child.startswith("@"):
            root.setdefault(step.child, {})


def _found(places: Places, header: Element, item: Element | None) -> tuple[str, Element | None]:
    """The texts of some places, one after the other, and the first's element; nothing where the first has none."""
    text, first = "", None
    for number, place in enumerate(places):
        element = _element(place, header, item)
        if element is None and number == 0:
            return "", None
        if element is not None:
            first = first or element
            text += element.attributes.get(place.attribute, "").strip() if place.attribute else element.text
        if number == 0 and not text:
            return "", None
    return text, first


def _element(place: Place, header: Element, item: Element | None) -> Element | None:
    """The element at the end of a place's steps; of several, the first that says something."""
    steps, candidates = place.steps, [header]
    if steps and steps[0].name == ITEM:
        steps, candidates = steps[1:], [item] if item is not None else []
    for step in steps:
        candidates = [child for parent in candidates for child in _children(parent, step)]
    said = [each for each in candidates if place.attribute or each.text]
    return (said or candidates or [None])[0]


def _children(parent: Element, step: Step) -> list[Element]:
    named = [child for child in parent.children if child.name == step.name]
    if step.position:
        return named[step.position - 1 : step.position]
    return [child for child in named if not step.child or _says(child, step)]


def _says(element: Element, step: Step) -> bool:
    if step.child.startswith("@"):
        return element.attributes.get(step.child[1:], "").strip() == step.value
    return any(child.name == step.child and child.text == step.value for child in element.children)


def _as_form(text: str, name: str, form: Form) -> str:
    """A text of XML as the text that a CSV file of the form would hold."""
    kind = _KINDS.get(name)
    if kind is Kind.DATE and (match := _COMPACT_DATE.fullmatch(text)):
        year, month, day, hour, minute, second, zone = match.groups()
        written = f"{year}-{month}-{day}"
        return f"{written}T{hour}:{minute}:{second or '00'}{zone or ''}" if hour else written
    if (kind is Kind.NUMBER or name == AMOUNT_RECOVERED) and _DECIMAL.fullmatch(text):
        # A number of XML has a decimal point; the rules expect the form's mark.
        return text.replace(".", form.decimal)
    return text


def _other_unit(name: str, element: Element, form: Form) -> str:
    """The sentence about a mass or an amount in another unit than the form's; empty where it is in the form's."""
    units = {key.lower().removeprefix("kcs"): value.strip() for key, value in element.attributes.items()}
    if name == "net_mass" and form.column(name).factor == 1.0:
        unit = units.get("unitcode", "")
        if unit.lower() not in _KILOGRAMS:
            return f"net_mass is in {excerpt(unit)}, and the form {form.name} has kilograms (KGM)"
    if name in ("item_price", AMOUNT_RECOVERED):
        currency = units.get("currencyid", units.get("currencycode", ""))
        if currency and currency.upper() != form.currency:
            return f"{name} is in {excerpt(currency)}, and the form {form.name} has {form.currency} (currency)"
    return ""


def first_items(path: Path, name: str, most: int, form: Form | None = None) -> list[dict[str, str]]:
    """The first goods items of a file, as texts by path: paths of a form and of the WCO Data Model as they are written, with what
    their conditions select, and all others without conditions.

    Args:
        path: the file.
        name: what messages call it.
        most: so many items at most.
        form: the form, which may lay it out otherwise than the model.

    Raises:
        SourceError: it is no XML, or has no declaration.
    """
    known = [wco_elements(), *([form.elements] if form else [])]
    layout = Elements(
        tuple(each for elements in known for each in elements.declaration),
        tuple(each for elements in known for each in elements.items),
        {},
    )
    places = {written(each): each for elements in known for paths in elements.columns.values() for each in paths}
    collector = Collector(layout, name, everything=True)
    found: list[dict[str, str]] = []
    with path.open("rb") as stream:
        for _ in stream_xml(stream, name, collector.start, collector.end, collector.text):
            for declaration in collector.take():
                found += [_texts(declaration.header, item, places) for item in declaration.items]
            if len(found) >= most:
                break
    collector.refuse_none()
    return found[:most]


def _texts(header: Element, item: Element, places: dict[str, Places]) -> dict[str, str]:
    texts = {path: text for path, each in places.items() if (text := _found(each, header, item)[0])}
    taken = {place.plain for path in texts for place in places[path]}
    others = _texts_below(header, "") | _texts_below(item, f"{ITEM}/")
    return texts | {path: text for path, text in others.items() if path not in taken}


def _texts_below(element: Element, before: str) -> dict[str, str]:
    """The texts of the elements below one, and of their attributes, by path; of several at a path, the first."""
    texts: dict[str, str] = {}
    for child in element.children:
        path = f"{before}{child.name}"
        own = {path: child.text} if child.text else {}
        own |= {f"{path}/@{key}": value for key, value in child.attributes.items()}
        for place, text in (own | _texts_below(child, f"{path}/")).items():
            texts.setdefault(place, text)
    return texts
