"""What the assets are defined with: the pipeline's resource, the IO manager over the lake, the decorator.

What belongs here binds the catalogue to Dagster. Storage itself is in ``lake.py``, the catalogue in ``catalogue.py``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
from dagster._core.execution.context.system import StepExecutionContext

from customs_assets.catalogue import BY_KEY, Artifact, Partitioning, inputs_of
from customs_assets.frame_types import FRAME_TYPES
from customs_assets.lake import Lake, Record, UnnamedTable
from customs_assets.partitions import DEFINITIONS
from customs_assets.provenance import months_at_hand, recorded, setting_values
from customs_assets.secret_files import release_secret
from customs_assets.settings import Settings

OWNERS = ["team:customs-data"]

# Metadata by which an asset says what its source's fingerprint was before it was read. Asked for again afterwards it could be
# that of rows that came in meanwhile.
SOURCE_FINGERPRINT = "source_fingerprint"

# By run and step: the checksums of a step's inputs before it read them, kept until its output is recorded.
_SEEN: dict[tuple[str, str], dict[str, str]] = {}


@dataclass(frozen=True)
class FolderOfFiles:
    """An artifact that is a folder: its files' contents by name."""

    files: Mapping[str, bytes]


class Pipeline(dg.ConfigurableResource):
    """The settings of the pipeline and the lake they name; read from ``CUSTOMS_*`` when an asset asks for them."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return Settings()  # pyright: ignore[reportCallIssue]

    @property
    def lake(self) -> Lake:
        """The lake that the settings name."""
        return Lake(self.settings.lake)

    @property
    def secret(self) -> bytes:
        """The release secret, which every draw after anonymization derives from; made on first use."""
        settings = self.settings
        return release_secret(settings.release_secret).obtain(settings.lake)

    def months(self, *keys: str) -> list[str]:
        """The months that the lake has of every one of some artifacts, in order.

        Raises:
            dagster.Failure: there are none.
        """
        lake = self.lake
        found = set.intersection(*(set(lake.partitions(key, BY_KEY[key].suffix)) for key in keys))
        if not found:
            raise dg.Failure(f"no month of {' and '.join(keys)} is in the lake {lake.root}; materialize one first")
        return sorted(found)


class LakeIOManager(dg.ConfigurableIOManager):
    """Writes what an asset returns into the lake, whole, with a record of what it was made from; reads it back.

    Tables (Arrow or pandas) are Parquet, lists and dictionaries JSON, bytes are written as they are, a
    :class:`FolderOfFiles` is a folder; a table that the asset streamed into the lake itself only gets its name. Inputs
    annotated as pandas frames or Arrow tables are read from Parquet, ``bytes`` as they are, everything else as JSON.
    """

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write one partition and its record."""
        artifact, partition = BY_KEY[context.asset_key.to_user_string()], _partition(context)
        settings = Settings()  # pyright: ignore[reportCallIssue]
        lake = Lake(settings.lake)
        checksum = _write(lake, artifact, partition, obj)
        path = lake.path(artifact.key, partition, artifact.suffix)
        lake.save_record(
            Record(
                asset=artifact.key,
                partition=partition,
                path=path[len(lake.root) :].lstrip("/"),
                code_version=artifact.code_version,
                sha256=checksum,
                settings=setting_values(artifact, partition, settings, _source_fingerprint(context)),
                inputs=_still(lake, _SEEN.pop((context.run_id, context.step_key), {})),
                rows=len(obj) if isinstance(obj, pa.Table | pd.DataFrame | UnnamedTable) else None,
            )
        )
        context.add_output_metadata({"path": dg.MetadataValue.path(path), "sha256": checksum})

    def load_input(self, context: dg.InputContext) -> Any:
        """Read one partition as the type that the asset's parameter is annotated with."""
        _begin(context.step_context)
        artifact = BY_KEY[context.asset_key.to_user_string()]
        partition = context.asset_partition_key if context.has_asset_partitions else ""
        lake = Lake(Settings().lake)  # pyright: ignore[reportCallIssue]
        if artifact.suffix == "parquet":
            wants_arrow = context.dagster_type.typing_type is pa.Table
            return lake.read_table(artifact.key, partition) if wants_arrow else lake.read_frame(artifact.key, partition)
        if artifact.suffix == "json":
            return lake.read_json(artifact.key, partition)
        return lake.read_bytes(lake.path(artifact.key, partition, artifact.suffix))


def _still(lake: Lake, seen: Mapping[str, str]) -> dict[str, str]:
    """The inputs that a step saw before it read them, with no checksum where one was made again meanwhile.

    Which of the two the step read nobody knows: what was made is out of date, and no measure of either speaks for it.
    """
    return {
        name: checksum if (now := lake.record(*name.split("|", 1))) is not None and now.sha256 == checksum else ""
        for name, checksum in seen.items()
    }


