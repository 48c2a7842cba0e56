"""A month as it is being judged: the rows of its files or of its table, one lot after the other, kept or set aside.

What belongs here is what rows are told from one another by, duplicates above all, and the count of what came in. What the
cells of a row must say stands in ``rules.py``; where rows come from, in ``files.py`` and ``postgresql.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from customs_assets.declaration import BY_NAME, arrow_schema
from customs_assets.source.csv_rows import BrokenRow, RawRows
from customs_assets.source.quarantine import QuarantinedRow, Reason, quarantine_table, record_text, shown
from customs_assets.source.reading import MonthStream
from customs_assets.source.rules import Judgement, detail, judge

# A row's place is one number, file and row, because a month may hold a million of them.
_ROW_BITS = 40


def judged_month(month: str, names: Sequence[str], lots: Iterable[tuple[RawRows, str]]) -> MonthStream:
    """The rows of a month, judged as they come.

    Args:
        month: the month (``YYYY-MM``) that the rows belong to.
        names: the columns of all lots: the 22 attributes, in any order, and further ones in the order they are to have.
        lots: some rows and the name of their file (or table); a file's rows come one after the other.
    """
    further = [pa.field(name, pa.string()) for name in dict.fromkeys(names) if name not in BY_NAME]
    judging = _Judging(month, pa.schema([*arrow_schema(), *further]))
    return MonthStream(judging.schema, judging.kept(lots), judging.outcome)


class _Judging:
    """What is known of a month so far: the rows that came in, those quarantined, and the IDs seen."""

    def __init__(self, month: str, schema: pa.Schema) -> None:
        self.schema = schema
        self._month = month
        self._files: list[str] = []
        self._quarantined: list[tuple[int, QuarantinedRow]] = []
        self._seen: dict[str, int] = {}
        self._rows_in = 0

    def kept(self, lots: Iterable[tuple[RawRows, str]]) -> Iterator[pa.Table]:
        """The rows to keep, lot by lot, in the month's schema."""
        for rows, file in lots:
            table = self._add(rows, file)
            if table is not None and table.num_rows:
                yield pa.concat_tables([self.schema.empty_table(), table], promote_options="default").select(
                    self.schema.names
                )

    def _add(self, rows: RawRows, file: str) -> pa.Table | None:
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        self._rows_in += len(rows.numbers) + len(rows.broken)
        for row in rows.broken:
            self._quarantine(row)
        if not len(rows.numbers):
            return None
        judgement = judge(rows.cells, self._month)
        self._set_bad_rows_aside(rows, judgement)
        return self._first_of_their_id(rows, judgement)

    def _quarantine(self, row: BrokenRow) -> None:
        quarantined = QuarantinedRow(
            row.reason, row.detail, self._files[-1], row.number, row.column, row.declaration_id, row.record
        )
        self._quarantined.append((len(self._files), quarantined))

    def _set_bad_rows_aside(self, rows: RawRows, judgement: Judgement) -> None:
        bad = np.flatnonzero(~judgement.good).tolist()
        for row, record in zip(bad, rows.cells.take(pa.array(bad, pa.int64())).to_pylist(), strict=True):
            findings = judgement.broken_rules(row)
            sentence = detail(findings, record.__getitem__, self._month)
            first = findings[0]
            self._quarantine(_broken_row(int(rows.numbers[row]), first.reason, sentence, record, first.column))

    def _first_of_their_id(self, rows: RawRows, judgement: Judgement) -> pa.Table:
        """The good rows, but for those whose ID has been kept before."""
        good = np.flatnonzero(judgement.good)
        first = np.ones(len(good), dtype=bool)
        for position, identity in enumerate(judgement.declarations.column("declaration_id").to_pylist()):
            number = int(rows.numbers[good[position]])
            place = len(self._files) << _ROW_BITS | number
            earlier = self._seen.setdefault(identity, place)
            if earlier != place:
                first[position] = False
                record = rows.cells.slice(int(good[position]), 1).to_pylist()[0]
                sentence = f"declaration_id {shown(identity)} is already that of {self._place(earlier)}"
                reason = Reason.DUPLICATE_DECLARATION_ID
                self._quarantine(_broken_row(number, reason, sentence, record, "declaration_id"))
        return judgement.declarations.filter(pa.array(first))

    def _place(self, place: int) -> str:
        return f"row {place & ((1 << _ROW_BITS) - 1)} of {self._files[(place >> _ROW_BITS) - 1]}"

    def outcome(self) -> tuple[pa.Table, int]:
        """The quarantine in the order of the rows, and the rows that came in."""
        self._quarantined.sort(key=lambda placed: (placed[0], placed[1].row))
        return quarantine_table(row for _, row in self._quarantined), self._rows_in


def _broken_row(number: int, reason: Reason, sentence: str, record: dict[str, str], column: str) -> BrokenRow:
    return BrokenRow(number, reason, sentence, record_text(record), record["declaration_id"], column)
