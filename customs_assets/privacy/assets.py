"""The assets of privacy: the rehearsal, a month's privacy report, and the attacks over all months."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import as_table, from_json
from customs_assets.fidelity.claims import Tables
from customs_assets.graph import made_with
from customs_assets.lake.io_manager import Partitions
from customs_assets.partitions import months
from customs_assets.privacy.claims import month_privacy, privacy
from customs_assets.privacy.gate import PRIVACY_VERSION
from customs_assets.privacy.rehearsal import Rehearsal, epochs_of, rehearsed
from customs_assets.resources import JSON, OWNERS, PARQUET, TRAINING, Pipeline, table_metadata
from customs_assets.seeds import derive_seed


@dg.asset(
    group_name="privacy",
    kinds={"parquet", "numpy"},
    owners=OWNERS,
    pool=TRAINING,
    io_manager_key=PARQUET,
    **made_with("4", "release_secret", "min_group", "price", "epochs", "rehearsal_epochs", withdraws_release=True),
)
def rehearsed_declarations(
    context: dg.AssetExecutionContext, pipeline: Pipeline, anonymized_declarations: Partitions
) -> dg.Output[pa.Table]:
    """The whole synthesis once more on half of the importers. Attacks are measured on it. It is not released."""
    settings = pipeline.settings
    context.log.info(
        f"rehearsing {len(anonymized_declarations)} months on half of the importers, {epochs_of(settings)} CTGAN epochs each"
    )
    table = rehearsed(dict(anonymized_declarations), settings, pipeline.secret)
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    metadata = {name: metadata[name] for name in ("epochs", "reason") if name in metadata}
    return dg.Output(table, metadata={**table_metadata(table), "months": len(anonymized_declarations), **metadata})


@dg.asset(
    partitions_def=months,
    group_name="privacy",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("2"),
)
def privacy_report(anonymized_declarations: pd.DataFrame, synthetic_declarations: pd.DataFrame) -> dg.Output[dict]:
    """How many of the month's synthetic rows repeat a source row, and how near the others come."""
    report = month_privacy(anonymized_declarations, synthetic_declarations)
    return dg.Output(report, metadata=claims_metadata(report))


@dg.asset(
    group_name="privacy",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with(PRIVACY_VERSION, "release_secret", "min_group", withdraws_release=True),
)
def release_privacy(
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
    rehearsed_declarations: pa.Table,
) -> dg.Output[dict]:
    """The k rule over all months, and attacks on a rehearsal without half of the importers."""
    by_month = dict(anonymized_declarations)
    source = pd.concat(by_month.values(), ignore_index=True)
    rehearsal = Rehearsal.of(rehearsed_declarations, by_month, pipeline.secret)
    tables = Tables(synthetic_declarations.together(), source, derive_seed(pipeline.secret, "release_privacy"))
    claims = privacy(tables, pipeline.settings.min_group, rehearsal)
    return dg.Output(claims, metadata={**claims_metadata(claims), "trained_on": claims["trained_on"]})


def claims_metadata(document: dict) -> dict[str, Any]:
    """The claims of a document as a table, and the failing ones, for Dagster's UI."""
    claims = from_json(document["claims"])
    return {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
    }
