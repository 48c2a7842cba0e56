"""The account of a month's reading: by which form, how its files were written, rows kept and set aside, cells mended.

It stands with the month's quarantine, which says of each row why, and goes on card and page. What belongs here holds no name and
no key: examples of mended cells are codes alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from customs_assets.forms import Form
from customs_assets.lake.tables import Tables
from customs_assets.source.mending import Mend, merged
from customs_assets.source.reading import MonthStream

# Where a quarantine table has it.
_KEY = b"account"

Account = Mapping[str, Any]


def account_of(month: MonthStream, form: Form) -> dict[str, Any]:
    """The account of a month that was read to its end, in JSON's types.

    Returns:
        ``form`` and ``title``; ``files``, how each is written (``kind``, ``encoding``, ``separator``, ``above``) and which are
        (``names``); ``columns``, the attribute of each header; ``unused``, the other headers; ``rows_in``, ``kept``,
        ``inspected``; ``reasons``, how many rows were set aside for each; ``mended``, a list of column, what, rows, before and
        after.
    """
    written: dict[tuple[str, str, str, int], list[str]] = {}
    for seen in month.seen:
        written.setdefault((seen.kind, seen.encoding, seen.separator, seen.above), []).append(seen.name)
    columns = {header.strip(): name for seen in month.seen for header, name in seen.columns.items()}
    unused = dict.fromkeys(header.strip() for seen in month.seen for header in seen.unused)
    return {
        "form": form.name,
        "title": form.title,
        "files": [
            dict(zip(("kind", "encoding", "separator", "above"), how, strict=True)) | {"names": names}
            for how, names in written.items()
        ],
        "columns": columns,
        "unused": list(unused),
        "rows_in": month.rows_in,
        "kept": month.kept,
        "inspected": month.inspected,
        "reasons": dict(Counter(month.quarantine.column("reason").to_pylist()).most_common()),
        "mended": [list(mend) for mend in month.mends.counted.values()],
    }


def with_account(quarantine: pa.Table, account: Account) -> pa.Table:
    """A quarantine table that has the account, and the number of rows that came in, in its metadata."""
    return quarantine.replace_schema_metadata(
        {"rows_in": str(account["rows_in"]), _KEY: json.dumps(account, ensure_ascii=False)}
    )


def account_in(quarantine: pa.Table) -> dict[str, Any]:
    """The account that a quarantine table has; nothing where an earlier version wrote it."""
    return json.loads((quarantine.schema.metadata or {}).get(_KEY, b"{}"))


def reading_of(lake: Tables, months: Sequence[str]) -> dict[str, Any]:
    """The account of some months of a lake together; nothing where earlier versions read them all."""
    return together([account_in(lake.read_table("quarantine", month, ["reason"])) for month in months])


def together(accounts: Sequence[Account]) -> dict[str, Any]:
    """Several months in one account, as :func:`account_of`; nothing where none has one.

    A file may have several months, so ``files`` says how many there are (``files``) and not which.
    """
    told = [account for account in accounts if account]
    if not told:
        return {}
    files: dict[tuple[Any, ...], set[str]] = {}
    for number, account in enumerate(told):
        for of in account["files"]:
            how = files.setdefault((of["kind"], of["encoding"], of["separator"], of["above"]), set())
            # An earlier version counted the files of a month without their names.
            how.update(of.get("names", [f"{number}.{place}" for place in range(of.get("files", 0))]))
    mends = merged(Mend(*mend) for account in told for mend in account["mended"])
    return {
        "form": told[-1]["form"],
        "title": told[-1]["title"],
        "files": [
            dict(zip(("kind", "encoding", "separator", "above"), how, strict=True)) | {"files": len(names)}
            for how, names in files.items()
        ],
        "columns": {header: name for account in told for header, name in account["columns"].items()},
        "unused": list(dict.fromkeys(header for account in told for header in account["unused"])),
        **{name: sum(account[name] for account in told) for name in ("rows_in", "kept", "inspected")},
        "reasons": dict(sum((Counter(account["reasons"]) for account in told), Counter()).most_common()),
        "mended": [list(mend) for mend in sorted(mends.counted.values(), key=lambda mend: -mend.rows)],
    }
