"""What was read, on the evidence page: the form, rows kept and set aside by reason, cells that were mended.

The outside form tells rounded counts. Headers, files and examples of cells are the administration's own and stay with the inside
form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customs_assets.report.form import Form

_SEPARATORS = {"\t": "tab"}


def what_was_read(account: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The rows of text of the section; nothing where the months' reading was not accounted for.

    Args:
        account: as ``source.accounts.together``.
        form: the form of the page.
    """
    if not account:
        return {}
    words, inside = form.words, form.has("source-columns")
    rows, kept = account["rows_in"], account["kept"]
    counts = {"rows": rows, "kept": kept, "aside": rows - kept, "inspected": account["inspected"]}
    return {
        "form": words("source_section.form", name=account["form"], title=account["title"]),
        "rows": words("source_section.rows", **{name: form.count(count) for name, count in counts.items()}),
        "reasons": [[reason, form.count(count)] for reason, count in account["reasons"].items()],
        "mended": [_mended(mend, form, inside) for mend in account["mended"]],
        "files": [_file(of, form) for of in account["files"]] if inside else [],
        "columns": [list(pair) for pair in account["columns"].items()] if inside else [],
        "unused": words("source_section.unused", columns=", ".join(account["unused"]))
        if inside and account["unused"]
        else "",
    }


def _mended(mend: list[Any], form: Form, inside: bool) -> list[str]:
    column, what, rows, before, after = mend
    told = [column, form.words.translated(what), form.count(rows)]
    return [*told, form.words("source_section.becomes", before=before or "“”", after=after or "“”")] if inside else told


def _file(of: Mapping[str, Any], form: Form) -> list[str]:
    separator = str(_SEPARATORS.get(of["separator"], of["separator"]))
    return [of["kind"], form.count(of["files"]), of["encoding"], separator, form.count(of["above"])]
