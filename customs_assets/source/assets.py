"""The assets of the source: ``raw_declarations`` with its ``quarantine``, and ``labelled_declarations``."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.catalogue import BY_KEY, SOURCE_KEY
from customs_assets.declaration import ATTRIBUTES
from customs_assets.lake import to_frame
from customs_assets.partitions import months
from customs_assets.pipeline import OWNERS, SOURCE_FINGERPRINT, Pipeline, catalogued, customs_asset, table_metadata
from customs_assets.source.address import SourceError, source_of
from customs_assets.source.labelled import extract_labelled
from customs_assets.source.reading import SourceUnreachable

# A source that is out of reach is tried this often, with waits of 15, 60 and 240 s by default: five minutes of outage.
_TRIES = 4
_BACK_OFF = 4

_DESCRIPTIONS = {a.name: a.description for a in ATTRIBUTES}


declaration_source = dg.AssetSpec(
    SOURCE_KEY,
    group_name="source",
    description="Where declarations come from: files, a database or the simulated administration (CUSTOMS_SOURCE).",
    owners=OWNERS,
)


def _output(key: str) -> dg.AssetOut:
    return dg.AssetOut(io_manager_key="lake_io", **catalogued(BY_KEY[key]))


@dg.multi_asset(
    name="read_source",
    outs={key: _output(key) for key in ("quarantine", "raw_declarations")},
    deps=[SOURCE_KEY],
    partitions_def=months,
)
def read_source(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[dg.Output]:
    """Read one month from the source, into the lake as it comes, and set aside the rows that break the form."""
    lake = pipeline.lake
    try:
        source = source_of(pipeline.settings)
        fingerprint = source.fingerprint(context.partition_key)
        month = source.stream_month(context.partition_key)
        declarations = lake.write_pieces("raw_declarations", month.schema, month, context.partition_key)
    except SourceUnreachable as error:
        wait = pipeline.settings.retry_wait * _BACK_OFF**context.retry_number
        context.log.warning(f"{error}; tried again in {wait:.0f} s unless this was the last of {_TRIES} tries")
        raise dg.RetryRequested(max_retries=_TRIES - 1, seconds_to_wait=wait) from error
    except SourceError as error:
        # Bad data stays bad: trying again would not help.
        raise dg.Failure(str(error), allow_retries=False) from error
    if month.kept == 0:
        lake.discard(declarations)
        raise dg.Failure(
            f"{source.description} has no usable declaration in {context.partition_key} "
            f"({month.rows_in} rows, all of them quarantined)",
            allow_retries=False,
        )
    quarantine = month.quarantine
    context.log.info(f"{month.rows_in} rows in, {month.kept} kept, {quarantine.num_rows} quarantined")
    reasons = dict(Counter(quarantine.column("reason").to_pylist()))
    yield dg.Output(
        quarantine.replace_schema_metadata({"rows_in": str(month.rows_in)}),
        "quarantine",
        metadata={**table_metadata(quarantine), SOURCE_FINGERPRINT: fingerprint, "reasons": reasons},
    )
    metadata: dict[str, Any] = {
        **table_metadata(declarations, _DESCRIPTIONS),
        SOURCE_FINGERPRINT: fingerprint,
        "source": source.description,
        "rows_in": month.rows_in,
        "rows_quarantined": quarantine.num_rows,
        "rows_inspected": month.inspected,
    }
    yield dg.Output(declarations, "raw_declarations", metadata=metadata)


@customs_asset
def labelled_declarations(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[pd.DataFrame]:
    month = context.partition_key
    table = extract_labelled(pipeline.lake, month)
    if table.num_rows == 0:
        raise dg.Failure(
            f"no declaration of {month} was inspected, so there is nothing to learn from", allow_retries=False
        )
    labelled = to_frame(table)
    metadata: dict[str, Any] = {
        **table_metadata(labelled, _DESCRIPTIONS),
        "share_of_fraud": float(labelled["fraud"].mean()),
        "share_of_critical_fraud": float((labelled["critical_fraud"] == 2).mean()),
    }
    return dg.Output(labelled, metadata=metadata)