def _write(lake: Lake, artifact: Artifact, partition: str, content: Any) -> str:
    match content:
        case UnnamedTable():
            return lake.give_name(content)
        case pa.Table() | pd.DataFrame():
            return lake.write_table(artifact.key, content, partition)
        case FolderOfFiles():
            return lake.write_folder(artifact.key, content.files)
        case bytes():
            return lake.write_bytes(lake.path(artifact.key, partition, artifact.suffix), content)
        case list() | dict():
            return lake.write_json(artifact.key, content, partition)
        case _:
            raise TypeError(f"{artifact.key} returned a {type(content).__name__}, which the lake does not store")


def _partition(context: dg.OutputContext) -> str:
    return context.asset_partition_key if context.has_asset_partitions else ""


def _source_fingerprint(context: dg.OutputContext) -> str | None:
    said = context.output_metadata.get(SOURCE_FINGERPRINT)
    return said.value if isinstance(said, dg.TextMetadataValue) else None


def _begin(step: StepExecutionContext) -> None:
    """Begin a step before it reads anything: withdraw what may not outlast it, look at its inputs, remember their bytes.

    Whatever becomes of the step then, whether it ends, fails or is killed, what it withdraws (``Artifact.withdraws``) no longer
    stands.

    An input that is made again while the step works on the old one, or a month that comes in meanwhile, is then another than
    recorded, and the step's artifact is made again at the next run rather than taken for up to date.

    Raises:
        dagster.Failure: an error-level expectation of an input did not hold. Within a run Dagster sees to that itself; a later
            run, as of a backfill through several stages or of a job launched by hand, would go by the file being there.
    """
    place = step.run_id, step.step.key
    artifact = BY_KEY.get(step.op.name)
    if artifact is None or place in _SEEN:
        return
    lake = Lake(Settings().lake)  # pyright: ignore[reportCallIssue]
    if artifact.withdraws:
        lake.withdraw(artifact.withdraws)
    partition = step.partition_key if step.has_partition_key else ""
    months = [partition] if artifact.partitioning is Partitioning.MONTH else months_at_hand(lake, artifact)
    inputs = recorded(lake, inputs_of(artifact, partition, months))
    broken = {name: ", ".join(checks) for name, record in inputs.items() if (checks := lake.broken(record))}
    if broken and not artifact.is_gate:
        said = "; ".join(f"{name.replace('|', ' ').strip()} ({checks})" for name, checks in broken.items())
        raise dg.Failure(
            f"{artifact.key} is not made from what did not hold its expectations: {said}; mend that and make it again first",
            allow_retries=False,
        )
    _SEEN[place] = {name: record.sha256 for name, record in inputs.items()}


def customs_asset(function: Callable[..., Any]) -> dg.AssetsDefinition:
    """Make the asset that the catalogue lists under the function's name.

    An upstream artifact that the function has a parameter for is loaded; every other one is a dependency alone.
    """
    artifact = BY_KEY[function.__name__]
    loaded = set(inspect.signature(function).parameters)

    @functools.wraps(function)
    def made(*given: Any, **named: Any) -> Any:
        _begin(dg.AssetExecutionContext.get().get_step_execution_context())
        return function(*given, **named)

    return dg.asset(
        **catalogued(artifact),
        io_manager_key="lake_io",
        deps=[_dependency(artifact, key) for key in artifact.upstream if key not in loaded],
        partitions_def=DEFINITIONS[artifact.partitioning],
        pool=artifact.pool or None,
        dagster_type=FRAME_TYPES.get(artifact.key),
    )(made)


def _dependency(artifact: Artifact, key: str) -> dg.AssetDep:
    """A dependency on the same partition where both are cut alike, on all partitions where they are not."""
    alike = BY_KEY[key].partitioning is artifact.partitioning
    return dg.AssetDep(key, partition_mapping=None if alike else dg.AllPartitionMapping())


def catalogued(artifact: Artifact) -> dict[str, Any]:
    """The arguments that an asset, or an output of several, takes from the catalogue."""
    return {
        "group_name": artifact.group,
        "description": artifact.description,
        "code_version": artifact.code_version,
        "kinds": set(artifact.kinds),
        "owners": OWNERS,
    }


def table_metadata(
    table: pd.DataFrame | pa.Table | UnnamedTable, descriptions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Row count and column schema of a table, as Dagster's UI shows them."""
    is_frame = isinstance(table, pd.DataFrame)
    schema = pa.Schema.from_pandas(table, preserve_index=False) if is_frame else table.schema
    said = descriptions or {}
    columns = [dg.TableColumn(f.name, str(f.type), description=said.get(f.name)) for f in schema]
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }
