"""XML as a stream of events, from files that nobody has to trust: the sheets of a workbook, and declarations.

Expat, which Python ships, cuts the text into elements a block at a time. A document type is refused where it begins, so there are
no entities but the five of XML: none that names another file, and none that unpacks without end.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Protocol
from xml.parsers import expat

from customs_assets.source.reading import SourceError

BLOCK_BYTES = 1 << 16
# A file of declarations begins a new element every few bytes. What does not keeps the parser from giving back memory.
LONGEST_BYTES = 16 << 20
DEEPEST = 200
_NAMES = 4096

_BETWEEN = "\x1f"
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# What expat decodes itself.
_OWN_ENCODINGS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii"}


class Reads(Protocol):
    """Something to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""
        ...


def stream_xml(
    stream: Reads,
    name: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> Iterator[None]:
    """Send the events of a document to three functions; yields after each block, so that what was found can be taken.

    Args:
        stream: the document.
        name: what messages call it.
        start: called with the name of an element, without its namespace, and its attributes, by :func:`without_namespaces`
            where a namespace may be among them.
        end: called with the name of an element that ends.
        text: called with text, in as many pieces as it likes.

    Raises:
        SourceError: it is not well formed, or declares a document type, or is nested without end.
    """
    block = stream.read(BLOCK_BYTES)
    recode = _decoder(block, name)
    parser = expat.ParserCreate("utf-8" if recode else None, _BETWEEN)
    parser.buffer_text = True
    names: dict[str, str] = {}
    depth, began = 0, False

    def started(long: str, attributes: dict[str, str]) -> None:
        nonlocal depth, began
        depth, began = depth + 1, True
        if depth > DEEPEST:
            raise SourceError(f"{name} nests its elements more than {DEEPEST} deep; no file of declarations does")
        start(names.get(long) or _remembered(long, names), attributes)

    def ended(long: str) -> None:
        nonlocal depth
        depth -= 1
        end(names.get(long) or _remembered(long, names))

    def refuse_document_type(*_: object) -> None:
        raise SourceError(document_type_refused(name))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = started, ended, text
    parser.StartDoctypeDeclHandler = refuse_document_type
    waiting = 0
    while True:
        try:
            parser.Parse(recode.decode(block, not block).encode() if recode else block, not block)
        except expat.ExpatError as error:
            raise SourceError(not_well_formed(error.code, error.lineno, error.offset, name)) from error
        except UnicodeDecodeError as error:
            raise SourceError(f"{name} is not in the encoding that it names ({error.encoding})") from error
        except (LookupError, ValueError) as error:
            raise SourceError(f"{name} is in an encoding that cannot be read ({error})") from error
        yield
        if not block:
            return
        waiting, began = (0 if began else waiting + len(block)), False
        if waiting > LONGEST_BYTES:
            raise SourceError(f"{name} has {waiting:,} bytes without a new element; no file of declarations does")
        block = stream.read(BLOCK_BYTES)


def _remembered(long: str, names: dict[str, str]) -> str:
    """The name without its namespace, remembered unless there are strangely many."""
    local = long.rpartition(_BETWEEN)[2]
    if len(names) < _NAMES:
        names[long] = local
    return local


def without_namespaces(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their names without namespaces."""
    return {key.rpartition(_BETWEEN)[2]: value for key, value in attributes.items()}


def _decoder(start: bytes, name: str) -> codecs.IncrementalDecoder | None:
    """A decoder for a document in an encoding that expat does not know, such as EUC-KR."""
    declared = _DECLARED.match(start.removeprefix(codecs.BOM_UTF8).lstrip())
    if declared is None:
        return None
    try:
        found = codecs.lookup(declared[1].decode())
    except LookupError:
        raise SourceError(f"{name} names an encoding that there is not: {declared[1].decode()!r}") from None
    return None if found.name in _OWN_ENCODINGS else codecs.getincrementaldecoder(found.name)()


def document_type_refused(name: str) -> str:
    """The sentence about a document that declares a document type."""
    return (
        f"{name} declares a document type (DOCTYPE), by which a file can ask for other files or grow without end; it is "
        "refused: leave the DOCTYPE out"
    )


def not_well_formed(code: int, line: int, offset: int, name: str) -> str:
    """The sentence about an error of Expat: its code, and the line (from 1) and the offset in it (from 0) where it stands."""
    place = f"line {line}, column {offset + 1}"
    what = expat.ErrorString(code)
    if code in (
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    ):
        return f"{name} ends in the middle ({what}, {place}); it may be cut short: fetch it again"
    return f"{name} is no well-formed XML ({what}, {place}); fetch it again"
