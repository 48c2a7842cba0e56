"""The assets of the deep attacks: the most exposed importers, one shadow after the other, and what attacks find in them."""

from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from customs_assets.claims import as_table, from_json
from customs_assets.disclosure.population import Population, months_of_population
from customs_assets.graph import made_with, needs
from customs_assets.lake.io_manager import Partitions
from customs_assets.law.law import Law
from customs_assets.privacy.shadows import measure
from customs_assets.privacy.shadows.exposed import Exposed, most_exposed
from customs_assets.privacy.shadows.shadow import VERSION as SHADOW_VERSION
from customs_assets.privacy.shadows.shadow import World, epochs_of, shadow, share_of
from customs_assets.resources import JSON, OWNERS, TRAINING, Pipeline
from customs_assets.seeds import derive_seed
from customs_assets.settings import Settings, shadow_keys

shadows = dg.StaticPartitionsDefinition(shadow_keys(Settings()))  # pyright: ignore[reportCallIssue]

# What a shadow is made from of all months.
_ALL_MONTHS = ("anonymized_declarations", "population")


@dg.asset(
    group_name="privacy",
    kinds={"json", "numpy"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("1", "release_secret", "shadows", "shadow_targets", on_demand=True),
)
def exposed_importers(pipeline: Pipeline, anonymized_declarations: Partitions) -> dg.Output[dict]:
    """The importers whose declarations stand furthest from all others, and which shadows each is in."""
    settings = pipeline.settings
    source = dict(anonymized_declarations)
    found = most_exposed(source, settings.shadow_targets, settings.shadows, pipeline.secret)
    metadata: dict[str, Any] = {"targets": len(found.importers), "declarations": sum(found.declarations)}
    return dg.Output(found.as_json(), metadata=metadata)


@dg.asset(
    partitions_def=shadows,
    group_name="privacy",
    kinds={"json", "numpy"},
    owners=OWNERS,
    pool=TRAINING,
    op_tags=needs(gigabytes=2),
    io_manager_key=JSON,
    ins={key: dg.AssetIn(partition_mapping=dg.AllPartitionMapping()) for key in _ALL_MONTHS},
    **made_with(
        SHADOW_VERSION,
        *("release_secret", "min_group", "dominance_one", "dominance_two", "price", "synthesizer", "epochs"),
        *("shadows", "shadow_rows", "shadow_epochs", "rows"),
        on_demand=True,
    ),
)
def shadow_scores(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    exposed_importers: dict,
    anonymized_declarations: Partitions,
    population: Partitions,
    tariff: pa.Table,
    tariff_routes: pa.Table,
    confidential_trade: pd.DataFrame,
) -> dg.Output[dict]:
    """One shadow: the synthesis on a world with half of the most exposed importers, and each one's scores in it."""
    settings = pipeline.settings
    by_month = months_of_population(population.lake, population)
    world = World(
        dict(anonymized_declarations),
        Population.of(population.lake, list(population)),
        by_month,
        Law.of(tariff, tariff_routes),
        confidential_trade,
    )
    share = share_of(world.rows, settings)
    context.log.info(f"a shadow on {share:.0%} of the importers, {epochs_of(settings)} epochs a month")
    place = shadow_keys(settings).index(context.partition_key)
    found = shadow(world, Exposed.from_json(exposed_importers), place, settings, pipeline.secret)
    metadata: dict[str, Any] = {name: found[name] for name in ("rows", "importers", "epochs", "share", "made")}
    return dg.Output(found, metadata={**metadata, "reason": found["reason"] or "none"})


@dg.asset(
    group_name="privacy",
    kinds={"json", "numpy"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with(measure.VERSION, "release_secret", on_demand=True),
)
def deep_attacks(
    pipeline: Pipeline,
    exposed_importers: dict,
    shadow_scores: Partitions,
    anonymized_declarations: Partitions,
    synthetic_declarations: Partitions,
) -> dg.Output[dict]:
    """How often somebody who can run the pipeline tells that one of the most exposed importers was in it."""
    lake = pipeline.lake
    records = [
        lake.record(months.asset, month)
        for months in (anonymized_declarations, synthetic_declarations)
        for month in months
    ]
    targets = Exposed.from_json(exposed_importers)
    rows = sum(
        record.rows or 0 for record in records if record is not None and record.asset == "anonymized_declarations"
    )
    seed = derive_seed(pipeline.secret, measure.ASSET)
    found = measure.deep_attacks(targets, [shadow_scores[key] for key in shadow_scores], rows, seed)
    # The record has the checksums of everything that this was made from. A reader of the document alone sees these.
    found["made_of"] = {record.name: record.sha256 for record in records if record is not None}
    claims = from_json(found["claims"])
    metadata: dict[str, Any] = {
        "claims": dg.MetadataValue.md(as_table(claims)),
        "failing": ", ".join(claim.title for claim in claims if claim.holds is False) or "none",
        "targets": found["targets"],
        "shadows": found["shadows"],
    }
    return dg.Output(found, metadata=metadata)
