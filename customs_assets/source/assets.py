"""The assets of the source: ``raw_declarations`` with its ``quarantine``, and ``labelled_declarations``."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.declaration import ATTRIBUTES, FORM
from customs_assets.frame_types import FRAME_TYPES
from customs_assets.graph import LEFT_OUT, SOURCE_KEY, made_with
from customs_assets.lake import to_frame
from customs_assets.lake.io_manager import ORIGIN, SOURCE_FINGERPRINT, LakeFile
from customs_assets.partitions import months
from customs_assets.resources import OWNERS, PARQUET, Pipeline, table_metadata
from customs_assets.source.accounts import account_of, with_account
from customs_assets.source.address import SourceError, source_of
from customs_assets.source.causes import why_nothing_kept
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


def _read(description: str) -> dg.AssetOut:
    return dg.AssetOut(
        io_manager_key=PARQUET,
        group_name="source",
        description=description,
        kinds={"parquet", "arrow"},
        owners=OWNERS,
        **made_with("4"),
    )


@dg.multi_asset(
    name="read_source",
    outs={
        "quarantine": _read("The month's rows that break the form, each with the reason and its place."),
        "raw_declarations": _read("The month's declarations as the source has them: labelled or not, names and all."),
    },
    deps=[SOURCE_KEY],
    partitions_def=months,
)
def read_source(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[dg.Output]:
    """Read one month from the source into the lake, and set aside the rows that break the form."""
    lake = pipeline.lake
    try:
        source = source_of(pipeline.settings)
        # Asked for after the read, it could be that of rows that came in meanwhile.
        read_from = {SOURCE_FINGERPRINT: source.fingerprint(context.partition_key), ORIGIN: source.origin}
        month = source.stream_month(context.partition_key)
        declarations = lake.write_pieces("raw_declarations", month.schema, month, context.partition_key)
    except SourceUnreachable as error:
        wait = pipeline.settings.retry_wait * _BACK_OFF**context.retry_number
        context.log.warning(f"{error}; tried again in {wait:.0f} s unless this was the last of {_TRIES} tries")
        raise dg.RetryRequested(max_retries=_TRIES - 1, seconds_to_wait=wait) from error
    except SourceError as error:
        # Bad data stays bad: trying again would not help.
        raise dg.Failure(str(error), allow_retries=False) from error
    quarantine = month.quarantine
    if month.kept == 0:
        lake.discard(declarations)
    reasons = dict(Counter(quarantine.column("reason").to_pylist()))
    yield dg.Output(
        with_account(quarantine, account_of(month, FORM)),
        "quarantine",
        metadata={**table_metadata(quarantine), **read_from, "reasons": reasons},
    )
    if month.kept == 0:
        # After the quarantine, which is kept: it says of every row why.
        sentence = why_nothing_kept(source.description, context.partition_key, month.rows_in, quarantine)
        raise dg.Failure(sentence, allow_retries=False)
    context.log.info(f"{month.rows_in} rows in, {month.kept} kept, {quarantine.num_rows} quarantined")
    for sentence in month.mends.sentences():
        context.log.info(f"mended: {sentence}")
    metadata: dict[str, Any] = {
        **table_metadata(declarations, _DESCRIPTIONS),
        **read_from,
        "source": source.description,
        "rows_in": month.rows_in,
        "rows_quarantined": quarantine.num_rows,
        "rows_inspected": month.inspected,
        "mended": month.mends.sentences(),
    }
    yield dg.Output(declarations, "raw_declarations", metadata=metadata)


@dg.asset(
    partitions_def=months,
    group_name="source",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    dagster_type=FRAME_TYPES["labelled_declarations"],
    **made_with("1"),
)
def labelled_declarations(context: dg.AssetExecutionContext, raw_declarations: LakeFile) -> dg.Output[pd.DataFrame]:
    """The inspected rows, cut to the 22 attributes of Table 1; the HS code keeps all its digits."""
    table = extract_labelled(raw_declarations.lake, raw_declarations.partition)
    if table.num_rows == 0:
        raise dg.Failure(
            f"no declaration of {context.partition_key} was inspected, so there is nothing to learn from: the month is left out",
            metadata={LEFT_OUT: True},
            allow_retries=False,
        )
    labelled = to_frame(table)
    metadata: dict[str, Any] = {
        **table_metadata(labelled, _DESCRIPTIONS),
        "share_of_fraud": float(labelled["fraud"].mean()),
        "share_of_critical_fraud": float((labelled["critical_fraud"] == 2).mean()),
    }
    return dg.Output(labelled, metadata=metadata)
