"""A month as it is judged: each row of its files or of its table is kept or quarantined, one lot after the other.

What belongs here finds duplicates and counts rows. ``rules`` judges the cells of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from customs_assets.declaration import arrow_schema
from customs_assets.forms import Form
from customs_assets.source.mending import Mends
from customs_assets.source.quarantine import QuarantinedRow, Reason, excerpt, quarantine_table, record_text
from customs_assets.source.reading import MonthStream, RawRows
from customs_assets.source.rules import MAXIMUM_CHARACTERS, judge
from customs_assets.source.sentences import detail

# A row's place (file and row) is one number, because a month may have millions of rows.
_ROW_BITS = 40


def judged_month(month: str, names: Sequence[str], lots: Iterable[tuple[RawRows, str]], form: Form) -> MonthStream:
    """The rows of a month, judged while they are read.

    Args:
        month: the month (``YYYY-MM``) that the rows belong to.
        names: the columns of all lots: the form's attributes, in any order, and the further columns in their order.
        lots: some rows and the name of their file (or table). The rows of a file follow each other.
        form: the form of the rows.
    """
    own = {attribute.name for attribute in form.attributes}
    further = [pa.field(name, pa.string()) for name in dict.fromkeys(names) if name not in own]
    judging = _Judging(month, pa.schema([*arrow_schema(form.attributes), *further]), form)
    return MonthStream(judging.schema, judging.kept(lots), judging.outcome, judging.mends)


class _Judging:
    """The state after some rows: how many came in, which are quarantined, and which IDs they have."""

    def __init__(self, month: str, schema: pa.Schema, form: Form) -> None:
        self.schema = schema
        self.mends = Mends()
        self._form = form
        self._month = month
        self._files: list[str] = []
        self._quarantined: list[tuple[int, QuarantinedRow]] = []
        self._place_of_id: dict[str, int] = {}
        self._rows_in = 0

    def kept(self, lots: Iterable[tuple[RawRows, str]]) -> Iterator[pa.Table]:
        """The kept rows, lot by lot, in the month's schema."""
        for rows, file in lots:
            if self._files[-1:] != [file]:
                self._files.append(file)
            self._rows_in += len(rows.numbers) + len(rows.broken)
            for row in rows.broken:
                self._quarantine(row)
            table = self._judged(self._with_key(rows))
            if table.num_rows:
                table = pa.concat_tables([self.schema.empty_table(), table], promote_options="default")
                yield table.select(self.schema.names)

    def _with_key(self, rows: RawRows) -> RawRows:
        """The rows with their places as IDs, where the form says that these are the key."""
        if self._form.key != "row" or "declaration_id" in rows.cells.column_names:
            return rows
        places = pa.array([f"{len(self._files)}-{number}" for number in rows.numbers.tolist()], pa.string())
        return rows._replace(cells=rows.cells.append_column("declaration_id", pa.chunked_array([places])))

    def _quarantine(self, row: QuarantinedRow) -> None:
        self._quarantined.append((len(self._files), row._replace(file=self._files[-1])))

    def _quarantine_cells(self, rows: RawRows, position: int, reason: Reason, column: str, sentence: str) -> None:
        """Quarantine a row that was split into cells."""
        record = rows.cells.slice(position, 1).to_pylist()[0]
        number, identity = int(rows.numbers[position]), record["declaration_id"]
        self._quarantine(QuarantinedRow(reason, sentence, "", number, column, identity, record_text(record)))

    def _judged(self, rows: RawRows) -> pa.Table:
        """The rows that break no rule and whose ID is new."""
        declarations, is_good, findings = judge(rows.cells, self._month, self._form, self.mends)
        for position in np.flatnonzero(~is_good).tolist():
            broken_rules = [finding for finding in findings if finding.rows[position]]
            sentence = detail(broken_rules, rows.cells.slice(position, 1), self._month, self._form, MAXIMUM_CHARACTERS)
            self._quarantine_cells(rows, position, broken_rules[0].reason, broken_rules[0].column, sentence)
        good = np.flatnonzero(is_good).tolist()
        is_new = np.ones(len(good), dtype=bool)
        for number, identity in enumerate(declarations.column("declaration_id").to_pylist()):
            place = len(self._files) << _ROW_BITS | int(rows.numbers[good[number]])
            earlier = self._place_of_id.setdefault(identity, place)
            if earlier != place:
                is_new[number] = False
                file, row = self._files[(earlier >> _ROW_BITS) - 1], earlier & ((1 << _ROW_BITS) - 1)
                sentence = f"declaration_id {excerpt(identity)} is already that of row {row} of {file}"
                reason = Reason.DUPLICATE_DECLARATION_ID
                self._quarantine_cells(rows, good[number], reason, "declaration_id", sentence)
        return declarations.filter(pa.array(is_new))

    def outcome(self) -> tuple[pa.Table, int]:
        """The quarantine in the order of the rows, and the number of rows that came in."""
        self._quarantined.sort(key=lambda placed: (placed[0], placed[1].row))
        return quarantine_table(row for _, row in self._quarantined), self._rows_in
