"""Headers: which column of a file is which attribute.

A header is the published one (``Country of Origin``), the attribute's name or a spelling of the form; order, case, blanks and
accents do not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from customs_assets.forms import Form
from customs_assets.forms.form import AMOUNT_RECOVERED
from customs_assets.source.reading import SourceError

_SHOWN_COLUMNS = 30
_ADVICE = "`customs inspect` proposes a form for it"


def column_names(headers: Sequence[str], file: str, form: Form, advice: str = _ADVICE) -> list[str]:
    """The columns' names in the order of the headers: attributes by their names, other columns in snake_case.

    A column without a header is called ``column_<position>``. ``HS6 Code`` and ``HS10 Code`` are both ``hs10_code``.

    Args:
        headers: the headers.
        file: the name of the file or table in messages.
        form: the form, which says how headers are spelled and which attributes there are.
        advice: what to do where a column is missing, for the message.

    Raises:
        SourceError: an attribute has no column, or two.
    """
    names = [form.spelled(header) or f"column_{position}" for position, header in enumerate(headers, start=1)]
    missing = missing_attributes(names, form)
    if missing:
        found = ", ".join(header.strip()[:60] or "(no name)" for header in headers[:_SHOWN_COLUMNS])
        more = f" and {len(headers) - _SHOWN_COLUMNS} more" if len(headers) > _SHOWN_COLUMNS else ""
        raise SourceError(f"{file} lacks the columns {', '.join(missing)}; it has {found}{more}. {advice}")
    twice = [name for name, count in Counter(names).items() if count > 1 and name in form.columns]
    if twice:
        raise SourceError(f"{file} has the column {', '.join(twice)} more than once; keep one of each")
    return _apart(names)


def read_as(headers: Sequence[str], form: Form) -> tuple[dict[str, str], list[str]]:
    """By header what it is read as by a form, an attribute or a column that tells how rows are read; and the other headers."""
    known = {header: form.spelled(header) for header in headers if form.known(header)}
    return known, [header for header in headers if header not in known]


def _apart(names: Sequence[str]) -> list[str]:
    """Names of which further columns that are called alike are told apart by numbers: nobody reads them."""
    taken: set[str] = set()
    apart = []
    for name in names:
        number, own = 2, name
        while own in taken or (own != name and own in names):
            own, number = f"{name}_{number}", number + 1
        taken.add(own)
        apart.append(own)
    return apart


def missing_attributes(names: Sequence[str], form: Form) -> list[str]:
    """The attributes of a form that no column is named for; an amount recovered stands for the label."""
    stands_for = {"fraud"} if AMOUNT_RECOVERED in names else set[str]()
    stands_for |= {"declaration_id"} if form.key == "row" else set()
    return [a.name for a in form.attributes if a.name not in names and a.name not in stands_for]
