"""What a person is told of a step that failed: the project's own sentence, or that the program is at fault.

An error that the project raised has a sentence about the data or the machine. What a library says of its arrays helps nobody who
looks after declarations: it stays in the run's log. What belongs here is words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import customs_assets

if TYPE_CHECKING:
    from dagster._utils.error import SerializableErrorInfo

# Of the machine: no room, no memory, no permission. They say what to do whoever raised them.
_OF_THE_MACHINE = ("OSError", "PermissionError", "FileNotFoundError", "MemoryError", "TimeoutError", "ConnectionError")

_FAULT = (
    "a fault of the program stopped it, not the data alone. Please report it with the log of the run, which says where; "
    "`customs inspect` says what is unusual about the source"
)

_PACKAGE = str(Path(customs_assets.__file__).parent) + os.sep

# ``module.Class: sentence``
_CLASS = re.compile(r"^[\w.]+(?:: |$)")


def sentence_of(error: SerializableErrorInfo | None) -> str:
    """One sentence about an error, without the name of a class."""
    chain = list(_chain(error))
    for one in chain:
        if _is_own(one):
            return _sentence(one)
    last = chain[-1] if chain else None
    return _sentence(last) if last is not None and last.cls_name in _OF_THE_MACHINE else _FAULT


def _chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    """The error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.cause


def _is_own(error: SerializableErrorInfo) -> bool:
    """Whether the project raised the error: its last frame is a statement of the package that raises."""
    frame = error.stack[-1].strip().splitlines() if error.stack else []
    return len(frame) > 1 and _PACKAGE in frame[0] and frame[1].strip().startswith("raise ")


def _sentence(error: SerializableErrorInfo) -> str:
    text = " ".join(error.message.split())
    return _CLASS.sub("", text, count=1) or text
