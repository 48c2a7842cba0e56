"""The rehearsal: the whole synthesis on half of the importers, so that attacks have somebody to be compared with.

Whether a synthetic row gives away whom it was made from shows only beside rows that it was not made from. The release is made
from all of the source. So :func:`synthesis.synthesize.synthesize` runs once more with the same settings on the importers of the
*training half* alone; all other importers are the *control half*. The table of rehearsed rows belongs here. The attacks on it
are measured by the privacy report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from customs_assets.declaration import RELEASED_NAMES
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.fidelity.references import in_control
from customs_assets.lake import to_arrow, to_frame
from customs_assets.seeds import Root, derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.fraud_propensity import OfOneKind
from customs_assets.synthesis.synthesize import synthesize

ASSET = "rehearsal"

# Metadata of the table. The last names each month that was rehearsed and a digest of its declarations, as JSON.
_EPOCHS, _REASON, _SOURCE = "epochs", "reason", "source"

# A column of numbers cannot be modelled from fewer rows.
_FEWEST_ROWS = 2


class CannotBeRehearsed(Exception):
    """The source has too few importers to hold half of them out. The message says what is missing.

    Only this error means that there is no rehearsal. Any other is a fault and fails the run.
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
        """The rehearsal in a table, with the two halves of the source; or the reason why there is none.

        A rehearsal of other months, or of other declarations of these months, does not count: an attack on it would be compared
        with importers that it has never seen.

        Args:
            table: as :func:`rehearsed` gives it.
            source: the anonymized declarations by month, in order.
            root: what the release's draws derive from, as the rehearsal had it.
        """
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if difference := _of_another_source(json.loads(metadata.get(_SOURCE, "{}")), source):
            return difference
        if _REASON in metadata:
            return metadata[_REASON]
        if not table.num_rows:
            return "the rehearsal is empty, and does not say why"
        training, control = halves_of(pd.concat(source.values(), ignore_index=True), root)
        return cls(to_frame(table), training, control, int(metadata[_EPOCHS]))


def _of_another_source(rehearsed_from: Mapping[str, str], source: Mapping[str, pd.DataFrame]) -> str:
    """How the source of a rehearsal differs from this one; empty where it does not."""

    def listed(months: Iterable[str]) -> str:
        return ", ".join(months) or "none"

    if list(rehearsed_from) != list(source):
        return f"the rehearsal is of other months ({listed(rehearsed_from)}) than the declarations ({listed(source)})"
    differing = [month for month, rows in source.items() if rehearsed_from[month] != digest(rows)]
    return f"the rehearsal is of other declarations of {listed(differing)} than those at hand" if differing else ""


def told_reason(table: pa.Table) -> str | None:
    """Why nothing was rehearsed, as the table itself says; None where it does not say."""
    reason = (table.schema.metadata or {}).get(_REASON.encode())
    return None if reason is None else reason.decode()


def digest(declarations: pd.DataFrame) -> str:
    """A sha256 of n declarations: names of columns, order of rows, every value."""
    rows = pd.util.hash_pandas_object(declarations, index=False).to_numpy()
    return hashlib.sha256("\x1f".join(declarations.columns).encode() + rows.astype("<u8").tobytes()).hexdigest()


def rehearsed(source: Mapping[str, pd.DataFrame], settings: Settings, root: Root) -> pa.Table:
    """The rehearsal as the lake keeps it: the synthetic rows of all months.

    Args:
        source: the anonymized declarations by month.
        settings: those of the run; ``k``, form of the price and epochs are used.
        root: what the release's draws derive from. The rehearsal's own derive from it by another purpose.

    Returns:
        The columns of ``RELEASED``; in the metadata the ``epochs`` of each month and the ``source``, a digest of each month.
        Where
        there is no rehearsal: no row, and in the metadata the ``reason``.
    """
    epochs = epochs_of(settings)
    read = {_SOURCE: json.dumps({month: digest(rows) for month, rows in source.items()})}
    try:
        synthetic = rehearse(source, settings, epochs, root)
    except CannotBeRehearsed as error:
        empty = pa.table({name: pa.array([], pa.string()) for name in RELEASED_NAMES})
        return empty.replace_schema_metadata({_REASON: str(error), **read})
    return to_arrow(synthetic).replace_schema_metadata({_EPOCHS: str(epochs), **read})


def epochs_of(settings: Settings) -> int:
    """CTGAN epochs for each month of the rehearsal: what is set, or a tenth of the release's."""
    return settings.rehearsal_epochs or max(settings.epochs // 10, 1)


def halves_of(source: pd.DataFrame, root: Root) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the training half and those of the control half. Either may be empty."""
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
        CannotBeRehearsed: a month has hardly a declaration of the training half; the control half has no importer; too few
            importers of the training half stand behind something; or all its declarations are fraud, or none is.
    """
    halves = {month: halves_of(rows, root) for month, rows in source.items()}
    if all(control.empty for _, control in halves.values()):
        raise CannotBeRehearsed("the control half has no importer: there are too few of them to hold out half")
    if few := [month for month, (training, _) in halves.items() if len(training) < _FEWEST_ROWS]:
        raise CannotBeRehearsed(
            f"the training half has fewer than {_FEWEST_ROWS} declarations in {', '.join(few)}: there are too few importers "
            "to hold out half"
        )
    training = {month: rows for month, (rows, _) in halves.items()}
    as_many_rows = settings.model_copy(update={"rows": None})
    try:
        synthetic = synthesize(training, as_many_rows, derive_root(root, ASSET), epochs)
    except (TooFewImporters, OfOneKind) as error:
        raise CannotBeRehearsed(f"of the training half: {error}") from error
    return pd.concat(synthetic.values(), ignore_index=True)
