"""One synthetic month, from a trained model to rows that may be scored: draft, selection, polish, identities, labels, keys.

The order of these steps belongs here, and what ties a row together: consistent keys, dates inside the month, and no row
that copies a source row. Each step's method has a module of its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customs_assets.declaration import HELD_RELEASED, RELEASED_NAMES, RELEASED_TUPLE, Kind
from customs_assets.disclosure.identities import assign
from customs_assets.months import FIRST_MONTH, first_day
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.synthesis.encodings.price import PriceForm
from customs_assets.synthesis.fraud_propensity import FraudPropensity, draw_frauds, leaned
from customs_assets.synthesis.leanings import leaning_of
from customs_assets.synthesis.polish import DONORS_PER_GROUP, Polish
from customs_assets.synthesis.releasable import Disclosed, releasable_month
from customs_assets.synthesis.selection import DRAFTS, select

if TYPE_CHECKING:
    from customs_assets.generator.synthesizer import TableModel

ASSET = "synthetic_declarations"

# Sweeps of the polish. After two, a classifier can no longer tell where the draft started.
SWEEPS = 2

# Drafts that are polished for each row that is needed. Of these the rows are selected once more: the polish, too, makes too many
# here and too few there.
POLISHED = 2

# Declaration IDs are numbers of 8 digits. Each month has this many of them to itself.
IDS_A_MONTH = 250_000
_FIRST_ID, _IDS = 10_000_000, 90_000_000

# How often a row that copies a source row gets another importer before it is given up.
_REPAIRS = 20


@dataclass(frozen=True)
class AllMonths:
    """What is learned from all months together (``docs/decisions.md``, decision 7).

    Attributes:
        disclosed: what may be shown.
        identities: the slots (:func:`disclosure.identities.compose`), one for each source declaration.
        propensity: how likely inspection finds fraud in a declaration.
    """

    disclosed: Disclosed
    identities: pd.DataFrame
    propensity: FraudPropensity


@dataclass(frozen=True)
class SyntheticMonth:
    """A synthetic month and what was done to make it.

    Attributes:
        declarations: m rows with :data:`declaration.RELEASED_NAMES`, ordered by date.
        drafts: rows that the model drafted, of which m were selected.
        parts_kept: source rows that kept each part of their tariff tuple.
        codes_replaced: source rows whose code too few importers declared, by column.
        safe_as_declared: synthetic rows whose tuple, mass and label at least ``k`` importers declared together.
        repaired: rows that equalled a source row in everything but key and date and got another importer.
        copies: rows that still do.
        tuples_available: distinct tariff tuples that may be released of the month.
        tuples_used: distinct tariff tuples that the synthetic month has.
    """

    declarations: pd.DataFrame
    drafts: int
    parts_kept: dict[str, int]
    codes_replaced: dict[str, int]
    safe_as_declared: int
    repaired: int
    copies: int
    tuples_available: int
    tuples_used: int


def synthesize_month(
    model: TableModel,
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    all_months: AllMonths,
    *,
    month: str,
    min_group: int,
    root: Root,
    rows: int | None = None,
    price: PriceForm = "residual",
    taken_ids: Collection[str] = (),
) -> SyntheticMonth:
    """Make one synthetic month.

    Args:
        model: the month's trained model.
        declarations: the month's n anonymized rows.
        unit_prices: the month's ``unit_prices``.
        all_months: what is learned from all months, this one among them.
        month: ``YYYY-MM``.
        min_group: importers that each draw must rest on.
        root: what draws derive from.
        rows: rows to make; as many as the source has where None.
        price: form of the item price.
        taken_ids: declaration IDs of published months.

    Raises:
        ValueError: more rows are asked for than a month has declaration IDs, or ``all_months`` was made without this month.
        TooFewImporters: no code of a column may be shown.
    """
    from threadpoolctl import threadpool_limits

    count = len(declarations) if rows is None else rows
    if count > IDS_A_MONTH:
        raise ValueError(f"{count} rows were asked of {month}; a month has {IDS_A_MONTH} declaration IDs")
    own = derive_root(root, ASSET, month)
    # With several threads sums come out in another order, and the same seeds would not give the same bytes.
    with threadpool_limits(1):
        releasable = releasable_month(
            declarations, unit_prices, all_months.disclosed, month=month, min_group=min_group, root=root, price=price
        )
        generalized, codec, source = releasable.declarations, releasable.codec, releasable.model_rows
        polish = Polish(source, pd.factorize(generalized["importer_id"])[0], codec, min_group=min_group, root=own)
        drafted = codec.decode(model.sample(DRAFTS * count, derive_seed(own, "draft")), derive_rng(own, "decode"))
        features = polish.features(source), polish.features(drafted)
        min_leaf = DONORS_PER_GROUP * min_group
        chosen = select(*features, min(POLISHED * count, len(drafted)), min_leaf=min_leaf, root=own)
        polished = drafted.iloc[chosen].reset_index(drop=True)
        for number in range(SWEEPS - 1):
            polished = polish.sweep(polished, number)
        again = derive_root(own, "selection of polished rows")
        chosen = select(features[0], polish.features(polished), count, min_leaf=min_leaf, root=again)
        # The last sweep is over as many rows as are needed, so that each of the source's goods comes out about once.
        synthetic = polish.sweep(polished.iloc[chosen].reset_index(drop=True), SWEEPS - 1)
        synthetic = polish.at_source_quantiles(synthetic)
        slots = generalized[["declaration_id"]].merge(all_months.identities, on="declaration_id", validate="one_to_one")
        if len(slots) < len(generalized):
            raise ValueError(
                f"{len(generalized) - len(slots)} of {len(generalized)} declarations of {month} have no composed identity: "
                "composed_identities was made without this month; make it again"
            )
        identities = assign(synthetic, slots, derive_rng(own, "identities"))
        leaning = leaning_of(identities, all_months.propensity.leanings, root)
        synthetic = _labelled(synthetic, leaning, polish, all_months.propensity, derive_rng(own, "labels"))
        complete = pd.concat([synthetic, identities], axis=1)
        complete, repaired, copies = _without_copies(_with_hs6(complete), declarations, derive_rng(own, "repair"))
    dated = complete.sort_values("date", kind="stable")
    dated = dated.assign(declaration_id=declaration_ids(month, count, root, taken_ids))
    types = {"date": "datetime64[ns]", **{a.name: "int8" for a in HELD_RELEASED if a.kind is Kind.LABEL}}
    return SyntheticMonth(
        declarations=dated[list(RELEASED_NAMES)].reset_index(drop=True).astype(types),
        drafts=len(drafted),
        parts_kept=releasable.generalized.parts_kept,
        codes_replaced=releasable.generalized.codes_replaced,
        safe_as_declared=int(synthetic["safe_as_declared"].sum()),
        repaired=repaired,
        copies=copies,
        tuples_available=_tuples(_with_hs6(generalized)),
        tuples_used=_tuples(complete),
    )


def _labelled(
    rows: pd.DataFrame, leaning: np.ndarray, polish: Polish, propensity: FraudPropensity, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with labels drawn at the rates that fraud has among similar declarations, moved by what their parties lean.

    Goods that are safe as declared keep the label that came with them. Whether a fraud is a critical one is drawn from donors
    that are frauds themselves.
    """
    drawn = ~rows["safe_as_declared"].to_numpy(dtype=bool)
    fraud = rows["fraud"].to_numpy(dtype="int8", copy=True)
    fraud[drawn] = draw_frauds(leaned(propensity.rates_of(rows[drawn]), leaning[drawn]), rng)
    critical = rows["critical_fraud"].to_numpy(dtype="int8", copy=True)
    drawn_frauds = drawn & (fraud == 1)
    critical[drawn] = 0
    critical[drawn_frauds] = polish.critical_frauds(rows[drawn_frauds], rng)
    return rows.assign(fraud=fraud, critical_fraud=critical)


