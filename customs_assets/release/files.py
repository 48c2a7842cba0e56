"""The files of a release: every part as CSV and Parquet, the dictionary, the card, and a checksum for each.

What belongs here is how a release is laid out and read back.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.benchmark.split import Part, release_split
from customs_assets.declaration import HS6, RELEASED, arrow_schema
from customs_assets.fidelity.table_two import MetricScore
from customs_assets.lake import LakeError, to_frame
from customs_assets.release.card import dataset_card
from customs_assets.release.datapackage import DESCRIPTOR, data_dictionary, data_package
from customs_assets.release.erased_labels import partly_labelled
from customs_assets.release.tokens import redraw_tokens
from customs_assets.seeds import Root, derive_rng
from customs_assets.settings import Settings
from customs_assets.source.quarantine import FORMULA_STARTS

CHECKSUMS = "SHA256SUMS"
CARD = "README.md"

# The training part once more, with most labels erased (section 6 of the paper).
PARTLY_LABELLED = "train_partly_labelled"

PARTS: tuple[Part, ...] = get_args(Part)


class ReleaseError(Exception):
    """A release cannot be made of these rows; the message says why."""


def build_release(
    declarations: pd.DataFrame,
    months: Sequence[str],
    scores: Sequence[MetricScore],
    settings: Settings,
    root: Root,
) -> dict[str, bytes]:
    """All files of a release by name.

    Args:
        declarations: the synthetic rows of all months, in order, with :data:`declaration.RELEASED_NAMES`.
        months: the months they are of.
        scores: their scores of Table 2.
        settings: what they were made with.
        root: what the new identity tokens and the labels that are kept derive from.

    Raises:
        ReleaseError: a cell would start a formula in a spreadsheet.
    """
    released = redraw_tokens(declarations, derive_rng(root, "synthetic_release"))
    split = release_split(months)
    parts = {name: split.rows(released, name) for name in PARTS if getattr(split, name)}
    files: dict[str, bytes] = {}
    erased = partly_labelled(parts["train"], settings.labels_kept, settings.label_policy, root)
    for name, rows in {**parts, PARTLY_LABELLED: erased}.items():
        files[f"{name}.csv"] = to_csv(rows)
        files[f"{name}.parquet"] = _to_parquet(rows)
    files[DESCRIPTOR] = data_package(files, months, scores, [f"{PARTLY_LABELLED}.csv"])
    files["data_dictionary.csv"] = data_dictionary().to_csv(index=False, lineterminator="\n").encode()
    files[CARD] = dataset_card(parts, split, scores, settings, PARTLY_LABELLED).encode()
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, CHECKSUMS: sums.encode()}


def to_csv(declarations: pd.DataFrame) -> bytes:
    """Declarations as CSV with the published headers, dates as YYYY-MM-DD, an empty identity as nothing.

    Raises:
        ReleaseError: a cell would start a formula in a spreadsheet; codes and tokens are capitals and digits, and numbers are not
            negative, so none should.
    """
    for column, values in declarations.items():
        if pd.api.types.is_datetime64_any_dtype(values):
            continue
        is_number = pd.api.types.is_numeric_dtype(values)
        starts = values < 0 if is_number else values.astype(str).str.startswith(FORMULA_STARTS)
        if starts.any():
            raise ReleaseError(
                f"{int(starts.sum())} cells of {column} would start a formula in a spreadsheet; mend the month that has them"
            )
    published = declarations.rename(columns={a.name: a.header for a in RELEASED})
    return published.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()


def _to_parquet(declarations: pd.DataFrame) -> bytes:
    schema = arrow_schema(RELEASED)
    table = pa.Table.from_pandas(declarations[schema.names], schema=schema, preserve_index=False)
    named = table.rename_columns([a.header for a in RELEASED]).replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(named, buffer, compression="zstd")
    return buffer.getvalue()


def read_release(read: Callable[[str], bytes]) -> pd.DataFrame:
    """The rows of a release's Parquet files, all parts in order, with snake_case names.

    Args:
        read: gives a file's bytes by its name, or raises :class:`lake.LakeError`.
    """
    parts: list[pd.DataFrame] = []
    for name in PARTS:
        try:
            content = read(f"{name}.parquet")
        except LakeError:
            continue
        parts.append(to_frame(pq.read_table(pa.BufferReader(content))))
    names = {a.header: a.name for a in RELEASED}
    return pd.concat(parts, ignore_index=True).rename(columns={**names, HS6.header: HS6.name})
