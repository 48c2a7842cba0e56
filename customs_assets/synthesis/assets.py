"""The assets of synthesis: a month's model and synthetic rows, and what the months share."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.declaration import IDENTITIES, RELEASED
from customs_assets.disclosure.extension import Published
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.figures import loss_curve
from customs_assets.figures import metadata as figure_metadata
from customs_assets.frame_types import FRAME_TYPES
from customs_assets.generator.checkpoint import from_bytes, to_bytes
from customs_assets.graph import made_with, needs
from customs_assets.lake.frozen import Frozen
from customs_assets.lake.io_manager import AS_PUBLISHED, Partitions
from customs_assets.lake.told_apart import as_named_in
from customs_assets.partitions import months
from customs_assets.resources import JSON, OWNERS, PARQUET, SAFETENSORS, TRAINING, Pipeline, table_metadata
from customs_assets.synthesis.fraud_propensity import FraudPropensity, OfOneKind
from customs_assets.synthesis.month import AllMonths, synthesize_month
from customs_assets.synthesis.releasable import Disclosed
from customs_assets.synthesis.steps import compose_identities, fit_model, fit_propensity, parties_of

# How many lines of progress a training writes to its run's log.
_PROGRESS_LINES = 20


@dg.asset(
    partitions_def=months,
    group_name="synthesis",
    kinds={"numpy"},
    owners=OWNERS,
    pool=TRAINING,
    op_tags=needs(gigabytes=2),
    io_manager_key=SAFETENSORS,
    **made_with("4", "release_secret", "synthesizer", "epochs", "min_group"),
)
def ctgan_model(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
) -> dg.Output[bytes]:
    """The month's model, a CTGAN if not set otherwise: safetensors weights with a JSON description, no pickle."""
    settings = pipeline.settings
    every = max(settings.epochs // _PROGRESS_LINES, 1)

    def report(losses: Any) -> None:
        if losses.epoch % every == every - 1 or losses.epoch == settings.epochs - 1:
            found = {name.replace("_", " "): value for name, value in asdict(losses).items() if name != "epoch"}
            said = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
            context.log.info(f"epoch {losses.epoch + 1}/{settings.epochs}: {said}")

    model = fit_model(
        anonymized_declarations,
        unit_prices,
        month=context.partition_key,
        min_group=settings.min_group,
        epochs=settings.epochs,
        root=pipeline.secret,
        synthesizer=settings.synthesizer,
        progress=report,
    )
    figures = {"losses": loss_curve(model.loss_values)} if len(model.loss_values) else {}
    metadata: dict[str, Any] = {
        **figure_metadata(context, figures),
        "synthesizer": settings.synthesizer,
        "device": model.device,
        "epochs": settings.epochs,
        "rows": len(anonymized_declarations),
    }
    return dg.Output(to_bytes(model), metadata=metadata)


@dg.asset(
    group_name="disclosure",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("5", "min_group"),
)
def safe_groups(pipeline: Pipeline, anonymized_declarations: Partitions) -> dg.Output[pd.DataFrame]:
    """What may be shown as it is: the goods, masses, unit prices and codes of the form of at least k importers."""
    groups = count_safe_groups(anonymized_declarations.lake, list(anonymized_declarations), pipeline.settings.min_group)
    kinds = groups.groupby("kind").agg(groups=("importers", "size"), declarations=("declarations", "sum"))
    metadata: dict[str, Any] = {
        **table_metadata(groups),
        "months": len(anonymized_declarations),
        "smallest_group": int(groups["importers"].min()) if len(groups) else 0,
        "by_kind": dg.MetadataValue.md(kinds.to_markdown()),
    }
    return dg.Output(groups, metadata=metadata)


@dg.asset(
    group_name="disclosure",
    kinds={"parquet", "pandas"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    **made_with("10", "release_secret", "min_group"),
)
def composed_identities(
    pipeline: Pipeline, anonymized_declarations: Partitions, safe_groups: pd.DataFrame, disclosed_tuples: pd.DataFrame
) -> dg.Output[pd.DataFrame]:
    """Slots: new importers, sellers, declarants and couriers, each from many of the source's, and the goods that they trade."""
    source, published = dict(anonymized_declarations), _published(pipeline.frozen, dict(anonymized_declarations))
    composed = compose_identities(
        source,
        Disclosed(SafeGroups(safe_groups), disclosed_tuples),
        min_group=pipeline.settings.min_group,
        root=pipeline.secret,
        published=published,
    )
    if published is not None:
        composed = pd.concat([_still_declared(published.slots, source), composed], ignore_index=True)
    metadata: dict[str, Any] = {
        **table_metadata(composed),
        **{f"distinct {role}": int(composed[role].nunique()) for role in IDENTITIES},
    }
    return dg.Output(composed, metadata=metadata)


@dg.asset(
    group_name="synthesis",
    kinds={"json"},
    owners=OWNERS,
    io_manager_key=JSON,
    **made_with("20", "release_secret", "min_group"),
)
def fraud_propensity(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: Partitions,
    unit_prices: Partitions,
    safe_groups: pd.DataFrame,
    disclosed_tuples: pd.DataFrame,
) -> dg.Output[dict]:
    """How likely inspection finds fraud in a declaration: boosted trees and their rates, learned over all months."""
    source, min_group = dict(anonymized_declarations), pipeline.settings.min_group
    disclosed = Disclosed(SafeGroups(safe_groups), disclosed_tuples)
    try:
        model = fit_propensity(source, dict(unit_prices), disclosed, min_group=min_group, root=pipeline.secret)
    except OfOneKind as reason:
        # Nothing depends on anything: every synthetic declaration has the one label that there is.
        context.log.warning(f"there is no fraud model: {reason}")
        model = FraudPropensity.constant(pd.concat([rows["fraud"] for rows in source.values()]))
    metadata: dict[str, Any] = {
        "declarations": sum(map(len, source.values())),
        "classes_of_rates": len(model.rates),
        "lowest_rate": float(model.rates.min()),
        "highest_rate": float(model.rates.max()),
        "stretch_of_log_odds": model.stretch,
    }
    return dg.Output(model.as_json(), metadata=metadata)


@dg.asset(
    partitions_def=months,
    group_name="synthesis",
    kinds={"parquet", "pandas"},
    owners=OWNERS,
    io_manager_key=PARQUET,
    dagster_type=FRAME_TYPES["synthetic_declarations"],
    **made_with("16", "release_secret", "min_group", "rows", "price"),
)
def synthetic_declarations(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    ctgan_model: bytes,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    safe_groups: pd.DataFrame,
    disclosed_tuples: pd.DataFrame,
    composed_identities: pd.DataFrame,
    fraud_propensity: dict,
) -> dg.Output[pd.DataFrame]:
    """Sampled, selected, polished and labelled rows: 22 attributes, HS code cut to 6 digits, every tariff tuple lawful.

    A published month is what was published, whatever it would be made from now.
    """
    settings, frozen = pipeline.settings, pipeline.frozen
    if context.partition_key in frozen:
        return _as_published(frozen, context.partition_key)
    month = synthesize_month(
        from_bytes(ctgan_model),
        as_named_in(anonymized_declarations, context.partition_key, disclosed_tuples),
        unit_prices,
        AllMonths(
            Disclosed(SafeGroups(safe_groups), disclosed_tuples),
            composed_identities,
            FraudPropensity.from_json(fraud_propensity),
        ),
        month=context.partition_key,
        min_group=settings.min_group,
        root=pipeline.secret,
        rows=settings.rows,
        price=settings.price,
        taken_ids=frozenset(id_ for of in frozen.months for id_ in frozen.rows(of)["declaration_id"]),
    )
    metadata: dict[str, Any] = {
        **table_metadata(month.declarations, {a.name: a.description for a in RELEASED}),
        "drafts": month.drafts,
        "source_rows_that_keep": dg.MetadataValue.json(month.parts_kept),
        "codes_replaced": dg.MetadataValue.json(month.codes_replaced),
        "goods_safe_as_declared": f"{month.safe_as_declared} of {len(month.declarations)}",
        "rows_repaired": month.repaired,
        "rows_that_copy": month.copies,
        "tariff_tuples": f"{month.tuples_used} of the {month.tuples_available} that may be released of the month",
        "preview": dg.MetadataValue.md(month.declarations.head(5).to_markdown(index=False)),
    }
    return dg.Output(month.declarations, metadata=metadata)


def _as_published(frozen: Frozen, month: str) -> dg.Output[pd.DataFrame]:
    rows, entry = frozen.rows(month), frozen.months[month]
    metadata: dict[str, Any] = {
        **table_metadata(rows, {a.name: a.description for a in RELEASED}),
        AS_PUBLISHED: entry.rows,
        "published_on": entry.published_on,
    }
    return dg.Output(rows, metadata=metadata)


def _published(frozen: Frozen, source: Mapping[str, pd.DataFrame]) -> Published | None:
    """What was published of identities; None if nothing was."""
    if not frozen.months:
        return None
    slots = frozen.slots()
    return Published(frozenset(frozen.months), slots, parties_of(slots, source, frozen.goods_of()))


def _still_declared(slots: pd.DataFrame, source: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The slots whose declarations the source still has."""
    declared = pd.concat([rows["declaration_id"] for rows in source.values()])
    return slots[slots["declaration_id"].isin(declared) & slots["slot_id"].isin(declared)]
