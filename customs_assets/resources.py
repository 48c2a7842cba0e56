"""What assets share: the resource that holds settings, lake and secret, and the metadata of a table."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.lake import Lake, UnnamedTable
from customs_assets.lake.frozen import Frozen
from customs_assets.published import redraw_number
from customs_assets.secret_files import release_secret
from customs_assets.settings import Settings

OWNERS = ["team:customs-data"]

# The pool of what takes a core for minutes; its limit is set in dagster.yaml.
TRAINING = "training"

# IO managers by what they store.
PARQUET, JSON, SAFETENSORS, HTML, FOLDER = "parquet_io", "json_io", "safetensors_io", "html_io", "folder_io"


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
        """What every draw after anonymization derives from: the release secret, created on first use; another one if published
        months are drawn anew."""
        settings = self.settings
        secret = release_secret(settings.release_secret).obtain(settings.lake)
        number = redraw_number(settings)
        return hmac.new(secret, f"redraw {number}".encode(), hashlib.sha256).digest() if number else secret

    @property
    def frozen(self) -> Frozen:
        """The published months of the source, as they were published; none if they are drawn anew."""
        settings = self.settings
        return Frozen.of(settings, self.lake)


def table_metadata(
    table: pd.DataFrame | pa.Table | UnnamedTable, descriptions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Row count and column schema of a table, as Dagster's UI shows them."""
    is_frame = isinstance(table, pd.DataFrame)
    schema = pa.Schema.from_pandas(table, preserve_index=False) if is_frame else table.schema
    columns = [dg.TableColumn(f.name, str(f.type), description=(descriptions or {}).get(f.name)) for f in schema]
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }
