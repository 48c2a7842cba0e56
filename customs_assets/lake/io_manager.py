"""The IO manager: what assets return goes into the lake with a record; what they take comes out of it, checked.

Before an asset reads an input, the input's checksum is noted, and its blocking checks must have passed. An input that is replaced
while the asset works gets an empty checksum in the record: the asset is then out of date and is built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
from dagster._core.execution.context.system import StepExecutionContext

from customs_assets.graph import RELEASE, SOURCE_KEY, Asset, Graph, setting_values
from customs_assets.lake.frozen import Frozen
from customs_assets.lake.records import Lake, Record
from customs_assets.lake.tables import UnnamedTable
from customs_assets.lake.told_apart import DECLARATIONS, repeated_ids, told_apart
from customs_assets.settings import Settings

# Output metadata of what is read from a source: its state before the read, and its name.
SOURCE_FINGERPRINT, ORIGIN = "source_fingerprint", "origin"

# Output metadata of what is read from a file that a setting names: the digest of the bytes that were read, by setting. Asked
# for after the read, it could be that of bytes that came in meanwhile.
DIGESTS_READ = "digests_read"

# Output metadata of a published month: the sha256 of the file that is kept of it. It is stored byte for byte.
AS_PUBLISHED = "as_published"

RAW = "raw_declarations"

# By run and step: the checksums of a step's inputs before it read them, kept until its output is recorded.
_INPUTS: dict[tuple[str, str], dict[str, str]] = {}


@dataclass(frozen=True)
class FolderOfFiles:
    """An artifact that is a folder: its files' contents by name."""

    files: Mapping[str, bytes]


@dataclass(frozen=True)
class LakeFile:
    """A Parquet file of the lake, for an asset that has DuckDB read it."""

    lake: Lake
    asset: str
    partition: str = ""

    @property
    def path(self) -> str:
        """Its path, as DuckDB names it."""
        return self.lake.sql_path(self.asset, self.partition)


@dataclass(frozen=True)
class Partitions(Mapping[str, Any]):
    """The partitions of one asset by key, each read when it is asked for: frames of tables, else what JSON holds.

    Declarations of several months that have one ID are told apart (``told_apart``).
    """

    lake: Lake
    asset: str
    keys_at_hand: Sequence[str]
    suffix: str

    def __getitem__(self, partition: str) -> Any:
        if partition not in self.keys_at_hand:
            raise KeyError(partition)
        if self.suffix == "json":
            return self.lake.read_json(self.asset, partition)
        return told_apart(self.lake.read_frame(self.asset, partition), partition, self._repeated)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_at_hand)

    def __len__(self) -> int:
        return len(self.keys_at_hand)

    def together(self) -> pd.DataFrame:
        """All tables as one frame, in order."""
        if self._repeated:
            return pd.concat([self[partition] for partition in self.keys_at_hand], ignore_index=True)
        return self.lake.read_frames(self.asset, self.keys_at_hand)

    @cached_property
    def _repeated(self) -> Mapping[str, frozenset[str]]:
        """By month the IDs that an earlier month has, too."""
        return repeated_ids(self.lake, self.keys_at_hand) if self.asset == DECLARATIONS else {}

    @property
    def paths(self) -> list[str]:
        """The files, as DuckDB names them."""
        return [self.lake.sql_path(self.asset, partition) for partition in self.keys_at_hand]


def months_at_hand(lake: Lake, parents: Sequence[str], origin: str) -> list[str]:
    """The months of which every one of some assets was built, and that were read from the present source.

    Args:
        lake: the lake.
        parents: asset keys.
        origin: the present source. Months of another one are left out: two administrations are never mixed.
    """
    found = set.intersection(*(set(lake.partitions_recorded(parent)) for parent in parents)) if parents else set()
    return sorted(month for month in found if all(is_of(lake, parent, month, origin) for parent in parents))


def is_of(lake: Lake, asset: str, month: str, origin: str) -> bool:
    """Whether a month of an asset was built from rows of a source; of what is not recorded, nobody knows."""
    record = lake.last_record(asset, month)
    return record is not None and record.origin == origin


class LakeIOManager(dg.IOManager):
    """Writes what an asset returns into the lake, whole, with a record; reads it back as the type of the asset's parameter.

    Tables (Arrow or pandas) are Parquet, lists and dictionaries JSON, bytes as they are, a :class:`FolderOfFiles` a
    folder; a table that the asset streamed into the lake only gets its name. A parameter that is a :class:`Partitions`
    has all months at hand, or all cells.

    Args:
        graph: the asset graph.
        suffix: suffix of the files; empty for a folder.
        origin: names the source that the settings ask for.
    """

    def __init__(self, graph: Graph, suffix: str, origin: Callable[[Settings], str]) -> None:
        self._graph, self._suffix, self._origin = graph, suffix, origin

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write one partition and its record; its checksum is its data version."""
        settings = Settings()  # pyright: ignore[reportCallIssue]
        lake, asset = Lake(settings.lake), self._graph[context.asset_key.to_user_string()]
        partition = context.asset_partition_key if context.has_asset_partitions else ""
        kept = _as_published(context, settings, lake, partition)
        checksum = self._write(lake, asset.key, partition, obj if kept is None else kept)
        path = lake.path(asset.key, partition, self._suffix)
        inputs = _still(lake, _INPUTS.pop((context.run_id, context.step_key), {}))
        origin = _text(context, ORIGIN) or (_origin_of(lake, inputs) if asset.cut == "month" else "")
        if fingerprint := _text(context, SOURCE_FINGERPRINT):
            inputs[f"{SOURCE_KEY}|{partition}"] = fingerprint
        lake.save_record(
            Record(
                asset=asset.key,
                partition=partition,
                path=path[len(lake.root) :].lstrip("/"),
                code_version=asset.version,
                sha256=checksum,
                settings=setting_values(asset.settings, settings) | _digests_read(context),
                inputs=inputs,
                rows=len(obj) if isinstance(obj, pa.Table | pd.DataFrame | UnnamedTable) else None,
                origin=origin,
                checks=list(asset.checks),
            )
        )
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(checksum))
        shown = lake.shown(asset.key, partition, self._suffix)
        context.add_output_metadata({"path": dg.MetadataValue.path(shown), "sha256": checksum})

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an input as the type that the asset's parameter is annotated with."""
        lake = look_at_inputs(context.step_context, self._graph, self._origin)
        key, wanted = context.asset_key.to_user_string(), context.dagster_type.typing_type
        partition = context.asset_partition_key if context.has_asset_partitions and wanted is not Partitions else ""
        readers: dict[Any, Callable[[], Any]] = {
            Partitions: lambda: Partitions(lake, key, _partitions_seen(context.step_context, key), self._suffix),
            LakeFile: lambda: LakeFile(lake, key, partition),
            FolderOfFiles: lambda: FolderOfFiles(lake.read_folder(key)),
            pa.Table: lambda: lake.read_table(key, partition),
            pd.DataFrame: lambda: lake.read_frame(key, partition),
            bytes: lambda: lake.read_bytes(lake.path(key, partition, self._suffix)),
        }
        return readers.get(wanted, lambda: lake.read_json(key, partition))()

    def _write(self, lake: Lake, key: str, partition: str, content: Any) -> str:
        match content:
            case UnnamedTable():
                return lake.give_name(content)
            case pa.Table() | pd.DataFrame():
                return lake.write_table(key, content, partition)
            case FolderOfFiles():
                return lake.write_folder(key, content.files)
            case bytes():
                return lake.write_bytes(lake.path(key, partition, self._suffix), content)
            case list() | dict():
                return lake.write_json(key, content, partition)
            case _:
                raise TypeError(f"{key} returned a {type(content).__name__}, which the lake does not store")


