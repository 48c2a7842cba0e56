"""The rehearsal: the whole synthesis on half of the importers, so that attacks have somebody to be compared with.

Whether a synthetic row gives away who it was made from can only be told beside rows that it was not made from. The release is
made from all of the source; so the same steps, with the same settings, are gone through once more on the importers of the
training half alone. What belongs here is the order of those steps over all months, outside of any asset and with nothing left
behind; what is made of the rehearsed rows is the privacy report's work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.lake import Lake
from customs_assets.quality.references import in_control
from customs_assets.seeds import derive_rng, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.fraud_propensity import FraudPropensity
from customs_assets.synthesis.identities import compose
from customs_assets.synthesis.month import Shared, generalized_month, synthesize
from customs_assets.synthesis.safe_groups import SafeGroups, count_safe_groups

ASSET = "rehearsal"


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


def rehearse(source: Mapping[str, pd.DataFrame], settings: Settings, epochs: int) -> Rehearsal:
    """Synthesize every month from the importers of the training half.

    Args:
        source: the anonymized declarations by month.
        settings: those of the run; seed, ``k`` and form of the price are used.
        epochs: CTGAN epochs for each month.

    Raises:
        ValueError: a month has no importer of one of the halves, or no tariff tuple that enough of them declared.
    """
    held_out = {month: in_control(rows["importer_id"], settings.seed) for month, rows in source.items()}
    training = {month: rows.loc[~held_out[month]].reset_index(drop=True) for month, rows in source.items()}
    control = pd.concat([rows.loc[held_out[month]] for month, rows in source.items()], ignore_index=True)
    if control.empty or any(rows.empty for rows in training.values()):
        raise ValueError("a month, or the control half, has no importer: there are too few of them to hold out half")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for month, rows in training.items():
            lake.write_table("anonymized_declarations", rows, month)
        prices = {month: _prices(lake, month, settings) for month in training}
        shared = _shared(lake, training, prices, settings)
    made = [_month(month, training[month], prices[month], shared, settings, epochs) for month in training]
    return Rehearsal(
        pd.concat(made, ignore_index=True), pd.concat(training.values(), ignore_index=True), control, epochs
    )


def _prices(lake: Lake, month: str, settings: Settings) -> pd.DataFrame:
    with lake.connect() as connection:
        averages = average_prices(connection, lake.sql_path("anonymized_declarations", month), settings.min_group)
    return noisy_prices(averages, derive_rng(settings.seed, ASSET, month, "unit prices"))


def _shared(
    lake: Lake, training: Mapping[str, pd.DataFrame], prices: Mapping[str, pd.DataFrame], settings: Settings
) -> Shared:
    """What the months share, made from the training half of all of them."""
    with lake.connect() as connection:
        paths = [lake.sql_path("anonymized_declarations", month) for month in training]
        safe = SafeGroups(count_safe_groups(connection, paths, settings.min_group))
    known = [
        generalized_month(rows, safe, month=month, base_seed=_seed(settings)).declarations
        for month, rows in training.items()
    ]
    everything = pd.concat(training.values(), ignore_index=True)
    identities = compose(
        pd.concat(known, ignore_index=True), everything, min_group=settings.min_group, seed=_seed(settings)
    )
    cores = [Codec.fit(rows, prices[month], settings.min_group).core(rows) for month, rows in training.items()]
    propensity = FraudPropensity.fit(
        pd.concat(cores, ignore_index=True),
        pd.factorize(everything["importer_id"])[0],
        min_group=settings.min_group,
        seed=_seed(settings),
    )
    return Shared(safe, identities, propensity)


def _month(
    month: str, rows: pd.DataFrame, prices: pd.DataFrame, shared: Shared, settings: Settings, epochs: int
) -> pd.DataFrame:
    from customs_assets.synthesis.ctgan import CTGAN

    codec = Codec.fit(rows, prices, settings.min_group)
    model_table = codec.encode(rows)
    model = CTGAN(epochs=epochs, seed=derive_seed(settings.seed, ASSET, month, "ctgan"))
    model.fit(model_table, codec.discrete_columns(model_table))
    made = synthesize(
        model,
        rows,
        prices,
        shared,
        month=month,
        base_seed=_seed(settings),
        min_group=settings.min_group,
        price=settings.price,
    )
    return made.declarations


def _seed(settings: Settings) -> int:
    """The base seed of everything that is rehearsed: other draws than the release's."""
    return derive_seed(settings.seed, ASSET)
