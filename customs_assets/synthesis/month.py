"""One synthetic month, from a trained model to rows that may be scored: draft, selection, polish, labels, identities, keys.

What belongs here is the order of these steps and what ties a whole row together: consistent keys, dates inside the month, no
row that copies a source row. Each step's method is in a module of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from customs_assets.declaration import IDENTITIES, RELEASED, RELEASED_NAMES, RELEASED_TUPLE, Kind
from customs_assets.disclosure.bands import Bands
from customs_assets.disclosure.identities import assign
from customs_assets.disclosure.safe_groups import Generalized, SafeGroups, written_unit_prices
from customs_assets.months import FIRST_MONTH, first_day
from customs_assets.seeds import Root, derive_rng, derive_root, derive_seed
from customs_assets.synthesis.codec import Codec
from customs_assets.synthesis.encodings.price import PriceForm
from customs_assets.synthesis.fraud_propensity import FraudPropensity, draw_frauds
from customs_assets.synthesis.polish import DONORS_PER_GROUP, Polish
from customs_assets.synthesis.selection import DRAFTS, select

if TYPE_CHECKING:
    from customs_assets.generator.ctgan import CTGAN

ASSET = "synthetic_declarations"

# Sweeps of the polish: after two, where the draft started makes no more difference that a classifier could tell.
SWEEPS = 2

# Declaration IDs are numbers of 8 digits; each month has this many of them to itself.
IDS_A_MONTH = 250_000
_FIRST_ID, _IDS = 10_000_000, 90_000_000

# How often a row that copies a source row gets other identities before it is given up.
_REPAIRS = 20


@dataclass(frozen=True)
class Shared:
    """What the months share, made over all of them (decision 7 of the architecture).

    Attributes:
        safe: what may be shown as it is.
        identities: ``declaration_id`` and the four columns of composed identities, one row for each source declaration.
        propensity: how likely a declaration is found fraudulent.
    """

    safe: SafeGroups
    identities: pd.DataFrame
    propensity: FraudPropensity


@dataclass(frozen=True)
class SyntheticMonth:
    """A synthetic month and what was done to make it.

    Attributes:
        declarations: m rows with :data:`declaration.RELEASED_NAMES`, ordered by date.
        drafts: rows that the GAN drafted, of which m were selected.
        generalized: source rows whose tariff tuple too few importers declared, by what the tuple shares that took its place.
        codes_replaced: source rows whose code too few importers declared, by column.
        whole: synthetic rows whose tuple, mass and label at least ``k`` importers declared just so.
        repaired: rows that equalled a source row in everything but key and date and got other identities.
        copies: rows that still do.
        tuples_available: distinct tariff tuples that may be released of the month.
        tuples_used: distinct tariff tuples that the synthetic month has.
    """

    declarations: pd.DataFrame
    drafts: int
    generalized: dict[str, int]
    codes_replaced: dict[str, int]
    whole: int
    repaired: int
    copies: int
    tuples_available: int
    tuples_used: int


def generalized_month(declarations: pd.DataFrame, safe: SafeGroups, *, month: str, root: Root) -> Generalized:
    """A month's declarations by the ``k`` rule, the same wherever it is asked for.

    Raises:
        TooFewImporters: no tariff tuple of the month may be released.
    """
    return safe.generalize(declarations, derive_rng(root, "generalized_declarations", month))


@dataclass(frozen=True)
class ShownMonth:
    """A month's declarations as they may be shown.

    Attributes:
        generalized: by the ``k`` rule.
        known: the same n rows at the prices of their new product codes.
        codec: fitted to them.
        core: them in the form of ``Codec.core``.
    """

    generalized: Generalized
    known: pd.DataFrame
    codec: Codec
    core: pd.DataFrame


def shown_month(
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    safe: SafeGroups,
    month: str,
    root: Root,
    min_group: int,
    price: PriceForm = "residual",
) -> ShownMonth:
    """What synthetic rows are made like, the same wherever it is asked for.

    Raises:
        TooFewImporters: no tariff tuple of the month may be released.
    """
    generalized = generalized_month(declarations, safe, month=month, root=root)
    known = repriced(generalized.declarations, declarations, unit_prices)
    codec = Codec.fit(
        known, unit_prices, min_group, price, safe_masses=safe.masses, root=derive_root(root, "codec", month)
    )
    core = codec.core(known)
    # What is safe over all months may be the month's least or largest mass; there nothing is shown whole.
    core["whole"] &= np.isin(core["net_mass"], codec.mass.bands.heaps)
    core.loc[_extreme_unit_prices(core, known["importer_id"], min_group, root), "unit_price"] = np.nan
    return ShownMonth(generalized, known, codec, codec.price_rows(core))


def _extreme_unit_prices(core: pd.DataFrame, importers: pd.Series, min_group: int, root: Root) -> np.ndarray:
    """Which of a month's n rows have a safe unit price that may be the month's least or largest, as booleans.

    It is safe over all months; in the tails of this one, only what ``min_group`` of its own importers wrote is.
    """
    written, priced = written_unit_prices(core)
    numbers = pd.Series(written[priced].astype(float))
    owners = importers[priced].reset_index(drop=True)
    bands = Bands.fit(numbers, owners, min_group, root=derive_root(root, "unit price bands"))
    shown = core["unit_price"].to_numpy(dtype=float)
    return ~np.isnan(shown) & bands.in_tails(shown)


def fitted_propensity(
    source: Mapping[str, pd.DataFrame],
    unit_prices: Mapping[str, pd.DataFrame],
    safe: SafeGroups,
    *,
    root: Root,
    min_group: int,
) -> FraudPropensity:
    """How likely fraud is, learned from the anonymized declarations of all months.

    Args:
        source: the declarations by month.
        unit_prices: their ``unit_prices`` by month.
        safe: what may be shown of them.
        root: what draws derive from.
        min_group: importers that each rate must rest on.

    Raises:
        OfOneKind: all declarations are fraud, or none is.
        TooFewImporters: no tariff tuple of a month may be released.
    """
    cores = [Codec.fit(rows, unit_prices[month], min_group, root=root).core(rows) for month, rows in source.items()]
    shown = [shown_month(rows, unit_prices[month], safe, month, root, min_group).core for month, rows in source.items()]
    importers = pd.concat([rows["importer_id"] for rows in source.values()])
    return FraudPropensity.fit(
        pd.concat(cores, ignore_index=True),
        pd.factorize(importers)[0],
        min_group=min_group,
        root=root,
        shown=pd.concat(shown, ignore_index=True),
    )


def synthesize(
    model: CTGAN,
    declarations: pd.DataFrame,
    unit_prices: pd.DataFrame,
    shared: Shared,
    *,
    month: str,
    root: Root,
    min_group: int,
    rows: int | None = None,
    price: PriceForm = "residual",
) -> SyntheticMonth:
    """Make one synthetic month.

    Args:
        model: the month's trained CTGAN.
        declarations: the month's n anonymized rows.
        unit_prices: the month's ``unit_prices``.
        shared: what the months share; it has to know this month's declarations.
        month: ``YYYY-MM``.
        root: what draws derive from.
        min_group: importers that each draw must rest on.
        rows: rows to make; as many as the source has where None.
        price: form of the item price.

    Raises:
        ValueError: more rows are asked for than a month has declaration IDs, or ``shared`` was made without this month.
        TooFewImporters: no tariff tuple of the month may be released.
    """
    from threadpoolctl import threadpool_limits

    count = len(declarations) if rows is None else rows
    if count > IDS_A_MONTH:
        raise ValueError(f"{count} rows were asked of {month}; a month has {IDS_A_MONTH} declaration IDs")
    own = derive_root(root, ASSET, month)
    # Sums that several threads share come out in another order, and seeds alone would not give the same bytes.
    with threadpool_limits(1):
        shown = shown_month(declarations, unit_prices, shared.safe, month, root, min_group, price)
        known, codec, source = shown.known, shown.codec, shown.core
        importers = pd.factorize(known["importer_id"])[0]
        polish = Polish(source, importers, codec, min_group=min_group, root=own)
        drafted = codec.decode(model.sample(DRAFTS * count, derive_seed(own, "draft")), derive_rng(own, "decode"))
        chosen = select(
            polish.features(source),
            polish.features(drafted),
            count,
            min_leaf=DONORS_PER_GROUP * min_group,
            root=own,
        )
        core = drafted.iloc[chosen].reset_index(drop=True)
        for number in range(SWEEPS):
            core = polish.sweep(core, number)
        core = polish.mapped(core)
        core = _labelled(core, polish, shared.propensity, derive_rng(own, "labels"))
        slots = known[[name for name in known if name not in IDENTITIES]].merge(
            shared.identities, on="declaration_id", validate="one_to_one"
        )
        if len(slots) < len(known):
            raise ValueError(
                f"{len(known) - len(slots)} of {len(known)} declarations of {month} have no composed identity: "
                "composed_identities was made without this month; make it again"
            )
        complete = pd.concat([core, assign(core, slots, derive_rng(own, "identities"))], axis=1)
        complete, repaired, copies = _without_copies(_as_released(complete), declarations, derive_rng(own, "repair"))
    dated = complete.sort_values("date", kind="stable")
    dated = dated.assign(declaration_id=declaration_ids(month, count, root))
    return SyntheticMonth(
        declarations=_typed(dated),
        drafts=len(drafted),
        generalized=shown.generalized.shared,
        codes_replaced=shown.generalized.codes_replaced,
        whole=int(core["whole"].sum()),
        repaired=repaired,
        copies=copies,
        tuples_available=_tuples(_as_released(known)),
        tuples_used=_tuples(complete),
    )


def repriced(known: pd.DataFrame, declarations: pd.DataFrame, unit_prices: pd.DataFrame) -> pd.DataFrame:
    """The generalised rows at the prices of their new product codes: as far above or below them as the old ones were.

    A price that stays while the code changes would look like an undervaluation, or the opposite.
    """
    by_code = unit_prices.set_index("hs10_code")["unit_price"]
    old, new = (rows["hs10_code"].map(by_code).to_numpy(dtype=float) for rows in (declarations, known))
    price = known["item_price"] * np.where(old == new, 1.0, new / old)
    return known.assign(item_price=np.where(old == new, known["item_price"], price.round(2)))


def _labelled(
    core: pd.DataFrame, polish: Polish, propensity: FraudPropensity, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with their labels drawn at the rates that fraud has among their like.

    Goods that are shown whole keep the label that came with them. Whether a fraud is a critical one is drawn from donors that
    are frauds themselves.
    """
    free = ~core["whole"].to_numpy(dtype=bool)
    fraud = core["fraud"].to_numpy(dtype="int8", copy=True)
    fraud[free] = draw_frauds(propensity.rates_of(core[free]), rng)
    critical = core["critical_fraud"].to_numpy(dtype="int8", copy=True)
    redrawn = free & (fraud == 1)
    critical[free] = 0
    critical[redrawn] = polish.critical_frauds(core[redrawn], rng)
    return core.assign(fraud=fraud, critical_fraud=critical)


