"""The assets of privacy: the rehearsal, a month's privacy report, and the attacks over all months."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import as_table, from_json
from customs_assets.disclosure.account import parts_account
from customs_assets.disclosure.dominance import Dominance
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.fidelity.claims import Tables
from customs_assets.graph import DRAWN_BY, made_with, needs, setting_texts
from customs_assets.lake import to_frame
from customs_assets.lake.io_manager import Partitions
from customs_assets.law.law import Law
from customs_assets.months import months_of
from customs_assets.partitions import months
from customs_assets.privacy.claims import Disclosure, month_privacy, privacy
from customs_assets.privacy.gate import MONTH_VERSION, PRIVACY_VERSION, REHEARSAL_VERSION, accepted_claims
from customs_assets.privacy.redrawn import months_drawn_again
from customs_assets.privacy.rehearsal import Rehearsal, Succession, epochs_of, rehearsed, stated_reason
from customs_assets.published import register_of, source_name
from customs_assets.resources import JSON, OWNERS, PARQUET, TRAINING, Pipeline, table_metadata
from customs_assets.seeds import derive_seed


@dg.asset(
    group_name="privacy",
    kinds={"parquet", "numpy"},
    owners=OWNERS,
    pool=TRAINING,
    op_tags=needs(gigabytes=3),
    io_manager_key=PARQUET,
    **made_with(
        REHEARSAL_VERSION,
        "release_secret",
        "min_group",
        "dominance_one",
        "dominance_two",
        "price",
        "synthesizer",
        "epochs",
        "rehearsal_epochs",
        "rows",
        withdraws_release=True,
    ),
)
def rehearsed_declarations(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    population: Partitions,
    tariff: pa.Table,
    tariff_routes: pa.Table,
    confidential_trade: pd.DataFrame,
) -> dg.Output[pa.Table]:
    """The whole synthesis once more on half of the importers. Attacks are measured on it. It is not released."""
    settings = pipeline.settings
    context.log.info(
        f"rehearsing {len(anonymized_declarations)} months on half of the importers, {epochs_of(settings)} epochs each"
    )
    everyone = Population.of(population.lake, list(population))
    law = Law.of(tariff, tariff_routes)
    table = rehearsed(
        dict(anonymized_declarations),
        everyone,
        law,
        settings,
        pipeline.secret,
        confidential_trade,
        months_of_population(population.lake, population),
        _succession(pipeline, list(anonymized_declarations)),
    )
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    metadata = {name: metadata[name] for name in ("epochs", "reason") if name in metadata}
    return dg.Output(table, metadata={**table_metadata(table), "months": len(anonymized_declarations), **metadata})


@dg.asset(
    partitions_def=months,
    group_name="privacy",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with(MONTH_VERSION),
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
    op_tags=needs(gigabytes=3),
    **made_with(
        PRIVACY_VERSION,
        *("release_secret", "min_group", "dominance_one", "dominance_two", "release_despite"),
        withdraws_release=True,
    ),
)
def release_privacy(
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
    rehearsed_declarations: pa.Table,
    population: Partitions,
    safe_parts: pd.DataFrame,
    disclosed_tuples: pd.DataFrame,
    confidential_trade: pd.DataFrame,
) -> dg.Output[dict]:
    """The k rule over all months, and attacks on a rehearsal without half of the importers."""
    settings = pipeline.settings
    by_month = dict(anonymized_declarations)
    source = pd.concat(by_month.values(), ignore_index=True)
    rehearsal = Rehearsal.of(rehearsed_declarations, by_month, pipeline.secret)
    if isinstance(rehearsal, Rehearsal):
        each_month = months_of_population(population.lake, population)
        rehearsal = rehearsal.beside(Population.of(population.lake, each_month), each_month, pipeline.secret)
    tables = Tables(synthetic_declarations.together(), source, derive_seed(pipeline.secret, "release_privacy"))
    paths = [population.lake.sql_path("population", month) for month in population]
    dominance = Dominance(settings.dominance_one, settings.dominance_two)
    account = parts_account(
        paths, source, disclosed_tuples, safe_parts, settings.min_group, dominance, confidential_trade
    )
    published = pipeline.frozen.earlier(list(synthetic_declarations))
    disclosure, drawn_again = Disclosure(disclosed_tuples, account), _drawn_again(pipeline, synthetic_declarations)
    found = privacy(tables, settings.min_group, rehearsal, disclosure, published, drawn_again)
    found["despite"] = accepted_claims(from_json(found["claims"]), settings.release_despite)
    return dg.Output(found, metadata={**claims_metadata(found), "trained_on": found["trained_on"]})


def _drawn_again(pipeline: Pipeline, synthetic: Partitions) -> list[str]:
    """The published months of this release in another draw; also where that was asked for: no attack counts all draws yet."""
    settings, lake = pipeline.settings, synthetic.lake
    register = register_of(settings)
    raw, rows = (
        {month: record.sha256 for month in synthetic if (record := lake.last_record(asset, month)) is not None}
        for asset in ("raw_declarations", "synthetic_declarations")
    )
    return months_drawn_again(register, source_name(settings), raw, rows)


def _succession(pipeline: Pipeline, months: Sequence[str]) -> Succession | None:
    """What was published before; with the rehearsed rows of then, where they were drawn from the present secret."""
    frozen, drawn_by = pipeline.frozen, setting_texts((DRAWN_BY,), pipeline.settings)[DRAWN_BY]
    published = [month for month in months if month in frozen]
    if not published:
        return None
    kept = None
    if {frozen.months[month].draw for month in published} == {drawn_by}:
        table = frozen.rehearsed()
        rows = to_frame(table) if stated_reason(table) is None and table.num_rows else pd.DataFrame({"date": []})
        of_published = rows[months_of(pd.to_datetime(rows["date"])).isin(published).to_numpy()]
        kept = None if of_published.empty else of_published.reset_index(drop=True)
    return Succession(tuple(frozen.earlier(months)), kept)


def claims_metadata(document: dict) -> dict[str, Any]:
    """The claims of a document as a table, and the failing ones, for Dagster's UI."""
    claims = from_json(document["claims"])
    return {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
    }
