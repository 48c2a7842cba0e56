"""The assets of synthesis: ``ctgan_model`` and ``synthetic_declarations``."""

from typing import Any

import dagster as dg
import pandas as pd

from customs_assets.declaration import RELEASED
from customs_assets.pipeline import Pipeline, customs_asset, table_metadata
from customs_assets.quality.figures import as_png_markdown, loss_curve
from customs_assets.seeds import derive_seed
from customs_assets.synthesis.checkpoint import from_bytes, to_bytes
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.ctgan import CTGAN, EpochLosses
from customs_assets.synthesis.month import synthesize

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
    codec = Codec.fit(anonymized_declarations, unit_prices, settings.min_group)
    model_table = codec.encode(anonymized_declarations)
    every = max(settings.epochs // _PROGRESS_LINES, 1)

    def report(losses: EpochLosses) -> None:
        if losses.epoch % every == every - 1 or losses.epoch == settings.epochs - 1:
            context.log.info(
                f"epoch {losses.epoch + 1}/{settings.epochs}: generator loss {losses.generator_loss:.3f}, "
                f"discriminator loss {losses.discriminator_loss:.3f}"
            )

    model = CTGAN(epochs=settings.epochs, seed=derive_seed(settings.seed, "ctgan_model", context.partition_key))
    model.fit(model_table, codec.discrete_columns(model_table), progress=report)
    metadata: dict[str, Any] = {
        "losses": dg.MetadataValue.md(as_png_markdown(loss_curve(model.loss_values), "loss curve")),
        "epochs": settings.epochs,
        "rows": len(model_table),
        "width": sum(model_table[column].nunique() for column in codec.discrete_columns(model_table)),
    }
    return dg.Output(to_bytes(model), metadata=metadata)


@customs_asset
def synthetic_declarations(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    ctgan_model: bytes,
    anonymized_declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
) -> dg.Output[pd.DataFrame]:
    settings = pipeline.settings
    month = synthesize(
        from_bytes(ctgan_model),
        anonymized_declarations,
        unit_prices,
        month=context.partition_key,
        base_seed=settings.seed,
        min_group=settings.min_group,
        rows=settings.rows,
        price=settings.price,
    )
    metadata: dict[str, Any] = {
        **table_metadata(month.declarations, {a.name: a.description for a in RELEASED}),
        "rows_repaired": month.repaired,
        "rows_that_copy": month.copies,
        "tariff_tuples": f"{month.tuples_used} of the month's {month.tuples_available}",
    }
    return dg.Output(month.declarations, metadata=metadata)
