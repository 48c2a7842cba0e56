"""Reading a published release where nothing else of the pipeline is: its declarations, and which of them train and test.

What belongs here opens a folder as its readers get it, by the names that ``files`` gives. Parts are read as they were published
(``train``, ``validation``, ``test``; Parquet before CSV). Where there are no parts, or no test part, the months are split as the
benchmark splits them. Whether the folder is the one that was signed is the work of ``publishing.examine``.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.benchmark.split import ChronologicalSplit, release_split, split_months
from customs_assets.declaration import HS6, RELEASED, TARIFF_TUPLE, Kind, spelled
from customs_assets.lake import to_frame
from customs_assets.release.files import CHECKSUMS, PARTS, ReleaseError

_MONTH_FILE = re.compile(r"declarations-\d{4}-\d{2}\.(csv|parquet)")
_SUFFIXES = ("parquet", "csv")


def read_published(folder: Path) -> tuple[pd.DataFrame, ChronologicalSplit]:
    """The declarations of a published release, and its split.

    Args:
        folder: a published folder, or ``synthetic_release`` of a lake.

    Returns:
        The declarations with snake_case names, codes as text; and the split, which always has something to test on.

    Raises:
        ReleaseError: there is no such folder, it holds no declarations, or a file is damaged or has other columns.
    """
    if not folder.is_dir():
        raise ReleaseError(f"{folder} is no folder; name the folder of a published release")
    names = {path.name for path in folder.iterdir()}
    parts = [found for part in PARTS if (found := _file_of(part, names))]
    files = parts if any(name.startswith("train.") for name in parts) else _month_files(names)
    if not files:
        raise ReleaseError(
            f"{folder} holds no declarations: neither train.parquet or train.csv, nor declarations-YYYY-MM.csv; "
            "name the folder of a published release"
        )
    sums = _checksums(folder)
    declarations = pd.concat([_read(folder / name, sums.get(name)) for name in files], ignore_index=True)
    months = sorted(declarations["date"].dt.strftime("%Y-%m").unique())
    split = release_split(months)
    return declarations, split if split.test else split_months(months)


def _file_of(part: str, names: set[str]) -> str | None:
    return next((f"{part}.{suffix}" for suffix in _SUFFIXES if f"{part}.{suffix}" in names), None)


def _month_files(names: set[str]) -> list[str]:
    """A file for each month, Parquet where there are both."""
    found = sorted(name for name in names if _MONTH_FILE.fullmatch(name))
    by_month = {name.partition(".")[0]: name for name in found}
    return list(by_month.values())


def _checksums(folder: Path) -> dict[str, str]:
    """The checksums that the folder names, by file; none where it has no list."""
    listed = folder / CHECKSUMS
    if not listed.is_file():
        return {}
    pairs = (line.split("  ", 1) for line in listed.read_text(encoding="utf-8").splitlines() if "  " in line)
    return {name: checksum for checksum, name in pairs}


def _read(path: Path, checksum: str | None) -> pd.DataFrame:
    try:
        content = path.read_bytes()
        if checksum is not None and hashlib.sha256(content).hexdigest() != checksum:
            raise ReleaseError(f"{path} is not the file whose checksum is in {CHECKSUMS}; get the folder again")
        frame = _parquet(content) if path.suffix == ".parquet" else _csv(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ReleaseError(f"{path} cannot be read: {error}") from None
    names = {
        str(column): HS6.name if spelled(str(column)) == TARIFF_TUPLE[0] else spelled(str(column)) for column in frame
    }
    frame = frame.rename(columns=names)
    if missing := [a.header for a in RELEASED if a.name not in frame]:
        raise ReleaseError(f"{path} has no column {', '.join(missing)}; a release has all {len(RELEASED)} attributes")
    return _typed(frame, path)


def _parquet(content: bytes) -> pd.DataFrame:
    return to_frame(pq.read_table(pa.BufferReader(content)))


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _typed(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The released attributes with their types: dates, float64 for numbers, int8 for labels, text for all else."""
    columns = {}
    for attribute in RELEASED:
        values = frame[attribute.name]
        try:
            match attribute.kind:
                case Kind.DATE:
                    columns[attribute.name] = pd.to_datetime(values)
                case Kind.NUMBER:
                    columns[attribute.name] = values.astype("float64")
                case Kind.LABEL:
                    columns[attribute.name] = values.astype("int8")
                case _:
                    columns[attribute.name] = values.astype(str)
        except (ValueError, TypeError) as error:
            raise ReleaseError(f"{path}, column {attribute.header}: {error}") from None
    return pd.DataFrame(columns)
