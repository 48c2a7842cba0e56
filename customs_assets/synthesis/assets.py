"""The assets of synthesis: a month's model and synthetic rows, what the months share, and the rehearsal."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.declaration import IDENTITIES, RELEASED
from customs_assets.disclosure.safe_groups import SafeGroups, count_safe_groups
from customs_assets.fidelity.figures import as_png_markdown, loss_curve
from customs_assets.generator.checkpoint import from_bytes, to_bytes
from customs_assets.generator.ctgan import EpochLosses
from customs_assets.pipeline import Pipeline, customs_asset, table_metadata
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.month import AllMonths, synthesize_month
from customs_assets.synthesis.steps import compose_identities, fit_model, fit_propensity

# How many lines of progress a training writes to its run's log.
_PROGRESS_LINES = 20


@customs_asset
def ctgan_model(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
) -> dg.Output[bytes]:
    settings = pipeline.settings
    every = max(settings.epochs // _PROGRESS_LINES, 1)

    def report(losses: EpochLosses) -> None:
        if losses.epoch % every == every - 1 or losses.epoch == settings.epochs - 1:
            context.log.info(
                f"epoch {losses.epoch + 1}/{settings.epochs}: generator loss {losses.generator_loss:.3f}, "
                f"discriminator loss {losses.discriminator_loss:.3f}"
            )

    model = fit_model(
        anonymized_declarations,
        unit_prices,
        month=context.partition_key,
        min_group=settings.min_group,
        epochs=settings.epochs,
        root=pipeline.secret,
        progress=report,
    )
    metadata: dict[str, Any] = {
        "losses": dg.MetadataValue.md(as_png_markdown(loss_curve(model.loss_values), "loss curve")),
        "epochs": settings.epochs,
        "rows": len(anonymized_declarations),
        "width": model.condition_width,
    }
    return dg.Output(to_bytes(model), metadata=metadata)


@customs_asset
def safe_groups(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.Output[pd.DataFrame]:
    months = pipeline.months("anonymized_declarations")
    groups = count_safe_groups(pipeline.lake, months, pipeline.settings.min_group)
    kinds = groups.groupby("kind").agg(groups=("importers", "size"), declarations=("declarations", "sum"))
    metadata: dict[str, Any] = {
        **table_metadata(groups),
        "months": len(months),
        "smallest_group": int(groups["importers"].min()) if len(groups) else 0,
        "by_kind": dg.MetadataValue.md(kinds.to_markdown()),
    }
    return dg.Output(groups, metadata=metadata)


@customs_asset
def composed_identities(
    context: dg.AssetExecutionContext, pipeline: Pipeline, safe_groups: pd.DataFrame
) -> dg.Output[pd.DataFrame]:
    source = {
        month: pipeline.lake.read_frame("anonymized_declarations", month)
        for month in pipeline.months("anonymized_declarations")
    }
    composed = compose_identities(
        source, SafeGroups(safe_groups), min_group=pipeline.settings.min_group, root=pipeline.secret
    )
    metadata: dict[str, Any] = {
        **table_metadata(composed),
        **{f"distinct {role}": int(composed[role].nunique()) for role in IDENTITIES},
    }
    return dg.Output(composed, metadata=metadata)


@customs_asset
def fraud_propensity(
    context: dg.AssetExecutionContext, pipeline: Pipeline, safe_groups: pd.DataFrame
) -> dg.Output[dict]:
    settings, lake = pipeline.settings, pipeline.lake
    months = pipeline.months("anonymized_declarations", "unit_prices")
    source, prices = (
        {month: lake.read_frame(asset, month) for month in months}
        for asset in ("anonymized_declarations", "unit_prices")
    )
    model = fit_propensity(source, prices, SafeGroups(safe_groups), min_group=settings.min_group, root=pipeline.secret)
    metadata: dict[str, Any] = {
        "declarations": sum(map(len, source.values())),
        "classes_of_rates": len(model.rates),
        "lowest_rate": float(model.rates.min()),
        "highest_rate": float(model.rates.max()),
        "stretch_of_log_odds": model.stretch,
    }
    return dg.Output(model.as_json(), metadata=metadata)


@customs_asset
def synthetic_declarations(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    ctgan_model: bytes,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    safe_groups: pd.DataFrame,
    composed_identities: pd.DataFrame,
    fraud_propensity: dict,
) -> dg.Output[pd.DataFrame]:
    settings = pipeline.settings
    month = synthesize_month(
        from_bytes(ctgan_model),
        anonymized_declarations,
        unit_prices,
        AllMonths(SafeGroups(safe_groups), composed_identities, FraudPropensity.from_json(fraud_propensity)),
        month=context.partition_key,
        min_group=settings.min_group,
        root=pipeline.secret,
        rows=settings.rows,
        price=settings.price,
    )
    generalized = sum(month.tuples_replaced.values())
    metadata: dict[str, Any] = {
        **table_metadata(month.declarations, {a.name: a.description for a in RELEASED}),
        "drafts": month.drafts,
        "source_rows_generalized": f"{generalized} of {len(anonymized_declarations)}",
        "generalized_by": dg.MetadataValue.json(month.tuples_replaced),
        "codes_replaced": dg.MetadataValue.json(month.codes_replaced),
        "goods_shown_whole": f"{month.safe_as_declared} of {len(month.declarations)}",
        "rows_repaired": month.repaired,
        "rows_that_copy": month.copies,
        "tariff_tuples": f"{month.tuples_used} of the {month.tuples_available} that may be released of the month",
        "preview": dg.MetadataValue.md(month.declarations.head(5).to_markdown(index=False)),
    }
    return dg.Output(month.declarations, metadata=metadata)
