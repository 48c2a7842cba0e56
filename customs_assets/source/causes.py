"""Why a file or a month cannot be used: the cause that was seen, with a value, in one sentence.

What belongs here looks at what was read once more and says what is wrong with the whole of it. What is wrong with a row
stands in ``sentences``.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice

import numpy as np
import pyarrow as pa

from customs_assets.attributes import CATALOGUE, Kind
from customs_assets.forms import Form
from customs_assets.source.dates import parse_date, parse_dates
from customs_assets.source.quarantine import Reason, excerpt
from customs_assets.source.reading import RawRows
from customs_assets.source.sentences import date_problem

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)"}

# Their cells are repeated in no sentence about a whole month, because alerts and logs have other readers than the quarantine.
_NAMES = frozenset(attribute.name for attribute in CATALOGUE if attribute.kind in (Kind.IDENTITY, Kind.KEY))

# A header stands within so many lines, and names so many attributes at least.
_LINES = 30
_FEWEST_KNOWN = 3


def split_line(line: str, separator: str) -> list[str]:
    """The cells of one line; the whole line where its quotes are broken."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return [line]


def seen_separator(lines: Sequence[str]) -> str | None:
    """The separator that cuts most of some lines into the same number of cells, more than one; None where none does."""
    best: tuple[float, int, str] | None = None
    for separator in SEPARATORS:
        counts = Counter(len(split_line(line, separator)) for line in lines if line.strip())
        if not counts:
            return None
        fields, lines_alike = max(counts.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        share = lines_alike / counts.total()
        if fields > 1 and (best is None or (share > 0.5, fields, share) > (best[0] > 0.5, best[1], best[0])):
            best = share, fields, separator
    return best[2] if best else None


def other_header(lines: Sequence[str], form: Form) -> str:
    """Why a file has not the columns of a form, where another separator or another line would give it some.

    Args:
        lines: the first lines of the file.
        form: the form.
    """
    best = (0, 0, form.separator)
    for place, line in enumerate(lines[:_LINES]):
        for separator in SEPARATORS:
            known = sum(map(form.known, split_line(line, separator)))
            if known > best[0]:
                best = known, place, separator
    known, place, separator = best
    seen = seen_separator(lines[:_LINES])
    if known >= _FEWEST_KNOWN:
        causes = []
        if separator != form.separator:
            causes.append(
                f"its cells are separated by {SEPARATORS[separator]}, and by {SEPARATORS[form.separator]} in the form "
                f"{form.name} (separator = {separator!r})"
            )
        if place > form.skip_lines:
            causes.append(lines_above(place, next(line for line in lines if line.strip())))
        return "; ".join(causes)
    if seen is not None and seen != form.separator:
        return (
            f"its cells seem to be separated by {SEPARATORS[seen]}, and by {SEPARATORS[form.separator]} in the form {form.name}; "
            "none of its headers is one of this form. `customs inspect` proposes a form for it"
        )
    return ""


def lines_above(count: int, first: str) -> str:
    """The sentence about headers that stand below some lines, of which the first is given."""
    return (
        f"its headers stand in line {count + 1}, below {excerpt(first.strip())}: delete the lines above, or say so in the form "
        f"(skip_lines = {count})"
    )


def why_no_month(name: str, pieces: Iterable[RawRows], form: Form, today: date) -> str:
    """Why a file that has rows has no row of a month: all are broken, or none has a date that can be."""
    rows, reasons, example = 0, Counter[str](), ""
    days: list[np.ndarray] = []
    strange = ""
    for piece in pieces:
        rows += len(piece.numbers) + len(piece.broken)
        reasons.update(str(row.reason) for row in piece.broken)
        if piece.broken and not example:
            # Cells may hold names, and a cause is told to whoever gets alerts.
            example = f"row {piece.broken[0].row}: {piece.broken[0].detail.partition(': ')[0]}"
        if len(piece.numbers):
            text = pa.chunked_array([chunk for chunk in piece.cells.column("date").chunks])
            found = parse_dates(text, form)
            days.append(found[~np.isnat(found)])
            strange = strange or next((t for t in text.to_pylist() if parse_date(t, form) is None), "")
    broken = reasons.total()
    if broken == rows:
        named = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
        advice = "; name their encoding in the form (encodings)" if Reason.UNDECODABLE_BYTES in reasons else ""
        return (
            f"{name} has no row with a date, because all its {rows:,} rows are set aside: {named} ({example}){advice}"
        )
    dated = np.concatenate(days) if days else np.empty(0, dtype="datetime64[D]")
    start = f"{name} has no row with a date between {form.first_month} and today"
    if len(dated):
        first, last = str(dated.min()), str(dated.max())
        if last > today.isoformat():
            return f"{start}: its dates run from {first} to {last}, and today is {today}; correct the dates"
        return (
            f"{start}: its dates run from {first} to {last}; the form {form.name} begins with {form.first_month} "
            "(first_month)"
        )
    problem = date_problem(strange, form).format(value=excerpt(strange)) if strange.strip() else "is empty in every row"
    return f"{start}: date {problem}; correct the dates, or say in the form how they are written (dates)"


def why_nothing_kept(origin: str, month: str, rows_in: int, quarantine: pa.Table) -> str:
    """Why a month has no usable declaration: it has no rows, or which rules they break, with an example."""
    if rows_in == 0:
        return f"{origin} has no rows of {month}"
    reasons = Counter(quarantine.column("reason").to_pylist())
    outside = reasons[Reason.DATE_OUTSIDE_MONTH]
    if 2 * outside > rows_in:
        first = next(row for row in quarantine.to_pylist() if row["reason"] == Reason.DATE_OUTSIDE_MONTH)
        how_many = f"its {rows_in:,}" if outside == rows_in else f"{outside:,} of its {rows_in:,}"
        return (
            f"no usable declaration in {month}: the name of {first['file']} says {month}, and {how_many} rows say another "
            f"month (row {first['row']}: {first['detail'].partition(', which')[0]}); rename the file"
        )
    (reason, count), *_ = reasons.most_common()
    columns = Counter(
        row["column"] for row in quarantine.select(["reason", "column"]).to_pylist() if row["reason"] == reason
    )
    example = next(row for row in quarantine.to_pylist() if row["reason"] == reason)
    if example["column"] in _NAMES:
        example = example | {"detail": f"{example['column']}, which is not repeated here"}
    where = f" in {columns.most_common(1)[0][0]}" if columns.most_common(1)[0][0] else ""
    others = ", ".join(f"{other} {name}" for name, other in islice(reasons.most_common(), 1, None))
    return (
        f"no usable declaration in {month}: all {rows_in:,} rows are set aside, {count:,} of them for {reason}{where} "
        f"({example['file']}, row {example['row']}: {example['detail']})" + (f"; others: {others}" if others else "")
    )
