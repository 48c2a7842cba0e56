"""Published months as they were published: their rows, their files, and what their identities were composed of.

They lie beside the register (``published.py``), a folder for each publication, outside every lake. So neither a rebuild nor
``--force``, a new lake or the deletion of old runs reaches them. ``customs publish`` writes such a folder before it names the
months in the register; a folder that the register does not name counts for nothing.

What is kept is what the lake had: bytes, not what a later version would make of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from customs_assets.lake.files import LakeError
from customs_assets.lake.records import Lake
from customs_assets.lake.tables import Tables, to_frame
from customs_assets.published import (
    PublishedError,
    PublishedMonth,
    Redraw,
    Register,
    digest_of,
    redraw_asked_for,
    register_of,
    source_name,
)
from customs_assets.settings import Settings

# What the lake calls them, and what the kept copies are called.
RAW, SYNTHETIC = "raw_declarations", "synthetic_declarations"
IDENTITIES, TUPLES, REHEARSED = "composed_identities", "disclosed_tuples", "rehearsed_declarations"

# The folder of the published files of single months.
FILES = "files"


def month_file(month: str) -> str:
    """The name of the published file that has one month's rows and no others."""
    return f"declarations-{month}.csv"


def publication_folder(folder: Path, number: int) -> Tables:
    """Where one publication is kept."""
    return Tables(str(folder / f"publication-{number:04d}"))


@dataclass(frozen=True)
class Frozen:
    """The published months of a source.

    Attributes:
        folder: the folder of the register.
        months: each month as it was published last, in order.
        redraws: how often, and why, months of the source were drawn anew although they had been published.
        draws: under how many draws months of the source were published.
    """

    folder: Path
    months: Mapping[str, PublishedMonth]
    redraws: Sequence[Redraw] = ()
    draws: int = 0

    @classmethod
    def of(cls, settings: Settings, lake: Lake, register: Register | None = None) -> Frozen:
        """The published months of the source that the settings name; no months while they are drawn anew.

        A month of another address counts, too, if the lake read the very declarations there that were published.

        Raises:
            PublishedError: the register is damaged, or others may read it.
        """
        register, source = register or register_of(settings), source_name(settings)
        redraws, draws = tuple(register.redraws_of(source)), register.draws_of(source)
        if redraw_asked_for(settings, register):
            return cls(register.folder, {}, redraws, draws)
        months = register.of_source(source)
        for entry in register.months if lake.address else ():
            if entry.source != source and entry.month not in months:
                record = lake.last_record(RAW, entry.month)
                if record is not None and record.sha256 == entry.raw:
                    months[entry.month] = entry
        return cls(register.folder, dict(sorted(months.items())), redraws, draws)

    def __contains__(self, month: object) -> bool:
        return month in self.months

    @property
    def last_publication(self) -> int:
        """The publication that months came out with last; 0 if none did."""
        return max((entry.publication for entry in self.months.values()), default=0)

    def earlier(self, months: Sequence[str]) -> list[str]:
        """Which of a release's months stand in a release before it.

        If none of its months is new, those that came out last count as new. So a release is the same whether or not it has been
        published meanwhile.
        """
        published = [month for month in months if month in self.months]
        if len(published) < len(months):
            return published
        last = max((self.months[month].publication for month in published), default=0)
        return [month for month in published if self.months[month].publication < last]

    def amended(self, lake: Lake, months: Sequence[str]) -> list[str]:
        """Which of some months the lake has read since with other declarations than those that were published."""
        found = {month: lake.last_record(RAW, month) for month in months if month in self.months}
        return [
            month for month, record in found.items() if record is not None and record.sha256 != self.months[month].raw
        ]

    def rows_file(self, month: str) -> bytes:
        """The Parquet file of a month's synthetic rows, before tokens are drawn anew.

        Raises:
            PublishedError: it is missing or altered.
        """
        entry = self.months[month]
        return self._unaltered(month, f"{SYNTHETIC}/{month}.parquet", entry.rows)

    def rows(self, month: str) -> pd.DataFrame:
        """A month's synthetic rows, before tokens are drawn anew; raises as :meth:`rows_file`."""
        return _frame(self.rows_file(month))

    def published_file(self, month: str) -> bytes:
        """The published file of a month; raises as :meth:`rows_file`."""
        name = month_file(month)
        return self._unaltered(month, f"{FILES}/{name}", self.months[month].files[name])

    def slots(self) -> pd.DataFrame:
        """The composed identities of published months; empty if nothing was published.

        Raises:
            PublishedError: they are missing or cannot be read.
        """
        return self._table(self.last_publication, IDENTITIES) if self.months else pd.DataFrame()

    def goods_of(self) -> pd.Series:
        """The declaration whose goods each declaration was shown with when its month was published, by ``declaration_id``."""
        publications = sorted({entry.publication for entry in self.months.values()})
        tables = [self._table(number, TUPLES)[["declaration_id", "of_declaration"]] for number in publications]
        together = pd.concat(tables).drop_duplicates("declaration_id")
        return together.set_index("declaration_id")["of_declaration"]

    def rehearsed(self) -> pa.Table:
        """The rehearsal that the last published release was attacked on; raises as :meth:`slots`."""
        content = self._bytes(self.last_publication, f"{REHEARSED}.parquet")
        return _table(content, REHEARSED)

    def _unaltered(self, month: str, path: str, checksum: str) -> bytes:
        content = self._bytes(self.months[month].publication, path)
        if digest_of(content) != checksum:
            raise PublishedError(
                f"{path} of publication {self.months[month].publication} in {self.folder} is not what was published; put it "
                "back from a backup"
            )
        return content

    def _table(self, number: int, name: str) -> pd.DataFrame:
        return _frame(self._bytes(number, f"{name}.parquet"), name)

    def _bytes(self, number: int, path: str) -> bytes:
        kept = publication_folder(self.folder, number)
        try:
            return kept.read_bytes(f"{kept.root}/{path}")
        except LakeError:
            raise PublishedError(
                f"{path} of publication {number} is missing from {self.folder}; put it back from a backup"
            ) from None


def _frame(content: bytes, name: str = SYNTHETIC) -> pd.DataFrame:
    return to_frame(_table(content, name))


def _table(content: bytes, name: str) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content))
    except pa.ArrowInvalid as error:
        raise PublishedError(f"the published {name} cannot be read ({error}); put it back from a backup") from None
