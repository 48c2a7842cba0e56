"""Where an XML file has each attribute: paths of elements, as a form says them or as the WCO Data Model has them.

What belongs here is the paths as data. ``source.xml_rows`` walks them through a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

# The first step of a path below the element of a goods item.
ITEM = "item"

_STEP = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<condition>[^\]/]+)\])?")
_EQUALS = re.compile(r"(?P<child>@?[\w.-]+)=(?P<value>[^=]+)")


class Step(NamedTuple):
    """One element of a path.

    Attributes:
        name: its name, without a namespace.
        position: which of several of this name, from 1; 0 for the first that fits.
        child: the child (or with ``@`` the attribute) that has to say ``value``; empty where none has to.
        value: what it has to say.
    """

    name: str
    position: int = 0
    child: str = ""
    value: str = ""

    def __str__(self) -> str:
        """The step as it is written."""
        condition = self.position or (f"{self.child}={self.value}" if self.child else "")
        return f"{self.name}[{condition}]" if condition else self.name


class Place(NamedTuple):
    """One text of a declaration: the steps to its element, and the attribute where it is one."""

    steps: tuple[Step, ...]
    attribute: str = ""

    def __str__(self) -> str:
        """The path as it is written."""
        return "/".join([*map(str, self.steps), *([f"@{self.attribute}"] if self.attribute else [])])

    @property
    def plain(self) -> str:
        """The path without conditions."""
        return "/".join([*(step.name for step in self.steps), *([f"@{self.attribute}"] if self.attribute else [])])


# The texts of several places stand one after the other.
Places = tuple[Place, ...]


@dataclass(frozen=True)
class Elements:
    """Where an XML file has each attribute by a form.

    Attributes:
        declaration: the names of the element that is a declaration.
        items: the paths from it to the element of a goods item, in names.
        columns: for each attribute, and each column that tells how rows are read, the places that may hold it, the best first.
    """

    declaration: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]
    columns: dict[str, tuple[Places, ...]]


def written(places: Places) -> str:
    """Some places as a form writes them."""
    return " + ".join(map(str, places))


def parse_path(text: str) -> Places:
    """A path such as ``item/Commodity/Classification[IdentificationTypeCode=HS]/ID``.

    Raises:
        ValueError: it is no path.
    """
    return tuple(_place(part.strip()) for part in text.split(" + "))


def _place(text: str) -> Place:
    *names, last = text.split("/")
    attribute = last[1:] if last.startswith("@") else ""
    steps = tuple(_step(name, text) for name in (names if attribute else [*names, last]))
    if last == "@" or not steps or (steps[-1].name == ITEM and not attribute and len(steps) == 1):
        raise ValueError(f"{text!r} is no path of elements, such as item/Commodity/Classification/ID")
    return Place(steps, attribute)


def _step(text: str, path: str) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise ValueError(f"{path!r} is no path of elements, such as item/Commodity/Classification/ID")
    condition = match["condition"] or ""
    if not condition or condition.isdecimal():
        return Step(match["name"], int(condition or 0))
    equals = _EQUALS.fullmatch(condition)
    if equals is None:
        raise ValueError(f"{path!r} has a condition that is neither a number nor Name=value: [{condition}]")
    return Step(match["name"], 0, equals["child"], equals["value"].strip())


@cache
def wco_elements() -> Elements:
    """The places of the WCO Data Model."""
    written = tomllib.loads(Path(__file__).with_name("wco.toml").read_text(encoding="utf-8"))
    return _elements(written["declaration"], written["items"], written["columns"])


def _elements(declaration: Iterable[str], items: Iterable[str], columns: Mapping[str, Iterable[str]]) -> Elements:
    return Elements(
        tuple(declaration),
        tuple(tuple(item.split("/")) for item in items),
        {name: tuple(map(parse_path, paths)) for name, paths in columns.items()},
    )


def chosen(declaration: Iterable[str], items: Iterable[str], columns: Mapping[str, Iterable[str]]) -> Elements:
    """The places that a form says, and those of the WCO Data Model for what it leaves open (what is empty)."""
    common, own = wco_elements(), _elements(declaration, items, columns)
    return Elements(
        own.declaration or common.declaration,
        own.items or common.items,
        {name: places or common.columns[name] for name, places in own.columns.items()},
    )
