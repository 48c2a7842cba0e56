"""The words of the evidence page in each language: ``words/en.toml`` and its translations, and how numbers and dates are written.

What belongs here looks words up. What other rooms word in English is replaced where a whole text is found among the English
words (titles of axes, names of metrics). Notes that a measure words itself stay English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

from customs_assets.claims import Claim
from customs_assets.declaration import STAND_INS
from customs_assets.settings import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)

# Sections whose words stand in what other rooms word in English.
_WORDED_ELSEWHERE = ("phrases", "claims", "attacks")

# Languages that set a space before some signs.
_SPACED = ("fr", "es")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Words:
    """The words of one language.

    Args:
        language: one of ``LANGUAGES``.
    """

    def __init__(self, language: Language = "en") -> None:
        self.language = language
        self._table = _table(language)

    def __call__(self, key: str, **values: str | int) -> str:
        """The words of a key, ``section.name``, with its values in their places.

        Raises:
            KeyError: there is no such key, or a value is missing.
        """
        return self._template(key).format(**values)

    def title(self, claim: Claim, min_group: int) -> str:
        """The title of a claim. One that the table does not have keeps the code's title."""
        key = f"claims.{claim.key}"
        title = self(key, k=min_group, below=min_group - 1) if key in self._table else claim.title
        # Where there is one label, it stands for the second.
        return title.replace("critical_fraud", "fraud") if "critical_fraud" in STAND_INS else title

    def attack(self, name: str, title: str) -> str:
        """The title of a membership attack. One that the table does not have keeps the code's title."""
        return self._table.get(f"attacks.{name}", title)

    def digits(self, text: str) -> str:
        """A number as text, ``0.1234`` or ``54,096``, with the language's signs."""
        signs = {".": self._table["form.decimal"], ",": self._table["form.thousands"]}
        return "".join(signs.get(sign, sign) for sign in text)

    def count(self, count: int) -> str:
        """A count with the language's sign between thousands."""
        return self.digits(f"{count:,}")

    def month(self, month: str) -> str:
        """``2020-01`` in words."""
        year, number = month.split("-")
        return self("form.date", month=self._table["form.months"][int(number) - 1], year=year)

    def day(self, date: str) -> str:
        """``2020-01-31`` in words; what follows the date is left out."""
        year, number, day = date[:10].split("-")
        return self("form.day", day=int(day), month=self._table["form.months"][int(number) - 1], year=year)

    def translated(self, text: str) -> str:
        """A text that another room worded in English, in this language where the table has it; else the text."""
        if self.language == "en":
            return text
        for key, pattern in _patterns():
            if found := pattern.fullmatch(text):
                values = {name: self._of_another_room(value) for name, value in found.groupdict().items()}
                return self._template(key).format(**values)
        return text

    def figure(self, figure: Mapping[str, Any]) -> dict[str, Any]:
        """A figure with its names, titles and categories in this language, and its numbers with the language's signs."""
        if self.language == "en":
            return dict(figure)
        drawn = {key: self._translated_within(part) for key, part in figure.items()}
        drawn["layout"]["separators"] = self._table["form.decimal"] + self._table["form.thousands"]
        return drawn

    def _translated_within(self, part: Any, name: str = "") -> Any:
        if isinstance(part, Mapping):
            # ``meta`` names the side that a trace is coloured by.
            return {key: value if key == "meta" else self._translated_within(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [self._translated_within(entry, name) for entry in part]
        return self.translated(part) if isinstance(part, str) and name in ("name", "text", "x", "y") else part

    def _of_another_room(self, value: str) -> str:
        """A value in a text of another room: a number gets the language's signs."""
        return self.digits(value) if re.fullmatch(r"-?[\d.,]+%?", value) else value

    def _template(self, key: str) -> str:
        return self._table[key]


@cache
def _table(language: Language) -> dict[str, Any]:
    """The words by ``section.name``."""
    with (Path(__file__).parent / "words" / f"{language}.toml").open("rb") as stream:
        sections = tomllib.load(stream)
    return {
        f"{section}.{name}": _unbroken(words) if isinstance(words, str) and language in _SPACED else words
        for section, of in sections.items()
        for name, words in of.items()
    }


def _unbroken(words: str) -> str:
    """The words with spaces at which no line breaks, beside the signs that a language sets apart by a space."""
    return re.sub(r" (?=[:;?!%»])|(?<=«) ", "\N{NO-BREAK SPACE}", words)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """What each English text of another room looks like, by its key."""
    return [(key, _pattern(words)) for key, words in _table("en").items() if key.partition(".")[0] in _WORDED_ELSEWHERE]


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(template)
    return re.compile("".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))
