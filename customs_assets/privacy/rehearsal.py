"""The rehearsal: the whole synthesis once more on half of the importers, so that attacks can be compared.

An attack on a row must be compared with an attack on a row that the synthesizer did not see. The release is made from all of the
source, so no such rows are left. Therefore :func:`synthesis.synthesize.synthesize` runs once more, with the same settings, on the
importers of the *training half* alone. All other importers are the *control half*. What belongs here is the table of rehearsed
rows. ``claims`` measures the attacks on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from customs_assets.declaration import RELEASED_NAMES
from customs_assets.disclosure.extension import Published
from customs_assets.disclosure.inspection import busy_lanes
from customs_assets.disclosure.population import Population
from customs_assets.disclosure.too_few import TooFewImporters
from customs_assets.fidelity.references import in_control
from customs_assets.lake import to_arrow, to_frame
from customs_assets.law.law import Law
from customs_assets.months import months_of
from customs_assets.privacy.declared import Declared
from customs_assets.seeds import Root, derive_root, derive_seed
from customs_assets.settings import Settings
from customs_assets.synthesis.fraud_propensity import OfOneKind
from customs_assets.synthesis.synthesize import synthesize

ASSET = "rehearsal"

# Metadata of the table. ``source`` is a digest of each rehearsed month's declarations, as JSON.
# ``earlier`` is the list of months of the releases before this one, as JSON, where there are any.
_EPOCHS, _REASON, _SOURCE, _EARLIER = "epochs", "reason", "source", "earlier"

# Fewer rows cannot be modelled.
_FEWEST_ROWS = 2


@dataclass(frozen=True)
class Succession:
    """Which months were published before, as the release is made after these.

    Attributes:
        earlier: the months that stand in a release before this one.
        kept: the rehearsed rows of published months, where they were rehearsed under the same draw: as published months are kept,
            so are these. None: the earlier months are rehearsed first, in one piece.
    """

    earlier: tuple[str, ...]
    kept: pd.DataFrame | None = None


class CannotBeRehearsed(Exception):
    """The source has too few importers to hold half of them out. The message says what is missing.

    With this error there is no rehearsal. Any other error is a fault and fails the run.
    """


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal, as attacks need it.

    Attributes:
        synthetic: the rehearsed rows.
        training: the source's rows of the training half.
        control: those of the control half.
        epochs: CTGAN epochs of each month.
        declared: what both halves declared, inspected or not; None where all of it was inspected.
        earlier: the months that stand in a release before this one.
    """

    synthetic: pd.DataFrame
    training: pd.DataFrame
    control: pd.DataFrame
    epochs: int
    declared: Declared | None = None
    earlier: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: pa.Table, source: Mapping[str, pd.DataFrame], root: Root) -> Rehearsal | str:
        """The rehearsal of a table that :func:`rehearsed` returned, with the two halves of the source; or why there is none.

        A rehearsal of other months, or of other declarations of these months, does not count: it has other halves.

        Args:
            table: the table.
            source: the anonymized declarations by month, in order.
            root: what the release's draws derive from, the same as for the rehearsal.
        """
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if difference := _of_another_source(json.loads(metadata.get(_SOURCE, "{}")), source):
            return difference
        if _REASON in metadata:
            return metadata[_REASON]
        if not table.num_rows:
            return "the rehearsal is empty, and does not say why"
        training, control = halves_of(pd.concat(source.values(), ignore_index=True), root)
        earlier = tuple(json.loads(metadata.get(_EARLIER, "[]")))
        return cls(to_frame(table), training, control, int(metadata[_EPOCHS]), earlier=earlier)

    def beside(self, together: Population, by_month: Mapping[str, Population], root: Root) -> Rehearsal:
        """The same rehearsal with what its halves declared, inspected or not.

        Args:
            together: the population of all months.
            by_month: that of each month.
            root: as for :meth:`of`.
        """
        declared = Declared.of(together, by_month, lambda importers: _held_out(importers, root))
        return replace(self, declared=declared)


def _of_another_source(rehearsed_from: Mapping[str, str], source: Mapping[str, pd.DataFrame]) -> str:
    """How the source of a rehearsal differs from this one; empty where it does not."""
    if list(rehearsed_from) != list(source):
        theirs, ours = (", ".join(months) or "none" for months in (rehearsed_from, source))
        return f"the rehearsal is of other months ({theirs}) than the declarations ({ours})"
    differing = ", ".join(month for month, rows in source.items() if rehearsed_from[month] != digest(rows))
    return f"the rehearsal is of other declarations of {differing} than those at hand" if differing else ""


def stated_reason(table: pa.Table) -> str | None:
    """Why the table says that nothing was rehearsed; None where it does not say."""
    reason = (table.schema.metadata or {}).get(_REASON.encode())
    return None if reason is None else reason.decode()


def digest(declarations: pd.DataFrame) -> str:
    """A sha256 of declarations: names of columns, order of rows, every value."""
    rows = pd.util.hash_pandas_object(declarations, index=False).to_numpy()
    return hashlib.sha256("\x1f".join(declarations.columns).encode() + rows.astype("<u8").tobytes()).hexdigest()


