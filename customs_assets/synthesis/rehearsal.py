"""The rehearsal: the whole synthesis on half of the importers, so that attacks have somebody to be compared with.

Whether a synthetic row gives away who it was made from can only be told beside rows that it was not made from. The release is
made from all of the source; so the same steps, with the same settings, are gone through once more on the importers of the
training half alone. What belongs here is the order of those steps over all months, and the table that is left of them; what is
made of the rehearsed rows is the privacy report's work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.declaration import RELEASED_NAMES
from customs_assets.lake import Lake, to_arrow, to_frame
from customs_assets.quality.references import in_control
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.identities import compose
from customs_assets.synthesis.month import Shared, fitted_propensity, generalized_month, synthesize
from customs_assets.synthesis.safe_groups import SafeGroups, count_safe_groups

ASSET = "rehearsal"

# Metadata of the table.
_EPOCHS, _REASON = "epochs", "reason"


@dataclass(frozen=True)
class Rehearsal:
    """What was rehearsed.

    Attributes:
        synthetic: synthetic rows, made from ``training`` alone.
        training: the source's rows of the importers of the training half.
        control: the source's rows of all other importers.
        epochs: CTGAN epochs for each month.
    """

    synthetic: pd.DataFrame
    training: pd.DataFrame
    control: pd.DataFrame
    epochs: int

    @classmethod
    def of(cls, table: pa.Table, source: pd.DataFrame, root: Root) -> Rehearsal | str:
        """The rehearsal that a table holds, beside the two halves of the source; or why there is none.

        Args:
            table: as :func:`rehearsed` or :func:`not_rehearsed` gives it.
            source: the anonymized declarations of all its months, in their order.
            root: what the release's draws derive from, as the rehearsal had it.
        """
        said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if _REASON in said:
            return said[_REASON]
        training, control = halves_of(source, root)
        return cls(to_frame(table), training, control, int(said[_EPOCHS]))


def rehearsed(source: Mapping[str, pd.DataFrame], settings: Settings, root: Root) -> pa.Table:
    """The rehearsal as the lake keeps it: the synthetic rows of all months, in the metadata the ``epochs`` of each.

    Args:
        source: the anonymized declarations by month.
        settings: those of the run; ``k``, form of the price and epochs are used.
        root: what the release's draws derive from; the rehearsal's own derive from it by another purpose.

    Returns:
        The columns of ``RELEASED``. Where there is no rehearsal, no row, and in the metadata the ``reason``.
    """
    epochs = epochs_of(settings)
    try:
        made = rehearse(source, settings, epochs, root)
    except ValueError as error:
        return not_rehearsed(str(error))
    return to_arrow(made).replace_schema_metadata({_EPOCHS: str(epochs)})


def not_rehearsed(reason: str) -> pa.Table:
    """The table of a rehearsal that could not be: no rows, and why."""
    return pa.table({name: pa.array([], pa.string()) for name in RELEASED_NAMES}).replace_schema_metadata(
        {_REASON: reason}
    )


def epochs_of(settings: Settings) -> int:
    """CTGAN epochs for each month of the rehearsal: what is set, or a tenth of the release's."""
    return settings.rehearsal_epochs or max(settings.epochs // 10, 1)


def halves_of(source: pd.DataFrame, root: Root) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the importers that the rehearsal is made from, and those of all others; either may be empty."""
    held_out = in_control(source["importer_id"], derive_seed(root, ASSET, purpose="halves"))
    return source.loc[~held_out].reset_index(drop=True), source.loc[held_out].reset_index(drop=True)


def rehearse(source: Mapping[str, pd.DataFrame], settings: Settings, epochs: int, root: Root) -> pd.DataFrame:
    """Synthesize every month from the importers of the training half.

    Args:
        source: the anonymized declarations by month.
        settings: those of the run; ``k`` and form of the price are used.
        epochs: CTGAN epochs for each month.
        root: what the release's draws derive from.

    Returns:
        The synthetic rows of all months, as many as the training half has.

    Raises:
        ValueError: a month has no importer of one of the halves, or no tariff tuple that enough of them declared.
    """
    halves = {month: halves_of(rows, root) for month, rows in source.items()}
    training = {month: known for month, (known, _) in halves.items()}
    if all(control.empty for _, control in halves.values()) or any(rows.empty for rows in training.values()):
        raise ValueError("a month, or the control half, has no importer: there are too few of them to hold out half")
    own = derive_root(root, ASSET)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for month, rows in training.items():
            lake.write_table("anonymized_declarations", rows, month)
        prices = {month: _prices(lake, month, settings.min_group, own) for month in training}
        shared = _shared(lake, training, prices, settings.min_group, own)
    made = [_month(month, training[month], prices[month], shared, settings, epochs, own) for month in training]
    return pd.concat(made, ignore_index=True)


def _prices(lake: Lake, month: str, min_group: int, own: Root) -> pd.DataFrame:
    with lake.connect() as connection:
        averages = average_prices(connection, lake.sql_path("anonymized_declarations", month), min_group)
    return noisy_prices(averages, derive_rng(own, "unit_prices", month))


def _shared(
    lake: Lake, training: Mapping[str, pd.DataFrame], prices: Mapping[str, pd.DataFrame], min_group: int, own: Root
) -> Shared:
    """What the months share, made from the training half of all of them."""
    with lake.connect() as connection:
        paths = [lake.sql_path("anonymized_declarations", month) for month in training]
        safe = SafeGroups(count_safe_groups(connection, paths, min_group))
    known = [generalized_month(rows, safe, month=month, root=own).declarations for month, rows in training.items()]
    everything = pd.concat(training.values(), ignore_index=True)
    identities = compose(pd.concat(known, ignore_index=True), everything, min_group=min_group, root=own)
    propensity = fitted_propensity(training, prices, safe, root=own, min_group=min_group)
    return Shared(safe, identities, propensity)


def _month(
    month: str, rows: pd.DataFrame, prices: pd.DataFrame, shared: Shared, settings: Settings, epochs: int, own: Root
) -> pd.DataFrame:
    from customs_assets.synthesis.ctgan import CTGAN

    codec = Codec.fit(rows, prices, settings.min_group, root=own)
    model_table = codec.encode(rows)
    model = CTGAN(epochs=epochs, seed=derive_seed(own, "ctgan_model", month))
    model.fit(model_table, codec.discrete_columns(model_table))
    made = synthesize(
        model,
        rows,
        prices,
        shared,
        month=month,
        root=own,
        min_group=settings.min_group,
        price=settings.price,
    )
    return made.declarations
