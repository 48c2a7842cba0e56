"""Headers: which column of a file is which attribute.

What belongs here is the reading of a header row: the published form (``Country of Origin``) and snake_case, in any
order, case and surrounding spaces ignored. What the cells hold stands in ``rules.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from customs_assets.declaration import NAMES, spelled
from customs_assets.source.reading import SourceError

_SHOWN_COLUMNS = 30


_ADVICE = "The first row must hold the headers, separated by commas"


def column_names(headers: Sequence[str], file: str, advice: str = _ADVICE) -> list[str]:
    """The column names of a file's headers, in the file's order: attributes by their names, others in snake_case.

    A column without a header is called ``column_<position>``. ``HS6 Code`` and ``HS10 Code`` are both ``hs10_code``.

    Args:
        headers: the headers.
        file: what messages call the file, or the table.
        advice: what a message about a missing column says to do.

    Raises:
        SourceError: an attribute has no column, or a column is given twice.
    """
    names = [spelled(header) or f"column_{position}" for position, header in enumerate(headers, start=1)]
    missing = [name for name in NAMES if name not in names]
    if missing:
        found = ", ".join(header.strip()[:60] or "(no name)" for header in headers[:_SHOWN_COLUMNS])
        more = f" and {len(headers) - _SHOWN_COLUMNS} more" if len(headers) > _SHOWN_COLUMNS else ""
        raise SourceError(f"{file} lacks the columns {', '.join(missing)}; it has {found}{more}. {advice}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(f"{file} gives the column {', '.join(twice)} more than once; keep one of each")
    return names