def look_at_inputs(step: StepExecutionContext, graph: Graph, origin: Callable[[Settings], str]) -> Lake:
    """Before a step reads anything: withdraw the release if it rests on the step, and note its inputs' checksums.

    Raises:
        dagster.Failure: there is no month, or an input did not pass a blocking check, or was never judged by one. Within a run
            Dagster sees to that itself. A later run, such as a backfill of one asset, would go by the file being there.
    """
    settings = Settings()  # pyright: ignore[reportCallIssue]
    lake, place = Lake(settings.lake), (step.run_id, step.step.key)
    if place in _INPUTS:
        return lake
    asset = graph[step.op.name]
    if asset.withdraws_release:
        lake.withdraw(RELEASE)
    partition = step.partition_key if step.has_partition_key else ""
    months: Sequence[str] = [partition]
    if asset.cut != "month" and (parents := graph.monthly_parents(asset.key, partition)):
        months = months_at_hand(lake, parents, origin(settings))
        if not months:
            raise dg.Failure(f"no month of {' and '.join(parents)} from the present source is in the lake {lake.root}")
    if asset.cut == "month" and asset.months_before:
        months = months_at_hand(lake, graph.monthly_parents(asset.key, partition), origin(settings))
    inputs: list[Record] = []
    for key, of in graph.inputs(asset.key, partition, months):
        record = lake.record(key, of)
        if record is not None:
            inputs.append(record)
        elif not asset.judges_its_inputs:
            raise dg.Failure(
                f"{asset.key} is built from {key} {of}".rstrip() + ", which is not in the lake; build it first"
            )
    if not asset.judges_its_inputs:
        _refuse_unsound(lake, graph, asset, inputs)
    _INPUTS[place] = {f"{record.asset}|{record.partition}": record.sha256 for record in inputs}
    return lake


def _refuse_unsound(lake: Lake, graph: Graph, asset: Asset, inputs: Sequence[Record]) -> None:
    failed = {record.name: checks for record in inputs if (checks := lake.failed(record))}
    unjudged = {
        record.name: checks
        for record in inputs
        if (checks := [*lake.unjudged(record), *(set(graph[record.asset].checks) - set(record.checks))])
    }
    for word, found in (("did not pass", failed), ("was not judged by", unjudged)):
        if found:
            unsound = "; ".join(f"{name} {word} {', '.join(checks)}" for name, checks in found.items())
            raise dg.Failure(
                f"{asset.key} is not built from inputs that have not passed their blocking checks: {unsound}; "
                "mend that and build them again first",
                allow_retries=False,
            )
    # The release rests on these bytes. Of what it does not rest on, `customs verify` reads every byte.
    if asset.withdraws_release and (altered := [r.name for r in inputs if lake.checksum(r) != r.sha256]):
        raise dg.Failure(
            f"{asset.key} is not built from files that were altered after they were judged: {', '.join(altered)}; run "
            "`customs verify`, then `customs run`",
            allow_retries=False,
        )


def _partitions_seen(step: StepExecutionContext, key: str) -> list[str]:
    names = (name.partition("|") for name in _INPUTS[step.run_id, step.step.key])
    return [partition for asset, _, partition in names if asset == key]


def _still(lake: Lake, inputs: Mapping[str, str]) -> dict[str, str]:
    """The inputs that a step noted, with no checksum where one was replaced meanwhile: nobody knows which of the two it read."""
    return {
        name: checksum if (now := lake.record(*name.split("|", 1))) is not None and now.sha256 == checksum else ""
        for name, checksum in inputs.items()
    }


def _origin_of(lake: Lake, inputs: Mapping[str, str]) -> str:
    """The source of what a month is built from; empty where its inputs come from several."""
    records = [lake.last_record(*name.split("|", 1)) for name in inputs]
    origins = {record.origin for record in records if record is not None and record.origin}
    return origins.pop() if len(origins) == 1 else ""


def _as_published(context: dg.OutputContext, settings: Settings, lake: Lake, month: str) -> bytes | None:
    """The file that is kept of a published month, where this output is one."""
    if not _text(context, AS_PUBLISHED):
        return None
    return Frozen.of(settings, lake).rows_file(month)


def _text(context: dg.OutputContext, name: str) -> str:
    value = context.output_metadata.get(name)
    return value.value or "" if isinstance(value, dg.TextMetadataValue) else ""


def _digests_read(context: dg.OutputContext) -> dict[str, str]:
    value = context.output_metadata.get(DIGESTS_READ)
    return dict(value.value or {}) if isinstance(value, dg.JsonMetadataValue) else {}  # pyright: ignore[reportArgumentType, reportCallIssue]
