"""Headers: which column of a file is which attribute.

A header is the published one (``Country of Origin``) or the attribute's name; order, case and spaces around it do not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from customs_assets.declaration import NAMES, spelled
from customs_assets.source.reading import SourceError

_SHOWN_COLUMNS = 30
_ADVICE = "The first row must hold the headers, separated by commas"


def column_names(headers: Sequence[str], file: str, advice: str = _ADVICE) -> list[str]:
    """The columns' names in the order of the headers: attributes by their names, other columns in snake_case.

    A column without a header is called ``column_<position>``. ``HS6 Code`` and ``HS10 Code`` are both ``hs10_code``.

    Args:
        headers: the headers.
        file: the name of the file or table in messages.
        advice: what to do where a column is missing, for the message.

    Raises:
        SourceError: an attribute has no column, or two columns have one name.
    """
    names = [spelled(header) or f"column_{position}" for position, header in enumerate(headers, start=1)]
    missing = [name for name in NAMES if name not in names]
    if missing:
        found = ", ".join(header.strip()[:60] or "(no name)" for header in headers[:_SHOWN_COLUMNS])
        more = f" and {len(headers) - _SHOWN_COLUMNS} more" if len(headers) > _SHOWN_COLUMNS else ""
        raise SourceError(f"{file} lacks the columns {', '.join(missing)}; it has {found}{more}. {advice}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(f"{file} has the column {', '.join(twice)} more than once; keep one of each")
    return names