def rehearsed(
    source: Mapping[str, pd.DataFrame],
    population: Population,
    law: Law,
    settings: Settings,
    root: Root,
    confidential: pd.DataFrame | None = None,
    by_month: Mapping[str, Population] | None = None,
    succession: Succession | None = None,
) -> pa.Table:
    """Rehearse the synthesis of all months.

    Args:
        source: the anonymized declarations by month.
        population: what each importer declared over the months, inspected or not. That of the training half alone is counted.
        law: the law that tariff tuples are under.
        settings: ``k``, dominance, form of the price, rows and epochs are used.
        root: what the release's draws derive from. The rehearsal's draws derive from it for another purpose.
        confidential: the pairs of trade that are confidential at traders' requests, if any.
        by_month: the population of each month; None where every declaration was inspected.
        succession: what was published before, if anything was: the months after it are made as the release's are.

    Returns:
        The synthetic rows, with the ``epochs``, the ``source`` and the ``earlier`` months in the metadata. Where there is no
        rehearsal: no row, and the ``reason`` in the metadata.
    """
    epochs = epochs_of(settings)
    digests = {_SOURCE: json.dumps({month: digest(rows) for month, rows in source.items()})}
    if succession is not None and succession.earlier:
        digests[_EARLIER] = json.dumps(succession.earlier)
    try:
        synthetic = _rehearse(source, population, law, settings, epochs, root, confidential, by_month or {}, succession)
    except CannotBeRehearsed as error:
        empty = pa.table({name: pa.array([], pa.string()) for name in RELEASED_NAMES})
        return empty.replace_schema_metadata({_REASON: str(error), **digests})
    return to_arrow(synthetic).replace_schema_metadata({_EPOCHS: str(epochs), **digests})


def epochs_of(settings: Settings) -> int:
    """Epochs for each month of the rehearsal: the setting, or a tenth of the release's epochs.

    That a tenth tells attackers as much was measured for ``ctgan``. Any other synthesizer is rehearsed as it is released.
    """
    share = 10 if settings.synthesizer == "ctgan" else 1
    return settings.rehearsal_epochs or max(settings.epochs // share, 1)


def rows_of_part(rows: int | None, part: int, whole: int) -> int | None:
    """Synthetic rows for each month of a part of the source, in proportion to those of the release (``CUSTOMS_ROWS``).

    Args:
        rows: those of the release; None: as many as each month has, which then holds for the part, too.
        part, whole: declarations of the part and of the source.
    """
    return None if rows is None else max(round(rows * part / whole), 1)


def halves_of(source: pd.DataFrame, root: Root) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the training half and of the control half. Either may be empty."""
    held_out = _held_out(source["importer_id"], root)
    return source.loc[~held_out].reset_index(drop=True), source.loc[held_out].reset_index(drop=True)


def _held_out(importers: pd.Series, root: Root) -> np.ndarray:
    """Which importers are of the control half, as booleans."""
    return in_control(importers, derive_seed(root, ASSET, purpose="halves"))


def _rehearse(
    source: Mapping[str, pd.DataFrame],
    population: Population,
    law: Law,
    settings: Settings,
    epochs: int,
    root: Root,
    confidential: pd.DataFrame | None,
    by_month: Mapping[str, Population],
    succession: Succession | None,
) -> pd.DataFrame:
    """Synthesize every month from the importers of the training half, with as many rows as that half has.

    Where the release has more or fewer rows than its source, so has the rehearsal: the more rows there are, the more they tell.

    Published months come first, and later ones are made as months after them.

    Raises:
        CannotBeRehearsed: a month has fewer than two declarations of the training half; the control half has no importer; the
            training half has too few importers for ``k``; or all of its declarations are fraud, or none is.
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
    importers = population.importers
    wanted = importers[~_held_out(pd.Series(importers), root)]
    in_training = population.restricted_to(wanted)
    months = {month: of_month.restricted_to(wanted) for month, of_month in by_month.items()}
    inspected, after = sum(map(len, training.values())), succession is not None and bool(succession.earlier)
    busy = busy_lanes(months, inspected, settings.min_group, after_published=after) if months else None
    as_many_rows = settings.model_copy(
        update={"rows": rows_of_part(settings.rows, inspected, sum(map(len, source.values())))}
    )
    own = derive_root(root, ASSET)

    def made(months: Mapping[str, pd.DataFrame], published: Published | None = None) -> list[pd.DataFrame]:
        rows = synthesize(months, in_training, law, as_many_rows, own, epochs, confidential, busy, published)
        return [rows[month] for month in rows]

    try:
        earlier = _earlier_rows(training, succession, made)
        if not earlier:
            return pd.concat(made(training), ignore_index=True)
        rows = pd.concat(earlier, ignore_index=True)
        known = frozenset(months_of(rows["date"]))
        later = made(training, Published(known, rows)) if set(training) - known else []
        return pd.concat([rows, *later], ignore_index=True)
    except (TooFewImporters, OfOneKind) as error:
        raise CannotBeRehearsed(f"of the training half: {error}") from error


def _earlier_rows(
    training: Mapping[str, pd.DataFrame],
    succession: Succession | None,
    made: Callable[[Mapping[str, pd.DataFrame]], list[pd.DataFrame]],
) -> list[pd.DataFrame]:
    """The rehearsed rows of published months, by month; those that are kept, or else those of the earlier months, made now."""
    if succession is None:
        return []
    if succession.kept is not None:
        month = months_of(succession.kept["date"])
        return [rows.reset_index(drop=True) for name, rows in succession.kept.groupby(month) if name in training]
    earlier = {month: rows for month, rows in training.items() if month in succession.earlier}
    return made(earlier) if earlier else []
