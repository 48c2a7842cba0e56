"""The rehearsal: the whole synthesis on half of the importers, so that attacks have somebody to be compared with.

Whether a synthetic row gives away who it was made from can only be told beside rows that it was not made from. The release is
made from all of the source; so the same steps, with the same settings, are gone through once more on the importers of the
training half alone. What belongs here is the order of those steps over all months, and the table that is left of them; what is
made of the rehearsed rows is the privacy report's work.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from customs_assets.anonymization.unit_prices import average_prices, noisy_prices
from customs_assets.declaration import RELEASED_NAMES
from customs_assets.disclosure.identities import compose
from customs_assets.disclosure.safe_groups import SafeGroups, TooFewImporters, count_safe_groups
from customs_assets.fidelity.references import in_control
from customs_assets.lake import Lake, to_arrow, to_frame
from customs_assets.seeds import Root, derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.fraud_propensity import OfOneKind
from customs_assets.synthesis.month import Shared, fitted_propensity, generalized_month, synthesize

ASSET = "rehearsal"

# Metadata of the table: the last names each month that was rehearsed and a digest of its declarations, as JSON.
_EPOCHS, _REASON, _SOURCE = "epochs", "reason", "source"

# A column of numbers cannot be modelled from fewer rows.
_FEWEST_ROWS = 2


class CannotBeRehearsed(Exception):
    """The source has too few importers to hold half of them out; the message says what is lacking.

    This alone means that there is no rehearsal. Any other error is a fault, and fails the run.
    """


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
    def of(cls, table: pa.Table, source: Mapping[str, pd.DataFrame], root: Root) -> Rehearsal | str:
        """The rehearsal that a table holds, beside the two halves of the source; or why there is none.

        A rehearsal of other months, or of other declarations of these months, is none: an attack on it would be compared with
        importers that it has never seen.

        Args:
            table: as :func:`rehearsed` gives it.
            source: the anonymized declarations by month, in order.
            root: what the release's draws derive from, as the rehearsal had it.
        """
        said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if other := _of_another_source(json.loads(said.get(_SOURCE, "{}")), source):
            return other
        if _REASON in said:
            return said[_REASON]
        if not table.num_rows:
            return "the rehearsal is empty, and does not say why"
        training, control = halves_of(pd.concat(source.values(), ignore_index=True), root)
        return cls(to_frame(table), training, control, int(said[_EPOCHS]))


def _of_another_source(rehearsed_from: Mapping[str, str], source: Mapping[str, pd.DataFrame]) -> str:
    """In what the source of a rehearsal differs from the one at hand; empty where in nothing."""
    if list(rehearsed_from) != list(source):
        return f"the rehearsal is of other months ({_listed(rehearsed_from)}) than the declarations ({_listed(source)})"
    differing = [month for month, rows in source.items() if rehearsed_from[month] != digest(rows)]
    return f"the rehearsal is of other declarations of {_listed(differing)} than those at hand" if differing else ""


def _listed(months: Iterable[str]) -> str:
    return ", ".join(months) or "none"


def told_reason(table: pa.Table) -> str | None:
    """Why nothing was rehearsed, as the table itself says; None where it says nothing of it."""
    reason = (table.schema.metadata or {}).get(_REASON.encode())
    return None if reason is None else reason.decode()


def digest(declarations: pd.DataFrame) -> str:
    """A sha256 of n declarations as they stand: names of columns, order of rows, every value."""
    rows = pd.util.hash_pandas_object(declarations, index=False).to_numpy()
    return hashlib.sha256("\x1f".join(declarations.columns).encode() + rows.astype("<u8").tobytes()).hexdigest()


def rehearsed(source: Mapping[str, pd.DataFrame], settings: Settings, root: Root) -> pa.Table:
    """The rehearsal as the lake keeps it: the synthetic rows of all months, in the metadata the ``epochs`` of each.

    Args:
        source: the anonymized declarations by month.
        settings: those of the run; ``k``, form of the price and epochs are used.
        root: what the release's draws derive from; the rehearsal's own derive from it by another purpose.

    Returns:
        The columns of ``RELEASED``; in the metadata the ``source`` too, a digest of each month. Where there is no rehearsal, no
        row, and in the metadata the ``reason``.
    """
    epochs = epochs_of(settings)
    read = {_SOURCE: json.dumps({month: digest(rows) for month, rows in source.items()})}
    try:
        made = rehearse(source, settings, epochs, root)
    except CannotBeRehearsed as error:
        empty = pa.table({name: pa.array([], pa.string()) for name in RELEASED_NAMES})
        return empty.replace_schema_metadata({_REASON: str(error), **read})
    return to_arrow(made).replace_schema_metadata({_EPOCHS: str(epochs), **read})


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
        CannotBeRehearsed: a month has hardly a declaration of the training half, or no tariff tuple that enough importers
            declared; the control half has no importer; or all declarations of the training half are fraud, or none is.
    """
    halves = {month: halves_of(rows, root) for month, rows in source.items()}
    training = {month: known for month, (known, _) in halves.items()}
    if all(control.empty for _, control in halves.values()):
        raise CannotBeRehearsed("the control half has no importer: there are too few of them to hold out half")
    if few := [month for month, rows in training.items() if len(rows) < _FEWEST_ROWS]:
        raise CannotBeRehearsed(
            f"the training half has fewer than {_FEWEST_ROWS} declarations in {', '.join(few)}: there are too few importers "
            "to hold out half"
        )
    own = derive_root(root, ASSET)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for month, rows in training.items():
            lake.write_table("anonymized_declarations", rows, month)
        prices = {month: _prices(lake, month, settings.min_group, own) for month in training}
        try:
            shared = _shared(lake, training, prices, settings.min_group, own)
        except (TooFewImporters, OfOneKind) as error:
            raise CannotBeRehearsed(f"of the training half: {error}") from error
    made = [_month(month, training[month], prices[month], shared, settings, epochs, own) for month in training]
    return pd.concat(made, ignore_index=True)


def _prices(lake: Lake, month: str, min_group: int, own: Root) -> pd.DataFrame:
    with lake.connect() as connection:
        averages = average_prices(connection, lake.sql_path("anonymized_declarations", month), min_group)
    return noisy_prices(averages, derive_root(own, "unit_prices", month))


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
    from customs_assets.generator.ctgan import CTGAN

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
