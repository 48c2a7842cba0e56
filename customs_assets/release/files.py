"""The files of a release: every part as CSV and Parquet, dictionary, metadata for SDV, the card, and a checksum for each.

What belongs here is how a release is written and read back, and the new identity tokens, which are drawn here and kept nowhere.
Scores are measured before, on tokens that source and synthetic tables share. Afterwards no token of the anonymized tables is left
to compare with.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customs_assets.benchmark.split import Part, release_split
from customs_assets.declaration import HS6, RELEASED, arrow_schema
from customs_assets.fidelity.table_two import MetricScore
from customs_assets.lake import LakeError, to_frame
from customs_assets.lake.frozen import Frozen, month_file
from customs_assets.months import months_of
from customs_assets.published import PublishedError
from customs_assets.release.card import dataset_card
from customs_assets.release.datapackage import DESCRIPTOR, data_dictionary, data_package
from customs_assets.release.erased_labels import partly_labelled
from customs_assets.release.rounding import Rounding
from customs_assets.release.succession import Succession
from customs_assets.sdv_metadata import METADATA_FILE, declaration_metadata, metadata_file
from customs_assets.seeds import Root, derive_rng
from customs_assets.settings import LawOrigin, Settings
from customs_assets.source.quarantine import FORMULA_STARTS

CHECKSUMS = "SHA256SUMS"
CARD = "README.md"

# The training part once more, with most labels erased (section 6 of the paper).
PARTLY_LABELLED = "train_partly_labelled"

PARTS: tuple[Part, ...] = get_args(Part)

# Length of a published token: 6 capitals and digits for couriers, 7 for everybody else. Tokens of the pipeline are longer
# (``anonymization/identities.py``), so a published token equals none of them.
TOKEN_LENGTHS = {"declarant_id": 7, "importer_id": 7, "seller_id": 7, "courier_id": 6}

_ALPHABET = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


class ReleaseError(Exception):
    """These rows cannot be released. The message says why."""


def build_release(
    declarations: pd.DataFrame,
    months: Sequence[str],
    scores: Sequence[MetricScore],
    settings: Settings,
    root: Root,
    law: LawOrigin,
    importers: int | None = None,
    frozen: Frozen | None = None,
    reading: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """All files of a release by name.

    Every month has a file of its own. That of a published month has the bytes that were published, and who was published keeps
    the published tokens. Parts, card, data package and scores are over all months.

    Args:
        declarations: the synthetic rows of all months, in order, with :data:`declaration.RELEASED_NAMES`.
        months: their months.
        scores: their scores of Table 2.
        settings: the settings that they were made with.
        root: what the new tokens and the choice of the labels that are kept derive from.
        law: which law they are under.
        importers: how many importers of the source stand behind them, by which measures are rounded; as many as the rows have
            where None.
        frozen: the published months.
        reading: how the months of the source were read (``source.accounts.together``), for the card.

    Raises:
        ReleaseError: a cell would start a formula in a spreadsheet.
        PublishedError: what is kept of a published month is missing or altered.
    """
    published = [] if frozen is None else [month for month in months if month in frozen]
    kept = {} if frozen is None else kept_tokens({m: (frozen.rows(m), frozen.published_file(m)) for m in published})
    released = redraw_tokens(declarations, derive_rng(root, "synthetic_release"), kept)
    split = release_split(months)
    parts = {name: split.rows(released, name) for name in PARTS if getattr(split, name)}
    files: dict[str, bytes] = {}
    erased = partly_labelled(parts["train"], settings.labels_kept, settings.label_policy, root)
    for name, rows in {**parts, PARTLY_LABELLED: erased}.items():
        files[f"{name}.csv"] = to_csv(rows)
        files[f"{name}.parquet"] = to_parquet(rows)
    behind = declarations["importer_id"].nunique() if importers is None else importers
    rounding = Rounding(settings.min_group, behind)
    month_of = months_of(released["date"])
    for month in months:
        kept_file = frozen.published_file(month) if frozen is not None and month in frozen else None
        files[month_file(month)] = kept_file or to_csv(released[(month_of == month).to_numpy()])
    files[DESCRIPTOR] = data_package(files, months, scores, rounding, [f"{PARTLY_LABELLED}.csv"])
    files["data_dictionary.csv"] = data_dictionary().to_csv(index=False, lineterminator="\n").encode()
    succession = Succession.of(months, settings, frozen)
    files[METADATA_FILE] = metadata_file(declaration_metadata(published=True))
    files[CARD] = dataset_card(
        parts, split, scores, settings, PARTLY_LABELLED, law, rounding, succession, reading or {}
    ).encode()
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return {**files, CHECKSUMS: sums.encode()}


def kept_tokens(published: Mapping[str, tuple[pd.DataFrame, bytes]]) -> dict[str, dict[str, str]]:
    """The published token of each identity that was published, by role.

    Args:
        published: for each published month its rows before tokens were drawn anew, and its published file; the same rows in the
            same order.

    Raises:
        PublishedError: they are not the same rows.
    """
    kept: dict[str, dict[str, str]] = {role: {} for role in TOKEN_LENGTHS}
    headers = {a.name: a.header for a in RELEASED}
    for month, (rows, content) in published.items():
        file = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        if file[headers["declaration_id"]].tolist() != rows["declaration_id"].tolist():
            raise PublishedError(
                f"the published rows and the published file of {month} differ; put both back from a backup"
            )
        for role, tokens in kept.items():
            tokens |= dict(zip(rows[role], file[headers[role]], strict=True))
    return kept


def redraw_tokens(
    declarations: pd.DataFrame, rng: np.random.Generator, kept: Mapping[str, Mapping[str, str]] | None = None
) -> pd.DataFrame:
    """The same rows with a new token for each old one in each role. An empty identity stays empty.

    New tokens are assigned in the order in which the old ones first occur. They depend on the draw and not on the old tokens,
    except that no old token is used again. Identities that were published keep their tokens (``kept``, by role).
    """
    redrawn = declarations.copy()
    for role, length in TOKEN_LENGTHS.items():
        codes, old_tokens = pd.factorize(declarations[role])
        known = (kept or {}).get(role, {})
        unknown = [old for old in old_tokens if old and old not in known] if known else old_tokens
        new_tokens = _new_tokens(len(unknown), length, {*old_tokens, *known.values()}, rng)
        names = {**dict(zip(unknown, new_tokens, strict=True)), **known, "": ""}
        renamed = [names[old] for old in old_tokens]
        redrawn[role] = np.array(renamed, dtype=object)[codes] if len(old_tokens) else declarations[role]
    return redrawn


def _new_tokens(count: int, length: int, old_tokens: set[str], rng: np.random.Generator) -> list[str]:
    tokens: dict[str, None] = {}
    while len(tokens) < count:
        for row in rng.integers(len(_ALPHABET), size=(count - len(tokens), length)):
            token = "".join(_ALPHABET[row])
            if token not in old_tokens:
                tokens[token] = None
    return list(tokens)


def to_csv(declarations: pd.DataFrame) -> bytes:
    """Declarations as CSV with the published headers, dates as YYYY-MM-DD, an empty identity as an empty cell.

    Raises:
        ReleaseError: a cell would start a formula in a spreadsheet. None should: codes and tokens are capitals and digits, and
            numbers are not negative.
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
    published = declarations[[a.name for a in RELEASED]].rename(columns={a.name: a.header for a in RELEASED})
    return published.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()


def to_parquet(declarations: pd.DataFrame) -> bytes:
    """Declarations as Parquet with the published headers and types."""
    schema = arrow_schema(RELEASED)
    table = pa.Table.from_pandas(declarations[schema.names], schema=schema, preserve_index=False)
    named = table.rename_columns([a.header for a in RELEASED]).replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(named, buffer, compression="zstd")
    return buffer.getvalue()


def read_release(read: Callable[[str], bytes]) -> pd.DataFrame:
    """The rows of a release's Parquet files, all parts in order, with snake_case names.

    Args:
        read: returns a file's bytes by its name, or raises :class:`lake.LakeError`.
    """
    parts: list[pd.DataFrame] = []
    for name in PARTS:
        with contextlib.suppress(LakeError):
            parts.append(to_frame(pq.read_table(pa.BufferReader(read(f"{name}.parquet")))))
    names = {a.header: a.name for a in RELEASED}
    return pd.concat(parts, ignore_index=True).rename(columns={**names, HS6.header: HS6.name})
