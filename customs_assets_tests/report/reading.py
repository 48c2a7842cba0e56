"""What a reader of a page finds in it: its texts, one by one, and the figures that are embedded in it."""

from __future__ import annotations

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from customs_assets.report import wording

_FOLDER = Path(wording.__file__).parent / "words"
_UNREAD = ("script", "style")


class _Texts(HTMLParser):
    """The texts of a page. What stands in an element with a language of its own is kept apart."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []
        self.in_english: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            self.open.append((tag, tag != "html" and ("lang", "en") in attrs))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if (text := " ".join(data.split(" "))).strip() and not any(tag in _UNREAD for tag, _ in self.open):
            (self.in_english if any(english for _, english in self.open) else self.texts).append(text.strip())


def texts_of(page: bytes) -> tuple[list[str], list[str]]:
    """The texts of a page in order, and those that it marks as English."""
    reader = _Texts()
    reader.feed(page.decode())
    assert not reader.open, reader.open
    return reader.texts, reader.in_english


def figures_of(page: bytes) -> dict[str, Any]:
    """The figures that are embedded in a page."""
    found = re.search(rb'id="figures">(.*?)</script>', page)
    assert found is not None
    return json.loads(found.group(1))


def words_of(language: str) -> dict[str, str]:
    """The words of a language as the file has them."""
    sections = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": words for section, of in sections.items() for name, words in of.items()}


def placeholders(words: Any) -> list[str]:
    """The placeholders of some words."""
    return sorted(re.findall(r"\{(\w+)\}", words)) if isinstance(words, str) else []


def pattern(words: str) -> re.Pattern[str]:
    """What words look like with anything in their placeholders."""
    parts = re.split(r"\{\w+\}", words)
    return re.compile("(.+?)".join(re.escape(part) for part in parts), re.DOTALL)


def own_signs(words: str) -> int:
    """How many signs some words have beside their placeholders."""
    return len(re.sub(r"\{\w+\}", "", words))
