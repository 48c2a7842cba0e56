"""A published month comes out again as it was published: two draws of one month could be compared, and the blur undone."""

from __future__ import annotations

from collections.abc import Mapping

from customs_assets.published import Register


def months_drawn_again(register: Register, source: str, raw: Mapping[str, str], rows: Mapping[str, str]) -> list[str]:
    """The months that were published, and whose rows are others now.

    Args:
        register: what was published.
        source: the name of the source (:func:`published.source_name`).
        raw: sha256 of each month's raw declarations, as far as they are there.
        rows: sha256 of the synthetic rows of each month of the release, before tokens are drawn anew.

    Returns:
        Months ``YYYY-MM``, in order.
    """
    found = []
    for month, checksum in sorted(rows.items()):
        entries = register.same_month(source, month, raw.get(month, ""))
        if entries and all(entry.rows != checksum for entry in entries):
            found.append(month)
    return found