def _with_hs6(declarations: pd.DataFrame) -> pd.DataFrame:
    return declarations.assign(hs6_code=declarations["hs10_code"].str[:6])


def _tuples(declarations: pd.DataFrame) -> int:
    return len(declarations[list(RELEASED_TUPLE)].drop_duplicates())


def declaration_ids(month: str, count: int, root: Root, taken: Collection[str] = ()) -> np.ndarray:
    """``count`` distinct 8-digit IDs as text, which no other month of the same root has, nor a published one of another root.

    The month's numbers are consecutive. An affine permutation of all 90 million, drawn from the root, scatters them.
    """
    first, day = first_day(FIRST_MONTH), first_day(month)
    # After thirty years the numbers begin anew: no release has months that lie so far apart.
    position = ((day.year - first.year) * 12 + day.month - first.month) * IDS_A_MONTH % _IDS
    rng = derive_rng(root, ASSET, purpose="declaration ids")
    factor = int(rng.integers(_IDS // 3, _IDS // 2))
    while math.gcd(factor, _IDS) != 1:
        factor += 1
    offset = int(rng.integers(_IDS))
    offered = np.arange(min(count + len(taken), IDS_A_MONTH), dtype=np.int64)
    ids = (((position + offered) * factor + offset) % _IDS + _FIRST_ID).astype(str).astype(object)
    free = ids[~np.isin(ids, list(taken))] if taken else ids
    if len(free) < count:
        raise ValueError(f"{month} has {len(free)} declaration IDs that no published month has, and {count} are needed")
    return free[:count]


def _without_copies(
    complete: pd.DataFrame, declarations: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, int, int]:
    """Exchange the importers of rows that equal a source row in everything but key and date with those of other rows.

    Returns:
        The rows, how many had to be repaired, and how many could not be.
    """
    compared = [name for name in RELEASED_NAMES if name not in ("declaration_id", "date")]
    source = set(_with_hs6(declarations)[compared].itertuples(index=False, name=None))

    def copies(rows: pd.DataFrame) -> np.ndarray:
        return np.array([row in source for row in rows[compared].itertuples(index=False, name=None)], dtype=bool)

    copied = copies(complete)
    repaired = int(copied.sum())
    for _ in range(_REPAIRS):
        if not copied.any() or len(complete) < 2:
            break
        here = np.flatnonzero(copied)
        there = rng.integers(0, len(complete), len(here))
        importers = complete["importer_id"].to_numpy(dtype=object, copy=True)
        for one, other in zip(here, there, strict=True):
            importers[one], importers[other] = importers[other], importers[one]
        complete = complete.assign(importer_id=importers)
        copied = copies(complete)
    return complete, repaired, int(copied.sum())