def _as_released(complete: pd.DataFrame) -> pd.DataFrame:
    return complete.assign(hs6_code=complete["hs10_code"].str[:6])


def _tuples(declarations: pd.DataFrame) -> int:
    return len(declarations[list(RELEASED_TUPLE)].drop_duplicates())


def declaration_ids(month: str, count: int, root: Root) -> np.ndarray:
    """``count`` distinct 8-digit IDs as text, of which no other month of the same root has any.

    The month's numbers are consecutive; an affine permutation of all 90 million, drawn from the root, scatters them.
    """
    first, day = first_day(FIRST_MONTH), first_day(month)
    position = ((day.year - first.year) * 12 + day.month - first.month) * IDS_A_MONTH
    if position + IDS_A_MONTH > _IDS:
        raise ValueError(f"{month} lies too far from {FIRST_MONTH}: the 8-digit declaration IDs are used up")
    rng = derive_rng(root, ASSET, purpose="declaration ids")
    factor = int(rng.integers(_IDS // 3, _IDS // 2))
    while math.gcd(factor, _IDS) != 1:
        factor += 1
    offset = int(rng.integers(_IDS))
    numbers = ((position + np.arange(count, dtype=np.int64)) * factor + offset) % _IDS + _FIRST_ID
    return numbers.astype(str).astype(object)


def _without_copies(
    complete: pd.DataFrame, declarations: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, int, int]:
    """Exchange the importers of rows that equal a source row in everything but key and date with those of other rows.

    Returns:
        The rows, how many had to be mended, how many could not be.
    """
    copied = _copies(complete, declarations)
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
        copied = _copies(complete, declarations)
    return complete, repaired, int(copied.sum())


def _copies(complete: pd.DataFrame, declarations: pd.DataFrame) -> np.ndarray:
    """Which synthetic rows equal some source row in everything but key and date."""
    compared = [name for name in RELEASED_NAMES if name not in ("declaration_id", "date")]
    known = set(_as_released(declarations)[compared].itertuples(index=False, name=None))
    return np.array([row in known for row in complete[compared].itertuples(index=False, name=None)], dtype=bool)


def _typed(released: pd.DataFrame) -> pd.DataFrame:
    """Columns in the released order and types."""
    typed = released[list(RELEASED_NAMES)].reset_index(drop=True)
    labels = {a.name: "int8" for a in RELEASED if a.kind is Kind.LABEL}
    return typed.astype({"date": "datetime64[ns]", **labels})
